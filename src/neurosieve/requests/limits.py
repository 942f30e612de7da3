"""What a certificate does not prove: six sentences that stand on every one, with what is known filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

COPIES = ("evidence_copies", "evidence_near_copies")
"""Metrics that count rows of the request with an exact, or a near, copy among retained rows."""
EXACT_FOR = "Exact only towards requests that were not chosen after seeing a published model of these data."
NO_RETRAINED = "No retrained reference: cannot say whether it behaves as if never trained on these rows."
NO_SHADOWS = (
    "The attacks were not held against retrained models: cannot say whether it behaves as if never trained on these"
    " rows."
)


def sentences(
    request: Mapping[str, Any],
    frame: pl.DataFrame,
    purge: Mapping[str, Any] | None,
    retrained: str | None,
    *,
    exact: bool,
) -> list[str]:
    """The six sentences of every certificate, and what else is to be said: no reference, or for whom it is exact."""
    until = f"are to be deleted on {request['retention']}" if request["retention"] else "have no date of deletion yet"
    listed = [
        "Approximate unlearning is not erasure of data: it changes a model and leaves the rows where they are.",
        f"The rows themselves must be deleted where they are stored. {_erased(purge)}",
        f"Near-duplicates of these rows among the retained ones keep their influence: {_copies(frame)}.",
        f"The tags above remain pseudonymous personal data; they {until}.",
        f"Devices that already run the old model are not reached. {_before(purge)}",
        "Other people’s data may still reveal the person.",
    ]
    held = frame.filter(pl.col("metric") == "evidence_retrained", pl.col("value") > 0)
    reference = [] if len(held) else [NO_SHADOWS if retrained else NO_RETRAINED]
    return [*listed, *reference, *([EXACT_FOR] if exact else [])]


def _copies(frame: pl.DataFrame) -> str:
    """How many there are, where they were counted."""
    exact, near = (frame.filter(pl.col("metric") == name)["value"].max() for name in COPIES)
    if exact is None and near is None:
        return "how many there are was not counted"
    if not (exact or near):
        return "none was found"
    counted = [
        f"{value:.0f} have {word}"
        for value, word in ((exact, "an exact copy"), (near, "a near one"))
        if value is not None
    ]
    return f"{', '.join(counted)} there"


def _erased(purge: Mapping[str, Any] | None) -> str:
    return "Nothing was deleted here so far." if not purge else "What was deleted here is listed below."


def _before(purge: Mapping[str, Any] | None) -> str:
    return (
        "The model before is kept in the store." if not purge else "Whether the model before is kept, is listed below."
    )
