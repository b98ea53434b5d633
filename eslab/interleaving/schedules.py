"""A schedule is one order in which the steps of some actors can happen; it can be looked at, drawn and run again."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from eslab.errors import InvalidPosition
from eslab.interleaving.actors import Outcome
from eslab.show import counted, table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SHOWN = 12


class Step(NamedTuple):
    """One turn of one actor.

    `number` counts from 1. `position` is where the log ended after the step, None if the world has no store; `seen` is
    what `watch` said of the world then, and `hit` the actor that a crash stopped in this step.
    """

    number: int
    actor: str
    label: str
    position: int | None = None
    seen: str = ""
    hit: str = ""


class Ran(NamedTuple):
    """What came out of a schedule: its steps, how each actor ended, and what broke, in words ("" if nothing did)."""

    steps: tuple[Step, ...]
    outcomes: tuple[Outcome, ...]
    broken: str
    world: Any = None

    @property
    def switches(self) -> int:
        """How often another actor had its turn than the one before."""
        return sum(one.actor != other.actor for one, other in zip(self.steps, self.steps[1:], strict=False))


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule by its number (from 1), among how many it was found, and what came out of it.

    `world` is how it left the world, where it was replayed; else None.
    """

    number: int
    among: str
    ran: Ran

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.ran.steps

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """How each actor ended, by name."""
        return {outcome.actor: outcome for outcome in self.ran.outcomes}

    @property
    def broken(self) -> str:
        """What broke, in words; "" if the invariant held."""
        return self.ran.broken

    @property
    def switches(self) -> int:
        """How often another actor had its turn than the one before."""
        return self.ran.switches

    @property
    def world(self) -> Any:
        return self.ran.world

    @property
    def title(self) -> str:
        """Its number and what came of it, in a line."""
        came = f"broken: {self.broken}" if self.broken else "the invariant holds"
        return f"schedule {self.number} of {self.among}, {came}"

    @property
    def lanes(self) -> tuple[list[str], list[list[str]]]:
        """Heads and rows of a table: time runs down, each actor has a column, the last row says how they ended."""
        names = list(self.outcomes)
        ends = ["" if step.position is None else str(step.position) for step in self.steps]
        sees = {"log": ends, "seen": [step.seen for step in self.steps]}
        shown = {head: column for head, column in sees.items() if any(column)}
        rows = [
            [str(step.number), *(_cell(step, name) for name in names), *(column[at] for column in shown.values())]
            for at, step in enumerate(self.steps)
        ]
        last = ["", *(self.outcomes[name].brief for name in names), *("" for _ in shown)]
        return ["step", *names, *shown], [*rows, last]

    @property
    def errors(self) -> list[str]:
        """What the actors raised, in words."""
        return [f"{outcome.actor}: {outcome}" for outcome in self.ran.outcomes if outcome.kind == "raised"]

    def to_frame(self) -> pd.DataFrame:
        """The steps as a frame: step (the index), actor, label, position, seen, hit."""
        import pandas as pd

        return pd.DataFrame([step._asdict() for step in self.steps], columns=list(Step._fields)).rename(
            columns={"number": "step"}).set_index("step")  # fmt: skip

    def draw(self, ax: Axes | None = None) -> Axes:
        """The schedule as a picture in time: a lane for each actor, its steps numbered."""
        from eslab.interleaving.picture import draw

        return draw(self, ax)

    def __len__(self) -> int:
        """How many steps it has."""
        return len(self.steps)

    def __str__(self) -> str:
        heads, rows = self.lanes
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
                 for row in (heads, *rows)]  # fmt: skip
        return "\n".join([self.title, *lines, *self.errors])

    def __repr__(self) -> str:
        return f"<{self.title}; {', '.join(step.actor for step in self.steps[:SHOWN])}{self._more}>"

    @property
    def _more(self) -> str:
        return f" … {len(self) - SHOWN} more" if len(self) > SHOWN else ""

    def _repr_html_(self) -> str:
        return table(*self.lanes, caption=self.title, note="; ".join(self.errors))


def _cell(step: Step, name: str) -> str:
    return step.label if step.actor == name else "✗ begins again" if step.hit == name else ""


