"""Replicates, resources, devices and scales: what a study asks for reaches plan, store and Snakemake."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from neurosieve.workflow import Workflow
from tests import toys
from tests.pipeline.sandbox import Sandbox
from tests.toys import ORIGINAL, bare, model_node

SHIFT = {"use": "adaptation.toy_shift"}
DROP = {"use": "unlearning.toy_drop"}
ACCURACY = {"use": "toy_accuracy"}


def test_replicates_are_one_node_and_as_many_seeds(tmp_path: Path) -> None:
    content = bare(
        {"original": {**ORIGINAL, "replicates": 7}, "moved": {"from": "original", "adapt": SHIFT}},
        seeds=[11, 12, 13], evaluate=[ACCURACY],
        claims=[{
            "id": "T1", "says": "Seven runs.", "paper": "none", "metrics": ["accuracy"], "variants": ["moved"],
            "min_seeds": 7,
            "criterion": {"left": {"metric": "accuracy", "split": "test", "of": "moved"}, "is": "at_least", "right": 0},
        }],
    )  # fmt: skip
    made, plan = toys.ran(tmp_path / "p", content)
    assert len([node for node in plan.nodes.values() if node.stage == "train"]) == 1
    seeds = toys.metrics(made, plan).filter((pl.col("variant") == "moved") & (pl.col("split") == "test"))["seed"]
    assert seeds.to_list() == list(range(7))
    verdict = json.loads((toys.directory(made, plan.nodes[plan.verdict]) / "verdicts.json").read_text())[0]
    assert verdict["verdict"] == "holds"
    assert "7" in json.dumps(verdict)


class Wildcards:
    """What Snakemake hands to an input function."""

    def __init__(self, key: str) -> None:
        self.key = key


def test_resources_reach_snakemake_and_memory_doubles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bare(
        {
            "original": ORIGINAL,
            "moved": {"from": "original", "adapt": SHIFT, "resources": {"memory": "1.5 GB", "minutes": 2, "gpu": 1}},
        },
        resources={"train": {"memory": "300 MB", "minutes": 7, "threads": 3}},
    )
    made = toys.project(tmp_path / "p", {"tiny": content})
    monkeypatch.setattr("neurosieve.plan.project.Source", lambda memory: made.source)
    flow = Workflow(made.root, {})
    plan = flow.plans["tiny"]

    def asks(key: str, attempt: int = 1) -> list[float]:
        return [flow.ask(name)(Wildcards(key), attempt=attempt) for name in ("mem_mb", "minutes", "threads", "gpu")]

    assert asks(model_node(plan, "original").key) == [300, 7, 3, 0]
    assert asks(model_node(plan, "original").key, attempt=3) == [1200, 7, 3, 0]
    assert asks(model_node(plan, "moved").key, attempt=2) == [3000, 2, 1, 1]
    assert asks(plan.verdict) == [1000, 10, 1, 0]


PROBE = """
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent


class LogHandler(LogHandlerBase):
    writes_to_stream, writes_to_file = True, False
    has_filter = has_formatter = needs_rulegraph = False

    def emit(self, record):
        if getattr(record, "event", None) == LogEvent.JOB_INFO:
            asked = {name: record.resources.get(name) for name in ("mem_mb", "runtime", "gpu")}
            print("asked", record.rule_name, record.threads, *asked.values(), flush=True)
"""


@pytest.mark.pipeline
def test_resources_in_a_real_dry_run(fresh: Sandbox) -> None:
    plugin = fresh.root / "src" / "snakemake_logger_plugin_probe" / "__init__.py"
    plugin.parent.mkdir()
    plugin.write_text(PROBE)
    asks = {"train": {"memory": "300 MB", "minutes": 7, "threads": 2, "gpu": 1}}
    fresh.configure({"tiny": bare({"original": ORIGINAL}, resources=asks)})
    ran = fresh.snakemake("-n", "--workflow-profile", "none", "--logger", "probe", "--cores", "4")
    assert ran.code == 0, ran.output
    assert "asked train 2 300 7 1" in ran.output
    assert "asked prepare 1 1000 10 0" in ran.output


def test_device_enters_the_key_unless_it_is_cpu(tmp_path: Path) -> None:
    keys = {}
    for name, change in {"none": {}, "cpu": {"device": "cpu"}, "cuda": {"device": "cuda"}}.items():
        plan = toys.planned(tmp_path / name, bare({"original": ORIGINAL}, **change))
        node = model_node(plan, "original")
        keys[name] = node.key
        assert ("device" in node.recipe) == (name == "cuda")
        assert "device" not in plan.nodes[node.recipe["inputs"]["data"]].recipe
    assert keys["none"] == keys["cpu"] != keys["cuda"]


def test_device_of_one_variant(tmp_path: Path) -> None:
    variants = {"original": ORIGINAL, "moved": {"from": "original", "adapt": SHIFT, "device": "cuda:0"}}
    plan = toys.planned(tmp_path, bare(variants))
    assert model_node(plan, "moved").recipe["device"] == "cuda:0"
    assert "device" not in model_node(plan, "original").recipe


def test_scales_merge_and_coexist(tmp_path: Path) -> None:
    content = bare(
        {
            "original": {**ORIGINAL, "train": {"use": "toy.fit", "epochs": 5, "checkpoints": [1, 2]}},
            "dropped": {"from": "original", "unlearn": {**DROP, "far": 4}},
        },
        seeds=[11, 12],
        evaluate=[ACCURACY],
        scales={
            "smoke": {
                "seeds": [12],
                "dataset": {"rows": 3},
                "variants": {"original": {"train": {"epochs": 1, "checkpoints": [1]}}, "dropped": None},
            }
        },
    )
    made = toys.project(tmp_path / "p", {"tiny": content})
    default = toys.run(made)
    small = toys.project(tmp_path / "p", {"tiny": content}, scale="smoke")
    smoke = toys.run(small)
    assert {cell.seed for cell in smoke.cells} == {12}
    assert {cell.variant for cell in smoke.cells} == {"original"}
    params = model_node(smoke, "original", 12).recipe["params"]
    assert (params["epochs"], params["checkpoints"]) == (1, [1])
    assert model_node(default, "original", 12).recipe["params"]["epochs"] == 5
    assert not {node.key for node in smoke.nodes.values()} & {node.key for node in default.nodes.values()}
    assert set(toys.metrics(small, smoke)["scale"]) == {"smoke"}
    assert set(toys.metrics(made, default)["scale"]) == {"default"}
    assert made.store.present() == {node.folder for plan in (smoke, default) for node in plan.nodes.values()}
