report: "../report/workflow.rst"


rule report:
    """Draw the page, the links by study and variant, and the flat metrics that DVC compares."""
    input:
        nodes=flow.page_inputs,
    output:
        # its copies for `snakemake --report` are made when that is asked for
        *flow.copies(
            report(
                directory("results/report/snakemake-{key}/pages"),
                patterns=["{page,[^/]+}.html", "studies/{study}.html", "assets/{script}.js"],
                caption="../report/page.rst",
                category=flow.shown_under,
                subcategory=flow.shown_as,
                labels=flow.shown_labels,
            ),
            report(
                directory("results/report/snakemake-{key}/verdicts"),
                patterns=["{study}.html"],
                caption="../report/verdict.rst",
                category="{study}",
                subcategory="verdict",
                labels={"shows": "verdicts of the claims"},
            ),
        ),
        stamp="results/report/shown-{key}",
    log:
        "results/logs/report/{key}.log",
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        python=sys.executable,
        scale=flow.project.scale,
        copies="".join(flow.copies(" --copies")),
    message:
        "report results/report/index.html"
    shell:
        "{params.python} -m neurosieve report --stamp {wildcards.key} --scale {params.scale}{params.copies} > {log} 2>&1"
