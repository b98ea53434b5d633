"""A store keeps events in an append-only log, in order, and gives them back: append, load, read.

`Store` is the contract and holds what is the same everywhere: which appends are refused, which are repetitions, what
the envelope says. A concrete store adds the small methods of `eslab.rows`.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Self, overload

import uuid_utils

from eslab.chain import Head, Verified, begin, head_of, verified
from eslab.codec import stored_name, stored_time
from eslab.drafts import ANY, Batch, ExpectedVersion, batches, check_expected, check_range, check_same, repeated
from eslab.errors import EmitDuringApply, InvalidPosition, InvalidQuery, VersionGap
from eslab.events import PAGE, History, Recorded, names_of
from eslab.queries import AppendCondition, Query, check_condition
from eslab.rows import Rows
from eslab.subscriptions import Subscription

Clock = Callable[[], dt.datetime]
Ids = Callable[[], str]


handling: ContextVar[str] = ContextVar("handling", default="")
"""The projection that handles events at this moment, in this thread; nothing may be appended meanwhile."""


def utc_now() -> dt.datetime:
    """The time of this machine, in UTC: the clock of a store that is given no other."""
    return dt.datetime.now(dt.UTC)


def new_id() -> str:
    """A fresh event id: a UUID of version 7, which sorts by the time it was made."""
    return str(uuid_utils.uuid7())


class Store(Rows):
    """The contract of every store; see each verb. Usable from several threads."""

    def __init__(self, *, clock: Clock = utc_now, ids: Ids = new_id) -> None:
        self.clock = clock
        self.ids = ids

    # --- the verbs ---

    @overload
    def append(
        self, stream: str, events: Iterable[Any], *, expected_version: int | ExpectedVersion = ANY,
        metadata: Mapping[str, Any] | None = None, condition: AppendCondition | None = None,
    ) -> History: ...  # fmt: skip
    @overload
    def append(
        self, streams: Mapping[str, Iterable[Any]], /, *,
        expected_version: Mapping[str, int | ExpectedVersion] | ExpectedVersion = ANY,
        metadata: Mapping[str, Any] | None = None, condition: AppendCondition | None = None,
    ) -> History: ...  # fmt: skip
    def append(
        self, stream: Any, events: Iterable[Any] | None = None, *, expected_version: Any = ANY,
        metadata: Mapping[str, Any] | None = None, condition: AppendCondition | None = None,
    ) -> History:  # fmt: skip
        """Record events at the end of a stream: all or none, and durably once this returns.

        `events` are instances of event classes, or `NewEvent`s. `expected_version` is the version of the stream (how
        many events it holds, 0 = none) on which the writer decided, or ANY, NO_STREAM, STREAM_EXISTS. With a
        `condition`, no event that its query matches may have come since the writer looked.
        Several streams at once: `append({stream: events, ...}, expected_version={stream: version, ...})`.
        An append whose event ids are all in the store already, with the same content, returns what was recorded.
        `recorded_at` never goes back: if the clock does, the time of the last event in the log is used again.

        Raises WrongExpectedVersion, ConditionFailed, DuplicateEvent, InvalidPayload, InvalidName or InvalidTime; then
        nothing is stored.
        """
        given = batches(stream, events, expected_version, metadata or {})
        if not isinstance(condition, (AppendCondition, type(None))):
            raise InvalidQuery(f"condition is {condition!r}, expected AppendCondition(query, after=…)", found=condition)
        check_not_handling()
        with self._writing():
            if again := self._again(given):
                return again
            versions = [self._version(batch.stream) for batch in given]
            for batch, version in zip(given, versions, strict=True):
                check_expected(batch.stream, batch.expected, version)
            position, newest = self._end()
            if condition is not None:
                check_condition(condition, position, self._find(condition.query, condition.after, position, 1))
            now = max(stored_time(self.clock(), "the clock's time"), newest)
            positions = itertools.count(position + 1)
            rows = [
                Recorded(next(positions), batch.stream, version + n, d.type.name, d.type.version, d.id or self.ids(),
                         now, d.occurred_text or now, d.payload_text, d.metadata_text)
                for batch, version in zip(given, versions, strict=True) for n, d in enumerate(batch.drafts, 1)
            ]  # fmt: skip
            self._keep(rows)
        return History(rows)

    def load(
        self, stream: str, *, after: int = 0, until: int | None = None,
        recorded_until: dt.datetime | None = None, occurred_until: dt.datetime | None = None,
    ) -> History:  # fmt: skip
        """The events of one stream in order of version; none if there is no such stream.

        `after` is exclusive and `until` inclusive, both versions; the two times are inclusive. With
        `recorded_until` you see what was known then, with `occurred_until` what had happened by then.

        Raises VersionGap if an event of the stream is missing, InvalidPosition, InvalidTime or InvalidName.
        """
        check_range(after, until)
        recorded = stored_time(recorded_until, "recorded_until") if recorded_until is not None else None
        occurred = stored_time(occurred_until, "occurred_until") if occurred_until is not None else None
        rows = self._stream(stored_name(stream), after, until, recorded, occurred)
        if recorded is None and occurred is None:
            check_versions(rows, after)
        return History(rows)

    def read(
        self, *, after: int = 0, until: int | None = None, types: Iterable[type[Any] | str] | None = None,
        categories: Iterable[str] | None = None, query: Query | None = None, limit: int | None = None,
    ) -> Iterator[Recorded]:  # fmt: skip
        """The events of all streams in order of position, up to the end of the log at the time of the call.

        `after` is exclusive and `until` inclusive, both positions. `types` (classes or names) and `categories` narrow
        it, or a `query`, which asks for types and tags; `limit` counts what is left after that.
        Raises InvalidPosition or InvalidQuery.
        """
        check_range(after, until)
        if limit is not None and (type(limit) is not int or limit < 0):
            raise InvalidPosition(f"limit is {limit!r}, expected how many events to read, 0 or more", found=limit)
        rows, end = self._narrowed(types, categories, query), self.position
        return self._pages(rows, after, end if until is None else min(until, end), limit)

    def subscribe(
        self, *, after: int = 0, types: Iterable[type[Any] | str] | None = None,
        categories: Iterable[str] | None = None, query: Query | None = None, timeout: float | None = None,
    ) -> Subscription:  # fmt: skip
        """The events after a position (exclusive, 0 = from the first), and then each that comes, exactly once.

        Narrowed as `read` is. It waits for new events until it is stopped, or nothing came for `timeout` seconds.
        Raises InvalidPosition, also if `after` lies beyond the end of the log, or InvalidQuery.
        """
        check_range(after, None)
        if after > (end := self.position):
            raise InvalidPosition(
                f"after is {after}, but the log ends at {end}: this checkpoint belongs to another store, or the store "
                f"was restored from an older copy; begin again from 0", found=after, position=end,
            )  # fmt: skip
        rows = self._narrowed(types, categories, query)

        def look(after: int) -> tuple[list[Recorded], int]:
            end = self.position
            page = rows(after, end, PAGE) if after < end else []
            return page, page[-1].position if len(page) == PAGE else end

        return Subscription(look, self._wait, after, timeout)

    def copy(self, history: Iterable[Recorded]) -> History:
        """Record events that another store or a data set has recorded: all or none, with ids, versions and times kept.

        Only the positions are new. Events that are here already are passed over, so a copy can be repeated; returned
        are the events that were added. Raises VersionGap if a version is not the next one of its stream, or
        DuplicateEvent if an id is taken by another event; then nothing is stored.
        """
        check_not_handling()
        incoming = list(history)
        rows: list[Recorded] = []
        with self._writing():
            known = {recorded.id: recorded for recorded in self._with_ids([r.id for r in incoming])}
            versions: dict[str, int] = {}
            position, _ = self._end()
            for recorded in incoming:
                stream = stored_name(recorded.stream)
                if (there := known.get(recorded.id)) is not None:
                    check_same(there, recorded)
                    continue
                version = versions.get(stream) or self._version(stream)
                if recorded.version != version + 1:
                    raise VersionGap(
                        f"stream {stream!r} is at version {version}, so the next event is {version + 1}, not "
                        f"{recorded.version}: copy the events of a stream in order, and all of them",
                        stream=stream, expected=version + 1, actual=recorded.version,
                    )  # fmt: skip
                versions[stream] = recorded.version
                position += 1
                row = Recorded(position, *(getattr(recorded, field) for field in Recorded.__struct_fields__[1:]))
                known[row.id] = row
                rows.append(row)
            self._keep(rows)
        return History(rows)

    def version(self, stream: str) -> int:
        """How many events a stream holds; 0 if there is no such stream."""
        return self._version(stored_name(stream))

    @property
    def position(self) -> int:
        """The position of the last event in the log; 0 if there is none."""
        return self._end()[0]

    def wait(self, after: int, seconds: float) -> bool:
        """Wait until the log is longer than a position, for so many seconds at most; whether it may be."""
        return self._wait(after, seconds)

    # --- trust ---

    @property
    def chained(self) -> bool:
        """Whether a link is kept for each event: see `chain`."""
        return self._chain_end() is not None

    def chain(self) -> None:
        """Keep a link for each event from now on, and make those of the events that are there; twice is harmless."""
        with self._writing():
            if not self.chained:
                begin(self)

    def head(self, until: int | None = None) -> Head:
        """The digest of the log up to a position (inclusive; its end if not given), to be kept elsewhere as proof.

        On a log without a chain it is made from all events up to there. Raises InvalidPosition beyond the end.
        """
        check_range(0, until)
        return head_of(self, self.position if until is None else until)

    def verify(self, head: Head | str | None = None) -> Verified:
        """Look through the whole log: positions, versions, times, texts, and the links if it is chained.

        With a `head` that was exported earlier, prove that nothing up to there has been altered since.
        Raises BrokenLog with the first position at which something is wrong; InvalidPosition if `head` is none.
        """
        return verified(self, None if head is None else Head.parse(head))

    def close(self) -> None:
        """Give back what the store holds open; memory holds nothing."""
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.position:,} events>"

    # --- small steps ---

    def _again(self, given: list[Batch]) -> History | None:
        return repeated(given, self._with_ids)

    def _narrowed(
        self, types: Iterable[type[Any] | str] | None, categories: Iterable[str] | None, query: Query | None
    ) -> Callable[[int, int, int], list[Recorded]]:
        """How the rows that are asked for are found: after, until and limit are still to be given."""
        if isinstance(categories, str) or isinstance(types, (str, type)):
            raise InvalidPosition(
                "types and categories are lists: write types=[MoneyDeposited]", found=types or categories
            )
        if query is None:
            names, wanted = names_of(types), None if categories is None else list(categories)
            return lambda after, until, limit: self._log(after, until, names, wanted, limit)
        if not isinstance(query, Query) or types is not None or categories is not None:
            raise InvalidQuery(f"query is {query!r}, expected a Query, without types or categories", found=query)
        return functools.partial(self._find, query)


# --- refusals -----------------------------------------------------------------------------------------------------


def check_not_handling() -> None:
    """Raise EmitDuringApply while a projection handles an event."""
    if by := handling.get():
        raise EmitDuringApply(
            f"{by} appended while it handled an event, so every rebuild would append it again: a projection only "
            f"changes its view; let a reactor ask for what is to follow, and a command handler append it", found=by,
        )  # fmt: skip


def check_versions(rows: list[Recorded], after: int) -> None:
    """Raise VersionGap unless the rows of one stream are versions after + 1, after + 2 and so on."""
    if rows and rows[-1].version - after != len(rows):
        expected, found = next((n, row) for n, row in enumerate(rows, after + 1) if row.version != n)
        raise VersionGap(
            f"stream {found.stream!r} has version {found.version} where {expected} was expected: an event is "
            f"missing from the store, so what it says cannot be trusted; restore it from a copy",
            stream=found.stream, expected=expected, actual=found.version,
        )  # fmt: skip
