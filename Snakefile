"""neurosieve: prepare -> train -> intervene -> export -> evaluate -> verdict -> report.

The plan (src/neurosieve/plan/) knows every node; only missing ones and the page become jobs.
"""

import sys

sys.path.insert(0, f"{workflow.basedir}/src")

from neurosieve.errors import UserError
from neurosieve.workflow import Workflow

# workers that share no folder, and a storage plugin between them: nodes travel as single files
stored = workflow.storage_settings.default_storage_provider is not None
reported = any(
    word.partition("=")[0] == "--report" for word in sys.argv
)  # Snakemake itself tells only afterwards
try:
    flow = Workflow(workflow.basedir, config, not workflow.is_main_process, stored, reported)
except UserError as error:
    sys.exit(f"neurosieve: error: {error}")


wildcard_constraints:
    name=r"[a-z0-9._-]+?",
    key=r"[0-9a-f]{16}",
    slice=r"[0-9a-f]{16}",


localrules:
    all,


rule all:
    default_target: True
    input:
        flow.all,


for study in flow.aliases:

    rule:
        name:
            study
        input:
            flow.study(study),
        localrule: True

    # Snakemake copies these globals for every text of every job: quadratic, if each study left a name
    globals().pop(f"__{study}", None)


include: "workflow/rules/prepare.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/intervene.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/verdict.smk"
include: "workflow/rules/bundle.smk"
include: "workflow/rules/certify.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/collect.smk"


onstart:
    flow.start(workflow)


onerror:
    flow.draw_after_failure()
