"""Snakemake's own linter over our Snakefile; one message does not apply here and is left out.

Snakemake asks every shell rule for a conda environment or container. Our generic rules all run in the one
pinned environment of constraints.txt, so that message is ignored and every other one fails the check.
Snakemake 9.27 takes `--lint json` but prints text all the same, so its API is asked for the JSON.
"""

import io
import json
import sys
from contextlib import redirect_stdout

from snakemake.api import OutputSettings, ResourceSettings, SnakemakeApi

IGNORED = {"Specify a conda environment or container for each rule."}


def lints() -> list[str]:
    """Every lint that applies, as one line: where, what."""
    printed = io.StringIO()
    with SnakemakeApi(OutputSettings()) as api, redirect_stdout(printed):
        api.workflow(resource_settings=ResourceSettings(cores=1)).lint(json=True)
    text = printed.getvalue()
    groups = json.loads(text[text.index('{\n  "snakefiles"') :])
    return [
        f"{place(group['for'])}: {lint['title']}"
        for group in groups["snakefiles"] + groups["rules"]
        for lint in group["lints"]
        if lint["title"] not in IGNORED
    ]


def place(item: dict[str, object]) -> str:
    """Where a lint was found, in words."""
    return " ".join(f"{key} {value}" for key, value in item.items())


if __name__ == "__main__":
    found = lints()
    print("\n".join(found) or "snakemake --lint: nothing found")
    sys.exit(bool(found))
