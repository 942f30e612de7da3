"""What a training or an intervention tells about itself: steps, timings, checkpoints; and the states it keeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from neurosieve.artifacts.model import Model
from neurosieve.artifacts.resume import Keeper, Resume


@dataclass
class Log:
    """Collects one row per logged step, CPU seconds by metric name, and named checkpoints.

    `history` becomes `history.parquet`, `timings` `timings.parquet`, each checkpoint a model directory inside the
    node (`from: dense@e4` takes the checkpoint named `e4`). `keeper` is where long computations keep their
    state; `say` hears each step as it is logged.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    save_checkpoint: Callable[[str, Model], None] | None = None
    keeper: Keeper = field(default_factory=Keeper)
    say: Callable[[Mapping[str, Any]], None] | None = None
    _open: dict[str, float] = field(default_factory=dict)

    def step(self, **values: Any) -> None:
        """One row of history, for example `log.step(epoch=3, loss=0.2)`."""
        self.history.append(values)
        if self.say is not None:
            self.say(values)

    def timing(self, metric: str, seconds: float) -> None:
        """Add CPU seconds to a metric of the vocabulary (`train_seconds`, `intervention_seconds`)."""
        self.timings[metric] = self.timings.get(metric, 0.0) + seconds

    @contextmanager
    def timed(self, metric: str) -> Iterator[None]:
        """Add the CPU seconds (`process_time`) of a block to a metric."""
        self._open[metric] = time.process_time()
        yield
        self.timing(metric, time.process_time() - self._open.pop(metric))

    def checkpoint(self, name: str, model: Model) -> None:
        """Keep the model as it is now under a name such as `e4` (after epoch 4)."""
        if self.save_checkpoint is not None:
            self.save_checkpoint(name, model)

    def resume(self, name: str) -> Resume:
        """The long computation of this name: it goes on where an ended job of the same node was.

        Raises ValueError when the job has used the name already.
        """
        return Resume(name, self)

    def spent(self) -> dict[str, float]:
        """CPU seconds by metric up to now, blocks that are still timed included."""
        now = time.process_time()
        running = {metric: now - start for metric, start in self._open.items()}
        return {name: self.timings.get(name, 0.0) + running.get(name, 0.0) for name in {**self.timings, **running}}

    def take_up(self, spent: Mapping[str, float]) -> None:
        """Go on from what `spent` gave in another process."""
        now = time.process_time()
        for metric, seconds in spent.items():
            if metric in self._open:
                self.timings.pop(metric, None)
                self._open[metric] = now - seconds
            else:
                self.timings[metric] = seconds
