"""Stores whose chain has holes, and stores that verify without looking."""

import dataclasses
import hashlib
import os
import time

from eslab import MemoryStore
from eslab.chain import GENESIS, Head, Verified, link, links
from eslab.errors import EslabError, VersionGap
from eslab.events import PAGE, History

from .registry import caught_by, changed
from .subscriptions import Stale


@caught_by("a head stands for all that was recorded before it")
class GivesTheHeadOfToday(MemoryStore):
    def head(self, until=None):
        now = super().head()
        return super().head(until) if until is not None and until > now.position else now


class LinksOtherwise(MemoryStore):
    """A store that makes its links of something else than all that was recorded."""

    def seen(self, row):
        return row

    def _links_of(self, rows, before):
        return links(before, map(self.seen, rows))

    def _keep(self, rows):
        self._insert(rows)
        if rows and (before := self._chain_end()) is not None:
            self._add_links(rows[0].position, self._links_of(rows, before))

    def chain(self):
        with self._writing():
            if not self.chained:
                self._add_links(0, [GENESIS, *self._links_of(self._rows, GENESIS)])

    def head(self, until=None):
        if until is not None and until > self.position:
            return super().head(until)
        rows = self._rows[:until]
        return Head(len(rows), self._links_of(rows, GENESIS)[-1].hex() if rows else GENESIS.hex())


@caught_by("a head stands for all that was recorded before it")
class LinksThePayloadOnly(LinksOtherwise):
    def seen(self, row):
        return changed(row, metadata_text="{}", id="", occurred_text="")


@caught_by("a head stands for all that was recorded before it")
class LinksEachEventAlone(LinksOtherwise):
    def _links_of(self, rows, before):
        return [link(GENESIS, row) for row in rows]


@caught_by("a copy in the same order has the same head", "a head stands for all that was recorded before it")
class LinksWithASecret(LinksOtherwise):
    def __init__(self, **options):
        super().__init__(**options)
        self.secret = os.urandom(8).hex()

    def seen(self, row):
        return changed(row, type=row.type + self.secret)


@caught_by("a copy in the same order has the same head")
class LinksWithoutTheOrder(MemoryStore):
    """Adds the digests of the events up, in whatever order they came."""

    def head(self, until=None):
        right = super().head(until)
        rows = self._rows[: right.position]
        digests = sorted(link(GENESIS, row) for row in rows)
        return Head(right.position, hashlib.sha256(b"".join(digests)).hexdigest())


@caught_by("a head of before proves that nothing up to there was altered")
class AcceptsAnyHead(MemoryStore):
    def verify(self, head=None):
        if head is not None:
            Head.parse(head)
        return super().verify()


@caught_by("a head of before proves that nothing up to there was altered")
class ComparesOnlyTheNewestHead(MemoryStore):
    def verify(self, head=None):
        known = None if head is None else Head.parse(head)
        return super().verify(head if known and known.position == self.position else None)


@caught_by("a chain may begin at any time and twice")
class BeginsWithTheNextEvent(MemoryStore):
    def chain(self):
        if not self.chained:
            self._add_links(0, [GENESIS])


@caught_by("a chain may begin at any time and twice")
class BeginsOnlyOnce(MemoryStore):
    def chain(self):
        if self.chained:
            raise EslabError("there is a chain already")
        super().chain()


@caught_by("a long log is chained and verified whole")
class ChainsOnePage(MemoryStore):
    def chain(self):
        with self._writing():
            if not self.chained:
                self._add_links(0, [GENESIS, *links(GENESIS, self._rows[:PAGE])])


@caught_by("every append adds its links and a refused one none")
class ForgetsALinkOfABatch(MemoryStore):
    def _add_links(self, first, digests):
        super()._add_links(first, digests[:1] if first else digests)


@caught_by("every append adds its links and a refused one none")
class LinksNoCopies(MemoryStore):
    def copy(self, history):
        before = list(self._digests)
        copied = super().copy(history)
        self._digests = before
        return copied


@caught_by("every append adds its links and a refused one none")
class LinksWhatItRefuses(MemoryStore):
    def _add_links(self, first, digests):
        super()._add_links(max(first, len(self._digests)), digests)

    def append(self, stream, events=None, **options):
        try:
            return super().append(stream, events, **options)
        except EslabError:
            if self._digests:
                self._digests.append(self._digests[-1])
            raise


@caught_by("the chain goes on when the store is opened again", "a subscriber sees what another handle writes")
class ForgetsItsChain(Stale):
    def again(self):
        other = super().again()
        other._digests = []
        return other


@caught_by("many threads write one chain")
class LinksOutsideTheLock(MemoryStore):
    def _keep(self, rows):
        self._insert(rows)

    def append(self, stream, events=None, **options):
        before = self._chain_end()
        time.sleep(0.003)
        recorded = super().append(stream, events, **options)
        if recorded and before is not None:
            self._add_links(recorded[0].position, links(before, recorded))
        return recorded


@caught_by("verify says what it looked through")
class CountsCategoriesForStreams(MemoryStore):
    def verify(self, head=None):
        categories = {row.category for row in self._rows}
        return dataclasses.replace(super().verify(head), streams=len(categories) - 1)


@caught_by(
    "verify finds what is out of place or cannot be read",
    "verify finds a link that does not fit or is not there",
    "a head of before proves that nothing up to there was altered",
)
class NeverLooks(MemoryStore):
    def verify(self, head=None):
        if head is not None:
            Head.parse(head)
        return Verified(self.position, len(self._streams), self.chained, self.head())


@caught_by("verify finds what is out of place or cannot be read")
class LooksOnlyAtLinks(MemoryStore):
    def verify(self, head=None):
        if self.chained or head is not None:
            return super().verify(head)
        return Verified(self.position, len(self._streams), self.chained, self.head())


@caught_by("verify finds a link that does not fit or is not there")
class LooksOnlyAtEvents(MemoryStore):
    def verify(self, head=None):
        kept, self._digests = self._digests, []
        try:
            found = super().verify(head)
        finally:
            self._digests = kept
        return dataclasses.replace(found, chained=self.chained)


@caught_by("verify finds a link that does not fit or is not there")
class LooksOnlyAtTheNumberOfLinks(LooksOnlyAtEvents):
    def verify(self, head=None):
        found = super().verify(head)
        if self.chained and len(self._digests) != self.position + 1:
            return MemoryStore.verify(self, head)
        return found


@caught_by("a stream with a hole is loud when it is loaded")
class LoadsOverHoles(MemoryStore):
    def load(self, stream, *, after=0, **bounds):
        try:
            return super().load(stream, after=after, **bounds)
        except VersionGap:
            return History(self._streams[stream][after:])


@caught_by("verify finds what is out of place or cannot be read")
class NamesTheEndForEveryBreak(MemoryStore):
    def verify(self, head=None):
        try:
            return super().verify(head)
        except EslabError as error:
            error.position = self.position + 1
            raise
