"""An attempt is an answer that differs from the cell's starting text by more than blanks and comments."""

from __future__ import annotations

import ast
import dis
import inspect
from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType
from typing import Any

_QUIET = {"RESUME", "NOP", "CACHE", "COPY_FREE_VARS", "MAKE_CELL"}
_RETURNS = {"LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}


def untouched(answer: object, start: str) -> bool:
    """Whether the answer is still `...`, None, empty of code, or just what the starting code makes."""
    if answer is ... or answer is None:
        return True
    if isinstance(answer, type):
        return _class_untouched(answer, start)
    code = getattr(inspect.unwrap(answer), "__code__", None) if callable(answer) else None
    if code is not None:
        return _code_untouched(code, start)
    return _has_gap(answer) or _is_start_value(answer, start)


def _has_gap(answer: object) -> bool:
    if isinstance(answer, dict):
        return any(map(_is_gap, answer.values()))
    return isinstance(answer, (list, tuple, set)) and any(map(_is_gap, answer))


def _is_gap(value: object) -> bool:
    return value is ... or _has_gap(value)


def _is_start_value(answer: object, start: str) -> bool:
    last = ast.parse(start).body[-1]
    if not isinstance(last, (ast.Assign, ast.AnnAssign)) or last.value is None:
        return False
    found, value = _literal(last.value)
    return found and type(value) is type(answer) and bool(value == answer)


def _literal(node: ast.expr) -> tuple[bool, object]:
    try:
        return True, ast.literal_eval(node)
    except (ValueError, TypeError):
        return False, None  # an expression to be run, not a literal: nothing to compare with


def _code_untouched(code: CodeType, start: str) -> bool:
    return _says_nothing(code) or _shape(code) == _shapes(start).get(code.co_qualname)


def _says_nothing(code: CodeType) -> bool:
    """Whether a body is only `...`, `pass`, a docstring, or `raise NotImplementedError`."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in _QUIET]
    if steps[-1].opname == "RAISE_VARARGS":
        return code.co_names == ("NotImplementedError",)
    return all(step.opname in _RETURNS and step.argval in (None, ...) for step in steps)


@cache
def _shapes(start: str) -> dict[str, tuple[object, ...]]:
    module = compile(start, "<start>", "exec", dont_inherit=True)
    return {code.co_qualname: _shape(code) for code in _codes(module)}


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _shape(code: CodeType) -> tuple[object, ...]:
    """What a code does, without where it stands."""
    constants = tuple(_shape(part) if isinstance(part, CodeType) else repr(part) for part in code.co_consts)
    return code.co_code, code.co_names, code.co_varnames, constants


def _class_untouched(cls: type[Any], start: str) -> bool:
    body = _class_body(cls.__name__, start)
    own = dict(vars(cls))
    fields = set(inspect.get_annotations(cls))
    if not fields <= {node.target.id for node in body if _is_field(node)}:  # type: ignore[attr-defined]
        return False
    functions = {name: code for name, value in own.items() if (code := _own_code(cls, value)) is not None}
    plain = {name for name in own.keys() - functions.keys() - fields if not name.startswith("_")}
    made = {name for name in plain if _generated(own[name]) or (name == "name" and own[name] == cls.__name__)}
    if not plain <= _assigned(body) | made:  # a projection is named after its class, unless it says another name
        return False
    return all(_code_untouched(code, start) for code in functions.values())


def _class_body(name: str, start: str) -> list[ast.stmt]:
    for node in ast.parse(start).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node.body
    return []


def _is_field(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def _assigned(body: list[ast.stmt]) -> set[str]:
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _generated(value: object) -> bool:
    return isinstance(value, FunctionType) and value.__code__.co_filename == "<string>"


def _own_code(cls: type[Any], value: Any) -> CodeType | None:
    """The code of a method that stands in the class itself, not of one that a decorator made."""
    function = inspect.unwrap(getattr(value, "__func__", None) or getattr(value, "fget", None) or value)
    if not isinstance(function, FunctionType) or _generated(function):
        return None
    return function.__code__ if function.__module__ == cls.__module__ else None
