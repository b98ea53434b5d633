"""A value can be written as the Python that makes it, with the imports that this Python needs.

So what was done by hand in a notebook, a branch or a moment of a timeline, can be taken away as code or as a test.
"""

from __future__ import annotations

import builtins
import dataclasses
import datetime as dt
import enum
import itertools
import keyword
import math
import sys
import types
import uuid
import zoneinfo
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

import msgspec

from eslab.errors import EslabError
from eslab.events import Recorded, record

WIDTH = 120
"""How many characters a line of the text has at most, where it can be broken at all."""


class Unwritable(EslabError):
    """A value has no Python text: a lambda, a local function, an object that only its maker knows how to make."""


class Call(NamedTuple):
    """Python that can be broken over lines: what opens it, its parts, each with a label before it, and what closes it.

    With `comma` there is one behind the last part on a single line too, as a tuple of one needs it.
    """

    opens: str
    parts: tuple[tuple[str, Expression], ...]
    closes: str
    comma: bool = False


Expression = str | Call


def written(value: Any) -> tuple[str, str]:
    """The Python that makes an equal value, and the lines of import that it needs. Raises Unwritable.

    >>> print(written([Decimal("4.90"), dt.date(2026, 5, 3)])[0])
    [Decimal("4.90"), dt.date(2026, 5, 3)]
    """
    writer = Writer()
    text = laid_out(writer.expression(value))
    return text, writer.imports


def laid_out(expression: Expression, indent: int = 0, column: int | None = None) -> str:
    """An expression as text: on one line if it fits behind `column`, else with each part on a line of its own."""
    flat = _flat(expression)
    fits = (indent if column is None else column) + len(flat) < WIDTH
    if isinstance(expression, str) or fits or not expression.parts:
        return flat
    inner = indent + 4
    lines = [f"{' ' * inner}{label}{laid_out(part, inner, inner + len(label))}," for label, part in expression.parts]
    return "\n".join([expression.opens, *lines, " " * indent + expression.closes])


def _flat(expression: Expression) -> str:
    if isinstance(expression, str):
        return expression
    parts = ", ".join(label + _flat(part) for label, part in expression.parts)
    return f"{expression.opens}{parts}{',' * expression.comma}{expression.closes}"


