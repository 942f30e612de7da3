"""The plain questions of a certificate's page: one table per delivered file, a row per attack and per accuracy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from markupsafe import Markup, escape

from neurosieve.report.numbers import count, data, decimals, scientific, shown, significant

Mark = Literal["holds", "inconclusive", "fails", "undecided"]
GLYPHS: dict[str, Mark] = {
    "no trace": "holds",
    "not resolvable": "inconclusive",
    "refused": "fails",
    "trace found": "fails",
}
"""Outcome -> symbol and colour of the verdict that it looks like."""
WAYS = ("no trace", "not resolvable", "trace found")
"""What a test may come to."""
MODELS = ("before", "after", "retrained")
SILENT = "tells nothing"
"""Answer of an attack that finds nothing in the model before either."""
QUESTIONS = {
    "loss": "Can someone tell by its errors that these rows were used?",
    "entropy": "Can someone tell by how sure it is?",
    "u-lira": "Can someone with copies of the whole method tell?",
    "u-lira-offline": "Can someone with retrained copies alone tell?",
    "class": "Does it act oddly on the forgotten kind of row?",
    "detectability": "Can one tell at all that it has forgotten?",
    "relearning": "Does the knowledge come back quickly?",
}


def files_of(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every delivered file with what was measured of it: models and their exports."""
    for one in said["delivered"]:
        yield from one["evidence"]


def asks(attack: Mapping[str, Any]) -> bool:
    """Whether an attack was meant to decide: it has a margin that was fixed beforehand."""
    return attack["margin"] is not None


