"""An actor is a generator that announces each of its steps, so that somebody else can say whose turn it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator
from typing import Any, Literal, NamedTuple

from eslab.errors import EslabError
from eslab.show import shortened

LONGEST_WORDS = 120
"""Letters that are shown at most of what an actor returned or raised."""


class CannotExplore(EslabError):
    """What the lab was given cannot be run in every schedule: it does not announce its steps, end, or repeat itself."""


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """The announcement of a step that can be taken only while a condition holds."""

    condition: Callable[[], object]
    label: str


@dataclasses.dataclass(frozen=True, slots=True)
class Crash:
    """The announcement that another actor will be stopped where it stands, and begin again."""

    actor: str
    label: str


Announcement = str | Wait | Crash
Actor = Callable[[Any], Generator[Announcement, None, Any]]


def wait(condition: Callable[[], object], label: str = "wait") -> Wait:
    """Yield this for a step that has to wait, as for a lock: it has no turn until `condition()` is true.

    The condition is asked before each turn and must change nothing.
    """
    return Wait(condition, label)


def crash(actor: str, label: str = "") -> Crash:
    """Yield this for a power cut: in this step, `actor` is stopped where it stands and begins again.

    What it held in its variables is gone, what it did to the world stays. Blocks of `with` and `finally` are left.
    """
    return Crash(actor, label or f"stop {actor}")


class Outcome(NamedTuple):
    """How an actor ended: with what it returned or raised, or waiting for the step that it had announced."""

    actor: str
    kind: Literal["returned", "raised", "waits"]
    value: Any

    def __str__(self) -> str:
        if self.kind == "returned":
            said = self.value if isinstance(self.value, str) else repr(self.value)
            return "done" if self.value is None else f"done: {one_line(said)}"
        if self.kind == "raised":
            return one_line(f"{type(self.value).__name__}: {self.value}")
        return f"waits before {self.value!r}"

    @property
    def brief(self) -> str:
        """The same in a few letters: of an error only its name."""
        return type(self.value).__name__ if self.kind == "raised" else one_line(str(self), 44)


def one_line(text: str, most: int = LONGEST_WORDS) -> str:
    """A text without breaks, shortened."""
    return shortened(" ".join(text.split()), most)


class Running:
    """One actor in one schedule: what it has announced, and how it ended."""

    __slots__ = ("_actor", "_generator", "_world", "announced", "name", "outcome")

    def __init__(self, name: str, actor: Actor, world: Any) -> None:
        self.name, self._actor, self._world = name, actor, world
        self.begin()

    def begin(self) -> None:
        """Run up to the first announcement. Raises CannotExplore if the actor makes none."""
        self._generator = self._actor(self._world)
        if not isinstance(self._generator, Generator):
            raise CannotExplore(
                f"actor {self.name!r} is {type(self._generator).__name__}, expected a generator: write it as a "
                f"function that says `yield 'load'` before each step, or hand it over as threaded(...)",
                actor=self.name, found=self._generator,
            )  # fmt: skip
        self.outcome: Outcome | None = None
        self.go()

    @property
    def ready(self) -> bool:
        """Whether it could take its next step now."""
        if self.outcome is not None:
            return False
        return not isinstance(self.announced, Wait) or bool(self.announced.condition())

    @property
    def label(self) -> str:
        return self.announced if isinstance(self.announced, str) else self.announced.label

    def go(self) -> None:
        """Take the step that was announced, and run on to the next announcement or the end."""
        try:
            self.announced: Announcement = next(self._generator)
        except StopIteration as end:
            self.outcome = Outcome(self.name, "returned", end.value)
            return
        except CannotExplore:
            raise
        except Exception as error:
            self.outcome = Outcome(self.name, "raised", error)
            return
        if not isinstance(self.announced, (str, Wait, Crash)):
            raise CannotExplore(
                f"actor {self.name!r} yields {one_line(repr(self.announced))}, expected a label such as 'load', "
                f"wait(...) or crash(...)", actor=self.name, found=self.announced,
            )  # fmt: skip

    def stop(self) -> None:
        """End it where it stands."""
        self._generator.close()

    def ended(self) -> Outcome:
        """How it ended, or what it waits for."""
        return self.outcome or Outcome(self.name, "waits", self.label)
