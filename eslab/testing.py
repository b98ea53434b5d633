"""A test of an event-sourced rule says which facts are given, which wish comes, and which facts must follow.

    given(HANDLERS, AccountOpened("Ada")).when(DepositMoney("1", 50)).then(MoneyDeposited(50))
    given(Account, AccountOpened("Ada")).when(MoneyDeposited(50)).then_state(
        {"owner": "Ada", "balance": 50, "status": "open"}
    )

No store, no file and no clock is needed for that. For what does need a store there is a FakeStore that does what it
is told, `check_wiring` finds what a domain has forgotten to connect, and `StoreContract` tests any store.
(Given, when, then: Dan North, 2006; with events: Greg Young.)
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NoReturn, Self, cast

from eslab.aggregates import Decider, Fold, as_fold, fold
from eslab.codec import same
from eslab.commands import CommandHandler, handler_of
from eslab.contract import StoreContract, check_store
from eslab.drafts import listed
from eslab.errors import CommandRefused, EslabError, MissingHandler, StoreUnavailable
from eslab.events import History, NewEvent, Recorded, event_type, record
from eslab.show import table
from eslab.states import MISSING, Change, differences
from eslab.store import Clock, Ids
from eslab.stores.memory import MemoryStore
from eslab.views import Running, View
from eslab.wiring import Wired, check_wiring, wiring_faults
from eslab.written import as_data

__all__ = [
    "FakeStore", "Given", "Scenario", "StoreContract", "Wired", "check_store", "check_wiring", "counting_ids", "given",
    "ticking_clock", "wiring_faults",
]  # fmt: skip

NEW_YEAR = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)

# --- time and ids that are the same each time -----------------------------------------------------------------------


def ticking_clock(start: dt.datetime = NEW_YEAR, step: dt.timedelta = MINUTE) -> Clock:
    """A clock that says `start` when it is first asked, and `step` later each time it is asked again."""
    ticks = itertools.count()
    return lambda: start + next(ticks) * step


def counting_ids(prefix: str = "event") -> Ids:
    """A source of ids: event-1, event-2 and so on."""
    numbers = itertools.count(1)
    return lambda: f"{prefix}-{next(numbers)}"


# --- given, when, then ----------------------------------------------------------------------------------------------

Wiring = Mapping[type[Any], CommandHandler[Any, Any]] | Decider[Any, Any, Any]


def given(wiring: Wiring | Fold | type, *events: Any) -> Given:
    """The facts that a test begins with. `wiring` is a HANDLERS literal, or a Decider; or an aggregate class, or a
    projection, to test which state follows from them.

    `events` are events, or recorded events where their times matter; none means that nothing has happened yet.
    """
    return Given(wiring, events)


class Given:
    """The facts of a test, waiting for its command, or for one more event: see `given`."""

    def __init__(self, wiring: Wiring | Fold | type, events: tuple[Any, ...]) -> None:
        self.wiring, self.events = wiring, events

    def when(self, command: Any) -> Scenario:
        """Let the rules decide on a command, as a CommandBus would, but without a store; or let an event be folded.

        A refusal is kept, for `refused` to look at; any other exception is a mistake in the rules, and is raised.
        Raises MissingHandler if nothing is wired to the command, and InvalidPayload for a given event that no store
        would take. An event is folded by a Decider, an aggregate class or a projection; the latter is shown only the
        types and categories that it has named.
        """
        if _is_event(command) and not isinstance(self.wiring, Mapping):
            return self._folded(command)
        if isinstance(self.wiring, Decider):
            decider, history = self.wiring, self._history("given-1")
            return self._decided(command, lambda: decider.decide(command, fold(history, decider)))
        if not isinstance(self.wiring, Mapping):
            raise MissingHandler(
                f"{self.wiring!r} decides on nothing, so not on {command!r}: let it fold an event, or give handlers or "
                f"a Decider", command=command,
            )  # fmt: skip
        handler = handler_of(command, self.wiring)

        def validate_load_and_decide() -> Iterable[Any]:
            handler.validate(command)
            history, query = self._history(handler.stream(command)), handler.boundary(command)
            seen = history if query is None else filter(query.matches, history)
            state: Any = fold(seen, as_fold(handler.fold))
            return handler.handle(command, state)

        return self._decided(command, validate_load_and_decide)

    def _decided(self, command: Any, decide: Any) -> Scenario:
        try:
            return Scenario(self.events, command, list(listed(decide())), None)
        except EslabError as refusal:
            return Scenario(self.events, command, [], refusal)

    def _folded(self, event: Any) -> Scenario:
        running = Running(View(cast(Fold, self.wiring)), ())
        state = running.fold.initial()
        try:
            for recorded in Given(self.wiring, (*self.events, event))._history(_stream_of(running.fold)):
                state = running.evolve(state, recorded)
        except EslabError as refusal:
            return Scenario(self.events, event, [], refusal)
        return Scenario(self.events, event, [], None, as_data(state))

    def _history(self, stream: str) -> History:
        return History(
            event if isinstance(event, Recorded)
            else _given(event, stream, n)
            for n, event in enumerate(self.events, 1)
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<given {len(self.events)} events, waiting for .when(command)>"


def _given(event: Any, stream: str, number: int) -> Recorded:
    """A fact that a test begins with, as a store would have recorded it; its tags are kept."""
    new = event if isinstance(event, NewEvent) else NewEvent(event)
    about = {**(new.metadata or {}), **({"tags": sorted(new.tags)} if new.tags else {})}
    at = NEW_YEAR + number * MINUTE
    return record(
        new.payload, stream=stream, version=number, position=number, recorded_at=at, occurred_at=new.occurred_at,
        metadata=about,
    )  # fmt: skip


def _is_event(given: Any) -> bool:
    return isinstance(given, Recorded) or hasattr(type(given), "__event_name__")


def _stream_of(fold: Any) -> str:
    """A stream that a fold is shown, for events of which only the payload is given."""
    categories = getattr(fold, "categories", None) or [getattr(fold, "category", "") or "given"]
    return f"{categories[0]}-1"


class Scenario:
    """What came of a command: `found` are the events that followed, `refusal` is the error if it was refused.

    Or what came of an event: `state`, as plain data. `then`, `then_nothing`, `then_state` and `refused` raise
    AssertionError, with all of it, if that is not what was expected.
    """

    def __init__(
        self, given: tuple[Any, ...], when: Any, found: list[Any], refusal: EslabError | None, state: Any = MISSING
    ) -> None:
        self.given, self.when, self.found, self.refusal, self.state = given, when, found, refusal, state

    def then(self, *events: Any) -> Self:
        """Exactly these events followed, in this order."""
        __tracebackhide__ = True
        if self.state is not MISSING:
            self._fail(_lines(events), "an event leads to a state, only commands lead to events: expect then_state")
        if self.refusal is not None or list(map(_stored, self.found)) != list(map(_stored, events)):
            self._fail(_lines(events), "correct the rule, or what the test expects")
        return self

    def then_nothing(self) -> Self:
        """The command was accepted, and nothing had to happen."""
        __tracebackhide__ = True
        return self.then()

    def then_state(self, expected: Any) -> Self:
        """The state after the event is this: compared as plain data, an aggregate or a dataclass by its attributes as
        a dict, a tuple as a list, the keys of a dict in any order."""
        __tracebackhide__ = True
        if self.state is MISSING:
            wrong = "correct the fold, or what the test expects"
            self._fail([repr(expected)], wrong if _is_event(self.when) else "a command leads to events: expect then")
        wanted = as_data(expected)
        if other := [one for one in differences(wanted, self.state) if isinstance(one, Change)]:
            said = "; ".join(map(repr, other[:5])) + "; …" * (len(other) > 5)
            self._fail([repr(wanted)], f"other than expected: {said}; correct the fold, or what the test expects")
        return self

    def refused(self, kind: type[EslabError] = CommandRefused, *, because: str = "") -> Self:
        """The command was refused with an error of this kind, whose message has `because` in it."""
        __tracebackhide__ = True
        if not isinstance(self.refusal, kind) or because not in str(self.refusal):
            said = f", because {because!r}" if because else ""
            self._fail([f"refused with {kind.__name__}{said}"], "correct the rule, or what the test expects")
        return self

    def _fail(self, expected: list[str], next_step: str) -> NoReturn:
        __tracebackhide__ = True
        parts = [*self._parts()[:2], ("expected", expected), self._parts()[2]]
        lines = [f"  {name if not n else '':9} {line}" for name, said in parts for n, line in enumerate(said)]
        raise AssertionError("\n".join(["the scenario went another way", *lines, f"  {next_step}"])) from self.refusal

    def _parts(self) -> list[tuple[str, list[str]]]:
        refused = [f"refused with {type(self.refusal).__name__}: {self.refusal}"]
        found = _lines(self.found) if self.state is MISSING else [repr(self.state)]
        found = refused if self.refusal is not None else found
        when = [self.when.payload_text] if isinstance(self.when, Recorded) else [repr(self.when)]
        return [("given", _lines(self.given)), ("when", when), ("found", found)]

    def __repr__(self) -> str:
        _, (_, when), (_, found) = self._parts()
        return f"<{when[0]} → {'; '.join(found)}>"

    def _repr_html_(self) -> str:
        return table(("", ""), [(name, line) for name, said in self._parts() for line in said])


def _lines(events: Iterable[Any]) -> list[str]:
    return [e.payload_text if isinstance(e, Recorded) else repr(e) for e in events] or ["nothing"]


class _stored:  # noqa: N801 - used as a function: an event as a store would give it back, to be compared
    def __init__(self, event: Any) -> None:
        event = event.payload if isinstance(event, NewEvent) else event
        kind = event_type(type(event))
        self.name, self.payload = kind.name, kind.decoder.decode(kind.encode(event))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _stored) and self.name == other.name and same(self.payload, other.payload)

    __hash__ = None  # type: ignore[assignment]  # only ever compared


# --- a store that does what it is told ------------------------------------------------------------------------------


class Call(NamedTuple):
    """One use of a FakeStore: the verb, and what it was given."""

    verb: str
    given: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"{self.verb}({', '.join(map(repr, self.given))})"


class FakeStore(MemoryStore):
    """A store in memory for tests and lessons, the same each time, that remembers how it was used and fails on demand.

    Its clock starts at New Year 2026 and goes on by a minute, its ids are event-1, event-2 and so on. `calls` lists
    the appends and loads. With `fail_on_append=3` the third append (first = 1) raises `error` and stores nothing;
    with `lose_answer_of_append=3` it stores, and then raises `error`: the writer cannot know.
    """

    def __init__(
        self, *, clock: Clock | None = None, ids: Ids | None = None, fail_on_append: int | None = None,
        lose_answer_of_append: int | None = None, error: Exception | None = None,
    ) -> None:  # fmt: skip
        super().__init__(clock=clock or ticking_clock(), ids=ids or counting_ids())
        self.calls: list[Call] = []
        self.fail_on_append, self.lose_answer_of_append = fail_on_append, lose_answer_of_append
        self.error = error or StoreUnavailable("the fake store fails here, as it was told: see what your code does")
        self._waiting: list[tuple[str, list[Any]]] = []

    def somebody_else_appends(self, stream: str, *events: Any) -> None:
        """Let somebody else append these events just before the next append to this stream: a conflict to be met."""
        self._waiting.append((stream, list(events)))

    def append(self, stream: Any, events: Any = None, **options: Any) -> History:
        if isinstance(stream, Mapping):
            given: tuple[Any, ...] = ({name: list(listed(some)) for name, some in stream.items()},)
            streams = list(stream)
        else:
            given, streams = (stream, list(listed(events))), [stream]
        self.calls.append(Call("append", given))
        number = sum(call.verb == "append" for call in self.calls)
        for others in [waiting for waiting in self._waiting if waiting[0] in streams]:
            self._waiting.remove(others)
            super().append(*others)
        if number == self.fail_on_append:
            raise self.error
        recorded = super().append(*given, **options)
        if number == self.lose_answer_of_append:
            raise self.error
        return recorded

    def load(self, stream: str, **options: Any) -> History:
        self.calls.append(Call("load", (stream,)))
        return super().load(stream, **options)
