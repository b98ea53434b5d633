"""Stores whose subscribers miss something, get something twice, wait too long or not at all."""

import threading
import time

from eslab import MemoryStore
from eslab.errors import EslabError, InvalidPosition, StoreUnavailable
from eslab.events import PAGE
from eslab.subscriptions import Subscription

from .registry import caught_by


class Follows(MemoryStore):
    """A store with a subscription of another `kind`, or one that looks at the log in another way."""

    kind = Subscription

    def looks(self, right):
        return right

    def subscribe(self, *, after=0, timeout=None, **asked):
        right = super().subscribe(after=after, timeout=timeout, **asked)
        made = self.kind(self.looks(right._look), self._wait, after, timeout)
        made.store, made.asked = self, asked
        return made


# --- what is there, and the seam to what comes ---


@caught_by("a subscriber gets what is there from any position on", "whoever goes on from a position gets the rest")
class BeginsOneTooLate(Follows):
    def looks(self, right):
        begun = []

        def look(after):
            rows, looked = right(after)
            skipped = 0 if begun else 1
            begun.extend(rows)
            return rows[skipped:], looked

        return look


@caught_by("a subscriber gets what it asked for")
class FiltersOnlyWhatComes(Follows):
    def subscribe(self, *, after=0, timeout=None, **asked):
        whole, right = (
            super().subscribe(after=after, timeout=timeout),
            super().subscribe(after=after, timeout=timeout, **asked),
        )
        end = self.position
        right._look, narrow = (lambda after: whole._look(after) if after < end else narrow(after)), right._look
        return right


@caught_by("a waiting subscriber gets only what it asked for", "the position passes over what the filter does")
class FiltersOnlyWhatIsThere(Follows):
    def subscribe(self, *, after=0, timeout=None, **asked):
        whole, right = (
            super().subscribe(after=after, timeout=timeout),
            super().subscribe(after=after, timeout=timeout, **asked),
        )
        end = self.position
        right._look, narrow = (lambda after: whole._look(after) if after >= end else narrow(after)), right._look
        return right


@caught_by("a long log is caught up whole")
class CatchesUpOnePage(Follows):
    def looks(self, right):
        return lambda after: (right(after)[0], max(self.position, after))


@caught_by("a long log is caught up whole")
class CatchesUpOnePageOfAFilter(Follows):
    """Looks through one page of the log, and then believes that it has seen what the filter finds."""

    def looks(self, right):
        def look(after):
            rows, looked = right(after)
            kept = [row for row in rows if row.position <= after + PAGE]
            return kept, looked

        return look


@caught_by("what cannot be asked for is refused at once")
class RefusesOnlyWhenRead(MemoryStore):
    def subscribe(self, **asked):
        try:
            return super().subscribe(**asked)
        except EslabError as refusal:
            later = super().subscribe()
            later._look = lambda after, refusal=refusal: (_ for _ in ()).throw(refusal)
            return later


@caught_by("what cannot be asked for is refused at once")
class WaitsBeyondTheEnd(MemoryStore):
    """A checkpoint of another store is taken, and what comes next is passed over."""

    def subscribe(self, *, after=0, **asked):
        try:
            return super().subscribe(after=after, **asked)
        except InvalidPosition:
            if type(after) is not int or after < 0:
                raise
            return super().subscribe(after=self.position, **asked)


@caught_by(
    "a waiting subscriber gets what comes and soon",
    "a subscriber beside many writers sees each event once and in order",
)
class SkipsAtTheSeam(Follows):
    """Goes on from where the log ends now, not from where it has looked."""

    def looks(self, right):
        def look(after):
            rows, looked = right(after)
            if not rows:
                time.sleep(0.1)
                looked = self.position
            return rows, looked

        return look


@caught_by("a waiting subscriber gets what comes and soon")
class RepeatsAtTheSeam(Follows):
    """Begins to follow one event too early."""

    def looks(self, right):
        seam = []

        def look(after):
            rows, looked = right(after)
            if not rows:
                seam.append(after)
            elif seam:
                rows, looked = right(max(seam[0] - 1, 0)) if seam[0] == after else (rows, looked)
            return rows, looked

        return look


