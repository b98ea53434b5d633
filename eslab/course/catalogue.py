"""The catalogue finds an exercise by its number, in the file `e04_….py` of its notebook."""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cache

import eslab.course
from eslab.course.exercises import Exercise
from eslab.errors import UnknownName


def notebooks() -> dict[str, str]:
    """The two digits of every notebook that has exercises, with the module that holds them."""
    names = (module.name for module in pkgutil.iter_modules(eslab.course.__path__))
    matches = (re.fullmatch(r"e(\d\d)_\w+", name) for name in names)
    return dict(sorted((match[1], f"eslab.course.{match[0]}") for match in matches if match))


@cache
def exercises_of(notebook: str) -> dict[str, Exercise]:
    """The exercises of one notebook by number, in their order. Raises UnknownName if it has none."""
    module = notebooks().get(notebook)
    if module is None:
        raise UnknownName(
            f"notebook {notebook!r} has no exercises: expected one of {', '.join(notebooks()) or 'none yet'}",
            name=notebook, known=tuple(notebooks()),
        )  # fmt: skip
    return {exercise.number: exercise for exercise in importlib.import_module(module).EXERCISES}


def find(number: str) -> Exercise:
    """The exercise with this number. Raises UnknownName, which lists the numbers of the notebook."""
    match = re.fullmatch(r"(\d\d)\.\d+", number) if isinstance(number, str) else None
    if match is None:
        raise UnknownName(
            f"{number!r} is no exercise: expected text like '04.2', which is the second of notebook 04; "
            f"there are exercises for {', '.join(notebooks())}",
            name=number, known=tuple(notebooks()),
        )  # fmt: skip
    known = exercises_of(match[1])
    if number not in known:
        raise UnknownName(
            f"exercise {number!r} does not exist: notebook {match[1]} has {', '.join(known)}",
            name=number, known=tuple(known),
        )  # fmt: skip
    return known[number]
