"""The same wishes are decided again under other rules, each on the past that the branch has by then."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from eslab.branches.lines import InvalidBranch, Line, Rows, blocks, content, said
from eslab.branches.rules import Outcome, Rules
from eslab.drafts import Draft
from eslab.errors import EslabError
from eslab.events import History, Recorded

COMMANDS = "commands is a list of commands, or a function that gives for a recorded event the command that led to it"


class Refusal(NamedTuple):
    """A wish that the rules of a branch do not allow.

    `number` is the event of the source (first = 1) that is therefore missing from the branch; None if it was refused
    in the source as well, or if that cannot be said.
    """

    number: int | None
    command: Any
    error: EslabError


@dataclasses.dataclass
class Group:
    """A wish with the numbers of the source's events that came of it, and the event whose time it has.

    Without a wish: facts from outside that stay as they are, or, if `gone`, events that nothing leads to any more.
    """

    command: Any
    origin: int
    numbers: list[int]
    fact: bool = False
    gone: bool = False


Decided = tuple[list[Recorded], Rows, tuple[Refusal, ...]]


def decided_again(history: History, fold: Any, decide: Any, commands: Any) -> Decided:
    """The events of a branch in which the same commands met other rules, both lines read as one, and the refusals.

    `fold` is that of the timeline; a function `decide(command, state)` decides on its state. Raises InvalidBranch if
    the commands are none, and whatever the rules raise that is no refusal.
    """
    rules = Rules(decide, fold)
    if not history:
        raise InvalidBranch("the source has no events, so there is nothing to be decided again: give it some")
    if callable(commands) and not isinstance(commands, type):
        groups = _by_event(history, commands)
    elif isinstance(commands, Iterable) and not isinstance(commands, (str, Mapping)):
        groups = _by_list(history, list(commands), rules)
    else:
        raise InvalidBranch(f"commands is {commands!r}, expected {COMMANDS}", found=commands)
    line, rows, outcomes = _run(history, groups, Rules(decide, fold))
    refusals = (
        Refusal(next(iter(group.numbers), None), group.command, outcome.refused)
        for group, outcome in zip(groups, outcomes, strict=True) if outcome.refused
    )  # fmt: skip
    return line.events, rows, tuple(refusals)


# --- which wish led to which events ---------------------------------------------------------------------------------


def _by_event(history: History, commands: Callable[[Recorded], Any]) -> list[Group]:
    groups: list[Group] = []
    for number, event in enumerate(history, 1):
        wish = commands(event)
        if wish is None:
            if not groups or groups[-1].fact:
                raise InvalidBranch(
                    f"commands gave None for event {number} ({event.type}), as if it came with a command before it, "
                    f"but none did: give its command, or the event itself for a fact from outside", number=number,
                )  # fmt: skip
            groups[-1].numbers.append(number)
        else:
            groups.append(Group(wish, number, [number], fact=_is_fact(wish, event, number)))
    return groups


def _is_fact(wish: Any, event: Recorded, number: int) -> bool:
    if not isinstance(wish, Recorded) and not hasattr(type(wish), "__event_name__"):
        return False
    if wish != (event if isinstance(wish, Recorded) else event.payload):
        raise InvalidBranch(
            f"commands gave another event for event {number} ({event.type}), expected its command, None, or the event "
            f"itself: to change events use replace= in a branch of its own", number=number,
        )  # fmt: skip
    return True


def _by_list(history: History, commands: list[Any], rules: Rules) -> list[Group]:
    """The wishes with the events of the source that most likely came of them: a first run shows what comes of each."""
    streams = {event.stream for event in history}
    if not isinstance(rules.decide, Mapping) and len(streams) > 1:
        raise InvalidBranch(
            f"the history has {len(streams)} streams, and a list does not say which of them a command is about: give "
            f"handlers, or commands= as a function of the recorded event", streams=len(streams),
        )  # fmt: skip
    line, _, outcomes = _run(history, [Group(command, 1, []) for command in commands], rules)
    owners = [group for group, outcome in enumerate(outcomes) for _ in outcome.events]
    led_to: dict[int, list[int]] = {}
    for old, new in _pairs([content(one) for one in history], [content(one) for one in line.events]):
        if old is not None and new is not None:
            led_to.setdefault(owners[new], []).append(old + 1)
    _add_the_missing(led_to, outcomes, history)
    return list(_groups(commands, led_to, len(history)))


def _add_the_missing(led_to: dict[int, list[int]], outcomes: list[Outcome], history: History) -> None:
    """Give the refused wishes the events that are missing, where there are as many of both, stream by stream."""
    refused: list[int] = []
    last = 0
    for group in range(len(outcomes) + 1):
        numbers = led_to.get(group, [len(history) + 1] if group == len(outcomes) else [])
        if numbers:
            gap = range(last + 1, numbers[0])
            found: dict[int, int] = {}
            for stream in {outcomes[one].stream for one in refused}:
                wishes = [one for one in refused if outcomes[one].stream == stream]
                missing = [number for number in gap if history[number - 1].stream == stream]
                found |= zip(wishes, missing, strict=True) if len(wishes) == len(missing) else ()
            in_order = [found[one] for one in sorted(found)]
            if in_order == sorted(in_order):
                led_to.update({one: [number] for one, number in found.items()})
            refused, last = [], numbers[-1]
        elif outcomes[group].refused:
            refused.append(group)


def _groups(commands: list[Any], led_to: dict[int, list[int]], events: int) -> Iterator[Group]:
    last = 0
    for place, command in enumerate(commands):
        numbers = led_to.get(place, [])
        if numbers:
            yield Group(None, 0, list(range(last + 1, numbers[0])), gone=True)
            last = numbers[-1]
            numbers = list(range(numbers[0], last + 1))
        yield Group(command, numbers[0] if numbers else max(last, 1), numbers)
    yield Group(None, 0, list(range(last + 1, events + 1)), gone=True)


# --- running them ---------------------------------------------------------------------------------------------------


def _run(history: History, groups: list[Group], rules: Rules) -> tuple[Line, Rows, list[Outcome]]:
    line, rows, outcomes = Line(history), Rows(), []
    for group in groups:
        old = [history[number - 1] for number in group.numbers]
        if group.fact:
            rules.learn(line.keep(old[0]))
            rows.add("=")
        for _ in old if group.gone else ():
            rows.add("-", "no longer follows")
        outcome = Outcome(None, [])
        if not group.fact and not group.gone:
            try:
                outcome = rules.outcome(group.command, history[group.origin - 1].stream)
                _place(old, outcome, history[group.origin - 1], line, rows, rules)
            except Exception as error:
                led = f", which led to event {group.numbers[0]} of the source" if group.numbers else ""
                error.add_note(f"while deciding again on {group.command!r}{led}")
                raise
        outcomes.append(outcome)
    return line, rows, outcomes


def _place(
    old: list[Recorded], outcome: Outcome, origin: Recorded, line: Line, rows: Rows, rules: Rules
) -> None:  # fmt: skip
    """Put what came of a wish next, beside what had come of it in the source."""
    stream = outcome.stream or origin.stream
    drafts = [Draft(event, {}) for event in outcome.events]
    after = [(stream, draft.type.name, draft.payload_text) for draft in drafts]
    before = [content(event) for event in old]
    for i, k in _pairs(before, after):
        if i is not None and k is not None and before[i] == after[k]:
            rows.add("=")
            rules.learn(line.keep(old[i]))
            continue
        if i is not None:
            gone = "replaced" if k is not None else "no longer follows"
            rows.add("-", f"refused: {outcome.refused}" if outcome.refused else gone)
        if k is not None:
            beside = origin if i is None else old[i]
            rows.add("+", "appears" if i is None else f"was: {said(old[i])}")
            rules.learn(line.put(outcome.events[k], beside, stream=stream, about=beside.metadata))


Content = tuple[str, str, str]


def _pairs(before: list[Content], after: list[Content]) -> Iterator[tuple[int | None, int | None]]:
    """Which event became which, in order: the same one, or the next of its type in its stream; None for none."""
    for kind, i, j, k, m in blocks(before, after):
        if kind == "equal":
            yield from zip(range(i, j), range(k, m), strict=True)
            continue
        for new in range(k, m):
            old = next((old for old in range(i, j) if before[old][:2] == after[new][:2]), None)
            if old is not None:
                yield from ((gone, None) for gone in range(i, old))
                i = old + 1
            yield old, new
        yield from ((gone, None) for gone in range(i, j))
