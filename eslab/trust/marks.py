"""A mark on a field of an event says that its text is about a person, or whose data the event holds.

    @event
    class AccountOpened:
        customer: Subject
        owner: Personal

A mark changes nothing by itself: a plain store keeps the text as it is, a PrivateStore seals it.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from eslab.errors import InvalidEventClass

Path = tuple[Any, ...]
"""Where a value stands in a payload: names of fields, keys of dicts, places in lists (first = 0)."""


class Mark(enum.Enum):
    """What a field says of itself."""

    PERSONAL = "its text is about a person"
    SUBJECT = "it says whose data the event holds"


Personal = Annotated[str, Mark.PERSONAL]
"""A text about a person: sealed by a PrivateStore, and unreadable once the person is forgotten."""
Subject = Annotated[str, Mark.SUBJECT]
"""Whose data the event holds, never sealed: an id that by itself says nothing about the person."""

EVERY = object()
"""Stands in a path for each entry of a list or a dict."""
LISTS = (list, collections.abc.Sequence)
DICTS = (dict, collections.abc.Mapping)


@dataclasses.dataclass(frozen=True)
class Marks:
    """The marks of one event class: the paths of its personal fields, and the name of the one that has the subject."""

    personal: tuple[Path, ...]
    subject: str | None

    def __contains__(self, path: Path) -> bool:
        return any(_fits(pattern, path) for pattern in self.personal)

    def subject_of(self, stream: str, data: Mapping[str, Any]) -> str:
        """Whose data an event holds: what its subject field says, else the name of its stream."""
        return stream if self.subject is None else data.get(self.subject, "")


def _fits(pattern: Path, path: Path) -> bool:
    return len(pattern) == len(path) and all(
        one is EVERY or one == part for one, part in zip(pattern, path, strict=True)
    )


@functools.cache
def marks_of(cls: type[Any]) -> Marks:
    """The marks of an event class.

    Personal may be a field, a field of a dataclass inside, an entry of a list or `tuple[Personal, ...]`, a value of a
    dict, and each of these `| None`. Raises InvalidEventClass for a mark anywhere else or on anything but text, so
    that no text that was marked is kept in the clear.
    """
    found = [
        (mark, (field.name, *path))
        for field, hint in _fields(cls)
        for mark, path in _marks(hint, f"{cls.__name__}.{field.name}", (cls,))
    ]
    personal = tuple(path for mark, path in found if mark is Mark.PERSONAL)
    subjects = [path for mark, path in found if mark is Mark.SUBJECT]
    if len(subjects) > 1 or any(len(path) > 1 for path in subjects):
        raise InvalidEventClass(
            f"event {cls.__name__} has Subject at {', '.join('.'.join(map(str, path)) for path in subjects)}, expected "
            f"at most one, and a field of the event itself: an event holds the data of one person; make it two events",
            name=cls.__name__, subjects=subjects,
        )  # fmt: skip
    return Marks(personal, subjects[0][0] if subjects else None)


def _fields(cls: type[Any]) -> list[tuple[dataclasses.Field[Any], Any]]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return [(field, hints[field.name]) for field in dataclasses.fields(cls)]


def _marks(hint: Any, where: str, inside: tuple[Any, ...]) -> Iterator[tuple[Mark, Path]]:
    """The marks in a type, each with its path from there; `inside` are the classes that it stands in."""
    hint = _named(hint)
    if own := _own(hint):
        if typing.get_args(hint)[0] is not str or len(own) > 1:
            raise _misplaced(where, "is marked, but it is no text", "mark a field of type str, as Personal does")
        yield own[0], ()
    elif steps := _steps(hint, inside):
        for step, inner in steps:
            name = ".".join([where, *step]) if dataclasses.is_dataclass(hint) else where
            yield from ((mark, (*step, *path)) for mark, path in _marks(inner, name, (*inside, hint)))
    elif _is_marked(hint, ()):
        raise _misplaced(where, f"has a mark inside {hint}", "expected it on a text, or on the texts of a dataclass, a "
                         "list or a dict's values")  # fmt: skip


def _steps(hint: Any, inside: tuple[Any, ...]) -> list[tuple[Path, Any]]:
    """The types inside a type that marks may stand in, each with the step that leads there."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    rest = [part for part in parts if part not in (type(None), ...)]
    if origin in (typing.Union, types.UnionType) and len(rest) == 1:
        return [((), rest[0])]
    if (origin in LISTS or (origin is tuple and parts[1:] == (...,))) and rest:
        return [((EVERY,), rest[0])]
    if origin in DICTS and not _is_marked(parts[0], ()):
        return [((EVERY,), parts[1])]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and hint not in inside:
        return [((field.name,), inner) for field, inner in _fields(hint)]
    return []


def _own(hint: Any) -> list[Mark]:
    return [one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Mark)]


def _named(hint: Any) -> Any:
    """The type that a `type` statement or a NewType gives another name."""
    return _named(inner) if (inner := getattr(hint, "__value__", getattr(hint, "__supertype__", None))) else hint


def _is_marked(hint: Any, seen: tuple[Any, ...]) -> bool:
    """Whether there is a mark anywhere in a type."""
    hint = _named(hint)
    if _own(hint):
        return True
    parts = list(typing.get_args(hint))
    if isinstance(hint, type) and hint not in seen and getattr(hint, "__annotations__", None):
        parts += typing.get_type_hints(hint, include_extras=True).values()
    return any(_is_marked(part, (*seen, hint)) for part in parts)


def _misplaced(where: str, found: str, step: str) -> InvalidEventClass:
    return InvalidEventClass(f"{where} {found}: {step}", field=where)
