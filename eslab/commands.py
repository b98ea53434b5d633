"""A command is a wish, in the imperative; its handler validates it, loads, decides, and appends what follows.

A wish can be refused, a fact cannot. So commands are never stored, and a refused one leaves no trace in the log.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Generic, TypeVar, dataclass_transform

from eslab.aggregates import Fold, as_fold, fold
from eslab.drafts import ANY
from eslab.errors import (
    ConditionFailed,
    EslabError,
    InvalidCommand,
    InvalidPosition,
    MissingHandler,
    WrongExpectedVersion,
)
from eslab.events import History, Recorded, caused_by
from eslab.once import Once
from eslab.queries import AppendCondition, Query
from eslab.retrying import again
from eslab.store import Store

C = TypeVar("C")
S = TypeVar("S")

CONFLICTS = (WrongExpectedVersion, ConditionFailed)
"""Somebody else wrote between loading and appending: what was decided on is old, so it is to be decided again."""
EXAMPLE = "write {DepositMoney: DepositMoneyHandler(), ...}"


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
        """The events that follow, none if nothing is to be done. Raises CommandRefused if the rules forbid it.

        It is called again if somebody else wrote meanwhile, so it does nothing but decide.
        """
        raise MissingHandler(f"{type(self).__name__} decides nothing: give it a method handle(command, state)")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


Wiring = Mapping[type[Any], CommandHandler[Any, Any]]


class CommandBus:
    """Takes each command to its handler. `handlers` is a literal: `{DepositMoney: DepositMoneyHandler(), ...}`.

    If somebody else wrote between loading and appending, the bus loads and decides again, at most `attempts` times in
    all (1 = never again). The second attempt follows at once, the third after `pause` seconds; then the pauses double,
    each longer by a chance, so that rivals part. Raises MissingHandler if a handler is none, or stands at no command.
    """

    def __init__(self, store: Store, handlers: Wiring, *, attempts: int = 5, pause: float = 0.01) -> None:
        self.store, self.handlers = store, wired(handlers)
        if type(attempts) is not int or attempts < 1:
            raise InvalidPosition(f"attempts is {attempts!r}, expected how often to decide at most: 1 or more")
        self.attempts, self.pause = attempts, pause

    def dispatch(
        self, command: Any, *, id: str | None = None, metadata: Mapping[str, Any] | None = None,
        cause: Recorded | None = None,
    ) -> History:  # fmt: skip
        """Validate, load, decide, append; returns what was recorded.

        The metadata of the events carries that of the caller, and the ids `causation_id` (this command's own) and
        `correlation_id` (the same, unless the caller gave one). With a `cause`, an event that this command follows
        from, they are the cause's: see `caused_by`.

        A command with an `id` is recorded once: when it comes again, also after a crash, what was recorded the first
        time is returned. One that recorded nothing has left no trace, and is decided again.

        Raises MissingHandler, InvalidCommand, CommandRefused, DuplicateCommand if its id is taken by another command,
        or, if others were faster at every attempt, WrongExpectedVersion or ConditionFailed, with the number of
        `attempts`; in each case nothing is stored.
        """
        handler = handler_of(command, self.handlers)
        handler.validate(command)
        once = None if id is None else Once(id, command)
        said = {**following(cause), **(metadata or {})}
        decide = functools.partial(self._decide, command, handler, said, once)
        try:
            return decide() if self.attempts == 1 else self._patiently(decide)
        except CONFLICTS as conflict:
            if once and (before := once.recorded(self.store)):
                return before
            raise self._given_up(conflict) from None

    def _patiently(self, decide: Callable[[], History]) -> History:
        """Decide; on a conflict again, and with pauses, until the attempts are used up."""
        with contextlib.suppress(*CONFLICTS):
            return decide()
        for attempt in again(CONFLICTS, self.attempts - 1, self.pause):
            with attempt:
                decided = decide()
        return decided

    def _decide(
        self, command: Any, handler: CommandHandler[Any, Any], said: Mapping[str, Any], once: Once | None
    ) -> History:
        """Load, decide, append; an attempt."""
        stream, query = handler.stream(command), handler.boundary(command)
        history = self.store.load(stream) if query is None else History(self.store.read(query=query))
        if once and (before := once.recorded(self.store)):  # after loading: what came meanwhile is a conflict
            return before
        events = handler.handle(command, fold(history, as_fold(handler.fold)))
        id = once.id if once else self.store.ids()
        about = {"correlation_id": id, "causation_id": id, "command": type(command).__name__, **said}
        seen = None if query is None else AppendCondition(query, after=history[-1].position if history else 0)
        if once:
            events, seen = once.marked(events), once.condition(seen)
        version = len(history) if query is None else ANY
        return self.store.append(stream, events, expected_version=version, condition=seen, metadata=about)

    def _given_up(self, conflict: EslabError) -> EslabError:
        """The last conflict, with the number of attempts."""
        tried = f" (the bus did, and was late {self.attempts} times)" if self.attempts > 1 else ""
        return type(conflict)(f"{conflict}{tried}", **{**conflict.facts, "attempts": self.attempts})

    def __repr__(self) -> str:
        return f"<CommandBus: {len(self.handlers)} handlers, {self.store!r}>"


def following(cause: Any) -> dict[str, Any]:
    """Metadata of what follows from a recorded event, or from nothing. Raises InvalidCommand for anything else."""
    if cause is None:
        return {}
    if not isinstance(cause, Recorded):
        raise InvalidCommand(
            f"the cause is {type(cause).__name__}, expected one recorded event: write cause=recorded[-1]", cause=cause
        )
    return caused_by(cause)


def wired(handlers: Any) -> Wiring:
    """The handlers, each at its command. Raises MissingHandler if one is none, or does not stand at a command."""
    if not isinstance(handlers, Mapping):
        raise MissingHandler(f"the handlers are {handlers!r}, expected a dict: {EXAMPLE}", found=handlers)
    for kind, handler in handlers.items():
        if not (isinstance(kind, type) and hasattr(kind, "__command__")):
            raise MissingHandler(f"{kind!r} is no class with @command above it: {EXAMPLE}", found=kind)
        if not isinstance(handler, CommandHandler):
            found = f"the class {handler.__name__}" if isinstance(handler, type) else repr(handler)
            raise MissingHandler(
                f"{kind.__name__} is wired to {found}, expected an object of a CommandHandler: {EXAMPLE}",
                command=kind, found=handler,
            )  # fmt: skip
    return dict(handlers)


def handler_of(command: Any, handlers: Wiring) -> CommandHandler[Any, Any]:
    """The handler wired to a command. Raises MissingHandler, with the commands that have one."""
    if type(command) not in handlers:
        known = ", ".join(sorted(kind.__name__ for kind in handlers)) or "none"
        raise MissingHandler(
            f"no handler for {type(command).__name__}, only for: {known}. Add it to the handlers; if it stands there, "
            f"run the cell of the handlers again, after that of the command", command=command,
        )  # fmt: skip
    return handlers[type(command)]
