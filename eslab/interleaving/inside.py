"""Inside a store, its locks and its small methods are the steps: a plain function becomes an actor that stops at each.

Such an actor has a thread of its own, which moves only while the lab hands it the turn, so that a schedule decides
everything. The locks of the store are replaced by locks that the lab knows, so that it also sees who waits. Some
hundreds of schedules a second are run so; generators make ten thousands of them.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Generator
from typing import Any, Self, TypeVar

from eslab.interleaving.actors import Actor, Announcement, CannotExplore, wait
from eslab.rows import Rows
from eslab.stores.memory import MemoryStore

S = TypeVar("S", bound=MemoryStore)
STEPS = tuple(sorted(Rows.__abstractmethods__ - {"_writing"}))
"""The small methods of a store before each of which an actor stops; `_writing` only hands out the lock."""
LOCKS = (type(threading.Lock()), type(threading.RLock()), threading.Condition)
PATIENCE = 10.0
"""Seconds after which a thread that does not hand back its turn is given up."""

_here = threading.local()


def stepping(store: S) -> S:
    """The same store, changed so that threaded actors stop before each of its small methods and at its locks.

    Raises CannotExplore for a store on a database, whose locks the lab cannot see.
    """
    if not isinstance(store, MemoryStore):
        raise CannotExplore(
            f"{type(store).__name__} waits in its database, where the lab cannot see who waits for whom: expected a "
            f"MemoryStore, or a class made from it", found=store,
        )  # fmt: skip
    locks = {name: held for name, held in vars(store).items() if isinstance(held, LOCKS)}
    for name, held in locks.items():
        called = "the lock" if len(locks) == 1 else f"lock {name}"
        setattr(store, name, SeenLock(called, again=not isinstance(held, type(threading.Lock()))))
    for name in STEPS:
        setattr(store, name, _announced(name, getattr(store, name)))
    return store


def threaded(work: Callable[[Any], Any]) -> Actor:
    """A plain function of the world as an actor; its steps are those of a stepping store, and each `switch`.

    As with every actor, what it does before the first of them is done before the schedule begins.
    """

    def actor(world: Any) -> Generator[Announcement, None, Any]:
        turns = Turns(functools.partial(work, world))
        try:
            while (announced := turns.go()) is not None:
                yield announced
        finally:
            turns.stop()
        return turns.result()

    return actor


def switch(announced: Announcement) -> None:
    """Let others have their turn here, in a threaded actor; anywhere else this does nothing."""
    turns: Turns | None = getattr(_here, "turns", None)
    if turns is not None:
        turns.announce(announced)


def _announced(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **named: Any) -> Any:
        switch(name)
        return method(*args, **named)

    return call


class _Stopped(BaseException):
    """Raised in a thread whose actor is stopped, so that it leaves what it has entered."""


class Turns:
    """A thread and the lab take turns: one of the two always waits for the other."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._announced: Announcement | None = None
        self._mine, self._labs = threading.Lock(), threading.Lock()
        self._mine.acquire()
        self._labs.acquire()
        self.stopped = False
        self._error: BaseException | None = None
        self._value: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def go(self) -> Announcement | None:
        """Let the thread run to its next announcement; None if it has ended.

        Raises CannotExplore if it does neither for PATIENCE seconds.
        """
        self._mine.release()
        if not self._labs.acquire(timeout=PATIENCE):
            raise CannotExplore(
                f"a threaded actor has announced no step for {PATIENCE} seconds: it waits for something that the lab "
                f"does not know, or goes on for ever; give it a `switch`, or make what it waits for part of the store",
                seconds=PATIENCE,
            )  # fmt: skip
        return self._announced

    def announce(self, announced: Announcement) -> None:
        """Called in the thread: hand the turn back until the lab gives it again."""
        if not self.stopped:
            self._announced = announced
            self._labs.release()
            self._mine.acquire()
        if self.stopped:
            raise _Stopped

    def stop(self) -> None:
        """End the thread where it stands, if it has not ended."""
        self.stopped = True
        if self._mine.locked():
            self._mine.release()
        self._thread.join(1)  # longer only if it is in an endless loop of its own

    def result(self) -> Any:
        """What the function returned. Raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._value

    def _run(self) -> None:
        _here.turns = self
        self._mine.acquire()
        try:
            if not self.stopped:
                self._value = self._work()
        except _Stopped:
            self._value = None
        except BaseException as error:
            self._error = error
        finally:
            self._announced = None
            self._labs.release()


class SeenLock:
    """Stands for a lock or a condition of a store: to take it is a step that waits until nobody has it.

    The lab itself, which has no turns, looks past it: everybody else stands still then.
    """

    def __init__(self, name: str, *, again: bool) -> None:
        self.name, self._again = name, again
        self._owner: Turns | None = None
        self._depth = 0

    def acquire(self) -> bool:
        me = getattr(_here, "turns", None)
        if me is not None and not (self._again and self._owner is me):
            switch(wait(lambda: self._owner is None, f"take {self.name}"))
            self._owner = me
        self._depth += me is not None
        return True

    def release(self) -> None:
        me = getattr(_here, "turns", None)
        if me is not None and self._owner is me:
            self._depth -= 1
            self._owner = me if self._depth else None
        elif me is not None and not me.stopped:
            raise RuntimeError(f"cannot release {self.name}: it was not acquired")

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def wait_for(self, condition: Callable[[], object], seconds: float | None = None) -> bool:
        """Wait until it holds, however long: the lab has no clock, and nothing to come is a deadlock."""
        depth, owner = self._depth, self._owner
        self._depth, self._owner = 0, None
        switch(wait(lambda: self._owner is None and condition(), f"wait on {self.name}"))
        self._depth, self._owner = depth, owner
        return True

    def notify_all(self) -> None:
        """Nothing to do: the lab asks every condition before each turn. Raises RuntimeError if it is not held."""
        me = getattr(_here, "turns", None)
        if me is not None and self._owner is not me:
            raise RuntimeError("cannot notify on un-acquired lock")
