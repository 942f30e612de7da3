"""`neurosieve new`: the study of a user's own model, written with comments, checked, and listed in config.yaml.

Nothing is written where something is wrong: the study is planned before it stays.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from neurosieve.artifacts.requested import read_asked
from neurosieve.artifacts.store import write_error
from neurosieve.artifacts.tags import REQUESTS, make_private_folder
from neurosieve.errors import UserError
from neurosieve.own.guess import guess
from neurosieve.own.template import Wanted, study_text
from neurosieve.plan import yaml12
from neurosieve.plan.nodes import StudyPlan
from neurosieve.plan.project import CONFIG, Project
from neurosieve.plan.settings import RESERVED

_ITEM = re.compile(r"^(\s*)- ")


@dataclass(frozen=True)
class Order:
    """What was asked for: the study's name, data, model (`package.module:factory`), weights, request, pruned share."""

    name: str
    data: Path
    model: str
    weights: Path
    forget: Path | None = None
    prune: float | None = None


def new_study(project: Project, order: Order, say: Callable[[str], None]) -> Path:
    """Write `config/studies/NAME.yaml`; `say` hears what was guessed and what to do next. Returns its path.

    A request that does not fit the data is told, and the study stays: what was guessed may be what is to be mended.
    Raises UserError, and leaves everything as it was, where the name is taken, a file is not in the project or of a
    kind that no loader reads, or the study cannot be planned.
    """
    path = _free_path(project, order.name)
    data, weights = (
        _inside(project.root, file, f"--{what}") for file, what in ((order.data, "data"), (order.weights, "weights"))
    )
    found = guess(project.root / data, data)
    undo: list[Callable[[], None]] = []
    try:
        request = _request(project.root, order.forget, undo) if order.forget else None
        text = study_text(Wanted(order.name, found, order.model, weights, request, order.prune))
        _write(path, text)
        undo.append(path.unlink)
        before = (project.root / CONFIG).read_text()
        _write(project.root / CONFIG, with_study(before, order.name))
        undo.append(lambda: _write(project.root / CONFIG, before))
        changed = Project(project.root, project.scale_override)
        changed.source = project.source
        plan = planned(changed, order.name)
    except BaseException:
        for step in reversed(undo):
            step()
        raise
    for line in found.told:
        say(f"guessed · {line}")
    _tell(say, project.root, order, path, len(plan.nodes), request)
    for line in _misfits(changed, plan) if request else ():
        say(f"wrong · {line}")
    say(f"next · neurosieve check {order.name}   then   make STUDY={order.name}")
    return path


def planned(project: Project, name: str) -> StudyPlan:
    """The plan of a study that was just written. Raises UserError that says that its file will not stay."""
    try:
        return project.plan(name)
    except UserError as error:
        raise UserError(f"nothing is written, for the study would be wrong: {error}") from None


def _misfits(project: Project, plan: StudyPlan) -> list[str]:
    from neurosieve.own.check import misfits

    return misfits(project, plan)


def _tell(say: Callable[[str], None], root: Path, order: Order, path: Path, nodes: int, request: str | None) -> None:
    if request:
        asked = read_asked(root / request, request)
        say(f"request · {request}: {len(asked.ids)} ids ({asked.match}); kept out of git, named by tags elsewhere")
        if order.forget and _git_sees(root, order.forget):
            say(f"delete · {order.forget}: git sees it, and the ids in it; the copy in {REQUESTS}/ is what counts")
    else:
        say("request · none: the study rehearses with 10 drawn rows; see `forget:` in the file")
    say(f"wrote · {path.relative_to(root)}, {nodes} steps, and its name in {CONFIG}")


def with_study(text: str, name: str) -> str:
    """`config.yaml` with a study added to its list, everything else as it is; a list in one line becomes a block.

    Raises UserError where the text has no list of studies that could be understood.
    """
    lines = text.splitlines(keepends=True)
    at = next((number for number, line in enumerate(lines) if re.match(r"studies\s*:", line)), None)
    if at is None:
        raise _by_hand(name)
    inline = re.match(r"studies\s*:\s*\[(?P<items>[^\]#]*)\]\s*(?P<rest>#.*)?$", lines[at].rstrip("\n"))
    if inline:
        items = [item.strip() for item in inline["items"].split(",") if item.strip()]
        rest = f"  {inline['rest']}" if inline["rest"] else ""
        lines[at : at + 1] = [f"studies:{rest}\n", *(f"  - {item}\n" for item in [*items, name])]
    else:
        last, indent = at, "  "
        for number, line in enumerate(lines[at + 1 :], at + 1):
            if (item := _ITEM.match(line)) is not None:
                last, indent = number, item[1]
            elif line.strip() and not line.lstrip().startswith("#") and not line.startswith(" "):
                break
        if not lines[last].endswith("\n"):
            lines[last] += "\n"
        lines.insert(last + 1, f"{indent}- {name}\n")
    changed = "".join(lines)
    old = yaml12.loads(text)
    try:
        good = yaml12.loads(changed) == {**old, "studies": [*(old["studies"] or []), name]}
    except UserError:
        good = False
    if not good:
        raise _by_hand(name)
    return changed


def _by_hand(name: str) -> UserError:
    return UserError(f"{CONFIG}: no block list `studies:` to add '{name}' to; write one study per line, `  - {name}`")


def _free_path(project: Project, name: str) -> Path:
    if name in RESERVED or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        reserved = ", ".join(sorted(RESERVED))
        raise UserError(f"'{name}' cannot be a study's name: small letters, digits and single '-', none of {reserved}")
    path = project.root / "config" / "studies" / f"{name}.yaml"
    if path.exists() or name in project.studies:
        where = path.relative_to(project.root) if path.exists() else CONFIG
        raise UserError(f"study '{name}' exists ({where}); choose another name, nothing is overwritten")
    return path


def _inside(root: Path, file: Path, option: str) -> str:
    """A path as the study names it, relative to the project. Raises UserError where it is not there, or outside."""
    here = Path.cwd() / file
    if not here.exists():
        raise UserError(f"{option} {file}: no such file or folder")
    try:  # a link inside the project counts as inside, wherever it leads
        return here.parent.resolve().joinpath(here.name).relative_to(root.resolve()).as_posix()
    except ValueError:
        raise UserError(
            f"{option} {file} lies outside the project: copy it, or link it, into {root.name}/data/"
        ) from None


def _request(root: Path, file: Path, undo: list[Callable[[], None]]) -> str:
    """The request's file below data/requests/, copied there where it lies elsewhere."""
    read_asked(Path.cwd() / file, str(file))
    kept = root / REQUESTS / file.name
    here = (Path.cwd() / file).resolve()
    if here != kept.resolve():
        make_private_folder(root)
        if kept.exists() and kept.read_bytes() != here.read_bytes():
            raise UserError(
                f"{REQUESTS / file.name} is another request: give this file a reference of its own as its name"
            )
        if not kept.exists():
            undo.append(lambda: kept.unlink(missing_ok=True))
            shutil.copyfile(here, kept)
            kept.chmod(0o600)
    return kept.relative_to(root).as_posix()


def _git_sees(root: Path, file: Path) -> bool:
    """Whether a request's file lies in the project, where git would store it, and not in `data/requests/`."""
    here = (Path.cwd() / file).resolve()
    return here.is_relative_to(root.resolve()) and not here.is_relative_to((root / REQUESTS).resolve())


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise write_error(error, path) from None
