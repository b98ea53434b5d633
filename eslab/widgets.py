"""A player shows one moment of a timeline at a time: the event, the state after it, and what has just changed.

The trace of the timeline is sent to the browser once, and each state is computed there, so the player answers while
the kernel is busy. `player.position` follows, and can be set, observed and linked like that of any other widget.
"""

from __future__ import annotations

import html
import pathlib
from collections.abc import Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, cast

import anywidget
import traitlets

from eslab.branches import Branch
from eslab.errors import EslabError, InvalidPosition
from eslab.events import Recorded
from eslab.pages import page
from eslab.show import shortened, table
from eslab.states import tree
from eslab.timeline import Timeline
from eslab.traces import branch_trace, payload_tree, trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from eslab.cursors import Cursor

PARTS = pathlib.Path(__file__).parent / "static" / "player"
LAST_EVENTS = 5
"""How many events up to the position the table for a page without widgets shows."""
MOST_ROWS = 60
"""How many rows of the state that table shows; what is left out is said below it."""


def joined(ending: str) -> str:
    """The parts of the player with this ending, in the order of their names: one ES module, or one style sheet."""
    return "\n".join(part.read_text(encoding="utf-8") for part in sorted(PARTS.glob(f"*.{ending}")))


class Player(anywidget.AnyWidget):
    """The replay player of a timeline; of a `Branch`, beside the history that it comes from.

    `position` counts the events that have happened: 0 = before the first, `len(player)` = after the last; beside a
    branch it counts the rows of both. Setting it moves the player in the page; stepping in the page sets it here, at
    most once a frame. `notes` are texts by position. Raises InvalidPosition for a position outside.

    Where no widgets run, as on a page made by nbconvert, the moment is shown as a table, provided that the notebook was
    saved without the state of its widgets (nbconvert: `--ExecutePreprocessor.store_widget_state=False`). To hand out
    the player itself, use `to_html`.
    """

    _esm = joined("js")
    _css = joined("css")
    _trace = traitlets.Bytes(b"", help="the history, see eslab.traces").tag(sync=True)
    _branch = traitlets.Bytes(b"", help="what a branch has that the history has not; empty for none").tag(sync=True)
    _skipped = traitlets.List(traitlets.Int(), help="the events to skip, by number, as the page asks").tag(sync=True)
    _refused = traitlets.Unicode("", help="why the last wish of the page could not be granted").tag(sync=True)
    _notes: traitlets.List[Any] = traitlets.List(help="[position, text] of each note, in order").tag(sync=True)
    position = traitlets.Int(0, help="how many events have happened, 0 = before the first").tag(sync=True)

    def __init__(self, timeline: Timeline, *, position: int = 0, notes: Mapping[int, str] | None = None) -> None:
        branch = timeline if isinstance(timeline, Branch) else None
        self.timeline = branch.source if branch else timeline
        self._shown = branch
        super().__init__(
            _trace=trace(self.timeline), _branch=branch_trace(branch) if branch else b"",
            _skipped=sorted(branch.edits.get("skip", ())) if branch else [],
        )  # fmt: skip
        for place, text in (notes or {}).items():
            self.bookmark(place, text)
        self.position = position

    @property
    def branch(self) -> Branch | None:
        """The branch that is shown beside the history, as after a click on "skip"; None if there is none."""
        return self._shown

    @property
    def notes(self) -> dict[int, str]:
        """The notes by position, in order."""
        return {int(place): str(text) for place, text in self._notes}

    def bookmark(self, position: int, note: str) -> None:
        """Put a note at a position, to be read there and stepped to; an empty note takes it away."""
        notes = self.notes | {self._checked(position): note}
        self._notes = [[place, text] for place, text in sorted(notes.items()) if text]

    def follow(self, ax: Axes, *, x: str | None = None) -> Cursor:
        """A chart of the history with a line at this player's position; show it, and the line moves as one steps.

        The chart is drawn once, so a step costs no drawing. What it has along x (step, position, recorded_at or
        occurred_at) is read from its label, or said with `x`. Raises InvalidFrame if neither tells.
        """
        from eslab.cursors import Cursor

        happened = [0, *(row.source for row in self._shown.rows)] if self._shown else None
        cursor = Cursor(ax, self.timeline.history, x=x, position=self.position, happened=happened)
        cursor.follow(self)
        return cursor

    @traitlets.validate("position")
    def _inside(self, proposal: Mapping[str, Any]) -> int:
        return self._checked(cast(int, proposal["value"]))

    def _checked(self, position: int) -> int:
        if not 0 <= position <= len(self):
            raise InvalidPosition(
                f"position {position} is outside this player, expected 0 (before the first event) to {len(self)}",
                found=position, last=len(self),
            )  # fmt: skip
        return position

    @traitlets.observe("_skipped")
    def _skip(self, change: Mapping[str, Any]) -> None:
        """Fold again without the events that the page wants skipped, and send what comes of it."""
        edits = dict(self._shown.edits) if self._shown else {}
        if sorted(edits.get("skip", ())) == sorted(change["new"]):
            return
        edits["skip"], self._refused = sorted(change["new"]), ""
        try:
            branch = self.timeline.branch(**edits) if any(edits.values()) else None
            sent = branch_trace(branch) if branch else b""
        except EslabError as refusal:
            self._refused = str(refusal)
            return
        self._shown, self._branch = branch, sent

    def __len__(self) -> int:
        """How many events the player steps through; beside a branch, how many rows."""
        return len(self._shown.rows) if self._shown else len(self.timeline) - 1

    def __bool__(self) -> bool:
        """A player is there, even with no events to show."""
        return True

    def __repr__(self) -> str:
        events = "1 event" if len(self) == 1 else f"{len(self):,} events"
        return f"Player({shortened(self.timeline.title, 60)!r}, {events}, position {self.position})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live player, and for a page that runs no widgets the same moment as a table and as a line of text."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({"text/plain": repr(self)}, {})
        return {"text/html": f"{moment(self)}<p>Run this cell to step through it.</p>", **data}, metadata

    def to_html(self, path: str | PathLike[str]) -> None:
        """Write the player, with its notes, its position and its branch, as one page that needs nothing else.

        No kernel, no network: the page opens from disk. A page that is there already is replaced.
        """
        written = page(
            self.timeline.title, self._esm, self._css, trace=self._trace, branch=self._branch, notes=self._notes,
            position=self.position, fallback=moment(self),
        )  # fmt: skip
        pathlib.Path(path).write_text(written, encoding="utf-8")


