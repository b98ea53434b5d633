"""XES (IEEE 1849) is the XML of process mining: a log of traces, a trace a case, an event a list of attributes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from eslab.errors import InvalidName
from eslab.events import Recorded
from eslab.readers.files import opened, unreadable
from eslab.readers.log import Found, Log, NoCase, Refused, in_category, stream_name
from eslab.readers.places import by_position
from eslab.readers.times import Times
from eslab.readers.xes_own import OURS, read_own
from eslab.readers.xes_parts import Told, told_events


def xes(
    path: str | PathLike[str], *, stream: str = "concept:name",
    type: str | Sequence[str] = "concept:name",  # noqa: A002 - the word of every reader
    occurred_at: str = "time:timestamp", id: str = "identity:id", category: str = "case", zone: str | None = None,
    repeated_hour: str | None = None, member: str | None = None, on_error: str = "raise", order: str = "recorded",
    progress: bool | None = None,
) -> Log:  # fmt: skip
    """The events of an XES file, plain, .gz or .zip; a trace is a stream, read event by event.

    `stream` is the attribute of a trace that names it; `type`, `occurred_at` and `id` are attributes of events. With
    several of them as `type`, as a classifier has, their values are joined by "+": `a+complete`. All other attributes
    of an event are its payload, those of its trace its `metadata["case"]`. Numbers and truth values are such, a date
    stays its text, a list is a list (of its values if they have its own key, else of {key: value}), a container a dict;
    an attribute that has attributes itself is {"value": ..., "attributes": {...}}. `log.about` holds the attributes,
    extensions, globals and classifiers of the log, and the attributes of traces without events.

    An event without name or time is refused, and so is each event of a trace without a name. `line` in a report counts
    events. Raises UnreadableLog, on reading, for broken XML and for a file that declares entities.
    """
    types = (type,) if isinstance(type, str) else tuple(type)
    keys = (stream, *types, occurred_at, id)
    if not types or not all(isinstance(key, str) and key for key in keys):
        raise InvalidName(f"stream, type, occurred_at and id are {keys!r}, expected keys of attributes, such as "
                          f"'concept:name'", found=keys)  # fmt: skip
    place, about = Path(path), dict[str, Any]()
    names = _Names(stream, types, occurred_at, id, in_category(category))
    with opened(place, member=member):
        pass  # so that a file that is not there is said at once
    return Log(
        place.name, lambda: _told(place, member, names, about), times=Times(zone, repeated_hour), on_error=on_error,
        order=order, progress=progress, about=about, unit="event",
    )  # fmt: skip


class _Names(NamedTuple):
    """Under which keys an XES file says what eslab wants to know."""

    stream: str
    type: tuple[str, ...]
    occurred_at: str
    id: str
    category: str


def _told(
    place: Path, member: str | None, names: _Names, about: dict[str, Any]
) -> Iterator[Found | Recorded | Refused]:
    from lxml.etree import XMLSyntaxError

    about.clear()
    with opened(place, member=member) as stream:
        try:
            events = told_events(stream, place, about)
            first = list(itertools.islice(events, 1))  # with it, the head of the log was read
            told = itertools.chain(first, events)
            if any(extension.get("uri") == OURS for extension in about["extensions"]):
                yield from by_position(map(read_own, told))
            else:
                yield from (_found(one, names) for one in told)
        except XMLSyntaxError as error:
            raise unreadable(place, f"it is not well-formed XML ({error.msg}): fetch or export it again",
                             error.lineno) from error  # fmt: skip


def _found(told: Told, names: _Names) -> Found | Refused:
    number, case, event = told
    if isinstance(case, str) or isinstance(event, str):
        return Refused(number, case if isinstance(case, str) else str(event), event)
    missing = [key for key in (*names.type, names.occurred_at) if key not in event]
    if missing:
        return Refused(number, f"the event has no {missing[0]!r}, expected what happened and when: name the attributes "
                               f"that say it as type= and occurred_at=", event)  # fmt: skip
    try:
        stream = stream_name(names.category, _plain(case.get(names.stream)))
    except NoCase:
        return Refused(number, f"the trace of the event has no {names.stream!r}, expected the name of a case: say "
                               f"stream= with an attribute of traces that names them", event)  # fmt: skip
    used = (*names.type[: len(names.type) == 1], names.occurred_at, names.id)
    others = _without(case, (names.stream,))
    return Found(
        number, stream, "+".join(str(_plain(event[key])) for key in names.type), _plain(event[names.occurred_at]),
        _without(event, used), None, str(_plain(event[names.id])) if names.id in event else None,
        {"case": others} if others else {},
    )  # fmt: skip


def _plain(value: Any) -> Any:
    """The value of an attribute, without the attributes that it has itself."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _without(attributes: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Those that are not said elsewhere; one with attributes of its own stays."""
    return {key: value for key, value in attributes.items() if key not in keys or isinstance(value, (dict, list))}
