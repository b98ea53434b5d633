"""A bar is as long as the number it stands for, and begins at 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes

from eslab.charts.columns import Type, column_of, moments_of, numbers_of, short, types_in
from eslab.drawing import begin, finish, lanes_for, styled, ticks


@styled
def counts(frame: pd.DataFrame, *, title: str, ylabel: str = "events", ax: Axes | None = None) -> Axes:
    """How many: a bar for each row of a frame of counts, along time if its index is time, else one below the other.

    `ylabel` says what is counted. The axis of the numbers begins at 0.
    """
    numbers, along_time = numbers_of(frame, frame.columns[0]), isinstance(frame.index, pd.DatetimeIndex)
    ax = begin(ax, title, f"{frame.index.name or 'time'} (UTC)", ylabel) if along_time else begin(ax, title, ylabel, "")
    if len(frame) == 0:
        return finish(ax, empty=True)
    if along_time:
        ax.bar(moments_of(frame.index), numbers, width=_widths(frame.index), align="edge")
        ax.grid(visible=False, axis="x")
        ticks(ax.xaxis, moments_of(frame.index))
        ticks(ax.yaxis, numbers)
        return finish(ax)
    bars = ax.barh(range(len(frame)), numbers, height=0.7)
    ax.bar_label(bars, [f"{number:,.10g}" for number in numbers], padding=6)
    lanes_for(ax, short([str(one) for one in frame.index]))
    ax.margins(x=0.12)
    ticks(ax.xaxis, numbers)
    return finish(ax)


def _widths(index: pd.DatetimeIndex) -> np.ndarray:
    """How long each period is, with a little less so that bars stand apart; without a freq, as the closest two are."""
    closest = index.to_series().diff().min() if len(index) > 1 else pd.Timedelta(days=1)
    ends = index + (index.freq or closest)
    widths: np.ndarray = ((ends - index) * 0.92).to_numpy()
    return widths


@styled
def funnel(
    frame: pd.DataFrame, types: Sequence[Type], *, title: str, ylabel: str = "streams", ax: Axes | None = None
) -> Axes:
    """How many streams came how far: a bar for each of the types, for the streams that reached it in this order.

    A stream has reached a type if it holds an event of it after the one with which it reached the type before, by
    version. Beside each bar stand the number and its share of the first; behind it, paler, those that were lost since
    the type before. `ylabel` says what the streams are. Raises InvalidFrame for a type that the frame does not know.
    """
    names = types_in(frame, types)
    ax = begin(ax, title, ylabel, "")
    reached = _reached(frame, names) if len(frame) else [0]
    if not reached[0]:
        return finish(ax, empty=True)
    before = [reached[0], *reached[:-1]]
    ax.barh(range(len(names)), before, height=0.7, color=rcParams["grid.color"])
    ax.barh(range(len(names)), reached, height=0.7)
    for lane, (number, widest) in enumerate(zip(reached, before, strict=True)):
        ax.annotate(f"{number:,}  ({number / reached[0]:.0%})", (widest, lane), (6, 0), textcoords="offset points",
                    va="center", annotation_clip=False)  # fmt: skip
    lanes_for(ax, short(names))
    ax.set_xlim(0, reached[0] * 1.2)
    ticks(ax.xaxis, np.array(reached, dtype="float64"))
    return finish(ax)


def _reached(frame: pd.DataFrame, types: Sequence[str]) -> list[int]:
    streams, versions = column_of(frame, "stream"), column_of(frame, "version")
    came: pd.Series | None = None
    reached = []
    for one in types:
        here = (frame["type"] == one).fillna(False).to_numpy(dtype=bool)
        if came is not None:
            here = here & (versions > streams.map(came)).fillna(False).to_numpy(dtype=bool)
        came = versions[here].groupby(streams[here]).min()
        reached.append(len(came))
    return reached
