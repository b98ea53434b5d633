"""A drawing is what every chart shares: a style, labelled axes, honest ticks, and names at the ends of lines."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import itertools
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.dates import MINUTELY, SECONDLY, AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation, Text
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from eslab.frames import InvalidFrame
from eslab.timeline import Timeline

P = ParamSpec("P")
STYLES = {"light": ("eslab",), "dark": ("eslab", "eslab-dark")}
LEADING = 1.3
"""Height of a line of text, as a multiple of its size."""
SMALLEST = 9
"""The smallest label that can still be read, in points."""
DASHES = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)))
"""When there are more lines than colours, the colours come again with the next of these."""

# --- style --------------------------------------------------------------------------------------------------------

_chosen = "light"


class Style(contextlib.AbstractContextManager["Style"]):
    """What `style` returns: nothing more to do with it, or a `with` block at whose end the style before comes back."""

    def __init__(self, name: str, before: str) -> None:
        self.name, self.before = name, before

    def __exit__(self, *error: object) -> None:
        style(self.before)

    def __repr__(self) -> str:
        return f"<charts are {self.name} from here on>"


def style(name: str) -> Style:
    """Draw the charts that follow "light" (as at the beginning) or "dark"; in a `with`, only those inside it.

    Raises InvalidFrame for another name.
    """
    global _chosen
    if name not in STYLES:
        raise InvalidFrame(f"style is {name!r}, expected 'light' or 'dark'", found=name)
    before, _chosen = _chosen, name
    return Style(name, before)


def styled(draw: Callable[Concatenate[pd.DataFrame, P], Axes]) -> Callable[Concatenate[Any, P], Axes]:
    """Draw a frame in the chosen style, and leave matplotlib's settings as they were; a refusal leaves no figure.

    A timeline is taken as the frame of its states.
    """

    @functools.wraps(draw)
    def drawn(frame: Any, /, *args: P.args, **kwargs: P.kwargs) -> Axes:
        frame = frame.to_frame() if isinstance(frame, Timeline) else frame
        if not isinstance(frame, pd.DataFrame):
            raise InvalidFrame(
                f"a chart was given {type(frame).__name__}, expected a frame: make one with frames.events(history), "
                f"frames.counts(history) or timeline.to_frame()", found=frame,
            )  # fmt: skip
        files = [Path(__file__).with_name("static") / f"{name}.mplstyle" for name in STYLES[_chosen]]
        figures = plt.get_fignums()
        with plt.style.context(files):
            try:
                return draw(frame, *args, **kwargs)
            except Exception:
                for begun in set(plt.get_fignums()) - set(figures):
                    plt.close(begun)
                raise

    return drawn


# --- axes ---------------------------------------------------------------------------------------------------------


def begin(ax: Axes | None, title: str, xlabel: str, ylabel: str) -> Axes:
    """Axes in the chosen style, new or given, with title and labels."""
    if ax is None:
        _, ax = plt.subplots()
    else:
        _dress(ax)
    ax.set_title(title, loc="left", parse_math=False)
    ax.set_xlabel(xlabel, parse_math=False, loc="left")  # the right belongs to the year
    ax.set_ylabel(ylabel, parse_math=False)
    return ax


def _dress(ax: Axes) -> None:
    """The chosen style for axes that were made in another one."""
    figure = _figure(ax)
    figure.set_facecolor(rcParams["figure.facecolor"])
    if figure.get_layout_engine() is None:
        figure.set_layout_engine("constrained")  # else what stands beside the axes would be cut off
    ax.set_facecolor(rcParams["axes.facecolor"])
    ax.set_prop_cycle(rcParams["axes.prop_cycle"])
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[:].set(color=rcParams["axes.edgecolor"], linewidth=rcParams["axes.linewidth"])
    ax.grid(visible=True, color=rcParams["grid.color"], linewidth=rcParams["grid.linewidth"])
    ax.tick_params(colors=rcParams["xtick.color"], labelcolor=rcParams["xtick.labelcolor"],
                   labelsize=rcParams["xtick.labelsize"])  # fmt: skip
    for text in (ax.xaxis.label, ax.yaxis.label):
        text.set(color=rcParams["axes.labelcolor"], size=rcParams["axes.labelsize"])
    for offset in (ax.xaxis.get_offset_text(), ax.yaxis.get_offset_text()):
        offset.set(color=rcParams["text.color"], size=rcParams["xtick.labelsize"])


def ticks(axis: Axis, values: np.ndarray) -> None:
    """Ticks as a person would write them: dates without repeating the year, whole numbers in thousands."""
    if values.size == 0:
        return
    if values.dtype.kind == "M":
        narrow = axis.axes.get_window_extent().width < 6 * _figure(axis.axes).dpi
        if narrow:
            axis.set_tick_params(labelsize=10)
        locator = AutoDateLocator(tz=dt.UTC, minticks=2, maxticks=5 if narrow else 8)  # type: ignore[no-untyped-call]
        locator.intervald |= {MINUTELY: [1, 2, 5, 10, 15, 30], SECONDLY: [1, 2, 5, 10, 15, 30]}
        one_day = values.min().astype("M8[D]") == values.max().astype("M8[D]")
        day = "%d %b %Y" if one_day else "%Y"
        axis.set_major_locator(locator)
        axis.set_major_formatter(ConciseDateFormatter(  # type: ignore[no-untyped-call]
            locator, tz=dt.UTC, formats=["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S.%f"],
            zero_formats=["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"], offset_formats=["", "", "%Y", day, day, day],
        ))  # fmt: skip
    elif np.all(np.isnan(values) | (values % 1 == 0)):
        axis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def lanes_for(ax: Axes, names: Sequence[str]) -> None:
    """Name the lanes 0, 1, … from the top."""
    ax.set_yticks(range(len(names)), names, parse_math=False)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")


def with_zero(ax: Axes, values: np.ndarray) -> None:
    """Let the axis of numbers begin, or end, at 0 where all of them are on one side of it."""
    low, high = ax.get_ylim()
    known = values[~np.isnan(values)]
    if known.size and known.min() >= 0:
        ax.set_ylim(0, high if known.max() > 0 else 1)
    elif known.size and known.max() <= 0:
        ax.set_ylim(low, 0)


def finish(ax: Axes, *, empty: bool = False, ends: Sequence[tuple[Line2D, str]] = ()) -> Axes:
    """The last things, which need to know how large everything is: the lines of the title, the labels at line ends."""
    if empty:
        ax.text(0.5, 0.5, "no events", transform=ax.transAxes, ha="center", va="center")
        ax.set(xticks=[], yticks=[])
    labels = _labels(ax, ends)
    words = ax.get_title(loc="left")
    title = ax.set_title("", loc="left")  # a title that does not fit yet would press the axes together
    for turn in range(3):  # where labels go depends on the room that they leave, and so do the lines of the title
        _figure(ax).draw_without_rendering()
        _spread(ax, labels)
        if turn == 0:
            _wrap(title, words, ax)
    return ax


def _wrap(title: Text, words: str, ax: Axes) -> None:
    """Break a title into lines that fit above the axes and what stands beside them."""
    beside, axes = ax.get_tightbbox(for_layout_only=True), ax.get_window_extent()
    room = (beside.x1 if beside else axes.x1) - axes.x0
    lines = words.split("\n")
    for letters in range(max(12, *map(len, lines)), 11, -1):
        title.set_text("\n".join(textwrap.fill(line, letters) for line in lines))
        if title.get_window_extent().width <= room:
            return


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    if figure is None:
        raise InvalidFrame("these axes were removed from their figure: give others, or none, as ax=")
    return figure


def held(moments: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last state holds on a little after the last event, so that it can be seen."""
    if len(moments) == 0:
        return moments, numbers
    span = moments[-1] - moments[0]
    longer = span / 50 if span else np.timedelta64(1, "s") if moments.dtype.kind == "M" else 1
    return np.append(moments, moments[-1] + longer), np.append(numbers, numbers[-1:])


