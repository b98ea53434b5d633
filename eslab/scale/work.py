"""The work of one worker is to fold one partition, and to say where it cannot."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from eslab.errors import EslabError, ProjectionFailed
from eslab.events import PAGE, Recorded
from eslab.projections import Projection
from eslab.projections.projection import evolved
from eslab.scale.partitions import Partition
from eslab.views import Running, View


class PartitionFailed(EslabError):
    """A partition could not be folded: an event that the fold cannot handle, or a worker that cannot do the work."""


class Asked(NamedTuple):
    """What is to be made of each partition: a state for each stream, or with `whole` one of all.

    Events that were recorded, or occurred, after these times (as they are stored) are left out. `last` asks for the
    last event of each stream beside its state, which is most of what goes over the network.
    """

    fold: Any
    whole: bool
    recorded_until: str | None
    occurred_until: str | None
    last: bool = False

    def sees(self, recorded: Recorded) -> bool:
        return (self.recorded_until is None or recorded.recorded_text <= self.recorded_until) and (
            self.occurred_until is None or recorded.occurred_text <= self.occurred_until
        )


States = dict[str, tuple[Recorded | None, Any]]
"""By stream, its last event and the state after it; for a fold over all streams under "", as if it were one."""


class Failed(NamedTuple):
    """Why a partition cannot be folded, as texts and numbers, which every process can read."""

    why: str
    facts: dict[str, Any]
    trace: str = ""
    """Where in the code, as it is on the worker."""


class Told(NamedTuple):
    """What came of a partition: how many events were read, the states, and what cannot be folded."""

    events: int
    states: States
    failed: Failed | None = None


def fold_partition(
    partition: Partition, asked: Asked, missing: Sequence[str] = (), tick: Callable[[int], object] = lambda read: None
) -> Told:
    """Fold a partition, a page of events at a time; `tick` is told how many were read, `missing` is what was not to be
    had here.

    What goes wrong in the fold is told, not raised, so that nobody tries the same again.
    """
    run, states, events = Running(View(asked.fold), ()), States(), 0
    step = _all_streams if asked.whole else _each_stream
    left = iter(partition)
    while page := list(itertools.islice(left, PAGE)):
        try:
            step(run, states, [recorded for recorded in page if asked.sees(recorded)])
        except _Stopped as stopped:
            return Told(events, {}, stopped.said(partition, missing))
        events += len(page)
        tick(len(page))
    return Told(events, states if asked.last else {stream: (None, state) for stream, (_, state) in states.items()})


def _each_stream(run: Running, states: States, page: list[Recorded]) -> None:
    for recorded in page:
        known = states.get(recorded.stream)
        try:
            state = run.evolve(known[1] if known else run.fold.initial(), recorded)
        except Exception as error:
            raise _Stopped(recorded, error) from error
        states[recorded.stream] = recorded, state


def _all_streams(run: Running, states: States, page: list[Recorded]) -> None:
    seen = [recorded for recorded in page if _is_shown(run, recorded)]
    if not seen:
        return
    state = states[""][1] if states else run.fold.initial()
    if isinstance(run.fold, Projection):
        try:
            state = evolved(run.fold, state, seen)
        except ProjectionFailed as error:
            raise _Stopped(error.event, error.__cause__ or error) from error
    else:
        for recorded in seen:
            try:
                state = run.fold.evolve(state, recorded)
            except Exception as error:
                raise _Stopped(recorded, error) from error
    states[""] = seen[-1], state


def _is_shown(run: Running, recorded: Recorded) -> bool:
    """Whether a projection wants the event, as its `types` and `categories` say."""
    return (run.types is None or recorded.type in run.types) and (
        run.categories is None or recorded.category in run.categories
    )


class _Stopped(Exception):
    """The fold cannot handle an event."""

    def __init__(self, recorded: Recorded, error: BaseException) -> None:
        super().__init__(recorded, error)
        self.recorded, self.error = recorded, error

    def said(self, partition: Partition, missing: Sequence[str]) -> Failed:
        at, why = self.recorded, f"{type(self.error).__name__}: {self.error}"
        if missing:
            why += (
                f" (the worker could not get {', '.join(missing)}: install it there, or client.upload_file('rules.py'))"
            )
        facts = {name: getattr(at, name) for name in ("stream", "version", "position", "type")}
        return Failed(
            f"stream {at.stream!r} cannot be folded: version {at.version} ({at.type}, position {at.position}, in "
            f"partition {partition.number}) gave {why}. Fold that stream alone to see it, correct the fold, then fold "
            f"again", {"partition": partition.number, **facts, "why": why},
            "".join(traceback.format_exception(self.error)),
        )  # fmt: skip
