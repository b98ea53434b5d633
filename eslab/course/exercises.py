"""An exercise is a question whose answer can be run, with its hints, its typical mistakes and its solution.

The starting cell, the solution and the typical mistakes are source code, as a learner would type it. The
tests run all of it, so what `solution` shows is what was tested. The answer is the name that the start binds
last; it is handed to `check`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import partial
from textwrap import dedent
from typing import Any, Literal

from eslab.course.trying import Answer, expect

Kind = Literal["prediction", "value", "function", "class", "events", "store"]


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer: the code that shows it, and the hint for whoever makes it."""

    hint: str
    code: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", dedent(self.code).strip())


@dataclass(frozen=True)
class Exercise:
    """One question of a notebook; `check` returns if the answer is right and raises NotYet if it is not."""

    number: str  # "04.2" is the second exercise of notebook 04
    title: str
    _: KW_ONLY
    kind: Kind
    difficulty: int  # 1 (anyone who has read on) to 5; rises within a notebook
    start: str
    check: Callable[[Answer], object]
    solution: str
    why: str  # one sentence for whoever has solved it: why it matters
    hints: tuple[str, ...]  # in the order in which they are given
    mistakes: Mapping[str, Mistake]
    attempted: Callable[[Answer], bool] | None = None  # asked when the answer is not visibly untouched
    seconds: float = 2.0  # how long a check may run

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", dedent(self.start).strip())
        object.__setattr__(self, "solution", dedent(self.solution).strip())

    @property
    def notebook(self) -> str:
        """The two digits of the notebook, "04"."""
        return self.number.partition(".")[0]

    @classmethod
    def value(
        cls,
        number: str,
        title: str,
        *,
        answer: object,
        slips: Mapping[Any, str],
        kind: Kind = "value",
        start: str = "answer = ...",
        **rest: Any,
    ) -> Exercise:
        """An exercise whose answer is one value; `slips` gives each typical wrong value its hint."""
        name = start.partition("=")[0].strip()
        mistakes = {repr(wrong): Mistake(hint, f"{name} = {wrong!r}") for wrong, hint in slips.items()}
        check = partial(expect, wanted=answer, slips={wrong: repr(wrong) for wrong in slips})
        return cls(number, title, kind=kind, start=start, check=check, mistakes=mistakes, **rest)

    @classmethod
    def prediction(cls, number: str, title: str, *, answer: object, slips: Mapping[Any, str], **rest: Any) -> Exercise:
        """A value that the learner says before the notebook shows it."""
        rest = {"start": "prediction = ...", **rest}
        return cls.value(number, title, answer=answer, slips=slips, kind="prediction", **rest)
