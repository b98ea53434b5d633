"""Clocks and queues: when things were known against when they happened, and what has come but not yet gone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection

from eslab.charts.columns import AXIS, Type, along, column_of, moments_of, short, texts_of, types_in, when
from eslab.drawing import begin, beside, figure_of, finish, held, looks, styled, ticks, with_zero


@styled
def two_clocks(frame: pd.DataFrame, *, title: str, by: str = "type", ax: Axes | None = None) -> Axes:
    """When it happened against when it was recorded: a dot for each event; on the line, it was recorded at once.

    The higher above the line, the later it was known. `by` is the column that gives the dots their colours.
    """
    ax = begin(ax, title, AXIS["occurred_at"], AXIS["recorded_at"])
    frame = frame[column_of(frame, by).notna() & column_of(frame, "recorded_at").notna()]
    occurred, recorded = moments_of(frame["occurred_at"]), moments_of(frame["recorded_at"])
    names = texts_of(frame, by)
    order = list(dict.fromkeys(names))
    look = looks()
    for rank, (name, label) in enumerate(zip(order, short(order), strict=True)):
        colour, here = next(look)["color"], names == name
        size, alpha = (60, 0.9) if np.count_nonzero(here) <= 60 else (28, 0.45)
        ax.scatter(occurred[here], recorded[here], s=size, alpha=alpha, color=colour, linewidths=0,
                   label=f"{label} ({np.count_nonzero(here):,})", zorder=3 + rank)  # fmt: skip
    if order:
        ticks(ax.xaxis, occurred)
        ticks(ax.yaxis, recorded)
        ends = np.array([occurred.min(), occurred.max()])
        ax.plot(ends, ends, color=rcParams["axes.edgecolor"], linewidth=1.6, dashes=(4, 2), label="recorded at once")
        for handle in beside(ax).legend_handles:
            if isinstance(handle, PathCollection):
                handle.set(alpha=1, sizes=[60])
        figure_of(ax).draw_without_rendering()  # the legend takes room from the ticks, which are set again
        ticks(ax.xaxis, occurred)
        ticks(ax.yaxis, recorded)
    return finish(ax, empty=not order)


@styled
def arrivals(
    frame: pd.DataFrame, arrives: Type | Sequence[Type], leaves: Type | Sequence[Type], *, title: str, ylabel: str,
    x: str = "occurred_at", labels: tuple[str, str] = ("arrived", "left"), ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """What came and what went: two lines that count up; the gap between them is the backlog, how much is there.

    `arrives` and `leaves` are types of events, one or several for each. The gap is largest where the bar stands, with
    its size: read upwards it is a number, and read to the right it is how long one waits, if the first in is the first
    out. `ylabel` says what is counted. Raises InvalidFrame for a type that the frame does not know.
    """
    kinds = types_in(frame, arrives), types_in(frame, leaves)
    frame, moments = along(frame, x, forward=False)
    ax = begin(ax, title, AXIS.get(x, x), ylabel)
    order = np.argsort(moments, kind="stable")
    came, went = (frame["type"].isin(kind).to_numpy()[order] for kind in kinds)
    moved = came | went
    grid, sums = moments[order][moved], [np.cumsum(one[moved]) for one in (came, went)]
    if not len(grid):
        return finish(ax, empty=True)
    last = np.append(grid[1:] != grid[:-1], True)  # what happens at the same moment is counted together
    grid, (arrived, left) = grid[last], (one[last] for one in sums)
    until, upper, lower = held(grid, grid)[0], held(grid, arrived)[1], held(grid, left)[1]
    look = looks()
    ends = [
        (ax.plot(until, numbers, drawstyle="steps-post", **next(look))[0], label)
        for numbers, label in zip((upper, lower), labels, strict=True)
    ]
    ax.fill_between(until, lower, upper, step="post", color=ends[0][0].get_color(), alpha=0.14, linewidth=0)
    backlog = arrived - left
    most = int(backlog.argmax())
    ax.vlines(grid[most], left[most], arrived[most], color=rcParams["text.color"], linewidth=2.6, zorder=5)
    with_zero(ax, upper.astype("float64"))
    ticks(ax.xaxis, grid)
    ticks(ax.yaxis, upper.astype("float64"))
    ax.margins(x=0)
    ax.annotate(f"{backlog[most]:,}", (grid[most], arrived[most]), (-5, 3), textcoords="offset points", ha="right",
                weight="bold")  # fmt: skip
    note = f"The gap is largest {when(grid[most], x)}: {backlog[most]:,}; at the end it is {backlog[-1]:,}."
    return finish(ax, ends=ends, note=note)