class Writer:
    """Writes values, and gathers what has to be imported for all of them; `taken` are names that mean something else.

    What was made in a notebook, in `__main__`, is used by its bare name.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._names: dict[str, tuple[str, str]] = {name: ("", name) for name in (*taken, *dir(builtins))}

    @property
    def imports(self) -> str:
        """The lines of import for all that was written, "" if none: those of the standard library first."""
        modules: dict[str, list[tuple[str, str]]] = {}
        for here, (module, there) in self._names.items():
            if module not in ("", "__main__", "builtins"):
                modules.setdefault(module, []).append((there, here))
        own = sorted(module for module in modules if module.partition(".")[0] not in sys.stdlib_module_names)
        standard = sorted(modules.keys() - set(own))
        blocks = ["\n".join(_import(module, sorted(modules[module])) for module in some) for some in (standard, own)]
        return "\n\n".join(filter(None, blocks))

    def expression(self, value: Any) -> Expression:
        """The Python that makes the value. Raises Unwritable if it holds itself, or something that cannot be made."""
        try:
            return self._expression(value)
        except RecursionError:
            raise Unwritable(f"a {type(value).__name__} that holds itself, or is nested too deeply, cannot be written: "
                             "write a value that ends", value=type(value)) from None  # fmt: skip

    def call(self, function: str, *arguments: Any, **named: Any) -> Call:
        """A call of `function`, a text, with values as arguments."""
        parts = [("", self.expression(one)) for one in arguments]
        return Call(f"{function}(", (*parts, *((f"{name}=", self.expression(one)) for name, one in named.items())), ")")

    def name(self, thing: Any) -> str:
        """The name under which a class, a function or an object of a module can be used, once it is imported.

        Raises Unwritable if no module has it under a name.
        """
        module, path = place_of(thing) or _nowhere(thing)
        first, dot, rest = path.partition(".")
        return self._imported(module, first) + dot + rest

    def _imported(self, module: str, there: str) -> str:
        """The name here of what is called `there` in a module; of the module itself, if that is ""."""
        if module in ("builtins", "__main__"):
            return there
        wanted = there or {"datetime": "dt"}.get(module, module)
        for here in itertools.chain([wanted], (f"{wanted}_{number}" for number in itertools.count(2))):
            if self._names.get(here) == (module, there):
                return here
            if here not in self._names and not _means_something_else(here, module, there):
                break
        self._names[here] = module, there
        return here

    def _expression(self, value: Any) -> Expression:
        kind = type(value)
        if kind in PLAIN:
            return PLAIN[kind](value)
        if kind in MADE:
            return MADE[kind](self, value)
        if isinstance(value, enum.Enum):
            return self._member(value)
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            return self.name(value)
        if (fields := _fields(value)) is not None:
            return self._called(self.name(kind), {name: getattr(value, name) for name in fields})
        if place_of(value):
            return self.name(value)
        if _needs_nothing(kind) and value.__getstate__() is None:
            return f"{self.name(kind)}()"
        raise Unwritable(
            f"there is no Python text for {value!r}: give it a name at the top level of a module or of the notebook",
            value=value,
        )

    def _called(self, function: str, named: dict[str, Any]) -> Call:
        return Call(f"{function}(", tuple((f"{name}=", self._expression(one)) for name, one in named.items()), ")")

    def _member(self, value: enum.Enum) -> Expression:
        kind, name = self.name(type(value)), value.name
        if name is None or type(value).__members__.get(name) is not value:  # several flags at once
            return Call(f"{kind}(", (("", self._expression(value.value)),), ")")
        plain = name.isidentifier() and not keyword.iskeyword(name)
        return f"{kind}.{name}" if plain else f"{kind}[{_text(name)}]"

    def _group(self, opens: str, values: Iterable[Any], closes: str, comma: bool = False) -> Call:
        return Call(opens, tuple(("", self._expression(one)) for one in values), closes, comma)

    def _set(self, value: set[Any] | frozenset[Any]) -> Expression:
        frozen = type(value) is frozenset
        if not value:
            return "frozenset()" if frozen else "set()"
        parts = sorted((self._expression(one) for one in value), key=_flat)
        return Call("frozenset({" if frozen else "{", tuple(("", part) for part in parts), "})" if frozen else "}")

    def _dict(self, value: dict[Any, Any]) -> Call:
        pairs = ((f"{_flat(self._expression(key))}: ", self._expression(one)) for key, one in value.items())
        return Call("{", tuple(pairs), "}")

    def _time(self, value: dt.datetime | dt.time) -> Expression:
        day = [value.year, value.month, value.day] if isinstance(value, dt.datetime) else []
        clock = [value.hour, value.minute, value.second, value.microsecond]
        while len(clock) > 2 * (not day) and not clock[-1]:
            clock.pop()
        parts = [("", str(number)) for number in (*day, *clock)]
        zone = [] if value.tzinfo is None else [("tzinfo=", self._zone(value.tzinfo))]
        kind = "datetime" if day else "time"
        return Call(f"{self._imported('datetime', '')}.{kind}(",
                    (*parts, *zone, *([("fold=", "1")] if value.fold else ())), ")")  # fmt: skip

    def _zone(self, zone: dt.tzinfo) -> Expression:
        if zone is dt.UTC:
            return f"{self._imported('datetime', '')}.UTC"
        if isinstance(zone, zoneinfo.ZoneInfo) and zone.key:
            return f"{self.name(zoneinfo.ZoneInfo)}({_text(zone.key)})"
        if type(zone) is dt.timezone:
            offset = self._expression(zone.utcoffset(None))
            return Call(f"{self._imported('datetime', '')}.timezone(", (("", offset),), ")")
        raise Unwritable(f"there is no Python text for the zone {zone!r}: use UTC, or zoneinfo.ZoneInfo", value=zone)

    def _date(self, value: dt.date) -> Expression:
        return f"{self._imported('datetime', '')}.date({value.year}, {value.month}, {value.day})"

    def _span(self, value: dt.timedelta) -> Expression:
        parts = {name: getattr(value, name) for name in ("days", "seconds", "microseconds") if getattr(value, name)}
        return _flat(self._called(f"{self._imported('datetime', '')}.timedelta", parts))

    def _recorded(self, value: Recorded) -> Call:
        """As a call of `record` if that makes the very same, else with its stored texts."""
        if arguments := _arguments(value):
            return self.call(self.name(record), value.payload, **arguments)
        return self._called(self.name(Recorded), {name: getattr(value, name) for name in Recorded.__struct_fields__})


# --- one kind of value each -----------------------------------------------------------------------------------------


def _text(value: str) -> str:
    """As `repr` has it, but between double quotes where that needs no more of them."""
    single = repr(value)
    return f'"{single[1:-1]}"' if single[0] == "'" and '"' not in value else single


def _whole(value: int) -> str:
    return repr(value) if value.bit_length() < 2_000 else hex(value)  # Python reads no decimal numbers of any length


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value}")'


def _arguments(value: Recorded) -> dict[str, Any] | None:
    """What makes `record` give this recorded event again, beside its payload; None if nothing does."""
    arguments: dict[str, Any] = {name: getattr(value, name) for name in ("stream", "version", "position")}
    try:
        arguments["recorded_at"] = value.recorded_at
        if value.occurred_text != value.recorded_text:
            arguments["occurred_at"] = value.occurred_at
        if record(value.payload, **arguments).id != value.id:
            arguments["id"] = value.id
        if value.metadata_text != "{}":
            arguments["metadata"] = value.metadata
        return arguments if record(value.payload, **arguments) == value else None
    except (EslabError, ValueError):
        return None


def _needs_nothing(kind: Any) -> bool:
    return kind.__init__ is object.__init__ and kind.__new__ is object.__new__


def _fields(value: Any) -> Iterable[str] | None:
    """The names that make a value again, when its class is called with them; None if it is none of these kinds."""
    if isinstance(value, msgspec.Struct):
        return [one.name for one in msgspec.structs.fields(value) if getattr(value, one.name) is not one.default]
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return tuple(value._fields)
    if not dataclasses.is_dataclass(value):
        return None
    names = [field.name for field in dataclasses.fields(value) if field.init]
    if len(names) < len(dataclasses.fields(value)):  # some are made by the class itself: does it make them alike?
        made: Any = type(value)
        return names if made(**{name: getattr(value, name) for name in names}) == value else None
    return names


PLAIN: dict[type, Callable[[Any], str]] = {
    type(None): repr, bool: repr, bytes: repr, range: repr, type(...): lambda _: "...",
    int: _whole, float: _number, str: _text,
}  # fmt: skip
MADE: dict[type, Callable[[Writer, Any], Expression]] = {
    list: lambda writer, value: writer._group("[", value, "]"),
    tuple: lambda writer, value: writer._group("(", value, ")", comma=len(value) == 1),
    set: Writer._set, frozenset: Writer._set, dict: Writer._dict,
    Decimal: lambda writer, value: writer.call(writer.name(Decimal), str(value)),
    uuid.UUID: lambda writer, value: writer.call(writer.name(uuid.UUID), str(value)),
    dt.datetime: Writer._time, dt.time: Writer._time, dt.date: Writer._date, dt.timedelta: Writer._span,
    Recorded: Writer._recorded,
}  # fmt: skip


# --- names ----------------------------------------------------------------------------------------------------------


def place_of(thing: Any) -> tuple[str, str] | None:
    """The module that has a thing at its top level, and its name there; None if it has none."""
    if isinstance(thing, (type, types.FunctionType, types.BuiltinFunctionType)) and _at(thing.__module__, thing):
        return thing.__module__, thing.__qualname__
    others = [name for name in list(sys.modules) if name != "__main__"]
    for module in dict.fromkeys([*_near(thing), *others, "__main__"]):
        names = list(getattr(sys.modules.get(module), "__dict__", {}).items())
        for name, one in names:
            if one is thing and not name.startswith("_"):
                return module, name
    return None


def _at(module: str | None, thing: Any) -> bool:
    """Whether the module has the thing under its own name; after a cell was run again, its successor."""
    found: Any = sys.modules.get(module or "")
    for name in thing.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is thing or getattr(found, "__qualname__", None) == thing.__qualname__


def _near(thing: Any) -> list[str]:
    """The modules where a thing most likely has its name: those of its parts, then that of its class."""
    parts = [getattr(part, "__module__", None) for part in getattr(thing, "__dict__", {}).values()]
    return [module for module in (*parts, type(thing).__module__) if isinstance(module, str) and module != "__main__"]


def _nowhere(thing: Any) -> NoReturn:
    raise Unwritable(
        f"{thing!r} has no name that could be imported: give it a name at the top level of a module or of the "
        f"notebook, with def or class",
        value=thing,
    )


def _means_something_else(name: str, module: str, there: str) -> bool:
    """Whether the notebook has the name for something else, which an import would take from it."""
    mine = vars(sys.modules["__main__"])
    theirs: Any = sys.modules.get(module)
    return name in mine and mine[name] is not (getattr(theirs, there, None) if there else theirs)


def _import(module: str, names: list[tuple[str, str]]) -> str:
    whole = [f"import {module}{'' if here == module else f' as {here}'}" for there, here in names if not there]
    parts = [there if there == here else f"{there} as {here}" for there, here in names if there]
    line = f"from {module} import {', '.join(parts)}"
    if len(line) > WIDTH:
        line = "\n".join([f"from {module} import (", *(f"    {part}," for part in parts), ")"])
    return "\n".join([*whole, *([line] if parts else [])])
