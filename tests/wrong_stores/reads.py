"""Stores that read wrongly, copy wrongly, or lose their heads when several threads come."""

import threading
import time
import unicodedata

from eslab import MemoryStore, NewEvent
from eslab.errors import EslabError
from eslab.events import PAGE, History, Recorded

from .registry import Rewrites, caught_by, changed

# --- times and ranges ---


@caught_by("times of a load are inclusive")
class TakesTimesAsExclusive(MemoryStore):
    def _stream(self, stream, after, until, recorded_until, occurred_until):
        rows = super()._stream(stream, after, until, recorded_until, occurred_until)
        return [r for r in rows if r.recorded_text != recorded_until and r.occurred_text != occurred_until]


@caught_by("times of a load are inclusive")
class ConfusesTheTwoClocks(MemoryStore):
    def _stream(self, stream, after, until, recorded_until, occurred_until):
        return super()._stream(stream, after, until, occurred_until, recorded_until)


@caught_by("recorded time never goes back")
class LetsTheClockGoBack(MemoryStore):
    def _end(self):
        return super()._end()[0], ""


@caught_by("load takes after as exclusive and until as inclusive")
class LoadsWhatIsBefore(MemoryStore):
    def _stream(self, stream, after, until, *times):
        return super()._stream(stream, max(after - 1, 0), until, *times)


@caught_by("load takes after as exclusive and until as inclusive")
class LoadsNotTheLast(MemoryStore):
    def _stream(self, stream, after, until, *times):
        return super()._stream(stream, after, None if until is None else max(until - 1, 0), *times)


@caught_by(
    "read takes after as exclusive and until as inclusive", "a subscriber gets what is there from any position on"
)
class ReadsAfterAsInclusive(MemoryStore):
    def _log(self, after, until, types, categories, limit):
        return super()._log(max(after - 1, 0), until, types, categories, limit)


@caught_by("a range that is no range is refused")
class CountsFromTheEndLikeAList(MemoryStore):
    def load(self, stream, *, after=0, **bounds):
        if type(after) is int and after < 0:
            after = max(self.version(stream) + after, 0)
        return super().load(stream, after=after, **bounds)


# --- order, filters, limits, pages ---


@caught_by("read gives all streams in the order they were recorded")
class OrdersPositionsAsText(MemoryStore):
    """The first nine are in order."""

    def _log(self, *asked):
        return sorted(super()._log(*asked), key=lambda row: str(row.position))


@caught_by("read gives all streams in the order they were recorded")
class OrdersOnlyTheFirstThree(MemoryStore):
    def _log(self, *asked):
        rows = super()._log(*asked)
        return [*rows[:3], *reversed(rows[3:])]


@caught_by("times of a load are inclusive")
class LoadsInTheOrderThatItOccurred(MemoryStore):
    def load(self, stream, **bounds):
        return History(sorted(super().load(stream, **bounds), key=lambda row: (row.occurred_text, -row.version)))


@caught_by("read narrows to types and categories")
class ReadsEitherTypeOrCategory(MemoryStore):
    def _log(self, after, until, types, categories, limit):
        if types is None or categories is None:
            return super()._log(after, until, types, categories, limit)
        rows = super()._log(after, until, None, None, limit)
        return [row for row in rows if row.type in types or row.category in categories]


@caught_by("read narrows to types and categories")
class TakesNoTypesForAll(MemoryStore):
    def _log(self, after, until, types, categories, limit):
        return super()._log(after, until, types or None, categories, limit)


@caught_by("read narrows to types and categories", "a category ends at the first dash")
class TakesAPrefixForACategory(MemoryStore):
    def _log(self, after, until, types, categories, limit):
        rows = super()._log(after, until, types, None, limit)
        return [row for row in rows if categories is None or row.stream.startswith(tuple(categories))]


@caught_by("a category ends at the first dash")
class EndsACategoryAtTheLastDash(MemoryStore):
    def _log(self, after, until, types, categories, limit):
        rows = super()._log(after, until, types, None, limit)
        return [row for row in rows if categories is None or row.stream.rpartition("-")[0] in categories]


@caught_by("the limit counts what is left after the filters")
class LimitsBeforeItFilters(MemoryStore):
    def _log(self, after, until, types, categories, limit):
        page = super()._log(after, until, None, None, limit)
        wanted = [row for row in page if types is None or row.type in types]
        return [row for row in wanted if categories is None or row.category in categories]


@caught_by("a long log is read whole", "a query over a long log finds everything")
class ReadsOnePage(MemoryStore):
    def _pages(self, rows, after, until, limit):
        yield from rows(after, until, PAGE if limit is None else min(limit, PAGE))


@caught_by("a long log is read whole")
class ForgetsTheLimitAfterAPage(MemoryStore):
    def _pages(self, rows, after, until, limit):
        while after < until and (page := rows(after, until, PAGE if limit is None else min(limit, PAGE))):
            yield from page
            after = page[-1].position
            if limit is not None and limit <= PAGE:
                return


@caught_by("read ends where the log ended when it was asked", "writing while reading is allowed")
class ReadsOnWhileOthersWrite(MemoryStore):
    def _pages(self, rows, after, until, limit):
        while page := rows(after, self.position, 1 if limit is None else min(limit, 1)):
            yield from page
            after, limit = page[0].position, None if limit is None else limit - 1


