"""A view is a projection as it stands at some moment beside others: how far it has come, and how far it is behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from eslab.aggregates import Fold, as_fold
from eslab.errors import EslabError
from eslab.events import Recorded, names_of
from eslab.projections import Projector
from eslab.projections.tables import TableProjection


class InvalidFold(EslabError):
    """Something that a history was to be folded with is no fold, or a view that could not run."""


@dataclasses.dataclass(frozen=True)
class View:
    """A fold in a timeline that does not keep up with the log, as one that runs in the background may not.

    With `every=100` it handles events a hundred at a time. With `until=340` it stopped at its checkpoint, position 340
    in the log. Raises InvalidFold if `every` is below 1 or `until` below 0.
    """

    fold: Fold | type
    every: int = 1
    until: int | None = None

    def __post_init__(self) -> None:
        if self.every < 1 or (self.until or 0) < 0:
            raise InvalidFold(
                f"a view has every={self.every}, until={self.until}; expected every=1 or more events at a time, and "
                f"until=None or a position in the log, 0 or more: correct them", found=(self.every, self.until),
            )  # fmt: skip


class Standing(NamedTuple):
    """How a view stood at a moment: its value, the position of the last event handled, and how many were not yet."""

    value: Any
    checkpoint: int
    lag: int


class Running:
    """A view run over one history: which events it handles when, and what it makes of each."""

    def __init__(self, view: View, history: Sequence[Recorded]) -> None:
        self.fold, self.every = as_fold(view.fold), view.every
        if not all(callable(getattr(self.fold, name, None)) for name in ("initial", "evolve")):
            raise InvalidFold(
                f"{view.fold!r} is no fold, expected something with initial() and evolve(state, recorded): an "
                f"Aggregate class, a Decider, a Projection, or a class of your own with these two", found=view.fold,
            )  # fmt: skip
        if isinstance(self.fold, TableProjection):
            raise InvalidFold(
                f"{self.fold.name} keeps its view in tables of a database, which cannot be stood beside every event: "
                f"step through a projection that keeps Python state", found=self.fold,
            )  # fmt: skip
        self.stop = len(history) if view.until is None else _until(history, view.until)
        self.at_once = self.every == 1 and self.stop == len(history)
        types, categories = names_of(getattr(self.fold, "types", None)), getattr(self.fold, "categories", None)
        self.types = None if types is None else frozenset(types)
        self.categories = None if categories is None else frozenset(categories)
        self.evolve = self.fold.evolve if types is None and categories is None else self._evolve

    def handled(self, index: int) -> int:
        """How many events of the history the view has handled, when `index` have been recorded."""
        return index if self.at_once else min(index - index % self.every, self.stop)

    def _evolve(self, state: Any, recorded: Recorded) -> Any:
        sees = (self.types is None or recorded.type in self.types) and (
            self.categories is None or recorded.category in self.categories
        )
        return self.fold.evolve(state, recorded) if sees else state


ONE = ""
"""The name of the only view, in a timeline of one fold."""


def as_views(given: Any) -> dict[str, View]:
    """What a timeline is given, as views by name: a fold, a Projector, a View, or a mapping of names to these."""
    if isinstance(given, Mapping):
        if not given or not all(isinstance(name, str) and name for name in given):
            raise InvalidFold(
                f"the views are {list(given)}, expected at least one, each under a name: {{'table': Table}}",
                found=given,
            )
        return {name: _as_view(one) for name, one in given.items()}
    return {ONE: _as_view(given)}


def _as_view(given: Any) -> View:
    if isinstance(given, Projector):
        return View(given.projection, until=given.checkpoint)
    return given if isinstance(given, View) else View(given)


def _until(history: Sequence[Recorded], position: int) -> int:
    """How many leading events of a history lie at or before a position in the log."""
    return next((n for n, recorded in enumerate(history) if recorded.position > position), len(history))
