rule report:
    """Draw the page, the links by study and variant, and the flat metrics that DVC compares."""
    input:
        nodes=flow.page_inputs,
    output:
        stamp="results/report/shown-{key}",
    log:
        "results/logs/report/{key}.log",
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        python=sys.executable,
        scale=flow.scale,
    message:
        "report results/report/index.html"
    shell:
        "{params.python} -m neurosieve report --stamp {wildcards.key} --scale {params.scale} > {log} 2>&1"
