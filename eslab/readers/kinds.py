"""The kind of a column says what its texts are, and a text that is none of that kind is refused."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
from collections.abc import Callable
from typing import Any

Kind = type[Any]
WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
NUMBER = re.compile(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?")


def _whole(value: Any) -> int:
    number = int(_plain(value))
    if not isinstance(value, str) and number != value:
        raise ValueError("not a whole number")
    return number


def _float(value: Any) -> float:
    number = float(_plain(value))
    if not math.isfinite(number):
        raise ValueError("not a number that JSON has")
    return number


def _decimal(value: Any) -> decimal.Decimal:
    number = decimal.Decimal(str(_plain(value)))
    if not number.is_finite():
        raise ValueError("not a number")
    return number


def _plain(value: Any) -> Any:
    """A number, or its text as most programs write it: Python alone would also take 1_000 and nan."""
    if isinstance(value, str) and not NUMBER.fullmatch(value.strip()):
        raise ValueError("not a number")
    return value


def _truth(value: Any) -> bool:
    found = WORDS.get(str(value).strip().lower())
    if found is None:
        raise ValueError("neither yes nor no")
    return found


def _date(value: Any) -> dt.date:
    if isinstance(value, dt.datetime) and value.time() == dt.time():  # as Excel has days
        return value.date()
    return dt.date.fromisoformat(str(value).strip())


KINDS: dict[Kind, Callable[[Any], Any]] = {
    int: _whole, float: _float, decimal.Decimal: _decimal, bool: _truth, dt.datetime: str, dt.date: _date, str: str,
}  # fmt: skip
"""How a value becomes one of its kind; each raises ValueError or ArithmeticError. Times are read by `Times`."""
