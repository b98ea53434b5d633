"""An attribute of XES is an XML element with a key, a type and a value; an event is nothing but a list of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from eslab.readers.files import unreadable

if TYPE_CHECKING:
    from lxml.etree import _Element

EVENTS = "traces without events"
"""Under this key of what a log says of itself stand the attributes of its traces that have no event."""


class Told(NamedTuple):
    """An event as the file has it; `number` counts them, first = 1. A text in place of a dict says what is wrong."""

    number: int
    case: dict[str, Any] | str
    attributes: dict[str, Any] | str


# --- from XML -------------------------------------------------------------------------------------------------------


def told_events(stream: IO[bytes], place: Path, about: dict[str, Any]) -> Iterator[Told]:
    """Each event of the file; it is gone from memory when the next one is read. `about` is filled on the way.

    Raises UnreadableLog for a file that is no XES, or that could make its reader do something.
    """
    from lxml import etree

    parsed = etree.iterparse(
        stream, ("end",), tag=("{*}event", "{*}trace", "{*}log"), resolve_entities=False, load_dtd=False,
        no_network=True, huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    number, trace = 0, None
    case: dict[str, Any] | str = ""
    for _, element in parsed:
        kind, parent = _kind(element), element.getparent()
        if not about or kind == "log":
            about.update(_head(element.getroottree().getroot(), place))
        if kind == "event":
            number += 1
            if parent is not trace:
                trace, case = parent, _case(parent)
            yield Told(number, case, _tried(element))
        elif kind == "trace" and element is not trace:
            if said := _tried(element):
                about.setdefault(EVENTS, []).append(said)
        elif kind == "trace":
            _check_order(element, place)
        _forget(element)
    _head(parsed.root, place)


def _case(trace: _Element) -> dict[str, Any] | str:
    if _kind(trace) != "trace":
        return "the event stands in no trace, expected each event in the trace of its case: put <trace> around it"
    return _tried(trace)


def _check_order(trace: _Element, place: Path) -> None:
    kinds = [_kind(child) == "event" for child in trace.iterchildren(tag="{*}*")]
    if kinds != sorted(kinds):
        raise unreadable(place, "an attribute of a trace stands behind one of its events, expected it before them: put "
                                "the attributes first", trace.sourceline)  # fmt: skip


def _tried(element: _Element) -> dict[str, Any] | str:
    """The attributes of an element, or what is wrong with them."""
    try:
        return attributes(element)
    except (ValueError, OverflowError) as error:
        return str(error)


def _forget(element: _Element) -> None:
    """Take an element out of memory; it stays, empty, until its next sibling is read: the parser holds on to it."""
    before, parent = element.getprevious(), element.getparent()
    element.clear()
    if parent is not None and before is not None and _kind(before) in ("event", "trace"):
        parent.remove(before)


def attributes(element: _Element) -> dict[str, Any]:
    """The attributes of an event, a trace, a log or an attribute, by key. Raises ValueError for what is none."""
    found: dict[str, Any] = {}
    for child in element.iterchildren(tag="{*}*"):
        if _kind(child) not in BESIDE:
            key, value = _pair(child)
            if key in found:
                raise ValueError(f"found the attribute {key!r} twice, expected each key once: rename one of them")
            found[key] = value
    return found


def _pair(element: _Element) -> tuple[str, Any]:
    kind, key = _kind(element), element.get("key")
    if key is None or (kind not in READ and kind not in ("list", "container")):
        raise ValueError(f"found <{kind}> with the key {key!r}, expected an attribute with a key, one of "
                         f"{', '.join(READ)}, list, container: correct it")  # fmt: skip
    if kind in READ and not len(element):
        return key, _scalar(kind, key, element.get("value"))
    if kind == "container":
        return key, attributes(element)
    values = element.find("{*}values")
    if kind == "list" and values is None:  # as XES 1.0 has it
        return key, _items(key, element)
    inner = attributes(element)
    value = _items(key, values) if values is not None else _scalar(kind, key, element.get("value"))
    return key, {"value": value, "attributes": inner} if inner else value


def _items(key: str, values: _Element) -> list[Any]:
    """The values of a list: as they are if they have the key of the list, else each as {its key: value}."""
    pairs = map(_pair, values.iterchildren(tag="{*}*"))
    return [value if own == key else {own: value} for own, value in pairs]


def _scalar(kind: str, key: str, text: str | None) -> Any:
    try:
        if text is not None:
            return READ[kind](text)
    except ValueError:
        pass
    raise ValueError(f"the attribute {key!r} has the value {text!r}, expected one of the type {kind}: correct it")


def _whole(text: str) -> int:
    if "_" in text:
        raise ValueError(text)
    return int(text)


def _fraction(text: str) -> float | str:
    """NaN and the infinite stay text, since JSON has no such numbers."""
    number = float("_" if "_" in text else text)
    return number if math.isfinite(number) else text


READ: dict[str, Callable[[str], Any]] = {
    "string": str, "date": str, "int": _whole, "float": _fraction, "id": str,
    "boolean": lambda text: ("true", "false", "1", "0").index(text.strip()) in (0, 2),
}  # fmt: skip
BESIDE = ("event", "trace", "extension", "global", "classifier", "values")
"""Elements that are no attributes."""


def _kind(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _head(log: _Element, place: Path) -> dict[str, Any]:
    """What a log says of itself. Raises UnreadableLog if it is no log."""
    tree = log.getroottree()
    if tree.docinfo.internalDTD is not None or tree.docinfo.doctype:
        raise unreadable(place, "it declares entities (DOCTYPE), which may stand for anything and which XES does not "
                                "have: take the declaration out if you trust the file", 1)  # fmt: skip
    if _kind(log) != "log":
        raise unreadable(place, f"its root is <{_kind(log)}>, expected <log>, as XES has it", log.sourceline)
    said: dict[str, list[Any]] = {kind: [] for kind in ("extension", "global", "classifier")}
    try:
        for child in log.iterchildren(tag="{*}*"):
            if _kind(child) in said:
                said[_kind(child)].append({**dict(child.attrib), **attributes(child)})
        found = attributes(log)
    except ValueError as error:
        raise unreadable(place, f"what the log says of itself cannot be read: {error}", log.sourceline) from error
    return {"log": dict(log.attrib), "attributes": found, **{f"{kind}s": told for kind, told in said.items()}}
