rule intervene:
    """Change a trained model: unlearn, prune, sparsify, adapt, analyse."""
    input:
        nodes=flow.inputs,
    output:
        node=flow.output("intervene"),
    log:
        "results/logs/intervene/{name}-{key}.log",
    threads: flow.ask("threads")
    resources:
        mem_mb=flow.ask("mem_mb"),
        runtime=flow.ask("minutes"),
        gpu=flow.ask("gpu"),
    params:
        python=sys.executable,
        job=flow.job,
    message:
        "intervene {params.job[title]} ({wildcards.name}-{wildcards.key})"
    shell:
        "{params.python} -m neurosieve intervene {params.job[study]} {wildcards.key} --scale {params.job[scale]}"
        " --output {output.node} > {log} 2>&1"
