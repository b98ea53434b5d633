"""An event that eslab itself has written to a file comes back as the recorded event that it was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from eslab.codec import REFUSALS, stored_name, stored_time
from eslab.errors import EslabError, UnreadableLog
from eslab.events import Recorded
from eslab.readers.log import Refused

ENVELOPE = ("position", "stream", "version", "type", "schema_version", "id", "recorded_at", "occurred_at", "payload",
            "metadata")  # fmt: skip
"""What the ten fields of a recorded event are called in a file; payload and metadata are JSON, times ISO 8601."""


def is_own(names: Iterable[str], source: str) -> bool:
    """Whether these columns or keys are those of a file that eslab has written.

    Raises UnreadableLog if others were added. (pandas adds one for the index of a frame, which says nothing.)
    """
    found = set(names) - {"__index_level_0__"}
    if odd := sorted(found - set(ENVELOPE)) if found >= set(ENVELOPE) else []:
        raise UnreadableLog(
            f"{source}: found {odd[0]!r} beside the ten fields that eslab writes, where it would be lost: take it out, "
            f"or say which columns are meant, with stream=, type= and occurred_at=", file=source, line=None,
        )  # fmt: skip
    return found == set(ENVELOPE)


def as_told(recorded: Recorded) -> dict[str, Any]:
    """The ten fields by name; payload and metadata as their stored texts."""
    return dict(zip(ENVELOPE, msgspec.structs.astuple(recorded), strict=True))


def read_back(line: int, told: Mapping[str, Any]) -> Recorded | Refused:
    """The recorded event of these ten fields, texts or numbers; refused if one of them is not as eslab writes it."""
    try:
        return Recorded(
            _number(told, "position"), stored_name(told["stream"]), _number(told, "version"),
            stored_name(told["type"], "an event type"), _number(told, "schema_version", least=0),
            stored_name(told["id"], "an event id"), _time(told, "recorded_at"), _time(told, "occurred_at"),
            _object(told, "payload"), _object(told, "metadata"),
        )  # fmt: skip
    except (EslabError, *REFUSALS) as error:
        why = f"it is not as eslab wrote it ({type(error).__name__}: {error}): take the file from where it came"
        return Refused(line, why, dict(told))


def _number(told: Mapping[str, Any], name: str, least: int = 1) -> int:
    value = told[name]
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if type(number) is not int or number < least:
        raise ValueError(f"{name} is {value!r}, expected a whole number from {least} on")
    return number


def _time(told: Mapping[str, Any], name: str) -> str:
    value = told[name]
    return stored_time(dt.datetime.fromisoformat(value) if isinstance(value, str) else value, name)


def _object(told: Mapping[str, Any], name: str) -> str:
    text = told[name]
    if not isinstance(msgspec.json.decode(text), dict):
        raise TypeError(f"{name} is {text[:40]!r}, expected a JSON object")
    return str(text)
