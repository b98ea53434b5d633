"""A frame is a history, or every state of it, as a pandas table: one row for each event, or for each step.

Frames are made column by column, and keep what they show exactly. Whole numbers that may be missing are `Int64`,
times are UTC, types are categories. What pandas has no kind for (Decimal, dates, lists, whole numbers beyond 64 bits)
stays a Python object, and `frame.attrs["notes"]` says so, one sentence for each such column.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from eslab.errors import EslabError, UnreadablePayload
from eslab.events import Recorded
from eslab.states import MISSING, Change, Path, branches, differences, is_leaf, name, part
from eslab.timeline import Timeline

PERIODS = {"hour": "h", "day": "D", "week": "W-MON", "month": "MS", "year": "YS"}
"""What `counts` can count by, and what pandas calls it; weeks begin on Monday."""


class InvalidFrame(EslabError):
    """A frame cannot be made from this, or does not hold what a chart or a count asks of it."""


# --- one row for each event ---------------------------------------------------------------------------------------


def events(history: Iterable[Recorded]) -> pd.DataFrame:
    """One row for each recorded event, in the order given.

    The envelope is in position, stream, version, type, schema_version, recorded_at, occurred_at, id and error; the
    fields of the payload are in `payload.amount` and so on, those of the metadata in `metadata.user`. Payloads are in
    today's schema. Dicts and dataclasses inside become columns (`payload.address.city`), a list stays in one cell. What
    an event does not have is missing. Where a payload cannot be read, `error` says why and its columns are as stored.

    Raises InvalidFrame if `history` holds anything but recorded events.
    """
    listed = _listed(history)
    payloads, errors = _payloads(listed)
    metadata: Cells = {}
    for row, recorded in enumerate(listed):
        if recorded.metadata_text != "{}":
            _put(metadata, ("metadata",), row, recorded.metadata)
    columns = _envelope(listed)
    columns["schema_version"] = np.array([recorded.schema_version for recorded in listed], dtype="int64")
    columns["id"] = pd.array([recorded.id for recorded in listed], dtype="str")
    columns["error"] = _errors(len(listed), errors)
    names = ["position", "stream", "version", "type", "schema_version", "recorded_at", "occurred_at", "id", "error"]
    index = pd.RangeIndex(len(listed))
    return _frame({name: columns[name] for name in names}, payloads | metadata, _scattered, index)


def _payloads(listed: Sequence[Recorded]) -> tuple[Cells, dict[int, str]]:
    """The cells of the payload columns, and what is wrong with those that cannot be read, by row."""
    cells: Cells = {}
    errors: dict[int, str] = {}
    groups: dict[type, tuple[list[int], list[Any]]] = {}
    for row, recorded in enumerate(listed):
        try:
            payload = recorded.payload
        except UnreadablePayload as error:
            errors[row] = str(error)
            _put(cells, ("payload",), row, _as_stored(recorded))
            continue
        rows, payloads = groups.setdefault(type(payload), ([], []))
        rows.append(row)
        payloads.append(payload)
    for cls, (rows, payloads) in groups.items():
        for field in dataclasses.fields(cls):
            values = list(map(operator.attrgetter(field.name), payloads))
            _put_all(cells, ("payload", field.name), rows, values)
    return cells, errors


def _as_stored(recorded: Recorded) -> Any:
    try:
        return recorded.data
    except msgspec.DecodeError:  # not even JSON: its text is all there is
        return recorded.payload_text


def _put_all(cells: Cells, path: Path, rows: list[int], values: list[Any]) -> None:
    kinds = {type(value): value for value in values}
    if all(_is_cell(value) for value in kinds.values()):
        known = cells.setdefault(path, ([], []))
        known[0].extend(rows)
        known[1].extend(values)
        return
    for row, value in zip(rows, values, strict=True):
        _put(cells, path, row, value)


# --- one row for each step ----------------------------------------------------------------------------------------


def states(timeline: Timeline, view: Callable[[Any], Any] | None = None) -> pd.DataFrame:
    """One row for each step of a timeline, the index; step 0 is before the first event and has no event.

    The event that led to the step is in position, stream, version, type, recorded_at and occurred_at; `error` is what
    the fold raised at it, and the state is then that of the step before. The state is in `state.balance` and so on:
    dicts, dataclasses and objects become columns, a list stays in one cell, any other state is in `state`. None and
    "not there" are both missing, and an empty dict has no column. `view` is a function of the state, for a frame of a
    part of it: `view=lambda table: {club: row.points for club, row in table.items()}`.
    """
    cells: Cells = {}
    errors: dict[int, str] = {}
    before: Any = MISSING
    for step in timeline:
        state = step.state if view is None else view(step.state)
        if step.error is not None:
            errors[step.index] = f"{type(step.error).__name__}: {step.error}"
        for path, value in _changed(before, state):
            known = cells.setdefault(("state", *path), ([], []))
            known[0].append(step.index)
            known[1].append(value)
        before = state
    columns = _envelope(timeline.history, lead=1)
    columns["error"] = _errors(len(timeline), errors)
    return _frame(columns, cells, _carried_on, pd.RangeIndex(len(timeline), name="step"))


def _changed(before: Any, after: Any) -> Iterator[tuple[Path, Any]]:
    """The cells that are different in the state after, with their new value; MISSING where there is nothing now."""
    for change in differences(before, after):
        if not isinstance(change, Change):
            continue
        path, value = _cell(after, change.path)
        now = dict(_cells(value, path))
        if path == change.path:
            yield from ((where, MISSING) for where, _ in _cells(change.before, path) if where not in now)
        yield from now.items()


def _cell(state: Any, path: Path) -> tuple[Path, Any]:
    """What a state holds at a path, or the first list on the way there."""
    for depth, key in enumerate(path):
        if isinstance(state, (list, tuple)):
            return path[:depth], state
        state = part(state, key)
    return path, state


# --- how many -----------------------------------------------------------------------------------------------------


def counts(history: Iterable[Recorded], by: str = "type", *, clock: str = "occurred_at") -> pd.DataFrame:
    """How many events there are of each type, stream or category, most first, or in each hour, day, week, month, year.

    One column, `events`; what is counted by is the index. Periods begin in UTC by the `clock`, "occurred_at" or
    "recorded_at", and those without an event are there with 0. Raises InvalidFrame for another `by` or `clock`.
    """
    if clock not in ("occurred_at", "recorded_at"):
        raise InvalidFrame(f"clock is {clock!r}, expected 'occurred_at' or 'recorded_at'", found=clock)
    listed = _listed(history)
    if by in PERIODS:
        times = pd.Series(1, index=pd.DatetimeIndex(_envelope(listed)[clock], name=by), dtype="int64")
        options = {"label": "left", "closed": "left"} if by == "week" else {}
        return times.resample(PERIODS[by], **options).sum().to_frame("events")
    if by not in ("type", "stream", "category"):
        expected = ", ".join(("type", "stream", "category", *PERIODS))
        raise InvalidFrame(f"by is {by!r}, expected one of: {expected}", found=by)
    keys = pd.Series([getattr(recorded, by) for recorded in listed], dtype="str", name=by)
    found = keys.groupby(keys, sort=False).size().sort_values(ascending=False, kind="stable")
    return found.astype("int64").to_frame("events")


# --- cells, by column: the rows (ascending) and what stands in each ---------------------------------------------------

Cells = dict[Path, tuple[list[int], list[Any]]]


def _is_cell(value: Any) -> bool:
    return is_leaf(value) or isinstance(value, (list, tuple, set))


def _cells(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """A value as cells with their paths: mappings and objects branch, everything else is one cell."""
    if value is MISSING:
        return
    if _is_cell(value):
        yield path, value
        return
    for key, one in branches(value).items():
        yield from _cells(one, (*path, key))


def _put(cells: Cells, path: Path, row: int, value: Any) -> None:
    for where, one in _cells(value, path):
        rows, values = cells.setdefault(where, ([], []))
        rows.append(row)
        values.append(one)


def _scattered(rows: list[int], length: int) -> np.ndarray:
    """For each row of the frame which of the values stands there; -1 = none."""
    place = np.full(length, -1)
    place[rows] = np.arange(len(rows))
    return place


def _carried_on(rows: list[int], length: int) -> np.ndarray:
    """The same, where each value stands until the next one."""
    return np.repeat(np.arange(-1, len(rows)), np.diff([0, *rows, length]))


# --- columns with the right kind ------------------------------------------------------------------------------------


def _listed(history: Iterable[Recorded]) -> Sequence[Recorded]:
    wrong: object = history
    if isinstance(history, Iterable):
        listed = history if isinstance(history, (list, tuple)) else list(history)
        strange = [one for one in listed if not isinstance(one, Recorded)]
        if not strange:
            return listed
        wrong = strange[0]
    raise InvalidFrame(
        f"a history holds or is {type(wrong).__name__}, expected recorded events: take them from store.load(...) or "
        f"store.read(), or make them with record(...)", found=wrong,
    )  # fmt: skip


def _envelope(listed: Sequence[Recorded], lead: int = 0) -> dict[str, Any]:
    """The columns of every frame about events, after `lead` rows without an event."""
    none = [None] * lead
    whole = "Int64" if lead else "int64"
    types = [recorded.type for recorded in listed]
    return {
        "position": pd.array(none + [recorded.position for recorded in listed], dtype=whole),
        "stream": pd.array(none + [recorded.stream for recorded in listed], dtype="str"),
        "version": pd.array(none + [recorded.version for recorded in listed], dtype=whole),
        "type": pd.Categorical(none + types, pd.Index(list(dict.fromkeys(types)), dtype="str")),
        "recorded_at": _utc(none + [recorded.recorded_text[:26] for recorded in listed]),
        "occurred_at": _utc(none + [recorded.occurred_text[:26] for recorded in listed]),
    }


def _utc(moments: list[Any]) -> Any:
    """Times in UTC, microseconds, from naive datetimes or from texts without a zone; None is missing."""
    return pd.DatetimeIndex(np.array(moments, dtype="datetime64[us]"), tz="UTC").array


def _errors(length: int, errors: dict[int, str]) -> Any:
    return pd.array([errors.get(row) for row in range(length)], dtype="str")


def _frame(
    columns: dict[str, Any], cells: Cells, placed: Callable[[list[int], int], np.ndarray], index: pd.Index
) -> pd.DataFrame:
    arrays, notes = list(columns.values()), []
    names = [*columns, *_names(list(cells))]
    for column, (rows, values) in zip(names[len(columns) :], cells.values(), strict=True):
        array, note = _typed(values, placed(rows, len(index)))
        arrays.append(array)
        notes += [f"{column} {note}"] if note else []
    frame = pd.DataFrame(dict(enumerate(arrays)), index=index)
    frame.columns = pd.Index(names, dtype="str")
    frame.attrs["notes"] = notes
    return frame


def _names(paths: list[Path]) -> list[str]:
    """`state.Ada.balance` for each path; keys as Python writes them where two paths would read the same."""
    plain = [".".join(map(name, path)) for path in paths]
    twice = {one for one in plain if plain.count(one) > 1} if len(set(plain)) < len(plain) else set()
    return [
        ".".join([path[0], *map(repr, path[1:])]) if one in twice else one
        for one, path in zip(plain, paths, strict=True)
    ]


def _typed(values: list[Any], place: np.ndarray) -> tuple[Any, str]:
    """A column of the kind that fits all values, and what there is to say of it; `place` is as in `_scattered`."""
    kept = [None if v is MISSING else v.value if isinstance(v, enum.Enum) else v for v in values]
    kinds = set(map(type, kept)) - {type(None)}
    if missing := type(None) in set(map(type, kept)) or bool((place < 0).any()):
        kept.append(None)  # what -1 picks
    array = _array(kept, kinds, missing)
    if array is not None:
        shifted = kinds == {dt.datetime} and any(one and one.utcoffset() for one in kept)
        return array[place], "is shown in UTC, some of it was stored with another zone" * shifted
    array = np.fromiter(kept, dtype=object, count=len(kept))[place]
    said = ", ".join(sorted(kind.__name__ for kind in kinds)) or "only None"
    return pd.array(array, dtype=object), f"holds {said}, kept as Python objects"


def _array(values: list[Any], kinds: set[type], missing: bool) -> Any:
    """The values in an array that loses nothing of them; None if there is no such kind."""
    if kinds == {bool}:
        return pd.array(values, dtype="boolean" if missing else "bool")
    if kinds == {int} and all(one is None or -(2**63) <= one < 2**63 for one in values):
        return pd.array(values, dtype="Int64" if missing else "int64")
    if kinds in ({float}, {float, int}):
        return _floats(values, missing)
    try:
        if kinds == {str}:
            return pd.array(values, dtype="str")
        if kinds == {dt.timedelta}:
            return pd.array(np.array(values, dtype="timedelta64[us]"))
        if kinds == {dt.datetime}:
            return _moments(values)
    except (UnicodeError, OverflowError):  # half a character; a time that only Python has room for
        return None
    return None


def _floats(values: list[Any], missing: bool) -> Any:
    """Floats, and whole numbers that a float holds exactly; None where NaN would mean two things."""
    if any(type(one) is int and abs(one) > 2**53 for one in values) or (missing and any(one != one for one in values)):
        return None
    return np.array([np.nan if one is None else one for one in values], dtype="float64")


def _moments(values: list[Any]) -> Any:
    zoned = {one.tzinfo is not None for one in values if one is not None}
    if zoned == {True}:
        return _utc([one and one.astimezone(dt.UTC).replace(tzinfo=None) for one in values])
    return pd.array(np.array(values, dtype="datetime64[us]")) if zoned == {False} else None
