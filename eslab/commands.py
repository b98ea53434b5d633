"""A command is a wish, in the imperative; its handler validates it, loads, decides, and appends what follows.

A wish can be refused, a fact cannot. So commands are never stored, and a refused one leaves no trace in the log.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Generic, TypeVar, dataclass_transform

from eslab.aggregates import Fold, as_fold, fold
from eslab.errors import MissingHandler
from eslab.events import History
from eslab.queries import AppendCondition, Query
from eslab.store import Store

C = TypeVar("C")
S = TypeVar("S")


@dataclass_transform(frozen_default=True)
def command(cls: type[C]) -> type[C]:
    """Make a class a command: a frozen, slotted dataclass."""
    made = dataclasses.dataclass(frozen=True, slots=True)(cls)
    made.__command__ = True  # type: ignore[attr-defined]  # so that the wiring check can find it
    return made


class CommandHandler(Generic[C, S]):
    """What is done with one kind of command: a class with three small methods, without state of its own."""

    fold: ClassVar[Fold | type]
    """What is loaded to decide on: an Aggregate class, or a Decider."""

    def stream(self, command: C) -> str:
        """The stream that the command is about."""
        raise MissingHandler(
            f"{type(self).__name__} does not say on which stream it decides: give it a method stream(command)"
        )

    def boundary(self, command: C) -> Query | None:
        """The query that the decision rests on, if that is more than its stream: see `eslab.queries`."""
        return None

    def validate(self, command: C) -> None:
        """Refuse what is malformed, without looking at any state. Raises InvalidCommand."""

    def handle(self, command: C, state: S) -> Iterable[Any]:
        """The events that follow, none if nothing is to be done. Raises CommandRefused if the rules forbid it."""
        raise MissingHandler(f"{type(self).__name__} decides nothing: give it a method handle(command, state)")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


Wiring = Mapping[type[Any], CommandHandler[Any, Any]]


class CommandBus:
    """Takes each command to its handler. `handlers` is a literal: `{DepositMoney: DepositMoneyHandler(), ...}`."""

    def __init__(self, store: Store, handlers: Wiring) -> None:
        self.store, self.handlers = store, dict(handlers)

    def dispatch(self, command: Any, *, metadata: Mapping[str, Any] | None = None) -> History:
        """Validate, load, decide, append; returns what was recorded.

        The metadata of the events carries that of the caller, and the ids `causation_id` (this command's own) and
        `correlation_id` (the same, unless the caller gave one).

        Raises MissingHandler, InvalidCommand, CommandRefused, or, if somebody else wrote between loading and appending,
        WrongExpectedVersion or ConditionFailed; in each case nothing is stored.
        """
        handler = handler_of(command, self.handlers)
        handler.validate(command)
        stream, query = handler.stream(command), handler.boundary(command)
        history = self.store.load(stream) if query is None else History(self.store.read(query=query))
        events = handler.handle(command, fold(history, as_fold(handler.fold)))
        id = self.store.ids()
        about = {
            "correlation_id": id,
            "causation_id": id,
            "command": type(command).__name__,
            **(metadata or {}),
        }
        if query is None:
            return self.store.append(stream, events, expected_version=len(history), metadata=about)
        seen = AppendCondition(query, after=history[-1].position if history else 0)
        return self.store.append(stream, events, condition=seen, metadata=about)


def handler_of(command: Any, handlers: Wiring) -> CommandHandler[Any, Any]:
    """The handler wired to a command. Raises MissingHandler, with the commands that have one."""
    if type(command) not in handlers:
        known = ", ".join(sorted(kind.__name__ for kind in handlers)) or "none"
        raise MissingHandler(
            f"no handler for {type(command).__name__}, only for: {known}. Add it to the handlers; if it stands there, "
            f"run the cell of the handlers again, after that of the command", command=command,
        )  # fmt: skip
    return handlers[type(command)]
