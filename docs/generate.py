"""Write the generated pages of docs/: `python docs/generate.py`, or `--check` whether they are up to date.

docs/architecture.md comes from the packages' docstrings, from the imports in their syntax trees and from the
layers declared in pyproject.toml; nothing of neurosieve is imported for it. docs/studies/ comes from the study files
as neurosieve itself reads them (`study_pages.py`).
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "neurosieve"


class Module(NamedTuple):
    """One Python file: what its docstring says it is, and the modules of neurosieve it imports anywhere."""

    represents: str
    imports: frozenset[str]
    is_package: bool


class Layers(NamedTuple):
    """The declared order: each top-level name's level (0: the top), and the levels whose members may meet."""

    level: dict[str, int]
    may_meet: frozenset[int]


def read_layers(pyproject: Path = ROOT / "pyproject.toml") -> Layers:
    """The contract `layers` of import-linter."""
    contracts = tomllib.loads(pyproject.read_text())["tool"]["importlinter"]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    names = [re.findall(r"\w+", row) for row in rows]
    return Layers(
        {name: level for level, row in enumerate(names) for name in row},
        frozenset(level for level, row in enumerate(rows) if ":" in row),
    )


def read_modules(source: Path = ROOT / "src") -> dict[str, Module]:
    """Every module of neurosieve under `source`, by its dotted name."""
    files = {dotted(path.relative_to(source)): path for path in sorted((source / PACKAGE).rglob("*.py"))}
    modules = {name: read_module(name, path, files.keys()) for name, path in files.items()}
    folders = {name.rpartition(".")[0] for name in modules} - {""}
    return {folder: Module("", frozenset(), True) for folder in folders - modules.keys()} | modules


def dotted(path: Path) -> str:
    """`neurosieve/a/__init__.py` is `neurosieve.a`."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read_module(name: str, path: Path, known: Iterable[str]) -> Module:
    """Parse one file; `known` are the names of all modules."""
    tree = ast.parse(path.read_text(), str(path))
    is_package = path.name == "__init__.py"
    represents = (ast.get_docstring(tree) or "").partition("\n\n")[0].replace("\n", " ")
    home = name if is_package else name.rpartition(".")[0]
    found = {target for node in ast.walk(tree) for target in imported(node, home, frozenset(known))}
    return Module(represents, frozenset(found - {name}), is_package)


def imported(node: ast.AST, home: str, known: frozenset[str]) -> Iterable[str]:
    """The modules among `known` that an import statement inside the package `home` names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parents = home.split(".")[: len(home.split(".")) - node.level + 1]
            base = ".".join([*parents, *filter(None, [base])])
        for alias in node.names:
            # `from package import name` means the module package.name where there is one
            target = f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base
            if target in known:
                yield target


def top(name: str) -> str:
    """The package or module directly below neurosieve; empty for neurosieve itself."""
    return name.split(".")[1] if "." in name else ""


def misplaced(modules: Mapping[str, Module], layers: Layers) -> list[str]:
    """Every import that does not point downwards, as one line; also modules that no layer holds."""
    homeless = sorted({top(name) for name in modules} - {""} - layers.level.keys())
    lines = [f"{PACKAGE}.{name}: in no layer of pyproject.toml" for name in homeless]
    for name, module in modules.items():
        for target in sorted(module.imports):
            here, there = top(name), top(target)
            if here == there or not there or {here, there} & set(homeless):
                continue
            above, below = layers.level.get(here, len(layers.level)), layers.level[there]
            if below < above or (below == above and above not in layers.may_meet):
                lines.append(f"{name} imports {target}: {there} is not below {here or PACKAGE}")
    return lines


def cycles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The groups of nodes that reach each other (Tarjan 1972), each sorted."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for child in sorted(graph.get(node, ())):
            if child not in index:
                visit(child)
                low[node] = min(low[node], low[child])
            elif child in stack:
                low[node] = min(low[node], index[child])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return sorted(found)


