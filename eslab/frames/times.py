"""How long it took is the time from one event of a stream to another."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from eslab.errors import InvalidPayload
from eslab.events import Recorded, event_type, names_of
from eslab.frames.envelopes import InvalidFrame, check_clock, envelope, listed

Type = type | str
BOUND = ""
"""What stands for the beginning, and for the end so far, of a stream."""


def durations(
    history: Iterable[Recorded], start: Type | None = None, end: Type | None = None, *, clock: str = "occurred_at"
) -> pd.DataFrame:
    """How long it took from each event to the next one of its stream, or from one type of event to another.

    Without types there is a row for each event but the first of its stream: stream, version (of the event), from and to
    (types), began, ended and lasted. With a `start` and an `end` there is a row for each stream that has a start, the
    index: from its first start to the first end after it; what has not ended has neither ended nor lasted. Streams are
    in the order of their first event; within one the `clock` orders, "occurred_at" or "recorded_at", and where that is
    equal, the version.

    Raises InvalidFrame for one type without the other, or a name that no event and no class has.
    """
    check_clock(clock)
    steps = _steps(history, clock)
    if start is None and end is None:
        later = steps[steps["from"].notna()]
        return later[["stream", "version", "from", "to", "began", "ended", "lasted"]].reset_index(drop=True)
    if start is None or end is None:
        raise InvalidFrame(
            f"found start={start!r} and end={end!r}, expected two types, or none for the time from each event to the "
            f"next", found=(start, end),
        )  # fmt: skip
    return _spans(steps, _type_name(start, steps), _type_name(end, steps))


def transitions(history: Iterable[Recorded], *, clock: str = "occurred_at") -> pd.DataFrame:
    """Which type of event follows which within a stream, how often, and after how long.

    The index is (from, to): from "" is the beginning of a stream, to "" its end so far. The columns: events (how many
    times), median and total (of the time between, missing at the two ends), and share (of all that followed `from`;
    the shares of one `from` add up to 1). Most first. Events are ordered as in `durations`.
    """
    check_clock(clock)
    steps = _steps(history, clock)
    last = steps.drop_duplicates("stream", keep="last")
    ends = pd.DataFrame({"from": last["to"], "to": BOUND})  # which lasted no known time
    steps = pd.concat([steps, ends]).fillna({"from": BOUND}).astype({"from": "category", "to": "category"})
    grouped = steps.groupby(["from", "to"], observed=True)["lasted"]
    found = pd.DataFrame({"events": grouped.size(), "median": grouped.median(), "total": grouped.sum(min_count=1)})
    found = found.reset_index().astype({"from": "str", "to": "str", "events": "int64"})
    found["share"] = found["events"] / found.groupby("from")["events"].transform("sum")
    return found.sort_values("events", ascending=False, kind="stable").set_index(["from", "to"])


def _steps(history: Iterable[Recorded], clock: str) -> pd.DataFrame:
    """A row for each event, with the one before it in its stream; the streams in the order of their first event."""
    told = envelope(listed(history), columns=["stream", "version", "type", clock])
    steps = pd.DataFrame({"stream": told["stream"], "version": told["version"], "to": told["type"].astype("str")})
    steps["ended"], steps["place"] = told[clock], pd.factorize(told["stream"])[0]
    steps = steps.sort_values(["place", "ended", "version"], kind="stable", ignore_index=True)
    first = steps["place"] != steps["place"].shift()
    steps["from"], steps["began"] = steps["to"].shift().mask(first), steps["ended"].shift().mask(first)
    steps["lasted"] = steps["ended"] - steps["began"]
    return steps


def _spans(steps: pd.DataFrame, start: str, end: str) -> pd.DataFrame:
    """For each stream its first start, and its first end that comes after it."""
    spans = steps[steps["to"] == start].drop_duplicates("stream")
    began_in = pd.Series(spans.index, spans["place"]).reindex(steps["place"]).to_numpy()
    ends = steps[(steps["to"] == end) & (steps.index > began_in)]
    spans = spans.set_index("stream")
    ended = ends.drop_duplicates("stream").set_index("stream")["ended"].reindex(spans.index)
    began = spans["ended"]
    return pd.DataFrame({"began": began, "ended": ended, "lasted": ended - began})


def _type_name(given: Type, steps: pd.DataFrame) -> str:
    """The name of a type. Raises InvalidFrame if no event has it and no class is declared for it: a slip of the pen."""
    if not isinstance(given, str):
        return names_of([given])[0]  # type: ignore[index]  # names_of gives None for None alone
    there = steps["to"].drop_duplicates().tolist()
    if given not in there and there:
        try:
            event_type(given)
        except InvalidPayload as error:
            raise InvalidFrame(
                f"no event has the type {given!r}, expected one of: {', '.join(sorted(there))}", found=given
            ) from error
    return given
