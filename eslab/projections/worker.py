"""A worker does the same piece of work again and again, in a thread of its own, until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from eslab.errors import StillRunning


class Worker:
    """Runs `work` over and over; `busy` says what it is at, for the case that it does not return."""

    def __init__(self, work: Callable[[], None], busy: Callable[[], str]) -> None:
        self._work, self._busy = work, busy
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.error: BaseException | None = None
        """What ended it, if it was not told to stop."""

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether it has been told to stop: the work should come to an end at the next good place."""
        return self._stop.is_set()

    @property
    def told_to_stop(self) -> bool:
        """The same for the work itself; never for somebody else who does the same work meanwhile."""
        return self.stopping and threading.current_thread() is self._thread

    def start(self) -> None:
        """Begin, unless it runs already. Raises StillRunning while an earlier stop waits for the work to return."""
        if self.running:
            if self.stopping:
                raise self._does_not_return()
            return
        self._stop, self.error = threading.Event(), None
        self._thread = threading.Thread(target=self._run, args=(self._stop,), name="eslab", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Tell it to stop, and do not wait for it."""
        self._stop.set()

    def stop(self, timeout: float) -> None:
        """End it, after the piece of work at hand. Raises StillRunning if that takes longer than `timeout` seconds."""
        self.end()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
            if self._thread.is_alive():
                raise self._does_not_return()

    def pause(self, seconds: float) -> None:
        """Do nothing for so long, or until it is told to stop."""
        self._stop.wait(seconds)

    def _run(self, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                self._work()
        except BaseException as error:
            self.error = error

    def _does_not_return(self) -> StillRunning:
        return StillRunning(
            f"found {self._busy()}, which does not return, expected that it ends after the events at hand: nothing of "
            f"them is kept until it does. It ends by itself then; if it never will, restart the kernel"
        )
