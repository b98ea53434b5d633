"""A tally is how many events there are, by what they are about or by when they were."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from eslab.events import Recorded
from eslab.frames.columns import texts
from eslab.frames.envelopes import InvalidFrame, check_clock, each, envelope, listed

PERIODS = {"hour": "h", "day": "D", "week": "W-MON", "month": "MS", "year": "YS"}
"""What `counts` can count by, and what pandas calls it; weeks begin on Monday."""


def counts(history: Iterable[Recorded], by: str = "type", *, clock: str = "occurred_at") -> pd.DataFrame:
    """How many events there are of each type, stream or category, most first, or in each hour, day, week, month, year.

    One column, `events`; what is counted by is the index. Periods begin in UTC by the `clock`, "occurred_at" or
    "recorded_at", and those without an event are there with 0. Raises InvalidFrame for another `by` or `clock`.
    """
    check_clock(clock)
    events = listed(history)
    if by in PERIODS:
        times = pd.Series(1, index=pd.DatetimeIndex(envelope(events, columns=[clock])[clock], name=by), dtype="int64")
        options = {"label": "left", "closed": "left"} if by == "week" else {}
        return times.resample(PERIODS[by], **options).sum().to_frame("events")
    if by not in ("type", "stream", "category"):
        expected = ", ".join(("type", "stream", "category", *PERIODS))
        raise InvalidFrame(f"by is {by!r}, expected one of: {expected}", found=by)
    keys = pd.Series(texts(each(events, by)), name=by)
    found = keys.groupby(keys, sort=False).size().sort_values(ascending=False, kind="stable")
    return found.astype("int64").to_frame("events")
