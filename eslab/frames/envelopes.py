"""The envelope is the same in every frame about events: where each stands in the log, what it is, and when it was."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from eslab.errors import EslabError
from eslab.events import Recorded
from eslab.frames.columns import spread, texts, utc

ENVELOPE = ("position", "stream", "version", "type", "recorded_at", "occurred_at")
FIELDS = {
    **{field: field for field in ("position", "stream", "version", "type", "schema_version", "id")},
    "recorded_at": "recorded_text",
    "occurred_at": "occurred_text",
    "payload": "payload_text",
    "metadata": "metadata_text",
}
"""What can be in a frame about events, and the field of the event that it is made of."""
CLOCKS = ("occurred_at", "recorded_at")
MICROSECONDS = pa.timestamp("us", "UTC")
NEAR = 5_000
"""How many events are looked at together: about as many as the processor has at hand."""


class InvalidFrame(EslabError):
    """A frame cannot be made from this, or does not hold what a chart or a count asks of it."""


def check_clock(clock: str) -> None:
    """Raise InvalidFrame unless it is one of the two clocks."""
    if clock not in CLOCKS:
        raise InvalidFrame(f"clock is {clock!r}, expected 'occurred_at' or 'recorded_at'", found=clock)


def listed(history: Iterable[Recorded]) -> Sequence[Recorded]:
    """The events of a history. Raises InvalidFrame if it holds anything else."""
    wrong: object = history
    if isinstance(history, Iterable):
        events = history if isinstance(history, (list, tuple)) else list(history)
        strange = {kind for kind in set(map(type, events)) if not issubclass(kind, Recorded)}
        if not strange:
            return events
        wrong = next(one for one in events if type(one) in strange)
    raise InvalidFrame(
        f"a history holds or is {type(wrong).__name__}, expected recorded events: take them from store.load(...) or "
        f"store.read(), or make them with record(...)", found=wrong,
    )  # fmt: skip


def each(events: Sequence[Recorded], attribute: str) -> list[Any]:
    """One attribute of every event."""
    return list(map(operator.attrgetter(attribute), events))


def gathered(events: Sequence[Recorded], columns: Iterable[str] = FIELDS) -> dict[str, list[Any]]:
    """For each column its field of every event, taken some thousands at a time: they are near at hand for the next."""
    told: dict[str, list[Any]] = {column: [] for column in columns}
    for start in range(0, len(events), NEAR):
        near = events[start : start + NEAR]
        for column, values in told.items():
            values.extend(map(operator.attrgetter(FIELDS[column]), near))
    return told


def envelope(events: Sequence[Recorded], lead: int = 0, columns: Sequence[str] = ENVELOPE) -> dict[str, Any]:
    """The columns of a frame about events, after `lead` rows without an event."""
    told = gathered(events, columns)
    place = np.arange(-lead, len(events)).clip(-1)
    return {column: spread(_made(column, told, events), place) for column in columns}


def _made(column: str, told: dict[str, list[Any]], events: Sequence[Recorded]) -> Any:
    match column:
        case "position" | "version" | "schema_version":
            return np.array(told[column], dtype="int64")
        case "type":
            return types_of(told[column])
        case "recorded_at" | "occurred_at":
            return moments(told[column], column, events)
    return texts(told[column])


def types_of(names: list[str]) -> pd.Categorical:
    """The type of every event, as categories in the order of their first event."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    codes = np.fromiter(map(numbers.__getitem__, names), dtype="int32", count=len(names))
    return pd.Categorical.from_codes(codes, pd.Index(list(numbers), dtype="str"), validate=False)


def moments(told: list[str], clock: str, events: Sequence[Recorded]) -> Any:
    """One of the two times of every event, in UTC. Raises InvalidFrame for a text that is no time."""
    try:
        times = pa.array(told, pa.string()).cast(MICROSECONDS)
    except pa.ArrowInvalid as error:
        row = next(row for row, text in enumerate(told) if not _is_time(text))
        raise InvalidFrame(
            f"{clock} of the event at position {events[row].position} is {told[row]!r}, expected a time such as "
            f"2026-11-23T09:30:00.000000+00:00: what stored it was no eslab; correct it there", found=told[row],
        ) from error  # fmt: skip
    return utc(times.cast("int64").to_numpy().view("datetime64[us]"))


def _is_time(text: str) -> bool:
    try:
        pa.scalar(text).cast(MICROSECONDS)
    except pa.ArrowInvalid:
        return False
    return True


def errors_column(length: int, errors: Mapping[int, str]) -> Any:
    """What went wrong, by row; missing where nothing did."""
    said = pa.nulls(length, pa.large_string())
    if errors:
        readable = {row: error.encode(errors="replace").decode() for row, error in errors.items()}
        said = pa.array([readable.get(row) for row in range(length)], pa.large_string())
    return pd.array(said, dtype="str")
