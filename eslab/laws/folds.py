"""A fold keeps the prefix law, and is pure: what it has seen and the next event decide alone what follows."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

from eslab.aggregates import Decider
from eslab.codec import same
from eslab.errors import UnstorableState
from eslab.events import Recorded
from eslab.laws.said import Kept, broken, called, difference, differing
from eslab.laws.worlds import ANOTHER, ONE, changed_world
from eslab.show import counted
from eslab.snapshots.fingerprints import walked
from eslab.snapshots.texts import from_text, to_text
from eslab.states import Change, copied
from eslab.views import Running, View

MANY = 60
"""From how many places a long history is folded on."""
CHUNK = 100
"""How many events are folded in one world, before they are folded in the other."""


class Folds:
    """A fold as it was given, made anew for each run, so that one run begins where no other has been."""

    def __init__(self, fold: Any, history: Sequence[Recorded]) -> None:
        self.fold, self.history = fold, history
        self._pristine = fold if isinstance(fold, (type, Decider)) else copy.deepcopy(fold)
        self.classes = walked(fold).classes

    def run(self) -> Running:
        """Raises InvalidFold if it is no fold, or keeps its state in tables."""
        fresh = self._pristine if isinstance(self._pristine, (type, Decider)) else copy.deepcopy(self._pristine)
        return Running(View(fresh), self.history)


def prefix(fold: Any, history: Iterable[Recorded]) -> Kept:
    """Folding on from any prefix, stored and read back as a snapshot would be, equals folding all.

    A history of more than 60 events is folded on from 60 places in it. What breaks it: something remembered outside
    the state, or a state that does not survive being stored. Raises LawBroken.
    """
    __tracebackhide__ = True
    history = list(history)
    folds = Folds(fold, history)
    cuts = sorted({round(n * len(history) / MANY) for n in range(MANY)}) if len(history) > MANY else range(len(history))
    texts, whole = _prefixes(folds, set(cuts))
    for cut, text in texts.items():
        run = folds.run()
        state = from_text(text, folds.classes)
        for recorded in history[cut:]:
            state = run.evolve(state, recorded)
        if difference(whole, state):
            _show_prefix(folds, cut, texts, whole, state)
    tried = "each" if len(texts) == len(history) else counted(len(texts), "place")
    said = f"{called(fold)} folds on from {tried} of {counted(len(history), 'event')} to the same state as from all"
    return Kept("prefix law", said)


def _prefixes(folds: Folds, cuts: set[int]) -> tuple[dict[int, str], Any]:
    """The states after so many events as texts, and the state after all."""
    __tracebackhide__ = True
    run, texts = folds.run(), {}
    state = run.fold.initial()
    for step, recorded in enumerate([*folds.history, None]):
        if step in cuts or recorded is None:
            try:
                texts[step] = to_text(state, folds.classes)
            except UnstorableState as error:
                at = folds.history[step - 1] if step else None
                broken("prefix law", f"{called(folds.fold)} cannot be stopped and stored: {error}", at, step)
        if recorded is not None:
            state = run.evolve(state, recorded)
    texts.pop(len(folds.history), None)
    return texts, state


def _show_prefix(folds: Folds, cut: int, texts: dict[int, str], whole: Any, state: Any) -> NoReturn:
    """Find the event after which the two ways part: side by side, or as it was when one ran after the other."""
    __tracebackhide__ = True
    found = next(_partings(folds, cut, texts, {}), None) or next(_partings(folds, cut, texts, texts), None)
    step, change = found or (len(folds.history), difference(whole, state))
    assert change is not None  # noqa: S101 - that they differ is why we are here
    because = f"{called(folds.fold)} folded on from the state after {counted(cut, 'event')}: {differing(change)}"
    broken("prefix law", because, folds.history[step - 1], step, change.before, change.after)


def _partings(folds: Folds, cut: int, texts: dict[int, str], then: dict[int, str]) -> Iterator[tuple[int, Change]]:
    """The steps at which a run from the cut differs from one from the beginning, or from the states of then."""
    one, other = folds.run(), folds.run()
    whole, on = one.fold.initial(), from_text(texts[cut], folds.classes)
    for step, recorded in enumerate(folds.history, 1):
        if not then:
            whole = one.evolve(whole, recorded)
        if step > cut:
            on = other.evolve(on, recorded)
            expected = from_text(then[step], folds.classes) if step in then else on if then else whole
            if change := difference(expected, on):
                yield step, change


class Held(Recorded, frozen=True):
    """A recorded event whose payload is one object, as an aggregate has it when it emits: what is changed, stays so."""

    held: Any = None

    @property
    def payload(self) -> Any:
        return self.held


def held(recorded: Recorded) -> Held:
    return Held(*[getattr(recorded, name) for name in Recorded.__struct_fields__] + [recorded.payload])


def pure(fold: Any, history: Iterable[Recorded]) -> Kept:
    """Folded in another world, with another clock, chance and environment, a history leads to the same states; and
    `evolve` changes neither the event nor, if it returns a new state, the old one.

    What it cannot change is said at `changed_world`. Raises LawBroken.
    """
    __tracebackhide__ = True
    history = list(history)
    folds = Folds(fold, history)
    namespaces = walked(fold).namespaces
    with contextlib.suppress(Exception):  # once here, so that no module is imported for the first time elsewhere
        here = folds.run()
        here.evolve(here.fold.initial(), history[0])
    runs = [(world, folds.run()) for world in (ONE, ANOTHER)]
    states: list[Any] = []
    for world, run in runs:
        with changed_world(world, namespaces):
            states.append(run.fold.initial())
    _compare(fold, copied(states[0]), states[1], None, 0)
    for start in range(0, len(history), CHUNK):
        chunk = history[start : start + CHUNK]
        with changed_world(ONE, namespaces):
            states[0], moments = _moments(folds, runs[0][1], states[0], chunk, start)
        with changed_world(ANOTHER, namespaces):
            states[1] = _again(folds, runs[1][1], states[1], chunk, start, moments)
    return Kept("purity", f"{called(fold)} folds {counted(len(history), 'event')} alike in two worlds, and leaves them "
                          f"as they are")  # fmt: skip


def _moments(folds: Folds, run: Running, state: Any, chunk: list[Recorded], start: int) -> tuple[Any, list[Any]]:
    """The last state, and copies of the state after each event; what was changed on the way breaks the law."""
    __tracebackhide__ = True
    events = [held(recorded) for recorded in chunk]
    moments: list[Any] = []
    before = copied(state)
    for step, event in enumerate(events, start + 1):
        after = run.evolve(state, event)
        if (after is not state or isinstance(folds.fold, Decider)) and (change := difference(before, state)):
            because = f"{called(folds.fold)} changed the old state: {differing(change)}"
            broken("purity", because, event, step, change.before, change.after)
        if not same(event.held, chunk[step - start - 1].payload):
            broken("purity", f"{called(folds.fold)} changed the event itself, to {event.held!r}", event, step)
        state, before = after, copied(after)
        moments.append(before)
    for step, (event, recorded) in enumerate(zip(events, chunk, strict=True), start + 1):
        if not same(event.held, recorded.payload):
            because = f"{called(folds.fold)} kept a part of the event, and changed it later, to {event.held!r}"
            broken("purity", because, event, step)
    return state, moments


def _again(folds: Folds, run: Running, state: Any, chunk: list[Recorded], start: int, moments: list[Any]) -> Any:
    __tracebackhide__ = True
    for step, (recorded, expected) in enumerate(zip(chunk, moments, strict=True), start + 1):
        try:
            state = run.evolve(state, recorded)
        except Exception as error:
            because = f"{called(folds.fold)} raised {type(error).__name__}: {error}, in another world"
            broken("purity", because, recorded, step, expected, error)
        _compare(folds.fold, expected, state, recorded, step)
    return state


def _compare(fold: Any, expected: Any, found: Any, at: Recorded | None, step: int) -> None:
    __tracebackhide__ = True
    if change := difference(expected, found):
        because = (
            f"{called(fold)} looks at clock, chance, environment, or at what it kept elsewhere: {differing(change)}"
        )
        broken("purity", because, at, step, change.before, change.after)
