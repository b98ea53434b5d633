"""Two lines of events that part somewhere are read as one: what is in both, only in the one, only in the other."""

from __future__ import annotations

import difflib
import hashlib
import itertools
import operator
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from eslab.drafts import Draft
from eslab.errors import EslabError
from eslab.events import History, NewEvent, Recorded, event_type
from eslab.show import shortened

MINIMAL = 2_000
"""Up to so many events a difference is as small as difflib finds it; beyond, it may be larger, and is found sooner."""


class InvalidBranch(EslabError):
    """A what-if that makes no sense: an event that is not there, edits that contradict each other, nothing asked."""


class Row(NamedTuple):
    """One row of two lines read as one: "=" an event of both, "-" only of the source, "+" only of the branch.

    `source` and `branch` are how many events of each line have happened after this row, so each row is a moment in
    both lines. `says` is why the event stands in one of them only; "" for "=".
    """

    kind: str
    source: int
    branch: int
    says: str = ""


class Rows(list[Row]):
    """Rows as they are read, one after the other; they count for themselves how far both lines have come."""

    def add(self, kind: str, says: str = "") -> None:
        source, branch = (self[-1].source, self[-1].branch) if self else (0, 0)
        self.append(Row(kind, source + (kind != "+"), branch + (kind != "-"), says))


class Line:
    """The events of a branch as they are put one behind the other; each gets the next position and version."""

    def __init__(self, source: History) -> None:
        self.source, self.events = source, list[Recorded]()
        self._versions: dict[str, int] = {}
        self._taken: set[str] | None = None
        self._beside: dict[tuple[str, str], Iterator[int]] = {}

    def keep(self, event: Recorded) -> Recorded:
        """Put an event of the source next, as it is but for its numbers."""
        position, version = len(self.events) + 1, self._versions.get(event.stream, 0) + 1
        if event.position != position or event.version != version:
            event = Recorded(position, event.stream, version, *REST(event))
        self._versions[event.stream] = version
        self.events.append(event)
        return event

    def put(
        self, event: Any, beside: Recorded | None, *, stream: str = "", about: Mapping[str, Any] | None = None
    ) -> Recorded:
        """Put a new event next: a payload, a NewEvent or a Recorded, with the stream and both times of `beside`.

        A Recorded keeps its own. `about` is metadata. An id that is taken is replaced by one that follows from what
        stands beside. Raises InvalidPayload, and InvalidBranch if there is nothing to stand beside.
        """
        if isinstance(event, Recorded):
            return self._new(event, beside or event, event.id)
        draft = Draft(event, about or {})
        if beside is None:
            raise InvalidBranch(
                f"nothing says when {draft.type.name} would have happened, or in which stream, because the source has "
                f"no events: give it as a recorded event, made with record(...)", event=event,
            )  # fmt: skip
        made = msgspec.structs.replace(
            beside, stream=stream or beside.stream, type=draft.type.name, schema_version=draft.type.version,
            occurred_text=draft.occurred_text or beside.occurred_text, payload_text=draft.payload_text,
            metadata_text=draft.metadata_text,
        )  # fmt: skip
        return self._new(made, beside, draft.id)

    def replace(self, event: Any, old: Recorded) -> Recorded:
        """Put an event next that has the envelope of `old`, its id too; a Recorded keeps its own, but for the id."""
        if isinstance(event, Recorded):
            return self.keep(msgspec.structs.replace(event, id=old.id))
        new = event if isinstance(event, NewEvent) else NewEvent(event)
        draft = Draft(new, old.metadata)
        return self.keep(msgspec.structs.replace(
            old, type=draft.type.name, schema_version=draft.type.version, payload_text=draft.payload_text,
            occurred_text=draft.occurred_text or old.occurred_text,
            metadata_text=draft.metadata_text if new.metadata else old.metadata_text,
        ))  # fmt: skip

    def _new(self, event: Recorded, beside: Recorded, id: str | None) -> Recorded:
        if self._taken is None:
            self._taken = {one.id for one in self.source}
        beside_it = self._beside.setdefault((event.stream, beside.id), itertools.count(1))
        names = (f"eslab:{event.stream}/beside/{beside.id}/{number}" for number in beside_it)
        ids = (str(uuid.uuid5(uuid.NAMESPACE_URL, name)) for name in names)
        free = next(one for one in itertools.chain([id] if id else [], ids) if one not in self._taken)
        self._taken.add(free)
        return self.keep(msgspec.structs.replace(event, id=free))


FIELDS = Recorded.__struct_fields__[3:]
REST = operator.attrgetter(*FIELDS)

# --- what is the same -----------------------------------------------------------------------------------------------


def digest(history: Iterable[Recorded]) -> str:
    """SHA-256, as 64 hex digits, over a JSON line for each event: all of its stored texts and numbers but its position.

    So a history has the same digest in whichever store it lies.
    """
    summed = hashlib.sha256()
    for event in history:
        summed.update(msgspec.json.encode([getattr(event, name) for name in Recorded.__struct_fields__[1:]]) + b"\n")
    return summed.hexdigest()


def content(event: Recorded) -> tuple[str, str, str]:
    """What an event says, wherever it stands: stream, type, and the payload as today's code would store it."""
    try:
        return event.stream, event.type, event_type(event.type).encode(event.payload)
    except EslabError:
        return event.stream, event.type, event.payload_text


def said(event: Recorded) -> str:
    """An event in a few words, for a row."""
    return f"{event.type} {shortened(event.payload_text, 80)}"


Block = tuple[str, int, int, int, int]
"""As difflib has it: "equal", "replace", "delete" or "insert", and from where to where in both, first = 0."""


def blocks(before: Sequence[Any], after: Sequence[Any]) -> Iterator[Block]:
    """How one sequence becomes another, in blocks; what both begin and end with is found first."""
    shorter = min(len(before), len(after))
    head = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    tail = next((n for n in range(shorter - head) if before[-1 - n] != after[-1 - n]), shorter - head)
    middle = before[head : len(before) - tail], after[head : len(after) - tail]
    if head:
        yield "equal", 0, head, 0, head
    if all(middle):
        finder = difflib.SequenceMatcher(None, *middle, autojunk=max(map(len, middle)) > MINIMAL)
        for kind, i, j, k, m in finder.get_opcodes():
            yield kind, i + head, j + head, k + head, m + head
    elif any(middle):
        yield "delete" if middle[0] else "insert", head, len(before) - tail, head, len(after) - tail
    if tail:
        yield "equal", len(before) - tail, len(before), len(after) - tail, len(after)


def rows_between(before: History, after: History) -> Rows:
    """Any two histories read as one. An event is the same if it says the same; its id tells alike ones apart."""
    numbers: dict[Any, int] = {}
    number = _numbering(before, after)
    first, second = ([numbers.setdefault(number(event), len(numbers)) for event in line] for line in (before, after))
    rows = Rows()
    for kind, i, j, k, m in blocks(first, second):
        for _ in range(i, j):
            rows.add("=" if kind == "equal" else "-")
        for _ in range(k, m if kind != "equal" else k):
            rows.add("+")
    return rows


def _numbering(before: History, after: History) -> Callable[[Recorded], Any]:
    """What makes two events the same: the id, where both lines have it with the same content, else the content."""
    ids = {event.id: event for event in before}
    shared = {
        event.id for event in after
        if event.id in ids and (event is ids[event.id] or content(event) == content(ids[event.id]))
    }  # fmt: skip
    return lambda event: event.id if event.id in shared else content(event)
