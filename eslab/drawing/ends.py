"""A name stands at the end of its line, so that nobody has to look up a colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Annotation

from eslab.drawing.ticks import LEADING, SMALLEST, figure_of
from eslab.frames import InvalidFrame


def held(moments: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The last state holds on a little after the last event, so that it can be seen."""
    if len(moments) == 0:
        return moments, numbers
    span = moments[-1] - moments[0]
    longer = span / 50 if span else np.timedelta64(1, "s") if moments.dtype.kind == "M" else 1
    return np.append(moments, moments[-1] + longer), np.append(numbers, numbers[-1:])


def labels(ax: Axes, ends: Sequence[tuple[Line2D, str]]) -> list[Annotation]:
    """A name for each line, beside its last point that is not infinite, as large as there is room for.

    Raises InvalidFrame if there is none.
    """
    room = ax.get_window_extent().height / figure_of(ax).dpi * 72  # points
    size = min(rcParams["font.size"], room / max(len(ends), 1) / LEADING)
    if size < SMALLEST:
        raise InvalidFrame(
            f"{len(ends)} lines have no room for their names, expected at most {int(room / SMALLEST / LEADING)}: "
            f"choose fewer columns, or name some of them in highlight=", found=len(ends),
        )  # fmt: skip
    names = []
    for line, label in ends:
        points = np.column_stack([line.get_xdata(orig=False), line.get_ydata(orig=False)])
        points = points[np.isfinite(points).all(axis=1)]
        if len(points):
            leader = {"arrowstyle": "-", "color": line.get_color(), "linewidth": 1.0, "relpos": (0, 0.5),
                      "shrinkA": 2, "shrinkB": 2}  # fmt: skip
            names.append(ax.annotate(label, points[-1], (8, 0), textcoords="offset points", va="center", size=size,
                                      color=line.get_color(), arrowprops=leader, annotation_clip=False))  # fmt: skip
    return names


def spread(ax: Axes, names: list[Annotation]) -> None:
    """Move labels apart, each as little as can be, right of all lines; if one moves, thin lines lead to the ends."""
    if not names:
        return
    frame, points = ax.get_window_extent(), 72 / figure_of(ax).dpi
    ends = ax.transData.transform([label.xy for label in names]) * points
    height = float(names[0].get_fontsize()) * LEADING
    order = np.lexsort((-np.arange(len(names)), ends[:, 1]))  # from the lowest; of two as high the first is above
    rank = np.arange(len(names)) * height
    lowest, highest = frame.y0 * points, frame.y1 * points - rank[-1]
    wanted = np.clip(_rising(ends[order, 1] - rank), lowest, max(highest, lowest)) + rank
    up = wanted - ends[order, 1]
    right = ends[:, 0].max() - ends[order, 0]
    apart = bool((np.abs(up) > 2).any() or (right > 2).any())
    for place, index in enumerate(order):
        names[index].set_position((right[place] + (26 if apart else 8), up[place]))
        if (leader := names[index].arrow_patch) is not None:
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
