"""A judgement runs the check of an exercise on an answer and puts the outcome into words."""

from __future__ import annotations

import linecache
import os
import sysconfig
import traceback
from collections.abc import Callable
from typing import Any

from eslab.course.attempts import untouched
from eslab.course.exercises import Exercise, Kind
from eslab.course.feedback import Feedback, Status
from eslab.course.guard import OutOfTime, Run, guarded
from eslab.course.trying import Crashed, NotYet, short

NOTHING: Any = object()  # no `reveal` was given
Details = list[tuple[str, str]]

_SURPRISE = "It came out differently. Which step was not as you thought?"
_LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
_ESLAB = os.path.dirname(os.path.dirname(__file__))


def judge(
    exercise: Exercise, answer: object = ..., *, reveal: object = NOTHING, seconds: float | None = None
) -> Feedback:
    """Say how the answer stands. Nothing that the answer does is raised; it may take `seconds` of time."""
    limit = exercise.seconds if seconds is None else seconds
    run = guarded(lambda: _examine(exercise, answer), limit)
    status, message, mistake, details = _verdict(exercise, run, limit)
    if reveal is not NOTHING and _is_prediction(exercise, run):
        details = [("predicted", _safely(lambda: short(answer))), ("in fact", _revealed(reveal, limit))]
        message = message if run.error is None or mistake else _SURPRISE
    if run.printed:
        details.append(("printed", run.printed))
    if run.put_back:
        details.append(("put back", "your code had replaced " + ", ".join(run.put_back)))
    return Feedback(exercise.number, exercise.title, status, message, mistake, tuple(details))


def _is_prediction(exercise: Exercise, run: Run[Status]) -> bool:
    """Whether a value of the right sort was said, be it right or not: only then may the cell show more."""
    compared = isinstance(run.error, NotYet) and not run.error.says
    return exercise.kind == "prediction" and (compared or run.value is Status.RIGHT)


def _examine(exercise: Exercise, answer: object) -> Status:
    if not _attempted(exercise, answer):
        return Status.NOT_ATTEMPTED
    misfit = _misfit(exercise.kind, answer)
    if misfit:
        raise NotYet(says=misfit)
    exercise.check(answer)
    return Status.RIGHT


def _attempted(exercise: Exercise, answer: Any) -> bool:
    if untouched(answer, exercise.start):
        return False
    if exercise.attempted is not None:
        return exercise.attempted(answer)
    return not (exercise.kind == "store" and getattr(answer, "position", None) == 0)


def _misfit(kind: Kind, answer: object) -> str:
    """What is wrong with the sort of the answer, whatever is in it; empty if nothing is."""
    found = short(answer)
    if kind == "function" and not callable(answer):
        return f"Found {found}, expected a function: give its name alone, without brackets behind it."
    if kind == "class" and not isinstance(answer, type):
        return f"Found {found}, expected a class: give its name alone, without brackets behind it."
    if kind in ("value", "prediction") and callable(answer):
        return f"Found {found}, expected a value: call the function, and give what it returns."
    if kind == "events" and not isinstance(answer, (list, tuple)):
        return f"Found {found}, expected a list of events."
    if kind == "store" and not all(hasattr(answer, verb) for verb in ("append", "load", "read")):
        return f"Found {found}, expected a store, which can append, load and read."
    return ""


def _verdict(exercise: Exercise, run: Run[Status], limit: float) -> tuple[Status, str, str | None, Details]:
    error = run.error
    if run.out_of_time or isinstance(error, OutOfTime):
        return Status.NOT_YET, _late(run, limit), None, _told(getattr(error, "tried", ""))
    if isinstance(error, NotYet):
        return _not_yet(exercise, error)
    if error is not None:
        return _crash(error)
    if run.value is Status.RIGHT:
        return Status.RIGHT, exercise.why, None, []
    todo = "Say what you expect" if exercise.kind == "prediction" else "Put your answer in place of the `...`"
    message = f'{todo}, then run this cell again; `hint("{exercise.number}")` helps.'
    return Status.NOT_ATTEMPTED, message, None, []


def _not_yet(exercise: Exercise, error: NotYet) -> tuple[Status, str, str | None, Details]:
    typical = exercise.mistakes.get(error.mistake or "")
    message = typical.hint if typical else error.says
    message = message or f'This is not it yet; `hint("{exercise.number}")` helps.'
    details = _told(error.tried)
    if error.found:
        details.append(("gave" if error.tried else "found", error.found))
    return Status.NOT_YET, message, error.mistake, details


def _crash(error: BaseException) -> tuple[Status, str, str | None, Details]:
    tried = error.tried if isinstance(error, Crashed) else ""
    cause = error.error if isinstance(error, Crashed) else error
    place = _own_line(cause)
    whose = "Your code" if place else "The check"
    message = f"{whose} stopped with {_named(cause)}."
    return Status.NOT_YET, message, None, _told(tried) + place


def _late(run: Run[Status], limit: float) -> str:
    late = f"It did not finish within {limit:g} seconds. Is there a loop that never ends?"
    stuck = " It cannot be stopped and still runs: restart the kernel."
    return late + (stuck if run.still_running else "")


def _told(tried: str) -> Details:
    return [("tried", tried)] if tried else []


def _named(error: BaseException) -> str:
    """The type and the message, on one line: `KeyError: 'balance'`."""
    text = " ".join(_safely(lambda: str(error)).split())
    return f"{type(error).__name__}: {text[:300]}".removesuffix(": ")


def _safely(make: Callable[[], str]) -> str:
    run = guarded(make, 0.5)  # a learner's own exception or value may have a text that never ends
    return run.value if isinstance(run.value, str) else "(its text cannot be made)"


def _own_line(error: BaseException) -> Details:
    """The last line that was run of the learner's own code, which is neither ours nor a library's."""
    own = [place for place in traceback.extract_tb(error.__traceback__) if not _is_library(place.filename)]
    if not own:
        return []
    number = own[-1].lineno or 0
    line = linecache.getline(own[-1].filename, number).strip()
    return [(f"your line {number}", line)] if line else []


def _is_library(filename: str) -> bool:
    return filename.startswith(("<string>", "<frozen", _ESLAB, *_LIBRARIES))


def _revealed(reveal: Any, limit: float) -> str:
    """The thing that was predicted, as text; a function is run first, and may raise."""
    if not callable(reveal):
        return _safely(lambda: repr(reveal))[:2000]
    run = guarded(lambda: repr(reveal())[:2000], limit)
    if run.out_of_time:
        return _late(Run(), limit)
    return f"raised {_named(run.error)}" if run.error else str(run.value)
