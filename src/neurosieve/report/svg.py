"""Static SVG that flows: heights and marks in pixels, horizontal places in percent, colours by CSS variable.

Text keeps its size at every width, so one drawing serves desk, phone and paper, light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from neurosieve.report.numbers import shown
from neurosieve.report.state import Role

ROLE_COLOUR: dict[Role, str] = {
    "original": "var(--role-original)",
    "retrained": "var(--role-retrained)",
    "method": "var(--role-method)",
    "baseline": "var(--role-baseline)",
}
ROLE_TEXT: dict[Role, str] = {
    "original": "var(--ink)",
    "retrained": "var(--text-retrained)",
    "method": "var(--text-method)",
    "baseline": "var(--text-baseline)",
}


@dataclass(frozen=True)
class Scale:
    """Values to a share 0..1 of an axis, linear or logarithmic, with its ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def __call__(self, value: float) -> float:
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            return (math.log10(max(value, self.low)) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)


def linear(values: Sequence[float], inside: tuple[float, float] | None = None) -> Scale:
    """Round ends around the values and about five ticks; `inside` are ends that cannot be passed (0 and 100 %)."""
    low, high = min(values), max(values)
    if high - low < 1e-9:
        low, high = low - max(1e-6, abs(low) * 0.05), high + max(1e-6, abs(high) * 0.05)
    step = _nice((high - low) / 4)
    first, last = math.floor(low / step), math.ceil(high / step)
    if inside is not None:
        first = max(first, math.ceil(inside[0] / step - 1e-9))
        last = max(min(last, math.floor(inside[1] / step + 1e-9)), first + 1)
    return Scale(first * step, last * step, tuple(round(i * step, 10) for i in range(first, last + 1)))


def logarithmic(values: Sequence[float]) -> Scale:
    """Whole decades around positive values, thinned to at most six ticks."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    step = max(1, math.ceil((high - low) / 5))
    return Scale(10.0**low, 10.0**high, tuple(10.0**i for i in range(low, high + 1, step)), log=True)


def _nice(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= step * 0.999)


def tick_text(value: float, scale: Scale) -> str:
    """Tick labels of one axis share their decimals; those of a log axis do not."""
    if scale.log:
        return shown(value, max(0, -round(math.log10(value))))
    step = scale.ticks[1] - scale.ticks[0]
    return shown(value, next((d for d in range(4) if abs(round(step, d) - step) < 1e-9), 3))


def percent(share: float) -> str:
    """A horizontal place."""
    return f"{100 * share:.2f}%"


def mark(role: Role, x: float, y: float, *, hollow: bool = False, small: bool = False) -> Markup:
    """The mark of a role at share `x`, pixel `y`."""
    name = f"m-{role}{'-small' if small else '-hollow' if hollow else ''}"
    return Markup('<use href="#{}" x="{}" y="{:.1f}" style="color:{}"/>').format(
        name, percent(x), y, Markup(ROLE_COLOUR[role])
    )


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> Markup:
    """A straight line; `kind` is its class."""
    return Markup('<line class="{}" x1="{}" y1="{:.1f}" x2="{}" y2="{:.1f}"/>').format(
        kind, percent(x1), y1, percent(x2), y2
    )


def text(x: float, y: float, words: str, *, anchor: str = "start", dx: float = 0, role: Role | None = None) -> Markup:
    """Words at share `x`, moved by `dx` pixels."""
    colour = Markup(' style="fill:{}"').format(Markup(ROLE_TEXT[role])) if role else Markup("")
    return Markup('<text x="{}" y="{:.1f}" dx="{:g}" text-anchor="{}"{}>{}</text>').format(
        percent(x), y, dx, anchor, colour, words
    )


def lead(x: float, x1: float, y1: float, x2: float, y2: float) -> Markup:
    """A line from a mark to its moved label: `x` is a share, the rest pixels."""
    return Markup(
        '<svg x="{}" y="0" width="1" height="1"><line class="lead" x1="{:g}" y1="{:.1f}" x2="{:g}" y2="{:.1f}"/></svg>'
    ).format(percent(x), x1, y1, x2, y2)


def picture(parts: Sequence[Markup], height: float, label: str, left: int, right: int = 12) -> Markup:
    """The drawing, `left` and `right` pixels of room beside it for labels; its label says what it shows."""
    return Markup(
        '<div class="plot" style="padding:0 {}px 0 {}px"><svg role="img" aria-label="{}" height="{:g}">{}</svg></div>'
    ).format(right, left, label, height, Markup("").join(parts))


def width_of(words: str) -> float:
    """About how many pixels a label of 13 px takes."""
    return 7.1 * len(words)


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Vertical places near the wanted ones (sorted), `gap` pixels apart, within [low, high] where that can be."""
    placed: list[float] = []
    for place in wanted:
        placed.append(max(place, low, placed[-1] + gap if placed else low))
    limit = high
    for i in range(len(placed) - 1, -1, -1):
        placed[i] = min(placed[i], limit)
        limit = placed[i] - gap
    return placed