def looks() -> Iterator[dict[str, Any]]:
    """Colours in order, then the same with dashes."""
    for dash in itertools.cycle(DASHES):
        for colour in rcParams["axes.prop_cycle"].by_key()["color"]:
            yield {"color": colour, "linestyle": dash, "zorder": 3}


# --- labels at the ends of lines ------------------------------------------------------------------------------------


def _labels(ax: Axes, ends: Sequence[tuple[Line2D, str]]) -> list[Annotation]:
    """A name for each line, beside its last point, as large as there is room for.

    Raises InvalidFrame if there is none.
    """
    room = ax.get_window_extent().height / _figure(ax).dpi * 72  # points
    size = min(rcParams["font.size"], room / max(len(ends), 1) / LEADING)
    if size < SMALLEST:
        raise InvalidFrame(
            f"{len(ends)} lines have no room for their names, expected at most {int(room / SMALLEST / LEADING)}: "
            f"choose fewer columns, or name some of them in highlight=", found=len(ends),
        )  # fmt: skip
    labels = []
    for line, label in ends:
        points = np.column_stack([line.get_xdata(orig=False), line.get_ydata(orig=False)])
        points = points[~np.isnan(points).any(axis=1)]
        if len(points):
            leader = {"arrowstyle": "-", "color": line.get_color(), "linewidth": 1.0, "relpos": (0, 0.5),
                      "shrinkA": 2, "shrinkB": 2}  # fmt: skip
            labels.append(ax.annotate(label, points[-1], (8, 0), textcoords="offset points", va="center", size=size,
                                      color=line.get_color(), arrowprops=leader, annotation_clip=False))  # fmt: skip
    return labels


def _spread(ax: Axes, labels: list[Annotation]) -> None:
    """Move labels apart, each as little as can be, right of the axes; if one moves, thin lines lead to the ends."""
    if not labels:
        return
    frame, points = ax.get_window_extent(), 72 / _figure(ax).dpi
    ends = ax.transData.transform([label.xy for label in labels]) * points
    height = float(labels[0].get_fontsize()) * LEADING
    order = np.argsort(ends[:, 1], kind="stable")
    rank = np.arange(len(labels)) * height
    lowest, highest = frame.y0 * points, frame.y1 * points - rank[-1]
    wanted = np.clip(_rising(ends[order, 1] - rank), lowest, max(highest, lowest)) + rank
    up = wanted - ends[order, 1]
    right = frame.x1 * points - ends[order, 0]
    apart = bool((np.abs(up) > 2).any() or (right > 2).any())
    for place, index in enumerate(order):
        labels[index].set_position((right[place] + (26 if apart else 8), up[place]))
        if (leader := labels[index].arrow_patch) is not None:
            leader.set_visible(apart)


def _rising(values: np.ndarray) -> np.ndarray:
    """The rising sequence nearest to the values (pool adjacent violators: Ayer and others, 1955)."""
    blocks: list[list[float]] = []
    for value in values:
        blocks.append([value])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    return np.concatenate([np.full(len(block), np.mean(block)) for block in blocks])
