"""Stores and views that lose what they should keep: the faults have to find each, or else they prove nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from eslab.events import History
from eslab.projections import ReadModel
from eslab.projections.sqlite import SqliteTables
from eslab.store import Store
from eslab.stores.sqlite import SqliteStore
from tests.faults.places import Place
from tests.faults.view_work import InFile, Letterbox


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


def begun_anew(db: Any) -> None:
    """Ends the transaction where it must not end."""
    db.execute("COMMIT")
    db.execute("BEGIN IMMEDIATE")


class ViewFirst(SqliteTables):
    """Moves the checkpoint in a transaction of its own, after that of the view."""

    def _evolve(self, db: Any, events: Any) -> None:
        super()._evolve(db, events)
        begun_anew(db)


class CheckpointFirst(SqliteTables):
    """Moves the checkpoint in a transaction of its own, before that of the view."""

    def change(self, db: Any, events: Any, after: int, mark: Any, letters: Any = ()) -> bool:
        if not super().change(db, [], after, mark, letters):
            return False
        begun_anew(db)
        self._evolve(db, events)
        return True


class InPlace(SqliteTables):
    """Takes the old view away before the new one is there."""

    def _take(self) -> None:
        for table in self.tables:
            self._db.execute(f"DELETE FROM {table}")
        begun_anew(self._db)
        super()._take()


class EverybodyLeads(SqliteTables):
    """Lets each process work on the view."""

    def lead(self, role: str = "") -> bool:
        return True


@dataclasses.dataclass(frozen=True)
class CarelessView(Place):
    """A file with a view that is kept by a read model of another class."""

    kind_of_model: type[SqliteTables] = SqliteTables

    def view(self) -> InFile:
        return CarelesslyKept(self)


class CarelesslyKept(InFile):
    name = "handled"

    def __init__(self, place: CarelessView) -> None:
        super().__init__(place.where)
        self.place = place

    def read_model(self) -> ReadModel:
        return self.place.kind_of_model(self, self.path)


class AnswersFirst(Letterbox):
    """Says that a card has come, and writes it down with the next one."""

    waiting = ""

    def keep(self, line: str) -> None:
        super().keep(self.waiting)
        self.waiting = line
