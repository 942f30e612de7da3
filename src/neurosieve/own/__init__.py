"""A user's own model and data: the study that is written for them, and what is checked before anything is spent.

`from neurosieve.own import rows, unlearn` uses a method without a pipeline; torch is imported only then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosieve.own.library import Unlearned, rows, unlearn

__all__ = ["Unlearned", "rows", "unlearn"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__} has no attribute '{name}'")
    from neurosieve.own import library

    return getattr(library, name)
