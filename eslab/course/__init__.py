"""A course is notebooks to run and exercises that answer back.

Three verbs for a learner: `check("04.2", answer)` says how an answer stands, `hint("04.2")` helps a step
further, and `solution("04.2")` shows one way and why it matters.
"""

from __future__ import annotations

from typing import Any

from eslab.course.catalogue import find
from eslab.course.feedback import Feedback, Hint, Solution
from eslab.course.judging import NOTHING, judge
from eslab.errors import UnknownName

__all__ = ["check", "hint", "solution"]


def check(number: str, answer: Any = ..., *, reveal: Any = NOTHING, seconds: float | None = None) -> Feedback:
    """Say how an answer stands: not attempted, not yet (with a hint for that very mistake), or right.

    The answer may be a value, a function, a class, a list of events or a store. A function or class is run on
    cases that the learner has not seen, for at most `seconds` (if not given, the exercise's own limit). What
    it raises is told, not raised. `reveal` belongs to a prediction: it is shown only if there is one, and run
    only then if it is a function without arguments.

    Raises UnknownName, with the numbers of that notebook, if there is no such exercise.
    """
    return judge(find(number), answer, reveal=reveal, seconds=seconds)


def hint(number: str, place: int = 1) -> Hint:
    """Give one hint, counted from 1. Raises UnknownName if there is no such exercise or hint."""
    hints = find(number).hints
    if place not in range(1, len(hints) + 1):
        raise UnknownName(
            f"exercise {number!r} has no hint {place!r}: expected 1 to {len(hints)}; "
            f'after the last one, solution("{number}") shows a way',
            name=number, place=place, known=tuple(range(1, len(hints) + 1)),
        )  # fmt: skip
    return Hint(number, place, len(hints), hints[place - 1])


def solution(number: str) -> Solution:
    """Show code that solves the exercise, and why it matters. Raises UnknownName if there is none."""
    found = find(number)
    return Solution(found.number, found.title, found.solution, found.why)
