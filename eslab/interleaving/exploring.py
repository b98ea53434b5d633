"""To explore is to run some actors in every order there is: from the start again for each, one choice different.

The search keeps no states, so whatever Python can do an actor may do (Patrice Godefroid's VeriSoft, 1997); all that is
asked is that the same choices lead to the same steps.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from eslab.interleaving.actors import Actor, CannotExplore, Crash, Outcome, Running, one_line
from eslab.interleaving.schedules import Ran, Schedules, Step
from eslab.store import Store

Ready = tuple[str, ...]
"""The names of the actors that could have the next turn."""
WORDS = 240
"""Letters that are kept at most of what an invariant says."""
Choose = Callable[[int, Ready], int]
"""Which of them has it, counted from 0, given how many steps were taken."""


def explore(
    start: Callable[[], Any], actors: Mapping[str, Actor], invariant: Callable[[Any], object], *,
    most: int = 10_000, seed: int = 0, longest: int = 200, watch: Callable[[Any], object] | None = None,
) -> Schedules:  # fmt: skip
    """Run the actors in every schedule; each gets the world that `start()` makes anew, and so does the invariant.

    An actor is a generator function that yields a short label before each step (or `wait(...)`, or `crash(...)`); what
    stands before its first yield is done before any step. The invariant is asked when all have ended: False or an
    error (an AssertionError with words, best) is broken, and so is a schedule in which all that are left wait.
    If there are more than `most` schedules, so many are drawn by chance, by the seed. `watch(world)` is shown at each
    step.

    Raises CannotExplore for actors that announce nothing, take more than `longest` steps, or do not repeat themselves,
    and for a start that does not make the world anew.

    >>> def add_one(world):
    ...     yield "read"
    ...     seen = world["n"]
    ...     yield "write"
    ...     world["n"] = seen + 1
    >>> explore(lambda: {"n": 0}, {"Ada": add_one, "Bob": add_one}, lambda world: world["n"] == 2)
    6 schedules of Ada and Bob: 4 broken
      4: the invariant does not hold
      the shortest broken one is schedule 3
    """
    if type(most) is not int or most < 1:
        raise CannotExplore(f"most is {most!r}, expected how many schedules to run at most, 1 or more", found=most)
    if not isinstance(actors, Mapping):
        raise CannotExplore(
            f"actors is {one_line(repr(actors))}, expected them by name: {{'Ada': withdraw, 'Bob': withdraw}}",
            found=actors,
        )
    lab = Lab(start, dict(actors), invariant, longest, watch)
    found = list(itertools.islice(lab.every(), most + 1))
    if len(found) <= most:
        return Schedules(found, lab.again)
    found = lab.sample(most, seed)
    return Schedules(found, lab.again, sampled=f"a sample of {len(found):,} (seed {seed}) among more schedules")


class Lab:
    """What is explored: it runs one schedule, every one, or some by chance."""

    def __init__(
        self, start: Callable[[], Any], actors: dict[str, Actor], invariant: Callable[[Any], object], longest: int,
        watch: Callable[[Any], object] | None,
    ) -> None:  # fmt: skip
        self.start, self.actors, self.invariant, self.longest, self.watch = start, actors, invariant, longest, watch
        self._last: Any = None

    def every(self) -> Iterator[Ran]:
        """Every schedule, in the order in which the choices are counted up from the last."""
        taken: list[tuple[Ready, int]] = []
        while True:
            path, taken = taken, []
            yield self._run(_along(path, taken))
            while taken and taken[-1][1] + 1 == len(taken[-1][0]):
                taken.pop()
            if not taken:
                return
            ready, choice = taken.pop()
            taken.append((ready, choice + 1))

    def sample(self, many: int, seed: int) -> list[Ran]:
        """So many different schedules, drawn by chance: some in which the actors take turns, some in long runs."""
        chance, spent = random.Random(seed), set[tuple[int, ...]]()
        found: list[Ran] = []
        while len(found) < many and () not in spent:
            taken: list[tuple[Ready, int]] = []
            found.append(self._run(_by_chance(chance, taken, spent)))
            path, ways = [choice for _, choice in taken], [len(ready) for ready, _ in taken]
            spent.add(tuple(path))
            while path and all((*path[:-1], way) in spent for way in range(ways[len(path) - 1])):
                path.pop()
                spent.add(tuple(path))
        return found

    def again(self, before: Ran) -> Ran:
        """The same schedule once more, with its world. Raises CannotExplore if it goes another way."""

        def choose(taken: int, ready: Ready) -> int:
            wanted = before.steps[taken].actor if taken < len(before.steps) else ""
            return ready.index(wanted) if wanted in ready else _another_way(taken)

        ran = self._run(choose, keep=True)
        for at, (one, other) in enumerate(itertools.zip_longest(before.steps, ran.steps)):
            if one is None or other is None or one[:4] != other[:4]:
                _another_way(at)
        if bool(before.broken) != bool(ran.broken):
            _another_way(len(ran.steps))
        return ran

    def _run(self, choose: Choose, *, keep: bool = False) -> Ran:
        world, steps = self._anew(), list[Step]()
        running: dict[str, Running] = {}
        try:
            for name, actor in self.actors.items():
                running[name] = Running(name, actor, world)
            while ready := tuple(name for name, one in running.items() if one.ready):
                if len(steps) == self.longest:
                    raise _endless(steps, ready)
                turn = running[ready[choose(len(steps), ready)]]
                steps.append(self._step(len(steps) + 1, turn, running, world))
            outcomes = tuple(one.ended() for one in running.values())
            broken = _deadlock(outcomes) or self._broken(world)
        finally:
            for one in running.values():
                one.stop()
        if not keep:
            _forget(outcomes)
        return Ran(tuple(steps), outcomes, broken, world if keep else None)

    def _anew(self) -> Any:
        """A fresh world. Raises CannotExplore if it is the one that the last schedule has left."""
        world = self.start()
        if self._last is not None and (world is self._last[0] or _store(world) is self._last[1] is not None):
            raise CannotExplore(
                f"start() gives the same {type(world).__name__} each time, in which the last schedule has left its "
                f"traces: make it inside of start", found=world,
            )  # fmt: skip
        self._last = world, _store(world)
        return world

    def _step(self, number: int, actor: Running, running: dict[str, Running], world: Any) -> Step:
        label, hit = actor.label, ""
        if isinstance(actor.announced, Crash):
            hit = actor.announced.actor
            if hit == actor.name or hit not in running:
                raise CannotExplore(
                    f"actor {actor.name!r} stops {hit!r}, expected one of the others: "
                    f"{', '.join(name for name in running if name != actor.name)}", actor=actor.name, found=hit,
                )  # fmt: skip
            running[hit].stop()
            running[hit].begin()
        actor.go()
        store = _store(world)
        position = None if store is None else store.position
        return Step(number, actor.name, label, position, "" if self.watch is None else str(self.watch(world)), hit)

    def _broken(self, world: Any) -> str:
        """What is broken, in words; "" if the invariant holds."""
        try:
            held = self.invariant(world)
        except AssertionError as error:
            return one_line(str(error).partition("\n")[0], WORDS) or "the invariant does not hold"
        except Exception as error:
            return one_line(f"{type(error).__name__}: {error}", WORDS)
        return "" if held is None or held else "the invariant does not hold"


def _store(world: Any) -> Store | None:
    """The store that a world is, or has."""
    found = world if isinstance(world, Store) else getattr(world, "store", None)
    return found if isinstance(found, Store) else None


# --- whose turn it is -----------------------------------------------------------------------------------------------


def _along(path: Sequence[tuple[Ready, int]], taken: list[tuple[Ready, int]]) -> Choose:
    """First along the path, then always the first; what was taken is written down."""

    def choose(at: int, ready: Ready) -> int:
        choice = 0
        if at < len(path):
            choice = path[at][1] if path[at][0] == ready else _another_way(at)
        taken.append((ready, choice))
        return choice

    return choose


def _by_chance(chance: random.Random, taken: list[tuple[Ready, int]], spent: set[tuple[int, ...]]) -> Choose:
    """By chance, with more or less love for the actor that had the last turn; never where all was drawn before."""
    stay, last = chance.random(), ""

    def choose(at: int, ready: Ready) -> int:
        nonlocal last
        before = tuple(choice for _, choice in taken)
        left = [name for choice, name in enumerate(ready) if (*before, choice) not in spent] or _another_way(at)
        if last not in left or chance.random() >= stay:
            last = chance.choice(left)
        taken.append((ready, ready.index(last)))
        return ready.index(last)

    return choose


def _another_way(taken: int) -> NoReturn:
    raise CannotExplore(
        f"step {taken + 1} went another way than the last time with the same steps before it: an actor depends on "
        f"time, chance, or something that start() does not make anew; give the world a clock and ids of its own",
        step=taken + 1,
    )  # fmt: skip


def _endless(steps: list[Step], ready: Ready) -> CannotExplore:
    last = ", ".join(f"{step.actor} {step.label}" for step in steps[-4:])
    return CannotExplore(
        f"after {len(steps)} steps {', '.join(ready)} still went on (… {last}): let an actor end, wait with "
        f"`yield wait(condition, label)` instead of looking again and again, or allow more steps with longest=",
        steps=len(steps), actors=ready,
    )  # fmt: skip


def _deadlock(outcomes: tuple[Outcome, ...]) -> str:
    waiting = [f"{outcome.actor} {outcome}" for outcome in outcomes if outcome.kind == "waits"]
    return f"deadlock: {'; '.join(waiting)}" if waiting else ""


def _forget(outcomes: tuple[Outcome, ...]) -> None:
    """Errors without the frames they came from, which would keep thousands of worlds alive."""
    for outcome in outcomes:
        error = outcome.value if outcome.kind == "raised" else None
        while error is not None:
            error.__traceback__, error = None, error.__cause__ or error.__context__
