"""A chart answers one question about a frame: frame in, axes out.

Each takes a frame from `eslab.frames` (or a timeline, as the frame of its states), a `title` that says what is to be
seen, and `ax=` to draw into axes that are there already. The style is eslab's own and leaves matplotlib's settings as
they were; `style("dark")` is for dark pages, and `plt.style.use("eslab.static.eslab")` for charts of one's own.
"""

from __future__ import annotations

import decimal
import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D

from eslab.drawing import begin, finish, held, lanes_for, looks, style, styled, ticks, with_zero
from eslab.frames import InvalidFrame

__all__ = ["counts", "event_strip", "state_over_time", "style", "two_clocks"]

AXIS = {
    "recorded_at": "recorded at (UTC)", "occurred_at": "occurred at (UTC)", "step": "step (events so far)",
    "position": "position in the log",
}  # fmt: skip
NUMBERS = (int, float, decimal.Decimal, np.number)

# --- the charts ---------------------------------------------------------------------------------------------------


@styled
def state_over_time(
    frame: pd.DataFrame, columns: str | Sequence[str] | Mapping[str, str], *, title: str, ylabel: str,
    x: str = "recorded_at", highlight: Sequence[str] = (), ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """What the state was at every moment: a line of steps for each column of a frame of states, named at its end.

    `columns` are names or patterns (`"state.*.points"`), or a dict of names to labels. `x` is recorded_at, occurred_at
    or step. With `highlight`, a list of labels, the other lines are grey and unnamed. A line is flat until the next
    event, broken where the column is missing, and the axis includes 0. A cross marks an event on which the fold failed.

    Raises InvalidFrame for an unknown column, one without numbers, times that go back, and more labels than have room.
    """
    labels = _labelled(frame, columns)
    if absent := [label for label in highlight if label not in labels.values()]:
        raise InvalidFrame(f"highlight has {absent}, expected some of {sorted(labels.values())}", found=absent)
    frame, moments = _along(frame, x)
    numbers = {column: _numbers(frame, column) for column in labels}
    ax = begin(ax, title, AXIS.get(x, x), ylabel)
    ends: list[tuple[Line2D, str]] = []
    look = looks()
    grey = {"color": rcParams["axes.edgecolor"], "linewidth": 1.0, "alpha": 0.45}
    for column in sorted(labels, key=lambda column: _rank(labels[column], highlight)):
        muted = bool(highlight) and labels[column] not in highlight
        drawn = held(moments, numbers[column])
        (line,) = ax.plot(*drawn, drawstyle="steps-post", **(grey if muted else next(look)))
        ends += [] if muted else [(line, labels[column])]
    everything = np.concatenate(list(numbers.values()))
    with_zero(ax, everything)
    ticks(ax.xaxis, moments)
    ticks(ax.yaxis, everything)
    ax.margins(x=0)
    failed = frame["error"].notna().to_numpy() if "error" in frame else np.zeros(len(frame), bool)
    if failed.any():
        _failures(ax, moments[failed])
    return finish(ax, empty=len(frame) == 0, ends=ends)


@styled
def event_strip(
    frame: pd.DataFrame, *, title: str, x: str = "recorded_at", lanes: str = "type", ax: Axes | None = None
) -> Axes:
    """What happened when: a tick for each event, in a lane for each type (or stream, or another column in `lanes`).

    Lanes are in the order of their first event, from the top, each with the number of its events.
    """
    ax = begin(ax, title, AXIS.get(x, x), "")
    frame, moments = _along(frame[_column(frame, lanes).notna()], x, forward=False)
    names = frame[lanes].astype(str).to_numpy()
    order = list(dict.fromkeys(names))
    shown = _short(order)
    colours = rcParams["axes.prop_cycle"].by_key()["color"]
    for lane, name in enumerate(order):
        here = moments[names == name]
        thin = 1.0 if len(here) > 300 else 2.0
        ax.vlines(here, lane - 0.36, lane + 0.36, color=colours[lane % len(colours)], linewidth=thin, alpha=0.8)
    counted = [f"{label}  ({np.count_nonzero(names == name):,})" for label, name in zip(shown, order, strict=True)]
    lanes_for(ax, counted)
    ticks(ax.xaxis, moments)
    return finish(ax, empty=not order)


@styled
def counts(frame: pd.DataFrame, *, title: str, ylabel: str = "events", ax: Axes | None = None) -> Axes:
    """How many: a bar for each row of a frame of counts, along time if its index is time, else one below the other.

    `ylabel` says what is counted. The axis of the numbers begins at 0.
    """
    numbers, along_time = _numbers(frame, frame.columns[0]), isinstance(frame.index, pd.DatetimeIndex)
    ax = begin(ax, title, f"{frame.index.name or 'time'} (UTC)", ylabel) if along_time else begin(ax, title, ylabel, "")
    if len(frame) == 0:
        return finish(ax, empty=True)
    if along_time:
        ax.bar(_moments(frame.index), numbers, width=_widths(frame.index), align="edge")
        ax.grid(visible=False, axis="x")
        ticks(ax.xaxis, _moments(frame.index))
        ticks(ax.yaxis, numbers)
        return finish(ax)
    bars = ax.barh(range(len(frame)), numbers, height=0.7)
    ax.bar_label(bars, [f"{number:,.10g}" for number in numbers], padding=6)
    lanes_for(ax, _short([str(one) for one in frame.index]))
    ax.margins(x=0.12)
    ticks(ax.xaxis, numbers)
    return finish(ax)


@styled
def two_clocks(frame: pd.DataFrame, *, title: str, by: str = "type", ax: Axes | None = None) -> Axes:
    """When it happened against when it was recorded: a dot for each event; on the line, it was recorded at once.

    The higher above the line, the later it was known. `by` is the column that gives the dots their colours.
    """
    ax = begin(ax, title, AXIS["occurred_at"], AXIS["recorded_at"])
    frame = frame[_column(frame, by).notna() & _column(frame, "recorded_at").notna()]
    occurred, recorded = _moments(frame["occurred_at"]), _moments(frame["recorded_at"])
    names = frame[by].astype(str).to_numpy()
    order = list(dict.fromkeys(names))
    look = looks()
    for rank, (name, label) in enumerate(zip(order, _short(order), strict=True)):
        colour, here = next(look)["color"], names == name
        size, alpha = (60, 0.9) if np.count_nonzero(here) <= 60 else (28, 0.45)
        ax.scatter(occurred[here], recorded[here], s=size, alpha=alpha, color=colour, linewidths=0,
                   label=f"{label} ({np.count_nonzero(here):,})", zorder=3 + rank)  # fmt: skip
    if order:
        ends = np.array([occurred.min(), occurred.max()])
        ax.plot(ends, ends, color=rcParams["axes.edgecolor"], linewidth=1.6, dashes=(4, 2), label="recorded at once")
        ticks(ax.xaxis, occurred)
        ticks(ax.yaxis, recorded)
        for handle in ax.legend(loc="upper left", bbox_to_anchor=(1, 1), handletextpad=0.3).legend_handles:
            if isinstance(handle, PathCollection):
                handle.set(alpha=1, sizes=[60])
    return finish(ax, empty=not order)


def _rank(label: str, highlight: Sequence[str]) -> int:
    return list(highlight).index(label) if label in highlight else -1


def _failures(ax: Axes, moments: np.ndarray) -> None:
    floor = np.zeros(len(moments))
    colour = rcParams["axes.prop_cycle"].by_key()["color"][1]
    ax.plot(moments, floor, "x", color=colour, markersize=11, markeredgewidth=3, clip_on=False, zorder=5,
            transform=ax.get_xaxis_transform(), label="the fold failed here")  # fmt: skip
    ax.legend(loc="upper left")


# --- what a frame holds ---------------------------------------------------------------------------------------------


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    if name not in frame.columns:
        raise InvalidFrame(
            f"the frame has no column {name!r}, expected one of: {', '.join(map(str, frame.columns[:30]))}", found=name
        )
    return frame[name]


def _labelled(frame: pd.DataFrame, columns: str | Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """The columns asked for, with the label of each: what is different in their names, or as the caller says."""
    if isinstance(columns, Mapping):
        return {str(_column(frame, name).name): label for name, label in columns.items()}
    found: list[str] = []
    if not columns:
        raise InvalidFrame("no column was named, expected at least one, for example 'state.balance'", found=columns)
    for wanted in [columns] if isinstance(columns, str) else columns:
        matching = [wanted] if wanted in frame.columns else fnmatch.filter(map(str, frame.columns), wanted)
        found += matching or [str(_column(frame, wanted).name)]
    found = list(dict.fromkeys(found))
    return dict(zip(found, _short(found), strict=True))


def _short(names: Sequence[str]) -> list[str]:
    """Names without the parts, between full stops, that all of them begin or end with."""
    parts = [name.split(".") for name in names]
    if len(parts) < 2:
        return [one[-1] for one in parts]
    spare, first, last = min(map(len, parts)) - 1, 0, 0
    while first < spare and len({one[first] for one in parts}) == 1:
        first += 1
    while first + last < spare and len({one[-1 - last] for one in parts}) == 1:
        last += 1
    return [".".join(one[first : len(one) - last]) for one in parts]


def _along(frame: pd.DataFrame, x: str, *, forward: bool = True) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows that have an x, and their x. Raises InvalidFrame if it goes back where it must not."""
    if x == "step" and frame.index.name == "step":
        return frame, frame.index.to_numpy()
    column = _column(frame, x)
    frame = frame[column.notna()]
    column = frame[x]
    moments = _moments(column) if isinstance(column.dtype, pd.DatetimeTZDtype) else _numbers(frame, x)
    back = np.flatnonzero(moments[1:] < moments[:-1])
    if forward and back.size:
        raise InvalidFrame(
            f"{x} goes back after row {frame.index[back[0]]}, so a line along it would show states that never were: "
            f"use x='step', or a Timeline whose order= is that of this clock", found=x,
        )  # fmt: skip
    return frame, moments


def _moments(times: Any) -> np.ndarray:
    """Times as matplotlib takes them: in UTC, without a zone."""
    index = pd.DatetimeIndex(times)
    moments: np.ndarray = (index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index).to_numpy()
    return moments


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A column as floats for drawing, NaN where it is missing. Raises InvalidFrame if it holds anything but numbers."""
    column = _column(frame, name)
    strange = [one for one in column.dropna() if not isinstance(one, NUMBERS)] if column.dtype == object else []
    if strange or not (column.dtype == object or pd.api.types.is_numeric_dtype(column.dtype)):
        kind = type(strange[0]).__name__ if strange else column.dtype
        raise InvalidFrame(f"column {name!r} holds {kind}, expected numbers: choose another column", found=name)
    numbers: np.ndarray = column.to_numpy(dtype="float64", na_value=np.nan)
    return numbers


def _widths(index: pd.DatetimeIndex) -> np.ndarray:
    """How long each period is, with a little less so that bars stand apart; without a freq, as the closest two are."""
    closest = index.to_series().diff().min() if len(index) > 1 else pd.Timedelta(days=1)
    ends = index + (index.freq or closest)
    widths: np.ndarray = ((ends - index) * 0.92).to_numpy()
    return widths
