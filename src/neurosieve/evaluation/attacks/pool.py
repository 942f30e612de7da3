"""Attacks whose units are models: a pool that was trained and unlearned against one trained without the rows.

They speak of the method at fresh seeds, not of one model. Chance is the right null here: without a trace both pools are
draws from one distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from neurosieve.artifacts.metrics import Measure
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import View
from neurosieve.evaluation.attacks import shadows, whole
from neurosieve.evaluation.attacks.intervals import CHANCE, Null, of_pairs, of_wins
from neurosieve.evaluation.attacks.klom import halves
from neurosieve.evaluation.attacks.rows import Rows, row_loss
from neurosieve.evaluation.attacks.tidy import beside, decided, reported

FEWEST = 8
"""Models of either side that an attack which leaves a pair out needs."""
LOOKED_AT = 64
"""Rows that the regressions look at, at most, evenly spaced."""


SPLITS = 8
"""Random halves of the retrained pool that the range of an attack's null is taken from."""
Wins = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""What models of two pools [models, …] give: which pairs are won."""


def models_as_units(view: View, rows: Rows, margin: float, draw: np.random.Generator) -> Iterator[Measure]:
    """U-LiRA, KLOM, class attack and detectability on the view's shadows.

    Pairs share their shadows, so that near 0.5 an AUC varies half as much again as its interval says (measured); at the
    margin, where outcomes are decided, it does not. The null's range is that of the retrained pool's own halves.
    """
    unlearned, retrained = view.shadows["unlearned"], view.shadows["retrained"]
    n, others = len(unlearned), len(retrained)
    first, second = (_margins(view, models, rows) for models in (unlearned, retrained))
    null = own_spread(shadows.told_apart, second, draw)
    yield from decided("u-lira", of_wins(shadows.told_apart(first, second)), null, margin, n, others)
    one_sided = partial(shadows.told_apart, one_sided=True)
    null = own_spread(one_sided, second, draw)
    yield from beside("u-lira-offline", of_wins(one_sided(first, second)), null, n, others)
    apart, floor = halves(first, second, draw)
    yield from reported("klom", apart.tolist(), floor.tolist(), n)
    pairs, told = min(n, others), partial(whole.told_apart, classes=np.unique(view.data.retain.y))
    for attack, x in _looked_at(view, rows).items():
        one, other = (_outputs(view, models[:pairs], x) for models in (unlearned, retrained))
        null = own_spread(told, other, draw)
        yield from decided(attack, of_pairs(told(one, other)), null, margin, pairs, None)


def own_spread(wins: Wins, retrained: np.ndarray, draw: np.random.Generator) -> Null:
    """The null of an attack: chance, and the range (95 %) over random halves of models [models, …] that never saw the
    rows, scaled to the whole pool. Fewer than 8 + 8 models have no range."""
    half = len(retrained) // 2
    if half < FEWEST:
        return CHANCE
    orders = [draw.permutation(len(retrained)) for _ in range(SPLITS)]
    areas = [wins(retrained[order[:half]], retrained[order[half : 2 * half]]).mean() for order in orders]
    reach = min(1.96 * float(np.std(areas, ddof=1)) * (half / len(retrained)) ** 0.5, 0.5)
    return Null(CHANCE.middle, CHANCE.middle - reach, CHANCE.middle + reach)


def _looked_at(view: View, rows: Rows) -> dict[str, np.ndarray]:
    """Inputs per regression attack: unseen rows of what was forgotten, where whole classes were; other test rows."""
    if not rows.classes:
        return {}
    data = view.data
    covered = not rows.unseen.all()
    looks = {"detectability": data.test.x[~rows.unseen] if covered else data.test.x}
    if covered and len(np.setdiff1d(data.forget.y, data.retain.y)):
        looks["class"] = data.test.x[rows.unseen]
    return {
        name: x[np.linspace(0, len(x) - 1, min(len(x), LOOKED_AT)).round().astype(int)] for name, x in looks.items()
    }


def relearning(view: View, before: Model, margin: float, share: float, lr: float, most: int) -> Iterator[Measure]:
    """Which pool knows the forget rows again in fewer steps: AUC that an unlearned model needs fewer.

    The rows count as known again at `share` of the accuracy of the model `before` on them. Nothing is written where
    the measure is invalid: where retrained models need no more steps than the model before.
    """
    import torch

    from neurosieve.optim.loop import columns_of

    columns = columns_of(view.data.forget, before.device)
    with torch.no_grad():
        known = float((before.system(columns[0]).argmax(1) == columns[1]).double().mean())

    def steps(models: Sequence[Model]) -> np.ndarray:
        found = [whole.relearning_steps(model.system, columns, share * known, lr, most) for model in models]
        return np.array(found, float)

    pools = [steps(view.shadows[kind]) for kind in ("unlearned", "retrained")]
    start = float(steps([before])[0])
    if np.median(pools[1]) <= start:
        yield Measure("evidence_invalid", 1, n=len(pools[0]), at={"attack": "relearning"})
        return
    wins = (np.sign(pools[1][None] - pools[0][:, None]) + 1) / 2
    yield from decided("relearning", of_wins(wins), CHANCE, margin, *map(len, pools))
    for kind, found in zip(("unlearned", "retrained"), pools, strict=True):
        yield Measure("evidence_steps", float(np.median(found)), n=len(found), at={"attack": "relearning", "of": kind})
    yield Measure("evidence_steps", start, n=1, at={"attack": "relearning", "of": "before"})


def _outputs(view: View, models: Sequence[Model], x: np.ndarray) -> np.ndarray:
    """Outputs [models, rows, ...] of several models on the same inputs."""
    return np.stack([View(view.data, model).logits(x) for model in models])


def _margins(view: View, models: Sequence[Model], rows: Rows) -> np.ndarray:
    """Scores [models, forget rows]: margins, or minus the squared error where the target is no class."""
    outputs, labels = _outputs(view, models, view.data.forget.x), view.data.forget.y
    if rows.classes:
        return shadows.margin(outputs, labels)
    return np.stack([-row_loss(one, labels) for one in outputs])
