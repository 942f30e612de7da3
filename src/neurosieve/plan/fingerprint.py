"""What a result's code is: hashes of syntax trees and versions of the packages they import.

The fingerprint of a module covers its own syntax tree (comments, docstrings and formatting do not count), every
neurosieve module it imports, transitively, inside functions too, the `__init__` files on the way, and non-Python
files beside it by content. Plumbing (all but `SCIENCE`) counts by `artifacts.FORMAT`. Third-party packages count
by public version.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.metadata
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from neurosieve.artifacts import FORMAT

PACKAGE = "neurosieve"
SCIENCE = ("datasets", "evaluation", "export", "interventions", "kernels", "models", "optim", "report", "training")
"""Packages whose code decides results. Everything else below neurosieve is plumbing: it counts by the declared format
version, so that tidying it reruns nothing."""

READER = f"{sys.version_info[:2]} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}"
"""What reads the sources: what was remembered of them holds for this code and this Python only."""

NOT_READ = {".py", ".pyc", ".nbi", ".nbc"}
"""Endings of files that no module reads as data."""


@dataclass(frozen=True)
class Fingerprint:
    """Hash of the code of one component and the versions of the packages it imports."""

    code: str
    packages: dict[str, str]

    def recipe(self) -> dict[str, Any]:
        return {"code": self.code, "packages": self.packages}


@dataclass
class Source:
    """The neurosieve sources in one folder, parsed once; `memory` remembers syntax trees by content hash."""

    root: Path = field(default_factory=lambda: Path(__file__).parents[1])
    memory: dict[str, dict[str, Any]] = field(default_factory=dict)
    _facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    _found: dict[str, Fingerprint] = field(default_factory=dict)

    def path(self, module: str) -> Path | None:
        """File of a module such as `neurosieve.kernels.dampen`, None if there is none."""
        base = self.root.joinpath(*module.split(".")[1:])
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return path
        return None

    @cached_property
    def digest(self) -> str:
        """One hash over every file of the package and every installed version: equal means equal keys."""
        total = hashlib.sha256()
        for folder, inside, names in os.walk(self.root):  # every job does this: pathlib would take twice the time
            inside[:] = sorted(name for name in inside if name != "__pycache__")
            for name in sorted(names):
                with open(f"{folder}/{name}", "rb") as file:
                    content = file.read()
                total.update(f"{folder[len(str(self.root)) :]}/{name}\0{len(content)}\0".encode() + content)
        total.update(json.dumps(installed_versions(), sort_keys=True).encode())
        return total.hexdigest()

    def digest_of(self, package: str) -> str:
        """Hash of the syntax trees of every module in a package, 16 hex digits."""
        names = sorted(path.relative_to(self.root).with_suffix("") for path in (self.root / package).rglob("*.py"))
        modules = [".".join((PACKAGE, *name.parts)).removesuffix(".__init__") for name in names]
        trees = [self.facts(module)["tree"] for module in modules]
        return sha(json.dumps([modules, trees]).encode())[:16]

    def facts(self, module: str) -> dict[str, Any]:
        """Of one module: `tree` hash, neurosieve `modules` and third-party `packages` it imports, `constants`,
        `verbs` (arguments of its top-level functions)."""
        if module not in self._facts:
            path = self.path(module)
            assert path is not None, module
            text = path.read_bytes()
            content = sha(text + path.name.encode() + module.encode() + READER.encode())
            if content not in self.memory:
                self.memory[content] = _read(ast.parse(text), module, path.name == "__init__.py")
            self._facts[module] = self.memory[content]
        return self._facts[module]

    def closure(self, module: str) -> set[str]:
        """Every neurosieve module that this one imports, transitively, with the packages on the way."""
        seen: set[str] = set()
        waiting = [module]
        while waiting:
            name = waiting.pop()
            if name in seen or self.path(name) is None:
                continue
            seen.add(name)
            if _is_plumbing(name):
                continue
            parents = [name.rsplit(".", up)[0] for up in range(1, name.count(".") + 1)]
            waiting += [self.deepest(target) for target in self.facts(name)["modules"]] + parents
        return seen

    def fingerprint(self, module: str) -> Fingerprint:
        """The fingerprint of a component's module."""
        if module not in self._found:
            code, packages = self._code_and_packages(module)
            versions = {dist: version for package in packages for dist, version in package_versions(package).items()}
            self._found[module] = Fingerprint(code, dict(sorted(versions.items())))
        return self._found[module]

    def code(self, module: str) -> str:
        """The fingerprint's code alone: which distributions own imports takes a job longer than most of its work."""
        return self._code_and_packages(module)[0]

    def _code_and_packages(self, module: str) -> tuple[str, set[str]]:
        parts: dict[str, str] = {"format": str(FORMAT)}
        packages: set[str] = set()
        for name in self.closure(module):
            if _is_plumbing(name):
                continue
            facts = self.facts(name)
            parts[name] = facts["tree"]
            packages |= set(facts["packages"])
            parts |= {f"{name}:{other.name}": sha(other.read_bytes()) for other in self._beside(name)}
        return sha(json.dumps(parts, sort_keys=True).encode())[:16], packages

    def deepest(self, target: str) -> str:
        """`neurosieve.models.masked.Masked` -> the module that exists, `neurosieve.models.masked`."""
        while target != PACKAGE and self.path(target) is None:
            target = target.rsplit(".", 1)[0]
        return target

    def _beside(self, module: str) -> Iterator[Path]:
        """Non-Python files that count with a module: those of its name (`vocabulary.csv` beside `vocabulary.py`);
        with a package, so with all its modules, those that have no module of their name."""
        path = self.path(module)
        assert path is not None
        if path.parent == self.root:
            return
        for other in sorted(path.parent.iterdir()):
            if not other.is_file() or other.suffix in NOT_READ or other.name.startswith("."):
                continue
            owner = other.with_name(f"{other.name.split('.')[0]}.py")
            if path == (owner if owner.is_file() else path.with_name("__init__.py")):
                yield other


