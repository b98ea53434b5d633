"""An aggregate is rebuilt from its events, decides, and changes only by applying what it decided.

Two forms of one idea. `Aggregate` is an object whose state changes in `apply` and nowhere else. A `Decider` is three
pure functions (Jérémie Chassaing, 2021). Both are folds: something to begin with, and one step for each event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, cast

from eslab.errors import EmitDuringApply, StateSetOutsideApply, UnhandledEvent, VersionGap
from eslab.events import History, Recorded

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")


class Fold(Protocol):
    """What turns a history into a state. Aggregate classes, deciders and projections all are folds."""

    def initial(self) -> Any:
        """The state before the first event, made anew each time."""

    def evolve(self, state: Any, recorded: Recorded, /) -> Any:
        """The state after one more event.

        Either a new state, with the old one left as it was, or the same object, changed in place.
        """


def fold(history: Iterable[Recorded], by: Fold) -> Any:
    """The state after all events of a history: the whole of event sourcing in three lines."""
    state = by.initial()
    for recorded in history:
        state = by.evolve(state, recorded)
    return state


def unhandled(where: object, event: object) -> UnhandledEvent:
    """The error to raise in the last case of a fold, so that no event is passed over in silence."""
    name = where if isinstance(where, str) else type(where).__name__
    kind = type(event).__name__
    return UnhandledEvent(
        f"{name} has no case for {kind}: expected one case for each of its events. Add `case {kind}(...)`, or run the "
        f"cells of the event and of {name} again, in this order, so that both mean the same class",
        where=name, event=event,
    )  # fmt: skip


class Guarded(type):
    """Closes an aggregate as soon as its `__init__` has given it the empty state."""

    def __call__(cls, *args: Any) -> Any:
        made = super().__call__(*args)
        object.__setattr__(made, "_open", False)
        return made


class Aggregate(metaclass=Guarded):
    """An object that decides, and that changes only by applying events.

    `__init__` gives the empty state and takes no arguments; `apply` changes it, with one case for each event and
    `raise unhandled(self, event)` as the last. A method that decides calls `emit`; what it emitted waits in `pending`.
    An attribute set anywhere else raises StateSetOutsideApply. (A list or dict inside can still be changed behind the
    guard's back: replace it in `apply`, or take care.)
    """

    category: ClassVar[str]
    """What its streams are called: an Account with category `account` and id `1` lives in stream `account-1`."""

    _open = True
    version: int = 0
    """How many events of its stream have been applied, pending ones not counted."""
    pending: tuple[Any, ...] = ()
    """The events emitted since it was loaded, in order, not yet in any store."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "category" not in vars(cls):
            cls.category = getattr(cls, "category", cls.__name__.lower())

    def apply(self, event: Any) -> None:
        """Change the state as one event says. Never refuses, and never asks a clock, a file or chance."""
        raise unhandled(self, event)

    def emit(self, event: Any) -> None:
        """Apply a new event and keep it in `pending`. Raises EmitDuringApply while an event is being applied."""
        if self._open:
            raise EmitDuringApply(
                f"{type(self).__name__} emitted {type(event).__name__} while an event was applied, so every replay "
                f"would emit it again: emit where the decision is made, and in apply only change the state",
                event=event,
            )  # fmt: skip
        self._opened(lambda: self.apply(event))
        object.__setattr__(self, "pending", (*self.pending, event))

    @classmethod
    def initial(cls) -> Self:
        """The empty aggregate, version 0."""
        return cls()

    @classmethod
    def evolve(cls, state: Self, recorded: Recorded, /) -> Self:
        """The same aggregate after one more event, whichever it is (`replay` asks that none be missing)."""
        state._opened(lambda: state.apply(recorded.payload))
        object.__setattr__(state, "version", recorded.version)
        return state

    @classmethod
    def replay(cls, history: Iterable[Recorded]) -> Self:
        """The aggregate as its history says. Raises VersionGap if a version is missing or comes twice."""
        replayed = cls.initial()
        replayed._opened(lambda: replayed._apply_all(history))
        return replayed

    def _apply_all(self, history: Iterable[Recorded]) -> None:
        version, apply = 0, self.apply
        for version, recorded in enumerate(history, 1):
            if recorded.version != version:
                raise _not_next(self, version, recorded)
            apply(recorded.payload)
        object.__setattr__(self, "version", version)

    def _opened(self, change: Callable[[], None]) -> None:
        object.__setattr__(self, "_open", True)
        try:
            change()
        finally:
            object.__setattr__(self, "_open", False)

    def __setattr__(self, name: str, value: object) -> None:
        if not self._open:
            raise StateSetOutsideApply(
                f"{type(self).__name__}.{name} was set outside apply: no event says so, and the next replay would not "
                f"know of it. Emit an event, and set {name} where apply handles it",
                name=name, value=value,
            )  # fmt: skip
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)
        object.__delattr__(self, name)

    @property
    def state(self) -> dict[str, Any]:
        """Its attributes by name, without what belongs to the machinery."""
        return {name: value for name, value in vars(self).items() if name not in ("_open", "version", "pending")}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Aggregate) or type(self) is not type(other):
            return False
        return (self.state, self.version, self.pending) == (other.state, other.version, other.pending)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self.state.items())
        return f"{type(self).__name__}({said}) at version {self.version}" + f", {len(self.pending)} pending" * bool(
            self.pending
        )


