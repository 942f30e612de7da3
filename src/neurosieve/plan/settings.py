"""Settings of a project: `config/config.yaml`, and the words it shares with studies. Kept light: every job reads it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, StrictInt, field_validator

RESERVED = {
    "all", "prepare", "train", "intervene", "export", "evaluate", "verdict", "bundle", "report", "collect", "certify",
}  # fmt: skip
Scale = Literal["smoke", "default", "full"]
SCALES: tuple[Scale, ...] = ("smoke", "default", "full")


def distinct_seeds(seeds: list[int]) -> list[int]:
    """Seeds that differ and that every random generator takes. Raises ValueError."""
    if len(set(seeds)) != len(seeds) or not seeds:
        raise ValueError("seeds must differ, and there must be one")
    if not all(0 <= seed < 2**32 for seed in seeds):
        raise ValueError("a seed is a whole number from 0 to 4294967295")
    return seeds


class Certificates(BaseModel):
    """How certificates are made: `sign` is the file of an Ed25519 private key in PEM, outside the repository."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sign: str


class Settings(BaseModel):
    """`config/config.yaml`: which studies, at which scale; `seeds` and `targets` override the studies' own.

    `certificates` says with which key certificates are signed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    studies: list[str]
    scale: Scale = "default"
    seeds: list[StrictInt] | None = None
    targets: list[str] | None = None
    certificates: Certificates | None = None

    @field_validator("seeds")
    @classmethod
    def _seeds(cls, seeds: list[int] | None) -> list[int] | None:
        return distinct_seeds(seeds) if seeds is not None else None

    @field_validator("studies")
    @classmethod
    def _distinct(cls, studies: list[str]) -> list[str]:
        if len(set(studies)) != len(studies):
            raise ValueError("a study is listed twice")
        return studies
