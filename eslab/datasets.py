"""The shipped data sets are histories, ready to fold, by name: `load("league")`."""

from __future__ import annotations

import csv
import datetime as dt
import functools
import gzip
import importlib
import io
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from tqdm.auto import tqdm

from eslab.errors import UnknownName
from eslab.events import History, Recorded, event_type, record
from eslab.store import Store

SCHEDULED_AHEAD = dt.timedelta(hours=24)
"""Assumed: when a flight was put on the schedule, before its scheduled departure."""
CANCELLED_AHEAD = dt.timedelta(hours=2)
"""Assumed: when a flight was cancelled, before its scheduled departure."""
CHUNK = 1_000
"""How many events are copied into a store at a time."""


def names() -> tuple[str, ...]:
    """The names that `load` knows."""
    return tuple(DATA_SETS)


def describe() -> dict[str, str]:
    """What each data set holds, by name. Origin, licence, units and quirks are in `datasets/README.md`."""
    return {name: data_set.summary for name, data_set in DATA_SETS.items()}


def load(name: str, into: Store | None = None) -> History:
    """The history of a data set, in the order of recording: positions from 1, ids the same each time.

    With `into`, the events are copied into that store as well, with their ids, versions and both times;
    those that are there already are passed over, so it can be repeated. What is returned stays the same.

    Raises UnknownName if there is no such data set, with the names there are.
    """
    if name not in DATA_SETS:
        raise UnknownName(f"found no data set {name!r}, expected one of: {', '.join(DATA_SETS)}", name=name)
    history = DATA_SETS[name].read()
    if into is not None:
        with tqdm(total=len(history), desc=name, unit=" events") as progress:
            for start in range(0, len(history), CHUNK):
                chunk = history[start : start + CHUNK]
                into.copy(chunk)
                progress.update(len(chunk))
    return history


def folder(kind: str) -> Path:
    """Where the shipped "datasets" or "notebooks" lie: in the installed package, or beside it in a checkout.

    Raises UnknownName if there is no such folder.
    """
    package = Path(__file__).resolve().parent
    for place in (package / "_files" / kind, package.parent / kind):
        if kind in ("datasets", "notebooks") and place.is_dir():
            return place
    raise UnknownName(f"found no folder {kind!r} of eslab, expected 'datasets' or 'notebooks'", name=kind)


# --- event files: one event a line, as its envelope and its payload under `data` ---


class Line(msgspec.Struct):
    type: str
    stream: str
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    data: msgspec.Raw


def _lines(file: str) -> History:
    importlib.import_module(f"eslab.domains.{Path(file).stem}")  # registers the event classes
    text = (folder("datasets") / file).read_bytes()
    lines = msgspec.json.Decoder(Line).decode_lines(text)
    return _numbered(
        (line.stream, event_type(line.type).decoder.decode(line.data), line.occurred_at, line.recorded_at)
        for line in lines
    )


def _numbered(happened: Iterable[tuple[str, object, dt.datetime, dt.datetime]]) -> History:
    """The events with their positions, and their versions within each stream."""
    versions: dict[str, int] = {}
    history: list[Recorded] = []
    for position, (stream, payload, occurred_at, recorded_at) in enumerate(happened, start=1):
        version = versions[stream] = versions.get(stream, 0) + 1
        place = functools.partial(record, stream=stream, version=version, position=position)
        history.append(place(payload, occurred_at=occurred_at, recorded_at=recorded_at))
    return History(history)


# --- flights: one row a flight, from which its events follow ---


class Happened(NamedTuple):
    at: dt.datetime
    stream: str
    order: int
    event: object


def _flights(days: tuple[str, ...] | None) -> History:
    """The events of flights scheduled for these days in New York, or for any; recorded as they occurred."""
    packed = (folder("datasets") / "flights.csv.gz").read_bytes()
    rows = csv.DictReader(io.StringIO(gzip.decompress(packed).decode()))
    wanted = (row for row in rows if days is None or row["day"] in days)
    happened = sorted(itertools.chain.from_iterable(map(_flight, wanted)), key=lambda each: each[:3])
    return _numbered((each.stream, each.event, each.at, each.at) for each in happened)


def _flight(row: dict[str, str]) -> Iterator[Happened]:
    """What happened to one flight, in this order: two events if it was cancelled, three if it departed."""
    from eslab.domains import flights

    origin, dest = row["origin"], row["dest"]
    stream = f"flight-{row['day'].replace('-', '')}-{row['carrier']}{row['flight']}-{origin}"
    departs_at, arrives_at = _utc(row["scheduled_departure"]), _utc(row["scheduled_arrival"])
    scheduled = flights.FlightScheduled(
        row["carrier"], int(row["flight"]), row["tailnum"] or None, origin, dest,
        int(row["distance_miles"]), departs_at, arrives_at,
    )  # fmt: skip
    yield Happened(departs_at - SCHEDULED_AHEAD, stream, 1, scheduled)
    if not row["dep_delay_min"]:
        yield Happened(departs_at - CANCELLED_AHEAD, stream, 2, flights.FlightCancelled(origin))
        return
    dep_delay = int(row["dep_delay_min"])
    yield Happened(departs_at + _minutes(dep_delay), stream, 2, flights.FlightDeparted(origin, dep_delay))
    if row["arr_delay_min"]:
        arr_delay = int(row["arr_delay_min"])
        yield Happened(arrives_at + _minutes(arr_delay), stream, 3, flights.FlightArrived(dest, arr_delay))
    else:  # when it was diverted is not known: assumed at the time when it would have arrived
        yield Happened(arrives_at + _minutes(max(dep_delay, 0)), stream, 3, flights.FlightDiverted(dest))


def _utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _minutes(delay: int) -> dt.timedelta:
    return dt.timedelta(minutes=delay)


# --- generated ---


def _generated(domain: str) -> History:
    history: History = getattr(importlib.import_module("eslab.domains.made_up"), domain)()
    return history


# --- the list ---


class DataSet(NamedTuple):
    summary: str
    read: Callable[[], History]


WEEKEND = ("2013-02-08", "2013-02-09")
DATA_SETS = {
    "league": DataSet(
        "Premier League 2013-14: 380 results, and four corrections made years later",
        functools.partial(_lines, "league.jsonl"),
    ),
    "flights": DataSet(
        "flights from New York City on 8 and 9 February 2013, the days of the blizzard",
        functools.partial(_flights, WEEKEND),
    ),
    "flights-month": DataSet(
        "flights from New York City in February 2013",
        functools.partial(_flights, None),
    ),
    "chess": DataSet(
        "the six games of Garry Kasparov against Deep Blue in 1997, move by move",
        functools.partial(_lines, "chess.jsonl"),
    ),
    "quakes": DataSet(
        "the earthquakes of a week in 2018, each with the time of its report",
        functools.partial(_lines, "quakes.jsonl"),
    ),
    "bank": DataSet(
        "accounts of a small bank, made up by a seeded generator",
        functools.partial(_generated, "bank"),
    ),
    "orders": DataSet(
        "orders of a small shop in three schema versions, made up by a seeded generator",
        functools.partial(_generated, "orders"),
    ),
    "courses": DataSet(
        "the morning on which a school opens its courses, with tags, made up by a seeded generator",
        functools.partial(_generated, "courses"),
    ),
}  # fmt: skip
