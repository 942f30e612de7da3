rule prepare:
    """Make a dataset, or choose the rows to forget."""
    input:
        nodes=flow.inputs,
    output:
        node=flow.output("prepare"),
    log:
        "results/logs/prepare/{name}-{key}.log",
    threads: flow.ask("threads")
    resources:
        mem_mb=flow.ask("mem_mb"),
        runtime=flow.ask("minutes"),
        gpu=flow.ask("gpu"),
    params:
        python=sys.executable,
        job=flow.job,
    message:
        "prepare {params.job[title]} ({wildcards.name}-{wildcards.key})"
    shell:
        "{params.python} -m neurosieve prepare {params.job[study]} {wildcards.key} --scale {params.job[scale]}"
        " --output {output.node} > {log} 2>&1"
