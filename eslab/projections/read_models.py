"""A read model is the place where a projection keeps its state, and with it how far it has come."""

from __future__ import annotations

import abc
import copy
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

from eslab.events import Recorded
from eslab.projections.letters import DeadLetter
from eslab.projections.projection import Projection, evolved


class Mark(NamedTuple):
    """How far a read model has come, and which code has made it."""

    checkpoint: int = 0
    """The position up to which the log is in it, or did not concern it; 0 = nothing yet."""
    position: int = 0
    event_id: str = ""
    """The last event that it was shown, by which another log of the same length is recognised; '' = none yet."""
    made_by: str = ""
    """The fingerprint of the projection's code; '' = it has never been run."""


class ReadModel(abc.ABC):
    """State, mark and dead letters of one projection: what changes together is changed at once, or not at all."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection

    @property
    @abc.abstractmethod
    def state(self) -> Any:
        """What readers ask."""

    @property
    @abc.abstractmethod
    def mark(self) -> Mark: ...

    @property
    def checkpoint(self) -> int:
        return self.mark.checkpoint

    @abc.abstractmethod
    def letters(self, *, settled: bool = False) -> list[DeadLetter]:
        """The dead letters that wait, or those that were handled or skipped, in order of position."""

    @abc.abstractmethod
    def apply(self, events: Sequence[Recorded], after: int, mark: Mark, letters: Sequence[DeadLetter] = ()) -> bool:
        """Handle events, keep letters and move the mark; all or nothing.

        False, with nothing done, if the checkpoint is not `after` any more, because another process was faster.
        Raises ProjectionFailed at an event that cannot be handled, StoreUnavailable if the place cannot be used.
        """

    @abc.abstractmethod
    def settle(self, events: Sequence[Recorded], letters: Sequence[DeadLetter]) -> bool:
        """Handle the events of dead letters, and write what became of the letters; all or nothing.

        False, with nothing done, if one of them does not wait any more. Raises as `apply` does.
        """

    @abc.abstractmethod
    def beside(self) -> ReadModel:
        """An empty read model of the same projection, to be built while this one is read."""

    @abc.abstractmethod
    def swap(self, beside: ReadModel) -> None:
        """Put what was built beside in the place of this, at once; letters that were skipped here stay skipped."""

    def lead(self, role: str = "") -> bool:
        """Whether this is the one that may work on it, in this role; others stand by until `release`, or its end."""
        return True

    def release(self, role: str = "") -> None:
        """Let another lead."""
        return

    def check(self) -> None:
        """Raise ReadModelAltered if it is not as its projection makes it."""
        return

    def seen(self) -> Any:
        """The state for a reader in another thread: it does not change under the reader's hands."""
        return self.state

    def close(self) -> None:
        """Give back what it holds open."""
        return


class PythonState(ReadModel):
    """A read model in memory."""

    def __init__(self, projection: Projection) -> None:
        super().__init__(projection)
        self._turn = threading.RLock()
        self._state, self._mark, self._letters = projection.initial(), Mark(), dict[int, DeadLetter]()
        self._careful = False

    @property
    def state(self) -> Any:
        return self._state

    @property
    def mark(self) -> Mark:
        return self._mark

    def letters(self, *, settled: bool = False) -> list[DeadLetter]:
        kept = list(self._letters.items())  # at once, as another thread may add to it
        return [letter for _, letter in sorted(kept) if (letter.status != "waiting") == settled]

    def apply(self, events: Sequence[Recorded], after: int, mark: Mark, letters: Sequence[DeadLetter] = ()) -> bool:
        with self._turn:
            if self._mark.checkpoint != after:
                return False
            self._evolve(events)
            self._mark = mark
            self._letters.update({letter.position: letter for letter in letters})
            return True

    def settle(self, events: Sequence[Recorded], letters: Sequence[DeadLetter]) -> bool:
        with self._turn:
            there = [self._letters.get(letter.position) for letter in letters]
            if any(letter is None or letter.status != "waiting" for letter in there):
                return False
            self._evolve(events)
            self._letters.update({letter.position: letter for letter in letters})
            return True

    def _evolve(self, events: Sequence[Recorded]) -> None:
        """Change the state, or leave it as it was.

        A state that was changed in place cannot go back, but the log can always make it again: the first time, it
        begins anew. After that a copy is kept before every change, as what has failed may fail again.
        """
        before = copy.deepcopy(self._state) if self._careful else None
        try:
            self._state = evolved(self.projection, self._state, events)
        except BaseException:
            self._state = before
            if not self._careful:
                self._state, self._mark, self._careful = self.projection.initial(), Mark(), True
            raise

    def beside(self) -> ReadModel:
        return type(self)(self.projection)

    def swap(self, beside: ReadModel) -> None:
        with self._turn:
            skipped = {letter.position: letter for letter in self.letters(settled=True) if letter.status == "skipped"}
            self._state, self._mark = beside.state, beside.mark
            self._letters = {**{letter.position: letter for letter in beside.letters()}, **skipped}

    def seen(self) -> Any:
        with self._turn:
            return copy.deepcopy(self._state)
