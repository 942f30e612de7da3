rule export:
    """Export a model to a hardware target and run it there for parity."""
    input:
        nodes=flow.inputs,
    output:
        provenance="results/store/export/{name}-{key}/provenance.json",
    log:
        "results/logs/export/{name}-{key}.log",
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
        "export {params.title} ({wildcards.name}-{wildcards.key})"
    shell:
        "{params.python} -m neurosieve export {params.study} {wildcards.key} --scale {params.scale} > {log} 2>&1"
