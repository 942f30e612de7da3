"""Races: several ways to compute one thing, timed in turns in one process on one thread, and compared as ratios."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

CLOCK = time.process_time
"""CPU seconds of this process: other work on the machine counts as little as it can."""
TIMED = pytest.mark.benchmark(timer=CLOCK)
"""Mark of every file of races."""
Alike = Callable[[Any, Any], None]
"""A peer's result and ours; fails where the two are not what the race says they are."""


@dataclass(frozen=True)
class Racer:
    """One way to compute something: `run(*fresh())`, of which only `run` is timed."""

    run: Callable[..., Any]
    fresh: Callable[[], tuple[Any, ...]] = tuple

    def ready(self) -> tuple[Any, ...]:
        """What `run` takes, with the garbage of other racers collected: a full collection costs 0.1 s."""
        given = self.fresh()
        gc.collect()
        return given

    def timed(self) -> tuple[float, Any]:
        """CPU seconds of one run, and its result."""
        given = self.ready()
        start = CLOCK()
        result = self.run(*given)
        return CLOCK() - start, result


@dataclass(frozen=True)
class Outcome:
    """Median CPU seconds of ours and of one peer."""

    race: str
    size: str
    peer: str
    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """How many times as long as ours the peer takes."""
        return self.theirs / self.ours


def held(
    benchmark: Any,
    race: str,
    size: str,
    ours: Racer,
    peers: Mapping[str, Racer],
    alike: Alike,
    rounds: int,
    warm_up: int = 1,
    also: Mapping[str, Racer] | None = None,
) -> list[Outcome]:
    """Time all racers once per round, `rounds` times after `warm_up` untimed rounds, and compare results with ours.

    `also` holds more of ours, by the name of their own race against the same peers. pytest-benchmark times ours; its
    set-up, which it does not time, is where the others run. Under `--benchmark-disable` results are compared alone.
    """
    others = {**(also or {}), **peers}
    taken: dict[str, list[float]] = {name: [] for name in others}
    results: dict[str, Any] = {}

    def others_first() -> tuple[tuple[Any, ...], dict[str, Any]]:
        for name, racer in others.items():
            seconds, results[name] = racer.timed()
            taken[name].append(seconds)
        return ours.ready(), {}

    benchmark.group = f"{race}, {size}"
    expected = benchmark.pedantic(ours.run, setup=others_first, rounds=rounds, warmup_rounds=warm_up)
    for result in results.values():
        alike(result, expected)
    if benchmark.stats is None:
        return []
    medians = {name: statistics.median(seconds[-rounds:]) for name, seconds in taken.items()}
    mine = {race: benchmark.stats.stats.median, **{name: medians[name] for name in also or {}}}
    outcomes = [Outcome(name, size, peer, mine[name], medians[peer]) for name in mine for peer in peers]
    benchmark.extra_info["peer / ours"] = {f"{one.race}: {one.peer}": one.ratio for one in outcomes}
    return outcomes


def table(outcomes: Iterable[Outcome]) -> list[str]:
    """Lines of a table: race, size, ours, peer and the peer's time over ours; what repeats is left out."""
    head = ("race", "size", "ours", "peer", "takes", "peer / ours")
    rows: list[tuple[str, ...]] = [head]
    last: tuple[str, ...] = ()
    for outcome in outcomes:
        shown = (outcome.race, outcome.size, in_words(outcome.ours))
        rows.append(
            (*(shown if shown != last else ("", "", "")), outcome.peer, in_words(outcome.theirs), times(outcome.ratio))
        )
        last = shown
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = (0, 1, 3)
    return [
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def in_words(seconds: float) -> str:
    """Seconds to three digits: `8.81 s`, `18.3 ms`, `41.0 µs`."""
    factor, unit = (1, "s") if seconds >= 1 else (1e3, "ms") if seconds >= 1e-3 else (1e6, "µs")
    return f"{seconds * factor:#.3g}".rstrip(".") + f" {unit}"


def times(ratio: float) -> str:
    """A ratio to two digits, more of them where it is large."""
    return f"{ratio:,.0f} x" if ratio >= 100 else f"{ratio:.1f} x" if ratio >= 10 else f"{ratio:.2f} x"
