"""What counts as a component's code: syntax, of everything it imports, and versions; not comments, not plumbing."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.pipeline.sandbox import ROOT

from neurosieve.plan import fingerprint as module
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.nodes import Node
from neurosieve.plan.project import Project

SSD = "neurosieve.interventions.unlearning.ssd"
FILES = {
    "__init__.py": '"""Root."""\n',
    "errors.py": "class UserError(Exception):\n    pass\n",
    "artifacts/__init__.py": "FORMAT = 1\n",
    "artifacts/data.py": "import numpy\n\nLIMIT = 1\n",
    "interventions/__init__.py": '"""Steps."""\n',
    "interventions/unlearning/__init__.py": "",
    "interventions/unlearning/ssd.py": (
        '"""Dampening."""\nimport numpy as np\nfrom neurosieve.artifacts.data import LIMIT\n'
        "from neurosieve.kernels import dampen\nfrom neurosieve.optim.loop import fit\n\n\n"
        'def intervene(model, params, *, seed):\n    """Dampen."""\n    import sklearn.svm\n'
        "    from neurosieve.models.masked import Masked\n    return dampen.run(model) + 1\n"
    ),
    "interventions/unlearning/finetune.py": "from ..analysis import count\n\n\ndef intervene():\n    return count\n",
    "interventions/analysis/__init__.py": "from .count import count\n",
    "interventions/analysis/count.py": "def count(x):\n    return len(x)\n",
    "kernels/__init__.py": "",
    "kernels/dampen.py": "from neurosieve.kernels.select import top\n\n\ndef run(x):\n    return top(x)\n",
    "kernels/select.py": "def top(x):\n    return max(x)\n",
    "kernels/lonely.py": "X = 1\n",
    "models/__init__.py": "",
    "models/masked.py": "class Masked:\n    pass\n",
    "optim/__init__.py": "STEP = 1\n",
    "optim/loop.py": "def fit():\n    return 1\n",
    "evaluation/__init__.py": "",
    "evaluation/accuracy.py": "def evaluate(view):\n    return 1\n",
    "evaluation/words.py": "def words():\n    return 2\n",
    "evaluation/words.csv": "a,b\n",
    "evaluation/decide.py": "from neurosieve.evaluation.words import words\n",
    "evaluation/table.json": "{}\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "neurosieve"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def edit(root: Path, name: str, before: str, after: str) -> None:
    text = (root / name).read_text()
    assert before in text
    (root / name).write_text(text.replace(before, after, 1))


def code(root: Path, name: str = SSD) -> str:
    return Source(root).fingerprint(name).code


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("interventions/unlearning/ssd.py", "    return", "    # a comment\n\n    return"),
        ("interventions/unlearning/ssd.py", '"""Dampening."""', '"""Something else.\n\nAnd more.\n"""'),
        ("interventions/unlearning/ssd.py", '    """Dampen."""\n', ""),
        ("interventions/unlearning/ssd.py", "dampen.run(model) + 1", "(dampen.run(\n        model)\n        + 1)"),
        ("kernels/select.py", "def top(x):", "def top( x ) :  # noqa"),
        ("models/masked.py", "    pass\n", '    """Masked."""\n\n    pass\n'),
        ("artifacts/data.py", "LIMIT = 1", "LIMIT = 2"),
        ("errors.py", "pass", "x = 1"),
        ("kernels/lonely.py", "X = 1", "X = 2"),
        ("interventions/unlearning/finetune.py", "return count", "return 5"),
        ("evaluation/words.csv", "a", "b"),
    ],
    ids=lambda value: value.replace("\n", " ")[:30],
)
def test_edits_that_do_not_count(root: Path, name: str, before: str, after: str) -> None:
    was = code(root)
    edit(root, name, before, after)
    assert code(root) == was


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("interventions/unlearning/ssd.py", "+ 1", "+ 2"),
        ("interventions/unlearning/ssd.py", "+ 1", "+ 1.0"),
        ("interventions/unlearning/ssd.py", "+ 1", "+ True"),
        ("interventions/unlearning/ssd.py", "+ 1", "- 1"),
        ("interventions/unlearning/ssd.py", "params, *", "*, params"),
        ("interventions/unlearning/ssd.py", "    return", "    model += 1\n    return"),
        ("kernels/dampen.py", "top(x)", "top(x) + 0"),
        ("kernels/select.py", "max", "min"),
        ("models/masked.py", "pass", "kept = 1"),
        ("optim/__init__.py", "STEP = 1", "STEP = 2"),
        ("interventions/__init__.py", '"""Steps."""', '"""Steps."""\nimport os'),
        ("interventions/unlearning/__init__.py", "", "X = 1"),
    ],
    ids=lambda value: value.replace("\n", " ")[:30],
)
def test_edits_that_count(root: Path, name: str, before: str, after: str) -> None:
    was = code(root)
    edit(root, name, before, after)
    assert code(root) != was


def test_closure_follows_imports_everywhere(root: Path) -> None:
    assert Source(root).closure(SSD) - {"neurosieve"} == {
        SSD,
        "neurosieve.interventions",
        "neurosieve.interventions.unlearning",
        "neurosieve.kernels",
        "neurosieve.kernels.dampen",
        "neurosieve.kernels.select",
        "neurosieve.models",
        "neurosieve.models.masked",
        "neurosieve.optim",
        "neurosieve.optim.loop",
        "neurosieve.artifacts.data",
    }


def test_relative_imports_and_names_reexported_by_a_package(root: Path) -> None:
    finetune = "neurosieve.interventions.unlearning.finetune"
    assert "neurosieve.interventions.analysis.count" in Source(root).closure(finetune)
    was = code(root, finetune)
    edit(root, "interventions/analysis/count.py", "len(x)", "2")
    assert code(root, finetune) != was


def test_circular_imports_end(root: Path) -> None:
    (root / "kernels" / "select.py").write_text("from neurosieve.kernels import dampen\n")
    assert code(root)


def test_plumbing_counts_by_declared_format(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    was = code(root)
    monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
    assert code(root) != was


def test_files_beside_a_module_count_with_it(root: Path) -> None:
    names = [f"neurosieve.evaluation.{name}" for name in ("accuracy", "decide", "words")]
    before = [code(root, name) for name in names]
    edit(root, "evaluation/words.csv", "a,b", "a,c")
    changed = [code(root, name) != was for name, was in zip(names, before, strict=True)]
    assert changed == [False, True, True]


def test_files_that_belong_to_no_module_count_with_the_package(root: Path) -> None:
    was = code(root, "neurosieve.evaluation.accuracy")
    edit(root, "evaluation/table.json", "{}", "[]")
    assert code(root, "neurosieve.evaluation.accuracy") != was


@pytest.mark.parametrize("name", ["words.pyc", ".hidden", "words.nbi", "__pycache__/words.csv"])
def test_leavings_of_python_do_not_count(root: Path, name: str) -> None:
    was = code(root, "neurosieve.evaluation.decide")
    (root / "evaluation" / name).parent.mkdir(exist_ok=True)
    (root / "evaluation" / name).write_text("leavings")
    assert code(root, "neurosieve.evaluation.decide") == was


def test_packages_count_by_public_version(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_versions", {"numpy": "2.0.1", "scikit-learn": "1.9", "polars": "2"})
    assert Source(root).fingerprint(SSD).packages == {"numpy": "2.0.1", "scikit-learn": "1.9"}


def test_local_suffix_of_a_version_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Torch-2.13.0+cpu.dist-info", "my_package-1.0.dist-info", "neurosieve-0.1.dist-info"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(module, "_versions", None)
    monkeypatch.setattr(module.sys, "path", [str(tmp_path)])
    assert module.installed_versions() == {"torch": "2.13.0", "my-package": "1.0"}


def test_first_on_the_path_is_the_version_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, version in zip(folders, ("1", "2"), strict=True):
        (folder / f"thing-{version}.dist-info").mkdir(parents=True)
    monkeypatch.setattr(module, "_versions", None)
    monkeypatch.setattr(module.sys, "path", [str(folder) for folder in folders])
    assert module.installed_versions() == {"thing": "1"}


def test_versions_are_those_that_are_imported() -> None:
    import numpy
    import polars
    import sklearn
    import torch

    for imported in (numpy, polars, sklearn, torch):
        (version,) = module.package_versions(imported.__name__).values()
        assert version == imported.__version__.split("+")[0]
    assert module.package_versions("yaml").keys() == {"pyyaml"}


SAMPLE = '''
"""Docstring."""
from __future__ import annotations
import os.path as p, sys

@decorated(1, key=2.5)
class A(B, metaclass=M):
    """Docstring."""
    x: int = 3; y: str
    "attribute docstring"
    async def f(self, a, /, b=1, *args, c, d=None, **more) -> list[int]:
        "docstring"
        async with a as b, c: pass
        return [i async for i in x if i > 1] or (yield)

def g(x):
    match x:
        case {"a": 1, **rest} | [1, *_] if rest: return -1
        case A(x=1) as y: return y
    try:
        assert x, f"{x!r:>{5}} and {x=} {{}}" "joined"
    except* (ValueError, KeyError) as e: raise X from e
    else: del x[...]
    finally: global z; z = not x if 1 < x <= 2 else lambda *, q=1j: {**q, 1: {2}}
    for i, *j in z: continue
    while (n := f()) is not None: break
    x @= 1e300 + 0x10 + 0b1 + 1_000 + True
    print(*a, **b, sep="ü\\n", f=b"x"[0:1:2])
'''
RECORDED = "c406260605771e38"


def test_canonical_form_is_the_same_for_every_python() -> None:
    """Recorded once and compared by whichever Python runs this: an upgrade must rerun nothing."""
    facts = module._read(ast.parse(SAMPLE), "neurosieve.a.b", False)
    assert facts["tree"][:16] == RECORDED


def test_canonical_form_holds_no_positions() -> None:
    text = json.dumps(module._canonical(ast.parse(SAMPLE)))
    for name in ("lineno", "col_offset", "end_lineno", "ctx_pos", "type_comment"):
        assert name not in text
    moved = json.dumps(module._canonical(ast.parse("\n\n\n" + SAMPLE)))
    assert moved == text


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1.0"), ("1", "True"), ("'1'", "1"), ("None", "..."), ("b'a'", "'a'"), ("[]", "()"), ("-0.0", "0.0"),
     ("f(a)", "f(*a)"), ("{**a}", "{a: a}"), ("lambda: 1", "lambda x: 1"), ("x[1]", "x[1,]"), ("1j", "1")],
)  # fmt: skip
def test_different_code_has_different_canonical_forms(one: str, other: str) -> None:
    first, second = (json.dumps(module._canonical(ast.parse(f"x = {text}"))) for text in (one, other))
    assert first != second


def test_constants_and_arguments_of_a_module(root: Path) -> None:
    text = (
        'VIEWS = ("forget", "retain")\nDELTA: bool = True\nLOOKS_AT = "study"\nlower = 1\nCOMPUTED = len("a")\n\n\n'
        "def evaluate(view, /, params, *, seed):\n    return 1\n\n\nclass A:\n    def hidden(self):\n        pass\n"
    )
    (root / "evaluation" / "accuracy.py").write_text(text)
    facts = Source(root).facts("neurosieve.evaluation.accuracy")
    assert facts["constants"] == {"VIEWS": ("forget", "retain"), "DELTA": True, "LOOKS_AT": "study"}
    assert facts["verbs"] == {"evaluate": ["view", "params", "seed"]}


def test_memory_holds_for_this_reader_only(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier version of the reader remembered is not believed."""
    first = Source(root)
    first.fingerprint(SSD)
    remembered = json.loads(json.dumps(first.memory))
    poisoned = {content: {**facts, "tree": "0" * 64} for content, facts in remembered.items()}
    assert Source(root, memory=poisoned).fingerprint(SSD) != first.fingerprint(SSD)
    monkeypatch.setattr(module, "READER", "another")
    assert Source(root, memory=poisoned).fingerprint(SSD) == first.fingerprint(SSD)


