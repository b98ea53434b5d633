"""A log of eslab in XES: a stream is a trace, for every program to read, and comes back exactly as it was."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

import msgspec

from eslab.errors import InvalidPayload
from eslab.events import Recorded
from eslab.readers.files import replacing
from eslab.readers.log import Refused
from eslab.readers.own import as_told, read_back
from eslab.readers.places import by_stream
from eslab.readers.xes_parts import Told

OURS = "urn:eslab:xes"
"""The address of the extension that says that eslab wrote a log, and whose keys hold what XES has no word for."""
LOG = {"xmlns": "http://www.xes-standard.org/", "xes.version": "2.0", "xes.features": "nested-attributes"}
STANDARD = ("Concept", "concept"), ("Time", "time"), ("Identity", "identity"), ("Lifecycle", "lifecycle"), (
    "Organizational", "org")  # fmt: skip
ENVELOPE = {
    "type": ("concept:name", "string"), "occurred_at": ("time:timestamp", "date"), "id": ("identity:id", "id"),
    "position": ("eslab:position", "int"), "version": ("eslab:version", "int"),
    "schema_version": ("eslab:schema_version", "int"), "recorded_at": ("eslab:recorded_at", "date"),
}  # fmt: skip
"""The fields of a recorded event that are attributes of an XES event, with their types."""
PAYLOAD, METADATA = "eslab:payload", "eslab:metadata"
"""The text of payload and metadata as stored; each is written only where the attributes do not say the same."""
RESERVED = frozenset({PAYLOAD, METADATA, *(key for key, _ in ENVELOPE.values())})
OUTSIDE_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 holds, however they are written."""
LONGEST = 9_999_999
"""How many bytes a value may have, since XML readers stop at 10 MB."""
DEEPEST = 50
"""How deep lists and dicts may be nested, since XML readers stop at 256 elements."""


def to_xes(history: Iterable[Recorded], path: str | PathLike[str]) -> int:
    """Write events to an XES file, packed if its name ends in .gz, and say how many.

    A stream is a trace, an event an event; the keys of a payload are its attributes, `metadata["case"]` those of the
    trace. What XES cannot hold (null, a number over 64 bits, control characters) is kept in `eslab:payload`, as JSON,
    so `readers.xes` gives back the same events. The file appears when all is written.

    Raises InvalidPosition if positions do not rise, and InvalidPayload for a text over 10 MB.
    """
    number = 0
    with replacing(path) as beside, _open(beside) as file:
        out = XMLGenerator(file, "utf-8", short_empty_elements=True)
        out.startDocument()
        with _inside(out, "log", LOG):
            _write_head(out)
            for stream, events in itertools.groupby(by_stream(history), lambda recorded: recorded.stream):
                with _inside(out, "trace", {}):
                    number += _write_trace(out, stream, events)
        out.endDocument()
    return number


def read_own(told: Told) -> Recorded | Refused:
    """The recorded event of an event that `to_xes` has written; refused if another program has changed it."""
    number, case, event = told
    if isinstance(case, str) or isinstance(event, str):
        return Refused(number, case if isinstance(case, str) else str(event), event)
    fields: dict[str, Any] = {name: event[key] for name, (key, _) in ENVELOPE.items() if key in event}
    said = {key: value for key, value in event.items() if key not in RESERVED}
    others = {key: value for key, value in case.items() if key != "concept:name"}
    fields["stream"] = case.get("concept:name")
    fields["payload"] = _revealed(event[PAYLOAD]) if PAYLOAD in event else _text(said)
    fields["metadata"] = _revealed(event[METADATA]) if METADATA in event else _case_text(others)
    read = read_back(number, fields)
    if isinstance(read, Recorded) and PAYLOAD in event and sayable(read.data, RESERVED) != said:
        return Refused(number, f"its attributes and its {PAYLOAD} do not say the same, so another program has changed "
                               f"one of them: take {PAYLOAD} out, and the attributes count", event)  # fmt: skip
    return read


# --- what is said, and how ------------------------------------------------------------------------------------------


def sayable(value: Any, reserved: Collection[str] = (), deep: int = DEEPEST) -> Any:
    """What XES attributes can say of a value from JSON: without nulls, big numbers, and characters outside of XML."""
    if isinstance(value, dict):
        return {
            key: sayable(one, (), deep - 1) for key, one in value.items()
            if key not in reserved and _can_say(key, deep) and _can_say(one, deep)
        }  # fmt: skip
    return [sayable(one, (), deep - 1) for one in value if _can_say(one, deep)] if isinstance(value, list) else value


