"""Upcast, then fold: an event in the text of an older schema means what it means when it is rewritten to today's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from eslab.codec import EventType, same
from eslab.errors import EslabError, UnreadablePayload
from eslab.events import Recorded, event_type
from eslab.laws.folds import Folds
from eslab.laws.said import Kept, broken, called, difference, differing
from eslab.laws.worlds import ANOTHER, ONE, changed_world
from eslab.show import counted
from eslab.states import copied

LAW = "upcast, then fold"


def upcast_then_fold(fold: Any, history: Iterable[Recorded], today: Iterable[Any] | None = None) -> Kept:
    """Texts of older schemas, brought up to today's and folded, equal the same events rewritten to today's and folded.

    `today` are the same events as you would write them now, one for each event of the history: with them the
    upcasters are held against what you meant. Without them the events are rewritten by their upcasters, which then may
    drop nothing that today's schema has under the same name, leave nothing over that it has no field for, and must do
    the same in another world.

    What breaks it: an upcaster that loses a field or asks a clock, or a fold that reads the stored text instead of the
    payload. Raises LawBroken.
    """
    __tracebackhide__ = True
    history = list(history)
    meant = [None] * len(history) if today is None else list(today)
    if len(meant) != len(history):
        raise EslabError(f"today has {counted(len(meant), 'event')}, expected {len(history)}, one for each of the "
                         f"history: write them all, in their order", found=len(meant))  # fmt: skip
    rewritten = [
        _rewritten(recorded, step, one) for step, (recorded, one) in enumerate(zip(history, meant, strict=True), 1)
    ]
    folds = Folds(fold, history)
    one, other = folds.run(), folds.run()
    old, new = one.fold.initial(), other.fold.initial()
    for step, (recorded, again) in enumerate(zip(history, rewritten, strict=True), 1):
        try:
            old = copied(one.evolve(old, recorded))
            new = other.evolve(new, again)
        except EslabError:
            raise
        except Exception as error:
            broken(LAW, f"{called(fold)} raised {type(error).__name__}: {error}", recorded, step, None, error)
        if change := difference(new, old):
            because = f"{called(fold)} makes something else of the old text than of today's: {differing(change)}"
            broken(LAW, because, recorded, step, change.before, change.after)
    number = counted(sum(map(is_old, history)), "event")
    return Kept(LAW, f"{called(fold)} makes the same of {number} in older schemas and of the same events as of today")


def is_old(recorded: Recorded) -> bool:
    """Whether an event was recorded in a schema older than today's. Raises InvalidPayload if its type is not known.

    An event of another log (schema version 0) has no schema that could be old.
    """
    return 0 < recorded.schema_version < event_type(recorded.type).version


def _rewritten(recorded: Recorded, step: int, meant: Any) -> Recorded:
    """The event as it would be recorded today."""
    __tracebackhide__ = True
    if recorded.schema_version == 0 and meant is None:
        return recorded
    known = event_type(recorded.type)
    meant = meant.payload if isinstance(meant, Recorded) else meant
    try:
        payload = recorded.payload
    except UnreadablePayload as error:
        broken(LAW, str(error), recorded, step, meant, error)
    if meant is not None and not same(meant, payload):
        broken(LAW, f"the old text reads as {payload!r}, not as {meant!r}", recorded, step, meant, payload)
    if is_old(recorded):
        _check_upcasters(known, recorded, step)
    return msgspec.structs.replace(recorded, payload_text=known.encode(payload), schema_version=known.version)


def _check_upcasters(known: EventType, recorded: Recorded, step: int) -> None:
    __tracebackhide__ = True
    payloads = []
    for world in (ONE, ANOTHER):
        with changed_world(world, [upcast.__globals__ for upcast in known.upcasters.values()]):
            payloads.append(_upcast(known, recorded))
    payload, again = payloads
    if change := difference(payload, again):
        broken(LAW, f"an upcaster asks clock, chance or environment: {differing(change)}", recorded, step)
    for name in payload:
        if name not in known.fields:
            because = f"the upcasters leave {name!r}, for which {known.name} has no field, so it is lost"
            broken(LAW, because, recorded, step, known.fields, tuple(payload))
    for name in recorded.data:
        if name in known.fields and name not in payload:
            because = f"the upcasters lose {name!r}, which stands in the old text and is a field of {known.name} today"
            broken(LAW, because, recorded, step, known.fields, tuple(payload))


def _upcast(known: EventType, recorded: Recorded) -> dict[str, Any]:
    payload = recorded.data
    for version in range(recorded.schema_version, known.version):
        payload = known.upcasters[version](payload)
    return payload
