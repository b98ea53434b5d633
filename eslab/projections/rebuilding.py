"""A view is made anew beside the one that is read, and takes its place when it is whole."""

from __future__ import annotations

import threading

from eslab.errors import EffectOnReplay, StillRunning
from eslab.events import PAGE
from eslab.projections.reading import Page
from eslab.projections.running import Run
from eslab.show import progress


def rebuild(run: Run, turn: threading.RLock) -> None:
    """Show a projection the log from its first event, beside its live view, and swap the two.

    The live view may go on meanwhile; only what came in the last moments is handled while it waits for its `turn`.
    Events that were skipped stay skipped. Raises ProjectionFailed, and leaves the live view as it is, if an event of
    a stream cannot be handled that is not parked in the live view too.
    """
    if not run.projection.replayable:
        raise EffectOnReplay(
            f"{run.name} acts on events, expected a view: to show it the past again would do everything twice. What "
            f"it did not do yet waits in its outbox; what it could not handle, retry() tries again", found=run.name,
        )  # fmt: skip
    if not run.lead():
        raise StillRunning(
            f"found another process that runs {run.name}, expected none: stop it there, then rebuild, or rebuild there"
        )
    beside = run.read_model.beside()
    try:
        twin = Run(run.store, run.projection, attempts=run.attempts, pause=run.pause, model=beside)
        twin.begin()
        settled = run.read_model.letters(settled=True)
        twin.pass_over({letter.position for letter in settled if letter.status == "skipped"})
        show(twin)
        with turn:
            show(twin)
            parked = {letter.stream for letter in run.read_model.letters()}
            for failed in twin.failures:
                if failed.event.stream not in parked:
                    raise failed
            run.read_model.swap(beside)
            run.halted = run.error = None
            run.look_at_letters()
    finally:
        beside.close()


def show(run: Run, *, batch: int = PAGE) -> None:
    """Show a projection what it has not handled yet, up to the end of the log. Raises what stops it."""
    end = run.store.position
    with progress(end - run.checkpoint, run.name) as bar:
        while run.halted is None and (after := run.checkpoint) < end:
            run.take(Page.of(run.store, [run.projection], after, end, batch))
            bar.update(run.checkpoint - after)
    if run.halted is not None and run.error is not None:
        raise run.error