class Schedules:
    """The schedules of some actors that were run: how many there are, which of them are broken, and any of them again.

    `sampled` is "" if these are all there are; else it says of how many, and by which seed, they were drawn.
    """

    def __init__(
        self,
        found: Sequence[Ran],
        again: Callable[[Ran], Ran],
        *,
        sampled: str = "",
        numbers: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        self._found, self._again, self.sampled = found, again, sampled
        self._numbers = range(1, len(found) + 1) if numbers is None else numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[Schedule]:
        return map(self._numbered, self._numbers)

    @property
    def broken(self) -> Schedules:
        """Those in which the invariant broke, with the numbers that they have among all."""
        numbers = [number for number in self._numbers if self._found[number - 1].broken]
        return _Some(self._found, self._again, sampled=self.sampled, numbers=numbers)

    @property
    def shortest(self) -> Schedule | None:
        """The broken one with the fewest switches between actors, then the fewest steps; None if none is broken."""
        broken = ((ran.switches, len(ran.steps), number) for number, ran in self._ran() if ran.broken)
        best = min(broken, default=None)
        return self._numbered(best[2]) if best else None

    def replay(self, number: int) -> Schedule:
        """Run a schedule again, by its number (from 1), and keep the world as it left it.

        Raises InvalidPosition for a number that there is not, CannotExplore if it goes another way than before.
        """
        if type(number) is not int or not 1 <= number <= len(self._found):
            raise InvalidPosition(
                f"schedule {number!r} does not exist: there are {len(self._found):,}, numbered from 1", found=number
            )
        return dataclasses.replace(self._numbered(number), ran=self._again(self._found[number - 1]))

    @property
    def ended(self) -> dict[str, int]:
        """How often it ended in which way, in words, the most frequent first; "" is how often nothing broke."""
        return dict(collections.Counter(ran.broken for _, ran in self._ran()).most_common())

    @property
    def raised(self) -> dict[tuple[str, str], int]:
        """How often an actor raised an error: {(actor, name of the error): schedules}."""
        return dict(collections.Counter(
            (outcome.actor, type(outcome.value).__name__)
            for _, ran in self._ran() for outcome in ran.outcomes if outcome.kind == "raised"
        ))  # fmt: skip

    def __repr__(self) -> str:
        return "\n  ".join([self._headline, *self._summary()])

    def _repr_html_(self) -> str:
        """The broken ones first, the shortest at the top."""
        ranked = sorted(self._ran(), key=lambda one: (not one[1].broken, one[1].switches, len(one[1].steps), one[0]))
        rows = [
            [number, " · ".join(f"{step.actor} {step.label}" for step in ran.steps), ran.switches,
             f"broken: {ran.broken}" if ran.broken else "holds"]
            for number, ran in ranked[:SHOWN]
        ]  # fmt: skip
        more = f"… and {len(self) - SHOWN:,} more" if len(self) > SHOWN else ""
        notes = "; ".join([*self._summary(), *([more] if more else [])])
        return table(["schedule", "steps in order", "switches", "the invariant"], rows, caption=self._headline,
                     note=notes)  # fmt: skip

    @property
    def _headline(self) -> str:
        broken = sum(bool(ran.broken) for _, ran in self._ran())
        names = [outcome.actor for outcome in self._found[0].outcomes] if self._found else []
        return f"{self._among} of {_listed(names)}: {f'{broken:,} broken' if broken else 'none is broken'}"

    @property
    def _among(self) -> str:
        return self.sampled or counted(len(self._found), "schedule")

    def _summary(self) -> list[str]:
        said = [f"{times:,}: {words}" for words, times in self.ended.items() if words]
        said += [f"{actor} raised {error} in {times:,}" for (actor, error), times in self.raised.items()]
        shortest = self.shortest
        return [*said[:SHOWN], *([f"the shortest broken one is schedule {shortest.number}"] if shortest else [])]

    def _ran(self) -> Iterator[tuple[int, Ran]]:
        return ((number, self._found[number - 1]) for number in self._numbers)

    def _numbered(self, number: int) -> Schedule:
        return Schedule(number, self.sampled or f"{len(self._found):,}", self._found[number - 1])


class _Some(Schedules):
    """Some of the schedules of an exploration."""

    @property
    def _among(self) -> str:
        return f"{len(self):,} of {super()._among}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names) or "nobody"
