"""A frame is taken as events row by row, each value as what its column says it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from eslab.errors import UnreadableLog
from eslab.readers.log import Found, Log, Refused
from eslab.readers.own import ENVELOPE
from eslab.readers.tables import Columns, check_head, with_columns

if TYPE_CHECKING:
    import pandas as pd

ROWS = 10_000
"""How many rows are turned into events at a time."""


@with_columns
def frame(df: pd.DataFrame, **columns: Any) -> Log:
    """The events of a pandas frame: a row an event, what is missing left out. `line` counts rows, first = 1.

    What the columns mean is said as in `readers.Columns`. Levels of the index that have a name are columns too. What
    is done to the frame later does not change the log.

    Raises UnreadableLog if the frame has no such columns, and on reading for a row that is no event.
    """
    import pandas as pd

    if not isinstance(df, pd.DataFrame):
        raise UnreadableLog(f"found {type(df).__name__}, expected a pandas frame: make one with pandas.DataFrame(...)",
                            file="frame", line=None)  # fmt: skip
    mapped = Columns(**columns)
    named = [name for name in df.index.names if name is not None]
    kept = df.reset_index(level=named, allow_duplicates=True) if named else df.copy(deep=False)
    head = list(kept.columns)
    if mapped.as_eslab_has_them and {*ENVELOPE[:-2], "error"} <= set(head):
        raise UnreadableLog(
            "frame: it was made by frames.events, and does not say which fields were None and which were not there, "
            "expected another table: take the history that it was made from, and of it the events whose position is in "
            "the frame; or say which columns are meant, with stream=, type= and occurred_at=", file="frame", line=None,
        )  # fmt: skip
    check_head(head, mapped, "frame")

    def records() -> Iterator[Found | Refused]:
        for start in range(0, len(kept), ROWS):
            part = kept.iloc[start : start + ROWS]
            values = [_plain(part.iloc[:, place]) for place in range(len(head))]
            for line, row in enumerate(zip(*values, strict=True), start + 1):
                there = {name: value for name, value in zip(head, row, strict=True) if value is not None}
                yield mapped.event(line, there)

    return mapped.log("frame", records, {"columns": head}, "row")


def _plain(column: pd.Series) -> list[Any]:
    """The values as Python has them, None for what is missing."""
    missing = column.isna().tolist()
    return [None if no else _value(value) for no, value in zip(missing, column.astype(object).tolist(), strict=True)]


def _value(value: Any) -> Any:
    if hasattr(value, "tolist"):  # a number or an array of numpy
        return value.tolist()
    if getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0):  # finer than Python has them: as text
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return dt.timedelta(microseconds=value // dt.timedelta(microseconds=1))
    to_python = getattr(value, "to_pydatetime", None)
    return value if to_python is None else to_python()
