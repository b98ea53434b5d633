"""A projector runs projections over a store, in the cell or in the background, and answers how far they have come."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from typing import Any, Self

from eslab.errors import InvalidName, ProjectionFailed
from eslab.events import PAGE, names_of
from eslab.projections.group import LOOK, Group
from eslab.projections.letters import DeadLetters
from eslab.projections.projection import Projection
from eslab.projections.read_models import ReadModel
from eslab.projections.rebuilding import rebuild
from eslab.projections.running import Run
from eslab.projections.settling import retry, skip
from eslab.projections.statuses import State, Statuses
from eslab.store import Store


class Projector:
    """Runs projections over a store, all of them from one reading of the log.

    In the cell: `catch_up()`. In the background: `start()` and `stop()`, or `with projector:`. An event on which a
    projection fails is tried `attempts` times, with pauses that begin with `pause` seconds; then it is parked, with the
    later ones of its stream, as a dead letter, and all else goes on. `state`, `checkpoint` and `lag` answer at any
    time; of several projections the state is a dict by name, the checkpoint the smallest and the lag the largest, and
    `projector["Balances"]` is one of them.

    Where several processes run one projection over tables, one works and the others stand by. Projections of one
    projector share its thread: give one that is slow a projector of its own. Raises InvalidName if two have one name,
    InvalidPayload if what a projection names in `types` is no event.
    """

    def __init__(
        self, store: Store, *projections: Projection | type[Projection], attempts: int = 3, pause: float = 0.05
    ) -> None:
        self.store = store
        made = [one() if isinstance(one, type) else one for one in projections]
        for one in made:
            names_of(one.types)  # raises, before anything runs, for what is no event
        names = [one.name for one in made]
        if not made or len(set(names)) < len(names):
            raise InvalidName(
                f"the projections are {', '.join(names) or 'none'}; expected one or more, each with a name of its own: "
                f"name = '…' in the class gives it another", found=names,
            )  # fmt: skip
        self._runs = {one.name: Run(store, one, attempts=attempts, pause=pause) for one in made}
        self._group = Group(store, list(self._runs.values()))
        self._panel: Any = None
        weakref.finalize(self, self._group.worker.end)  # a cell that is run again leaves nothing running behind it

    # --- how they stand ---

    def __getitem__(self, name: str) -> Run:
        if name not in self._runs:
            raise InvalidName(f"there is no projection {name!r} here, only {', '.join(self._runs)}", found=name)
        return self._runs[name]

    @property
    def runs(self) -> tuple[Run, ...]:
        """Its projections, one by one."""
        return tuple(self._runs.values())

    @property
    def projection(self) -> Projection:
        """The projection, if there is one; of several, ask `projector[name]`."""
        return self._only().projection

    @property
    def read_model(self) -> ReadModel:
        """Where the projection keeps its state, if there is one; of several, ask `projector[name]`."""
        return self._only().read_model

    @property
    def state(self) -> Any:
        """The read model: Python state, a frame, or a connection to ask. While it runs in the background, Python state
        is a copy of this moment."""
        states = {run.name: run.read_model.seen() if self.running else run.state for run in self.runs}
        return states if len(states) > 1 else next(iter(states.values()))

    @property
    def checkpoint(self) -> int:
        """The position of the last event handled; 0 before the first."""
        return min(run.checkpoint for run in self._runs.values())

    @property
    def lag(self) -> int:
        """How many events of the log it has not handled yet."""
        return self.store.position - self.checkpoint

    @property
    def running(self) -> bool:
        """Whether it runs in the background."""
        return self._group.worker.running

    @property
    def status(self) -> Statuses:
        """How each projection stands; asking disturbs nothing."""
        worker = self._group.worker
        state: State = "stopped" if worker.error is None else "failed"
        if worker.running:
            state = "not stopping" if worker.stopping else "running"
        return Statuses(run.status(state, worker.error) for run in self._runs.values())

    @property
    def dead_letters(self) -> DeadLetters:
        """The events that could not be handled and those that wait behind them, in order of projection and position."""
        return DeadLetters(letter for run in self._runs.values() for letter in run.read_model.letters())

    @property
    def settled(self) -> DeadLetters:
        """The dead letters of the past: handled after all, or skipped, each with its reason."""
        return DeadLetters(letter for run in self._runs.values() for letter in run.read_model.letters(settled=True))

    def __repr__(self) -> str:
        return "\n".join(f"<{s.said}>" for s in self.status)

    def _repr_html_(self) -> str:
        return self.status._repr_html_()

    def panel(self) -> Any:
        """A table of how each projection stands, which follows what happens in the background; always the same one."""
        from eslab.projections.panel import Panel

        self._panel = self._panel or Panel(self)
        return self._panel

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` after every step, from the thread that took it; the function returned ends that."""
        watchers = self._group.watchers
        watchers.append(watcher)
        return lambda: watchers.remove(watcher) if watcher in watchers else None

    # --- in the cell ---

    def catch_up(self, *, batch: int = PAGE) -> int:
        """Handle every event up to the end of the log; returns how many positions the checkpoint moved.

        Raises ProjectionFailed for the first event that was parked meanwhile, when all others are handled. Raises
        ProjectionChanged, ReadModelAltered, OtherLog or StoreUnavailable if a view is not fit to go on with;
        NotCaughtUp if another process leads and does not move.
        """
        began = self.checkpoint
        self._group.catch_up(batch)
        if failure := self._group.failure():
            raise failure
        return self.checkpoint - began

    def rebuild(self, *names: str) -> None:
        """Make read models anew from the first event, all or those named; readers see the old one until it is whole.

        Beside the live view, which may go on in the background meanwhile. Raises ProjectionFailed, and leaves the old
        one as it is, if an event cannot be handled that could be before.
        """
        for run in self._chosen(names):
            try:
                rebuild(run, self._group.turn)
            finally:
                self._group.release()
                self._group.tell()

    def retry(self, stream: str | None = None) -> int:
        """Handle the dead letters, all or those of one stream, in order; returns how many were handled.

        Raises ProjectionFailed if one fails again, when those of the other streams have been tried.
        """
        handled, failures = 0, list[ProjectionFailed]()
        with self._group.turn:
            for run in self._runs.values():
                try:
                    handled += retry(run, stream)
                except ProjectionFailed as failed:
                    failures.append(failed)
        if failures:
            raise failures[0]
        return handled

    def skip(self, position: int, reason: str, *, projection: str | None = None) -> int:
        """Pass over one dead letter for good, and handle those behind it; returns how many these were.

        `reason` is kept, and `settled` shows it. Raises InvalidPosition if none waits there, or without a reason.
        """
        run = self._only() if projection is None else self[projection]
        with self._group.turn:
            return skip(run, position, reason)

    def accept(self, *names: str) -> None:
        """Go on with views that other code has made: you know that the change makes no difference to what is there."""
        with self._group.turn:
            for run in self._chosen(names):
                run.accept()
                run.halted = run.error = None

    # --- in the background ---

    def start(self) -> Self:
        """Keep up with the log in a thread, until `stop` or the end of the program; twice is harmless."""
        self._group.worker.start()
        return self

    def stop(self, timeout: float = 10) -> None:
        """End the background after the events at hand. Raises StillRunning if they take longer than `timeout` seconds,
        for code that does not return cannot be ended from outside."""
        try:
            self._group.worker.stop(timeout)
        finally:
            self._group.release()
        self._group.tell()

    def wait_for(self, position: int, timeout: float = 10) -> None:
        """Return when every view holds all that the log holds up to a position (inclusive), whoever has put it there.

        A projection that was never run holds nothing, not even an empty log. Raises NotCaughtUp when the time is over
        (in seconds), or at once if nobody runs it; ProjectionFailed if the event at this position is a dead letter;
        else what has stopped it.
        """
        until = time.monotonic() + timeout
        for run in self._runs.values():
            while not run.has_come(position):
                self._group.look_into(run, position, time.monotonic() > until)
                time.sleep(LOOK)
            for letter in run.read_model.letters():
                if letter.position == position:
                    raise ProjectionFailed(
                        f"position {position} is not in the view of {run.name}, it is a dead letter: {letter.error}. "
                        f"Correct what is wrong, then retry() or rebuild()", projection=run.name, position=position,
                    )  # fmt: skip

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- small steps ---

    def _only(self) -> Run:
        if len(self._runs) > 1:
            raise InvalidName(
                f"it runs {', '.join(self._runs)}: say which, as in projector[{next(iter(self._runs))!r}], or with "
                f"projection= to skip()"
            )
        return next(iter(self._runs.values()))

    def _chosen(self, names: tuple[str, ...]) -> list[Run]:
        return [self[name] for name in names] if names else list(self._runs.values())
