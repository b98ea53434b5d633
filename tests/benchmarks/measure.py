"""A measurement is the median of several runs in turn: ours, theirs, ours, theirs, so that noise falls on both."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Seconds = list[float]
UNITS = {"more": "/s", "in MB": "MB", "in bytes": "bytes", "in percent": "%", "as exponent": ""}
"""Of the numbers in a row, by the kind of its target; all others are seconds."""


def nothing() -> None:
    return None


@dataclass(frozen=True)
class Side:
    """One of those that run: `run` is timed and gets what `fresh` made for this run, which is not timed.

    What it returns must be the same on every side; with `answer`, what that finds afterwards, not timed either.
    """

    name: str
    run: Callable[[Any], Any]
    fresh: Callable[[], Any] = nothing
    answer: Callable[[Any], Any] | None = None


class Unequal(Exception):
    """Two sides came to different results, so their times must not be compared."""


@dataclass(frozen=True)
class Target:
    """What a ratio should be: at least so many times `faster`, or `within` so many times the yardstick's time.

    A rate is to be so many times `more` than the yardstick's. A limit `in seconds`, `in MB`, `in bytes`, `in percent`
    or `as exponent` needs no yardstick; without a limit the row is shown and not judged.
    """

    kind: str = "within"
    limit: float | None = None

    def ratio(self, ours: float, theirs: float | None) -> float | None:
        if theirs is None:
            return None
        return theirs / ours if self.kind == "faster" else ours / theirs

    def met(self, ours: float, theirs: float | None) -> bool | None:
        if self.limit is None:
            return None
        ratio = self.ratio(ours, theirs)
        if ratio is None:
            return ours <= self.limit
        return ratio >= self.limit if self.kind in ("faster", "more") else ratio <= self.limit

    def __str__(self) -> str:
        if self.limit is None:
            return "-"
        return {"faster": "≥ {:g} x", "more": "≥ {:g} x", "within": "≤ {:g} x", "as exponent": "≤ {:g}"}.get(
            self.kind, f"≤ {{:g}} {self.unit}"
        ).format(self.limit)

    @property
    def unit(self) -> str:
        """What the numbers of the row are."""
        return UNITS.get(self.kind, "s")


@dataclass(frozen=True)
class Row:
    """One line of the table: the seconds of every run of both sides, and what is asked of their medians."""

    row: str
    yardstick: str
    ours: Seconds
    theirs: Seconds | None
    target: Target

    def as_json(self) -> dict[str, Any]:
        """The row in seconds and ratios; `spread` holds the lowest and the highest of all runs."""
        ours = statistics.median(self.ours)
        theirs = statistics.median(self.theirs) if self.theirs else None
        pairs = zip(self.ours, self.theirs or [], strict=False)
        ratios = [ratio for pair in pairs if (ratio := self.target.ratio(*pair)) is not None]
        return {
            "row": self.row, "yardstick": self.yardstick, "ours": ours, "theirs": theirs,
            "ratio": self.target.ratio(ours, theirs), "target": str(self.target), "met": self.target.met(ours, theirs),
            "runs": len(self.ours),
            "spread": {"ours": span(self.ours), "theirs": span(self.theirs), "ratio": span(ratios)},
        }  # fmt: skip


def p95(seconds: Seconds) -> float:
    """What 95 of 100 stay under."""
    return sorted(seconds)[int(0.95 * len(seconds))]


def exponent(taken: Mapping[int, float]) -> float:
    """By which power the seconds grow with the size, by least squares of their logarithms: 0 = flat, 1 = linear."""
    sizes, seconds = zip(*taken.items(), strict=True)
    return statistics.linear_regression(list(map(math.log, sizes)), list(map(math.log, seconds))).slope


def span(values: Seconds | None) -> Seconds | None:
    return [min(values), max(values)] if values else None


def scaled(seconds: float) -> tuple[float, str]:
    """What to multiply seconds by so that they read well, and the unit that they are in then."""
    return next(((f, u) for f, u in ((1.0, "s"), (1e3, "ms")) if seconds * f >= 1), (1e6, "µs"))


def race(sides: list[Side], *, runs: int, per: int = 1, warm_up: bool = True) -> dict[str, Seconds]:
    """The seconds that each side took, in each of `runs` rounds after one to `warm_up`, divided by `per`.

    Every side runs once a round, and the order turns from round to round. Raises Unequal if the results differ.
    """
    taken: dict[str, Seconds] = {side.name: [] for side in sides}
    for number in range(0 if warm_up else 1, runs + 1):
        results = {}
        for side in sides if number % 2 else sides[::-1]:
            seconds, results[side.name] = _timed(side)
            if number:
                taken[side.name].append(seconds / per)
        must_agree({side.name: results[side.name] for side in sides})
    return taken


def _timed(side: Side) -> tuple[float, Any]:
    given = side.fresh()
    with _settled():
        began = time.perf_counter()
        result = side.run(given)
        taken = time.perf_counter() - began
    return taken, side.answer(given) if side.answer else result


@contextmanager
def _settled() -> Iterator[None]:
    """The garbage collector is on, as in ordinary use, but what earlier work left behind costs nobody anything."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def must_agree(results: dict[str, Any]) -> None:
    """Raise Unequal unless all results are the same."""
    (first, expected), *others = results.items()
    for name, result in others:
        if result != expected:
            raise Unequal(f"{first} came to {str(expected)[:200]}, but {name} to {str(result)[:200]}")
