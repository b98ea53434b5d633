"""An inline view changes in the transaction of each append: whoever reads what was appended finds it in the view."""

from __future__ import annotations

import abc
import copy
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from eslab.errors import ProjectionFailed, StoreUnavailable
from eslab.events import PAGE, Recorded
from eslab.projections.projection import Projection, code_of
from eslab.projections.read_models import Mark, PythonState, ReadModel
from eslab.projections.reading import Page
from eslab.projections.running import Run
from eslab.projections.sqlite import SqliteTables
from eslab.projections.tables import Tables
from eslab.store import Store
from eslab.stores.memory import MemoryStore
from eslab.stores.sqlite import SqliteStore


def inline(store: Store, projection: Projection | type[Projection]) -> ReadModel:
    """Change a view with each append through this store, from now on; returns the view, which is up to date.

    An append whose events it cannot handle is refused with ProjectionFailed, and nothing is stored. Each append costs
    as much more as the view does: in memory it is copied, so that readers never see what is not in the log. What other
    programs append without the view comes into it with the next append. A Projector may run it as well.

    The view must lie where one transaction can change both: Python state of a MemoryStore, tables in the file of a
    SqliteStore or in the schema of a PostgresStore. Raises StoreUnavailable if it lies elsewhere, ProjectionFailed if
    dead letters wait in it, and ProjectionChanged, OtherLog or ReadModelAltered if it must be rebuilt first.
    """
    made = projection() if isinstance(projection, type) else projection
    model = made.read_model()
    try:
        view = _view(store, made, model)
        view.bring_up()
    except BaseException:
        model.close()
        raise
    store._inline = {**store._inline, made.name: view.with_append}
    return model


class Inline(abc.ABC):
    """A view, and the store with whose log it changes."""

    def __init__(self, store: Store, projection: Projection, model: ReadModel) -> None:
        self.store, self.projection, self.model, self.code = store, projection, model, code_of(projection)

    @abc.abstractmethod
    def with_append(self, rows: list[Recorded]) -> AbstractContextManager[None]:
        """Entered before rows are inserted, and left in the same transaction."""

    def bring_up(self) -> None:
        """Show the view what it has not seen, without holding up anybody. Raises what speaks against it."""
        run = Run(self.store, self.projection, attempts=1, pause=0, model=self.model)
        run.check()
        self.model.check()
        if not self.model.mark.made_by:
            run.accept()
        while (mark := self.model.mark).checkpoint < (end := self.store.position):
            self.refuse(mark)
            self.model.apply(*self.next([], mark, end))

    def next(self, rows: list[Recorded], mark: Mark, end: int) -> tuple[list[Recorded], int, Mark]:
        """What the view is shown next, after which position, and its mark then."""
        after = mark.checkpoint
        if rows and after == rows[0].position - 1:
            page = Page(rows, after, rows[-1].position)
        else:
            page = Page.of(self.store, [self.projection], after, end, PAGE)
        events = page.wanted(self.projection, after)
        last = (events[-1].position, events[-1].id) if events else (mark.position, mark.event_id)
        return events, after, Mark(page.until, *last, self.code)

    def show(self, rows: list[Recorded], mark: Mark, to: Callable[[list[Recorded], int, Mark], object]) -> None:
        """Show the view what others have appended without it, and then the rows."""
        self.refuse(mark)
        while rows and mark.checkpoint < rows[-1].position:
            events, after, mark = self.next(rows, mark, rows[0].position - 1)
            to(events, after, mark)

    def refuse(self, mark: Mark) -> None:
        """Raise ProjectionFailed if the view is not to be changed from here."""
        name = self.projection.name
        if self.projection.replayable and mark.made_by != self.code:
            raise ProjectionFailed(
                f"the view {name} was made by {mark.made_by} and its code here is {self.code}, expected the same: "
                f"somebody has rebuilt it, so make it inline again with the code of today",
                projection=name, position=mark.checkpoint,
            )  # fmt: skip
        if letters := self.model.letters():
            raise ProjectionFailed(
                f"in the view {name} {len(letters)} dead letters wait, first position {letters[0].position}, expected "
                f"none: a Projector can retry() or skip() them", projection=name, position=letters[0].position,
            )  # fmt: skip


class InPython(Inline):
    """A view in memory: a copy of it handles the events, and takes its place when they are in the log."""

    model: PythonState

    @contextmanager
    def with_append(self, rows: list[Recorded]) -> Iterator[None]:
        new = copy.copy(self.model)
        new._state = copy.deepcopy(new._state)
        with refused():
            self.show(rows, new.mark, new.apply)
        yield
        self.model.swap(new)


class InTables(Inline):
    """A view in tables beside those of the log, changed on the connection of the store: what happens to one happens
    to the other."""

    model: Tables

    def __init__(self, store: Store, projection: Projection, model: Tables, connection: Callable[[], Any]) -> None:
        super().__init__(store, projection, model)
        self.connection = connection

    @contextmanager
    def with_append(self, rows: list[Recorded]) -> Iterator[None]:
        yield
        with refused(), self.model.refusing():
            db = self.connection()
            self.show(rows, self.model.mark_in(db), functools.partial(self.model.change, db))


@contextmanager
def refused() -> Iterator[None]:
    """Say that the append is refused because of the view."""
    try:
        yield
    except ProjectionFailed as failed:
        raise ProjectionFailed(f"nothing was appended: {failed}", **failed.facts) from failed.__cause__


def _view(store: Store, projection: Projection, model: ReadModel) -> Inline:
    """The view with its store. Raises StoreUnavailable if no transaction can change both."""
    match store, model:
        case MemoryStore(), PythonState():
            return InPython(store, projection, model)
        case SqliteStore(), SqliteTables() if os.path.exists(model.path) and os.path.samefile(model.path, store.path):
            return InTables(store, projection, model, lambda: store._db)
        case _, Tables() if not isinstance(model, SqliteTables):
            from eslab.projections.postgres import PostgresTables, same_place
            from eslab.stores.postgres import PostgresStore

            if isinstance(store, PostgresStore) and isinstance(model, PostgresTables) and same_place(store, model):
                return InTables(store, projection, model, lambda: store._line.connection)
    where = model.where if isinstance(model, Tables) else "memory"
    raise StoreUnavailable(
        f"the view {projection.name} is in {where}, expected it where {store!r} keeps its events, so that one "
        f"transaction changes both: a MemoryStore has views in Python state, a SqliteStore has a "
        f"SqliteProjection(store.path), a PostgresStore a PostgresProjection with its address and schema. "
        f"A view elsewhere is run by a Projector", where=where,
    )  # fmt: skip
