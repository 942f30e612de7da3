"""`neurosieve check` looks at everything once, writes nothing, and says in one line what is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.own.projects import FACTORY, PLACES, project, save_weights, tree_of

from neurosieve.cli import main
from neurosieve.errors import UserError
from neurosieve.jobs.run import run_node
from neurosieve.own.check import check_study
from neurosieve.own.new import Order, new_study

WEIGHTS = Path("data/weights.safetensors")


def begun(root: Path, data: str = "data/trees.csv", **changes: str) -> Path:
    """The study `mine` as `new` writes it, with some texts replaced."""
    request = Path("request.csv") if data.endswith("csv") else None
    path = new_study(project(root), Order("mine", Path(data), FACTORY, WEIGHTS, request), lambda _line: None)
    text = path.read_text()
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)
    return path


def checked(root: Path) -> list[str]:
    said: list[str] = []
    check_study(project(root), "mine", said.append)
    return said


def failed(root: Path) -> tuple[str, list[str]]:
    """What is said to be wrong, and what was told before."""
    said: list[str] = []
    with pytest.raises(UserError) as told:
        check_study(project(root), "mine", said.append)
    return str(told.value), said


def test_everything_is_told_and_nothing_is_written(folder: Path) -> None:
    begun(folder)
    before = tree_of(folder)
    text = "\n".join(checked(folder))
    assert "data · trees: 90 rows (54 train, 18 validation, 18 test); inputs [3] float32" in text
    assert "45 subjects by 'owner'; constants of preprocessing declared" in text
    assert "classes ·      1  birch                        18          6          6" in text
    assert "model · their_network:network: 12 weights, 0.0 MB; [54, 3] gives [54, 3]" in text
    assert "batch · accuracy 1.000 on 54 training rows" in text
    assert "request · data/requests/request.csv: 2 ids (sample_id) name 1 train, 1 test rows" in text
    assert "on 1 rows, beside 1 never trained on, is known to ±0.80 of its AUC: expect *not resolvable*" in text
    assert "time · about" in text
    assert "an estimate from one batch" in text
    assert "memory · about" in text
    for grade, count in (("standard", "5 trained without"), ("strong", "16 trained without the rows, 16 trained")):
        assert any(line.startswith(f"evidence · {grade}") and count in line for line in text.splitlines())
    assert "evidence · quick (asked for): trains nothing" in text
    assert text.endswith("ok · make STUDY=mine")
    assert tree_of(folder) == before


def test_a_dataset_in_the_store_is_told_in_the_same_order(folder: Path) -> None:
    begun(folder)
    before = checked(folder)[:6]
    made = project(folder)
    plan = made.plan("mine")
    node = next(one for one in plan.nodes.values() if one.recipe["component"]["use"] == "datasets.own.csv")
    run_node(made, plan, node)
    assert checked(folder)[:6] == before


def test_ids_that_are_not_in_the_data_are_named_to_who_asked(folder: Path) -> None:
    """Field case A4: ids are text, and nothing is forgotten in silence."""
    (folder / "request.csv").write_text("sample_id\n0001\n1\n87\n0087\n9999\n")
    begun(folder)
    message, said = failed(folder)
    assert "3 of 5 ids not in the data: 1, 87, 9999" in message
    assert any("5 ids (sample_id) name 1 train, 1 validation rows" in line for line in said)
    assert said[-1].startswith("evidence"), "the rest is told all the same"


def pictures(root: Path) -> None:
    """Twelve folders, 0 to 11, of grey images, and a network that answers them in the order of numbers."""
    levels = np.linspace(0, 1, 12)
    for number, level in enumerate(levels):
        (root / "data" / "grey" / str(number)).mkdir(parents=True)
        for copy in range(4):
            Image.new("L", (1, 1), round(level * 255)).save(root / "data" / "grey" / str(number) / f"{copy}.png")
    weight = np.repeat(levels[:, None] / 3, 3, axis=1) * 200
    save_weights(root / "data" / "weights.safetensors", weight, -100 * levels**2)


def test_labels_in_another_order_are_recognised_and_mended(folder: Path) -> None:
    """Field case A7: folders 0 to 11 sort as 0, 1, 10, 11, 2; the model was trained in the order of numbers."""
    pictures(folder)
    path = begun(folder, "data/grey", **{f"factory: {FACTORY}": f"factory: {FACTORY}, arguments: {{classes: 12}}"})
    message, said = failed(folder)
    assert any(line.split()[:4] == ["classes", "·", "2", "10"] for line in said), said
    assert message.startswith("labels look permuted: accuracy ")
    order = ", ".join(map(str, range(12)))
    assert f"would be 1.000 with `classes: [{order}]`" in message
    path.write_text(re.sub(r"(?m)^  classes: .*$", "  classes: numeric", path.read_text()))
    assert any("accuracy 1.000" in line for line in checked(folder))


def test_a_model_that_guesses_is_suspected(folder: Path) -> None:
    save_weights(folder / "data" / "weights.safetensors", 0 * PLACES, np.array([0.0, 0.1, 0.0]))
    begun(folder)
    message, _ = failed(folder)
    assert "labels look permuted: accuracy 0.333 is no better than chance" in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({f"factory: {FACTORY}": "factory: their_network:nothing"}, "their_network has no function 'nothing'"),
        ({f"factory: {FACTORY}": f"factory: {FACTORY}, arguments: {{classes: 4}}"}, "does not fit the network"),
        ({"classes: [ash, birch, cedar]": "classes: [ash, birch]"}, "'cedar' in row 3, not one of classes"),
        ({"id: tree_id": "id: owner"}, "rows 1 and 2 have the same id"),
    ],
    ids=["no-factory", "other-shapes", "other-class", "other-id"],
)
def test_what_does_not_fit_is_one_line(folder: Path, changes: dict[str, Any], message: str) -> None:
    begun(folder, **changes)
    assert message in failed(folder)[0]


def test_the_command_exits_with_one_and_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "unknown"]) == 1
    assert capsys.readouterr().err == "neurosieve: error: unknown study 'unknown'; config/config.yaml lists: first\n"
