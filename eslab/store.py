"""A store keeps events in an append-only log, in order, and gives them back: append, load, read.

`Store` is the contract and holds what is the same everywhere: which appends are refused, which are repetitions, what
the envelope says. A concrete store adds seven small methods that put rows somewhere and find them again.
"""

from __future__ import annotations

import abc
import datetime as dt
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Self

import uuid_utils

from eslab.codec import stored_name, stored_time
from eslab.drafts import ANY, Draft, ExpectedVersion, check_expected, check_range, listed
from eslab.errors import DuplicateEvent, InvalidPosition, VersionGap
from eslab.events import History, Recorded, names_of

Clock = Callable[[], dt.datetime]
Ids = Callable[[], str]
PAGE = 2_000
"""How many events `read` takes from the log at a time."""


def utc_now() -> dt.datetime:
    """The time of this machine, in UTC: the clock of a store that is given no other."""
    return dt.datetime.now(dt.UTC)


def new_id() -> str:
    """A fresh event id: a UUID of version 7, which sorts by the time it was made."""
    return str(uuid_utils.uuid7())


class Store(abc.ABC):
    """The contract of every store; see each verb. Usable from several threads."""

    def __init__(self, *, clock: Clock = utc_now, ids: Ids = new_id) -> None:
        self.clock = clock
        self.ids = ids

    # --- the verbs ---

    def append(
        self, stream: str, events: Iterable[Any], *,
        expected_version: int | ExpectedVersion = ANY, metadata: Mapping[str, Any] | None = None,
    ) -> History:  # fmt: skip
        """Record events at the end of a stream: all or none, and durably once this returns.

        `events` are instances of event classes, or `NewEvent`s. `expected_version` is the version of the stream (how
        many events it holds, 0 = none) on which the writer decided, or ANY, NO_STREAM, STREAM_EXISTS.
        An append whose event ids are all in the stream already, with the same content, returns what was recorded.
        `recorded_at` never goes back: if the clock does, the time of the last event in the log is used again.

        Raises WrongExpectedVersion, DuplicateEvent, InvalidPayload, InvalidName or InvalidTime; then nothing is stored.
        """
        drafts = [Draft(event, metadata or {}) for event in listed(events)]
        stored_name(stream)
        with self._writing():
            if again := self._repeated(stream, drafts):
                return again
            version = self._version(stream)
            check_expected(stream, expected_version, version)
            position, newest = self._end()
            now = max(stored_time(self.clock(), "the clock's time"), newest)
            rows = [
                Recorded(position + n, stream, version + n, d.type.name, d.type.version, d.id or self.ids(),
                         now, d.occurred_text or now, d.payload_text, d.metadata_text)
                for n, d in enumerate(drafts, 1)
            ]  # fmt: skip
            self._insert(rows)
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
        categories: Iterable[str] | None = None, limit: int | None = None,
    ) -> Iterator[Recorded]:  # fmt: skip
        """The events of all streams in order of position, up to the end of the log at the time of the call.

        `after` is exclusive and `until` inclusive, both positions. `types` (classes or names), `categories` and
        `limit` narrow it; the limit counts what is left after the filters. Raises InvalidPosition.
        """
        check_range(after, until)
        if limit is not None and (type(limit) is not int or limit < 0):
            raise InvalidPosition(f"limit is {limit!r}, expected how many events to read, 0 or more", found=limit)
        if isinstance(categories, str) or isinstance(types, (str, type)):
            raise InvalidPosition(
                "types and categories are lists: write types=[MoneyDeposited]", found=types or categories
            )
        end = self.position
        names, wanted = names_of(types), None if categories is None else list(categories)
        return self._pages(after, end if until is None else min(until, end), names, wanted, limit)

    def copy(self, history: Iterable[Recorded]) -> History:
        """Record events that another store or a data set has recorded: all or none, with ids, versions and times kept.

        Only the positions are new. Events that are here already are passed over, so a copy can be repeated; returned
        are the events that were added. Raises VersionGap if a version is not the next one of its stream, or
        DuplicateEvent if an id is taken by another event; then nothing is stored.
        """
        incoming = list(history)
        rows: list[Recorded] = []
        with self._writing():
            known = {recorded.id: recorded for recorded in self._with_ids([r.id for r in incoming])}
            versions: dict[str, int] = {}
            position, _ = self._end()
            for recorded in incoming:
                stream = stored_name(recorded.stream)
                if (there := known.get(recorded.id)) is not None:
                    if _content(there) != _content(recorded):
                        raise _id_taken(there)
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
            self._insert(rows)
        return History(rows)

    def version(self, stream: str) -> int:
        """How many events a stream holds; 0 if there is no such stream."""
        return self._version(stored_name(stream))

    @property
    def position(self) -> int:
        """The position of the last event in the log; 0 if there is none."""
        return self._end()[0]

    def close(self) -> None:
        """Give back what the store holds open; memory holds nothing."""
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.position:,} events>"

    # --- what a concrete store adds ---

    @abc.abstractmethod
    def _writing(self) -> AbstractContextManager[object]:
        """One writer at a time: what is inserted inside is kept, or dropped if this ends with an error."""

    @abc.abstractmethod
    def _insert(self, rows: list[Recorded]) -> None:
        """Put rows at the end of the log."""

    @abc.abstractmethod
    def _end(self) -> tuple[int, str]:
        """The position and the recorded_text of the last event; 0 and '' if there is none."""

    @abc.abstractmethod
    def _version(self, stream: str) -> int:
        """The last version of a stream, 0 if none."""

    @abc.abstractmethod
    def _with_ids(self, ids: list[str]) -> list[Recorded]:
        """The events that have one of these ids, in order of position."""

    @abc.abstractmethod
    def _stream(
        self,
        stream: str,
        after: int,
        until: int | None,
        recorded_until: str | None,
        occurred_until: str | None,
    ) -> list[Recorded]:
        """The rows of a stream in order of version, at a cost that depends on that stream alone."""

    @abc.abstractmethod
    def _log(
        self, after: int, until: int, types: list[str] | None, categories: list[str] | None, limit: int
    ) -> list[Recorded]:
        """The first `limit` rows that pass the filters, in order of position."""

    # --- and what it need not know ---

    def _pages(
        self, after: int, until: int, types: list[str] | None, categories: list[str] | None, limit: int | None
    ) -> Iterator[Recorded]:
        while (size := PAGE if limit is None else min(PAGE, limit)) and after < until:
            page = self._log(after, until, types, categories, size)
            yield from page
            if len(page) < size:
                return
            after = page[-1].position
            limit = None if limit is None else limit - size

    def _repeated(self, stream: str, drafts: list[Draft]) -> History | None:
        """What was recorded, if this append was made before; None if it is new."""
        ids = [draft.id for draft in drafts if draft.id is not None]
        if len(set(ids)) < len(ids):
            raise DuplicateEvent(
                f"an event id comes twice in one append to {stream!r}: give each its own", stream=stream
            )
        there = self._with_ids(ids) if ids else []
        if not there:
            return None
        wanted = [(d.id, stream, d.type.name, d.payload) for d in drafts]
        if [(r.id, r.stream, r.type, r.payload) for r in there] != wanted:
            raise _id_taken(there[0])
        return History(there)


