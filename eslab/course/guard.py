"""A guarded run of a learner's code: what it printed, how it ended, and a world that is as it was before.

It is for mistakes, not against malice. The code runs in a thread of its own: that works in a kernel's main
thread and in a widget's callback, on every system, and a thread can be ended from outside by an exception.
Only a single call into C that never returns cannot be ended; that is told.
"""

from __future__ import annotations

import builtins
import contextlib
import contextvars
import ctypes
import io
import itertools
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Generic, NoReturn, TypeAlias, TypeVar

T = TypeVar("T")
_ONE_AT_A_TIME = threading.Lock()  # what is printed, and input(), belong to the whole process
TraceFunction: TypeAlias = "Callable[[FrameType, str, object], TraceFunction]"
ESLAB = str(Path(__file__).parents[1])
PATIENCE = 20  # how often a thread is told to end
PAUSE = 0.05  # seconds between two tellings


class OutOfTime(BaseException):  # not an Exception: `except Exception` in a loop shall not keep it alive
    """Raised within the learner's code when its time is up; `tried` is what was being tried.

    A bare `except:` catches it even so. So, once made, it sees to it that the very next line of the learner's code
    raises another one: the first line of that handler.
    """

    tried = ""

    def __init__(self) -> None:
        super().__init__()
        frames = [frame for frame, _ in traceback.walk_stack(sys._getframe(1))]
        if not any(frame.f_code is _keep_the_outcome.__code__ for frame in frames):
            return  # the work has ended meanwhile
        sys.settrace(lambda _frame, _what, _value: None)
        for frame in itertools.takewhile(lambda frame: frame.f_code is not _keep_the_outcome.__code__, frames):
            if not frame.f_code.co_filename.startswith(ESLAB):
                frame.f_trace = _raise_at_a_line


def _raise_at_a_line(_frame: FrameType, what: str, _value: object) -> TraceFunction:
    if what == "line":
        raise OutOfTime
    return _raise_at_a_line


class AskedForInput(Exception):
    """The answer called input(), but nobody is there to type."""


@dataclass
class Run(Generic[T]):
    """How a guarded run ended: by a value or by an error, in time or not."""

    value: T | None = None
    error: BaseException | None = None
    printed: str = ""
    out_of_time: bool = False
    still_running: bool = False
    put_back: tuple[str, ...] = ()


class Shortened(io.TextIOBase):
    """A place to print to that keeps the first `limit` characters and only counts the rest."""

    def __init__(self, limit: int = 400) -> None:
        self._kept = ""
        self._written = 0
        self._limit = limit

    def writable(self) -> bool:
        """Always: it is there to be printed to."""
        return True

    def write(self, text: str) -> int:
        """Keep what still fits."""
        self._kept += text[: self._limit - len(self._kept)]
        self._written += len(text)
        return len(text)

    def text(self) -> str:
        """What was printed, and how much more there was."""
        more = self._written - len(self._kept)
        return self._kept.rstrip() + (f" … and {more:,} more characters" if more else "")


def guarded(work: Callable[[], T], seconds: float) -> Run[T]:
    """Run `work` for at most `seconds` and report what it does; nothing is raised or printed."""
    run: Run[T] = Run()
    output = Shortened()
    context = contextvars.copy_context()
    worker = threading.Thread(target=context.run, args=(_keep_the_outcome, work, run), daemon=True)
    with _ONE_AT_A_TIME, _callables_put_back(run), _usual_surroundings(output):
        worker.start()
        try:
            worker.join(seconds)
            run.out_of_time = worker.is_alive()
        finally:  # also when the learner interrupts the kernel
            _end(worker)
    run.still_running = worker.is_alive()
    run.printed = output.text()
    return run


def _keep_the_outcome(work: Callable[[], T], run: Run[T]) -> None:
    with contextlib.suppress(OutOfTime):  # a last telling may arrive when the work has ended
        try:
            run.value = work()
        except BaseException as error:  # SystemExit as well: it is the learner's, and is reported
            run.error = error


def _end(worker: threading.Thread) -> None:
    """Tell the thread to end, again and again: a bare `except:` may swallow it once."""
    for _ in range(PATIENCE):
        if not worker.is_alive():
            return
        _raise_within(worker, OutOfTime)
        worker.join(PAUSE)


def _raise_within(thread: threading.Thread, error: type[BaseException]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(error))


def _refuse_input(prompt: object = "") -> NoReturn:
    raise AskedForInput("nobody can type while an answer is checked: take what is needed as an argument")


@contextlib.contextmanager
def _usual_surroundings(output: Shortened) -> Iterator[None]:
    asked, hook, depth = builtins.input, sys.breakpointhook, sys.getrecursionlimit()
    builtins.input = _refuse_input
    sys.breakpointhook = lambda *_args, **_kwargs: None
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            yield
    finally:
        builtins.input, sys.breakpointhook = asked, hook
        sys.setrecursionlimit(depth)


@contextlib.contextmanager
def _callables_put_back(run: Run[Any]) -> Iterator[None]:
    """Put back every function and class of Python's builtins and of eslab that was replaced meanwhile."""
    before = {owner: dict(vars(owner)) for owner in _owners()}
    try:
        yield
    finally:
        run.put_back = tuple(name for owner, was in before.items() for name in _put_back(owner, was))


def _put_back(owner: Any, was: dict[str, Any]) -> Iterator[str]:
    for name in [name for name, value in was.items() if vars(owner).get(name) is not value and _runs(value)]:
        setattr(owner, name, was[name])
        yield f"{owner.__name__}.{name}"
    added = [name for name in vars(owner) if name not in was]
    inherited = [vars(base) for base in owner.__mro__[1:]] if added and isinstance(owner, type) else []
    hidden = {name for names in inherited for name, value in names.items() if _runs(value)}
    for name in [name for name in added if name in hidden]:
        delattr(owner, name)  # so that the class inherits again
        yield f"{owner.__name__}.{name}"


def _runs(value: object) -> bool:
    return callable(value) or isinstance(value, (classmethod, staticmethod, property))


def _owners() -> Iterator[Any]:
    yield builtins
    for name, module in list(sys.modules.items()):
        if module is not None and name.partition(".")[0] == "eslab":
            yield module
            classes = [value for value in vars(module).values() if isinstance(value, type)]
            yield from (cls for cls in classes if cls.__module__ == name)
