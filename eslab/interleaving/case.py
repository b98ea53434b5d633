"""A case is a way in which concurrent actors go wrong, with its cure: both can be run in every schedule."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from eslab.interleaving.actors import Actor
from eslab.interleaving.exploring import explore
from eslab.interleaving.schedules import Schedules


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """What goes wrong (`about`), what helps (`cure`), and the actors of both, in the world that `start` makes."""

    name: str
    about: str
    cure: str
    start: Callable[[], Any]
    wrong: Mapping[str, Actor]
    cured: Mapping[str, Actor]
    invariant: Callable[[Any], object]
    watch: Callable[[Any], object]

    def explore(self, *, cured: bool = False, most: int = 10_000, seed: int = 0) -> Schedules:
        """Every schedule of the wrong actors, or of those that are cured."""
        actors = self.cured if cured else self.wrong
        return explore(self.start, actors, self.invariant, most=most, seed=seed, watch=self.watch)

    def __repr__(self) -> str:
        return f"<{self.name}: {self.about}; cured by {self.cure}>"
