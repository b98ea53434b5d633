"""OCEL in JSON: one object with the types, the objects and the events of a log, which is read at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from eslab.events import Recorded
from eslab.readers.cloudevents import line_of
from eslab.readers.files import unreadable
from eslab.readers.log import Refused
from eslab.readers.ocel_parts import Catalogue, Declared, Kind, Ocel, Told
from eslab.readers.places import rising

MOST = 2**29
"""How many bytes a file may have: 512 MiB. As SQLite, a log may have any size."""
OURS = 1
"""What stands under the key `eslab` of a log that eslab has written."""


class _File(msgspec.Struct, rename="camel"):
    event_types: list[Kind]
    object_types: list[Kind]
    objects: list[Told]
    events: list[msgspec.Raw]
    eslab: int = 0


def read_json(file: IO[bytes], place: Path) -> Ocel:
    """The log in a file. Raises UnreadableLog if it is no OCEL 2.0."""
    whole = file.read(MOST + 1)
    if len(whole) > MOST:
        raise unreadable(place, f"it has more than {MOST:,} bytes, which are read at once: export the log as SQLite, "
                                f"which may have any size")  # fmt: skip
    try:
        told = msgspec.json.decode(whole.removeprefix(b"\xef\xbb\xbf"), type=_File)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise unreadable(place, f"it is no OCEL 2.0 in JSON ({error}), expected eventTypes, objectTypes, objects "
                                f"and events: export it again so", line_of(error, whole)) from error  # fmt: skip
    return Ocel(told.event_types, told.object_types, told.objects, _events(told.events), told.eslab == OURS)


def _events(events: list[msgspec.Raw]) -> Iterator[Told | Refused]:
    for number, raw in enumerate(events, 1):
        try:
            yield msgspec.json.decode(raw, type=Told)
        except msgspec.MsgspecError as error:
            yield Refused(
                number, f"it is no event of OCEL ({error}): correct it, or export it again", bytes(raw)[:1_000]
            )


def write_json(history: Iterable[Recorded], path: Path) -> int:
    """Write a log, an event a line, and behind them the objects and the types, which are known then."""
    catalogue, number = Catalogue(), 0
    with path.open("wb") as file:
        file.write(b'{"eslab": %d, "events": [' % OURS)
        for number, recorded in enumerate(rising(history), 1):
            file.write(b",\n" if number > 1 else b"\n")
            file.write(msgspec.json.encode(_as_text(catalogue.told(recorded))))
        kinds = [Kind(name, [Declared(*one) for one in kinds.items()]) for name, kinds in catalogue.kinds.items()]
        objects = [{"id": name, "type": kind, "attributes": [], "relationships": []}
                   for name, kind in catalogue.objects.items()]  # fmt: skip
        file.write(b'\n],\n"objects": ' + msgspec.json.encode(objects))
        object_kinds = [Kind(name) for name in dict.fromkeys(catalogue.objects.values())]
        file.write(b',\n"objectTypes": ' + msgspec.json.encode(object_kinds))
        file.write(b',\n"eventTypes": ' + msgspec.json.encode(kinds) + b"}\n")
    return number


def _as_text(told: Told) -> dict[str, object]:
    """An event as the standard has it, where each value is text, of the type that is declared."""
    return {
        "id": told.id, "type": told.type, "time": told.time,
        "attributes": [{"name": one.name, "value": _said(one.value)} for one in told.attributes],
        "relationships": told.relationships,
    }  # fmt: skip


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
