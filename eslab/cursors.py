"""A cursor is a line over a chart that follows a player: the chart is drawn once, and only the line moves."""

from __future__ import annotations

import base64
import datetime as dt
import io
import pathlib
from collections.abc import Sequence
from typing import Any

import anywidget
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.dates import date2num
from matplotlib.figure import Figure

from eslab.charts import AXIS
from eslab.events import History
from eslab.frames import InvalidFrame

STATIC = pathlib.Path(__file__).parent / "static"
KINDS = ("step", "position", "recorded_at", "occurred_at")


class Cursor(anywidget.AnyWidget):
    """A picture of a chart with a line at `position`, which counts events as a player does. A click moves the line.

    `x` is what the chart has along x, read from its label if it is not said. `happened` says for each position how many
    events of the history have happened there, where that is another number, as beside a branch. Raises InvalidFrame
    for an `x` that is none of step, position, recorded_at and occurred_at, or that the label does not tell.
    """

    _esm = STATIC / "cursor.js"
    _css = STATIC / "cursor.css"
    _image = traitlets.Bytes(b"", help="the chart as PNG").tag(sync=True)
    _title = traitlets.Unicode("", help="what the chart shows, for those who cannot see it").tag(sync=True)
    _box = traitlets.List(traitlets.Float(), help="left, right, top, bottom of the axes in the picture").tag(sync=True)
    _places = traitlets.Bytes(b"", help="where the line stands at each position, 32-bit floats").tag(sync=True)
    _width = traitlets.Float(0, help="the width of the picture, in inches").tag(sync=True)
    position = traitlets.Int(0, help="how many events have happened, 0 = before the first").tag(sync=True)

    def __init__(
        self, ax: Axes, history: History, *, x: str | None = None, position: int = 0,
        happened: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        figure, kind = _figure(ax), x or _kind(ax)
        if kind not in KINDS:
            raise InvalidFrame(f"x is {kind!r}, expected one of {', '.join(KINDS)}, as the chart was drawn", found=kind)
        figure.draw_without_rendering()  # only now is everything where it will be
        corners = figure.transFigure.inverted().transform(ax.bbox)
        (left, bottom), (right, top) = corners.tolist()
        places = _places(ax, figure, history, kind)
        places = places if happened is None else places[np.asarray(happened)]
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=2 * figure.dpi, bbox_inches=figure.bbox_inches)
        super().__init__(
            _image=image.getvalue(), _title=ax.get_title(loc="left") or ax.get_title(),
            _box=[left, right, 1 - top, 1 - bottom], _width=float(figure.get_figwidth()),
            _places=places.astype("<f4").tobytes(), position=position,
        )  # fmt: skip
        plt.close(figure)  # or the notebook would show it a second time, without the line

    def follow(self, player: ipywidgets.Widget) -> None:
        """Keep the same position as a player, in the browser, without the kernel."""
        self._link = ipywidgets.jslink((player, "position"), (self, "position"))

    def __repr__(self) -> str:
        return f"Cursor({self._title!r}, position {self.position})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live chart; for a page that runs no widgets the picture, and a line of text."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({"text/plain": repr(self)}, {})
        return {"image/png": base64.b64encode(self._image).decode(), **data}, metadata


def _kind(ax: Axes) -> str:
    """What the chart has along x, as its label says."""
    label = ax.get_xlabel()
    found = next((name for name, text in AXIS.items() if text == label), None)
    if found is None:
        raise InvalidFrame(
            f"the chart has {label!r} along x, which is none of {', '.join(AXIS.values())}: say x='step', or which of "
            f"{', '.join(KINDS)} it is", found=label,
        )  # fmt: skip
    return found


def _places(ax: Axes, figure: Figure, history: History, kind: str) -> np.ndarray:
    """Where each position stands, as a fraction of the picture's width; before the first event, at the first.

    What lies beside the axes, as before the first value of a line, stands at their edge.
    """
    if kind == "step":
        along = np.arange(len(history) + 1, dtype=float)
    elif kind == "position":
        along = np.array([0, *(recorded.position for recorded in history)], dtype=float)
    else:
        times = [getattr(recorded, kind).astimezone(dt.UTC).replace(tzinfo=None) for recorded in history]
        along = np.array([date2num(time) for time in [*times[:1], *times]] or [0.0])  # type: ignore[no-untyped-call]
    pixels = ax.transData.transform(np.column_stack([along, np.zeros_like(along)]))
    pixels[:, 0] = np.clip(pixels[:, 0], ax.bbox.x0, ax.bbox.x1)
    fractions: np.ndarray = figure.transFigure.inverted().transform(pixels)[:, 0]
    return fractions


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    if not isinstance(figure, Figure):
        raise InvalidFrame("these axes belong to no figure: draw the chart again", found=ax)
    return figure
