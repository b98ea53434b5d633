"""An events frame has one row for each recorded event: the envelope, the fields of the payload, and the metadata."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import operator
import types as kinds_of_types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from eslab.codec import REFUSALS
from eslab.errors import InvalidPayload, UnreadablePayload
from eslab.events import Recorded, event_type, names_of
from eslab.frames.columns import Cells, frame_of, scattered
from eslab.frames.envelopes import FIELDS, InvalidFrame, each, envelope, errors_column, listed

ALL = ("position", "stream", "version", "type", "schema_version", "recorded_at", "occurred_at", "id")
CHUNK = 500
"""How many payloads are decoded at a time: they are gone again before Python collects garbage (at 700, by default)."""
KINDS = {
    int: "Int64", float: "float64", bool: "boolean", str: "str", dt.timedelta: "timedelta64[us]",
    dt.datetime: "datetime64[us, UTC]",
}  # fmt: skip
"""The kind of column in which a declared field of this type stands, whether or not each event has it."""


def events(
    history: Iterable[Recorded], types: Iterable[type | str] = (), columns: Iterable[str] | None = None
) -> pd.DataFrame:
    """One row for each recorded event, in the order given.

    The envelope is in position, stream, version, type, schema_version, recorded_at, occurred_at, id and error; the
    fields of the payload are in `payload.amount` and so on, those of the metadata in `metadata.user`. Payloads are in
    today's schema. Dicts and dataclasses inside become columns (`payload.address.city`), a list stays in one cell. What
    an event does not have is missing. Where a payload cannot be read, `error` says why and its columns are as stored.
    With `types` (event classes or names) there is a column for each of their fields in every frame, of the same kind,
    also in an empty one. With `columns`, such as `("stream", "payload.amount")`, only these are made, and `error`:
    "payload" stands for all of it. Of a long history, fewer are faster.

    Raises InvalidFrame if `history` holds anything but recorded events, or for a column that no event can have.
    """
    told, wanted = listed(history), check_columns((*ALL, "payload", "metadata") if columns is None else columns)
    needed = (*wanted, "type", "schema_version") if "payload" in wanted else wanted
    made = envelope(told, columns=[column for column in ALL if column in needed])
    cells, errors = Cells(), dict[int, str]()
    if "payload" in wanted:
        stored = each(told, FIELDS["payload"])
        for rows in _groups(made["type"].codes, made["schema_version"]):
            if not _put_fields(cells, told[rows[0]], rows, stored):
                _put_one_by_one(cells, errors, rows, told)
    if "metadata" in wanted:
        _put_metadata(cells, errors, each(told, FIELDS["metadata"]))
    made["error"] = errors_column(len(told), errors)
    declared = dict(columns_of(types)) if "payload" in wanted else {}
    frame = frame_of(made, cells, scattered, pd.RangeIndex(len(told)), declared)
    return frame if columns is None else _narrowed(frame, wanted)


def check_columns(columns: Iterable[str]) -> dict[str, list[str]]:
    """The columns that are wanted, by what they are made of. Raises InvalidFrame for one that no event can have."""
    wanted: dict[str, list[str]] = {}
    for column in columns:
        wanted.setdefault(column.partition(".")[0], []).append(column)
    if strange := [one for one in wanted if one not in (*FIELDS, "error")]:
        raise InvalidFrame(
            f"no event has {strange[0]!r}, expected of: {', '.join(FIELDS)}, or a part of the last two, such as "
            f"'payload.amount'", found=strange[0],
        )  # fmt: skip
    return wanted


def _narrowed(frame: pd.DataFrame, wanted: dict[str, list[str]]) -> pd.DataFrame:
    """The frame without what is not wanted of it."""
    names = ["error", *itertools.chain.from_iterable(wanted.values())]
    parts = tuple(f"{name}." for name in names)
    narrowed = frame.drop(columns=[one for one in frame if one not in names and not one.startswith(parts)])
    said = tuple(f"{column} " for column in narrowed)
    narrowed.attrs["notes"] = [note for note in frame.attrs["notes"] if note.startswith(said)]
    return narrowed


# --- payloads, all of one type and schema version at once -------------------------------------------------------------


def _groups(codes: np.ndarray, schema_versions: np.ndarray) -> list[np.ndarray]:
    """The rows of each type and schema version."""
    if not len(codes):
        return []
    schemas, known = pd.factorize(schema_versions)
    keys = codes.astype("int64") * len(known) + schemas
    order = np.argsort(keys.astype("int16" if keys.max() < 2**15 else "int64"), kind="stable")  # short ones sort faster
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)


def _put_fields(cells: Cells, first: Recorded, rows: np.ndarray, stored: list[str]) -> bool:
    """Decode payloads of one type all at once; False where the class of today does not read each as it is stored."""
    try:
        known = event_type(first.type)
    except InvalidPayload:
        return False
    if first.schema_version not in (0, known.version):
        return False
    fields: dict[str, list[Any]] = {field: [] for field in known.fields}
    alike = iter(stored) if len(rows) == len(stored) else map(stored.__getitem__, rows.tolist())
    try:
        while payloads := list(map(known.decoder.decode, itertools.islice(alike, CHUNK))):
            for field, values in fields.items():
                values.extend(map(operator.attrgetter(field), payloads))
    except REFUSALS:
        return False
    for field, values in fields.items():
        cells.put_all(("payload", field), rows, values)
    return True


def _put_one_by_one(cells: Cells, errors: dict[int, str], rows: np.ndarray, told: Sequence[Recorded]) -> None:
    shapes: dict[Any, tuple[list[int], list[Any]]] = {}
    for row in rows.tolist():
        try:
            payload = told[row].payload
        except (UnreadablePayload, *REFUSALS) as error:
            errors[row] = str(error)
            cells.put(("payload",), row, _as_stored(told[row]))
            continue
        shape = tuple(payload) if isinstance(payload, dict) else type(payload)
        known = shapes.setdefault(shape, ([], []))
        known[0].append(row)
        known[1].append(payload)
    for shape, (places, payloads) in shapes.items():
        _put_shaped(cells, shape, np.array(places), payloads)


def _put_shaped(cells: Cells, shape: Any, rows: np.ndarray, payloads: list[Any]) -> None:
    """Payloads that are dicts with the same keys in the same order, or instances of the same class."""
    getters: list[tuple[str, Callable[[Any], Any]]]
    if isinstance(shape, tuple):
        getters = [(key, operator.itemgetter(key)) for key in shape]
    elif dataclasses.is_dataclass(shape):
        getters = [(field.name, operator.attrgetter(field.name)) for field in dataclasses.fields(shape)]
    else:  # of another log, and no object
        cells.put_all(("payload",), rows, payloads)
        return
    for key, getter in getters:
        cells.put_all(("payload", key), rows, list(map(getter, payloads)))


def _as_stored(recorded: Recorded) -> Any:
    try:
        return recorded.data
    except REFUSALS:  # not even JSON: its text is all there is
        return recorded.payload_text


def _put_metadata(cells: Cells, errors: dict[int, str], stored: list[str]) -> None:
    if stored.count("{}") == len(stored):
        return
    for row, text in enumerate(stored):
        if text != "{}":
            try:
                cells.put(("metadata",), row, msgspec.json.decode(text))
            except REFUSALS as error:
                errors.setdefault(row, f"the metadata cannot be read: {type(error).__name__}: {error}")
                cells.put(("metadata",), row, text)


# --- declared columns -------------------------------------------------------------------------------------------------


def columns_of(types: Iterable[type | str]) -> Iterator[tuple[str, str]]:
    """The payload columns of events of these types, each with its kind; "object" where two types do not agree."""
    found: dict[str, str] = {}
    for name in names_of(types) or ():
        for column, kind in _declared(event_type(name).cls, "payload"):
            found[column] = kind if found.get(column, kind) == kind else "object"
    return iter(found.items())


def _declared(cls: type, path: str) -> Iterator[tuple[str, str]]:
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        hint = _without_none(hints[field.name])
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from _declared(hint, f"{path}.{field.name}")
        elif typing.get_origin(hint) is not dict and hint is not dict:  # the columns of a dict are its keys
            yield f"{path}.{field.name}", KINDS.get(hint, "object")


def _without_none(hint: Any) -> Any:
    """`str` for `str | None`."""
    if typing.get_origin(hint) not in (typing.Union, kinds_of_types.UnionType):
        return hint
    left = [part for part in typing.get_args(hint) if part is not type(None)]
    return left[0] if len(left) == 1 else hint
