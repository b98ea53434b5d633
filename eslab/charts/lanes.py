"""A lane shows what happened to one thing, or of one kind, with time running to the right."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes

from eslab.charts.columns import AXIS, along, apart, column_of, most_frequent, short, texts_of
from eslab.charts.spans import along_time
from eslab.drawing import begin, beside, colours_of, finish, lanes_for, styled, tall, ticks
from eslab.frames import InvalidFrame
from eslab.show import counted

MARKERS = "osD^vP*"
"""So that types are told apart without colours."""
KINDS = 12
"""How many types have a mark of their own in a legend; the others share one."""


@styled
def event_strip(
    frame: pd.DataFrame, *, title: str, x: str = "recorded_at", lanes: str = "type", ax: Axes | None = None
) -> Axes:
    """What happened when: a tick for each event, in a lane for each type (or stream, or another column in `lanes`).

    Lanes are in the order of their first event, from the top, each with the number of its events.
    """
    ax = begin(ax, title, AXIS.get(x, x), "")
    frame, moments = along(frame[column_of(frame, lanes).notna()], x, forward=False)
    names = texts_of(frame, lanes)
    order = list(dict.fromkeys(names))
    colours = colours_of()
    for lane, name in enumerate(order):
        here = apart(moments[names == name])
        thin = 1.0 if len(here) > 300 else 2.0
        ax.vlines(here, lane - 0.36, lane + 0.36, color=colours[lane % len(colours)], linewidth=thin, alpha=0.8)
    counted = [
        f"{label}  ({np.count_nonzero(names == name):,})" for label, name in zip(short(order), order, strict=True)
    ]
    lanes_for(ax, counted)
    ticks(ax.xaxis, moments)
    return finish(ax, empty=not order)


@styled
def swimlanes(
    frame: pd.DataFrame, *, title: str, x: str = "recorded_at", lanes: str = "stream", by: str = "type",
    most: int = 20, aligned: bool = False, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """How each stream went: a lane from its first event to its last, with a mark for each event, coloured by its type.

    Shown are the `most` streams with the most events, in the order of their first event, from the top; what is left out
    is said. To choose others, give only their rows: `frame[frame["stream"].isin([...])]`. With `aligned`
    all lanes begin at the left, and x is the time since the first event of each. `lanes` and `by` are the columns that
    give the lanes and the marks.
    """
    frame = frame[column_of(frame, lanes).notna() & column_of(frame, by).notna()]
    frame, moments = along(frame, x, forward=False)
    names = texts_of(frame, lanes)
    order = most_frequent(names, most)
    ax = begin(ax, title, AXIS.get(x, x), "", size=tall(len(order)))
    shown = np.isin(names, order)
    names, moments = names[shown], moments[shown]
    place = pd.Index(order).get_indexer(pd.Index(names))
    moments = _since(moments, place, x) if aligned else moments
    for lane in range(len(order)):
        here = moments[place == lane]
        ax.hlines(lane, here.min(), here.max(), color=rcParams["axes.edgecolor"], linewidth=2, alpha=0.6, zorder=2)
    _marks(ax, moments, place, texts_of(frame, by)[shown])
    lanes_for(ax, short(order))
    if aligned and order:
        ax.set_xlabel("since its first event", loc="left")
        along_time(ax, moments)
        ax.set_xlim(left=-0.02 * moments.max())  # so that the first marks do not hide names
    else:
        ticks(ax.xaxis, moments)
    return finish(ax, empty=not order, note=left_out(len(order), frame[lanes].nunique(), lanes))


def _since(moments: np.ndarray, place: np.ndarray, x: str) -> np.ndarray:
    """Seconds since the first event of the same lane. Raises InvalidFrame if the moments are no times."""
    if moments.dtype.kind != "M":
        raise InvalidFrame(f"x is {x!r}, expected times, if lanes are aligned: recorded_at or occurred_at", found=x)
    times = pd.Series(moments)
    since: np.ndarray = (times - times.groupby(place).transform("min")).dt.total_seconds().to_numpy()
    return since


def left_out(shown: int, there: int, lanes: str) -> str:
    """What a chart says if it does not show everything."""
    return f"{shown} of {counted(there, lanes)}: those with the most events" if shown < there else ""


def _marks(ax: Axes, moments: np.ndarray, place: np.ndarray, kinds: np.ndarray) -> None:
    """A mark for each event; kinds that are not among the most frequent share the last, grey one."""
    order = most_frequent(kinds, KINDS) if len(kinds) else []
    colours = itertools.cycle(colours_of())
    looks = zip(order, short(order), colours, itertools.cycle(MARKERS), strict=False)
    others = len(set(kinds)) - len(order)
    if others:
        rest = ~np.isin(kinds, order)
        _mark(ax, moments[rest], place[rest], rcParams["axes.edgecolor"], "|", counted(others, "other type"))
    for name, label, colour, marker in looks:
        here = kinds == name
        _mark(ax, moments[here], place[here], colour, marker, f"{label} ({np.count_nonzero(here):,})")
    if order:
        beside(ax)


def _mark(ax: Axes, moments: np.ndarray, place: np.ndarray, colour: str, marker: str, label: str) -> None:
    crowded = len(place) > 150 * len(np.unique(place))
    edge = 0.0 if crowded else 0.8
    seen = [apart(moments[place == lane]) for lane in np.unique(place)]
    lanes = np.repeat(np.unique(place), [len(one) for one in seen])
    ax.plot(np.concatenate(seen), lanes, marker, color=colour, markersize=6 if crowded else 9, label=label, zorder=3,
            markeredgecolor=rcParams["axes.facecolor"], markeredgewidth=edge, clip_on=False)  # fmt: skip
