"""Shards: which part of a training a row belongs to, by its id and a seed alone, whatever else there is.

shard(id) = HMAC-SHA-256(seed, id) mod S and slice(id) likewise (from other bytes of it), after Bourtoule et al.,
"Machine Unlearning" (IEEE S&P 2021, arXiv 1912.03817), section IV. A row that goes moves no other row.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.dataset import Split
from neurosieve.errors import UserError

ROLE = "shard."
"""Roles of the shards' models among the inputs of what puts them together."""


def place_of(seed: int, text: str, shards: int, slices: int) -> tuple[int, int]:
    """Shard and slice, from 0, of an id (or of a person, where shards are cut by `subject`)."""
    digest = hmac.digest(str(seed).encode(), text.encode(), "sha256")
    return int.from_bytes(digest[:8], "big") % shards, int.from_bytes(digest[8:16], "big") % slices


@dataclass(frozen=True)
class Shard:
    """One shard up to one of its slices: `index` of `count`, slices 0 to `slice` of `slices`.

    `by` is the column that is hashed: `sample_id`, or `subject` for the column the dataset declares as such.
    """

    index: int
    count: int
    slice: int
    slices: int
    by: str = "sample_id"

    @staticmethod
    def of(spec: Mapping[str, Any]) -> Shard:
        """From a node's recipe."""
        return Shard(**spec)

    def mask(self, split: Split, seed: int) -> np.ndarray:
        """True where a row belongs to it [rows]."""
        column = split.info.subject if self.by == "subject" else "sample_id"
        if column is None:
            raise UserError(f"shards: by: subject, but dataset {split.info.name} declares no `subject` column")
        places = [place_of(seed, str(text), self.count, self.slices) for text in split[column].tolist()]
        return np.array([s == self.index and r <= self.slice for s, r in places], dtype=bool)

    def data(self, data: Data, seed: int) -> Data:
        """Its rows of every split: nothing outside a shard is seen, whatever for.

        Raises UserError where fewer than two training rows are left.
        """
        splits = {name: split.take(self.mask(split, seed)) for name, split in data.splits.items()}
        if (rows := len(splits["train"])) < 2:
            slices = f", up to slice {self.slice + 1} of {self.slices}," if self.slices > 1 else ""
            raise UserError(
                f"shards: shard {self.index + 1} of {self.count}{slices} holds {rows} training rows of"
                f" {data.info.name}; use fewer shards or slices"
            )
        return Data(data.info, splits, data.selection)
