"""Each kind of value has its own way to be written; what it needs from elsewhere is imported."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import keyword
import math
import types
import uuid
import zoneinfo
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec

from eslab.errors import EslabError
from eslab.events import Recorded, record
from eslab.written.layout import Call, Expression, flat
from eslab.written.names import Names, Unwritable, place_of


class Writer(Names):
    """Writes values, one after the other, with one block of imports for them all."""

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
        if _needs_nothing(kind) and value.__getstate__() is None:
            return f"{self.name(kind)}()"
        if place_of(value):
            return self.name(value)
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
        parts = sorted((self._expression(one) for one in value), key=flat)
        return Call("frozenset({" if frozen else "{", tuple(("", part) for part in parts), "})" if frozen else "}")

    def _dict(self, value: dict[Any, Any]) -> Call:
        pairs = ((f"{flat(self._expression(key))}: ", self._expression(one)) for key, one in value.items())
        return Call("{", tuple(pairs), "}")

    def _time(self, value: dt.datetime | dt.time) -> Expression:
        day = [value.year, value.month, value.day] if isinstance(value, dt.datetime) else []
        clock = [value.hour, value.minute, value.second, value.microsecond]
        while len(clock) > 2 * (not day) and not clock[-1]:
            clock.pop()
        parts = [("", str(number)) for number in (*day, *clock)]
        zone = [] if value.tzinfo is None else [("tzinfo=", self._zone(value.tzinfo))]
        kind = "datetime" if day else "time"
        return Call(f"{self.imported('datetime')}.{kind}(",
                    (*parts, *zone, *([("fold=", "1")] if value.fold else ())), ")")  # fmt: skip

    def _zone(self, zone: dt.tzinfo) -> Expression:
        if zone is dt.UTC:
            return f"{self.imported('datetime')}.UTC"
        if isinstance(zone, zoneinfo.ZoneInfo) and zone.key:
            return f"{self.name(zoneinfo.ZoneInfo)}({_text(zone.key)})"
        if type(zone) is dt.timezone:
            offset = self._expression(zone.utcoffset(None))
            return Call(f"{self.imported('datetime')}.timezone(", (("", offset),), ")")
        raise Unwritable(f"there is no Python text for the zone {zone!r}: use UTC, or zoneinfo.ZoneInfo", value=zone)

    def _date(self, value: dt.date) -> Expression:
        return f"{self.imported('datetime')}.date({value.year}, {value.month}, {value.day})"

    def _span(self, value: dt.timedelta) -> Expression:
        parts = {name: getattr(value, name) for name in ("days", "seconds", "microseconds") if getattr(value, name)}
        return flat(self._called(f"{self.imported('datetime')}.timedelta", parts))

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
    """Whether a class can be called as it is, and gives an object like any other of it that has no attributes."""
    return kind is not object and kind.__init__ is object.__init__ and kind.__new__ is object.__new__


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
