"""A line shows one number as it was at every moment: flat until the next event, for a state does not drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from eslab.charts.columns import AXIS, along, labelled, numbers_of, when
from eslab.drawing import as_frame, begin, colours_of, finish, held, looks, shade, styled, ticks, with_zero
from eslab.frames import InvalidFrame
from eslab.timeline import Timeline


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
    labels = labelled(frame, columns)
    if absent := [label for label in highlight if label not in labels.values()]:
        raise InvalidFrame(f"highlight has {absent}, expected some of {sorted(labels.values())}", found=absent)
    frame, moments = along(frame, x)
    numbers = {column: numbers_of(frame, column) for column in labels}
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


def _rank(label: str, highlight: Sequence[str]) -> int:
    return list(highlight).index(label) if label in highlight else -1


def _failures(ax: Axes, moments: np.ndarray) -> None:
    floor = np.zeros(len(moments))
    colour = colours_of()[1]
    ax.plot(moments, floor, "x", color=colour, markersize=11, markeredgewidth=3, clip_on=False, zorder=5,
            transform=ax.get_xaxis_transform(), label="the fold failed here")  # fmt: skip
    ax.legend(loc="upper left")


# --- a branch against its source ------------------------------------------------------------------------------------


@styled
def branch(
    frame: pd.DataFrame, other: Any, column: str, *, title: str, ylabel: str, x: str = "recorded_at",
    labels: tuple[str, str] = ("as it was", "what if"), ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """What came of it against what would have: one line until they part, then two, with the difference shaded.

    `frame` and `other` are frames of states, or timelines: a history and its branch, compared along the same `x`. Above
    the axes stands where they part, and how far apart they are at the end.

    Raises InvalidFrame for an unknown column, one without numbers, and times that go back.
    """
    sides = [_side(one, column, x) for one in (frame, as_frame(other))]
    grid = np.union1d(*(moments for moments, _ in sides))
    ours, theirs = (_held_at(grid, *side) for side in sides)
    differ = (ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs))
    parting = int(differ.argmax()) if differ.any() else len(grid)
    ax = begin(ax, title, AXIS.get(x, x), ylabel)
    look, until = looks(), held(grid, ours)[0]
    drawn = [held(grid, numbers)[1] for numbers in (ours, theirs)]
    first = max(parting - 1, 0)  # from where they part, the other has a line of its own
    (line,) = ax.plot(until, drawn[0], drawstyle="steps-post", **next(look))
    (branched,) = ax.plot(until[first:], drawn[1][first:], drawstyle="steps-post", visible=differ.any(), **next(look))
    ax.fill_between(until, drawn[0], drawn[1], where=np.append(differ, differ[-1:]), step="post",
                    color=branched.get_color(), alpha=0.16, linewidth=0)  # fmt: skip
    ends = [(line, labels[0]), (branched, labels[1])] if differ.any() else [(line, " = ".join(labels))]
    everything = np.concatenate([ours, theirs])
    with_zero(ax, everything)
    ticks(ax.xaxis, grid)
    ticks(ax.yaxis, everything)
    ax.margins(x=0)
    return finish(ax, empty=len(grid) == 0, ends=ends, note=_parting(grid, differ, theirs - ours, x))


def _side(frame: pd.DataFrame, column: str, x: str) -> tuple[np.ndarray, np.ndarray]:
    frame, moments = along(frame, x)
    return moments, numbers_of(frame, column)


def _held_at(grid: np.ndarray, moments: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """What a number was at each moment of the grid; NaN before there is any."""
    return np.append(numbers, np.nan)[np.searchsorted(moments, grid, side="right") - 1]


def _parting(grid: np.ndarray, differ: np.ndarray, apart: np.ndarray, x: str) -> str:
    if not differ.any():
        return "They never part." if len(grid) else ""
    where = when(grid[differ.argmax()], x)
    end = f"are {abs(apart[-1]):,.10g} apart" if differ[-1] else "are the same again"
    return f"They part {where}; at the end they {end}."


# --- how far projections are behind ----------------------------------------------------------------------------------


def lag(frame: Any, *, title: str, ax: Axes | None = None) -> Axes:
    """How far projections are behind the log: a line of steps for each, at 0 where it has handled everything.

    A timeline with views shows theirs, along its positions, or along its steps where positions go back. Or a frame with
    a column for each projection, how many events it is behind, whose index is times or positions. Of running
    projections it is made by looking now and then:

        looks[datetime.now(UTC)] = {status.name: status.lag for status in projector.status()}
        charts.lag(pd.DataFrame.from_dict(looks, orient="index"), title="The board keeps up, the mails do not")

    Raises InvalidFrame for a column without numbers, or an index that goes back.
    """
    return _lag(_lags(frame) if isinstance(frame, Timeline) else frame, title=title, ax=ax)


@styled
def _lag(frame: pd.DataFrame, *, title: str, ax: Axes | None = None) -> Axes:
    name = str(frame.index.name or ("time" if isinstance(frame.index, pd.DatetimeIndex) else "position"))
    xlabel = "time (UTC)" if name == "time" else AXIS.get(name, name)
    numbers = {str(column): numbers_of(frame, column) for column in frame.columns}
    moments = along(frame.assign(**{name: frame.index}), name, instead="sort the frame by its index")[1]
    ax = begin(ax, title, xlabel, "events behind")
    ends = []
    for look, (column, behind) in zip(looks(), numbers.items(), strict=False):
        (line,) = ax.plot(*held(moments, behind), drawstyle="steps-post", **look)
        shade(ax, *held(moments, behind), look["color"], 0.10)
        ends.append((line, column))
    everything = np.concatenate([*numbers.values(), [0.0]])
    with_zero(ax, everything)
    ticks(ax.xaxis, moments)
    ticks(ax.yaxis, everything)
    ax.margins(x=0)
    return finish(ax, empty=len(moments) == 0, ends=ends)


def _lags(timeline: Timeline) -> pd.DataFrame:
    """How far each view of a timeline is behind at each of its moments, from before the first event on."""
    positions = [recorded.position for recorded in timeline.history]
    positions = [positions[0] - 1 if positions else 0, *positions]
    views = {name or "view": view for name, view in timeline._views.items()}
    behind = {name: [n - view.handled(n) for n in range(len(timeline))] for name, view in views.items()}
    index = pd.Index(positions, name="position")
    rises = index.is_monotonic_increasing
    return pd.DataFrame(behind, index=index if rises else pd.RangeIndex(len(timeline), name="step"))
