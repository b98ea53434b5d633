"""A tick says where on an axis one is: dates without repeating the year, whole numbers in thousands, names of lanes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.dates import MINUTELY, SECONDLY, AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from eslab.frames import InvalidFrame

FIRST, LAST = -719_161.99, 2_932_896.99
"""The first and the last moment that has a date, in days since 1970: in the years 1 and 9999."""
LEADING = 1.3
"""Height of a line of text, as a multiple of its size."""
SMALLEST = 9
"""The smallest label that can still be read, in points."""


def figure_of(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    if figure is None:
        raise InvalidFrame("these axes were removed from their figure: give others, or none, as ax=")
    return figure


def ticks(axis: Axis, values: np.ndarray) -> None:
    """Ticks as a person would write them: dates without repeating the year, whole numbers in thousands."""
    if values.size == 0:
        return
    if values.dtype.kind == "M":
        room, dpi = axis.axes.get_window_extent(), figure_of(axis.axes).dpi
        inches = room.width / dpi if axis is axis.axes.xaxis else room.height / dpi * 2
        if inches < 6:
            axis.set_tick_params(labelsize=10)
        _within_the_calendar(axis)
        most = 8 if inches >= 4.5 else 5 if inches >= 3 else 3
        locator = _Even(tz=dt.UTC, minticks=2 + (most > 3), maxticks=most)  # type: ignore[no-untyped-call]
        locator.intervald |= {MINUTELY: [1, 2, 5, 10, 15, 30], SECONDLY: [1, 2, 5, 10, 15, 30]}
        one_day = values.min().astype("M8[D]") == values.max().astype("M8[D]")
        day = "%d %b %Y" if one_day else "%Y"
        axis.set_major_locator(locator)
        axis.set_major_formatter(ConciseDateFormatter(  # type: ignore[no-untyped-call]
            locator, tz=dt.UTC, formats=["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S.%f"],
            zero_formats=["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"], offset_formats=["", "", "%Y", day, day, day],
        ))  # fmt: skip
    elif np.all(values[np.isfinite(values)] % 1 == 0):
        axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


class _Even(AutoDateLocator):
    """Marks that stand about as far apart from each other: not the 31st, then the 1st, then the 3rd."""

    def __call__(self) -> Any:
        marks = np.asarray(super().__call__())  # type: ignore[no-untyped-call]
        gaps = np.diff(marks)
        return marks[np.append(gaps > 0.6 * np.median(gaps), True)] if gaps.size else marks


def _within_the_calendar(axis: Axis) -> None:
    """Keep the limits in the years 1 to 9999, beyond which there is no date to be written."""
    low, high = axis.get_view_interval()
    if low < FIRST or high > LAST:
        limits = max(low, FIRST), min(high, LAST)
        axis.axes.set_xlim(limits) if axis is axis.axes.xaxis else axis.axes.set_ylim(limits)


def lanes_for(ax: Axes, names: Sequence[str]) -> None:
    """Name the lanes 0, 1, … from the top, smaller where they are many."""
    room = ax.get_window_extent().height / figure_of(ax).dpi * 72 / max(len(names), 1)
    ax.set_yticks(range(len(names)), names, parse_math=False)
    ax.tick_params(axis="y", labelsize=float(np.clip(room / LEADING, SMALLEST, rcParams["ytick.labelsize"])))
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")


def with_zero(ax: Axes, values: np.ndarray) -> None:
    """Let the axis of numbers begin, or end, at 0 where all are on one side of it, if nobody has set its limits."""
    if not ax.get_autoscaley_on():
        return
    low, high = ax.get_ylim()
    known = values[~np.isnan(values)]
    if known.size and known.min() >= 0:
        ax.set_ylim(0, high if known.max() > 0 else 1)
    elif known.size and known.max() <= 0:
        ax.set_ylim(low, 0)
