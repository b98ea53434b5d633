"""A moment of a timeline is taken away as a test, so that what was seen there once is held from now on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from eslab.aggregates import Aggregate, Decider
from eslab.branches.code import written_or_refused
from eslab.branches.lines import InvalidBranch
from eslab.branches.rules import Rules
from eslab.errors import EslabError, UnreadablePayload
from eslab.events import NewEvent, Recorded, record
from eslab.show import shortened
from eslab.states import copied
from eslab.timeline import NoSuchStep, Timeline
from eslab.views import ONE, Running, View, as_views
from eslab.written import Call, Expression, Writer, as_data, laid_out

MOST = 200
"""How many given events a test has at most: more of them nobody reads."""
REASON = 60
"""How many characters of a message a test looks for, at most."""
Commands = Callable[[Recorded], Any]


def to_test(timeline: Timeline, index: int, *, rules: Any = None, commands: Commands | None = None) -> str:
    """A pytest function, as Python, for the moment after `index` events (first = 1): given, when, then.

    It folds the event and looks at the state; given are the earlier events of the same stream for an aggregate or a
    Decider, and all that it is shown for a projection. Events at which the fold failed are left out. Several views
    are a function each. Or, with `rules` (handlers or a Decider) and `commands` (a function that gives for a recorded
    event its command, None if it came with the event before), the rules decide on the command.

    Raises NoSuchStep, and InvalidBranch if more than 200 events would have to be given, or if something has no name
    that could be imported.
    """
    step = timeline[index]
    if step.event is None:
        raise NoSuchStep(f"step 0 has no event, expected 1 to {len(timeline) - 1}: a test needs one", found=index)
    if (rules is None) != (commands is None):
        raise InvalidBranch("rules and commands go together, expected both or neither: give the other as well")
    writer = Writer(taken=("earlier", "event"))
    with written_or_refused("this moment cannot be written as a test"):
        if commands is not None:
            functions = [_decided(timeline, step.index, rules, commands, writer)]
        else:
            views = as_views(timeline.fold).items()
            functions = [_folded(timeline, step.index, name, view, writer) for name, view in views]
    return "\n\n\n".join([writer.imports, *functions]) + "\n"


# --- the state after an event ---------------------------------------------------------------------------------------


def _folded(timeline: Timeline, index: int, name: str, view: View, writer: Writer) -> str:
    *earlier, event = timeline.history[:index]
    running = Running(View(view.fold), ())
    alone = isinstance(running.fold, Decider) or (isinstance(view.fold, type) and issubclass(view.fold, Aggregate))
    if alone:
        earlier = [one for one in earlier if one.stream == event.stream]
    earlier, found = _run(running, _few([one for one in earlier if _is_shown(running, one)]), event)
    given = [_payload(one) if alone else _short(one) for one in (*earlier, event)]
    if not alone and as_data(_run(running, given[:-1], given[-1])[1]) != as_data(found):
        given = [*earlier, event]  # the view looks at ids or metadata
    where = f"_in_{_snake(name)}" if name != ONE else ""
    lines = [*_setting(given[:-1], given[-1], writer), *_state(writer.expression(view.fold), earlier, found, writer)]
    return _function(f"{_snake(event.type)}_at_step_{index}{where}", timeline, index, lines)


def _setting(earlier: Sequence[Any], event: Any, writer: Writer) -> list[str]:
    lines = [_line("earlier = ", writer.expression(list(earlier)))] if earlier else []
    return [*lines, _line("event = ", writer.expression(event))]


def _state(fold: Expression, earlier: Sequence[Any], found: Any, writer: Writer) -> list[str]:
    given = _given(fold, earlier, writer)
    if isinstance(found, EslabError):
        return [_line(f"{given}.when(event).", writer.call("refused", type(found), because=_reason(found)))]
    if isinstance(found, Exception):
        raises = writer.call(f"{writer.imported('pytest')}.raises", type(found))
        return [f"    with {laid_out(raises)}:", f"        {given}.when(event)"]
    return [_line(f"{given}.when(event).", writer.call("then_state", as_data(found)))]


def _run(running: Running, earlier: Iterable[Recorded], event: Recorded) -> tuple[list[Recorded], Any]:
    """The earlier events at which the fold did not fail, and the state after the event, or what it raised there."""
    state, passed = running.fold.initial(), []
    for one in earlier:
        after, error = _tried(running, state, one)
        if error is None:
            state = after
            passed.append(one)
    after, error = _tried(running, state, event)
    return passed, after if error is None else error


def _tried(running: Running, state: Any, event: Recorded) -> tuple[Any, Exception | None]:
    try:
        return running.evolve(copied(state), event), None
    except Exception as error:
        return None, error


def _is_shown(running: Running, event: Recorded) -> bool:
    """Whether a projection sees the event at all, or has said that it needs others only."""
    right_type = running.types is None or event.type in running.types
    return right_type and (running.categories is None or event.category in running.categories)


def _payload(event: Recorded) -> Any:
    try:
        return event.payload
    except UnreadablePayload:
        return event


def _short(event: Recorded) -> Recorded:
    """The event as `record` makes it from the least: without metadata, and with the id that follows from its place."""
    try:
        return record(
            event.payload, stream=event.stream, version=event.version, position=event.position,
            recorded_at=event.recorded_at, occurred_at=event.occurred_at,
        )  # fmt: skip
    except EslabError:
        return event


# --- what the rules decide ------------------------------------------------------------------------------------------


def _decided(timeline: Timeline, index: int, wiring: Any, commands: Commands, writer: Writer) -> str:
    if not isinstance(wiring, (Mapping, Decider)):
        raise InvalidBranch(f"rules is {wiring!r}, expected handlers {{Command: handler}}, or a Decider", found=wiring)
    history, first = timeline.history, index
    while first > 1 and commands(history[first - 1]) is None:
        first -= 1
    event, command = history[first - 1], commands(history[first - 1])
    if command is None or isinstance(command, Recorded) or hasattr(type(command), "__event_name__"):
        raise InvalidBranch(
            f"no command led to event {index} ({history[index - 1].type}), expected one: leave rules and commands out "
            f"to test the state after it", index=index,
        )  # fmt: skip
    rules = Rules(wiring, timeline.fold)
    for one in history[: first - 1]:
        rules.learn(one)
    outcome = rules.outcome(command, event.stream)
    stream = outcome.stream or event.stream
    earlier = _few([one for one in history[: first - 1] if one.stream == stream])
    needed = {type(command): wiring[type(command)]} if isinstance(wiring, Mapping) else wiring
    given = _given(writer.expression(needed), earlier, writer)
    lines = [_line("earlier = ", writer.expression([_payload(one) for one in earlier]))] if earlier else []
    lines.append(_line("command = ", writer.expression(command)))
    wish = _snake(type(command).__name__)
    if outcome.refused is not None:
        refused = writer.call("refused", type(outcome.refused), because=_reason(outcome.refused))
        name = f"{wish}_is_refused_at_step_{index}"
    else:
        events = [one.payload if isinstance(one, NewEvent) else one for one in outcome.events]
        refused = writer.call("then" if events else "then_nothing", *events)
        name = f"{wish}_leads_to_{'_and_'.join(_snake(type(one).__name__) for one in events) or 'nothing'}"
    return _function(name, timeline, index, [*lines, _line(f"{given}.when(command).", refused)])


# --- text -----------------------------------------------------------------------------------------------------------


def _function(name: str, timeline: Timeline, index: int, lines: list[str]) -> str:
    said = shortened(f"Step {index} of {timeline.title}: {timeline.history[index - 1].type}.", 100)
    plain = said.isprintable() and not set('"\\') & set(said)
    return "\n".join([f"def test_{name}():", f'    """{said}"""' if plain else f"    {said!r}", *lines])


def _given(fold: Expression, earlier: Sequence[Any], writer: Writer) -> str:
    parts = (("", fold), *([("", "*earlier")] if earlier else []))
    return laid_out(Call(f"{writer.imported('eslab.testing', 'given')}(", parts, ")"), 4)


def _line(before: str, expression: Expression) -> str:
    column = 4 + len(before.rpartition("\n")[2])
    return f"    {before}{laid_out(expression, 4, column)}"


def _few(events: list[Recorded]) -> list[Recorded]:
    if len(events) > MOST:
        raise InvalidBranch(
            f"{len(events):,} events would have to be given, expected at most {MOST}: take an earlier moment, or a "
            f"timeline of one stream", events=len(events),
        )  # fmt: skip
    return events


def _snake(name: str) -> str:
    """bank.MoneyWithdrawn as money_withdrawn, for the name of a function."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2])
    return re.sub(r"\W+", "_", words).strip("_").lower()


def _reason(error: Exception) -> str:
    """How a message begins; it may go on for several lines."""
    said = str(error)
    return said if len(said) <= REASON else said[:REASON].rpartition(" ")[0] or said[:REASON]
