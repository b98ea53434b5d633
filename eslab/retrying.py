"""What may go well the next time is tried again, a few times, with pauses that grow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import stamina

LONGEST = 5.0
"""Seconds that a pause is at most."""


def again(on: type[Exception] | tuple[type[Exception], ...], times: int, pause: float) -> Iterable[stamina.Attempt]:
    """Attempts to go through in a `for`, each in a `with`; after the last of `times` the error is raised.

    The first pause is of `pause` seconds and chance adds to it, so that two who were in each other's way do not meet
    again; each pause is twice the one before. What is retried is told to the logger of stamina, by name "stamina".
    """
    import logging  # both here, because importing them takes as long as importing eslab

    import stamina

    log = logging.getLogger("stamina")
    if not log.handlers:
        log.addHandler(logging.NullHandler())  # without one, logging would print each retry into the notebook
    return stamina.retry_context(
        on=on, attempts=times, timeout=None, wait_initial=pause, wait_max=LONGEST, wait_jitter=pause
    )
