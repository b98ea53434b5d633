"""A picture of a schedule has a lane for each actor, and time runs to the right, one step after the other."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from eslab.interleaving.schedules import Schedule

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MARKERS = "osD^vPX*"
"""So that actors are told apart without colours."""
NARROWEST, INCHES_A_LETTER = 0.62, 0.13
"""The least width of a step, and the width of a letter of its label, in inches."""
WIDEST = 17
"""Inches from which on labels are written aslant, as a page would make a wider figure too small to be read."""


def draw(schedule: Schedule, ax: Axes | None = None) -> Axes:
    """The schedule, drawn in the chosen style of `eslab.charts`; without axes, in a figure wide enough for its labels.

    Each step is a numbered mark in the lane of its actor, with its label below; a cross is where a crash has stopped an
    actor. At the end of each lane stands how the actor ended, and in the title what broke.
    """
    from eslab.drawing import styled

    return styled(_draw)(schedule.to_frame(), schedule, ax=ax)


def _draw(frame: pd.DataFrame, schedule: Schedule, ax: Axes | None = None) -> Axes:
    from matplotlib import pyplot, rcParams

    from eslab.drawing import begin, finish, lanes_for

    names = list(schedule.outcomes)
    size, aslant = _size(schedule)
    turned: dict[str, Any] = (
        {"rotation": -30, "rotation_mode": "anchor", "ha": "left", "va": "top"}
        if aslant
        else {"ha": "center", "va": "top"}
    )
    if ax is None:
        _, ax = pyplot.subplots(figsize=size)
    ax = begin(ax, schedule.title, "step", "")
    ink, paper = rcParams["text.color"], rcParams["axes.facecolor"]
    looks = dict(zip(names, zip(itertools.cycle(_colours()), itertools.cycle(MARKERS), strict=False), strict=False))
    lanes = [names.index(actor) for actor in frame["actor"]]
    ax.plot(frame.index, lanes, color=rcParams["axes.edgecolor"], linewidth=1.4, linestyle=(0, (1.5, 1.5)), zorder=2)
    for lane, name in enumerate(names):
        colour, marker = looks[name]
        ax.axhline(lane, color=rcParams["grid.color"], linewidth=2, zorder=1)
        own = frame[frame["actor"] == name]
        ax.plot(own.index, [lane] * len(own), marker, color=colour, markersize=23, zorder=3)
        hit = frame.index[frame["hit"] == name]
        ax.plot(hit, [lane] * len(hit), "x", color=ink, markersize=16, markeredgewidth=4, zorder=4)
        ax.annotate(schedule.outcomes[name].brief, (1, lane), (6, 0), xycoords=("axes fraction", "data"),
                    textcoords="offset points", va="center", color=ink)  # fmt: skip
    for number, lane, label in zip(frame.index, lanes, frame["label"], strict=True):
        ax.text(number, lane, str(number), ha="center", va="center_baseline", color=paper, weight="bold", zorder=5)
        ax.annotate(label, (number, lane), (0, -17), textcoords="offset points", size=13, zorder=2.5,
                    bbox={"facecolor": paper, "edgecolor": "none", "pad": 1}, **turned)  # fmt: skip
    lanes_for(ax, names)
    _axis(ax, frame, turned)
    return finish(ax, empty=len(frame) == 0)


def _axis(ax: Axes, frame: pd.DataFrame, turned: dict[str, Any]) -> None:
    """Along x the steps, and below each what the log and the world were after it."""
    known = frame["position"].notna().all() and len(frame)
    said = [f"log {position}" if known else "" for position in frame["position"]]
    below = ["\n".join(filter(None, pair)) for pair in zip(said, frame["seen"], strict=True)]
    ax.set_xticks(frame.index, below, parse_math=False, **turned)
    ax.set_xlim(0.4, len(frame) + 0.6)
    ax.tick_params(axis="x", length=0, labelsize=12)
    ax.grid(visible=False)
    ax.set_xlabel("after each step" if any(below) else "steps in order", loc="left")
    ax.spines[["left", "bottom"]].set_visible(False)


def _size(schedule: Schedule) -> tuple[tuple[float, float], bool]:
    """Inches: as wide as its labels need, and high enough for its lanes; and whether labels stand aslant."""
    letters = max((len(text) for step in schedule.steps for text in (step.label, step.seen)), default=0)
    ends = max((len(outcome.brief) for outcome in schedule.outcomes.values()), default=0)
    beside = (ends + max(map(len, schedule.outcomes), default=0)) * INCHES_A_LETTER
    wide = len(schedule) * max(NARROWEST, letters * INCHES_A_LETTER) + beside
    lane, aslant = 1.1, wide > WIDEST
    if aslant:
        wide, lane = len(schedule) * NARROWEST + beside, 1.5
    return (max(9.6, wide), 1.9 + lane * len(schedule.outcomes)), aslant


def _colours() -> list[str]:
    from matplotlib import rcParams

    return list(rcParams["axes.prop_cycle"].by_key()["color"])