def test_memory_gives_the_same_fingerprints_without_parsing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Source(root)
    first.fingerprint(SSD)
    remembered = json.loads(json.dumps(first.memory))
    monkeypatch.setattr(module.ast, "parse", None)
    assert Source(root, memory=remembered).fingerprint(SSD) == first.fingerprint(SSD)


@pytest.mark.parametrize("change", ["module", "data", "new"])
def test_digest_changes_with_any_file(root: Path, change: str) -> None:
    was = Source(root).digest
    name = {"module": "errors.py", "data": "evaluation/words.csv", "new": "kernels/new.py"}[change]
    with (root / name).open("a") as file:
        file.write("# more\n")
    assert Source(root).digest != was


def test_digest_of_a_package_is_that_of_its_syntax(root: Path) -> None:
    was = Source(root).digest_of("kernels")
    edit(root, "kernels/lonely.py", "X = 1", "X = 1  # one")
    assert Source(root).digest_of("kernels") == was
    edit(root, "kernels/lonely.py", "X = 1", "X = 2")
    assert Source(root).digest_of("kernels") != was


# -- the real study -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of sources and configuration of the real project."""
    folder = tmp_path_factory.mktemp("tree")
    for name in ("src", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def nodes(tree: Path) -> dict[str, str]:
    """Every node of the real study ssd by what it is, with its key."""
    project = Project(tree)
    project.source = Source(tree / "src" / "neurosieve")
    plan = project.plan("ssd")
    named = {f"{node.stage} {node.name} {node.title}": node.key for node in plan.nodes.values()}
    assert len(named) == len(plan.nodes)
    return named


@pytest.fixture
def changed(tree: Path) -> Callable[..., set[str]]:
    """Nodes whose keys an edit changes; the edit is taken back."""

    def after(name: str, before: str, now: str) -> set[str]:
        was = nodes(tree)
        path = tree / "src" / "neurosieve" / name
        text = path.read_text()
        edit(tree / "src" / "neurosieve", name, before, now)
        try:
            new = nodes(tree)
        finally:
            path.write_text(text)
        assert new.keys() == was.keys()
        return {name for name in was if was[name] != new[name]}

    return after


def with_what_follows(tree: Path, chosen: Callable[[Node], bool]) -> set[str]:
    """Nodes of the real study that are chosen, and all that need them, as `nodes` names them."""
    project = Project(tree)
    project.source = Source(tree / "src" / "neurosieve")
    plan = project.plan("ssd")
    keys = {node.key for node in plan.nodes.values() if chosen(node)}
    assert keys
    keys |= {node.key for key in keys.copy() for node in plan.descendants(key)}
    return {name for name, key in nodes(tree).items() if key in keys}


def test_editing_ssd_changes_ssd_and_what_follows(tree: Path, changed: Callable[..., set[str]]) -> None:
    found = changed("interventions/unlearning/ssd.py", "\ndef intervene", "\nEXTRA = 1\n\n\ndef intervene")
    use = "interventions.unlearning.ssd"
    assert found == with_what_follows(tree, lambda node: node.recipe.get("component", {}).get("use") == use)
    assert {name.split()[0] for name in found} >= {"intervene", "evaluate", "export", "verdict"}
    assert not any(name.startswith(("prepare", "train")) for name in found)
    assert not any("ssd/original@" in name or "ssd/retrained@" in name for name in found)


def test_editing_a_model_changes_every_training_of_it(changed: Callable[..., set[str]], tree: Path) -> None:
    found = changed("models/vision/resnet9.py", "\ndef build", "\nEXTRA = 1\n\n\ndef build")
    use = "models.vision.resnet9"
    assert found == with_what_follows(tree, lambda node: node.recipe.get("model", {}).get("use") == use)
    assert found >= {name for name in nodes(tree) if name.startswith("train resnet9")}
    assert not any(name.startswith("prepare") for name in found)


@pytest.mark.parametrize(
    ("name", "before", "now"),
    [
        ("evaluation/vocabulary.csv", "\n", "\nzz_metric,share,higher,test,a test\n"),
        ("evaluation/vocabulary.py", "\ndef unit", "\nEXTRA = 1\n\n\ndef unit"),
        ("evaluation/claims/statistics.py", "\nimport", "\nEXTRA = 1\nimport"),
    ],
    ids=["vocabulary", "its-reader", "statistics"],
)
def test_editing_vocabulary_or_claims_changes_the_verdict_only(
    changed: Callable[..., set[str]], name: str, before: str, now: str
) -> None:
    assert {name.split()[0] for name in changed(name, before, now)} == {"verdict"}
