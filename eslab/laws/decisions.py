"""A decision is pure: the same wish in the same state leads to the same events, whatever the clock says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from eslab.aggregates import Decider, as_fold, fold
from eslab.codec import same
from eslab.commands import CommandHandler, handler_of
from eslab.drafts import listed
from eslab.errors import EslabError
from eslab.events import NewEvent, Recorded
from eslab.laws.said import Kept, LawBroken, difference, differing
from eslab.laws.worlds import ANOTHER, ONE, changed_world
from eslab.snapshots.walk import Walk, home_of
from eslab.states import copied

Rules = Mapping[type[Any], CommandHandler[Any, Any]] | Decider[Any, Any, Any]


def pure_decision(rules: Rules, history: Iterable[Recorded], command: Any) -> Kept:
    """In another world, with another clock, chance and environment, a command leads to the same events or refusal; and
    deciding changes neither the command nor, for a Decider, the state.

    `rules` are a HANDLERS literal or a Decider; `history` is what the command is decided on. Raises LawBroken, and
    MissingHandler if nothing is wired to the command.
    """
    __tracebackhide__ = True
    made, decide, code = _wired(rules, command)
    state = fold(history, as_fold(made))
    namespaces = Walk(home_of(code)).through(code).namespaces
    results = []
    for world in (ONE, ANOTHER):
        wish, given = copied(command), copied(state)
        with changed_world(world, namespaces):
            results.append(_decided(lambda wish=wish, given=given: decide(wish, given)))  # type: ignore[misc]
        _unchanged("command", command, wish)
        if isinstance(made, Decider):
            _unchanged("state", state, given)
    expected, found = results
    if not _alike(expected, found):
        said = f"{_shown(expected)} in one world, {_shown(found)} in another"
        raise LawBroken(f"pure decision: {command!r} led to {said}: ask no clock and no chance, but let the command or "
                        f"the state say it", law="pure decision", expected=expected, found=found)  # fmt: skip
    return Kept("pure decision", f"{command!r} leads to {_shown(expected)} in two worlds")


def _wired(rules: Rules, command: Any) -> tuple[Any, Callable[[Any, Any], Any], Any]:
    """What is folded, what decides, and the code of that."""
    if isinstance(rules, Decider):
        return rules, rules.decide, rules.decide
    handler = handler_of(command, rules)

    def validate_and_handle(command: Any, state: Any) -> Any:
        handler.validate(command)
        return handler.handle(command, state)

    return handler.fold, validate_and_handle, type(handler)


def _decided(decide: Callable[[], Any]) -> list[Any] | Exception:
    try:
        return list(listed(decide()))
    except EslabError as refusal:
        return refusal


def _alike(expected: Any, found: Any) -> bool:
    if isinstance(expected, Exception) or isinstance(found, Exception):
        return (type(expected), str(expected)) == (type(found), str(found))
    return len(expected) == len(found) and all(
        same(*pair) for pair in zip(_parts(expected), _parts(found), strict=True)
    )


def _parts(events: list[Any]) -> list[Any]:
    """The events, and all that is said about those that are not plain."""
    parts: list[Any] = []
    for event in events:
        new = event if isinstance(event, NewEvent) else NewEvent(event)
        parts += [new.payload, (new.id, new.metadata and dict(new.metadata), str(new.occurred_at), list(new.tags))]
    return parts


def _shown(result: Any) -> str:
    return f"{type(result).__name__}: {result}" if isinstance(result, Exception) else repr(result)


def _unchanged(what: str, before: Any, after: Any) -> None:
    __tracebackhide__ = True
    if change := difference(before, after):
        raise LawBroken(f"pure decision: deciding changed the {what}: {differing(change, what)}", law="pure decision",
                        expected=change.before, found=change.after)  # fmt: skip
