"""What a law says: kept, with how much was tried, or broken, with the event at which it shows."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NoReturn

from eslab.aggregates import Decider
from eslab.errors import EslabError
from eslab.events import Recorded
from eslab.show import shortened, table
from eslab.snapshots.things import place_of
from eslab.states import Change, differences, name


class LawBroken(EslabError, AssertionError):
    """A fold, or a rule, broke a law. Facts: law, step (first event = 1, 0 before it), position in the log, and what
    was expected and found."""


@dataclasses.dataclass(frozen=True, repr=False)
class Kept:
    """A law that was kept, and what was tried."""

    law: str
    said: str

    def __repr__(self) -> str:
        return f"{self.law}: {self.said}"

    def _repr_html_(self) -> str:
        return table(("law", "kept"), [(self.law, self.said)])


def called(fold: Any) -> str:
    """What a fold is called in a sentence."""
    return repr(fold) if isinstance(fold, Decider) else place_of(fold).rpartition(".")[2]


def difference(expected: Any, found: Any) -> Change | None:
    """The first difference between two states, None if there is none."""
    for one in differences(expected, found):
        if isinstance(one, Change) and not (_is_nan(one.before) and _is_nan(one.after)):
            return one
    return None


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


NEXT_STEPS = {
    "prefix law": "Keep in the state all that the next event needs, and nothing that cannot be stored",
    "purity": "Keep what the event says, ask nothing else, and change nothing that was given",
    "redelivery": "Keep view and checkpoint together, so that an event that was handled is known again",
    "upcast, then fold": "Correct the upcaster; the old events stay as they are",
}


def broken(law: str, because: str, at: Recorded | None, step: int, expected: Any = None, found: Any = None) -> NoReturn:
    """Raise LawBroken: what went wrong, at which event, and what to do next."""
    __tracebackhide__ = True
    where = "before the first event" if at is None else f"at event {step} (position {at.position}, {at.type})"
    raise LawBroken(f"{law}: {because}; first {where}. {NEXT_STEPS[law]}", law=law, step=step,
                    position=at.position if at else None, expected=expected, found=found)  # fmt: skip


def differing(change: Change, root: str = "state") -> str:
    """A difference as a part of a sentence: `state.balance should be 3 and is 4`."""
    where = root + "".join(f".{part}" if isinstance(part, str) else f"[{name(part)}]" for part in change.path)
    return f"{where} should be {shortened(change.before, 80)} and is {shortened(change.after, 80)}"