def between_rooms(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    """The same imports between the packages and modules directly below neurosieve."""
    graph: dict[str, set[str]] = {top(name): set() for name in modules if top(name)}
    for name, module in modules.items():
        if top(name):
            graph[top(name)] |= {top(target) for target in module.imports} - {"", top(name)}
    return graph


def reduced(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Without the arrows that longer ways imply, for a readable picture; unchanged if there is a cycle."""
    if cycles(graph):
        return {node: set(targets) for node, targets in graph.items()}

    def below(node: str) -> set[str]:
        return graph[node].union(*(below(child) for child in graph[node]))

    return {node: targets.difference(*map(below, targets)) for node, targets in graph.items()}


def architecture() -> str:
    """The page docs/architecture.md."""
    modules, layers = read_modules(), read_layers()
    rooms = between_rooms(modules)
    order = sorted(rooms, key=lambda name: (layers.level.get(name, -1), name))
    return "\n".join(
        [
            "# Architecture",
            "",
            "<!-- written by `make docs` from docstrings and imports: do not edit -->",
            "",
            "From the top layer down. A module imports only from layers below its own, and no stage imports",
            "another stage; `make lint` and `tests/test_architecture.py` hold the code to it.",
            "",
            "| layer | package | represents | depends on |",
            "|---|---|---|---|",
            *(
                f"| {layers.level.get(name, '?')} | `{name}` | {modules[f'{PACKAGE}.{name}'].represents} "
                f"| {', '.join(f'`{other}`' for other in order if other in rooms[name]) or '–'} |"
                for name in order
            ),
            "",
            "An arrow means *imports*; arrows that follow from others are left out.",
            "",
            "```mermaid",
            "graph TD",
            *(f"  {node}" for node in order),
            *(f"  {node} --> {target}" for node in order for target in sorted(reduced(rooms)[node])),
            "```",
            "",
            *cycle_lines(modules),
            *package_lines(modules),
        ]
    )


def cycle_lines(modules: Mapping[str, Module]) -> list[str]:
    """What is said about import cycles between single modules."""
    found = cycles({name: module.imports for name, module in modules.items()})
    if not found:
        return ["Import cycles: none.", ""]
    return ["Import cycles:", "", *(f"- {', '.join(f'`{name}`' for name in group)}" for group in found), ""]


def package_lines(modules: Mapping[str, Module]) -> list[str]:
    """The packages inside the packages, where there are any."""
    inner = [name for name, module in modules.items() if module.is_package and name.count(".") > 1]
    if not inner:
        return []
    rows = [f"| `{name.removeprefix(PACKAGE + '.')}` | {modules[name].represents} |" for name in inner]
    return ["## Families", "", "| package | represents |", "|---|---|", *rows, ""]


def pages() -> dict[str, str]:
    """The text of every page by its path below docs/."""
    sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "src")]
    try:
        from study_pages import pages as study_pages

        from neurosieve.plan.fingerprint import Source
    finally:
        del sys.path[:2]
    return {"architecture.md": architecture(), **study_pages(ROOT, Source())}


def main(arguments: list[str]) -> int:
    """Write every page and remove those of studies that are gone, or with `--check` only say which; the exit status."""
    check, texts = "--check" in arguments, pages()
    written = {path.relative_to(ROOT / "docs").as_posix(): path for path in (ROOT / "docs" / "studies").glob("*.md")}
    gone = sorted(written.keys() - texts.keys())
    stale = [name for name, text in texts.items() if not same(ROOT / "docs" / name, text)]
    for name in stale if not check else []:
        (ROOT / "docs" / name).parent.mkdir(exist_ok=True)
        (ROOT / "docs" / name).write_text(texts[name])
    for name in gone if not check else []:
        written[name].unlink()
    for name in stale + gone:
        done = "removed" if name in gone else "written"
        print(f"docs/{name}: " + ("out of date: run make docs" if check else done))
    return int(check and bool(stale or gone))


def same(path: Path, text: str) -> bool:
    """Whether a file has this content."""
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
