"""A projection is a fold over many streams, for one question: where it begins, and what each event changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from eslab.errors import ProjectionFailed
from eslab.events import History, Recorded
from eslab.store import Store, handling

if TYPE_CHECKING:
    from eslab.projections.read_models import ReadModel


class Projection:
    """A fold over many streams, kept as plain Python state: give it `initial` and `evolve`.

    `types` and `categories` narrow what it is shown; without them it sees every event and passes over what it does
    not need. `evolve` may change the state in place, and returns it. Projections that run together are shown the
    same payloads: what an event says is never to be changed.
    """

    name: ClassVar[str]
    types: ClassVar[tuple[type | str, ...] | None] = None
    categories: ClassVar[tuple[str, ...] | None] = None
    entrances: ClassVar[tuple[str, ...]] = ()
    """What decides on its view beside `initial` and `evolve`, by name: when it changes, the view must be rebuilt."""
    places: ClassVar[tuple[str, ...]] = ()
    """The attributes that say where its view lies, which makes no difference to what is in it."""
    replayable: ClassVar[bool] = True
    """Whether it may be shown the past again: true of every view."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "name" not in vars(cls):
            cls.name = cls.__name__

    def initial(self) -> Any:
        """The empty read model, made anew each time."""
        return {}

    def evolve(self, state: Any, recorded: Recorded, /) -> Any:
        """The read model after one more event."""
        raise ProjectionFailed(
            f"projection {self.name} does nothing with events: give it a method evolve(state, recorded)"
        )

    def evolve_all(self, state: Any, events: Sequence[Recorded], /) -> Any:
        """The read model after several events. Raises ProjectionFailed at the first that cannot be handled."""
        for recorded in events:
            try:
                state = self.evolve(state, recorded)
            except Exception as error:
                raise failure(self, recorded, error) from error
        return state

    def begins(self, store: Store) -> int:
        """The position after which it is shown events when it is first run; 0 = from the first event on."""
        return 0

    def read_model(self) -> ReadModel:
        """A place for its state, which remembers how far it has come."""
        from eslab.projections.read_models import PythonState

        return PythonState(self)

    def __repr__(self) -> str:
        return f"<projection {self.name}>"


def evolved(projection: Projection, state: Any, events: Sequence[Recorded]) -> Any:
    """The state after these events. Raises ProjectionFailed at the first that cannot be handled.

    An append from within is refused with EmitDuringApply: each rebuild would append it again.
    """
    token = handling.set(projection.name)
    try:
        return projection.evolve_all(state, events)
    finally:
        handling.reset(token)


def live(store: Store, projection: Projection | type[Projection], *, until: int | None = None) -> Any:
    """The read model as the log says now, or up to a position (inclusive): folded on request, and kept nowhere.

    Raises ProjectionFailed.
    """
    made = projection() if isinstance(projection, type) else projection
    return evolved(made, made.initial(), History(store.read(until=until, types=made.types, categories=made.categories)))


def code_of(projection: Projection) -> str:
    """The fingerprint of all that decides on its view: see `eslab.snapshots.fingerprint`."""
    from eslab.snapshots import fingerprint  # here, because importing it takes half as long as importing eslab

    return fingerprint(projection)


def failure(projection: Projection, recorded: Recorded, error: Exception) -> ProjectionFailed:
    """The refusal of an event that cannot be handled."""
    step = "Correct the projection, then rebuild()" if projection.replayable else "Correct it, then retry()"
    return ProjectionFailed(
        f"projection {projection.name} could not handle position {recorded.position}, {recorded.type} of stream "
        f"{recorded.stream!r}: {type(error).__name__}: {error}. {step}",
        projection=projection.name, position=recorded.position, event=recorded,
    )  # fmt: skip
