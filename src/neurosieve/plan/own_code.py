"""A user's own code behind a result: `their_package.module:factory` counts by syntax tree, as a component does.

What counts is the module's tree, those of the `__init__` files on the way, and those of every module of the user's that
it imports, transitively, inside functions too, and settings that lie in their packages (`SETTINGS`): those of a
module's name with it, others with every module of the folder. The user's are modules in the project's folder, and
those that are installed for editing (they lie outside `site-packages`); any other package counts by its public version.
What a program imports by a name that it puts together while it runs cannot be seen.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurosieve.errors import UserError
from neurosieve.plan.fingerprint import PACKAGE, Source, imports, package_versions, sha, tree_hash

INSTALLED = {"site-packages", "dist-packages"}
"""Folders below which code counts by the version of its package."""


SETTINGS = (".cfg", ".csv", ".ini", ".json", ".toml", ".txt", ".yaml", ".yml")
"""Endings of files that a factory may read to know what to build."""


@dataclass
class OwnCode:
    """The code behind one name: hash of the trees, versions of the packages, and the files that were read."""

    code: str
    packages: dict[str, str]
    files: tuple[Path, ...]

    def recipe(self, module: str) -> dict[str, Any]:
        return {"module": module, "code": self.code, "packages": self.packages}


@dataclass
class _Reading:
    """What was found on the way through the imports."""

    root: Path
    source: Source
    trees: dict[str, str] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    packages: set[str] = field(default_factory=set)
    ours: set[str] = field(default_factory=set)


def own_code(name: str, root: Path, source: Source) -> OwnCode:
    """The code behind `package.module:name` in the project's folder `root`, read and never imported.

    Raises UserError where there is no such module, and where one of the user's files is no Python, with its line.
    """
    module, top = name.partition(":")[0], name.partition(".")[0].partition(":")[0]
    reading = _Reading(root, source)
    if _folder(top, root) is None:
        if importlib.util.find_spec(top) is None:
            raise UserError(f"no module '{module}' in {root.name}/ and no package '{top}' is installed")
        reading.packages.add(top)
    elif _file(module, root) is None:
        raise UserError(f"no module '{module}': {_folder(top, root)} has no {module.replace('.', '/')}.py")
    else:
        _read(module, reading)
    parts = {**reading.trees, **{one: source.code(one) for one in sorted(reading.ours)}}
    versions = {dist: version for one in reading.packages for dist, version in package_versions(one).items()}
    return OwnCode(sha(repr(sorted(parts.items())).encode())[:16], dict(sorted(versions.items())), tuple(reading.files))


def importable(root: Path) -> None:
    """Let this process import what lies in the project's folder, wherever it was started."""
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))


def _read(module: str, reading: _Reading) -> None:
    """The module, the packages that hold it, and what it imports."""
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file(name, reading.root)
        if name in reading.trees or path is None:
            continue
        try:
            text = path.read_bytes()
            tree = ast.parse(text)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            raise UserError(f"{path}:{line}: this is no Python: {getattr(error, 'msg', error)}") from None
        reading.trees[name] = tree_hash(tree)
        reading.files.append(path)
        for other in _beside(path) if "." in name or path.name == "__init__.py" else ():
            reading.trees[f"{name}:{other.name}"] = sha(other.read_bytes())
            reading.files.append(other)
        for target in imports(tree, name, path.name == "__init__.py"):
            waiting += _sorted_out(target, reading)
        waiting += [name.rsplit(".", up)[0] for up in range(1, name.count(".") + 1)]


def _beside(path: Path) -> list[Path]:
    """Settings that count with a module of a package: those of its name, and those of no module's name."""
    found = sorted(other for other in path.parent.iterdir() if other.suffix in SETTINGS and other.is_file())
    owners = {other: other.with_name(f"{other.name.split('.')[0]}.py") for other in found}
    return [other for other in found if owners[other] == path or not owners[other].is_file()]


def _sorted_out(target: str, reading: _Reading) -> Iterator[str]:
    """The user's module behind an imported name; what is not the user's is noted as ours or as a package."""
    top = target.partition(".")[0]
    if top == PACKAGE:
        reading.ours.add(reading.source.deepest(target))
    elif top in sys.stdlib_module_names:
        return
    elif _folder(top, reading.root) is None:
        reading.packages.add(top)
    else:
        while _file(target, reading.root) is None and "." in target:
            target = target.rsplit(".", 1)[0]
        yield target


def _file(module: str, root: Path) -> Path | None:
    """File of one of the user's modules; None for a folder without `__init__` and for what is no module."""
    folder = _folder(module.partition(".")[0], root)
    base = Path(folder, *module.split(".")) if folder is not None else None
    found = (base.with_suffix(".py"), base / "__init__.py") if base is not None else ()
    return next((path for path in reversed(found) if path.is_file()), None)


def _folder(top: str, root: Path) -> Path | None:
    """The folder that the user's top-level package or module lies in; None where it is installed, or nowhere."""
    if (root / top / "__init__.py").is_file() or (root / f"{top}.py").is_file():
        return root
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None or (spec.origin is None and (root / top).is_dir()):  # a folder without `__init__` comes last
        return root if (root / top).is_dir() else None
    places = [*(spec.submodule_search_locations or ()), *([spec.origin] if spec.origin else [])]
    if not places or INSTALLED & set(Path(places[0]).parts) or not Path(places[0]).exists():
        return None
    return Path(places[0]).parent
