"""Small panels, one beside the other with the same axes, show many streams at once (Edward Tufte: small multiples)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from eslab.charts.columns import AXIS, along, column_of, day_of, most_frequent, numbers_of, texts_of
from eslab.charts.lanes import left_out
from eslab.drawing import begin, colours_of, cut, figure_of, finish, held, shade, styled, ticks

GAP, HEAD = 14, 22
"""The room between two panels, and above each for its name, in points."""
PANEL = "panel"
BY_VERSION = "use x='version', along which each stream goes forward"


@styled
def many_streams(
    frame: pd.DataFrame, column: str, *, title: str, ylabel: str, by: str = "stream", x: str = "recorded_at",
    most: int = 12, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """The same number of many streams: a small panel of steps for each, all with the same axes.

    `frame` is one of states, folded stream by stream: `frames.states(history, Account)`. Shown are the `most` streams
    with the most events, in the order of their first event; what is left out is said. To choose others, give only their
    rows. A dot is the last event of its stream, whose state holds on from there; a cross one on which the fold failed.
    With x="version" all begin at the left. `panels_of` gives the panels of the axes that are returned.

    Raises InvalidFrame for an unknown column, one without numbers, and times that go back.
    """
    frame = frame[column_of(frame, by).notna() & column_of(frame, x).notna()]
    numbers_of(frame, column)
    names = texts_of(frame, by)
    order = most_frequent(names, most)
    ax = begin(ax, title, AXIS.get(x, x), ylabel)
    ax.spines[:].set_visible(False)
    ax.set(xticks=[], yticks=[])
    drawn = {name: along(frame[names == name], x, instead=BY_VERSION) for name in order}
    if drawn:
        grid = _grid(ax, len(order))
        everything = np.concatenate([numbers_of(rows, column) for rows, _ in drawn.values()])
        moments = np.concatenate([moments for _, moments in drawn.values()])
        until = held(np.sort(moments), moments)[0][-1]
        heads = []
        for panel, (name, (rows, here)) in zip(grid, drawn.items(), strict=True):
            heads.append(_panel(panel, name, here, numbers_of(rows, column), until))
            if "error" in rows and (failed := rows["error"].notna().to_numpy()).any():
                _crosses(panel, here[failed])
        _share(ax, grid, moments, everything, until)
        for head, panel in zip(heads, grid, strict=True):
            cut(head, panel.get_window_extent().width)
    return finish(ax, empty=not order, note=left_out(len(order), len(set(names)), by))


def panels_of(ax: Axes) -> list[Axes]:
    """The panels in the axes that `many_streams` returned, from left to right, then down; none in other axes."""
    return [one for one in ax.child_axes if isinstance(one, Axes) and one.get_label() == PANEL]


def _grid(ax: Axes, number: int) -> list[Axes]:
    """So many panels that fill the axes in rows, each about as wide as it is high, with few places left empty."""
    wide = np.sqrt(1.3 * number)
    columns = min(range(1, number + 1), key=lambda one: -number % one + abs(one - wide))
    rows = -(-number // columns)
    grid = []
    for place in range(number):
        panel = ax.inset_axes((0, 0, 1, 1))
        panel.set_axes_locator(_Place(ax, place // columns, place % columns, rows, columns))
        panel.set_label(PANEL)
        panel.tick_params(labelsize=11, labelleft=place % columns == 0, labelbottom=place + columns >= number)
        grid.append(panel)
    return grid


class _Place:
    """Where a panel stands, whatever the size of the axes it stands in."""

    def __init__(self, outer: Axes, row: int, column: int, rows: int, columns: int) -> None:
        self.outer, self.row, self.column, self.rows, self.columns = outer, row, column, rows, columns

    def __call__(self, panel: Any, renderer: Any) -> Bbox:
        whole, figure = self.outer.get_window_extent(), figure_of(self.outer)
        point = figure.dpi / 72
        width = (whole.width + GAP * point) / self.columns
        height = whole.height / self.rows
        left, top = whole.x0 + self.column * width, whole.y1 - self.row * height
        size = max(width - GAP * point, 1), max(height - HEAD * point, 1)
        return Bbox.from_bounds(left, top - height, *size).transformed(figure.transFigure.inverted())


def _panel(panel: Axes, name: str, moments: np.ndarray, numbers: np.ndarray, until: Any) -> Text:
    colour = colours_of()[0]
    moments, numbers = np.append(moments, until), np.append(numbers, numbers[-1:])
    panel.plot(moments, numbers, drawstyle="steps-post", color=colour, linewidth=2)
    shade(panel, moments, numbers, colour, 0.14)
    panel.plot(moments[-2:-1], numbers[-2:-1], "o", color=colour, markersize=6, zorder=4)
    return panel.set_title(name, loc="left", size=12, weight="normal", pad=4, parse_math=False)


def _crosses(panel: Axes, moments: np.ndarray) -> None:
    colour = colours_of()[1]
    panel.plot(moments, np.zeros(len(moments)), "x", color=colour, markersize=8, markeredgewidth=2.5, clip_on=False,
               zorder=5, transform=panel.get_xaxis_transform())  # fmt: skip


def _share(ax: Axes, grid: list[Axes], moments: np.ndarray, numbers: np.ndarray, until: Any) -> None:
    """The same axes for all panels, with their labels outside the numbers of the outermost panels."""
    low, high = np.nanmin(np.append(numbers, 0.0)), np.nanmax(np.append(numbers, 0.0))
    room = (high - low) * 0.08 or 1.0
    for panel in grid:
        panel.set_ylim(low - room * (low < 0), high + room * (high > 0 or low == 0))
        panel.set_xlim(moments.min(), until)
        ticks(panel.yaxis, numbers)
        panel.locator_params(axis="y", nbins=4)
        if moments.dtype.kind == "M":
            _first_and_last(ax, panel, pd.Timestamp(moments.min()), pd.Timestamp(moments.max()))
        else:
            ticks(panel.xaxis, moments)
    figure_of(ax).draw_without_rendering()
    point, whole = 72 / figure_of(ax).dpi, ax.get_window_extent()
    outer = [box for panel in grid if (box := panel.get_tightbbox(for_layout_only=True)) is not None]
    pad = rcParams["axes.labelpad"]
    ax.yaxis.labelpad = pad + max((whole.x0 - min(box.x0 for box in outer)) * point, 0)
    ax.xaxis.labelpad = pad + max((whole.y0 - min(box.y0 for box in outer)) * point, 0)


def _first_and_last(ax: Axes, panel: Axes, first: pd.Timestamp, last: pd.Timestamp) -> None:
    """In a narrow panel there is room for two times; what they have in common is said once, below all of them."""
    times, common = sorted({first, last}), ""
    names = [f"{one:%b %Y}" for one in times]
    if first.date() == last.date():
        form, common = "%H:%M" if (last - first).seconds >= 120 else "%H:%M:%S", f"{day_of(last)} {last.year}"
        names = [f"{one:{form}}" for one in times]
    elif first.year == last.year:
        names, common = [day_of(one) for one in times], str(last.year)
    panel.set_xticks(times, names)
    for label, side in zip(panel.get_xticklabels(), ("left", "right"), strict=False):
        label.set(horizontalalignment=side)
    if common:
        ax.set_xlabel(f"{ax.get_xlabel().partition(' · ')[0]} · {common}", loc="left")
