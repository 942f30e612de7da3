rule verdict:
    """Collect a study's metrics and decide its claims."""
    input:
        nodes=flow.inputs,
    output:
        provenance="results/store/verdict/{name}-{key}/provenance.json",
    log:
        "results/logs/verdict/{name}-{key}.log",
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
        "verdict {params.title} ({wildcards.name}-{wildcards.key})"
    shell:
        "{params.python} -m neurosieve verdict {params.study} {wildcards.key} --scale {params.scale} > {log} 2>&1"
