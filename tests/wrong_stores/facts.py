"""Stores that give back something else than they were given."""

import datetime as dt
import json
import re
import uuid

import msgspec

from eslab import MemoryStore, NewEvent
from eslab.contract.materials import Packed
from eslab.drafts import Draft
from eslab.errors import EslabError, UnreadablePayload
from eslab.events import History, Recorded

from .registry import Rewrites, as_given, as_streams, caught_by, changed


@caught_by("every type of payload comes back exactly")
class RoundsDecimals(Rewrites):
    def kept(self, row):
        data = json.loads(row.payload_text)
        if "price" not in data:
            return row
        return changed(row, payload_text=json.dumps({**data, "price": str(float(data["price"]))}))


@caught_by("every type of payload comes back exactly")
class SortsKeys(Rewrites):
    def kept(self, row):
        if "by_name" not in row.payload_text:
            return row
        return changed(row, payload_text=json.dumps(json.loads(row.payload_text), sort_keys=True))


@caught_by("an event has the time it was recorded and the time it occurred")
class TruncatesMicroseconds(Rewrites):
    def kept(self, row):
        recorded, occurred = (text[:19] + ".000000+00:00" for text in (row.recorded_text, row.occurred_text))
        return changed(row, recorded_text=recorded, occurred_text=occurred)


@caught_by("a clock of any zone is kept to the microsecond and in utc")
class KeepsLocalTimes(Rewrites):
    def kept(self, row):
        there = dt.timezone(dt.timedelta(hours=2))
        return changed(row, recorded_text=row.recorded_at.astimezone(there).isoformat(timespec="microseconds"))


@caught_by("a clock of any zone is kept to the microsecond and in utc", "a recorded event says all about itself")
class ForgetsTheZone(Rewrites):
    def kept(self, row):
        return changed(row, recorded_text=row.recorded_text[:-6], occurred_text=row.occurred_text[:-6])


@caught_by("a naive time is refused everywhere")
class TakesNaiveTimesForUtc(MemoryStore):
    def load(self, stream, **bounds):
        naive = [name for name, value in bounds.items() if isinstance(value, dt.datetime) and value.tzinfo is None]
        return super().load(stream, **{**bounds, **{name: bounds[name].replace(tzinfo=dt.UTC) for name in naive}})


@caught_by(
    "metadata is that of the append and of the event",
    "an event names its cause",
    "a copy keeps all but the positions",
)
class LosesMetadata(Rewrites):
    def kept(self, row):
        tags = list(row.tags)
        return changed(row, metadata_text=json.dumps({"tags": tags}, separators=(",", ":")) if tags else "{}")


@caught_by("metadata is that of the append and of the event")
class ReplacesTheMetadataOfTheAppend(MemoryStore):
    def append(self, stream, events=None, *, metadata=None, **options):
        streams = as_streams(stream, events)
        own = any(isinstance(event, NewEvent) and event.metadata for some in streams.values() for event in some)
        return super().append(*as_given(stream, streams), metadata=None if own else metadata, **options)


@caught_by("metadata that would come back different is refused")
class ForcesMetadataIntoText(MemoryStore):
    def append(self, stream, events=None, *, metadata=None, **options):
        plain = {str(key): json.loads(json.dumps(value, default=str)) for key, value in (metadata or {}).items()}
        return super().append(stream, events, metadata=plain, **options)


@caught_by("a recorded event says all about itself", "append returns what load and read return")
class GivesIdsOfItsOwn(Rewrites):
    def kept(self, row):
        return changed(row, id=str(uuid.uuid4()))


@caught_by("every event has an id of its own", "an id source that repeats itself is refused")
class TakesTheVersionForAnId(Rewrites):
    def kept(self, row):
        return changed(row, id=str(row.version))

    def _with_ids(self, ids):
        return []


KEPT: dict[str, tuple[object, object]] = {}


class Alias(Recorded, frozen=True):
    @property
    def payload(self):
        return KEPT[self.id][0]


