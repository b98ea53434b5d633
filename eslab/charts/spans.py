"""A span of time is told in the units that people use for its length: 250 ms, 3 h 20 min, 12 days."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes

from eslab.charts.columns import FINEST, column_of, most_frequent, short, texts_of
from eslab.drawing import begin, beside, finish, looks, styled
from eslab.frames import InvalidFrame
from eslab.show import counted

UNITS = (
    ("year", 31_536_000.0), ("day", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6),
)  # fmt: skip
"""Units of time, in seconds; a year has 365 days."""
STEPS = {
    "µs": (1, 10, 100), "ms": (1, 2, 5, 10, 20, 50, 100, 200, 500), "s": (1, 2, 5, 10, 15, 30),
    "min": (1, 2, 5, 10, 15, 30), "h": (1, 2, 3, 6, 12), "day": (1, 2, 5, 7, 14, 30, 60, 90, 180),
    "year": (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000),
}  # fmt: skip
ROUND = [step * size for unit, size in reversed(UNITS) for step in STEPS[unit]]
"""The spans at which an axis may have its marks, in seconds."""
LADDER = (
    1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800, 2_592_000, 31_536_000,
    315_360_000,
)  # fmt: skip
"""The same, on an axis along which spans grow by factors."""
FACTOR = 100
"""An axis grows by factors if the longest tenth of the spans are so many times as long as the shortest tenth."""
GROUPS = 7


def spoken(seconds: float) -> str:
    """A span in the two largest units that it has; a whole number of them."""
    if seconds < 0:
        return f"-{spoken(-seconds)}"
    for (unit, size), (smaller, part) in itertools.pairwise(UNITS):
        whole, rest = divmod(round(seconds / part), round(size / part))
        if whole:
            return _amount(whole, unit) + (f" {_amount(rest, smaller)}" if rest and whole < 10 else "")
    return "0" if seconds == 0 else f"{seconds * 1e6:.3g} µs"


def _amount(number: int, unit: str) -> str:
    return counted(number, unit) if unit in ("day", "year") else f"{number:,} {unit}"


@styled
def durations(
    frame: pd.DataFrame, *, title: str, column: str = "lasted", by: str | None = None, ax: Axes | None = None
) -> Axes:
    """How long it took: for each span along the axis, the share that took at most so long.

    `frame` is that of `frames.durations`. Read at half: as many took longer as took less, which is marked and said.
    `by="to"` draws a line for each kind of event that ended a span, at most seven, the most frequent. Where the spans
    are very different, the axis grows by factors. Those that have not ended belong to the whole, so that the line stays
    below 100%; they are said. Raises InvalidFrame for a column that holds anything but spans of time.
    """
    lasted = column_of(frame, column)
    if not pd.api.types.is_timedelta64_dtype(lasted.dtype):
        raise InvalidFrame(
            f"column {column!r} holds {lasted.dtype}, expected spans of time: make the frame with "
            f"frames.durations(history)", found=column,
        )  # fmt: skip
    ax = begin(ax, title, "how long it took", "share that took at most so long")
    seconds = lasted.dt.total_seconds().to_numpy(dtype="float64", na_value=np.nan)
    groups = np.full(len(frame), "") if by is None else texts_of(frame, by)
    order = most_frequent(groups, GROUPS) if len(frame) else []
    known = seconds[np.isin(groups, order) & ~np.isnan(seconds)]
    if not len(known):
        return finish(ax, empty=True)
    _axis(ax, known)
    for name, label, look in zip(order, short(order), looks(), strict=False):
        _share(ax, seconds[groups == name], label, look)
    if by is not None:
        beside(ax)
    return finish(ax, note=_missing(seconds, groups, order))


def _share(ax: Axes, seconds: np.ndarray, label: str, look: dict[str, object]) -> None:
    """The line of one group, and the mark at its half."""
    ended = np.sort(seconds[~np.isnan(seconds)])
    shares = np.arange(1, len(ended) + 1) / len(seconds)
    if not len(ended):
        return
    seen = np.unique(np.linspace(0, len(ended) - 1, min(len(ended), FINEST)).astype(int))
    left, right = ax.get_xlim()
    line = (
        np.clip([left, *ended[seen], right], left, right),
        [(ended < left).mean() * shares[-1], *shares[seen], shares[-1]],
    )
    half = ended[np.searchsorted(shares, 0.5)] if shares[-1] >= 0.5 else None
    said = (
        f"half within {spoken(half)}" if half else "half at once" if half == 0 else f"only {shares[-1]:.0%} have ended"
    )
    name = f"{label} ({len(seconds):,})\n{said}" if label else said
    ax.plot(*line, drawstyle="steps-post", label=name, **look)  # type: ignore[arg-type]
    if half is not None:
        ax.plot([max(half, left)], [0.5], "o", color=str(look["color"]), markersize=9, zorder=5)
        if not label:
            ax.vlines(half, 0, 0.5, color=rcParams["axes.edgecolor"], linestyle=(0, (4, 2)), linewidth=1.6)
            ax.annotate(said, (half, 0.5), (12, -4), textcoords="offset points", va="top", weight="bold")


def _axis(ax: Axes, seconds: np.ndarray) -> None:
    some = seconds[seconds > 0]
    tenth, most = np.quantile(some, [0.1, 0.9]) if len(some) else (1.0, 1.0)
    along_time(ax, seconds, by_factors=bool(seconds.min() >= 0 and most > FACTOR * tenth))
    ax.set_ylim(0, 1.02)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])


def along_time(ax: Axes, seconds: np.ndarray, *, by_factors: bool = False) -> None:
    """Let x be spans of time, from 0, or from the shortest if it grows by factors, with marks that people would set."""
    low, high = min(float(seconds.min()), 0.0), float(seconds.max())
    if by_factors:
        low = float(seconds[seconds > 0].min()) * 0.8
        ax.set_xscale("log")
        ax.set_xlim(low, high * 1.2)
        marks = [one for one in LADDER if low <= one <= high * 1.2]
    else:
        ax.set_xlim(low, high + (high - low or 1) * 0.03)
        step = next((one for one in ROUND if (high - low) / one <= 7), ROUND[-1])
        marks = [one for one in np.arange(np.ceil(low / step), high / step + 1) * step if one <= ax.get_xlim()[1]]
    ax.set_xticks(marks, [spoken(one) for one in marks])
    ax.minorticks_off()


def _missing(seconds: np.ndarray, groups: np.ndarray, order: list[str]) -> str:
    open_, others = int(np.isnan(seconds).sum()), len(set(groups)) - len(order)
    said = [f"{open_:,} of {len(seconds):,} have not ended."] if open_ else []
    return " ".join([*said, f"{counted(others, 'less frequent kind')} left out."] if others else said)
