"""Numbers as the page shows them: rounded text, with the full value beside it in `<data value>`."""

from __future__ import annotations

import math
from collections.abc import Iterable

from markupsafe import Markup, escape

THIN = "\u202f"  # between thousands
NOT_FINITE = "not finite"


def shown(value: float, decimals: int) -> str:
    """Rounded text: minus is U+2212, thousands are set apart by a narrow space."""
    if not math.isfinite(value):
        return NOT_FINITE
    text = f"{value:,.{decimals}f}".replace(",", THIN)
    if float(f"{value:.{decimals}f}") == 0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


def full(value: float) -> str:
    """A number as `<data value>` keeps it: whole ones in full, else ten digits, more than any of them means."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else f"{value:.10g}"


def data(value: float, text: str) -> Markup:
    """`<data value="0.0194">1.9</data>`."""
    return Markup('<data value="{}">{}</data>').format(full(value), text)


def factor(unit: str) -> float:
    """Shares are shown in percent; everything else as it is."""
    return 100.0 if unit == "share" else 1.0


def unit_word(unit: str) -> str:
    """The unit as the header of a column shows it; `–` (a pure number) is nothing, nor is the outcome's own unit."""
    return {"share": "%", "–": "", "-": "", "outcome": "", "0/1": "0 or 1"}.get(unit, unit)


def decimals(values: Iterable[float], unit: str = "") -> int:
    """One number of decimals for a column: none for counts, one for percent, else two digits of the smallest."""
    finite = [abs(v) * factor(unit) for v in values if math.isfinite(v)]
    if all(v == round(v) for v in finite) and unit != "share":
        return 0
    if unit == "share":
        return 1
    smallest = min((v for v in finite if v > 0), default=1.0)
    return min(3, max(0, 1 - math.floor(math.log10(smallest))))


def scientific(value: float, digits: int = 3) -> str:
    """Two digits for a very small number, `3.8 × 10⁻⁶`; `digits` of others."""
    if value == 0 or not math.isfinite(value) or 1e-3 <= abs(value) < 1e6:
        return significant(value, digits)
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    power = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa.replace('-', '−')} × 10{power}"


def significant(value: float, digits: int = 3) -> str:
    """`digits` significant digits, without an exponent."""
    if value == 0 or not math.isfinite(value):
        return shown(value, 0)
    return shown(value, max(0, digits - 1 - math.floor(math.log10(abs(value)))))


def mean(values: Iterable[float]) -> float | None:
    """Arithmetic mean; None of nothing."""
    listed = list(values)
    return math.fsum(listed) / len(listed) if listed else None


def interval(values: Iterable[float]) -> tuple[float, float] | None:
    """95 % t-interval of the mean over seeds; None of fewer than three, where it would say nothing."""
    listed = list(values)
    average = mean(listed)
    if average is None or len(listed) < 3 or not all(math.isfinite(value) for value in listed):
        return None
    from scipy.special import stdtrit

    squares = math.fsum((value - average) ** 2 for value in listed)
    half = float(stdtrit(len(listed) - 1, 0.975)) * math.sqrt(squares / (len(listed) - 1) / len(listed))
    return average - half, average + half


def duration(seconds: float) -> str:
    """`0.03 s`, `12 s`, `3 min 20 s`, `1 h 5 min`."""
    if seconds == 0:
        return "0 s"
    if seconds < 1:
        return f"{shown(seconds, 2)} s"
    if seconds < 10:
        return f"{shown(seconds, 1)} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{shown(whole // 3600, 0)} h" + (f" {whole % 3600 // 60} min" if whole % 3600 >= 60 else "")


def seconds(value: float) -> Markup:
    """A duration with its seconds in full."""
    return data(value, duration(value))


def count(value: int) -> Markup:
    """A count, thousands set apart."""
    return data(value, shown(value, 0))


def kilobytes(value: float) -> str:
    """Bytes as kB, one decimal below 1000 kB."""
    return shown(value / 1000, 1 if value < 1e6 else 0)


def plural(number: int, word: str, several: str = "") -> str:
    """`1 study`, `3 studies`."""
    return f"{shown(number, 0)} {word if number == 1 else several or word + 's'}"


def listed(numbers: Iterable[int]) -> str:
    """`11, 12, 13`; four or more in a row are `0 to 199`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [f"{run[0]} to {run[-1]}" if len(run) > 3 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(parts)


def joined(parts: Iterable[Markup | str], between: str = ", ") -> Markup:
    """Pieces of text or markup in a row, escaped where they are plain text."""
    return Markup(escape(between)).join(parts)
