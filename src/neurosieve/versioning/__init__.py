"""DVC remembers and moves the store: `save` commits and pushes it, `restore` adds the nodes that are absent here."""

from neurosieve.versioning.restore import restore_store
from neurosieve.versioning.save import save_store

__all__ = ["restore_store", "save_store"]
