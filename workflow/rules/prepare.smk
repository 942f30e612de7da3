rule prepare:
    """Make a dataset, or choose the rows to forget."""
    input:
        nodes=flow.inputs,
    output:
        provenance="results/store/prepare/{name}-{key}/provenance.json",
    log:
        "results/logs/prepare/{name}-{key}.log",
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
        "prepare {params.title} ({wildcards.name}-{wildcards.key})"
    shell:
        "{params.python} -m neurosieve prepare {params.study} {wildcards.key} --scale {params.scale} > {log} 2>&1"
