"""Models of further seeds beside one that is evaluated: trained without the rows, and trained and unlearned again.

An evaluation asks for them with `SHADOWS` = ((grade, retrained, unlearned), …) and the parameters `grade`, `retrained`
(a variant), `shadows` (another number) and `attempt`. They are ordinary nodes: the same data and rows to forget as the
model evaluated has, further seeds, others for every attempt, the same for every variant of one seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from neurosieve.artifacts.shadows import RETRAINED, UNLEARNED
from neurosieve.plan.components import Component
from neurosieve.plan.grid import Point, split_checkpoint
from neurosieve.plan.nodes import Node
from neurosieve.plan.recipes import Place, Recipes
from neurosieve.plan.study import LoadedStudy


class Shadows:
    """Shadow models of one study's plan; `model` makes the node of a point at a seed."""

    def __init__(self, loaded: LoadedStudy, recipes: Recipes, model: Callable[[Point, int], Node]) -> None:
        self.loaded, self.recipes, self.model = loaded, recipes, model
        self._study_seeds: dict[int, int] = {}

    def study_seed(self, seed: int) -> int:
        """The study's seed whose data and bindings a further seed shares; a seed of the study itself as it is."""
        return self._study_seeds.get(seed, seed)

    def inputs(
        self, component: Component, params: Mapping[str, Any], point: Point, seed: int, place: Place, native: bool
    ) -> dict[str, str]:
        """Keys by role (`retrained.0`, …, `unlearned.0`, …) of the models that an evaluation asks for.

        Exports are compared with retrained models alone. Raises UserError where a model cannot be trained again.
        """
        if not component.shadows:
            return {}
        checked = self.recipes.check(component, params, place).params
        wanted = next((one[1:] for one in component.shadows if one[0] == checked["grade"]), (0, 0))
        found: dict[str, str] = {}
        for kind, count in zip((RETRAINED, UNLEARNED), wanted, strict=True):
            number = (checked["shadows"] or count) if count and (native or kind == RETRAINED) else 0
            if number:
                self._check(point.variant if kind == UNLEARNED else checked["retrained"], kind, checked["grade"], place)
            of = point if kind == UNLEARNED else Point(checked["retrained"], point.axes, {})
            for index in range(number):
                found[f"{kind}{index}"] = self.model(of, self._fresh(seed, kind, checked["attempt"], index)).key
        return found

    def _fresh(self, seed: int, kind: str, attempt: int, index: int) -> int:
        text = f"{seed} {kind} {attempt} {index}"
        fresh = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
        self._study_seeds[fresh] = seed
        return fresh

    def _check(self, name: str, kind: str, grade: str, place: Place) -> None:
        """The variant is there, its training can be run again, and the retrained one sees retained rows alone."""
        variants, root = self.loaded.study.variants, name
        if name not in variants:
            known = ", ".join(variants)
            message = f"grade {grade} needs a variant '{name}', trained on `rows: retain`; there are: {known}"
            raise self.loaded.error(f"{message}; or choose grade quick", *place)
        while (above := variants[root].from_) is not None:
            root = split_checkpoint(above)[0]
        if kind == RETRAINED and (root != name or variants[name].rows != "retain"):
            raise self.loaded.error(f"'{name}' is no training on `rows: retain`: it is no reference", *place)
        training = variants[root].train
        if training and self.recipes.component("training", training.use, ("variants", root, "train")).given:
            message = f"grade {grade} trains '{root}' again, but its weights come from a file"
            raise self.loaded.error(f"{message}; choose grade standard or quick", *place)
