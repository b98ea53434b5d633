"""A private store seals what is personal before it is kept, and opens it when it is read, while the key is there.

It is a store around a store. The one inside holds sealed text, so its file, its copies and its backups say nothing
about a person whose key is gone; and nothing in the log was changed for that, so its chain of links still holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from eslab.chain import Head, Verified
from eslab.drafts import Batch, repeated
from eslab.errors import BrokenSeal, InvalidPayload, UnreadablePayload
from eslab.events import History, Recorded, event_type
from eslab.queries import Query
from eslab.store import Store
from eslab.trust.keys import SEALED, KeyRing
from eslab.trust.marks import Marks, Path, marks_of

FORGOTTEN = "(forgotten)"
"""What a personal text reads as, once its subject is forgotten."""
SAID = "sealed:said:"
"""Stands before a text that begins with `sealed:` and was not sealed: somebody wrote that."""

Change = Callable[[str, Path], str]


class PrivateStore(Store):
    """The same contract as the store inside, with personal fields sealed: see `Personal` and `Subject`.

    Only the texts of marked fields are sealed, and their lengths can be guessed. Names of streams, types, tags,
    metadata and all other fields are kept as they are, because the store must find events by them: let them be ids
    that say nothing about a person. An event whose class is not known here has no marks, and goes in as it is. What
    is read is in the clear, and so are copies of it; copy the store inside to copy what is sealed.

    Raises InvalidEventClass, and stores nothing, for a mark that cannot be kept.
    """

    def __init__(self, store: Store, keys: KeyRing) -> None:
        super().__init__(clock=store.clock, ids=store.ids)
        self.inner, self.keys = store, keys

    # --- sealing and opening ---

    def _sealed(self, row: Recorded) -> Recorded:
        marks = _marks_in(row)
        if not marks.personal and '"sealed:' not in row.payload_text:
            return row
        subject = marks.subject_of(row.stream, _today(row, marks))

        def seal(text: str, path: Path) -> str:
            if path in marks and text != FORGOTTEN:
                return self.keys.seal(subject, text, _place(row, path))
            return SAID + text if text.startswith("sealed:") else text

        return _rewritten(row, seal)

    def opened(self, row: Recorded) -> Recorded:
        """An event of the store inside as it reads here: what is sealed opened, or forgotten."""
        if '"sealed:' not in row.payload_text:
            return row

        def unseal(text: str, path: Path) -> str:
            if not text.startswith(SEALED):
                return text.removeprefix(SAID)
            opened = self.keys.open(text, _place(row, path))
            return FORGOTTEN if opened is None else opened

        try:
            return _rewritten(row, unseal)
        except BrokenSeal as error:
            return Unopened(*msgspec.structs.astuple(row), why=str(error))

    def _all_opened(self, rows: list[Recorded]) -> list[Recorded]:
        return [self.opened(row) for row in rows]

    # --- the same event again, after its subject was forgotten: what cannot be compared any more is taken as equal ---

    def copy(self, history: Iterable[Recorded]) -> History:
        incoming = list(history)
        there = {row.id: row for row in self._with_ids([row.id for row in incoming])}
        return super().copy(_faded(row, there[row.id]) if row.id in there else row for row in incoming)

    def _again(self, given: list[Batch]) -> History | None:
        drafts = [draft for batch in given for draft in batch.drafts if draft.id is not None]
        there = {row.id: row for row in self._with_ids([draft.id for draft in drafts if draft.id])}
        for draft in drafts:
            if draft.id in there and FORGOTTEN in there[draft.id].payload_text:
                faded = _fade(draft.payload_text, marks_of(draft.type.cls), there[draft.id])
                draft.payload = draft.type.decoder.decode(faded)
        return repeated(given, self._with_ids)

    # --- the chain links what is kept ---

    def chain(self) -> None:
        self.inner.chain()

    def head(self, until: int | None = None) -> Head:
        return self.inner.head(until)

    def verify(self, head: Head | str | None = None) -> Verified:
        return self.inner.verify(head)

    def close(self) -> None:
        """Give back what the store inside holds open; the key ring stays open, it may serve others."""
        self.inner.close()

    # --- the small methods of the contract ---

    def _writing(self) -> AbstractContextManager[object]:
        return self.inner._writing()

    def _keep(self, rows: list[Recorded]) -> None:
        self.inner._keep([self._sealed(row) for row in rows])

    def _insert(self, rows: list[Recorded]) -> None:
        self.inner._insert([self._sealed(row) for row in rows])

    def _end(self) -> tuple[int, str]:
        return self.inner._end()

    def _version(self, stream: str) -> int:
        return self.inner._version(stream)

    def _with_ids(self, ids: list[str]) -> list[Recorded]:
        return self._all_opened(self.inner._with_ids(ids))

    def _stream(
        self,
        stream: str,
        after: int,
        until: int | None,
        recorded_until: str | None,
        occurred_until: str | None,
    ) -> list[Recorded]:
        return self._all_opened(self.inner._stream(stream, after, until, recorded_until, occurred_until))

    def _log(
        self, after: int, until: int, types: list[str] | None, categories: list[str] | None, limit: int
    ) -> list[Recorded]:
        return self._all_opened(self.inner._log(after, until, types, categories, limit))

    def _matching(self, query: Query, after: int, until: int, limit: int) -> list[Recorded]:
        return self._all_opened(self.inner._matching(query, after, until, limit))

    def _chain_end(self) -> bytes | None:
        return self.inner._chain_end()

    def _links(self, after: int, limit: int) -> list[bytes]:
        return self.inner._links(after, limit)

    def _add_links(self, first: int, digests: list[bytes]) -> None:
        self.inner._add_links(first, digests)

    def _wait(self, after: int, seconds: float) -> bool:
        return self.inner._wait(after, seconds)


class Unopened(Recorded, frozen=True, gc=False, kw_only=True):
    """An event with sealed text that could not be opened: it is loud when its payload is asked for, and not before."""

    why: str

    @property
    def payload(self) -> Any:
        raise BrokenSeal(
            f"event {self.type!r} at version {self.version} of stream {self.stream!r} cannot be read: {self.why}",
            stream=self.stream, version=self.version, type=self.type, position=self.position,
        )  # fmt: skip


# --- texts in a payload ---------------------------------------------------------------------------------------------


def mapped(value: Any, change: Change, path: Path = ()) -> Any:
    """Plain data with each text in it, keys of dicts aside, replaced by what `change(text, path)` makes of it."""
    match value:
        case str():
            return change(value, path)
        case dict():
            return {key: mapped(one, change, (*path, key)) for key, one in value.items()}
        case list():
            return [mapped(one, change, (*path, n)) for n, one in enumerate(value)]
        case _:
            return value


def personal_texts(recorded: Recorded, data: dict[str, Any] | None = None) -> list[str]:
    """The texts in the personal fields of an event that can be read, in the order in which they stand there."""
    marks, texts = _marks_in(recorded), list[str]()

    def note(text: str, path: Path) -> str:
        if path in marks:
            texts.append(text)
        return text

    mapped(recorded.data if data is None else data, note)
    return texts


def subject_of(recorded: Recorded) -> str:
    """Whose data an event holds."""
    return _marks_in(recorded).subject_of(recorded.stream, recorded.data)


def _marks_in(recorded: Recorded) -> Marks:
    try:
        return marks_of(event_type(recorded.type).cls)
    except InvalidPayload:  # its class is not known here
        return Marks((), None)


def _today(row: Recorded, marks: Marks) -> dict[str, Any]:
    """The payload as today's class has it. Raises InvalidPayload if its personal texts stand elsewhere in the row."""
    if not marks.personal:
        return {}
    try:
        payload = row.payload
        today = msgspec.json.decode(event_type(row.type).encode(payload))
        if sorted(personal_texts(row)) == sorted(personal_texts(row, today)):
            return dict(today)
        why = f"its schema version {row.schema_version} has its personal texts in other fields than today's class"
    except UnreadablePayload as error:
        why = str(error)
    raise InvalidPayload(
        f"event {row.type!r} at version {row.version} of stream {row.stream!r} cannot be sealed, so it was not stored: "
        f"{why}. Bring it into today's shape, and copy that", type=row.type, stream=row.stream, version=row.version,
    )  # fmt: skip


def _rewritten(row: Recorded, change: Change) -> Recorded:
    text = msgspec.json.encode(mapped(row.data, change)).decode()
    return msgspec.structs.replace(row, payload_text=text)


def _place(row: Recorded, path: Path) -> bytes:
    """Where a text stands: sealed with it, so that it cannot be moved to another event or field."""
    return msgspec.json.encode([row.id, *path])


def _faded(incoming: Recorded, there: Recorded) -> Recorded:
    """An event from elsewhere, without the personal texts that were forgotten here."""
    if FORGOTTEN not in there.payload_text:
        return incoming
    return msgspec.structs.replace(incoming, payload_text=_fade(incoming.payload_text, _marks_in(there), there))


def _fade(text: str, marks: Marks, there: Recorded) -> str:
    gone: set[Path] = set()

    def note(text: str, path: Path) -> str:
        if text == FORGOTTEN and path in marks:
            gone.add(path)
        return text

    mapped(there.data, note)
    faded = mapped(msgspec.json.decode(text), lambda text, path: FORGOTTEN if path in gone else text)
    return msgspec.json.encode(faded).decode()
