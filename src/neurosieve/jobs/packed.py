"""Nodes as single files, for workers that share no folder: a storage plugin of Snakemake carries one tar per node.

`FOLDER/<stage>/<name>-<key>.tar` holds the files of the node's directory. A job unpacks what it needs into the store of
the machine it runs on, where it is checked as everything in a store is, and packs what it made.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path

from neurosieve.artifacts.store import PROVENANCE, Store
from neurosieve.errors import UserError


def packed(folder: Path, node: str) -> Path:
    """The file of a node (`<stage>/<name>-<key>`)."""
    return folder / f"{node}.tar"


def unpack(store: Store, folder: Path, nodes: Iterable[str]) -> None:
    """Add those of the nodes to the store that it lacks. Raises UserError for a file that is no packed node."""
    for node in nodes:
        if store.exists(node) or not packed(folder, node).is_file():
            continue
        scratch = store.scratch(node.replace("/", "-"))
        try:
            with tarfile.open(packed(folder, node)) as archive:
                archive.extractall(scratch, filter="data")
            if not (scratch / PROVENANCE).is_file():
                raise tarfile.TarError(f"it holds no {PROVENANCE}")
            store.publish(scratch, node)
        except (tarfile.TarError, EOFError) as error:
            raise UserError(f"{packed(folder, node)} is no packed node ({error}); delete it and rerun") from None
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def pack(directory: Path, target: Path) -> None:
    """Write a node's directory as one file, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    with tarfile.open(temporary, "w") as archive:
        archive.add(directory, arcname=".")
    os.replace(temporary, target)
