"""A JSON lines file has an object a line, and every object is a record."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from eslab.events import Recorded
from eslab.readers.files import lines, opened, replacing
from eslab.readers.log import Found, Log, Refused
from eslab.readers.own import as_told, is_own, read_back
from eslab.readers.places import rising
from eslab.readers.tables import Columns, with_columns


class Own(msgspec.Struct, forbid_unknown_fields=True):
    """A line that eslab has written: the ten fields of a recorded event, payload and metadata as they were stored."""

    position: int
    stream: str
    version: int
    type: str
    schema_version: int
    id: str
    recorded_at: str
    occurred_at: str
    payload: msgspec.Raw
    metadata: msgspec.Raw


@with_columns
def jsonl(
    path: str | PathLike[str], *, encoding: str = "utf-8", member: str | None = None, **columns: Any
) -> Log:  # fmt: skip
    """The events of a file of JSON lines, plain, .gz or .zip (with a `member`, if it holds several files).

        readers.jsonl("orders.jsonl", stream="order.id", type="what", occurred_at="meta.at", category="order")

    What the keys mean is said as in `readers.Columns`; in stream, type, id and the two times a dot leads
    to a key inside of an object. What is not named is
    the payload, as it stands. What `to_jsonl` has written needs no columns.

    Raises UnreadableLog if the file cannot be opened, and on reading for a line that is no event.
    """
    place, mapped = Path(path), Columns(**columns)
    with opened(place, member=member):
        pass

    def records() -> Iterator[Found | Recorded | Refused]:
        with opened(place, member=member) as stream:
            told = ((number, line) for number, line in lines(stream, place, encoding) if line.strip())
            own: bool | None = None
            for number, line in told:
                if own is None:
                    own = mapped.as_eslab_has_them and _is_own(line, place.name)
                yield _read_back(number, line) if own else _event(number, line, mapped)

    return mapped.log(place.name, records)


def to_jsonl(history: Iterable[Recorded], path: str | PathLike[str]) -> int:
    """Write events as JSON lines that `jsonl` reads back as they were, and say how many; an older file is replaced.

    The keys are the ten fields of a recorded event; payload and metadata are objects. Raises InvalidPosition if the
    events do not come in the order of their positions.
    """
    encode, events = msgspec.json.Encoder().encode, 0
    with replacing(path) as beside, beside.open("wb") as file:
        for recorded in rising(history):
            told = as_told(recorded)
            told |= {name: _raw(told[name]) for name in ("payload", "metadata")}
            file.write(encode(told) + b"\n")
            events += 1
        file.write(b"" if events else b"\n")  # an empty file would be taken for one that was not finished
    return events


# --- one line -------------------------------------------------------------------------------------------------------


def _is_own(line: str, source: str) -> bool:
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and is_own(first, source)


def _read_back(number: int, line: str) -> Recorded | Refused:
    try:
        own = msgspec.json.decode(line, type=Own)
    except (msgspec.MsgspecError, RecursionError) as error:
        return Refused(number, f"it is not as eslab wrote it ({error}): take the file from where it came", line)
    told = msgspec.structs.asdict(own)
    return read_back(number, told | {name: _text(told[name]) for name in ("payload", "metadata")})


def _raw(text: str) -> msgspec.Raw:
    """A stored text as it is, or, where that would not stay as it is in a line, as a text in quotes."""
    plain = text == text.strip() and "\n" not in text
    return msgspec.Raw(text.encode() if plain else msgspec.json.encode(text))


def _text(raw: msgspec.Raw) -> str:
    text = bytes(raw).decode()
    return msgspec.json.decode(text, type=str) if text.startswith('"') else text


def _event(number: int, line: str, columns: Columns) -> Found | Refused:
    try:
        row = plain_object(line)
    except ValueError as error:
        return Refused(number, f"{error}: correct the line", line)
    return columns.event(number, row)


def plain_object(text: str | bytes) -> dict[str, Any]:
    """A JSON object. Raises ValueError for anything else, for a key that comes twice, and for NaN."""
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number, parse_float=_float)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is no JSON object ({error})") from None
    if not isinstance(found, dict):
        raise ValueError(f"found {type(found).__name__}, expected a JSON object in {{}}")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} comes twice")
    return made


def _float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number that JSON has")
