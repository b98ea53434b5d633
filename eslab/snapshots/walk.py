"""A walk goes from name to name through all that a fold refers to, and says what it meets.

That each name was followed is remembered, so that asking again costs only a look whether it still means the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import functools
import hashlib
import operator
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from eslab.aggregates import Decider, as_fold
from eslab.errors import EslabError
from eslab.events import event_type
from eslab.snapshots.bytecode import ATTRIBUTE, GLOBAL, handlers, signature, steps
from eslab.snapshots.things import attributes, hints, holds_state, inside, is_body, is_own, listed, order, place_of

TEXTS = 1
"""How states are written: a number that goes up when that changes, so that older snapshots are replaced."""
LENGTH = 16
"""How many hexadecimal digits a fingerprint has."""
ENTRANCES = ("__init__", "initial", "evolve", "apply", "types", "categories")
"""Where a walk through the class of a fold begins; its decisions are no part of the fold. A projection adds `entrances`
of its own, and names in `places` the attributes that say where its view lies, which are no part of it either."""
PLAIN = {str, int, float, complex, bool, bytes, type(None), type(...)}
_MISSING = object()


class Walk:
    """Goes from name to name, and says what it meets; `classes` are those it met that can hold state, by place."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.classes: dict[str, type] = {}
        self.namespaces: list[dict[str, Any]] = []
        self.digest = ""
        self._owner: type | None = None
        self._said = [f"Python {sys.version_info[0]}.{sys.version_info[1]}, texts {TEXTS}"]
        self._met: dict[int, tuple[int, object]] = {}
        self._looks: list[tuple[Callable[[], object], object]] = []
        self._items: list[tuple[Iterable[Any], list[Any]]] = []

    def fold(self, given: Any) -> Walk:
        if isinstance(given, Decider):
            self._thing(given.initial_state)
            self._thing(given.evolve_event)
            return self._done()
        made = as_fold(given)
        self._owner = made if isinstance(made, type) else type(made)
        self._note(self._owner)
        self._collect(self._owner)
        for name in (*ENTRANCES, *getattr(made, "entrances", ())):
            self._say(name)
            self._attribute(name)
        for one in getattr(made, "types", None) or ():
            self._event_named(one) if isinstance(one, str) else self._thing(one)
        if not isinstance(made, type):
            places = getattr(made, "places", ())
            self._thing({name: one for name, one in getattr(made, "__dict__", {}).items() if name not in places})
            self._watch(getattr(made, "__dict__", {}))
        return self._done()

    def through(self, thing: Any) -> Walk:
        """A walk through any function or class, and what it refers to."""
        self._thing(thing)
        return self._done()

    def event(self, name: str) -> Walk:
        self._event_named(name)
        return self._done()

    def still_so(self) -> bool:
        """Whether every name that was followed still means the very same, and every constant holds the same."""
        return all(look() is found for look, found in self._looks) and all(
            len(kept) == len(now := listed(items)) and all(map(operator.is_, now, kept)) for items, kept in self._items
        )

    def _done(self) -> Walk:
        for cls in [cls for names in self.namespaces for cls in names.values() if isinstance(cls, type)]:
            self._collect(cls)
        self.digest = hashlib.sha256("\n".join(self._said).encode("utf-8", "backslashreplace")).hexdigest()[:LENGTH]
        self._said.clear()
        self._met.clear()
        return self

    # --- things ---

    def _thing(self, thing: Any) -> None:
        kind = type(thing)
        if kind in PLAIN:
            self._say(f"{kind.__name__} {thing!r}")
        elif isinstance(thing, (tuple, frozenset)) or typing.get_args(thing):
            self._new(thing)  # whether two equal ones are the same object is for Python to choose
        elif id(thing) in self._met:
            self._say(f"again {self._met[id(thing)][0]}")
        else:
            self._note(thing)
            self._new(thing)

    def _new(self, thing: Any) -> None:
        if isinstance(thing, type):
            self._class(thing)
        elif isinstance(thing, types.FunctionType):
            self._function(thing)
        elif isinstance(thing, types.ModuleType):
            self._say(f"module {thing.__name__}")
        elif isinstance(thing, enum.Enum):
            self._class_and(thing, [thing.name])
        elif isinstance(thing, (Mapping, list, tuple, set, frozenset)):
            self._watch(thing)
            parts = listed(thing)
            self._class_and(thing, sorted(parts, key=order) if isinstance(thing, (set, frozenset)) else parts)
        elif typing.get_args(thing):
            self._class_and(thing, [typing.get_origin(thing), *typing.get_args(thing)])
        elif is_own(type(thing).__module__, self.home):
            self._class_and(thing, [attributes(thing)])
            self._watch(getattr(thing, "__dict__", {}))
        elif inner := inside(thing):
            self._class_and(thing, inner)
        else:
            shown = repr(thing)
            self._say(f"a {place_of(type(thing))} {'' if ' at 0x' in shown else shown}")

    def _class_and(self, thing: Any, parts: Iterable[Any]) -> None:
        self._say("(")
        self._thing(type(thing))
        for part in parts:
            self._thing(part)
        self._say(")")

    def _function(self, function: types.FunctionType) -> None:
        if not is_own(function.__module__, self.home):
            self._say(place_of(function))
            return
        self._say(f"def {signature(function.__code__)}")
        for name in ("__code__", "__defaults__", "__kwdefaults__", "__closure__"):
            self._look(functools.partial(getattr, function, name))
        self._thing(function.__defaults__)
        self._thing(function.__kwdefaults__)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
            self._say(name)
            with contextlib.suppress(ValueError):  # a name that has no value yet
                self._thing(self._look(functools.partial(getattr, cell, "cell_contents")))
        if all(function.__globals__ is not one for one in self.namespaces):
            self.namespaces.append(function.__globals__)
        self._code(function.__code__, function.__globals__)

    def _code(self, code: types.CodeType, namespace: dict[str, Any]) -> None:
        module: Any = None  # the one whose attribute is about to be taken
        for operation, about, value in steps(code):
            self._say(operation)
            if isinstance(value, types.CodeType):
                self._say(f"def {signature(value)}")
                self._code(value, namespace)
            elif about == "constant":
                self._thing(value)
            else:
                self._say(str(value))
            before, module = module, None
            if operation in GLOBAL:
                module = self._name(namespace, value)
            elif operation == "IMPORT_NAME":
                module = sys.modules.get(value)
            elif operation in ATTRIBUTE or operation == "IMPORT_FROM":
                if before is None:
                    self._attribute(value)
                else:
                    module = self._name(vars(before), value)
        self._say(str(handlers(code)))

    # --- names ---

    def _attribute(self, name: str) -> None:
        """What the class of the fold has under this name, and all that it has inherited: `super()` may mean each."""
        for base in self._owner.__mro__ if self._owner else ():
            if name in vars(base) and is_own(base.__module__, self.home):
                self._name(vars(base), name)

    def _name(self, namespace: Mapping[str, Any], name: str) -> Any:
        """Follow a name to what it means; a module is given back, because only an attribute of it is meant."""
        found = self._look(functools.partial(namespace.get, name, _MISSING))
        if isinstance(found, types.ModuleType):
            return found
        self._thing(found) if found is not _MISSING else self._say("nothing")
        return None

    # --- classes ---

    def _class(self, cls: type) -> None:
        self._collect(cls)
        self._say(f"class {cls.__name__ if is_own(cls.__module__, self.home) else place_of(cls)}")
        if not is_own(cls.__module__, self.home):
            return
        if "__event_name__" in vars(cls):
            cls = self._registered(cls)
        for base in cls.__bases__:
            self._thing(base)
        for name, hint in hints(cls).items():
            self._say(name)
            self._thing(hint)
        if dataclasses.is_dataclass(cls):
            for field in dataclasses.fields(cls):
                self._say(field.name)
                self._thing(
                    [None if one is dataclasses.MISSING else one for one in (field.default, field.default_factory)]
                )
        if issubclass(cls, enum.Enum):
            self._thing([(member.name, member.value) for member in cls])
        for name, part in vars(cls).items():
            if is_body(name, part, issubclass(cls, enum.Enum)):
                self._say(name)
                self._name(vars(cls), name)

    def _registered(self, cls: Any) -> type:
        known = self._look(functools.partial(event_type, cls.__event_name__))
        self._say(f"event {known.name} {known.version}")
        last: type = known.cls if known.place == place_of(cls) else cls
        return last  # of a cell that was run again, the last is what reads

    def _event_named(self, name: str) -> None:
        self._say(name)
        with contextlib.suppress(EslabError):  # not declared here, so nothing of it can be read either
            self._thing(event_type(name).cls)

    def _collect(self, cls: type) -> None:
        if holds_state(cls):
            self.classes.setdefault(place_of(cls), cls)

    # --- remembering ---

    def _say(self, text: str) -> None:
        self._said.append(text)

    def _note(self, thing: object) -> None:
        self._met[id(thing)] = len(self._met), thing  # held, so that no other thing gets its id

    def _look(self, look: Callable[[], Any]) -> Any:
        found = look()
        self._looks.append((look, found))
        return found

    def _watch(self, items: Any) -> None:
        if not isinstance(items, (tuple, frozenset)):
            self._items.append((items, listed(items)))


def home_of(fold: Any) -> str:
    """The module in which a fold, a class or a function stands: that of a Decider is where it evolves."""
    named = isinstance(fold, (type, types.FunctionType))
    where = fold.evolve_event if isinstance(fold, Decider) else fold if named else type(fold)
    return getattr(where, "__module__", None) or ""