@caught_by("a waiting subscriber gets what comes and soon", "a subscriber sees what another handle writes")
class LosesTheWakeUp(MemoryStore):
    """Waits for the next call, and not for the log to be longer: a call that came just before is not heard."""

    def _wait(self, after, seconds):
        time.sleep(0.2)
        with self._grown:
            return self._grown.wait(30)


@caught_by("a waiting subscriber gets what comes and soon")
class WakesNobody(MemoryStore):
    def _wait(self, after, seconds):
        time.sleep(10)
        return self.position > after


class Stale(MemoryStore):
    """A handle that shows what was there when it was opened."""

    def again(self):
        other = type(self)()
        other._keep(list(self._rows))
        other._digests = list(self._digests)
        return other


@caught_by("a subscriber sees what another handle writes")
class SeesOnlyItsOwnWrites(Stale):
    pass


# --- how far it has come ---


class AheadOfItself(Subscription):
    @property
    def position(self):
        return self._looked

    @position.setter
    def position(self, value):
        pass


@caught_by("whoever goes on from a position gets the rest")
class KeepsTheCheckpointBeforeTheData(Follows):
    kind = AheadOfItself


class OnlyWhatItGave(Subscription):
    given = None

    def __next__(self):
        recorded = super().__next__()
        self.given = recorded.position
        return recorded

    @property
    def position(self):
        return self.after if self.given is None else self.given

    @position.setter
    def position(self, value):
        self.after = getattr(self, "after", value)


@caught_by("the position passes over what the filter does", "a long log is caught up whole")
class LosesThePositionOfWhatIsPassedOver(Follows):
    kind = OnlyWhatItGave


# --- several of them ---


@caught_by("every subscriber sees all and sharers of one share it")
class HasOneCursorForAll(MemoryStore):
    def subscribe(self, **asked):
        self.cursor = getattr(self, "cursor", None) or super().subscribe(**asked)
        return self.cursor


class Unshared(Subscription):
    def __iter__(self):
        own = Subscription(self._look, self._wait, self._looked, self.timeout)
        own._stopped = self._stopped
        return own


@caught_by("every subscriber sees all and sharers of one share it")
class GivesSharersEverything(Follows):
    kind = Unshared


class Cursor(Subscription):
    def __next__(self):
        recorded = super().__next__()
        self.store.busy.add(threading.get_ident())
        return recorded


@caught_by("a subscriber may write while it listens")
class IsBusyWhileSomebodyListens(Follows):
    """As a connection that cannot write while a cursor is open."""

    kind = Cursor

    def __init__(self, **options):
        super().__init__(**options)
        self.busy = set()

    def append(self, stream, events=None, **options):
        if threading.get_ident() in self.busy:
            raise StoreUnavailable("the connection is busy: a cursor is open")
        return super().append(stream, events, **options)


# --- how it ends ---


class Endless(Subscription):
    def _longer(self, until):
        while not self._wait(self._looked, 0.1):
            pass
        return True


@caught_by(
    "a subscription ends when nothing new came for so long", "stop ends a waiting subscription from another thread"
)
class WaitsForEver(Follows):
    kind = Endless


class Deaf(Subscription):
    def _longer(self, until):
        while until is None or time.monotonic() < until:
            if self._wait(self._looked, 0.02):
                return True
        return False


@caught_by("stop ends a waiting subscription from another thread")
class StopsWithTheNextEvent(Follows):
    kind = Deaf


class Impatient(Subscription):
    def _longer(self, until):
        return False


@caught_by(
    "a subscription ends when nothing new came for so long",
    "a waiting subscriber gets what comes and soon",
    "a waiting subscriber gets only what it asked for",
)
class EndsWhenItHasCaughtUp(Follows):
    kind = Impatient


class Once(Subscription):
    def __next__(self):
        try:
            return super().__next__()
        except StopIteration:
            self.stop()
            raise


@caught_by("a subscription ends when nothing new came for so long")
class EndsForGood(Follows):
    kind = Once


class Generous(Subscription):
    def __next__(self):
        if self.stopped and self._page:
            return self._page.popleft()
        return super().__next__()


@caught_by("a stopped subscription gives nothing more")
class GivesTheRestOfItsPage(Follows):
    kind = Generous


class Leaves(Subscription):
    def __exit__(self, *_):
        return


@caught_by("a stopped subscription gives nothing more")
class GoesOnAfterWith(Follows):
    kind = Leaves
