"""A read model keeps the redelivery law: an event that comes again after a crash changes nothing more."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eslab.events import Recorded, names_of
from eslab.laws.said import Kept, broken, called, counted, difference, differing
from eslab.projections import Projection, Projector, ReadModel, SqliteProjection
from eslab.views import InvalidFold

MANY = 30
"""After how many events of a long history the crash comes."""


def redelivery(projection: Any, history: Iterable[Recorded]) -> Kept:
    """After a crash in the middle of a batch, with an event handled and no checkpoint for it, the events come again;
    and the read model is the same as without the crash.

    A view in tables lies in a file of its own meanwhile; that of the projection is not touched. A history of more than
    30 events is interrupted at 30 places. What breaks it: something kept outside the read model, which the checkpoint
    does not cover, or a view that commits by itself. Raises LawBroken, and InvalidFold if it is no projection.
    """
    __tracebackhide__ = True
    given = projection.projection if isinstance(projection, Projector) else projection
    made = given() if isinstance(given, type) and issubclass(given, Projection) else given
    if not isinstance(made, Projection):
        raise InvalidFold(f"{projection!r} is no projection, expected one: only a read model has a checkpoint, after "
                          f"which events may come again", found=projection)  # fmt: skip
    types, categories = names_of(made.types), made.categories
    shown = [recorded for recorded in history if (types is None or recorded.type in types)
             and (categories is None or recorded.category in categories)]  # fmt: skip
    places = range(len(shown)) if len(shown) <= MANY else sorted({round(n * len(shown) / MANY) for n in range(MANY)})
    with tempfile.TemporaryDirectory() as folder:
        expected = _run(made, shown, None, Path(folder, "plain.db"))
        for place in places:
            found = _run(made, shown, place, Path(folder, f"{place}.db"))
            if change := difference(expected, found):
                because = f"{called(given)} got an event again after a crash, and {differing(change)}"
                broken("redelivery", because, shown[place], place + 1, change.before, change.after)
    tried = "each" if len(places) == len(shown) else f"{len(places)}"
    return Kept("redelivery", f"{called(given)} is the same after a crash at {tried} of {counted(len(shown), 'event')}")


class _Crash(BaseException):
    """What no `except Exception` holds up, as the end of a process."""


def _run(projection: Projection, events: list[Recorded], crash: int | None, path: Path) -> Any:
    """What is in the read model at the end, with a crash after the event at index `crash`, if there is to be one."""
    twin = copy.deepcopy(projection) if not isinstance(projection, SqliteProjection) else copy.copy(projection)
    if isinstance(twin, SqliteProjection):
        twin.path = str(path)
    evolve = type(twin).evolve

    def until_the_crash(state: Any, recorded: Recorded, /) -> Any:
        nonlocal crash
        after = evolve(twin, state, recorded)
        if crash is not None and recorded is events[crash]:
            crash = None
            raise _Crash
        return after

    vars(twin)["evolve"] = until_the_crash
    model = twin.read_model()
    while (done := _handled(model, events)) < len(events):
        stop = None if crash is None else crash - 1 if done < crash - 1 else crash + 2
        batch = events[done:stop]
        try:
            model.apply(batch, model.checkpoint, batch[-1].position)
        except _Crash:
            _close(model)
            model = twin.read_model()
    held = _content(model.state) if isinstance(twin, SqliteProjection) else model.state
    _close(model)
    return held


def _handled(model: ReadModel, events: list[Recorded]) -> int:
    return sum(recorded.position <= model.checkpoint for recorded in events)


def _close(model: ReadModel) -> None:
    if hasattr(model.state, "execute"):
        model.state.close()


def _content(db: Any) -> dict[str, list[Any]]:
    """The rows of every table of a view, in an order of their own."""
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    quoted = {table: table.replace('"', '""') for table in tables if table != "checkpoints"}
    return {table: sorted(db.execute(f'SELECT * FROM "{name}"'), key=repr) for table, name in quoted.items()}  # noqa: S608
