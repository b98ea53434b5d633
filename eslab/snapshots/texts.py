"""A state is kept as JSON text with the types beside the values, and reads back exactly as it was, or is refused."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import math
import uuid
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from eslab.aggregates import Aggregate
from eslab.errors import UnstorableState
from eslab.snapshots.things import attributes, holds_state, place_of

Classes = Mapping[str, type]
"""The classes that a text may name, by their place. Only these are made again, and nothing is ever imported."""


def to_text(state: Any, classes: Classes) -> str:
    """The text of a state. Raises UnstorableState unless it reads back exactly as it was given.

    It may be made of str, int, float, bool, None, Decimal, datetime, date, time, timedelta, UUID, bytes, lists,
    tuples, sets, frozensets, dicts, and of the enums, dataclasses, named tuples and aggregates among `classes`.
    """
    packing = _Packing(classes)
    try:
        packed = packing.packed(state)
        text = json.dumps(packed, ensure_ascii=False, separators=(",", ":"))
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            text = json.dumps(packed, separators=(",", ":"))
        back = from_text(text, classes)
    except RecursionError:
        packing.refuse("is nested too deeply")
    except (ValueError, TypeError, ArithmeticError) as error:
        packing.refuse(f"cannot be written ({type(error).__name__}: {error})")
    packing.path.clear()
    if not _alike(state, back):
        packing.refuse(f"would be read back as {back!r}, not as {state!r}")
    return text


def from_text(text: str, classes: Classes) -> Any:
    """The state in a text. Raises one of ValueError, LookupError, TypeError, AttributeError if there is none in it."""
    return _unpacked(json.loads(text), classes)


class _Packing:
    """One state on its way into text: where it is by now, and which of the things that can change it has met."""

    def __init__(self, classes: Classes) -> None:
        self.classes = classes
        self.path: list[str] = []
        self._met: dict[int, object] = {}

    def packed(self, value: Any) -> Any:
        kind: Any = type(value)
        if kind in (str, bool, type(None)):
            return value
        if kind in LEAVES:
            return LEAVES[kind](value)
        if kind is list:
            return self._all(value)
        if kind is tuple:
            return {"tuple": self._all(value)}
        if kind in (set, frozenset):
            self._once(value, kind is set)
            return {kind.__name__: sorted((self.packed(one) for one in value), key=json.dumps)}
        if kind is dict:
            self._once(value)
            return {"dict": [[self._at("a key", key), self._at(f"[{key!r}]", one)] for key, one in value.items()]}
        if not holds_state(kind):
            self.refuse(f"is of type {kind.__name__}, expected text, numbers, times, lists, tuples, sets, dicts, "
                        f"enums, dataclasses, named tuples or aggregates")  # fmt: skip
        return self._object(value, kind)

    def _object(self, value: Any, kind: Any) -> Any:
        place = place_of(kind)
        known: Any = self.classes.get(place)
        if known is not kind:
            self.refuse(f"is of a class {place} that the code of the fold does not name, or that was run again since: "
                        f"name it in an annotation of the fold, or run the cells again, in their order")  # fmt: skip
        if isinstance(value, enum.Enum):
            by_name = kind.__members__.get(value.name) is value
            return {"enum": [place, value.name]} if by_name else {"flag": [place, self.packed(value.value)]}
        if isinstance(value, tuple):
            return {"named tuple": [place, self._all(list(value), new=True)]}
        if kind.__new__ is not object.__new__:
            self.refuse(f"is a {kind.__name__}, which is made in a way of its own: keep a plain dataclass instead")
        parameters = getattr(kind, "__dataclass_params__", None)
        self._once(value, parameters is None or not parameters.frozen)
        held = attributes(value)
        if isinstance(value, Aggregate):
            if value.pending:
                self.refuse("has pending events: save them first")
            held = {name: one for name, one in held.items() if name not in ("_open", "pending")}
        return {"object": [place, {name: self._at(f".{name}", one) for name, one in held.items()}]}

    def _all(self, values: Any, new: bool = False) -> list[Any]:
        self._once(values, type(values) is list and not new)
        return [self._at(f"[{number}]", one) for number, one in enumerate(values)]

    def _at(self, step: str, value: Any) -> Any:
        if type(value) in (str, int, bool, type(None)):
            return self.packed(value)
        self.path.append(step)
        packed = self.packed(value)
        self.path.pop()
        return packed

    def _once(self, value: Any, can_change: bool = True) -> None:
        """What can change must stand in one place: read back from two, a change of one would not reach the other."""
        if can_change and id(value) in self._met:
            self.refuse(f"is the same {type(value).__name__} that stands in another place of the state, and would be "
                        f"read back as two: keep it once, or keep a copy")  # fmt: skip
        if can_change:
            self._met[id(value)] = value

    def refuse(self, why: str) -> NoReturn:
        where = "".join(["state", *self.path])
        raise UnstorableState(
            f"{where} {why}. No snapshot of it can be kept: change the state, or fold without snapshots", where=where
        )


# --- one kind of value each -----------------------------------------------------------------------------------------


def _int(value: int) -> Any:
    return value if value.bit_length() < 2_000 else {"int": hex(value)}  # Python reads no decimal numbers of any length


def _float(value: float) -> Any:
    return value if math.isfinite(value) else {"float": repr(value)}


def _span(value: dt.timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


def _moment(value: dt.datetime | dt.time) -> Any:
    tag = type(value).__name__
    if value.tzinfo is dt.UTC and not value.fold:
        return {tag: value.isoformat()}
    return {tag: [value.replace(tzinfo=None, fold=0).isoformat(), value.fold, _zone(value.tzinfo)]}


def _zone(zone: dt.tzinfo | None) -> Any:
    if zone is None:
        return None
    if isinstance(zone, zoneinfo.ZoneInfo) and zone.key:
        return zone.key
    if type(zone) is dt.timezone:
        return _span(zone.utcoffset(None))
    raise ValueError(f"the zone {zone!r} is neither of zoneinfo nor a fixed offset")


LEAVES: dict[type, Callable[[Any], Any]] = {
    int: _int, float: _float, dt.datetime: _moment, dt.time: _moment,
    decimal.Decimal: lambda value: {"Decimal": str(value)},
    uuid.UUID: lambda value: {"UUID": str(value)},
    bytes: lambda value: {"bytes": value.hex()},
    dt.date: lambda value: {"date": value.isoformat()},
    dt.timedelta: lambda value: {"timedelta": _span(value)},
}  # fmt: skip


def _read_moment(kind: Any, held: Any) -> Any:
    if isinstance(held, str):
        return kind.fromisoformat(held)
    text, fold, zone = held
    known = zoneinfo.ZoneInfo(zone) if isinstance(zone, str) else zone and dt.timezone(dt.timedelta(*zone))
    return kind.fromisoformat(text).replace(tzinfo=known, fold=fold)


def _read_object(cls: Any, held: dict[str, Any], classes: Classes) -> Any:
    made = object.__new__(cls)
    for name, one in held.items():
        object.__setattr__(made, name, _unpacked(one, classes))
    if isinstance(made, Aggregate):
        object.__setattr__(made, "_open", False)
    return made


def _enum(cls: type) -> type[enum.Enum]:
    if not issubclass(cls, enum.Enum):
        raise TypeError(f"{cls.__name__} is no enum")
    return cls


READ: dict[str, Callable[[Any, Classes], Any]] = {
    "int": lambda held, _: int(held, 16),
    "float": lambda held, _: float(held),
    "Decimal": lambda held, _: decimal.Decimal(held),
    "UUID": lambda held, _: uuid.UUID(held),
    "bytes": lambda held, _: bytes.fromhex(held),
    "date": lambda held, _: dt.date.fromisoformat(held),
    "datetime": lambda held, _: _read_moment(dt.datetime, held),
    "time": lambda held, _: _read_moment(dt.time, held),
    "timedelta": lambda held, _: dt.timedelta(*held),
    "tuple": lambda held, classes: tuple(_unpacked(one, classes) for one in held),
    "set": lambda held, classes: {_unpacked(one, classes) for one in held},
    "frozenset": lambda held, classes: frozenset(_unpacked(one, classes) for one in held),
    "dict": lambda held, classes: {_unpacked(key, classes): _unpacked(one, classes) for key, one in held},
    "enum": lambda held, classes: _enum(classes[held[0]])[held[1]],
    "flag": lambda held, classes: _enum(classes[held[0]])(_unpacked(held[1], classes)),
    "named tuple": lambda held, classes: tuple.__new__(classes[held[0]], [_unpacked(one, classes) for one in held[1]]),
    "object": lambda held, classes: _read_object(classes[held[0]], held[1], classes),
}


def _unpacked(held: Any, classes: Classes) -> Any:
    if isinstance(held, list):
        return [_unpacked(one, classes) for one in held]
    if not isinstance(held, dict):
        return held
    ((tag, inner),) = held.items()
    return READ[tag](inner, classes)


def _alike(given: Any, read: Any) -> bool:
    """Whether they are the same all the way down: types, order, zones, and what an `==` of their own would not see."""
    kind = type(read)
    if type(given) is not kind:
        return False
    if kind in (list, tuple) or isinstance(read, tuple):
        return len(given) == len(read) and all(map(_alike, given, read))
    if kind is dict:
        return _alike(list(given), list(read)) and _alike(list(given.values()), list(read.values()))
    if kind in (set, frozenset):
        there = {one: one for one in read}
        return len(given) == len(read) and all(one in there and _alike(one, there[one]) for one in given)
    if kind is int or isinstance(read, enum.Enum):
        return bool(given == read)
    if holds_state(kind):
        return _alike(_held(given), _held(read))
    return repr(given) == repr(read)


def _held(value: Any) -> dict[str, Any]:
    return {name: one for name, one in attributes(value).items() if name != "_open"}
