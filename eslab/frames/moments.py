"""At a moment every stream has a state: what was known then, or what had happened by then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from eslab.aggregates import as_fold
from eslab.codec import stored_time
from eslab.events import Recorded
from eslab.frames.columns import Cells, frame_of, scattered
from eslab.frames.envelopes import InvalidFrame, envelope, errors_column, listed
from eslab.frames.steps import folded, put_state, said
from eslab.projections import Projection

NO_ERRORS: Mapping[str, str] = MappingProxyType({})


def at(
    history: Iterable[Recorded], fold: Any, *, recorded_until: dt.datetime | None = None,
    occurred_until: dt.datetime | None = None,
) -> pd.DataFrame:  # fmt: skip
    """One row for each stream that had an event by then, the index: its last event, and its state in `state.balance`.

    With `recorded_until`: as it was known then. With `occurred_until`: what had happened by then, as it is known now.
    With both: what was known then about what had happened by then. Both are inclusive. The last event is in version,
    type, recorded_at and occurred_at; `error` is what the fold raised at the first event that it could not handle.
    The streams are in the order of their names.

    Raises InvalidFrame for a projection, whose state belongs to no stream, and InvalidTime for a naive time.
    """
    if isinstance(as_fold(fold), Projection):
        raise InvalidFrame(
            f"{fold!r} has one state for all streams, expected what folds a stream, an aggregate class or a Decider: "
            f"ask Timeline(history, projection).at(...)", found=fold,
        )  # fmt: skip
    recorded = stored_time(recorded_until, "recorded_until") if recorded_until is not None else "~"
    occurred = stored_time(occurred_until, "occurred_until") if occurred_until is not None else "~"
    events = [one for one in listed(history) if one.recorded_text <= recorded and one.occurred_text <= occurred]
    last: dict[str, tuple[Recorded, Any]] = {}
    errors: dict[str, str] = {}
    for event, (state, error) in zip(events, folded(events, fold), strict=True):
        last[event.stream] = event, state
        if error is not None:
            errors.setdefault(event.stream, said(error))
    return at_rows(last.values(), errors, initial=as_fold(fold).initial())


def at_rows(
    rows: Iterable[tuple[Recorded, Any]], errors: Mapping[str, str] = NO_ERRORS, *, initial: Any = None
) -> pd.DataFrame:
    """The frame of `at` from the last event of each stream and the state after it; errors are by stream.

    `initial` is the state of a stream without events, whose columns an empty frame has.
    """
    ordered = sorted(rows, key=lambda row: row[0].stream)
    cells = Cells()
    for number, (_, state) in enumerate(ordered):
        put_state(cells, number, state)
    if not ordered:
        put_state(cells, 0, initial)
    columns = envelope([event for event, _ in ordered])
    index = pd.Index(columns.pop("stream"), name="stream")
    columns.pop("position")
    by_row = {row: errors[stream] for row, stream in enumerate(index) if stream in errors}
    columns["error"] = errors_column(len(ordered), by_row)
    return frame_of(columns, cells, scattered, index)