def table_of(one: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """A delivered model with a table of questions for each of its files; what is asked the same way is said once."""
    parity = {export["target"]: export for export in one["exports"]}
    tables, common, told = [], common_remarks(said), set[Any]()
    for file in one["evidence"]:
        attacks = [attack for attack in file["attacks"] if asks(attack)]
        rows = [
            *(_question(attack, file["held_against"]) for attack in attacks),
            *_work(file, said["may_lose"]),
        ]
        tables.append(
            {
                "name": "The model itself" if file["target"] == "native" else f"Exported: {file['target']}",
                "parity": _parity(parity.get(file["target"])),
                "outcome": GLYPHS[file["outcome"]],
                "word": file["outcome"],
                "rows": [row | {"how": "" if row["how"] in told else row["how"]} for row in rows],
                "beside": [_reported(attack) for attack in file["attacks"] if not asks(attack)],
                "remarks": [sentence(remark) for remark in file["remarks"] if remark not in common],
            }
        )
        told |= {row["how"] for row in rows}
    return {"name": named(one), "tables": tables}


def common_remarks(said: Mapping[str, Any]) -> list[str]:
    """Remarks that are the same on every file, said once."""
    first, *others = [one["remarks"] for one in files_of(said)]
    return [remark for remark in first if all(remark in other for other in others)]


def sentence(text: str) -> str:
    """A remark as a sentence."""
    return f"{text[:1].upper()}{text[1:]}."


def _question(attack: Mapping[str, Any], held_against: int) -> dict[str, Any]:
    """One attack as a row: what it asks, the three models (chance in place of none), the interval, the answer."""
    null = (attack["null_low"], attack["null_high"])
    values = [attack[name] for name in ("estimate", "low", "high", "before", "null_low", "null_high")]
    places = decimals([value for value in values if value is not None])
    middle = (null[0] + null[1]) / 2
    return {
        "asks": QUESTIONS.get(attack["attack"], f"What does the attack “{attack['attack']}” find?"),
        "how": Markup("{}; {} {}. Passes within {} of {}").format(
            _first_words(attack["why"]), count(attack["n"]), attack["unit"], value_of(attack["margin"]), number(middle)
        ),
        "before": _cell(attack["before"], places),
        "after": _cell(attack["estimate"], places),
        "interval": Markup("[{}, {}]").format(*(_cell(attack[name], places) for name in ("low", "high"))),
        "never": _range(null, places) + ("" if held_against else Markup('<span class="chance">chance</span>')),
        "verdict": GLYPHS[attack["outcome"]] if attack["outcome"] else "",
        "answer": attack["outcome"] or SILENT,
        "strip": _strip(attack, middle),
    }


def _first_words(why: str) -> str:
    return why.partition(":")[0]


def _work(file: Mapping[str, Any], loss: float) -> Iterator[dict[str, Any]]:
    """Rows on what the model still does: for everyone else, and on the rows themselves."""
    asks = {"stays": "Does it still do its work for everyone else?", "forgotten": "How does it answer on these rows?"}
    for kind, question in asks.items():
        found = file["answers"][kind]
        if not found:
            continue
        share = found["metric"] == "accuracy"
        on = {"retain": "rows that stay", "forget": "rows like these"}.get(found["split"], f"{found['split']} rows")
        how: Any = f"{'accuracy' if share else 'error (RMSE)'} on {on}"
        verdict, answer = "", "for information"
        if kind == "stays" and file["works"] is not None:
            may = "Passes if not more than {} points are lost" if share else "Passes if it rises by no more than {} %"
            how = Markup("{}. {}").format(how, Markup(may).format(data(loss, shown(100 * loss, 1))))
            verdict, answer = ("holds", "still works") if file["works"] else ("fails", "no longer works")
        cells = {name: _share(found[name]) if share else number(found[name]) for name in MODELS if name in found}
        yield {
            "asks": question,
            "how": how,
            "before": cells.get("before", "–"),
            "after": cells["after"],
            "interval": "",
            "never": cells.get("retrained", "–"),
            "verdict": verdict,
            "answer": answer,
            "strip": None,
        }


def _strip(attack: Mapping[str, Any], middle: float) -> dict[str, Any]:
    """Places in percent of the width: the tinted margin, the rule, the interval, the dot, the model before."""
    margin = attack["margin"]
    ends = [attack["low"], attack["high"], middle - margin, middle + margin, attack["estimate"]]
    ends += [attack["before"]] if attack["before"] is not None else []
    area = all(0 <= end <= 1 for end in ends)
    low, high = (0.0, 1.0) if area else (min(ends), max(ends))
    span = (high - low) or 1.0

    def at(value: float) -> str:
        return f"{100 * min(1.0, max(0.0, (value - low) / span)):.2f}"

    left, right = float(at(middle - margin)), float(at(middle + margin))
    return {
        "tinted": (f"{left:.2f}", f"{right - left:.2f}"),
        "rule": at(middle),
        "bar": (at(attack["low"]), at(attack["high"])),
        "dot": at(attack["estimate"]),
        "before": at(attack["before"]) if attack["before"] is not None else None,
        "label": f"{attack['attack']}: {attack['estimate']:.2f}, interval {attack['low']:.2f} to {attack['high']:.2f}; "
        f"passes from {middle - margin:.2f} to {middle + margin:.2f}",
    }


def _reported(attack: Mapping[str, Any]) -> Markup:
    """An attack that decides nothing."""
    numbers = (number(attack[name]) for name in ("estimate", "low", "high"))
    return Markup("{}: {} [{}, {}]").format(_first_words(attack["why"]), *numbers)


def _parity(export: Mapping[str, Any] | None) -> Markup:
    """How far an export's outputs lie from its model's, and where that was seen."""
    if export is None or export["parity"] is None:
        return Markup("")
    where = (
        f"; holds for this set of instructions only: {export['instruction_set']}" if export["instruction_set"] else ""
    )
    value = export["parity"]
    return Markup("Largest difference of an output from the model’s: {}{}.").format(
        data(value, scientific(value, 2)), where
    )


def named(one: Mapping[str, Any]) -> str:
    """A delivered model: its variant, and its seed where it has one."""
    return one["variant"] + ("" if one["seed"] is None else f", seed {one['seed']}")


def value_of(value: Any) -> Any:
    """A parameter as it was written."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value).lower() if isinstance(value, bool) else value
    return data(value, f"{value:g}".replace("-", "−"))


def number(value: float) -> Markup:
    """A measured number to two or three digits."""
    return data(value, significant(value, 2) if abs(value) < 1 else significant(value, 3))


def _cell(value: float | None, places: int) -> Markup | str:
    return "–" if value is None else data(value, shown(value, places))


def _share(value: float) -> Markup:
    return Markup("{} %").format(data(value, shown(100 * value, 1)))


def _range(ends: Iterable[float], places: int) -> Markup | str:
    low, high = ends
    if not all(map(math.isfinite, (low, high))):
        return "–"
    if shown(low, places) == shown(high, places):
        return _cell(low, places)
    return Markup("{} to {}").format(escape(_cell(low, places)), escape(_cell(high, places)))
