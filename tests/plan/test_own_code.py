"""A user's own code in keys: by syntax tree, with all of theirs that it imports; a change reruns their chain alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests import toys
from tests.toys import ORIGINAL, bare

from neurosieve.errors import UserError
from neurosieve.plan import own_code as module
from neurosieve.plan.own_code import importable, own_code
from neurosieve.plan.project import Project

FILES = {
    "nets/__init__.py": '"""Nets."""\n',
    "nets/mlp.py": (
        '"""A net."""\nimport math\nimport torch\nfrom neurosieve.models.masked import apply_masks\n'
        "from .blocks import block\n\n\ndef build(width=4):\n    import helper.sizes\n    return block(width)\n"
    ),
    "nets/blocks.py": "import sklearn.metrics as m\n\n\ndef block(n):\n    return n\n",
    "nets/lonely.py": "X = 1\n",
    "helper/sizes.py": "N = 3\n",
    "nets/mlp.json": "[4]\n",
    "nets/sizes.yaml": "width: 4\n",
    "nets/lonely.txt": "nothing\n",
    "nets/model.safetensors": "weights\n",
    "settings.json": "{}\n",
    "alone.py": "from nets import mlp\n\n\ndef build():\n    return 1\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def edit(root: Path, name: str, before: str, after: str) -> None:
    text = (root / name).read_text()
    assert before in text
    (root / name).write_text(text.replace(before, after, 1))


def code(root: Path, name: str = "nets.mlp:build") -> str:
    return own_code(name, root, toys.source()).code


def test_what_was_read(root: Path) -> None:
    found = own_code("nets.mlp:build", root, toys.source())
    names = {str(path.relative_to(root)) for path in found.files}
    settings = {"nets/mlp.json", "nets/sizes.yaml"}
    assert names == {"nets/mlp.py", "nets/blocks.py", "nets/__init__.py", "helper/sizes.py"} | settings
    assert set(found.packages) == {"torch", "scikit-learn"}
    assert found.recipe("nets.mlp") == {"module": "nets.mlp", "code": found.code, "packages": found.packages}


@pytest.mark.parametrize(
    ("name", "before", "after", "counts"),
    [
        ("nets/mlp.py", "return block(width)", "return block(width + 1)", True),
        ("nets/blocks.py", "return n", "return n - 1", True),
        ("nets/__init__.py", '"""Nets."""', "import os", True),
        ("helper/sizes.py", "3", "4", True),
        ("nets/mlp.json", "4", "5", True),
        ("nets/sizes.yaml", "4", "5", True),
        ("nets/lonely.txt", "nothing", "something", False),
        ("nets/model.safetensors", "weights", "others", False),
        ("settings.json", "{}", "[]", False),
        ("nets/mlp.py", "return block", "# so\n    return block", False),
        ("nets/mlp.py", '"""A net."""', '"""Another."""', False),
        ("nets/lonely.py", "1", "2", False),
        ("alone.py", "1", "2", False),
    ],
)
def test_edits(root: Path, name: str, before: str, after: str, counts: bool) -> None:
    was = code(root)
    edit(root, name, before, after)
    assert (code(root) != was) is counts


def test_a_single_file_and_what_it_imports(root: Path) -> None:
    was = code(root, "alone:build")
    edit(root, "nets/blocks.py", "return n", "return 0")
    assert code(root, "alone:build") != was


def test_code_of_ours_that_theirs_imports_counts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    was = code(root)
    monkeypatch.setattr(type(toys.source()), "code", lambda self, name: f"changed {name}")
    assert code(root) != was


def test_installed_packages_count_by_version(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = own_code("sklearn.linear_model:Ridge", root, toys.source())
    assert (set(found.packages), found.files) == ({"scikit-learn"}, ())
    monkeypatch.setattr(module, "package_versions", lambda name: {name: "0"})
    assert code(root) == own_code("nets.mlp:build", root, toys.source()).code


def test_installed_for_editing_counts_as_own(root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "their_library.py").write_text("def build():\n    return 1\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(elsewhere)])
    was = code(root, "their_library:build")
    edit(elsewhere, "their_library.py", "1", "2")
    assert code(root, "their_library:build") != was


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere.at:build", r"no module 'nowhere.at' in .*/ and no package 'nowhere' is installed"),
        ("nets.nothing:build", r"no module 'nets.nothing': .* has no nets/nothing.py"),
        ("broken:build", r"broken.py:2: this is no Python: "),
    ],
)
def test_what_is_not_there_or_no_python(root: Path, name: str, says: str) -> None:
    (root / "broken.py").write_text("x = 1\ndef build(:\n")
    with pytest.raises(UserError, match=says) as caught:
        own_code(name, root, toys.source())
    assert "\n" not in str(caught.value)


def test_the_projects_folder_is_importable_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["/elsewhere"])
    importable(root)
    importable(root)
    assert sys.path == [str(root), "/elsewhere"]


# -- in a plan ----------------------------------------------------------------------------------------------------

OWN = {"model": {"use": "own.module", "factory": "nets.mlp:build"}, "train": {"use": "given.weights", "file": "w.st"}}
STUDY = bare(
    {
        "own": OWN,
        "changed": {"from": "own", "adapt": {"use": "adaptation.toy_shift"}},
        "ours": ORIGINAL,
    },
    evaluate=[{"use": "toy_accuracy"}],
)


@pytest.fixture
def project(root: Path) -> Project:
    (root / "w.st").write_text("weights")
    return toys.project(root, {"tiny": STUDY})


def nodes(root: Path) -> dict[str, str]:
    plan = toys.again(root).plan("tiny")
    return {f"{node.stage} {node.title}": node.key for node in plan.nodes.values()}


def test_a_change_reruns_their_chain_and_a_comment_nothing(project: Project, root: Path) -> None:
    was = nodes(root)
    edit(root, "nets/blocks.py", "return n", "# the same\n    return n")
    assert nodes(root) == was
    edit(root, "nets/blocks.py", "return n", "return n + 1")
    now = nodes(root)
    assert now.keys() == was.keys()
    changed = {name for name in was if was[name] != now[name]}
    chain = {name for name in was if "tiny/own" in name or "tiny/changed" in name or name.startswith("verdict")}
    assert changed == {name for name in chain if not name.startswith("prepare")}
    assert {"train tiny/own/11", "intervene tiny/changed/11"} <= changed


def test_given_weights_draw_nothing_and_are_one_node(project: Project, root: Path) -> None:
    toys.project(root, {"tiny": {**STUDY, "seeds": [11, 12], "dataset": {"use": "toy.ring"}}})
    plan = toys.again(root).plan("tiny")
    (train,) = [node for node in plan.nodes.values() if node.stage == "train" and "own" in node.recipe["model"]]
    assert train.recipe["seed"] is None
    assert plan.address("own/12") is plan.address("own") is train
    assert train.recipe["model"]["own"]["factory"]["module"] == "nets.mlp"


@pytest.mark.parametrize("more", [{"rows": "retain"}, {"shards": {"count": 2}}])
def test_weights_of_a_file_are_those_of_all_rows(root: Path, more: dict) -> None:
    (root / "w.st").write_text("weights")
    content = bare({"own": {**OWN, **more}}, forget={"where": "label = 1"})
    with pytest.raises(
        UserError, match=r"tiny.yaml:\d+: given.weights: a file's weights stay what they are: only `rows: all`"
    ):
        toys.project(root, {"tiny": content}).plan("tiny")


def test_mistakes_are_told_at_their_line(root: Path) -> None:
    (root / "w.st").write_text("weights")
    wrong = {**OWN, "model": {"use": "own.module", "factory": "nets.mpl:build"}}
    with pytest.raises(UserError, match=r"tiny.yaml:\d+: own.module: factory: no module 'nets.mpl'"):
        toys.project(root, {"tiny": bare({"own": wrong})}).plan("tiny")
