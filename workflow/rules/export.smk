rule export:
    """Export a model to a hardware target and run it there for parity."""
    input:
        nodes=flow.inputs,
    output:
        node=flow.output("export"),
    log:
        "results/logs/export/{name}-{key}.log",
    threads: flow.ask("threads")
    resources:
        mem_mb=flow.ask("mem_mb"),
        runtime=flow.ask("minutes"),
        gpu=flow.ask("gpu"),
    params:
        python=sys.executable,
        job=flow.job,
    message:
        "export {params.job[title]} ({wildcards.name}-{wildcards.key})"
    shell:
        "{params.python} -m neurosieve export {params.job[study]} {wildcards.key} --scale {params.job[scale]}"
        " --output {output.node} > {log} 2>&1"
