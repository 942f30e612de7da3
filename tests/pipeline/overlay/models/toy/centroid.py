"""A classifier by nearest centre: a system of numpy arrays, no torch."""

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

DRAWS = False


class Params(BaseModel):
    """Number of centres beside the classes' own, only to have something heavy to store."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    ballast: int = Field(4, ge=1)


class Centroids:
    """Centres [classes, 2] and ballast [ballast]."""

    def __init__(self, classes: int, ballast: int) -> None:
        self.state = {"centres": np.zeros((classes, 2)), "ballast": np.zeros(ballast)}

    def state_dict(self) -> dict[str, Any]:
        return self.state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state = {name: np.array(value) for name, value in state.items()}

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Nearest centre of each row [rows]; centres that are not finite are never nearest."""
        distance = ((x[:, None] - self.state["centres"][None]) ** 2).sum(-1)
        return np.where(np.isfinite(distance), distance, np.inf).argmin(1)


def build(params: Params, schema: dict[str, Any]) -> Centroids:
    """Centres at the origin."""
    return Centroids(schema["classes"], params.ballast)
