rule collect:
    """Unpack here what workers without a shared folder made (`plan=full` with a storage plugin), and draw the page."""
    input:
        nodes=flow.page_inputs,
    output:
        stamp=local("results/.work/collected/{key}"),
    log:
        local("results/logs/report/{key}.log"),
    localrule: True
    params:
        python=sys.executable,
        scale=flow.project.scale,
    message:
        "report results/report/index.html"
    shell:
        "{params.python} -m neurosieve report --scale {params.scale} --packed {input.nodes[0]} > {log} 2>&1"
        " && touch {output.stamp}"
