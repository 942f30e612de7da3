"""Deletion requests as the plan reads them: checked, and remembered by a keyed hash instead of a plain one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from neurosieve.artifacts.store import Store, erased, read_provenance
from neurosieve.artifacts.tags import REQUESTS, controller_key, digest, known_key
from neurosieve.errors import AbsentError, UserError
from neurosieve.plan.nodes import Node

if TYPE_CHECKING:
    from neurosieve.artifacts.requested import Asked


def read_request(root: Path, name: str) -> tuple[Asked, str]:
    """A request's file, relative to the project, and the keyed hash of its content.

    Raises AbsentError when it is not there, UserError when it lies where git would store its ids, cannot be used, or
    the key is lost.
    """
    from neurosieve.artifacts.requested import read_asked

    if REQUESTS not in Path(os.path.normpath(name)).parents:
        raise UserError(f"ids_file: {name} lies outside {REQUESTS}/, which alone git does not see; move it there")
    if not (root / name).is_file():
        raise AbsentError(f"ids_file: no file {name}; put it there")
    asked = read_asked(root / name, name)
    return asked, digest(controller_key(root), (root / name).read_bytes())


def refuse_absent_rows(root: Path, dataset: Node, asked: Asked) -> None:
    """Raises UserError when the request names ids that the dataset lacks.

    Nothing is said of a dataset that is to be made, or was erased: for whom is in its record.
    """
    store = Store(root / "results")
    if store.exists(dataset.folder) and not erased(read_provenance(store.path(dataset.folder))):
        from neurosieve.artifacts.dataset import read_dataset
        from neurosieve.artifacts.requested import refuse_unmatched

        refuse_unmatched(asked, read_dataset(store.path(dataset.folder)))


def is_as_planned(root: Path, name: str, planned: str) -> bool:
    """Whether a request's file is what the plan was made from. Raises OSError when it cannot be read."""
    try:
        return digest(known_key(root), (root / name).read_bytes()) == planned
    except UserError:
        return False
