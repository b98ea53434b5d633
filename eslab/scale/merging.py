"""A fold can be merged when the state of two halves of a log, put together, is the state of the whole."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from eslab.events import Recorded
from eslab.laws import Kept, LawBroken
from eslab.laws.folds import Folds
from eslab.laws.said import called, difference, differing
from eslab.show import counted
from eslab.states import Change

CUTS = (2, 3, 8)
"""Into how many partitions the streams are dealt; each three times, by other chance."""


def mergeable(fold: Any, merge: Callable[[Any, Any], Any], history: Iterable[Recorded]) -> Kept:
    """Folding parts of a history, in which each stream is whole, and merging the states equals folding all of it.

    What breaks it: a fold to which the order of events of different streams matters, or a merge that loses something.
    Raises LawBroken with an event at which it shows.
    """
    __tracebackhide__ = True
    history = list(history)
    folds = Folds(fold, history)
    deals = [(parts, salt) for parts in CUTS for salt in range(3)]
    for parts, salt in deals:
        law = functools.partial(_parting, folds, merge, parts, salt)
        if change := law(history):
            step = _first(history, law)
            _broken(fold, history, parts, step, law(history[:step]) or change)
    tried = f"{counted(len(history), 'event')}, dealt out in {len(deals)} ways"
    return Kept("merge law", f"{called(fold)} over {tried}, merges to the state of all")


def _parting(
    folds: Folds, merge: Callable[[Any, Any], Any], parts: int, salt: int, history: Sequence[Recorded]
) -> Change | None:  # fmt: skip
    """The first difference between the state of all and the merged states, None if there is none."""
    dealt: dict[int, list[Recorded]] = {}
    for recorded in history:
        dealt.setdefault(zlib.crc32(f"{salt}{recorded.stream}".encode()) % parts, []).append(recorded)
    states = [_folded(folds, dealt[number]) for number in sorted(dealt)]
    merged = functools.reduce(merge, states) if states else _folded(folds, ())
    return difference(_folded(folds, history), merged)


def _folded(folds: Folds, history: Sequence[Recorded]) -> Any:
    run = folds.run()
    return functools.reduce(run.evolve, history, run.fold.initial())


def _first(history: Sequence[Recorded], broken: Callable[[Sequence[Recorded]], object]) -> int:
    """An early step (first event = 1) until which the law is kept, and with which it is broken."""
    step = 1
    while step < len(history) and not broken(history[:step]):
        step *= 2
    kept, step = step // 2, min(step, len(history))
    while step - kept > 1:
        middle = (kept + step) // 2
        kept, step = (kept, middle) if broken(history[:middle]) else (middle, step)
    return step


def _broken(fold: Any, history: Sequence[Recorded], parts: int, step: int, change: Change) -> None:
    __tracebackhide__ = True
    at = history[step - 1]
    raise LawBroken(
        f"merge law: {called(fold)}, folded in {parts} partitions and merged: {differing(change)}; it shows at event "
        f"{step} (position {at.position}, {at.type}). Merge all that the state holds; a fold that needs the order of "
        f"events over all streams is folded in one place",
        law="merge law", step=step, position=at.position, expected=change.before, found=change.after,
    )  # fmt: skip
