"""What goes to a worker, and comes back, is packed so that a class of a notebook goes along.

It is the work of cloudpickle, which Dask brings. Only what this program and its own workers have packed is ever
unpacked; nothing of a log is.
"""

from __future__ import annotations

import dataclasses
import importlib
import operator
import pickle
import sys
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from eslab import events
from eslab.aggregates import Decider
from eslab.codec import EventType
from eslab.snapshots.fingerprints import fingerprint

NOTED = "__msgspec_cache__"
"""What msgspec notes on a class, of how it is decoded; it cannot be sent, and is made again when it is needed."""


class Unsendable(Exception):
    """Something that belongs to one process alone."""


def packed(what: object) -> bytes:
    """Anything as bytes. Raises Unsendable for a lock, a file, and whatever else belongs to one process alone."""
    import cloudpickle  # type: ignore[import-untyped]  # comes with Dask, and has no types

    try:
        with suppress(TypeError):
            return bytes(cloudpickle.dumps(what))
        for cls in _classes():
            if NOTED in vars(cls):
                delattr(cls, NOTED)
        return bytes(cloudpickle.dumps(what))
    except (TypeError, AttributeError, ValueError, RecursionError, pickle.PicklingError) as error:
        raise Unsendable(f"{type(error).__name__}: {error}") from error


def unpacked(sent: bytes) -> Any:
    """What was packed. Raises ImportError or AttributeError if it is of a module that is not here, or is another."""
    import cloudpickle

    return cloudpickle.loads(sent)


def _classes() -> set[type]:
    """Every class that there is."""
    found, waiting = set[type](), [object]
    while waiting:
        new = set(type.__subclasses__(waiting.pop())) - found
        found |= new
        waiting += new
    return found


class Declared(NamedTuple):
    """The event classes that a program knows: those of modules by the names of these, those of a notebook packed."""

    modules: tuple[str, ...]
    classes: tuple[tuple[str, int, bytes], ...]
    """Name, schema version, and the class."""
    left_out: tuple[str, ...]
    """The names of events whose classes cannot be sent."""

    def declare(self) -> list[str]:
        """Declare them here too, so that the same events are read; what cannot be had here is returned, in words."""
        missing = [f"the module {module}" for module in self.modules if not _imported(module)]
        for name, version, sent in self.classes:
            try:
                cls = unpacked(sent)
            except (ImportError, AttributeError) as error:
                missing.append(f"the class of {name} ({error})")
                continue
            if name not in events._types or events._types[name].cls is not cls:
                upcasters = events._upcasters(cls, name, version)
                fields = tuple(field.name for field in dataclasses.fields(cls))
                events._types[name] = EventType(name, cls, version, upcasters, fields, msgspec.json.Decoder(cls))
        return missing + [f"the class of {name}" for name in self.left_out]


def declared() -> Declared:
    """All event classes that are known in this program now."""
    modules, classes, left_out = set[str](), [], []
    for known in events._types.values():
        if _by_name(known.cls):
            modules.add(known.cls.__module__)
            continue
        try:
            classes.append((known.name, known.version, packed(known.cls)))
        except Unsendable:
            left_out.append(known.name)
    return Declared(tuple(sorted(modules)), tuple(classes), tuple(left_out))


def imported_code(fold: Any) -> str:
    """The fingerprint of a fold that workers import, and of which they may have another version; "" for one of a
    notebook, whose code goes to them."""
    stands = fold.evolve_event if isinstance(fold, Decider) else fold if isinstance(fold, type) else type(fold)
    return fingerprint(fold) if _by_name(stands) else ""


def _by_name(thing: Any) -> bool:
    """Whether importing its module gives this class or function, as for one that stands in a file."""
    home, name = getattr(thing, "__module__", "__main__"), getattr(thing, "__qualname__", "<none>")
    if home not in sys.modules or home == "__main__" or "<" in name:
        return False
    try:
        return operator.attrgetter(name)(sys.modules[home]) is thing
    except AttributeError:
        return False


def _imported(module: str) -> bool:
    with suppress(ImportError):
        importlib.import_module(module)
    return module in sys.modules
