"""Projections that run together are shown one log: each page of it is read once, for all who have not seen it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from eslab.errors import EslabError, NotCaughtUp, StoreUnavailable
from eslab.events import PAGE
from eslab.projections.reading import Page
from eslab.projections.running import Run
from eslab.projections.worker import Worker
from eslab.retrying import LONGEST
from eslab.show import progress
from eslab.store import Store

LOOK = 0.02
"""Seconds between two looks at how far a projection has come that another process runs."""
SLICE = 0.1
"""Seconds that the background waits at most before it looks whether it was stopped."""
LOOK_AGAIN = 0.2
"""Seconds between two looks whether the process that leads is still there, or the place of a view is there again."""
PATIENCE = 10.0
"""Seconds that a process that leads may take for its next step, before it is said not to move."""


class Group:
    """Several runs over one store, and the thread in which they keep up with it."""

    def __init__(self, store: Store, runs: Sequence[Run]) -> None:
        self.store, self.runs = store, runs
        self.turn = threading.RLock()
        """Held while a page is handled, so that nobody else changes a view meanwhile."""
        self.worker = Worker(self._keep_up, self._busy)
        self.watchers: list[Callable[[], None]] = []
        self._backoff = SLICE

    # --- once, to the end of the log ---

    def catch_up(self, batch: int) -> None:
        """Show everything to the end of the log, and wait for what another process is showing."""
        end = self.store.position
        try:
            with self.turn:
                ready = [run for run in self.runs if run.begin()]
            self._show(ready, end, batch)
            for run in self.runs:
                self._stand_by(run, end, batch)
        finally:
            self.release()
            self.tell()

    def failure(self) -> EslabError | None:
        """What has stopped a projection, or else the first failure of an event that one has parked."""
        stopped = [run.error for run in self.runs if run.halted not in (None, "standing by")]
        return next(iter([*stopped, *(failed for run in self.runs for failed in run.failures)]), None)

    def _show(self, runs: list[Run], end: int, batch: int = PAGE) -> None:
        began = min((run.checkpoint for run in runs), default=end)
        with progress(end - began, runs[0].name if len(runs) == 1 else f"{len(runs)} projections") as bar:
            while behind := [run for run in runs if run.halted is None and run.checkpoint < end]:
                if self.worker.told_to_stop:
                    return
                with self.turn:
                    after = min(run.checkpoint for run in behind)
                    page = Page.of(self.store, [run.projection for run in behind], after, end, batch)
                    for run in behind:
                        run.take(page)
                bar.update(page.until - after)
                self.tell()

    def _stand_by(self, run: Run, end: int, batch: int) -> None:
        """See that a projection which another process leads comes as far as `end`, by that process or by this one."""
        checkpoint, until = run.checkpoint, time.monotonic() + PATIENCE
        while run.halted == "standing by" and run.checkpoint < end:
            if run.checkpoint > checkpoint:
                checkpoint, until = run.checkpoint, time.monotonic() + PATIENCE
            if time.monotonic() > until:
                raise NotCaughtUp(
                    f"projection {run.name} stands at position {checkpoint}, expected {end}: another process runs it, "
                    f"and has not moved for {PATIENCE:g} seconds; look there", checkpoint=checkpoint, position=end,
                )  # fmt: skip
            if run.begin():
                self._show([run], end, batch)
            else:
                time.sleep(LOOK)

    # --- in the background ---

    def _keep_up(self) -> None:
        """One step of the thread: show what is new, then wait for more."""
        try:
            end = self.store.position
            self._show([run for run in self.runs if self._ready(run)], end)
            self._backoff = SLICE
            self.tell()
            self.store.wait(end, SLICE)
        except StoreUnavailable as error:
            for run in self.runs:
                if not run.stuck:
                    run.halt(error)
            self.tell()
            self.worker.pause(self._backoff)
            self._backoff = min(2 * self._backoff, LONGEST)

    def _ready(self, run: Run) -> bool:
        """Whether a projection may go on; one that somebody must look at first is left alone."""
        with self.turn:
            if run.stuck:
                return False
            if run.leading and run.halted is None:
                return run.go_on()
            if time.monotonic() < run.look_at:
                return False
            run.look_at = time.monotonic() + LOOK_AGAIN
            return run.begin()

    def _busy(self) -> str:
        at = [f"{run.name} at positions {run.busy[0]} to {run.busy[1]}" for run in self.runs if run.busy]
        return ", ".join(at) or "the reading of the log"

    # --- who else is concerned ---

    def release(self) -> None:
        """Let others lead, unless the thread goes on."""
        if not self.worker.running:
            for run in self.runs:
                run.release()

    def tell(self) -> None:
        """Tell those who watch that something may have changed."""
        for watcher in list(self.watchers):
            watcher()

    def look_into(self, run: Run, position: int, late: bool) -> None:
        """While somebody waits for a position: raise what has stopped the projection, or that it will not get there."""
        if run.stuck and run.error is not None:
            raise run.error
        if late or not self._runs_somewhere(run):
            why = "the time is over" if late else "nobody runs it: start() it, or catch_up()"
            raise NotCaughtUp(
                f"projection {run.name} stands at position {run.checkpoint}, expected {position}: {why}",
                checkpoint=run.checkpoint, position=position,
            ) from (self.worker.error or run.error)  # fmt: skip

    def _runs_somewhere(self, run: Run) -> bool:
        if self.worker.running:
            return True
        if alone := run.lead():
            run.release()
        return not alone
