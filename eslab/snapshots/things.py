"""What a thing in a program is: code of one's own, a class whose objects can be kept, a wrapper, an object."""

from __future__ import annotations

import dataclasses
import enum
import functools
import sys
import sysconfig
import types
import typing
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from eslab.aggregates import Aggregate

_installed = tuple({str(Path(sysconfig.get_path(name)).resolve()) for name in ("purelib", "platlib", "stdlib")})


def is_own(module: str | None, home: str) -> bool:
    """Whether code in `module` is followed to its end, for a fold that stands in the module `home`.

    That of the standard library and of installed packages, eslab among them, is only named.
    """
    if module in (home, "__main__"):
        return True
    top = (module or "builtins").partition(".")[0]
    if top == "eslab":
        return (module or "").startswith("eslab.domains.")
    if top in sys.stdlib_module_names:
        return False
    return top == home.partition(".")[0] or not _is_installed(getattr(sys.modules.get(module or ""), "__file__", None))


@cache
def _is_installed(file: str | None) -> bool:
    return file is not None and str(Path(file).resolve()).startswith(_installed)


def place_of(thing: object) -> str:
    """Where a class or a function stands: its module and its name there."""
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None) or type(thing).__qualname__
    return f"{getattr(thing, '__module__', None) or 'builtins'}.{name}"


DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType)
METHODS = (types.FunctionType, staticmethod, classmethod, property, functools.cached_property)


def holds_state(cls: type) -> bool:
    """Whether a class is one of the kinds whose objects a snapshot may hold."""
    named_tuple = issubclass(cls, tuple) and hasattr(cls, "_fields")
    return dataclasses.is_dataclass(cls) or named_tuple or issubclass(cls, (enum.Enum, Aggregate))


def hints(cls: type) -> dict[str, Any]:
    """The fields of a dataclass or a named tuple with their types; as they are written, if they mean nothing."""
    if not dataclasses.is_dataclass(cls) and not issubclass(cls, tuple):
        return {}
    try:
        return typing.get_type_hints(cls)
    except (NameError, TypeError):
        return dict(cls.__annotations__)


def is_body(name: str, part: Any, is_enum: bool) -> bool:
    """Whether something in a class was written there, and not made by Python or by a decorator."""
    function = getattr(part, "__func__", part)
    if getattr(getattr(function, "__code__", None), "co_qualname", "").startswith("__create_fn__"):
        return False  # follows from the fields
    if name.startswith("__") or is_enum:
        return isinstance(part, METHODS) and name != "__init_subclass__"
    return not isinstance(part, DESCRIPTORS) and name != "_abc_impl"


def inside(thing: Any) -> list[Any]:
    """What a wrapper wraps: a method of a class, a partial or a cached function, one that chooses by type."""
    names = (
        "__func__",
        "__self__",
        "fget",
        "fset",
        "func",
        "args",
        "keywords",
        "__wrapped__",
        "registry",
        "dispatcher",
    )
    found = [getattr(thing, name) for name in names if getattr(thing, name, None) is not None]
    return found if callable(thing) or isinstance(thing, (*METHODS, functools.partialmethod)) or hasattr(
        thing, "dispatcher") else []  # fmt: skip


def attributes(thing: Any) -> dict[str, Any]:
    """What an object holds, by name, in slots or not."""
    found: dict[str, Any] = {}
    for base in type(thing).__mro__:
        slots = vars(base).get("__slots__", ())
        found |= {name: getattr(thing, name) for name in ([slots] if isinstance(slots, str) else slots)
                  if isinstance(vars(base).get(name), types.MemberDescriptorType) and hasattr(thing, name)}  # fmt: skip
    return found | getattr(thing, "__dict__", {})


def listed(items: Any) -> list[Any]:
    return [*items.keys(), *items.values()] if isinstance(items, Mapping) else list(items)


def order(thing: Any) -> tuple[str, str]:
    held = sorted(map(order, thing)) if isinstance(thing, frozenset) else thing
    return type(thing).__qualname__, getattr(thing, "__qualname__", None) or repr(held)
