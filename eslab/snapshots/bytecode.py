"""The instructions of a function are what it does, whatever its lines, comments, docstring and file are."""

from __future__ import annotations

import bisect
import dis
import types
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

PASSED_OVER = {"CACHE", "EXTENDED_ARG", "NOP", "NOT_TAKEN", "PRECALL", "RESUME"}
GLOBAL = {"LOAD_GLOBAL", "LOAD_NAME"}
ATTRIBUTE = {"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"}
FLAGS = 0xFF
"""Those of a code object that say how it is called; a docstring has one of its own since Python 3.13."""


class Step(NamedTuple):
    """One instruction: its operation, and what it is about: a constant, a name, a place to go to, or a number."""

    operation: str
    about: Literal["constant", "name", "place", "number"]
    value: Any


def steps(code: types.CodeType) -> Iterator[Step]:
    """The instructions of a code object in order; places are numbers of instructions, first = 0."""
    kept, places = _kept(code)
    for one in kept:
        if one.opcode in dis.hasconst:
            yield Step(one.opname, "constant", one.argval)
        elif one.opcode in dis.hasname or one.opcode in dis.haslocal or one.opcode in dis.hasfree:
            yield Step(one.opname, "name", one.argval)
        elif one.opcode in dis.hasjrel or one.opcode in dis.hasjabs:
            yield Step(one.opname, "place", bisect.bisect_left(places, one.argval))
        else:
            yield Step(one.opname, "number", one.arg)


def handlers(code: types.CodeType) -> list[tuple[int, ...]]:
    """What `try` guards: from which instruction to which, where it goes to, and how deep the stack is there."""
    _, places = _kept(code)
    entries: list[Any] = getattr(dis.Bytecode(code), "exception_entries", [])
    return [
        (*(bisect.bisect_left(places, place) for place in (one.start, one.end, one.target)), one.depth, one.lasti)
        for one in entries
    ]


def signature(code: types.CodeType) -> tuple[object, ...]:
    """How it is called: the numbers and the names of its parameters, and whether it is a generator."""
    named = code.co_argcount + code.co_kwonlyargcount
    return (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & FLAGS,
            code.co_varnames[:named])  # fmt: skip


def _kept(code: types.CodeType) -> tuple[list[dis.Instruction], list[int]]:
    kept = [one for one in dis.get_instructions(code) if one.opname not in PASSED_OVER]
    return kept, [one.offset for one in kept]
