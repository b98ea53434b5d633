"""What a chart needs of a frame it asks for here: a column, its numbers, its moments, and labels that are short."""

from __future__ import annotations

import calendar
import decimal
import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from eslab.events import names_of
from eslab.frames import InvalidFrame

AXIS = {
    "recorded_at": "recorded at (UTC)", "occurred_at": "occurred at (UTC)", "step": "step (events so far)",
    "position": "position in the log", "version": "version (events of its stream so far)",
}  # fmt: skip
Type = str | type
"""A type of event, by its name or by its class."""
NUMBERS = (int, float, decimal.Decimal, np.number)
FINEST = 4_000
"""Into how many parts a chart divides time at most, more than a screen has dots: marks in the same part are one."""
BACK = "use x='step', or a Timeline whose order= is that of this clock"


def column_of(frame: pd.DataFrame, name: str) -> pd.Series:
    """Raises InvalidFrame if there is none of that name."""
    if name not in frame.columns:
        raise InvalidFrame(
            f"the frame has no column {name!r}, expected one of: {', '.join(map(str, frame.columns[:30]))}", found=name
        )
    return frame[name]


def labelled(frame: pd.DataFrame, columns: str | Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """The columns asked for, with the label of each: what is different in their names, or as the caller says."""
    if isinstance(columns, Mapping):
        return {str(column_of(frame, name).name): label for name, label in columns.items()}
    found: list[str] = []
    if not columns:
        raise InvalidFrame("no column was named, expected at least one, for example 'state.balance'", found=columns)
    for wanted in [columns] if isinstance(columns, str) else columns:
        matching = [wanted] if wanted in frame.columns else fnmatch.filter(map(str, frame.columns), wanted)
        found += matching or [str(column_of(frame, wanted).name)]
    found = list(dict.fromkeys(found))
    return dict(zip(found, short(found), strict=True))


def short(names: Sequence[str]) -> list[str]:
    """Names without the parts, between full stops, that all of them begin or end with."""
    parts = [name.split(".") for name in names]
    if len(parts) < 2:
        return [one[-1] for one in parts]
    spare, first, last = min(map(len, parts)) - 1, 0, 0
    while first < spare and len({one[first] for one in parts}) == 1:
        first += 1
    while first + last < spare and len({one[-1 - last] for one in parts}) == 1:
        last += 1
    return [".".join(one[first : len(one) - last]) for one in parts]


def along(frame: pd.DataFrame, x: str, *, forward: bool = True, instead: str = BACK) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows that have an x, and their x. Raises InvalidFrame if it goes back where it must not."""
    if x == "step" and frame.index.name == "step":
        return frame, frame.index.to_numpy()
    frame = frame[column_of(frame, x).notna()]
    times = pd.api.types.is_datetime64_any_dtype(frame[x].dtype)
    moments = moments_of(frame[x]) if times else numbers_of(frame, x)
    back = np.flatnonzero(moments[1:] < moments[:-1])
    if forward and back.size:
        raise InvalidFrame(
            f"{x} goes back after row {frame.index[back[0]]}, so a line along it would show states that never were: "
            f"{instead}", found=x,
        )  # fmt: skip
    return frame, moments


def moments_of(times: Any) -> np.ndarray:
    """Times as matplotlib takes them: in UTC, without a zone."""
    index = pd.DatetimeIndex(times)
    moments: np.ndarray = (index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index).to_numpy()
    return moments


def when(moment: Any, x: str) -> str:
    """A moment in words: "on 8 Feb 2013, 14:05 UTC", "at step 12"."""
    if isinstance(moment, np.datetime64):
        time = pd.Timestamp(moment)
        return f"on {day_of(time)} {time.year}, {time:%H:%M} UTC"
    return f"at {x} {moment:,.10g}"


def day_of(time: pd.Timestamp) -> str:
    """The day without its year: 8 Feb."""
    return f"{time.day} {calendar.month_abbr[time.month]}"


def clock_of(frame: pd.DataFrame, name: str) -> pd.DatetimeIndex:
    """A column of times, those that are there. Raises InvalidFrame if it holds anything else."""
    column = column_of(frame, name).dropna()
    if not (isinstance(column.dtype, pd.DatetimeTZDtype) or column.empty):
        raise InvalidFrame(
            f"column {name!r} holds {column.dtype}, expected times with a zone: choose 'occurred_at' or 'recorded_at'",
            found=name,
        )
    return pd.DatetimeIndex(column)


def numbers_of(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A column as floats for drawing, NaN where it is missing. Raises InvalidFrame if it holds anything but numbers."""
    column = column_of(frame, name)
    kinds = set(map(type, column.dropna())) if column.dtype == object else set()
    strange = sorted(kind.__name__ for kind in kinds if not issubclass(kind, NUMBERS))
    if strange or not (column.dtype == object or pd.api.types.is_numeric_dtype(column.dtype)):
        kind = strange[0] if strange else column.dtype
        raise InvalidFrame(f"column {name!r} holds {kind}, expected numbers: choose another column", found=name)
    numbers: np.ndarray = column.to_numpy(dtype="float64", na_value=np.nan)
    return numbers


def texts_of(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A column as texts, for names of lanes, types and groups."""
    texts: np.ndarray = column_of(frame, name).astype(str).to_numpy()
    return texts


def types_in(frame: pd.DataFrame, wanted: Type | Sequence[Type]) -> list[str]:
    """The types that are given, as names or classes. Raises InvalidFrame for one that the frame has never heard of."""
    given = [wanted] if isinstance(wanted, (str, type)) else list(wanted)
    column, listed = column_of(frame, "type"), list(names_of(given) or ())
    known = list(column.cat.categories) if isinstance(column.dtype, pd.CategoricalDtype) else list(column.unique())
    absent = [one for one in listed if one not in known]
    if not listed or (absent and len(frame)):
        raise InvalidFrame(
            f"found {'no type' if not listed else f'no event of type {absent[0]!r}'}, expected some of: "
            f"{', '.join(map(str, known))}: name types that the log has", found=listed,
        )  # fmt: skip
    return listed


def most_frequent(names: np.ndarray, most: int) -> list[str]:
    """The names that come most often, at most so many of them, in the order of their first coming.

    Raises InvalidFrame if `most` is below 1.
    """
    if most < 1:
        raise InvalidFrame(f"most is {most}, expected 1 or more: say how many are to be shown", found=most)
    places, found = pd.factorize(names)  # in the order of their first coming
    kept = np.argsort(-np.bincount(places), kind="stable")[:most]
    return [str(name) for name in found[np.sort(kept)]]


def apart(moments: np.ndarray) -> np.ndarray:
    """Those of many moments that can be seen apart, one for each part of the time between the first and the last."""
    if len(moments) <= FINEST:
        return moments
    numbers = moments.astype("int64") if moments.dtype.kind == "M" else moments
    low, high = numbers.min(), numbers.max()
    parts = ((numbers - low) / max(high - low, 1) * FINEST).astype("int64")
    return moments[np.unique(parts, return_index=True)[1]]