def _is_plumbing(module: str) -> bool:
    parts = module.split(".")
    return len(parts) > 1 and parts[1] not in SCIENCE


def sha(content: bytes) -> str:
    """SHA-256 as hex."""
    return hashlib.sha256(content).hexdigest()


def _read(tree: ast.Module, module: str, is_package: bool) -> dict[str, Any]:
    modules, packages = set(), set()
    for target in imports(tree, module, is_package):
        top = target.split(".")[0]
        if top == PACKAGE:
            modules.add(target)
        elif top not in sys.stdlib_module_names:
            packages.add(top)
    constants, verbs = {}, {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id.isupper():
                with contextlib.suppress(ValueError):
                    constants[target.id] = ast.literal_eval(node.value)
        elif isinstance(node, ast.FunctionDef):
            takes = node.args
            verbs[node.name] = [argument.arg for argument in takes.posonlyargs + takes.args + takes.kwonlyargs]
    constants = {name: value for name, value in constants.items() if isinstance(value, str | bool | int | tuple | list)}
    return {
        "tree": tree_hash(tree),
        "modules": sorted(modules),
        "packages": sorted(packages),
        "constants": constants,
        "verbs": verbs,
    }


def tree_hash(tree: ast.Module) -> str:
    """SHA-256 of a syntax tree, equal where only comments, docstrings or formatting differ."""
    return sha(json.dumps(_canonical(tree), separators=(",", ":")).encode())


def imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """What a module imports anywhere in it, by full name: `a.b.c` for `from a.b import c`, be `c` a module or not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parts, base] if base else parts)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _canonical(node: Any) -> Any:
    """A syntax tree as nested lists, the same for every Python version: no positions, empty fields or docstrings."""
    if isinstance(node, ast.AST):
        fields = []
        for name, value in ast.iter_fields(node):
            if value is None or value == [] or name in {"type_comment", "type_ignores", "kind"}:
                continue
            if name == "body" and isinstance(value, list):
                value = [statement for statement in value if not _is_docstring(statement)]
            if isinstance(node, ast.JoinedStr):  # Python 3.12 has empty texts in some f-strings, others have none
                value = [part for part in value if not (isinstance(part, ast.Constant) and part.value == "")]
            fields.append([name, _canonical(value)])
        return [type(node).__name__, *fields]
    if isinstance(node, list):
        return [_canonical(item) for item in node]
    return node if isinstance(node, str | int | bool) else [type(node).__name__, repr(node)]


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


_versions: dict[str, str] | None = None
_owners: dict[str, list[str]] | None = None


def installed_versions() -> dict[str, str]:
    """Public version (no local suffix) of every installed distribution, by normalised name."""
    global _versions
    if _versions is None:
        folders = [entry or "." for entry in sys.path if os.path.isdir(entry or ".")]
        names = [name for folder in folders for name in os.listdir(folder) if name.endswith(".dist-info")]
        pairs = (name.removesuffix(".dist-info").rsplit("-", 1) for name in names)
        found = {_normal(name): version.split("+")[0] for name, version in reversed(list(pairs))}
        _versions = {name: version for name, version in found.items() if name != PACKAGE}
    return _versions


def package_versions(package: str) -> dict[str, str]:
    """Distributions that own an import name, with versions: `sklearn` -> `{"scikit-learn": "1.9.1"}`."""
    global _owners
    versions = installed_versions()
    if _normal(package) in versions:
        return {_normal(package): versions[_normal(package)]}
    if _owners is None:
        _owners = {name: list(owners) for name, owners in importlib.metadata.packages_distributions().items()}
    return {_normal(owner): versions.get(_normal(owner), "0") for owner in set(_owners.get(package, []))}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
