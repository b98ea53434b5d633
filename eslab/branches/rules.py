"""Rules are asked what follows from a wish, in the state that a stream of the branch has by then."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from eslab.aggregates import Decider, as_fold
from eslab.branches.lines import InvalidBranch
from eslab.commands import handler_of
from eslab.drafts import listed
from eslab.errors import CommandRefused, EslabError, InvalidCommand
from eslab.events import Recorded
from eslab.states import copied
from eslab.views import ONE, Running, View, as_views

Decide = Callable[[Any, Any], Iterable[Any]]


class Outcome(NamedTuple):
    """What came of a wish: its stream, if the rules got so far as to say it, and the events or the refusal."""

    stream: str | None
    events: list[Any]
    refused: EslabError | None = None


class Rules:
    """HANDLERS, a Decider or a function `decide(command, state)`, with what each stream of a branch holds so far.

    Raises InvalidBranch if `decide` is none of these.
    """

    def __init__(self, decide: Any, fold: Any) -> None:
        self.decide = decide
        self._streams: dict[str, list[Recorded]] = {}
        self._states: dict[tuple[str, int], tuple[int, Any]] = {}
        self._folds: dict[int, Any] = {}
        self._fold = None if isinstance(decide, (Mapping, Decider)) else _seen_by(decide, fold)

    def learn(self, event: Recorded) -> None:
        """One more event has happened in the branch."""
        self._streams.setdefault(event.stream, []).append(event)

    def outcome(self, command: Any, stream: str) -> Outcome:
        """Decide on a wish, about `stream` unless a handler says another. A refusal is kept, the rest is raised."""
        about = None
        try:
            about, fold, decide = self._wired(command, stream)
            return Outcome(about, list(listed(decide(command, self._state(about, fold)))))
        except (CommandRefused, InvalidCommand) as refusal:
            return Outcome(about, [], refusal)

    def _wired(self, command: Any, stream: str) -> tuple[str, Any, Decide]:
        if isinstance(self.decide, Decider):
            return stream, self.decide, self.decide.decide
        if self._fold is not None:
            return stream, self._fold, self.decide
        handler = handler_of(command, self.decide)
        handler.validate(command)
        return handler.stream(command), handler.fold, handler.handle

    def _state(self, stream: str, given: Any) -> Any:
        """The state of a stream, a copy of its own: what is emitted while deciding has not happened yet."""
        fold = self._folds.setdefault(id(given), as_fold(given))
        done, state = self._states.get((stream, id(given))) or (0, fold.initial())
        past = self._streams.get(stream, [])
        for event in past[done:]:
            state = fold.evolve(state, event)
        self._states[stream, id(given)] = len(past), state
        return copied(state)


def _seen_by(decide: Any, fold: Any) -> Any:
    """The fold of a timeline, for a function that decides on its state."""
    if not callable(decide) or isinstance(decide, type):
        raise InvalidBranch(
            f"decide is {decide!r}, expected handlers {{Command: handler}}, a Decider, or a function "
            f"decide(command, state)", found=decide,
        )  # fmt: skip
    views = as_views(fold)
    if ONE not in views:
        raise InvalidBranch(
            f"this timeline has several views ({', '.join(views)}), and decide(command, state) needs one state: give a "
            f"Decider or handlers instead", found=decide,
        )  # fmt: skip
    running = Running(View(views[ONE].fold), ())
    return types.SimpleNamespace(initial=running.fold.initial, evolve=running.evolve)
