rule intervene:
    """Change a trained model: unlearn, prune, sparsify, adapt, analyse."""
    input:
        nodes=flow.inputs,
    output:
        provenance="results/store/intervene/{name}-{key}/provenance.json",
    log:
        "results/logs/intervene/{name}-{key}.log",
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
        "intervene {params.title} ({wildcards.name}-{wildcards.key})"
    shell:
        "{params.python} -m neurosieve intervene {params.study} {wildcards.key} --scale {params.scale} > {log} 2>&1"