# --- the same moment without the browser: one table, for a page that runs no widgets ---


def moment(player: Player) -> str:
    """One moment as HTML: the state and the last events, every text from data escaped; no ids, clocks or addresses."""
    timeline, position = player.timeline, player.position
    if player.branch:
        timeline, position = player.branch, player.branch.rows[position - 1].branch if position else 0
    history = timeline.history
    title = f"{timeline.title}: {position:,} of {len(history):,} events"
    first = max(0, position - LAST_EVENTS)
    events = [_row(number, event) for number, event in enumerate(history[first:position], first + 1)]
    shown = table(("event", "type", "stream", "payload"), events, caption="the last events") if events else ""
    note = f"<p>{html.escape(player.notes[player.position])}</p>" if player.position in player.notes else ""
    state = _decoded(tree(timeline[position]._state))
    return _visible(_state_table(state, title) + shown + note)


def _row(number: int, event: Recorded) -> tuple[object, ...]:
    return number, event.type, f"{event.stream} v{event.version}", _line(_decoded(payload_tree(event)))


def _decoded(tree: Any) -> Any:
    if isinstance(tree, list):
        return list(map(_decoded, tree))
    return {key: _decoded(value) for key, value in tree["map"]} if isinstance(tree, dict) else tree


def _state_table(state: Any, caption: str) -> str:
    rows = list(state.items()) if isinstance(state, dict) else [("state", state)]
    columns = _columns(state)
    left_out = f"{len(rows) - MOST_ROWS:,} more rows" if len(rows) > MOST_ROWS else ""
    if columns:
        cells = [(key, *(_cell(row[column]) for column in columns)) for key, row in rows[:MOST_ROWS]]
        return table(("", *columns), cells, caption=caption, note=left_out)
    return table(
        ("", "state"), [(key, _cell(value)) for key, value in rows[:MOST_ROWS]], caption=caption, note=left_out
    )


def _columns(state: Any) -> list[str]:
    """The columns of a mapping of mappings that all have the same keys; empty for any other state."""
    rows = list(state.values()) if isinstance(state, dict) else []
    same = rows and all(isinstance(row, dict) and row and row.keys() == rows[0].keys() for row in rows)
    return list(rows[0]) if same else []


def _cell(value: Any) -> object:
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else _line(value)


def _line(value: Any) -> str:
    """A value in one line, as it is read aloud: "name: Ada, balance: 20"."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_line(one)}" for key, one in value.items())
    return ", ".join(map(_line, value)) if isinstance(value, list) else str(value)


def _visible(text: str) -> str:
    """Control characters and those that turn the direction of text, written out."""
    return "".join(_written(text))


def _written(text: str) -> Iterator[str]:
    for sign in text:
        yield sign if sign.isprintable() or sign == "\n" else html.escape(sign.encode("unicode_escape").decode())