class MetadataAlias(Recorded, frozen=True):
    @property
    def metadata(self):
        return KEPT[self.id][1]


@caught_by("changing an object after the append changes no fact")
class KeepsTheObject(MemoryStore):
    """Gives back the very object that it was given, not what was stored of it."""

    alias = Alias

    def __init__(self, **options):
        super().__init__(**options)
        self.given = {}

    def append(self, stream, events=None, *, metadata=None, **options):
        streams = as_streams(stream, events)
        recorded = super().append(*as_given(stream, streams), metadata=metadata, **options)
        for one, event in zip(recorded, [event for some in streams.values() for event in some], strict=True):
            self.given[one.id] = event, metadata
        return recorded

    def load(self, stream, **bounds):
        rows = super().load(stream, **bounds)
        return History(self.aliased(row) if self.wanted(row) else row for row in rows)

    def wanted(self, row):
        return isinstance(self.given.get(row.id, [None])[0], Packed)

    def aliased(self, row):
        KEPT[row.id] = self.given[row.id]
        return self.alias(*msgspec.structs.astuple(row))


@caught_by("changing an object after the append changes no fact")
class KeepsTheMetadataObject(KeepsTheObject):
    alias = MetadataAlias


class Remembered(Recorded, frozen=True):
    @property
    def payload(self):
        return DECODED.setdefault(id(self), (self, Recorded.payload.fget(self)))[1]


class MetadataRemembered(Recorded, frozen=True):
    @property
    def metadata(self):
        return DECODED.setdefault(id(self), (self, Recorded.metadata.fget(self)))[1]


DECODED: dict[int, tuple[Recorded, object]] = {}


@caught_by("changing what was loaded changes no fact")
class HandsOutWhatItKeeps(Rewrites):
    def kept(self, row):
        return Remembered(*msgspec.structs.astuple(row))


@caught_by("changing what was loaded changes no fact")
class HandsOutTheMetadataItKeeps(Rewrites):
    def kept(self, row):
        return MetadataRemembered(*msgspec.structs.astuple(row))


def storable(event):
    try:
        Draft(event, {})
    except EslabError:
        return False
    return True


@caught_by(
    "a payload that would come back different is refused",
    "what is no event is refused",
    "an event of more than sixteen mebibytes is refused",
    "a batch with one bad event stores nothing",
    "a bad event in one stream stores nothing in any",
)
class SkipsBadEvents(MemoryStore):
    def append(self, stream, events=None, **options):
        streams = {name: list(filter(storable, some)) for name, some in as_streams(stream, events).items()}
        return super().append(*as_given(stream, streams), **options)


@caught_by("every type of payload comes back exactly", "an event of more than sixteen mebibytes is refused")
class KeepsThreeBytesACharacter(Rewrites):
    """As MySQL's utf8 did."""

    def kept(self, row):
        return changed(row, payload_text=re.sub(r"[^\x00-\uffff]", "?", row.payload_text))


@caught_by("one event where a list belongs is refused")
class TakesOneEventForAList(MemoryStore):
    def append(self, stream, events=None, **options):
        if hasattr(type(events), "__event_name__"):
            events = [events]
        return super().append(stream, events, **options)


@caught_by("an unreadable event is loud on use and stops nobody else")
class StopsAtAnUnreadableEvent(MemoryStore):
    def _log(self, *asked):
        rows = super()._log(*asked)
        return [row for row in rows if row.payload is not None]


@caught_by("an unreadable event is loud on use and stops nobody else")
class HidesUnreadableEvents(MemoryStore):
    def load(self, stream, **bounds):
        return [row for row in super().load(stream, **bounds) if self.readable(row)]

    def readable(self, row):
        try:
            return row.payload is not None
        except UnreadablePayload:
            return False


@caught_by("a copy takes any metadata as it finds it")
class StumblesOverOddTags(Rewrites):
    def kept(self, row):
        sorted(row.metadata.get("tags", ()))
        return row
