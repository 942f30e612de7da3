rule evaluate:
    """Measure one variant, or a whole study."""
    input:
        nodes=flow.inputs,
    output:
        provenance="results/store/evaluate/{name}-{key}/provenance.json",
    log:
        "results/logs/evaluate/{name}-{key}.log",
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
        "evaluate {params.title} ({wildcards.name}-{wildcards.key})"
    shell:
        "{params.python} -m neurosieve evaluate {params.study} {wildcards.key} --scale {params.scale} > {log} 2>&1"
