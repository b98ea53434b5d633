"""A state, whatever it is made of, seen as a tree: copied, compared, and written as JSON.

Dataclasses, aggregates and other objects are looked at as mappings of their attributes. What cannot change (text,
numbers, times, enums, frozen dataclasses, tuples of these) is a leaf or is shared, never copied.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import decimal
import enum
import itertools
import math
import operator
import types
import typing
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Path = tuple[Any, ...]
LEAVES = (
    str, int, float, bool, bytes, type(None), decimal.Decimal, dt.date, dt.time, dt.timedelta, uuid.UUID, enum.Enum,
    frozenset, range,
)  # fmt: skip
MANY = 200
"""In a mapping with more entries than this, equal entries are taken to look alike (see `_alike`), for speed."""
DEEPEST = 40
"""Below this many levels a state is not looked at, so that one that holds itself has an end."""
_leaf_types = set(LEAVES)  # and every subclass met so far, because a look into a set is fast
_shared_types = set(LEAVES)  # and the frozen dataclasses that by their annotations hold only such values


class Change(NamedTuple):
    """One difference between two states: where, what stood there before, and what stands there after.

    `path` holds keys, attribute names and list indexes (first = 0) from the root; MISSING stands for nothing there.
    """

    path: Path
    before: Any
    after: Any

    def __repr__(self) -> str:
        where = ".".join(map(name, self.path)) or "state"
        return f"{where}: {self.before!r} → {self.after!r}"


class _Missing(enum.Enum):
    MISSING = "nothing"

    def __repr__(self) -> str:
        return self.value


MISSING = _Missing.MISSING


class Order(NamedTuple):
    """The keys of the mapping at `path` now stand in this order."""

    path: Path
    keys: list[Any]


def is_leaf(value: Any) -> bool:
    kind = type(value)
    if kind in _leaf_types:
        return True
    if isinstance(value, LEAVES):
        _leaf_types.add(kind)
        return True
    return False


def branches(value: Any) -> Mapping[Any, Any]:
    """The mapping that a mapping, a dataclass, a pandas frame (its rows by label) or another object is looked at as."""
    if isinstance(value, Mapping):
        return value
    if is_frame(value):
        return _rows(value)
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    state = getattr(value, "state", None)  # what an Aggregate says of itself, without its machinery
    if isinstance(state, Mapping):
        return state
    found = {**getattr(value, "__dict__", {}), **dict(_slots(value))}
    shown: Any = type(value).__repr__
    return found if found or shown is object.__repr__ else {"value": repr(value)}


def is_frame(value: Any) -> bool:
    """Whether it is a pandas frame or series; a look at its class, as pandas may not even be there."""
    return type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "iloc")


def _rows(frame: Any) -> dict[Any, Any]:
    """The rows of a frame by their label, or by their number if a label is there twice; what is missing is None."""
    labels = [" ".join(map(str, label)) if isinstance(label, tuple) else label for label in frame.index]
    plain = frame.astype(object).where(frame.notna(), None)
    rows = plain.to_dict("records") if frame.ndim == 2 else plain.tolist()
    return dict(zip(labels if len(set(labels)) == len(labels) else range(len(labels)), rows, strict=True))


def copied(value: Any) -> Any:
    """A copy that later changes in place do not reach. What cannot change is shared and costs nothing."""
    try:
        return _copied(value)
    except RecursionError:  # a state that holds itself, which deepcopy keeps account of
        return copy.deepcopy(value)


def _copied(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {key: one if type(one) in _shared_types else _copied(one) for key, one in value.items()}
    if kind in (list, tuple, set):
        return kind(map(_copied, value))
    if is_shared(value):
        return value
    if is_frame(value):
        return value.copy(deep=False)  # pandas copies what is written into, and then only
    constructor: Any = kind.__new__
    if constructor is not object.__new__:  # a defaultdict, a deque, a named tuple: they know best how to be copied
        return copy.deepcopy(value)
    twin = object.__new__(kind)
    for attribute, one in [*getattr(value, "__dict__", {}).items(), *_slots(value)]:
        object.__setattr__(twin, attribute, _copied(one))
    return twin


def is_shared(value: Any) -> bool:
    """Whether it can never change: a leaf, or a frozen dataclass whose fields are declared as such."""
    kind = type(value)
    if kind in _shared_types or is_leaf(value):
        return True
    parameters = getattr(kind, "__dataclass_params__", None)
    if parameters is None or not parameters.frozen:
        return False
    try:
        declared = typing.get_type_hints(kind).values()
    except NameError:
        return False
    if all(_never_changes(hint) for hint in declared):
        _shared_types.add(kind)
    return kind in _shared_types


def _never_changes(hint: Any) -> bool:
    parts = typing.get_args(hint)
    if typing.get_origin(hint) is typing.Literal:
        return True
    if parts and typing.get_origin(hint) in (tuple, frozenset, typing.Union, types.UnionType):
        return all(part is ... or _never_changes(part) for part in parts)
    return isinstance(hint, type) and (issubclass(hint, LEAVES) or hint in _shared_types)


def _slots(value: Any) -> Iterator[tuple[str, Any]]:
    for cls in type(value).__mro__:
        slots = vars(cls).get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot not in ("__dict__", "__weakref__") and hasattr(value, slot):
                yield slot, getattr(value, slot)


def plain(value: Any, depth: int = DEEPEST) -> Any:
    """A state as nested dicts and lists of its own, for comparing it later; what cannot change is shared."""
    if is_shared(value):
        return value
    if depth == 0:
        return "…"
    if isinstance(value, (list, tuple)):
        return [plain(one, depth - 1) for one in value]
    if isinstance(value, (set, frozenset)):
        return set(value)
    return {key: plain(one, depth - 1) for key, one in branches(value).items()}


def part(value: Any, key: Any) -> Any:
    """What a state holds under a key or an index; MISSING if nothing."""
    if isinstance(value, (list, tuple)):
        return value[key] if key < len(value) else MISSING
    return branches(value).get(key, MISSING)


def follow(image: Any, state: Any, change: Change | Order) -> Any:
    """A plain image of an earlier state, brought up to `state` in the one place that a change names."""
    if not isinstance(image, (dict, list)):  # what can never change is replaced as a whole
        return plain(state)
    place = image
    for depth, key in enumerate(change.path, 1):
        state, old = part(state, key), part(place, key)
        if depth < len(change.path) and isinstance(old, (dict, list)):
            place = old
        elif state is MISSING:
            if old is not MISSING:  # else the whole that it belonged to has been replaced already
                del place[key]
            return image
        elif isinstance(change, Order) and depth == len(change.path):
            place[key] = {one: old[one] for one in change.keys}
            return image
        elif isinstance(place, list) and key == len(place):
            place.append(plain(state))
            return image
        else:
            place[key] = plain(state)
            return image
    return {key: image[key] for key in change.keys} if isinstance(change, Order) else plain(state)


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[Change | Order]:
    """What changed from one state to another, in the order of the state; nothing for parts that are the same object.

    Mappings are compared by key and lists by index; an Order follows where keys that stayed now stand in another order.
    """
    if before is after or len(path) >= DEEPEST:
        return
    if is_leaf(before) or is_leaf(after) or before is MISSING or after is MISSING:
        if type(before) is not type(after) or (before != after and not (before != before and after != after)):
            yield Change(path, before, after)
    elif isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        yield from _by_index(before, after, path)
    elif isinstance(before, (list, tuple, set)) or isinstance(after, (list, tuple, set)):
        if before != after:
            yield Change(path, before, after)
    else:
        yield from _by_key(branches(before), branches(after), path)


def _by_key(before: Mapping[Any, Any], after: Mapping[Any, Any], path: Path) -> Iterator[Change | Order]:
    many, in_order = len(after) > MANY, list(before) == list(after)
    if not in_order:
        for key in [key for key in before if key not in after]:
            yield Change((*path, key), before[key], MISSING)
    for key, value in _suspects(before, after) if many and in_order else after.items():
        old = before.get(key, MISSING)
        if old is value or (_equal(old, value) and type(old) is type(value) and (many or _alike(old, value))):
            continue
        if old is MISSING:
            yield Change((*path, key), MISSING, value)
        else:
            yield from differences(old, value, (*path, key))
    if not in_order:
        expected = [key for key in before if key in after] + [key for key in after if key not in before]
        if expected != list(after):
            yield Order(path, list(after))


def _suspects(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Iterable[tuple[Any, Any]]:
    """Of two mappings with the same keys, the entries that are not the same object: found without a loop in Python."""
    return itertools.compress(after.items(), map(operator.is_not, before.values(), after.values()))


def _equal(old: Any, value: Any) -> bool:
    try:
        return bool(old == value)
    except (RecursionError, ValueError):  # one that holds itself, or a frame, is looked into, as far as DEEPEST
        return False


def _by_index(before: Any, after: Any, path: Path) -> Iterator[Change | Order]:
    for index in range(len(before) - 1, len(after) - 1, -1):
        yield Change((*path, index), before[index], MISSING)
    for index, value in enumerate(after):
        if index >= len(before):
            yield Change((*path, index), MISSING, value)
        else:
            yield from differences(before[index], value, (*path, index))


def _alike(old: Any, value: Any) -> bool:
    """Whether two equal values of one type look alike: keys in the same order, and no True where a 1 was."""
    if is_leaf(value):
        return True
    if isinstance(value, dict):
        if list(old) != list(value):
            return False
        old, value = old.values(), value.values()
    elif not isinstance(value, (list, tuple)):
        return False
    kinds = list(map(type, value))
    return kinds == list(map(type, old)) and (_leaf_types.issuperset(kinds) or all(map(_alike, old, value)))


def name(key: Any) -> str:
    """A key as text: as it is if it is text, else as Python writes it."""
    return key if type(key) is str else str(key.value if isinstance(key, enum.Enum) else key)


def tree(value: Any, depth: int = DEEPEST) -> Any:
    """A state as JSON for the player: scalars, arrays, and mappings as {"map": [[key, tree], ...]}, in their order.

    What JSON has no number for (Decimal, NaN, whole numbers beyond 2**53) and what it has no form for is text. Below
    `depth` levels, as in a state that holds itself, stands "…".
    """
    if value is None or value is True or value is False or type(value) is str:
        return value
    if type(value) is int:
        return value if abs(value) <= 2**53 else str(value)
    if type(value) is float:
        return value if math.isfinite(value) else str(value)
    if depth == 0:
        return "…"
    if isinstance(value, enum.Enum):
        return tree(value.value, depth - 1)
    if isinstance(value, (set, frozenset)):
        return sorted((tree(one, depth - 1) for one in value), key=repr)
    if isinstance(value, (list, tuple, range)):
        return [tree(one, depth - 1) for one in value]
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat()
    if is_leaf(value):
        return str(value)
    return {"map": [[name(key), tree(one, depth - 1)] for key, one in branches(value).items()]}
