"""Stores that lose what they should keep: the faults have to find each, or else they prove nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from eslab.events import History
from eslab.store import Store
from eslab.stores.sqlite import SqliteStore
from tests.faults.places import Place


class RowByRow(SqliteStore):
    """Commits each event by itself, so that a kill leaves half of a batch."""

    def _insert(self, rows: list[Any]) -> None:
        for row in rows:
            super()._insert([row])
            self._db.execute("COMMIT")
            self._db.execute("BEGIN IMMEDIATE")


class Early(SqliteStore):
    """Acknowledges an append that it stores only with the next one, or when it is looked through."""

    waiting: Mapping[str, Any] | None = None

    def append(self, streams: Any, *_: Any, **options: Any) -> Any:
        self._store_what_waits()
        self.waiting = streams
        return History()

    def verify(self, head: Any = None) -> Any:
        self._store_what_waits()
        return super().verify(head)

    def _store_what_waits(self) -> None:
        waiting, self.waiting = self.waiting, None
        if waiting:
            super().append(waiting)


class Forgetful(SqliteStore):
    """Does not know an id again, so that an append that is repeated is stored twice."""

    def append(self, streams: Any, *_: Any, **options: Any) -> Any:
        return super().append({name: [new.payload for new in part] for name, part in streams.items()}, **options)


class Unchecked(SqliteStore):
    """Does not look at the version: two tellers decide on the same balance."""

    def append(self, streams: Any, *_: Any, **options: Any) -> Any:
        return super().append(streams)


class Newest(SqliteStore):
    """A subscription of it goes on from the end of the log, whatever came while it was away."""

    def subscribe(self, **options: Any) -> Any:
        subscription = super().subscribe(**options)
        look = subscription._look

        def look_ahead(after: int) -> Any:
            rows, end = look(after)
            return rows[-20:], end

        subscription._look = look_ahead
        return subscription


class Stutters(SqliteStore):
    """A subscription of it begins each page with the last event of the one before."""

    def subscribe(self, **options: Any) -> Any:
        subscription = super().subscribe(**options)
        look = subscription._look
        subscription._look = lambda after: look(max(after - 1, 0)) if self.position > after else look(after)
        return subscription


class ByTheClock(SqliteStore):
    """Believes its clock, even when it goes back."""

    def _end(self) -> tuple[int, str]:
        return super()._end()[0], ""


@dataclasses.dataclass(frozen=True)
class CarelessPlace(Place):
    """A file that is opened with a store of another class."""

    kind_of_store: type[SqliteStore] = SqliteStore

    def open(self, **options: Any) -> Store:
        return self.kind_of_store(self.where, **options)
