"""The progress of a real Snakemake, through the logger plugin."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parent.parent.parent / "src"
LOG = Path("results/logs/progress.log")
TIMES = Path("results/.work/times.json")

SNAKEFILE = """
KEYS = [f"{i:016x}" for i in range(1, 7)]
rule all:
    input: expand("out/train/net-{key}", key=KEYS)
rule train:
    output: "out/train/{name}-{key}"
    log: "results/logs/train/{name}-{key}.log"
    wildcard_constraints: key="[0-9a-f]{16}"
    message: "train toy/original/{wildcards.key} ({wildcards.name}-{wildcards.key})"
    shell:
        "(echo starting; test {wildcards.key} != 0000000000000003 || (echo 'no rows' >&2; exit 1);"
        " touch {output}) > {log} 2>&1"
"""


def snakemake(*options):
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--logger", "neurosieve", "--cores", "2", "--keep-going", *options],
        env={**os.environ, "PYTHONPATH": str(SRC)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines()


@pytest.mark.pipeline
def test_a_real_run_of_snakemake(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("Snakefile").write_text(SNAKEFILE)
    code, lines = snakemake("--dry-run")
    assert code == 0
    assert lines[0] == "6 jobs would run"
    assert sum(line.startswith("would run: train net-000000000000000") for line in lines) == 6
    assert not Path("results").exists()
    code, lines = snakemake()
    assert code == 1
    assert len(lines) < 15
    assert lines[0] == "6 jobs to do: 6 train"
    failed = "failed: train net-0000000000000003 (toy/original/0000000000000003): no rows"
    assert [line for line in lines if "failed:" in line] == [
        f"{failed} · log: results/logs/train/net-0000000000000003.log"
    ]
    assert re.fullmatch(r"done: 5 of 6 jobs in 0:\d\d \(1 failed\)", lines[-1])
    assert failed in LOG.read_text()
    assert json.loads(TIMES.read_text()).keys() == {"train", "train/net"}
    code, lines = snakemake("out/train/net-0000000000000001")
    assert (code, lines) == (0, ["nothing to be done"])
