"""A process manager sees a matter through that takes several steps of several parties, and remembers how far it is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, ClassVar

from eslab.aggregates import Aggregate, Decider
from eslab.errors import InvalidName, InvalidPayload
from eslab.events import Recorded
from eslab.processes.reactors import Reactor


class ProcessManager(Reactor):
    """A reactor with a memory: it decides on what it has decided before, so its decisions are events as well.

    `memory` is the aggregate, or the decider, whose streams hold them (`fulfilment-7` is the process of order 7); its
    commands have handlers like any others. What happens elsewhere is only heard, and becomes commands to the memory;
    what is asked of the world follows from a decision that has been recorded. So each effect has an event that says
    why, and a crash at any moment leaves nothing half-done: the next run goes on from what is recorded.
    """

    memory: ClassVar[Any]
    entrances = ("react", "hear", "ask")

    def __init__(self, place: str | os.PathLike[str] = ":memory:", *, schema: str = "views") -> None:
        super().__init__(place, schema=schema)
        if not getattr(getattr(self, "memory", None), "category", ""):
            raise InvalidName(
                f"process {self.name} has no memory with a category, expected an aggregate class, or a decider with "
                f"category='…', by which its own events are told from those of others: set memory in its class"
            )

    def hear(self, recorded: Recorded, /) -> Iterable[Any]:
        """The commands to its memory that follow from an event of somebody else."""
        raise InvalidPayload(f"process {self.name} hears nothing: give it a method hear(recorded)")

    def ask(self, recorded: Recorded, /) -> Iterable[Any]:
        """The messages that follow from a decision of its own."""
        raise InvalidPayload(f"process {self.name} asks for nothing: give it a method ask(recorded)")

    def react(self, recorded: Recorded, /) -> Iterable[Any]:
        memory: type[Aggregate] | Decider[Any, Any, Any] = self.memory
        return self.ask(recorded) if recorded.category == memory.category else self.hear(recorded)
