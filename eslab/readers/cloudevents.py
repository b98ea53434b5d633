"""CloudEvents is how services tell each other of events: an envelope in JSON, with the same names everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import IO, Any

import msgspec

from eslab.errors import InvalidPayload
from eslab.events import Recorded
from eslab.readers.files import lines, opened, replacing, unreadable
from eslab.readers.jsonl import plain_object
from eslab.readers.log import Found, Log, Refused, in_category, stream_name
from eslab.readers.own import as_told, read_back
from eslab.readers.places import rising
from eslab.readers.times import Times

REQUIRED = ("specversion", "id", "source", "type")
SOURCE = "urn:eslab:events"
MOST = 2**28
"""How many bytes a batch may have, which is read at once: 256 MiB. A file of lines may have any size."""
ENVELOPE = {
    "sequence": "position", "subject": "stream", "eslabversion": "version", "type": "type",
    "eslabschemaversion": "schema_version", "id": "id", "recordedtime": "recorded_at", "time": "occurred_at",
}  # fmt: skip
"""The attributes of an event that eslab has written, and the fields of a recorded event that they hold."""
CAUSES = {"correlationid": "correlation_id", "causationid": "causation_id"}
"""Extensions that have a name of their own in our metadata; theirs have lower-case letters and digits only."""
APART = ("specversion", "id", "type", "time", "recordedtime", "data")
"""What does not come into the metadata, since it has a place of its own."""

METADATA = "eslabmetadata"
"""The text of the metadata as stored, written only where the attributes do not say the same."""


class _Data(msgspec.Struct):
    data: msgspec.Raw


_data = msgspec.json.Decoder(_Data)


def cloudevents(
    path: str | PathLike[str], *, stream: str = "subject", category: str = "case", zone: str | None = None,
    repeated_hour: str | None = None, member: str | None = None, on_error: str = "raise", order: str = "recorded",
    progress: bool | None = None,
) -> Log:  # fmt: skip
    """The events of a file of CloudEvents 1.0 in JSON: one, a batch (a JSON array), or one a line; also .gz and .zip.

    `stream` is the attribute that says to what an event happened; one without it belongs to the stream of its `source`.
    `data` is the payload if it is an object, else it is in the payload under its own name, as `data_base64` is. All
    other attributes are metadata, among them the extension `sequence`; `correlationid` and `causationid` become our
    `correlation_id` and `causation_id`. With the extension `recordedtime` an event has two clocks.

    Ids count within a source, so an id here is `source#id`; one that comes again is a duplicate. An event without a
    time, or not of version 1.0, is refused. A batch may have 256 MiB; its events count as lines.
    """
    place, family = Path(path), in_category(category)
    with opened(place, member=member):
        pass  # so that a file that is not there is said at once
    return Log(
        place.name, lambda: _told(place, member, stream, family), times=Times(zone, repeated_hour), on_error=on_error,
        order=order, progress=progress,
    )  # fmt: skip


def to_cloudevents(history: Iterable[Recorded], path: str | PathLike[str], *, source: str = SOURCE) -> int:
    """Write events as CloudEvents, as a batch if the name ends in .json, else one a line, and say how many.

    The position is the extension `sequence`, the stream the `subject`; `readers.cloudevents` gives back the same
    events. The file appears when all is written. Raises InvalidPosition if positions do not rise.
    """
    batch, number = Path(path).suffix == ".json", 0
    with replacing(path) as beside, beside.open("wb") as file:
        file.write(b"[\n" if batch else b"")
        for number, recorded in enumerate(rising(history), 1):
            file.write((b",\n" if batch else b"\n") if number > 1 else b"")
            file.write(_written(recorded, source))
        file.write(b"\n]\n" if batch else b"\n")
    return number


# --- reading --------------------------------------------------------------------------------------------------------


def _told(place: Path, member: str | None, stream: str, category: str) -> Iterator[Found | Recorded | Refused]:
    with opened(place, member=member) as file:
        for line, text in _objects(file, place):
            try:
                event = plain_object(bytes(text))
            except ValueError as error:
                why = f"{error}, expected a CloudEvent: correct it, or have it sent again"
                yield Refused(line, why, bytes(text)[:1_000])
                continue
            event = {name: value for name, value in event.items() if value is not None or name == "data"}
            if "eslabversion" in event:
                yield _own(line, event, bytes(text))
            else:
                yield _found(line, event, stream, category)


def _objects(file: IO[bytes], place: Path) -> Iterator[tuple[int, bytes | msgspec.Raw]]:
    """The text of each event, with its line, or in a batch with its place in it."""
    told = lines(file, place) if not _is_batch(file) else iter(())
    for line, text in told:
        if line == 1 and text.strip() == "{":  # one event, over several lines
            yield 1, text.encode() + _whole(file, place)
        elif text.strip():
            yield line, text.encode()
    if whole := _whole(file, place):
        yield from enumerate(_members(whole.removeprefix(b"\xef\xbb\xbf"), place), 1)


def _is_batch(file: IO[bytes]) -> bool:
    start: bytes = file.peek(2**12)  # type: ignore[attr-defined]  # what `opened` gives is buffered
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")


def _whole(file: IO[bytes], place: Path) -> bytes:
    whole = file.read(MOST + 1)
    if len(whole) > MOST:
        raise unreadable(place, f"it is a batch of more than {MOST:,} bytes, which is read at once: write one event a "
                                f"line, which may be any number")  # fmt: skip
    return whole


def _members(whole: bytes, place: Path) -> list[msgspec.Raw]:
    try:
        return msgspec.json.decode(whole, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise unreadable(place, f"it is no JSON ({error}), expected a batch of events: was it written to its end?",
                         line_of(error, whole)) from error  # fmt: skip


def line_of(error: Exception, whole: bytes) -> int | None:
    """The line that a message of msgspec speaks of, first = 1; None if it speaks of none."""
    place = re.search(r"\(byte (\d+)\)", str(error))
    if place is None and "truncated" not in str(error):
        return None
    return 1 + whole.count(b"\n", 0, int(place[1]) if place else len(whole))


def _found(line: int, event: dict[str, Any], stream: str, category: str) -> Found | Refused:
    if wrong := _wrong(event):
        return Refused(line, wrong, event)
    about = event.get(stream)
    data = event.get("data", {})
    payload = data if isinstance(data, dict) else {"data": data}
    if "data_base64" in event:
        payload = {"data_base64": event["data_base64"]}
    left = {CAUSES.get(name, name): value for name, value in event.items() if name not in (*APART, stream)}
    return Found(
        line, stream_name(category, event["source"] if about in (None, "") else about), event["type"], event["time"],
        payload, event.get("recordedtime"), f"{event['source']}#{event['id']}", left,
    )  # fmt: skip


def _wrong(event: Mapping[str, Any]) -> str:
    """Why this is no CloudEvent that can be taken, "" if it is one."""
    for name in (*REQUIRED, "time"):
        if not isinstance(event.get(name), str) or not event[name]:
            return f"{name!r} is {event.get(name)!r}, expected a text, as CloudEvents has it: add it to the event"
    if event["specversion"] != "1.0":
        return f"'specversion' is {event['specversion']!r}, expected '1.0': have the event sent in that version"
    if "data" in event and "data_base64" in event:
        return "found both 'data' and 'data_base64', expected one of them: take one out"
    for theirs, ours in CAUSES.items():
        if theirs in event and ours in event:
            return f"found both {theirs!r} and {ours!r}, expected one of them: take one out"
    return ""


# --- what eslab has written -----------------------------------------------------------------------------------------


def _written(recorded: Recorded, source: str) -> bytes:
    fields, metadata = as_told(recorded), recorded.metadata
    event = {"specversion": "1.0", "source": source, **{name: str(fields[ours]) for name, ours in ENVELOPE.items()}}
    event["sequence"] = f"{recorded.position:019}"  # so that their order is that of the texts
    event |= {name: metadata[ours] for name, ours in CAUSES.items() if _is_text(metadata.get(ours))}
    if recorded.metadata_text != _causes(event):
        event[METADATA] = recorded.metadata_text
    if "\n" in recorded.payload_text or recorded.payload_text.strip() != recorded.payload_text:
        raise InvalidPayload(
            f"the payload of the event at position {recorded.position} has blanks or line ends around or between its "
            f"parts, expected JSON as stores write it; nothing was written: use to_parquet or to_csv",
            position=recorded.position,
        )  # fmt: skip
    data = msgspec.Raw(recorded.payload_text.encode())
    return msgspec.json.encode({**event, "datacontenttype": "application/json", "data": data})


def _own(line: int, event: dict[str, Any], text: bytes) -> Recorded | Refused:
    fields = {ours: event[name] for name, ours in ENVELOPE.items() if name in event}
    try:
        fields["payload"] = bytes(_data.decode(text).data).decode()  # as it stands there
    except msgspec.MsgspecError as error:
        return Refused(line, f"it is not as eslab wrote it ({error}): take the file from where it came", event)
    fields["metadata"] = event.get(METADATA, _causes(event))
    return read_back(line, fields)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable()


def _causes(event: Mapping[str, Any]) -> str:
    """The metadata that the attributes of an event say of themselves, as stored."""
    return msgspec.json.encode({ours: event[name] for name, ours in CAUSES.items() if name in event}).decode()
