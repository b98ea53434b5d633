"""A record in JSON is one object in which each key comes once and each number is one that JSON has."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


def object_of(text: str | bytes) -> dict[str, Any]:
    """The object that a text holds. Raises ValueError or RecursionError if it is none."""
    found = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number, parse_float=_float)
    if not isinstance(found, dict):
        raise ValueError(f"found {type(found).__name__}, expected an object in {{}}")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} comes twice")
    return made


def _float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number that JSON has")
