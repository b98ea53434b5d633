"""An earthquake occurs, and its report is recorded hours or days later: two clocks for every event."""

from __future__ import annotations

import dataclasses
import datetime as dt

from eslab.aggregates import Aggregate, unhandled
from eslab.events import Recorded, event
from eslab.projections import Projection

# --- events (they come from the seismic networks: there is nothing to decide, so there are no commands) ---


@event(name="quakes.EarthquakeReported")
class EarthquakeReported:
    """What the networks say of one tremor; `ids` are all the names they gave it."""

    magnitude: float
    magnitude_type: str
    place: str
    latitude: float
    longitude: float
    depth_km: float
    kind: str
    """Earthquake, explosion or quarry blast."""
    status: str
    """Automatic, or reviewed by a person."""
    ids: list[str]


# --- state ---


class Quake(Aggregate):
    """One tremor, as last reported."""

    category = "quake"

    def __init__(self) -> None:
        self.magnitude: float | None = None
        self.place = self.kind = self.status = ""

    def apply(self, event: object) -> None:
        match event:
            case EarthquakeReported():
                self.magnitude, self.place = event.magnitude, event.place
                self.kind, self.status = event.kind, event.status
            case _:
                raise unhandled(self, event)


CLASSES = {2.0: "micro", 4.0: "minor", 5.0: "light", 6.0: "moderate", 7.0: "strong", 8.0: "major"}
WORDS = (*CLASSES.values(), "great")


def magnitude_class(magnitude: float) -> str:
    """The usual word for a magnitude: below 2 is micro, from 2 minor, from 4 light, … from 8 great."""
    return next((word for below, word in CLASSES.items() if magnitude < below), WORDS[-1])


# --- projections ---


@dataclasses.dataclass(frozen=True, slots=True)
class Strongest:
    """The strongest so far; `known_after` is the time between the tremor and its report."""

    magnitude: float
    place: str
    occurred_at: dt.datetime
    known_after: dt.timedelta


class StrongestSoFar(Projection):
    """The strongest earthquake so far, or None; explosions and quarry blasts do not count."""

    name = "strongest_so_far"
    types = (EarthquakeReported,)

    def initial(self) -> Strongest | None:
        return None

    def evolve(self, state: Strongest | None, recorded: Recorded) -> Strongest | None:
        match recorded.payload:
            case EarthquakeReported(magnitude=magnitude, place=place, kind="earthquake"):
                if state is not None and magnitude <= state.magnitude:
                    return state
                occurred_at = recorded.occurred_at
                return Strongest(magnitude, place, occurred_at, recorded.recorded_at - occurred_at)
            case EarthquakeReported():
                return state
            case other:
                raise unhandled(self, other)


Days = dict[str, dict[str, int]]


class TremorsPerDay(Projection):
    """Day of occurrence, in UTC, to magnitude class to count; the days are in order."""

    name = "tremors_per_day"
    types = (EarthquakeReported,)

    def initial(self) -> Days:
        return {}

    def evolve(self, state: Days, recorded: Recorded) -> Days:
        match recorded.payload:
            case EarthquakeReported(magnitude=magnitude):
                day, word = recorded.occurred_at.date().isoformat(), magnitude_class(magnitude)
                counts = state.get(day, dict.fromkeys(WORDS, 0))
                return dict(sorted((state | {day: counts | {word: counts[word] + 1}}).items()))
            case other:
                raise unhandled(self, other)
