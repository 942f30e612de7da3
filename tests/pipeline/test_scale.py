"""What must not grow with the number of studies, counted and not timed: see benchmarks/scale.py for the seconds."""

from __future__ import annotations

import pstats
import re
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from neurosieve.views.browse import MANY, tree
from neurosieve.workflow import Workflow
from tests import toys
from tests.pipeline import many
from tests.pipeline.sandbox import STUDY, Sandbox

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]
SPY = """import os, sys
def heard(event, arguments, file=os.environ["OPENED"]):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].endswith((".yaml", ".json")):
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "a") as out:
            out.write(f"{os.getpid()} {arguments[0]}\\n")
sys.addaudithook(heard)
"""


def test_a_worker_reads_the_plan_of_one_study(tmp_path: Path, warm_folder: dict[str, str]) -> None:
    box = many.make(tmp_path / "project", 4, environment=warm_folder)
    assert box.snakemake("-n", "-q", "all").code == 0
    (line,) = [line for line in box.cli("plan", "s0002").output.splitlines() if " original/11 " in line]
    train = line.split()[-1]
    assert box.snakemake("--until", "prepare", "-q", "all").code == 0
    (box.root / "src" / "sitecustomize.py").write_text(SPY)
    opened = tmp_path / "opened"
    ran = box.run(*many.worker(box, "train", train), NEUROSIEVE_WARM="0", OPENED=str(opened))
    assert ran.code == 0, ran.output
    assert f"train/{train}" in box.nodes()
    read: dict[str, list[str]] = {}
    for process, path in (line.split(" ", 1) for line in opened.read_text().splitlines()):
        read.setdefault(process, []).append(path)
    studies = [[path for path in paths if "config/studies/" in path] for paths in read.values()]
    plans = [[path for path in paths if ".work/plans/" in path] for paths in read.values()]
    assert [len(set(paths)) for paths in studies if paths] == [1, 1]  # Snakemake's process, and the job's
    assert [len(set(paths)) for paths in plans if paths] == [1, 1]
    assert all(Path(path).name.startswith("s0002") for paths in studies + plans for path in paths)


def test_calls_of_a_dry_run_grow_with_the_nodes(tmp_path: Path) -> None:
    small, middle, large = (_calls(tmp_path, studies) for studies in (4, 8, 16))
    assert large - middle < 2.3 * (middle - small)


def _calls(folder: Path, studies: int) -> int:
    """Function calls of planning so many studies and of Snakemake's dry run."""
    box, file = many.make(folder / str(studies), studies), folder / f"{studies}.prof"
    ran = box.run("cProfile", "-o", str(file), "-m", "snakemake", "-n", "-q", "all", PYTHONHASHSEED="0")
    assert ran.code == 0, ran.output
    return sum(count for _, count, *_ in vars(pstats.Stats(str(file)))["stats"].values())


def test_a_study_leaves_no_name_in_the_snakefile(tmp_path: Path) -> None:
    """Snakemake copies all of them for every text of every job."""
    counted = []
    for studies in (2, 6):
        box = many.make(tmp_path / str(studies), studies)
        with (box.root / "Snakefile").open("a") as snakefile:
            snakefile.write('\nprint("names:", len(globals()))\n')
        counted += re.findall(r"names: (\d+)", box.snakemake("-n", "-q", "all", "--until", "prepare").output)
    assert len(counted) == 2
    assert counted[0] == counted[1]


def test_commands_name_no_files_of_nodes(tmp_path: Path) -> None:
    told = []
    for seeds in ([11], [11, 12]):
        box = Sandbox.make(tmp_path / str(len(seeds)), {"tiny": {**STUDY, "seeds": seeds, "claims": []}})
        output = box.snakemake("-n", "-p").output
        commands = re.findall(r"-m neurosieve (?:report|verdict) .*", output)
        assert len(commands) == 2, output
        assert all(command.count("results/store") <= 1 for command in commands)  # its own output
        told.append([re.sub(r"[0-9a-f]{16}", "KEY", command) for command in commands])
    assert told[0] == told[1]


def test_snakemake_gets_few_edges_and_the_same_order(tmp_path: Path) -> None:
    made = toys.project(tmp_path / "p", {f"s{number}": many.study(number, True) for number in range(3)})
    plans = made.plans()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neurosieve.plan.project.Source", lambda memory: made.source)
        flow = Workflow(made.root, {})
    nodes = {key: node for plan in plans.values() for key, node in plan.nodes.items()}
    edges = {key: _keys(flow.inputs(SimpleNamespace(key=key))) for key in nodes}
    *targets, _ = flow.all(None)
    assert sum(map(len, edges.values())) + 2 * len(targets) < 2 * len(nodes)
    every = {key: set(node.inputs) for key, node in nodes.items()}
    assert {key: _reached(edges, [key]) for key in nodes} == {key: _reached(every, [key]) for key in nodes}
    assert _reached(edges, _keys(targets)) == set(nodes)


def test_of_many_studies_the_plan_is_a_line_each(tmp_path: Path) -> None:
    made = toys.project(tmp_path / "p", {f"s{number}": many.study(number, False) for number in range(MANY + 1)})
    lines = list(tree(made, None))
    assert lines[:1] == ["s0 (default): 0 of 28 nodes exist"]
    assert len(lines) == MANY + 2
    assert lines[-1] == f"{MANY + 1} studies; `neurosieve plan STUDY` shows the nodes of one"
    assert any(line.startswith("  to do original/11 ") for line in tree(made, "s3"))


def _keys(files: list[str]) -> set[str]:
    return {Path(file).parent.name[-16:] for file in files}


def _reached(edges: dict[str, set[str]], start: Iterable[str]) -> set[str]:
    """Keys that these lead to, they themselves too."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        if (key := waiting.pop()) not in found:
            found.add(key)
            waiting += edges[key]
    return found
