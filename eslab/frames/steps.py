"""A frame of states has one row for each step: the event, and the state it led to, its parts in columns."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from eslab.aggregates import Aggregate, Decider, as_fold
from eslab.events import Recorded
from eslab.frames.columns import Cells, carried_on, cells_of, frame_of, scattered
from eslab.frames.envelopes import InvalidFrame, envelope, errors_column, listed
from eslab.states import MISSING, Change, Path, copied, differences, is_leaf, part
from eslab.timeline import Timeline
from eslab.views import Running, View

Look = Callable[[Any], Any]


def states(
    history: Timeline | Iterable[Recorded], fold: Any = None, view: Look | None = None, *, by: str | None = None
) -> pd.DataFrame:
    """One row for each event, with the state after it; or for each step of a timeline, the first before any event.

    An aggregate class or a Decider is folded stream by stream: a row has the state of the stream of its event. Any
    other fold, as a projection, runs over all events; `by` says it otherwise, "stream" or "log". The event is in
    position, stream, version, type, recorded_at and occurred_at; `error` is what the fold raised at it, and the state
    is then the one before. The state is in `state.balance` and so on: dicts, dataclasses and objects become columns, a
    list stays in one cell, any other state is in `state`. None and "not there" are both missing, and an empty dict has
    no column. `view` is a function of the state, for a frame of a part of it:
    `view=lambda table: {club: row.points for club, row in table.items()}`.

    Raises InvalidFrame for what is no history, and InvalidFold for what folds nothing.
    """
    look = view or _whole
    if isinstance(history, Timeline):
        if fold is not None:
            raise InvalidFrame(
                f"a timeline has its fold, and found another: {fold!r}. Write states(timeline), with view= for a part "
                f"of the state, or states(timeline.history, fold)", found=fold,
            )  # fmt: skip
        return _of_timeline(history, look, lead=1)
    events = listed(history)
    if by not in (None, "stream", "log"):
        raise InvalidFrame(f"by is {by!r}, expected 'stream', 'log', or nothing", found=by)
    if by == "stream" or (by is None and in_streams(fold)):
        return _by_stream(events, fold, look)
    return _of_timeline(Timeline(events, fold), look, lead=0)


def in_streams(fold: Any) -> bool:
    """Whether it folds each stream by itself, as aggregates and deciders do."""
    return isinstance(fold, Decider) or (isinstance(fold, type) and issubclass(fold, Aggregate))


def _whole(state: Any) -> Any:
    return state


# --- one fold over all: what an event did not change is carried on ----------------------------------------------------


def _of_timeline(timeline: Timeline, look: Look, lead: int) -> pd.DataFrame:
    """With `lead` 1 the step before the first event has a row of its own; with 0 it has none."""
    cells, errors = Cells(), dict[int, str]()
    before: Any = MISSING
    for step in timeline if lead or len(timeline) == 1 else map(timeline.__getitem__, range(1, len(timeline))):
        state, row = look(step.state), max(step.index - 1 + lead, 0)
        if step.error is not None:
            errors[row] = said(step.error)
        for path, value in _changed(before, state):
            cells.put_cell(("state", *path), row, value)
        before = state
    length = len(timeline) - 1 + lead
    columns = envelope(timeline.history, lead)
    columns["error"] = errors_column(length, errors)
    return frame_of(columns, cells, carried_on, pd.RangeIndex(length, name="step" if lead else None))


def said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _changed(before: Any, after: Any) -> Iterator[tuple[Path, Any]]:
    """The cells that are different in the state after, with their new value; MISSING where there is nothing now."""
    for change in differences(before, after):
        if not isinstance(change, Change):
            continue
        path, value = _cell(after, change.path)
        now = dict(cells_of(value, path))
        if path == change.path:
            yield from ((where, MISSING) for where, _ in cells_of(change.before, path) if where not in now)
        yield from now.items()


def _cell(state: Any, path: Path) -> tuple[Path, Any]:
    """What a state holds at a path, or the first list on the way there."""
    for depth, key in enumerate(path):
        if isinstance(state, (list, tuple)):
            return path[:depth], state
        state = part(state, key)
    return path, state


# --- one fold for each stream -----------------------------------------------------------------------------------------


def _by_stream(events: Sequence[Recorded], fold: Any, look: Look) -> pd.DataFrame:
    cells, errors = Cells(), dict[int, str]()
    for row, (state, error) in enumerate(folded(events, fold)):
        if error is not None:
            errors[row] = said(error)
        put_state(cells, row, look(state))
    if not events:
        put_state(cells, 0, look(as_fold(fold).initial()))
    columns = envelope(events)
    columns["error"] = errors_column(len(events), errors)
    return frame_of(columns, cells, scattered, pd.RangeIndex(len(events)))


def put_state(cells: Cells, row: int, state: Any) -> None:
    """Put a state into a row; a list in it is copied, because the fold may go on with it."""
    for path, value in cells_of(state, ("state",)):
        cells.put_cell(path, row, value if is_leaf(value) else copied(value))


def folded(events: Iterable[Recorded], fold: Any) -> Iterator[tuple[Any, Exception | None]]:
    """The state of its stream after each event, and what the fold raised at it; the state is then the one before.

    The states are those that the fold goes on with. Raises InvalidFold.
    """
    made, evolve = as_fold(fold), Running(View(fold), ()).evolve
    states: dict[str, Any] = {}
    handled: dict[str, list[Recorded] | None] = {}
    for recorded in events:
        stream, error = recorded.stream, None
        if stream not in states:
            states[stream], handled[stream] = made.initial(), []
        earlier = handled[stream]
        before = copied(states[stream]) if earlier is None else None
        try:
            states[stream] = evolve(states[stream], recorded)
            if earlier is not None:
                earlier.append(recorded)
        except Exception as raised:  # what was changed in place before it failed must not be seen
            error = raised
            states[stream] = before if earlier is None else functools.reduce(evolve, earlier, made.initial())
            handled[stream] = None  # where it failed once it may again: from now on there is a copy
        yield states[stream], error
