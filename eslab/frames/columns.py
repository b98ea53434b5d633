"""A column holds what stands at one place of every payload or state, in the kind of array that loses nothing of it."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import itertools
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from eslab.states import LEAVES, MISSING, Path, branches, is_leaf, name

CELLS = (*LEAVES, list, tuple, set)
"""What stays in one cell, whatever is in it."""

# --- cells: what stands where -----------------------------------------------------------------------------------------


class Cells:
    """Values by their path, each with the row in which it stands."""

    def __init__(self) -> None:
        self._columns: dict[Path, tuple[array[int], list[Any]]] = {}

    def put(self, path: Path, row: int, value: Any) -> None:
        """Put a value into a row: mappings and objects branch into columns, everything else is one cell."""
        for where, one in cells_of(value, path):
            self.put_cell(where, row, one)

    def put_cell(self, path: Path, row: int, value: Any) -> None:
        column = self._columns.get(path)
        if column is None:
            column = self._columns[path] = (array("q"), [])
        column[0].append(row)
        column[1].append(value)

    def put_all(self, path: Path, rows: np.ndarray, values: Sequence[Any]) -> None:
        """Put one value into each of the rows."""
        if all(issubclass(kind, CELLS) for kind in set(map(type, values))):
            known = self._columns.setdefault(path, (array("q"), []))
            known[0].frombytes(rows.astype("int64").tobytes())
            known[1].extend(values)
            return
        for row, value in zip(rows.tolist(), values, strict=True):
            self.put(path, row, value)

    def columns(self) -> Iterator[tuple[str, np.ndarray, list[Any]]]:
        """For each column its name, the rows, and what stands in them."""
        for column, (rows, values) in zip(_names(list(self._columns)), self._columns.values(), strict=True):
            yield column, np.frombuffer(rows, dtype="int64"), values


def cells_of(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """A value as cells with their paths: mappings and objects branch, everything else is one cell."""
    if value is MISSING:
        return
    if is_leaf(value) or isinstance(value, CELLS):
        yield path, value
        return
    for key, one in branches(value).items():
        yield from cells_of(one, (*path, key))


def _names(paths: list[Path]) -> list[str]:
    """`state.Ada.balance` for each path; keys as Python writes them where two paths would read the same."""
    plain = [".".join(map(name, path)) for path in paths]
    if len(set(plain)) == len(plain):
        return plain
    exact = [".".join([path[0], *map(repr, path[1:])]) for path in paths]
    often = collections.Counter(plain)
    mixed = [one if often[one] == 1 else other for one, other in zip(plain, exact, strict=True)]
    return mixed if len(set(mixed)) == len(mixed) else exact


# --- where a value stands: for each row of the frame its number among the values, -1 = none ---------------------------

Placing = Callable[[np.ndarray, int], np.ndarray]


def scattered(rows: np.ndarray, length: int) -> np.ndarray:
    """Each value in its own row."""
    place = np.full(length, -1)
    if length:
        place[rows] = np.arange(len(rows))
    return place


def carried_on(rows: np.ndarray, length: int) -> np.ndarray:
    """Each value in its row and those that follow, until the next one; the rows are ascending."""
    return np.repeat(np.arange(-1, len(rows)), np.diff(rows, prepend=0, append=length))


# --- frames of columns ------------------------------------------------------------------------------------------------


def frame_of(
    columns: dict[str, Any], cells: Cells, placed: Placing, index: pd.Index, declared: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """A frame of ready columns and of cells, with a note in `attrs` for what stays a Python object.

    What is declared, as a kind by name, comes first among the cells, of this kind, whether or not any event has it.
    """
    made: dict[str, Any] = dict.fromkeys(declared or ())
    notes = []
    for column, rows, values in cells.columns():
        made[column], note = typed(values, placed(rows, len(index)))
        notes += [f"{column} {note}"] if note else []
    for column, kind in (declared or {}).items():
        made[column] = _as_declared(made[column], kind, len(index))
    arrays = [*columns.values(), *made.values()]
    frame = pd.DataFrame(dict(enumerate(arrays)), index=index, copy=False)
    frame.columns = pd.Index([*columns, *made], dtype="str")
    frame.attrs["notes"] = notes
    return frame


def _as_declared(column: Any, kind: str, length: int) -> Any:
    if column is None or pd.isna(column).all():
        return pd.array(np.full(length, None), dtype=object if kind == "object" else kind)
    return pd.array(column, dtype=kind) if column.dtype in ("int64", "bool") and kind != "object" else column


def spread(values: Any, place: np.ndarray) -> Any:
    """An array of what stands in each row: the value at its place, or nothing."""
    if len(place) == len(values) and (place == np.arange(len(place))).all():
        return values
    if not (len(place) and place.min() < 0):
        return values.take(place)
    if values.dtype in ("int64", "bool"):
        values = pd.array(values, dtype="Int64" if values.dtype == "int64" else "boolean")
    return pd.api.extensions.take(values, place, allow_fill=True)


def typed(values: list[Any], place: np.ndarray) -> tuple[Any, str]:
    """A column of the kind that fits all values, and what there is to say of it."""
    kinds = set(map(type, values))
    if kinds & {type(None), type(MISSING)}:
        values, place = _there(values, place)
        kinds = set(map(type, values))
    if any(issubclass(kind, enum.Enum) for kind in kinds):
        values = [one.value if isinstance(one, enum.Enum) else one for one in values]
        kinds = set(map(type, values))
    exact = _array(values, kinds, missing=bool((place < 0).any()))
    if exact is not None:
        shifted = kinds == {dt.datetime} and any(one.utcoffset() for one in values)
        return spread(exact, place), "is shown in UTC, some of it was stored with another zone" * shifted
    objects = np.empty(len(values) + 1, dtype=object)  # the last, None, is what -1 picks
    objects[:-1] = np.fromiter(values, dtype=object, count=len(values))
    said = ", ".join(sorted(kind.__name__ for kind in kinds)) or "only None"
    return pd.array(objects[place], dtype=object), f"holds {said}, kept as Python objects"


def _there(values: list[Any], place: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """The values without None and MISSING, which stand nowhere."""
    left = np.array([one is not None and one is not MISSING for one in values])
    numbers = np.append(np.where(left, np.cumsum(left) - 1, -1), -1)  # and -1 stays -1
    return list(itertools.compress(values, left)), numbers[place]


def _array(values: list[Any], kinds: set[type], missing: bool) -> Any:
    """The values in an array that loses nothing of them; None if there is no such kind."""
    try:
        if kinds in ({int}, {bool}):
            return np.array(values, dtype="int64" if kinds == {int} else "bool")
        if kinds in ({float}, {float, int}):
            return _floats(values, kinds, missing)
        if kinds == {str}:
            return texts(values)
        if kinds == {dt.timedelta}:
            return pd.array(np.array(values, dtype="timedelta64[us]"))
        if kinds == {dt.datetime}:
            return _moments(values)
    except (UnicodeError, OverflowError):  # half a character; a number or a time that only Python has room for
        return None
    return None


def _floats(values: list[Any], kinds: set[type], missing: bool) -> Any:
    """Floats, and whole numbers that a float holds exactly; None where NaN would mean two things."""
    if int in kinds and any(type(one) is int and abs(one) > 2**53 for one in values):
        return None
    made = np.array(values, dtype="float64")
    return None if missing and np.isnan(made).any() else made


def _moments(values: list[dt.datetime]) -> Any:
    zoned = {one.tzinfo is not None for one in values}
    if zoned == {True}:
        return utc([one.astimezone(dt.UTC).replace(tzinfo=None) for one in values])
    return pd.array(np.array(values, dtype="datetime64[us]")) if zoned == {False} else None


def texts(values: list[str | None]) -> Any:
    """A column of texts; None is missing. Raises UnicodeError for half a character."""
    return pd.array(pa.array(values, pa.large_string()), dtype="str")


def utc(moments: Any) -> Any:
    """A column of times in UTC, microseconds, from naive datetimes or datetime64."""
    return pd.DatetimeIndex(np.asarray(moments, dtype="datetime64[us]"), tz="UTC").array
