"""A vectorised path agrees with a fold if it gives the same states, row by row, of the same kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import pandas as pd

from eslab.events import Recorded
from eslab.frames.envelopes import InvalidFrame, listed
from eslab.frames.facts import events as events_frame
from eslab.frames.steps import Look, states
from eslab.laws import Kept, LawBroken
from eslab.laws.said import called
from eslab.show import counted, shortened

LAW = "agreement"


def agree(
    fold: Any, vectorised: Callable[[pd.DataFrame], pd.DataFrame], history: Iterable[Recorded],
    types: Iterable[type | str] = (), view: Look | None = None,
) -> Kept:  # fmt: skip
    """`vectorised(frames.events(history, types))` has the same states as `frames.states(history, fold, view)`.

    `vectorised` returns a frame with one row for each event and at least one column of the state, `state.balance` and
    so on. These columns are compared, value by value and with their kinds; others of the state it may leave out.

    Raises LawBroken with the first row and the column that differ, and InvalidFrame for what is no such frame.
    """
    __tracebackhide__ = True
    told = listed(history)
    expected = states(told, fold, view)
    found: object = vectorised(events_frame(told, types))
    columns = [one for one in found if _is_state(one)] if isinstance(found, pd.DataFrame) else []
    if not isinstance(found, pd.DataFrame) or (told and not columns):
        raise InvalidFrame(
            f"the vectorised path returned {type(found).__name__} without columns of the state, expected a frame with "
            f"one row for each event and columns such as 'state.balance'", found=found,
        )  # fmt: skip
    if len(found) != len(told):
        rows, events = counted(len(found), "row"), counted(len(told), "event")
        _broken(f"it has {rows} for {events}", len(told), len(found))
    found = found.set_axis(expected.index)
    _same_kinds(columns, expected, found)
    _same_values(columns, expected, found, told)
    name = getattr(vectorised, "__name__", repr(vectorised))
    said = f"{called(fold)} and {name} give the same {', '.join(columns) or 'nothing'}"
    return Kept(LAW, f"{said} after each of {counted(len(told), 'event')}")


def _is_state(column: object) -> bool:
    return isinstance(column, str) and (column == "state" or column.startswith("state."))


def _same_kinds(columns: list[str], expected: pd.DataFrame, found: pd.DataFrame) -> None:
    __tracebackhide__ = True
    for column in columns:
        if column not in expected:
            there = ", ".join(filter(_is_state, expected)) or "nothing"
            _broken(f"it has a column {column!r}, and the state has {there}", there, column)
        kinds = expected[column].dtype, found[column].dtype
        if kinds[0] != kinds[1] and expected[column].notna().any():  # a column in which nothing stands is of any kind
            _broken(f"{column} should be of kind {kinds[0]} and is {kinds[1]}", *kinds)


def _same_values(columns: list[str], expected: pd.DataFrame, found: pd.DataFrame, told: Sequence[Recorded]) -> None:
    __tracebackhide__ = True
    firsts = {column: row for column in columns if (row := _first(expected[column], found[column])) is not None}
    if not firsts:
        return
    column = min(firsts, key=firsts.__getitem__)
    row = firsts[column]
    values, at = [frame[column].iloc[[row]].tolist()[0] for frame in (expected, found)], told[row]
    _broken(f"{column} should be {shortened(values[0], 80)} and is {shortened(values[1], 80)}; first at event {row + 1}"
            f" (position {at.position}, {at.type} of stream {at.stream!r})", *values, step=row + 1,
            position=at.position, column=column)  # fmt: skip


def _first(expected: pd.Series, found: pd.Series) -> int | None:
    """The first row in which two columns differ; what is missing in both is the same."""
    same = (expected == found).fillna(False).astype(bool) | (expected.isna() & found.isna())
    return None if same.all() else int(same.to_numpy().argmin())


def _broken(because: str, expected: Any, found: Any, **facts: Any) -> NoReturn:
    __tracebackhide__ = True
    raise LawBroken(f"{LAW}: the vectorised path is not the fold: {because}. Correct the one or the other: the fold is "
                    f"what the lesson says", law=LAW, expected=expected, found=found, **facts)  # fmt: skip
