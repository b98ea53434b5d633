"""Stores that append when they should refuse, refuse when they should append, or store half."""

from collections import deque
from collections.abc import Iterator, Mapping

from eslab import MemoryStore, NewEvent
from eslab.contract.materials import Deposited
from eslab.drafts import ANY, NO_STREAM, check_expected
from eslab.errors import WrongExpectedVersion
from eslab.events import History
from eslab.store import new_id, utc_now

from .registry import Rewrites, as_given, as_streams, caught_by, changed, for_each


@caught_by("versions and positions count from one without gaps")
class LeavesGapsInPositions(Rewrites):
    def kept(self, row):
        return changed(row, position=row.position * 2)


@caught_by("versions and positions count from one without gaps")
class CountsVersionsFromZero(Rewrites):
    def kept(self, row):
        return changed(row, version=row.version - 1)


@caught_by("an empty store has nothing and says so")
class BeginsWithAnEventOfItsOwn(MemoryStore):
    def __init__(self, **options):
        super().__init__(**options)
        self.append("store-1", [Deposited(0)])


@caught_by("an append of no events records nothing")
class ChecksNothingWhereNothingIsAppended(MemoryStore):
    def append(self, stream, events=None, **options):
        return super().append(stream, events, **options) if events != [] else History([])


@caught_by("a generator of events is taken once")
class WalksTheEventsTwice(MemoryStore):
    def append(self, stream, events=None, **options):
        if isinstance(events, Iterator):
            deque(events)  # to look whether all are events
        return super().append(stream, events, **options)


@caught_by("a batch with one bad event stores nothing", "a batch that breaks while it is read stores nothing")
class StoresHalfABatch(MemoryStore):
    def append(self, stream, events=None, **options):
        if isinstance(stream, Mapping) or events == [] or not isinstance(events, (list, Iterator)):
            return super().append(stream, events, **options)
        done = []
        for event in events:
            done += super().append(stream, [event], **options)
            options.pop("expected_version", None)
            options.pop("condition", None)
        return History(done)


@caught_by("the version that the writer decided on is accepted")
class ExpectsTheNextVersion(MemoryStore):
    def append(self, stream, events=None, *, expected_version=ANY, **options):
        next_one = expected_version - 1 if type(expected_version) is int else expected_version
        return super().append(stream, events, expected_version=next_one, **options)


@caught_by("a stale or future version is refused and the error has the facts")
class AcceptsAVersionFromTheFuture(MemoryStore):
    def append(self, stream, events=None, *, expected_version=ANY, **options):
        if type(expected_version) is int:
            expected_version = min(expected_version, self.version(stream))
        return super().append(stream, events, expected_version=expected_version, **options)


@caught_by("a stale or future version is refused and the error has the facts")
class ChecksTooLate(MemoryStore):
    def append(self, stream, events=None, *, expected_version=ANY, **options):
        if isinstance(stream, Mapping):
            return super().append(stream, events, expected_version=expected_version, **options)
        before, last = self.version(stream), self.position
        recorded = super().append(stream, events, **options)
        if not recorded or recorded[0].position > last:
            check_expected(stream, expected_version, before)
        return recorded


@caught_by("a stale or future version is refused and the error has the facts")
class RefusesWithoutTheFacts(MemoryStore):
    def append(self, stream, events=None, **options):
        try:
            return super().append(stream, events, **options)
        except WrongExpectedVersion:
            raise WrongExpectedVersion("conflict") from None


@caught_by("any no stream and stream exists mean what they say")
class TakesNoStreamForAny(MemoryStore):
    def append(self, stream, events=None, *, expected_version=ANY, **options):
        expected = ANY if expected_version is NO_STREAM else expected_version
        return super().append(stream, events, expected_version=expected, **options)


@caught_by("what is no version is refused")
class GuessesTheVersionThatIsMeant(MemoryStore):
    def append(self, stream, events=None, *, expected_version=ANY, **options):
        if isinstance(expected_version, (str, float)):
            expected_version = int(expected_version)
        return super().append(stream, events, expected_version=expected_version, **options)


@caught_by(
    "the same append again returns what was recorded",
    "an id for something else is refused",
    "a copy can be repeated and continued",
    "a copy with an id for something else is refused and stores nothing",
    "the same append to several streams again returns what was recorded",
    "the same append again is no breach of its own condition",
)
class ForgetsIds(MemoryStore):
    def _with_ids(self, ids):
        return []


def ids_of(stream, events):
    new = [event for some in as_streams(stream, events).values() for event in some]
    return [event.id for event in new if isinstance(event, NewEvent) and event.id]


@caught_by("an id for something else is refused", "ids that come again elsewhere are refused")
class TakesRepeatsWithoutComparing(MemoryStore):
    def append(self, stream, events=None, **options):
        if there := self._with_ids(ids_of(stream, events)):
            return History(there)
        return super().append(stream, events, **options)


@caught_by("an id for something else is refused", "ids that come again elsewhere are refused")
class ComparesTheFirstIdOnly(MemoryStore):
    def append(self, stream, events=None, **options):
        streams = as_streams(stream, events)
        ids, name = ids_of(stream, events), next(iter(streams), None)
        there = self._with_ids(ids)
        if (
            ids
            and there
            and (there[0].id, there[0].stream) == (ids[0], name)
            and there[0].payload == streams[name][0].payload
        ):
            return History(there)
        return super().append(*as_given(stream, streams), **options)


@caught_by("an id that the store itself gave is known too")
class ForgetsTheIdsItGave(MemoryStore):
    def __init__(self, *, clock=utc_now, ids=new_id):
        self.own = set()
        super().__init__(clock=clock, ids=lambda: [one := ids(), self.own.add(one)][0])

    def _with_ids(self, ids):
        return super()._with_ids([one for one in ids if one not in self.own])


@caught_by("an id that cannot be stored is refused")
class DropsBadIds(MemoryStore):
    def append(self, stream, events=None, **options):
        return super().append(*for_each(self.without, stream, events), **options)

    def without(self, event):
        id = event.id if isinstance(event, NewEvent) else None
        good = id is None or (isinstance(id, str) and 0 < len(id) < 256 and id.isprintable())
        return event if good else NewEvent(event.payload)