class Decider(Generic[C, S, E]):
    """The same as three pure functions: where to begin, what a command leads to, what an event means.

    `decide(command, state)` returns a list of events, or raises CommandRefused; `evolve(state, event)` returns the
    next state and changes nothing. `category` is that of the streams it decides on.
    """

    def __init__(
        self,
        *,
        initial_state: S,
        decide: Callable[[C, S], list[E]],
        evolve: Callable[[S, E], S],
        category: str = "",
    ) -> None:
        self.initial_state, self.decide, self.evolve_event, self.category = (
            initial_state,
            decide,
            evolve,
            category,
        )

    def initial(self) -> S:
        return self.initial_state

    def evolve(self, state: S, recorded: Recorded, /) -> S:
        return self.evolve_event(state, recorded.payload)

    def __repr__(self) -> str:
        return f"Decider({self.category or self.decide.__module__})"


def as_fold(given: Fold | type) -> Fold:
    """What folds: an aggregate's class itself, an instance of any other class, and whatever else is given, as it is."""
    made = given() if isinstance(given, type) and not issubclass(given, Aggregate) else given
    return cast(Fold, made)


A = TypeVar("A", bound=Aggregate)


class Repository(Generic[A]):
    """Loads aggregates of one class from a store, and saves what they emitted.

    With `snapshots` (a `Snapshots` of the same store and class) a load applies only what came after the last of them.
    """

    def __init__(self, store: Any, aggregate: type[A], snapshots: Any = None) -> None:
        self.store, self.aggregate, self.snapshots = store, aggregate, snapshots

    def __repr__(self) -> str:
        return f"<Repository of {self.aggregate.__name__} in {self.store!r}>"

    def stream(self, id: str) -> str:
        return f"{self.aggregate.category}-{id}"

    def load(self, id: str, **until: Any) -> A:
        """The aggregate with this id; an empty one, at version 0, if it has no events.

        `until`, `recorded_until` and `occurred_until` go to the store's `load`: the aggregate as it was then.
        """
        if self.snapshots is not None:
            found: A = self.snapshots.load(self.stream(id), **until)
            return found
        return self.aggregate.replay(self.store.load(self.stream(id), **until))

    def save(self, id: str, aggregate: A, *, metadata: Any = None) -> History:
        """Append what the aggregate emitted, if nobody else has written since it was loaded.

        Raises WrongExpectedVersion otherwise; the aggregate keeps its pending events then.
        """
        recorded: History = self.store.append(
            self.stream(id), aggregate.pending, expected_version=aggregate.version, metadata=metadata
        )
        object.__setattr__(aggregate, "version", aggregate.version + len(recorded))
        object.__setattr__(aggregate, "pending", ())
        return recorded


def _not_next(aggregate: Aggregate, version: int, recorded: Recorded) -> VersionGap:
    return VersionGap(
        f"{type(aggregate).__name__} is at version {version - 1}, so the next event is {version}, not version "
        f"{recorded.version} of {recorded.stream!r}: replay the events of one stream, from the first, in order",
        expected=version, actual=recorded.version, stream=recorded.stream,
    )  # fmt: skip
