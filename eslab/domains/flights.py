"""A flight is scheduled, then departs and arrives, or is diverted, or is cancelled; a board shows many."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

from eslab.aggregates import Aggregate, unhandled
from eslab.events import Recorded, event
from eslab.projections import Projection
from eslab.projections.frames import FrameProjection

if TYPE_CHECKING:
    import pandas as pd

# --- events (they come from the airlines: there is nothing to decide, so there are no commands) ---


@event(name="flights.FlightScheduled")
class FlightScheduled:
    carrier: str
    number: int
    tail: str | None
    origin: str
    dest: str
    distance_miles: int
    departs_at: dt.datetime
    arrives_at: dt.datetime


@event(name="flights.FlightDeparted")
class FlightDeparted:
    """It left the gate, `delay_min` minutes after the schedule; less than 0 is early."""

    origin: str
    delay_min: int


@event(name="flights.FlightArrived")
class FlightArrived:
    """It reached its destination, `delay_min` minutes after the schedule; less than 0 is early."""

    dest: str
    delay_min: int


@event(name="flights.FlightDiverted")
class FlightDiverted:
    """It departed and did not arrive at its destination."""

    dest: str


@event(name="flights.FlightCancelled")
class FlightCancelled:
    origin: str


EVENTS = (FlightScheduled, FlightDeparted, FlightArrived, FlightDiverted, FlightCancelled)


# --- state ---


class Flight(Aggregate):
    """One flight of one day; `status` is scheduled, in the air, landed, diverted or cancelled."""

    category = "flight"

    def __init__(self) -> None:
        self.name = self.origin = self.dest = self.status = ""
        self.departs_at: dt.datetime | None = None
        self.arrives_at: dt.datetime | None = None
        self.delay_min: int | None = None

    def apply(self, event: object) -> None:
        match event:
            case FlightScheduled():
                self.status = "scheduled"
                self.name, self.origin, self.dest = flight_name(event), event.origin, event.dest
                self.departs_at, self.arrives_at = event.departs_at, event.arrives_at
            case FlightDeparted(delay_min=delay_min):
                self.status, self.delay_min = "in the air", delay_min
            case FlightArrived(delay_min=delay_min):
                self.status, self.delay_min = "landed", delay_min
            case FlightDiverted():
                self.status = "diverted"
            case FlightCancelled():
                self.status = "cancelled"
            case _:
                raise unhandled(self, event)


def flight_name(flight: FlightScheduled) -> str:
    """How the flight is called: `B6 677`."""
    return f"{flight.carrier} {flight.number}"


# --- projections ---


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line of the board; `departs_at` is the schedule, in UTC."""

    departs_at: dt.datetime
    flight: str
    origin: str
    dest: str
    status: str


Board = dict[str, Line]


class DepartureBoard(Projection):
    """Flights that have not left, by aggregate id: who departs goes off it, who is cancelled stays on.

    With an `origin`, such as "JFK", it is the board of that airport alone.
    """

    name = "departure_board"
    types = EVENTS

    def __init__(self, origin: str | None = None) -> None:
        self.origin = origin

    def initial(self) -> Board:
        return {}

    def evolve(self, state: Board, recorded: Recorded) -> Board:
        flight = recorded.aggregate_id
        match recorded.payload:
            case FlightScheduled() as event if self._shows(event.origin):
                line = Line(event.departs_at, flight_name(event), event.origin, event.dest, "scheduled")
                return state | {flight: line}
            case FlightDeparted(origin) if self._shows(origin):
                return {other: line for other, line in state.items() if other != flight}
            case FlightCancelled(origin) if self._shows(origin):
                return state | {flight: dataclasses.replace(state[flight], status="cancelled")}
            case event if isinstance(event, EVENTS):  # of another airport, or after the departure
                return state
            case other:
                raise unhandled(self, other)

    def _shows(self, origin: str) -> bool:
        return self.origin in (None, origin)


Counts = dict[str, int]


class FlightCounts(Projection):
    """How many flights are in each status at the moment."""

    name = "flight_counts"
    types = EVENTS

    def initial(self) -> Counts:
        return {"scheduled": 0, "in the air": 0, "landed": 0, "diverted": 0, "cancelled": 0}

    def evolve(self, state: Counts, recorded: Recorded) -> Counts:
        match recorded.payload:
            case FlightScheduled():
                return _moved(state, None, "scheduled")
            case FlightDeparted():
                return _moved(state, "scheduled", "in the air")
            case FlightArrived():
                return _moved(state, "in the air", "landed")
            case FlightDiverted():
                return _moved(state, "in the air", "diverted")
            case FlightCancelled():
                return _moved(state, "scheduled", "cancelled")
            case other:
                raise unhandled(self, other)


def _moved(counts: Counts, old: str | None, new: str) -> Counts:
    less = {} if old is None else {old: counts[old] - 1}
    return counts | less | {new: counts[new] + 1}


class DepartureHours(FrameProjection):
    """Departures and cancellations as a frame: one row for each airport and hour (UTC) in which there were any.

    `delay_min` adds up the minutes of all that departed. A cancellation counts in the hour it became known.
    """

    name = "departure_hours"
    types = (FlightDeparted, FlightCancelled)
    columns = ("type", "occurred_at", "payload.origin", "payload.delay_min")

    def initial(self) -> pd.DataFrame:
        import pandas as pd

        rows = {"airport": pd.array([], dtype="str"), "hour": pd.DatetimeIndex([], dtype="datetime64[us, UTC]")}
        counts: dict[str, list[int]] = {"departed": [], "cancelled": [], "delay_min": []}
        return pd.DataFrame(counts, index=pd.MultiIndex.from_frame(pd.DataFrame(rows)), dtype="int64")

    def evolve_frame(self, frame: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        rows = events.assign(
            airport=events["payload.origin"], hour=events["occurred_at"].dt.floor("h"),
            departed=events["type"] == "flights.FlightDeparted", cancelled=events["type"] == "flights.FlightCancelled",
            delay_min=events["payload.delay_min"].fillna(0),
        )  # fmt: skip
        new = rows.groupby(["airport", "hour"])[list(frame.columns)].sum().astype("int64")
        return pd.concat([frame, new]).groupby(level=["airport", "hour"]).sum()