class MemoryStore(Store):
    """A store in memory: the same contract and the same codec, gone when the program ends."""

    def __init__(self, *, clock: Clock = utc_now, ids: Ids = new_id) -> None:
        super().__init__(clock=clock, ids=ids)
        self._lock = threading.RLock()
        self._rows: list[Recorded] = []
        self._streams: dict[str, list[Recorded]] = {}
        self._ids: dict[str, Recorded] = {}

    def _writing(self) -> AbstractContextManager[object]:
        return self._lock

    def _insert(self, rows: list[Recorded]) -> None:
        if len(self._with_ids([row.id for row in rows])) or len({row.id for row in rows}) < len(rows):
            raise DuplicateEvent("the id source gave an id that is taken: give the store one that never repeats")
        for row in rows:
            self._streams.setdefault(row.stream, []).append(row)
            self._ids[row.id] = row
        self._rows.extend(rows)

    def _end(self) -> tuple[int, str]:
        with self._lock:
            return (len(self._rows), self._rows[-1].recorded_text) if self._rows else (0, "")

    def _version(self, stream: str) -> int:
        with self._lock:
            return len(self._streams.get(stream, ()))

    def _with_ids(self, ids: list[str]) -> list[Recorded]:
        with self._lock:
            return sorted((self._ids[id] for id in set(ids) if id in self._ids), key=lambda row: row.position)

    def _stream(
        self,
        stream: str,
        after: int,
        until: int | None,
        recorded_until: str | None,
        occurred_until: str | None,
    ) -> list[Recorded]:
        with self._lock:
            rows = self._streams.get(stream, [])[after:until]
        return [
            row for row in rows
            if (recorded_until is None or row.recorded_text <= recorded_until)
            and (occurred_until is None or row.occurred_text <= occurred_until)
        ]  # fmt: skip

    def _log(
        self, after: int, until: int, types: list[str] | None, categories: list[str] | None, limit: int
    ) -> list[Recorded]:
        page: list[Recorded] = []
        for index in range(after, until):
            if len(page) == limit:
                break
            row = self._rows[index]
            if (types is None or row.type in types) and (categories is None or row.category in categories):
                page.append(row)
        return page


# --- refusals -----------------------------------------------------------------------------------------------------


def check_versions(rows: list[Recorded], after: int) -> None:
    """Raise VersionGap unless the rows of one stream are versions after + 1, after + 2 and so on."""
    if rows and rows[-1].version - after != len(rows):
        expected, found = next((n, row) for n, row in enumerate(rows, after + 1) if row.version != n)
        raise VersionGap(
            f"stream {found.stream!r} has version {found.version} where {expected} was expected: an event is "
            f"missing from the store, so what it says cannot be trusted; restore it from a copy",
            stream=found.stream, expected=expected, actual=found.version,
        )  # fmt: skip


def _id_taken(there: Recorded) -> DuplicateEvent:
    return DuplicateEvent(
        f"event id {there.id!r} is taken by version {there.version} of stream {there.stream!r}, and this is not the "
        f"same append: an id may come again only with the same events, in the same stream and order",
        id=there.id, stream=there.stream, version=there.version,
    )  # fmt: skip


def _content(recorded: Recorded) -> tuple[object, ...]:
    return (recorded.stream, recorded.version, recorded.type, recorded.schema_version, recorded.data,
            recorded.recorded_text, recorded.occurred_text, recorded.metadata)  # fmt: skip
