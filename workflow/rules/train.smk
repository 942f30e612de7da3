rule train:
    """Train a model."""
    input:
        nodes=flow.inputs,
    output:
        node=flow.output("train"),
    log:
        "results/logs/train/{name}-{key}.log",
    threads: flow.ask("threads")
    resources:
        mem_mb=flow.ask("mem_mb"),
        runtime=flow.ask("minutes"),
        gpu=flow.ask("gpu"),
    params:
        python=sys.executable,
        job=flow.job,
    message:
        "train {params.job[title]} ({wildcards.name}-{wildcards.key})"
    shell:
        "{params.python} -m neurosieve train {params.job[study]} {wildcards.key} --scale {params.job[scale]}"
        " --output {output.node} > {log} 2>&1"
