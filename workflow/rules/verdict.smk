rule verdict:
    """Collect a study's metrics and decide its claims."""
    input:
        nodes=flow.inputs,
    output:
        node=flow.output("verdict"),
    log:
        "results/logs/verdict/{name}-{key}.log",
    threads: flow.ask("threads")
    resources:
        mem_mb=flow.ask("mem_mb"),
        runtime=flow.ask("minutes"),
        gpu=flow.ask("gpu"),
    params:
        python=sys.executable,
        job=flow.job,
    message:
        "verdict {params.job[title]} ({wildcards.name}-{wildcards.key})"
    shell:
        "{params.python} -m neurosieve verdict {params.job[study]} {wildcards.key} --scale {params.job[scale]}"
        " --output {output.node} > {log} 2>&1"
