rule bundle:
    """Compute a slice of short nodes in one process (`--config bundle=MINUTES`, for clusters)."""
    input:
        nodes=flow.slice_inputs,
    output:
        done="results/.work/bundle-{slice}/done",
    log:
        "results/logs/bundle/{slice}.log",
    threads: 1
    resources:
        mem_mb=flow.slice_memory,
        runtime=flow.slice_minutes,
    params:
        python=sys.executable,
        job=flow.slice_job,
    message:
        "bundle {params.job[title]}"
    shell:
        "{params.python} -m neurosieve bundle {wildcards.slice} --cpus {threads} --scale {params.job[scale]} > {log} 2>&1"
        " && touch {output.done}"
