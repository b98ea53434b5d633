"""A trial is one call of a learner's code, with what came out of it held against what should have.

A check is a plain function made of trials and expectations: it returns if all hold, and raises NotYet at the
first that does not. The learner is told what was tried and what came out, never what should have come out.
"""

from __future__ import annotations

import copy
import itertools
import math
import re
import reprlib
from collections.abc import Callable, Mapping
from numbers import Number
from typing import Any

from eslab.course.guard import OutOfTime

Answer = Any
Slips = Mapping[Any, str]  # a typical wrong value, or the class of a typical exception -> a mistake's name

_MISSING_RETURN = "It gave None. Is a `return` missing?"
_SORTS: dict[Any, str] = {
    bool: "True or False",
    Number: "a number",
    str: "text",
    (list, tuple): "a list",
    (set, frozenset): "a set",
    dict: "a dictionary",
}
_shortener = reprlib.Repr()
_shortener.maxlist = _shortener.maxtuple = _shortener.maxdict = _shortener.maxset = 12
_shortener.maxlevel = 8
_shortener.maxstring = _shortener.maxother = _shortener.maxlong = 160


def short(value: object) -> str:
    """The value as text of readable length, without memory addresses."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", _shortener.repr(value))


class NotYet(Exception):
    """The answer is not right yet; `mistake` names the typical mistake that it shows, if it is one."""

    def __init__(self, mistake: str | None = None, *, tried: str = "", found: object = ..., says: str = "") -> None:
        super().__init__(mistake or says)
        self.mistake = mistake
        self.tried = tried
        self.found = "" if found is ... else short(found)  # now, as a repr may be the learner's code
        self.says = says


class Crashed(Exception):
    """The learner's code raised `error` where a result was wanted."""

    def __init__(self, tried: str, error: BaseException) -> None:
        super().__init__(tried)
        self.tried = tried
        self.error = error


class Trial:
    """What one call of the learner's code gave: a value or an error. Made by `trying`."""

    def __init__(self, tried: str, given: list[Any], call: Callable[[], Any]) -> None:
        self.tried = tried
        self._given = [(thing, copy.copy(thing)) for thing in given]
        self._value: Any = None
        self._error: BaseException | None = None
        try:
            self._value = call()
        except OutOfTime as late:
            late.tried = tried
            raise
        except (Exception, SystemExit) as error:
            self._error = error

    @property
    def result(self) -> Any:
        """The value that came out. Raises Crashed if an exception did."""
        if self._error is not None:
            raise Crashed(self.tried, self._error) from self._error
        return self._value

    def gives(self, wanted: object, *, slips: Slips | None = None, otherwise: str | None = None) -> Trial:
        """Expect a value; a wrong one shows the mistake that `slips` has for it, or `otherwise`."""
        self._slip_of_error(slips)
        expect(self.result, wanted, slips=slips, otherwise=otherwise, tried=self.tried)
        return self

    def raises(self, error: type[Exception], *, slips: Slips | None = None, otherwise: str | None = None) -> Trial:
        """Expect an exception; a value instead shows the mistake that `slips` has for it, or `otherwise`."""
        if isinstance(self._error, error):
            return self
        self._slip_of_error(slips)
        raise NotYet(_slip(self.result, slips) or otherwise, tried=self.tried, found=self.result)

    def unchanged(self, *, otherwise: str | None = None) -> Trial:
        """Expect that the call left the lists, dicts and sets that it was given as they were."""
        for given, before in self._given:
            if len(given) != len(before) or not all(map(_identical, _items(given), _items(before))):
                raise NotYet(otherwise, tried=self.tried, says="It changed what it was given to read.")
        return self

    def _slip_of_error(self, slips: Slips | None) -> None:
        for kind, mistake in (slips or {}).items():
            if isinstance(kind, type) and self._error is not None and isinstance(self._error, kind):
                raise NotYet(mistake, tried=self.tried)


def trying(function: Answer, *args: Any, tried: str = "", **kwargs: Any) -> Trial:
    """Call the learner's code once, with copies of the lists, dicts and sets, so that no case is spoilt.

    `tried` is what the learner is told of it; without it, the call is written out.
    """
    args = tuple(_copied(arg) for arg in args)
    kwargs = {name: _copied(arg) for name, arg in kwargs.items()}
    given = [arg for arg in (*args, *kwargs.values()) if isinstance(arg, (list, dict, set))]
    return Trial(tried or _written_out(function, args, kwargs), given, lambda: function(*args, **kwargs))


def expect(
    found: object,
    wanted: object,
    *,
    slips: Slips | None = None,
    otherwise: str | None = None,
    tried: str = "",
) -> None:
    """Hold what was found against what is wanted; `slips` and `otherwise` name the mistake that it shows.

    Numbers are equal across their types, floats nearly; lists and tuples are alike; text counts without case
    and outer blanks. Raises NotYet.
    """
    if same(found, wanted):
        return
    mistake = _slip(found, slips)
    says = ""
    if mistake is None and found is None:
        says = _MISSING_RETURN
    elif mistake is None and otherwise is None and wanted is not None and _sort(found) != _sort(wanted):
        says = f"Found {_sort(found)}, expected {_sort(wanted)}."
    raise NotYet(mistake or (None if says else otherwise), tried=tried, found=found, says=says)


def same(found: Any, wanted: Any) -> bool:
    """Whether two values are equal to a teacher: by value, but never across sorts, so that True is not 1."""
    if _sort(found) != _sort(wanted) and not isinstance(found, type(wanted)):
        return False
    if isinstance(wanted, bool) != isinstance(found, bool):
        return False
    if isinstance(wanted, str):
        return bool(found.strip().casefold() == wanted.strip().casefold())
    if isinstance(wanted, float) or isinstance(found, float):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(wanted, (list, tuple)):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(same(found[key], wanted[key]) for key in wanted)
    return bool(found == wanted)


def _sort(value: object) -> str:
    for kind, sort in _SORTS.items():
        if isinstance(value, kind):
            return sort
    return repr(type(value).__name__)


def _slip(found: object, slips: Slips | None) -> str | None:
    matches = (mistake for wrong, mistake in (slips or {}).items() if found is wrong or same(found, wrong))
    return next(matches, None)


def _copied(value: Any) -> Any:
    return copy.deepcopy(value) if isinstance(value, (list, dict, set)) else value


def _items(container: Any) -> list[Any]:
    return list(itertools.chain(*container.items())) if isinstance(container, dict) else list(container)


def _identical(one: object, other: object) -> bool:
    return one is other


def _written_out(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    parts = [short(arg) for arg in args] + [f"{key}={short(arg)}" for key, arg in kwargs.items()]
    return f"{name}({', '.join(parts)})"
