"""OCEL 2.0 is a log of events and of the objects that they are about: an event may be related to any number of them."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from eslab.events import Recorded
from eslab.readers.log import Refused
from eslab.readers.own import as_told, read_back

ENVELOPE = {
    "eslab_position": ("position", "integer"), "eslab_stream": ("stream", "string"),
    "eslab_version": ("version", "integer"), "eslab_schema_version": ("schema_version", "integer"),
    "eslab_recorded_at": ("recorded_at", "time"),
}  # fmt: skip
"""The attributes of an event that eslab has written, with the fields of a recorded event that they hold, and types."""
PAYLOAD, METADATA = "eslab_payload", "eslab_metadata"
"""The text of payload and metadata as stored; each is written only where there is more than the attributes say."""
KINDS = {str: "string", int: "integer", float: "float", bool: "boolean"}
MOST_ATTRIBUTES = 500
"""How many attributes are declared for one type, since a table has not more than 2,000 columns."""


class Attribute(msgspec.Struct):
    """A value of an event or an object; that of an object holds from `time` on."""

    name: str
    value: Any
    time: str | None = None


class Relation(msgspec.Struct):
    """An object, and what it is to the event or the object that is related to it."""

    id: str = msgspec.field(name="objectId")
    qualifier: str | None = ""


class Told(msgspec.Struct):
    """An event or an object, as its log has it; objects have no `time`."""

    id: str
    type: str
    time: str | None = None
    attributes: list[Attribute] = []
    relationships: list[Relation] = []


class Declared(msgspec.Struct):
    """The name and the type of an attribute."""

    name: str
    type: str


class Kind(msgspec.Struct):
    """A type of events or of objects, with the attributes that they may have."""

    name: str
    attributes: list[Declared] = []


class Ocel(msgspec.Struct):
    """A log, whose events are read one after the other."""

    event_types: list[Kind]
    object_types: list[Kind]
    objects: list[Told]
    events: Iterable[Told | Refused]
    own: bool
    """Whether eslab has written it, and no other program since."""


def values(told: Told, kinds: Mapping[str, str]) -> dict[str, Any]:
    """The attributes of an event by name. Raises ValueError if there is one twice."""
    found = {one.name: typed(one.value, kinds.get(one.name, "")) for one in told.attributes}
    if len(found) < len(told.attributes):
        raise ValueError(f"it has an attribute twice, of {', '.join(sorted(found))}, expected each once: rename one")
    return found


def typed(value: Any, kind: str) -> Any:
    """A value as its declared type has it; a text that is none of that type stays what it is."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            if kind == "integer" and "_" not in value:
                return int(value)
            if kind == "float" and "_" not in value:
                return float(value) if math.isfinite(float(value)) else value
            if kind == "boolean":
                return ("false", "true").index(value.strip().lower()) == 1
    return bool(value) if kind == "boolean" and value in (0, 1) else value


# --- what eslab has written -----------------------------------------------------------------------------------------


class Catalogue:
    """What is said of events in OCEL, and with it the types and the objects of a log, which are known at its end."""

    def __init__(self) -> None:
        self.kinds: dict[str, dict[str, str]] = {}
        """For each type of events, the type of each of its attributes."""
        self.objects: dict[str, str] = {}
        """The type of each object."""

    def told(self, recorded: Recorded) -> Told:
        """The event, its attributes in the order of those of its type."""
        fields, data = as_told(recorded), recorded.data
        kinds = self.kinds.setdefault(recorded.type, {name: kind for name, (_, kind) in ENVELOPE.items()})
        said = {name for name, value in data.items() if _is_sayable(name, value, kinds)}
        payload = {name: data[name] for name in kinds if name in said}
        attributes = {name: fields[field] for name, (field, _) in ENVELOPE.items()} | payload
        if msgspec.json.encode(payload).decode() != recorded.payload_text:
            attributes[PAYLOAD] = recorded.payload_text
        if recorded.metadata_text != "{}":
            attributes[METADATA] = recorded.metadata_text
        for name in (PAYLOAD, METADATA):
            if name in attributes:
                kinds.setdefault(name, "string")
        return Told(
            recorded.id, recorded.type, recorded.occurred_text,
            [Attribute(name, value) for name, value in attributes.items()], self._relations(recorded),
        )  # fmt: skip

    def _relations(self, recorded: Recorded) -> list[Relation]:
        """Its stream, and its tags: `order:o1` is an object of the type `order`."""
        qualifiers = recorded.metadata.get("qualifiers")
        stream = f"{recorded.category}:{recorded.aggregate_id}" if recorded.aggregate_id else recorded.stream
        relations = [Relation(tag, said) for tag in recorded.tags for said in _said_of(tag, qualifiers)]
        if stream not in recorded.tags:
            relations.insert(0, Relation(stream, "stream"))
        for relation in relations:
            kind, colon, _ = relation.id.partition(":")
            self.objects[relation.id] = kind if colon and kind else "tag"
        return relations


def _is_sayable(name: str, value: Any, kinds: dict[str, str]) -> bool:
    """Whether an attribute can hold the value; if it is the first of its name, its type is declared by it."""
    kind = KINDS.get(type(value))
    if kind is None or (kind == "integer" and not -(2**63) <= value < 2**63):
        return False
    if name not in kinds:
        plain = 0 < len(name) <= 100 and name.isprintable() and not name.lower().startswith(("ocel_", "eslab_"))
        taken = len(kinds) >= MOST_ATTRIBUTES or name.lower() in map(str.lower, kinds)
        if not plain or taken:
            return False
        kinds[name] = kind
    return kinds[name] == kind and name not in ENVELOPE


def _said_of(tag: str, qualifiers: Any) -> list[str]:
    """What an object is to an event, as the metadata say it."""
    found = qualifiers.get(tag) if isinstance(qualifiers, dict) else None
    return [one for one in found if isinstance(one, str)] or [""] if isinstance(found, list) else [""]


def read_own(number: int, told: Told, kinds: Mapping[str, str]) -> Recorded | Refused:
    """The recorded event of an event that `to_ocel` has written; refused if another program has changed it."""
    event = values(told, kinds)
    said = {name: value for name, value in event.items() if name not in (*ENVELOPE, PAYLOAD, METADATA)}
    text = msgspec.json.encode(said).decode()
    fields = {field: event.get(name) for name, (field, _) in ENVELOPE.items()}
    fields |= {"type": told.type, "id": told.id, "occurred_at": told.time}
    read = read_back(number, fields | {"payload": event.get(PAYLOAD, text), "metadata": event.get(METADATA, "{}")})
    if isinstance(read, Recorded) and not said.items() <= read.data.items():
        return Refused(number, f"its attributes and its {PAYLOAD} do not say the same, so another program has changed "
                               f"one of them: take {PAYLOAD} out, and the attributes count", event)  # fmt: skip
    return read
