"""What a training or an intervention tells about itself: steps, timings, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from neurosieve.artifacts.model import Model


@dataclass
class Log:
    """Collects one row per logged step, CPU seconds by metric name, and named checkpoints.

    `history` becomes `history.parquet`, `timings` `timings.parquet`, each checkpoint a model directory inside the
    node (`from: dense@e4` takes the checkpoint named `e4`).
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    save_checkpoint: Callable[[str, Model], None] | None = None

    def step(self, **values: Any) -> None:
        """One row of history, for example `log.step(epoch=3, loss=0.2)`."""
        self.history.append(values)

    def timing(self, metric: str, seconds: float) -> None:
        """Add CPU seconds to a metric of the vocabulary (`train_seconds`, `intervention_seconds`)."""
        self.timings[metric] = self.timings.get(metric, 0.0) + seconds

    @contextmanager
    def timed(self, metric: str) -> Iterator[None]:
        """Add the CPU seconds (`process_time`) of a block to a metric."""
        start = time.process_time()
        yield
        self.timing(metric, time.process_time() - start)

    def checkpoint(self, name: str, model: Model) -> None:
        """Keep the model as it is now under a name such as `e4` (after epoch 4)."""
        if self.save_checkpoint is not None:
            self.save_checkpoint(name, model)