def _can_say(value: Any, deep: int) -> bool:
    if isinstance(value, str):
        return len(value) * 4 < LONGEST and not OUTSIDE_XML.search(value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return isinstance(value, float) or (deep > 0 and isinstance(value, (dict, list)))


def _text(data: Mapping[str, Any]) -> str:
    return msgspec.json.encode(data).decode()


def _case_text(case: Mapping[str, Any]) -> str:
    return _text({"case": case}) if case else "{}"


def _hidden(text: str) -> str:
    """The text, or where XML cannot hold it a JSON string of it, which has ASCII characters only."""
    return json.dumps(text) if OUTSIDE_XML.search(text) else text


def _revealed(text: Any) -> Any:
    return msgspec.json.decode(text) if isinstance(text, str) and text.startswith('"') else text


# --- writing --------------------------------------------------------------------------------------------------------


def _write_head(out: XMLGenerator) -> None:
    """What all events of the log have in common."""
    for name, prefix in STANDARD:
        _element(out, "extension", name=name, prefix=prefix, uri=f"http://www.xes-standard.org/{prefix}.xesext")
    _element(out, "extension", name="eslab", prefix="eslab", uri=OURS)
    with _inside(out, "global", {"scope": "trace"}):
        _element(out, "string", key="concept:name", value="")
    with _inside(out, "global", {"scope": "event"}):
        _element(out, "string", key="concept:name", value="")
        _element(out, "date", key="time:timestamp", value="1970-01-01T00:00:00+00:00")
    _element(out, "classifier", name="Type", scope="event", keys="concept:name")


def _write_trace(out: XMLGenerator, stream: str, events: Iterator[Recorded]) -> int:
    first = next(events)
    case = first.metadata.get("case")
    said = sayable(case, ("concept:name",)) if isinstance(case, dict) else {}
    _element(out, "string", key="concept:name", value=stream)
    _attributes(out, said)
    number = 0
    for recorded in itertools.chain([first], events):
        with _inside(out, "event", {}):
            _write_event(out, recorded, _case_text(said))
        number += 1
    return number


def _write_event(out: XMLGenerator, recorded: Recorded, case: str) -> None:
    """An event; `case` is the metadata that the attributes of its trace say already."""
    fields = as_told(recorded)
    said = sayable(recorded.data, RESERVED)
    for name, (key, kind) in ENVELOPE.items():
        _element(out, kind, key=key, value=str(fields[name]))
    _attributes(out, said)
    if recorded.payload_text != _text(said):
        _element(out, "string", key=PAYLOAD, value=_hidden(recorded.payload_text))
    if recorded.metadata_text != case:
        _element(out, "string", key=METADATA, value=_hidden(recorded.metadata_text))


def _attributes(out: XMLGenerator, said: Mapping[str, Any]) -> None:
    for key, value in said.items():
        _attribute(out, key, value)


def _attribute(out: XMLGenerator, key: str, value: Any) -> None:
    """An attribute with the type of its value."""
    if isinstance(value, dict):
        with _inside(out, "container", {"key": key}):
            _attributes(out, value)
    elif isinstance(value, list):
        with _inside(out, "list", {"key": key}), _inside(out, "values", {}):
            for one in value:
                _attribute(out, key, one)
    else:
        kind = {str: "string", bool: "boolean", int: "int", float: "float"}[type(value)]
        _element(out, kind, key=key, value=str(value).lower() if kind == "boolean" else str(value))


@contextlib.contextmanager
def _inside(out: XMLGenerator, kind: str, said: dict[str, str]) -> Iterator[None]:
    """An element that holds what is written in the `with`; those that hold others begin on a line of their own."""
    if kind in ("trace", "event"):
        out.ignorableWhitespace("\n")
    out.startElement(kind, AttributesImpl(said))
    yield
    out.endElement(kind)


def _element(out: XMLGenerator, kind: str, **said: str) -> None:
    if any(len(text) * 4 > LONGEST and len(text.encode()) > LONGEST for text in said.values()):
        raise InvalidPayload(
            f"{said['key']!r} has more than {LONGEST:,} bytes, which no XML reader takes: write this log in another "
            f"format, such as Parquet", key=said["key"],
        )  # fmt: skip
    out.startElement(kind, AttributesImpl(said))
    out.endElement(kind)


def _open(path: Path) -> contextlib.AbstractContextManager[Any]:
    return gzip.open(path, "wb") if path.suffix == ".gz" else path.open("wb")
