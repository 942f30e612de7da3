rule train:
    """Train a model."""
    input:
        nodes=flow.inputs,
    output:
        provenance="results/store/train/{name}-{key}/provenance.json",
    log:
        "results/logs/train/{name}-{key}.log",
    threads: flow.ask("threads")
    resources:
        mem_mb=flow.ask("mem_mb"),
        runtime=flow.ask("minutes"),
        gpu=flow.ask("gpu"),
    params:
        python=sys.executable,
        study=flow.study_of,
        title=flow.title,
        scale=flow.scale,
    message:
        "train {params.title} ({wildcards.name}-{wildcards.key})"
    shell:
        "{params.python} -m neurosieve train {params.study} {wildcards.key} --scale {params.scale} > {log} 2>&1"