@caught_by("writing while reading is allowed")
class ReadsFromWhatIsBeingWritten(MemoryStore):
    """Python refuses to go on: the dictionary has changed its size."""

    def read(self, *, limit=None, **asked):
        if asked or limit is not None:
            return super().read(limit=limit, **asked)
        return (row for row in self._ids.values())


# --- names ---


@caught_by("a name without text in it is refused")
class StripsNames(MemoryStore):
    def append(self, stream, events=None, **options):
        return super().append(stream.strip() if isinstance(stream, str) else stream, events, **options)


class Renames(MemoryStore):
    def renamed(self, name):
        return name

    def append(self, stream, events=None, **options):
        name = self.renamed(stream) if isinstance(stream, str) else stream
        return super().append(name, events, **options)

    def load(self, stream, **bounds):
        return super().load(self.renamed(stream) if isinstance(stream, str) else stream, **bounds)


@caught_by("any other name is just a name")
class IgnoresTheCaseOfNames(Renames):
    def renamed(self, name):
        return name.lower()


@caught_by("any other name is just a name")
class NormalisesNames(Renames):
    def renamed(self, name):
        return unicodedata.normalize("NFC", name)


@caught_by("any other name is just a name")
class TakesNamesForPatterns(Renames):
    """As SQL's LIKE does with % and _."""

    def load(self, stream, **bounds):
        if isinstance(stream, str) and "%" in stream:
            return super().load(next(iter(self._streams), stream), **bounds)
        return super().load(stream, **bounds)


# --- copies ---


@caught_by("a copy keeps all but the positions")
class CopiesByAppending(MemoryStore):
    def copy(self, history):
        return History(
            row
            for recorded in history
            for row in self.append(recorded.stream, [NewEvent(recorded.payload, id=recorded.id)])
        )


@caught_by("a copy keeps all but the positions")
class CopiesPositions(Rewrites):
    def copy(self, history):
        rows = list(history)
        self.from_elsewhere = {row.id: row.position for row in rows}
        return super().copy(rows)

    def kept(self, row):
        return changed(row, position=getattr(self, "from_elsewhere", {}).get(row.id, row.position))


@caught_by("a copy of another store holds the same events", "a copy keeps all but the positions")
class CopiesStreamByStream(MemoryStore):
    def copy(self, history):
        return super().copy(sorted(history, key=lambda row: row.stream))


@caught_by("a copy with a gap is refused and stores nothing")
class TrustsACopy(MemoryStore):
    def copy(self, history):
        known = {row.id for row in self._rows}
        rows = [row for row in history if row.id not in known]
        with self._writing():
            self._keep([Recorded(self.position + n, *self._rest(row)) for n, row in enumerate(rows, 1)])
        return History(rows)

    def _rest(self, row):
        return [getattr(row, name) for name in row.__struct_fields__[1:]]


@caught_by(
    "a copy with a gap is refused and stores nothing",
    "a copy with an id for something else is refused and stores nothing",
)
class CopiesOneByOne(MemoryStore):
    def copy(self, history):
        return History(row for recorded in list(history) for row in MemoryStore.copy(self, [recorded]))


@caught_by("a copy with an id for something else is refused and stores nothing")
class PassesOverEveryKnownId(MemoryStore):
    def copy(self, history):
        known = {row.id for row in self._rows}
        new = []
        for recorded in history:
            if recorded.id not in known:
                known.add(recorded.id)
                new.append(recorded)
        return super().copy(new)


@caught_by("a copy can be repeated and continued")
class CopiesOnlyIntoAnEmptyStore(MemoryStore):
    def copy(self, history):
        if self.position and self.position != 1:
            raise EslabError("there are events already")
        return super().copy(history)


# --- threads ---


@caught_by(
    "many threads write one stream and lose nothing",
    "many threads write many streams and leave no gap",
    "money moved by many threads is neither lost nor made",
)
class ChecksAndThenWrites(MemoryStore):
    """Two writers may both find the version that they expected, and both write."""

    def _writing(self):
        return threading.Lock()

    def _insert(self, rows):
        time.sleep(0.003)
        with self._grown:
            super()._insert(rows)


@caught_by(
    "readers never see half a batch",
    "readers never see half of several streams",
    "a subscriber sees no event before its batch is whole",
)
class InsertsOneByOne(MemoryStore):
    """And lets others look in between."""

    def _insert(self, rows):
        for row in rows:
            super()._insert([row])
            self._grown.wait(0.001)


@caught_by(
    "a reader that goes on where it was misses nothing",
    "a subscriber beside many writers sees each event once and in order",
)
class CommitsInAnotherOrder(MemoryStore):
    """Positions are given early, as by a sequence; every third append is seen only later, after others."""

    def __init__(self, **options):
        super().__init__(**options)
        self.unseen, self.appends = set(), 0

    def append(self, stream, events=None, **options):
        with self._writing():
            recorded = super().append(stream, events, **options)
            self.appends += 1
            late = {row.position for row in recorded} if self.appends % 3 == 0 else set()
            self.unseen |= late
        if late:
            time.sleep(0.03)
            with self._writing():
                self.unseen -= late
                self._grown.notify_all()
        return recorded

    def _log(self, after, until, types, categories, limit):
        return [row for row in super()._log(after, until, types, categories, limit) if row.position not in self.unseen]
