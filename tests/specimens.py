"""What components are tried on that are not for networks: their own studies at smoke scale, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.dataset import Dataset
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model, build_model
from neurosieve.jobs.load import verb
from neurosieve.jobs.stages import schema_of
from neurosieve.plan.grid import Cells, Point
from neurosieve.plan.study import STEPS, LoadedStudy, Study, Use, Variant, load_study, merge

STUDIES = Path(__file__).resolve().parents[1] / "config" / "studies"
SEED = 11


@dataclass(frozen=True)
class Specimen:
    """One study at smoke scale, and the variant in which a component is at work ("" where it is none's)."""

    study: Study
    variant: str = ""

    @property
    def cells(self) -> Cells:
        return Cells(LoadedStudy("specimen", STUDIES, "smoke", self.study))

    @property
    def point(self) -> Point:
        """The first values of the axes at which the variant exists."""
        return next(self.cells.points(self.variant or next(iter(self.study.variants))))

    def compared(self, use: str) -> list[str]:
        """The variants that an evaluation of the whole study is asked to look at."""
        (of,) = [one.of for one in self.study.evaluate if module(one) == use]
        return of or list(self.study.variants)

    def data(self) -> Data:
        """Its dataset at the variant's point, with the rows to forget where it forgets."""
        raw, forget = self.study.dataset.model_dump(exclude_none=True), self.study.forget
        for _, value in self.cells.axis_values(self.point):
            raw, forget = merge(raw, value.dataset), value.forget or forget
        component = verb(f"datasets.{raw.pop('use')}", "prepare", raw)
        made = component(params=component.params, seed=SEED, of=None)
        if not forget:
            return Data.of(made)
        (name, value), *_ = forget.items()
        rule = verb(f"datasets.selection.{ {'where': 'where', 'sample': 'sample'}[name] }", "prepare", {name: value})
        return Data.of(made, rule(params=rule.params, seed=SEED, of=made))

    def seen(self) -> Data:
        """What training and intervening see of it."""
        data = self.data()
        splits = {name: split for name, split in data.splits.items() if name != "test"}
        return Data(data.info, splits, data.selection)

    def started(self, name: str) -> Model:
        """What the variant's step or training is given."""
        variant = self.study.variants[name]
        if variant.model is None:
            beside = tuple(self.model(other.split("@")[0]) for other in variant.with_)
            return self.model(str(variant.from_).split("@")[0]).with_(companions=beside)
        torch.manual_seed(SEED)
        settings = self.cells.settings(self.point).items()
        own = {key.rpartition(".")[2]: value for key, value in settings if key.startswith(f"{name}.model.")}
        params = {**variant.model.params, **own}
        return build_model(module(variant.model), params, schema_of(self.data().info)).with_(key="0" * 16)

    def model(self, name: str) -> Model:
        """The variant's model."""
        use, kind = step_of(self.study.variants[name])
        component = verb(f"{'training' if kind == 'train' else 'interventions'}.{use.use}", VERB[kind], use.params)
        given = {"model": self.started(name), "data": self.seen(), "params": component.params}
        return component(**given, seed=SEED, log=Log()).with_(companions=(), key="1" * 16)


VERB = {"train": "train", **dict.fromkeys(STEPS, "intervene")}


def module(use: Use) -> str:
    return use.use.replace("-", "_")


def step_of(variant: Variant) -> tuple[Use, str]:
    """The component that makes a variant's model, and the key that names it."""
    return next((use, kind) for kind in VERB if (use := getattr(variant, kind)) is not None)


def uses(study: Study) -> Iterator[tuple[str, str, str]]:
    """Package, component and variant of everything that a study uses."""
    for name, variant in study.variants.items():
        if variant.model is not None:
            yield "models", module(variant.model), name
        use, kind = step_of(variant)
        yield "training" if kind == "train" else "interventions", module(use), name
        for target in study.targets.get(name, []):
            yield "export", (target if isinstance(target, str) else target.use).replace("-", "_"), name
    for evaluation in study.evaluate:
        yield "evaluation", module(evaluation), (evaluation.of or list(study.variants))[0]


@cache
def others() -> tuple[Study, ...]:
    """Studies in which something is fitted or simulated that is no network."""
    loaded = (load_study(path, "smoke").study for path in sorted(STUDIES.glob("*.yaml")))
    return tuple(study for study in loaded if not any(is_network(study, name) for name in study.variants))


def is_network(study: Study, name: str) -> bool:
    model = study.variants[name].model
    return model is not None and model.use.partition(".")[0] in ("dense", "vision", "language", "spiking", "sequence")


def specimen(package: str, use: str) -> Specimen | None:
    """The study of another system that uses the component; None where it is one for networks."""
    for study in others():
        for found in uses(study):
            if found[:2] == (package, use):
                return Specimen(study, found[2])
    return None


def evaluation_params(study: Study, use: str, variant: str) -> dict[str, Any]:
    """Parameters of an evaluation as the study gives them, with the variant's replicates."""
    wanted = next(one for one in study.evaluate if module(one) == use)
    count = replicates(study, variant)
    return {**wanted.params, **({"replicates": count} if count else {})}


def replicates(study: Study, name: str) -> int | None:
    variant = study.variants[name]
    return variant.replicates or (replicates(study, variant.from_.split("@")[0]) if variant.from_ else None)


def as_bytes(value: Any) -> bytes:
    return np.asarray(value.detach() if isinstance(value, torch.Tensor) else value).tobytes()


def state(model: Model) -> dict[str, bytes]:
    """Every array of the system."""
    return {name: as_bytes(value) for name, value in model.system.state_dict().items()}


def assert_same_model(one: Model, other: Model) -> None:
    assert state(one) == state(other)
    assert one.tensors.keys() == other.tensors.keys()
    for name, value in one.tensors.items():
        assert np.asarray(other.tensors[name]).tobytes() == np.asarray(value).tobytes(), name


def assert_same_dataset(one: Dataset, other: Dataset) -> None:
    assert one.info == other.info
    for name, split in one.splits.items():
        for column in one.info.columns:
            assert np.array_equal(split[column], other.split(name)[column]), (name, column)
