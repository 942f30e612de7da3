rule certify:
    """Write a study's next certificate, where its result is new."""
    input:
        nodes=flow.certified,
    output:
        stamp=local("results/certificates/.stamps/{study}@{key}"),
    log:
        local("results/logs/certify/{study}-{key}.log"),
    wildcard_constraints:
        study=r"[a-zA-Z0-9-]+",
    localrule: True
    params:
        python=sys.executable,
        scale=flow.project.scale,
    message:
        "certify {wildcards.study}"
    shell:
        "{params.python} -m neurosieve certify {wildcards.study} --stamp {wildcards.key} --scale {params.scale}"
        " > {log} 2>&1"
