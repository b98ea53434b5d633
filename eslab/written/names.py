"""Classes, functions and objects of a module have names, under which code elsewhere can import and use them."""

from __future__ import annotations

import builtins
import itertools
import sys
import types
from collections.abc import Iterable
from typing import Any, NoReturn

from eslab.errors import EslabError
from eslab.written.layout import WIDTH


class Unwritable(EslabError):
    """A value has no Python text: a lambda, a local function, an object that only its maker knows how to make."""


class Names:
    """The names that a text uses, and what has to be imported for them; `taken` are names that mean something else.

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

    def name(self, thing: Any) -> str:
        """The name under which a class, a function or an object of a module can be used, once it is imported.

        Raises Unwritable if no module has it under a name.
        """
        module, path = place_of(thing) or _nowhere(thing)
        first, dot, rest = path.partition(".")
        return self.imported(module, first) + dot + rest

    def imported(self, module: str, there: str = "") -> str:
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


def place_of(thing: Any) -> tuple[str, str] | None:
    """The module that has a thing at its top level, and its name there; None if it has none."""
    if isinstance(thing, (type, types.FunctionType, types.BuiltinFunctionType)) and _at(thing.__module__, thing):
        return thing.__module__, thing.__qualname__
    notebook = sys.modules["__main__"]
    others = [name for name, module in list(sys.modules.items()) if module is not notebook]
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
    return bool(getattr(found, "__qualname__", None) == thing.__qualname__)


def _near(thing: Any) -> list[str]:
    """The modules where a thing most likely has its name: those of its parts, then that of its class."""
    parts = [getattr(part, "__module__", None) for part in getattr(thing, "__dict__", {}).values()]
    return [module for module in (*parts, type(thing).__module__) if isinstance(module, str) and module != "__main__"]


def _nowhere(thing: Any) -> NoReturn:
    raise Unwritable(
        f"{getattr(thing, '__qualname__', repr(thing))} has no name that could be imported: give it one at the top "
        f"level of a module or of the notebook, with def or class",
        value=thing,
    )


def _means_something_else(name: str, module: str, there: str) -> bool:
    """Whether the notebook has the name for something else, which an import would take from it."""
    mine = vars(sys.modules["__main__"])
    theirs: Any = sys.modules.get(module)
    return name in mine and mine[name] is not (getattr(theirs, there, None) if there else theirs)


def _import(module: str, names: list[tuple[str, str]]) -> str:
    whole = [f"import {module}{'' if here == module else f' as {here}'}" for there, here in names if not there]
    constants_first = sorted(names, key=lambda name: (not name[0].isupper(), name[0][:1].islower()))
    parts = [there if there == here else f"{there} as {here}" for there, here in constants_first if there]
    line = f"from {module} import {', '.join(parts)}"
    if len(line) > WIDTH:
        line = "\n".join([f"from {module} import (", *(f"    {part}," for part in parts), ")"])
    return "\n".join([*whole, *([line] if parts else [])])
