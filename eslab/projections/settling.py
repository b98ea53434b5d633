"""A dead letter is settled when its event is handled after all, or skipped for a reason that is kept."""

from __future__ import annotations

import itertools

from eslab.errors import InvalidPosition, ProjectionFailed
from eslab.events import Recorded
from eslab.projections.letters import DeadLetter
from eslab.projections.running import Run, cause_of


def retry(run: Run, stream: str | None = None) -> int:
    """Handle what waits, stream by stream and in order, up to the first of each that fails again; how many it were.

    Raises ProjectionFailed for the first that failed, when all streams have been tried.
    """
    run.check()
    failures: list[ProjectionFailed] = []
    waiting = sorted(run.read_model.letters(), key=lambda letter: (letter.stream, letter.position))
    handled = 0
    for name, letters in itertools.groupby(waiting, key=lambda letter: letter.stream):
        if stream is None or name == stream:
            try:
                for letter in letters:
                    handled += _once_more(run, letter)
            except ProjectionFailed as failed:
                failures.append(failed)
    run.look_at_letters()
    if failures:
        raise failures[0]
    return handled


def skip(run: Run, position: int, reason: str) -> int:
    """Pass over one event for good, and handle those that wait behind it; how many these were.

    It stays skipped when the view is rebuilt. Raises InvalidPosition if it does not wait, or if no reason is given;
    ProjectionFailed if one behind it fails.
    """
    waiting = {letter.position: letter for letter in run.read_model.letters()}
    if position not in waiting or not reason.strip():
        known = ", ".join(map(str, waiting)) or "none"
        raise InvalidPosition(
            f"position {position} is to be skipped because {reason!r}; expected one that waits as a dead letter of "
            f"{run.name} ({known}), and a reason in words", found=position,
        )  # fmt: skip
    letter = waiting[position]
    run.read_model.settle([], [letter.now("skipped", reason=reason)])
    return retry(run, letter.stream)


def _once_more(run: Run, letter: DeadLetter) -> bool:
    try:
        return run.read_model.settle([event_of(run, letter)], [letter.now("handled", attempts=letter.attempts + 1)])
    except ProjectionFailed as failed:
        run.read_model.settle([], [letter.now("waiting", attempts=letter.attempts + 1, error=cause_of(failed))])
        raise


def event_of(run: Run, letter: DeadLetter) -> Recorded:
    """The event that a letter is about."""
    return next(run.store.read(after=letter.position - 1, until=letter.position))
