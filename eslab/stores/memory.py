"""A store in memory: the contract with lists and dicts, to be read before those on databases."""

from __future__ import annotations

import bisect
import heapq
import itertools
import operator
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager

from eslab.errors import DuplicateEvent
from eslab.events import Recorded
from eslab.queries import Query, QueryItem
from eslab.store import Clock, Ids, Store, new_id, utc_now

_position = operator.attrgetter("position")


class MemoryStore(Store):
    """The store in memory: the same contract and the same codec, gone when the program ends."""

    def __init__(self, *, clock: Clock = utc_now, ids: Ids = new_id) -> None:
        super().__init__(clock=clock, ids=ids)
        self._grown = threading.Condition(threading.RLock())
        self._rows: list[Recorded] = []
        self._streams: dict[str, list[Recorded]] = {}
        self._ids: dict[str, Recorded] = {}
        self._found: dict[str, list[Recorded]] = {}
        self._digests: list[bytes] = []

    def _writing(self) -> AbstractContextManager[object]:
        return self._grown

    def _insert(self, rows: list[Recorded]) -> None:
        if len(self._with_ids([row.id for row in rows])) or len({row.id for row in rows}) < len(rows):
            raise DuplicateEvent("the id source gave an id that is taken: give the store one that never repeats")
        for row in rows:
            self._streams.setdefault(row.stream, []).append(row)
            self._ids[row.id] = row
            for place in (f"type {row.type}", *(f"tag {tag}" for tag in row.tags)):
                self._found.setdefault(place, []).append(row)
        self._rows.extend(rows)
        self._grown.notify_all()

    def _end(self) -> tuple[int, str]:
        with self._grown:
            return (len(self._rows), self._rows[-1].recorded_text) if self._rows else (0, "")

    def _version(self, stream: str) -> int:
        with self._grown:
            return len(self._streams.get(stream, ()))

    def _with_ids(self, ids: list[str]) -> list[Recorded]:
        with self._grown:
            return sorted((self._ids[id] for id in set(ids) if id in self._ids), key=_position)

    def _stream(
        self,
        stream: str,
        after: int,
        until: int | None,
        recorded_until: str | None,
        occurred_until: str | None,
    ) -> list[Recorded]:
        with self._grown:
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

    def _matching(self, query: Query, after: int, until: int, limit: int) -> list[Recorded]:
        found: dict[int, Recorded] = {}
        with self._grown:
            for item in query.items:
                found.update((row.position, row) for row in itertools.islice(self._of(item, after, until), limit))
        return sorted(found.values(), key=_position)[:limit]

    def _of(self, item: QueryItem, after: int, until: int) -> Iterator[Recorded]:
        """The rows of one item: those of its rarest tag, or of its types, that match."""
        tagged = sorted((self._found.get(f"tag {tag}", []) for tag in item.tags), key=len)
        places = tagged[:1] or [self._found.get(f"type {name}", []) for name in item.types]
        parts = [
            rows[bisect.bisect_right(rows, after, key=_position) : bisect.bisect_right(rows, until, key=_position)]
            for rows in places
        ]
        return filter(item.matches, heapq.merge(*parts, key=_position))

    def _chain_end(self) -> bytes | None:
        with self._grown:
            return self._digests[-1] if self._digests else None

    def _links(self, after: int, limit: int) -> list[bytes]:
        return self._digests[after + 1 : after + 1 + limit]

    def _add_links(self, first: int, digests: list[bytes]) -> None:
        self._digests[first:] = digests

    def _wait(self, after: int, seconds: float) -> bool:
        with self._grown:
            return self._grown.wait_for(lambda: len(self._rows) > after, seconds)
