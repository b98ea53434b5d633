"""A read model keeps the redelivery law: an event that comes again after a crash changes nothing more."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import uuid_utils

from eslab.errors import ProjectionFailed
from eslab.events import Recorded, names_of
from eslab.laws.said import Kept, broken, called, difference, differing
from eslab.projections import Mark, Projection, Projector, ReadModel
from eslab.projections.tables import Tables
from eslab.show import counted
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
        try:
            expected = _run(made, shown, None, Path(folder, "plain.db"))
        except ProjectionFailed as failed:
            if not failed.facts.get("ended"):
                raise
            step = next(n for n, recorded in enumerate(shown, 1) if recorded.position == failed.position)
            because = (
                f"{called(given)} ends the transaction by itself, so it would have got an event again after a crash"
            )
            broken("redelivery", because, shown[step - 1], step)
        for place in places:
            found = _run(made, shown, place, Path(folder, f"{place}.db"))
            if change := difference(expected, found):
                because = f"{called(given)} got an event again after a crash, and {differing(change)}"
                broken("redelivery", because, shown[place], place + 1, change.before, change.after)
    tried = "each" if len(places) == len(shown) else f"{len(places)}"
    return Kept("redelivery", f"{called(given)} is the same after a crash at {tried} of {counted(len(shown), 'event')}")


class _Crash(BaseException):
    """What no `except Exception` holds up, as the end of a process."""


def _run(projection: Projection, events: list[Recorded], crash: int | None, place: Path) -> Any:
    """What is in the read model at the end, with a crash after the event at index `crash`, if there is to be one."""
    twin = _elsewhere(projection, place)
    model = _crashing(twin, None if crash is None else events[crash])
    while (done := _handled(model, events)) < len(events):
        stop = None if crash is None or done > crash else crash - 1 if done < crash - 1 else crash + 2
        batch = events[done:stop]
        try:
            model.apply(batch, model.checkpoint, Mark(batch[-1].position, batch[-1].position, batch[-1].id))
        except _Crash:
            model.close()
            crash, model = None, _crashing(twin, None)
    held = _content(model) if isinstance(model, Tables) else model.state
    if isinstance(model, Tables):
        model.passing = True
    model.close()
    return held


def _elsewhere(projection: Projection, place: Path) -> Projection:
    """The same projection, with its view where nobody else looks."""
    if not projection.places:
        return copy.deepcopy(projection)
    twin = copy.copy(projection)
    elsewhere = {"path": str(place), "place": str(place), "schema": f"law_{place.stem}_{uuid_utils.uuid7().hex}"}
    vars(twin).update({name: elsewhere[name] for name in twin.places if name in elsewhere})
    return twin


def _crashing(projection: Projection, last: Recorded | None) -> ReadModel:
    """Its read model, in which the process ends when this event has been handled."""
    model = projection.read_model()
    inside = model.projection
    evolve_all = type(inside).evolve_all

    def until_the_crash(state: Any, batch: Sequence[Recorded], /) -> Any:
        if last is None or last not in batch:
            return evolve_all(inside, state, batch)
        evolve_all(inside, state, batch[: batch.index(last) + 1])
        raise _Crash

    vars(inside)["evolve_all"] = until_the_crash
    return model


def _handled(model: ReadModel, events: list[Recorded]) -> int:
    return sum(recorded.position <= model.checkpoint for recorded in events)


def _content(model: Tables) -> dict[str, list[Any]]:
    """The rows of every table of a view, in an order of their own."""
    quoted = {table: table.replace('"', '""') for table in model.tables}
    return {table: sorted(model.ask(f'SELECT * FROM "{name}"'), key=repr) for table, name in quoted.items()}  # noqa: S608
