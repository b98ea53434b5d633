"""A panel is a table of how each projection stands, in the page, which follows what happens in the background."""

from __future__ import annotations

import pathlib
import threading
import time
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from eslab.projections.statuses import Status
from eslab.show import shortened

if TYPE_CHECKING:
    from eslab.projections.projector import Projector

STATIC = pathlib.Path(__file__).parent.parent / "static"
EVERY = 0.25
"""Seconds between two looks; what has not changed is not sent."""


class Panel(anywidget.AnyWidget):
    """One row for each projection: state, checkpoint, lag, events a second, dead letters, last error.

    It looks at most four times a second, in a thread of its own, for as long as the projector runs or is worked with;
    the cell has long ended by then, and the kernel stays free. As text, and on a page that runs no widgets, it is the
    table as it stood when the cell was run, without rates.
    """

    _esm = STATIC / "panel.js"
    _css = STATIC / "panel.css"
    _rows: traitlets.List[Any] = traitlets.List(help="one dict for each projection").tag(sync=True)

    def __init__(self, projector: Projector) -> None:
        self.projector = projector
        self._turn, self._woken, self._follows = threading.Lock(), False, False
        super().__init__(_rows=_rows(projector))
        self._unwatch = projector.watch(self._wake)
        self._wake()

    def close(self) -> None:
        """Follow no longer, and go from the page."""
        self._unwatch()
        super().close()

    def _wake(self) -> None:
        """Look again soon. It costs the projector next to nothing, however often it says that something happened."""
        with self._turn:
            self._woken = True
            if not self._follows and self.comm is not None:
                self._follows = True
                threading.Thread(target=self._follow, name="eslab panel", daemon=True).start()

    def _follow(self) -> None:
        while self._goes_on():
            self._rows = _rows(self.projector)
            time.sleep(EVERY)

    def _goes_on(self) -> bool:
        """Whether there is to be another look: one after the last thing that happened, and until no rate is left."""
        with self._turn:
            moves = self._woken or self.projector.running or any(row["rate"] for row in self._rows)
            self._follows = moves and self.comm is not None
            self._woken = False
            return self._follows

    def __repr__(self) -> str:
        return repr(self.projector.status)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        now = self.projector.status
        note = "<p>As it stood when this cell was run. Run it again to follow.</p>"
        return {**data, "text/plain": repr(now), "text/html": now._repr_html_() + note}, metadata


def _rows(projector: Projector) -> list[dict[str, Any]]:
    return list(map(_row, projector.status))


def _row(now: Status) -> dict[str, Any]:
    return {
        "name": now.name, "state": now.state, "checkpoint": now.checkpoint, "lag": now.lag, "rate": _rounded(now.rate),
        "letters": now.dead_letters, "error": shortened(now.error, 400),
    }  # fmt: skip


def _rounded(rate: float) -> float:
    """To two digits: a rate that is shown no finer need not be sent again for less."""
    return float(f"{rate:.2g}")
