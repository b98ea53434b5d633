"""Axes begin with a title and labels in the chosen style, and are finished when all in them has its size."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text

from eslab.drawing.ends import labels, spread
from eslab.drawing.ticks import LEADING, figure_of

NOTE = 12
"""The size of the line below the title that says what else is to be known, in points."""
SHADED = 20_000
"""Up to how many points there is a shade below a line."""


def begin(ax: Axes | None, title: str, xlabel: str, ylabel: str, size: tuple[float, float] | None = None) -> Axes:
    """Axes in the chosen style with title and labels: given ones, or new ones in a figure of `size`, in inches."""
    if ax is None:
        _, ax = plt.subplots(figsize=size)
    else:
        _dress(ax)
    ax.set_title(title, loc="left", parse_math=False)
    ax.set_xlabel(xlabel, parse_math=False, loc="left")  # the right belongs to the year
    ax.set_ylabel(ylabel, parse_math=False)
    return ax


def _dress(ax: Axes) -> None:
    """The chosen style for axes that were made in another one."""
    figure = figure_of(ax)
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


def tall(lanes: int) -> tuple[float, float]:
    """The size of a figure with so many lanes, in inches."""
    width, height = rcParams["figure.figsize"]
    return width, max(height, 1.7 + 0.27 * lanes)


def finish(ax: Axes, *, empty: bool = False, ends: Sequence[tuple[Line2D, str]] = (), note: str = "") -> Axes:
    """The last things, which need to know how large everything is: the lines of the title, the labels at line ends.

    `note` is said in small letters between the title and the axes.
    """
    if empty:
        ax.text(0.5, 0.5, "no events", transform=ax.transAxes, ha="center", va="center")
        ax.set(xticks=[], yticks=[])
    named = labels(ax, ends)
    words = ax.get_title(loc="left")
    title = ax.set_title("", loc="left")  # a title that does not fit yet would press the axes together
    small = _note(ax) if note else title
    for turn in range(3 if named else 1):  # where labels go depends on the room they leave, and so do the title's lines
        figure_of(ax).draw_without_rendering()
        spread(ax, named)
        if turn == 0:
            if note:
                _wrap(small, note, ax)
                lines = small.get_text().count("\n") + 1
                ax.set_title("", loc="left", pad=rcParams["axes.titlepad"] + lines * NOTE * LEADING)
            _wrap(title, words, ax)
    return ax


def _note(ax: Axes) -> Text:
    return ax.annotate("", (0, 1), (0, 8), xycoords="axes fraction", textcoords="offset points", va="bottom",
                       size=NOTE, parse_math=False, annotation_clip=False)  # fmt: skip


def _wrap(title: Text, words: str, ax: Axes) -> None:
    """Break a title into lines that fit above the axes and what stands beside them."""
    beside, axes = ax.get_tightbbox(for_layout_only=True), ax.get_window_extent()
    edge = figure_of(ax).bbox.x1 - rcParams["figure.constrained_layout.w_pad"] * figure_of(ax).dpi
    room = min(beside.x1 if beside else axes.x1, edge) - axes.x0
    lines = words.split("\n")
    for letters in range(max(12, *map(len, lines)), 11, -1):
        title.set_text("\n".join(textwrap.fill(line, letters) for line in lines))
        if title.get_window_extent().width <= room:
            return


def beside(ax: Axes) -> Legend:
    """The legend, right of the axes."""
    return ax.legend(loc="upper left", bbox_to_anchor=(1, 1), handletextpad=0.3)


def cut(text: Text, room: float) -> None:
    """Leave out the beginning of a text that is wider than its room, in pixels: names differ at their end."""
    whole = text.get_text()
    for first in range(1, len(whole)):
        if text.get_window_extent().width <= room:
            return
        text.set_text(f"…{whole[first:]}")


def shade(ax: Axes, moments: np.ndarray, numbers: np.ndarray, colour: str, alpha: float) -> None:
    """Fill what is below a line of steps; not that of very many, which would take long and hide the others."""
    if len(moments) <= SHADED:
        ax.fill_between(moments, numbers, step="post", color=colour, alpha=alpha, linewidth=0)
