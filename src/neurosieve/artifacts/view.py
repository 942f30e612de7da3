"""What an evaluation looks at: one variant (native or on a target), or every variant of a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
Runtime = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Step:
    """One node a variant was made by: its component, stage, rows (`all`, `retain`, …) and CPU seconds by metric.

    `beside` is True for the chains of models named by `with:` (an importance computed before the request).
    """

    use: str
    stage: str
    rows: str = "all"
    seconds: Mapping[str, float] = field(default_factory=dict)
    beside: bool = False


class Later(Sequence[T]):
    """A sequence whose items are read when they are asked for, each once: most evaluations look at few of them."""

    def __init__(self, count: Callable[[], int], item: Callable[[int], T]) -> None:
        self._count, self._item = count, item
        self._read: dict[int, T] = {}

    def __len__(self) -> int:
        return self._count()

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[one] for one in range(len(self))[index]]
        place = range(len(self))[index]
        if place not in self._read:
            self._read[place] = self._item(place)
        return self._read[place]


@dataclass(frozen=True)
class View:
    """One variant at one seed: data, model, its target's runtime, its chain of steps from training on.

    `parents` are the models it was made from, nearest first. `variants` holds the other variants' views by point name
    where the evaluation looks at the whole study, `shadows` the models of further seeds that it asked for: `unlearned`
    (this variant's own) and `retrained`.
    """

    data: Data
    model: Model | None = None
    target: str = "native"
    runtime: Runtime | None = None
    steps: Sequence[Step] = ()
    parents: Sequence[Model] = ()
    variants: Mapping[str, View] = field(default_factory=dict)
    shadows: Mapping[str, tuple[Model, ...]] = field(default_factory=dict)

    def logits(self, inputs: np.ndarray, batch: int = 500) -> np.ndarray:
        """Outputs [rows, classes] of the model, or of the target's runtime, in eval mode, in batches."""
        run = self.runtime or self._native()
        return np.concatenate([run(inputs[i : i + batch]) for i in range(0, len(inputs), batch)])

    def _native(self) -> Runtime:
        import torch

        if self.model is None or not isinstance(self.model.system, torch.nn.Module):
            raise UserError("this evaluation needs a torch module that maps a batch to outputs")
        return module_runtime(self.model.system, self.model.device)


def module_runtime(module: torch.nn.Module, device: str = "cpu") -> Runtime:
    """A torch module as a function from arrays to arrays, in eval mode and without gradients."""
    import torch

    def run(inputs: np.ndarray) -> np.ndarray:
        training = module.training
        module.eval()
        with torch.inference_mode():
            outputs = module(torch.from_numpy(np.array(inputs)).to(device)).cpu().numpy()
        module.train(training)
        return outputs

    return run
