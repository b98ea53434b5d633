"""A fingerprint is a short text that changes when the code of a fold, or of the events that it names, changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from eslab.errors import EslabError
from eslab.events import event_type
from eslab.snapshots.walk import Walk, home_of

REMEMBERED = 200
"""How many folds, and event types, are remembered with their walks."""


def fingerprint(fold: Any) -> str:
    """A short text that is the same as long as the fold's code and the schema of the events that it names are.

    It covers instructions, constants, names and defaults of `initial`, `evolve` and `apply`, and of the functions,
    classes and plain constants that they refer to, from name to name, in the same module or notebook and in other
    modules of one's own; of events the name, schema version, fields with their types, and upcasters. Of the standard
    library and of installed packages it takes the names alone. Lines, comments, docstrings and file paths do not
    matter; the version of Python does.

    What it cannot see: a file or a table that the fold reads, another release of a package, what is looked up under
    a name made while running.
    """
    return walked(fold).digest


def walked(fold: Any) -> Walk:
    """The walk through all that a fold refers to; that of the last time, if all of it is still the same."""
    return _remembered(("fold", id(fold)), fold, lambda: Walk(home_of(fold)).fold(fold))


def schema(name: str) -> str:
    """The fingerprint of an event type: name, schema version, fields with types, upcasters; '' if it is not known."""
    try:
        cls = event_type(name).cls
    except EslabError:
        return ""
    return _remembered(("event", name), cls, lambda: Walk(cls.__module__).event(name)).digest


_walks: dict[tuple[str, object], tuple[Any, Walk]] = {}
_lock = threading.Lock()


def _remembered(key: tuple[str, object], thing: Any, walk: Callable[[], Walk]) -> Walk:
    known = _walks.get(key)
    if known is not None and known[0] is thing and known[1].still_so():
        return known[1]
    made = walk()
    with _lock:
        _walks.pop(key, None)
        if len(_walks) >= REMEMBERED:
            del _walks[next(iter(_walks))]
        _walks[key] = thing, made  # the thing is held, so that no other gets its id
    return made
