"""A player shows one moment of a timeline at a time: the event, the state after it, and what has just changed.

The trace of the timeline is sent to the browser once, and each state is computed there, so the player answers while
the kernel is busy. `player.position` follows, and can be set, observed and linked like that of any other widget.
"""

from __future__ import annotations

import html
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, cast

import anywidget
import msgspec
import traitlets

from eslab.errors import EslabError, InvalidPosition
from eslab.show import shortened, table

STATIC = pathlib.Path(__file__).parent / "static"
LAST_EVENTS = 5
"""How many events up to the position the table for a page without widgets shows."""
MOST_ROWS = 60
"""How many rows of the state that table shows; what is left out is said below it."""

Trace = Mapping[str, Any]


class InvalidTrace(EslabError):
    """Something that a player was asked to show is not the trace of a timeline."""


class Traceable(Protocol):
    """What a player can show: a Timeline, or anything else that gives such a trace."""

    def trace(self) -> Trace: ...


class Player(anywidget.AnyWidget):
    """The replay player of a timeline, or of a trace that `timeline.trace()` gave.

    `position` counts the events that have happened: 0 = before the first, `len(player)` = after the last. Setting it
    moves the player in the page; stepping in the page sets it here, at most once a frame. Raises InvalidPosition for
    a position outside, InvalidTrace for something that is no trace.
    """

    _esm = STATIC / "player.js"
    _css = STATIC / "player.css"
    _trace = traitlets.Bytes(b"", help="the trace as UTF-8 JSON").tag(sync=True)
    position = traitlets.Int(0, help="how many events have happened, 0 = before the first").tag(sync=True)

    def __init__(self, timeline: Traceable | Trace, *, position: int = 0) -> None:
        trace = _checked(timeline if isinstance(timeline, Mapping) else timeline.trace())
        self._title, self._length = str(trace["title"]), len(trace["events"])
        super().__init__(_trace=msgspec.json.encode(trace), position=position)

    @traitlets.validate("position")
    def _inside(self, proposal: Mapping[str, Any]) -> int:
        position = cast(int, proposal["value"])
        if not 0 <= position <= self._length:
            raise InvalidPosition(
                f"position {position} is outside this player, expected 0 (before the first event) to {self._length}",
                found=position, last=self._length,
            )  # fmt: skip
        return position

    def __len__(self) -> int:
        """How many events the player steps through."""
        return self._length

    def __bool__(self) -> bool:
        """A player is there, even with no events to show."""
        return True

    def __repr__(self) -> str:
        events = "1 event" if self._length == 1 else f"{self._length:,} events"
        return f"Player({shortened(self._title, 60)!r}, {events}, position {self.position})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live player, and for a page that runs no widgets the same moment as a table and as a line of text."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({"text/plain": repr(self)}, {})
        return {"text/html": moment(msgspec.json.decode(self._trace), self.position), **data}, metadata


def _checked(trace: Trace) -> Trace:
    missing = [name for name in ("title", "events", "start", "patches") if name not in trace]
    if missing or len(trace["events"]) != len(trace["patches"]):
        found = (
            f"no {', no '.join(missing)}"
            if missing
            else f"{len(trace['patches'])} patches for {len(trace['events'])} events"
        )
        raise InvalidTrace(f"this trace has {found}, expected one patch an event: take it from timeline.trace()")
    return trace


# --- the same moment without the browser: one table, for a page that runs no widgets ---


def state_at(trace: Trace, position: int) -> Any:
    """The tree of the state after `position` events, with mappings as dicts. Counting starts at 0, before the first."""
    box = {"root": _decoded(trace["start"])}
    for patch in trace["patches"][:position]:
        for verb, path, *argument in patch:
            _apply(box, verb, ["root", *path], argument)
    return box["root"]


def _apply(place: Any, verb: str, path: list[Any], argument: list[Any]) -> None:
    *way, last = path
    for key in way:
        place = place[key]
    if verb == "o":
        place[last] = {key: place[last][key] for key in argument[0]}
    elif verb == "-":
        del place[last]
    elif isinstance(place, list) and last == len(place):
        place.append(_decoded(argument[0]))
    else:
        place[last] = _decoded(argument[0])


def _decoded(tree: Any) -> Any:
    if isinstance(tree, list):
        return list(map(_decoded, tree))
    return {key: _decoded(value) for key, value in tree["map"]} if isinstance(tree, dict) else tree


def moment(trace: Trace, position: int) -> str:
    """One moment as HTML: the state and the last events, every text from data escaped; no ids, clocks or addresses."""
    count = len(trace["events"])
    title = f"{trace['title']}: {position:,} of {count:,} events"
    first = max(0, position - LAST_EVENTS)
    events = [_row(number, event) for number, event in enumerate(trace["events"][first:position], first + 1)]
    shown = table(("event", "type", "stream", "payload"), events, caption="the last events") if events else ""
    note = "<p>Run this cell to step through it.</p>"
    return _visible(_state_table(state_at(trace, position), title) + shown + note)


def _row(number: int, event: Mapping[str, Any]) -> tuple[object, ...]:
    return number, event["type"], f"{event['stream']} v{event['version']}", _line(_decoded(event["payload"]))


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
