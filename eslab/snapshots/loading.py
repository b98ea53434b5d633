"""With snapshots, loading a stream folds only the events that came after the last one kept."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import sqlite3
from typing import Any, Self

from eslab.aggregates import Aggregate, Decider, as_fold
from eslab.codec import stored_name
from eslab.errors import InvalidPosition, StoreUnavailable
from eslab.events import History, names_of
from eslab.show import counted, table
from eslab.snapshots.fingerprints import schema, walked
from eslab.snapshots.rows import Row, Rows
from eslab.snapshots.texts import from_text, to_text
from eslab.snapshots.things import place_of
from eslab.snapshots.walk import Walk
from eslab.store import Store


@dataclasses.dataclass(frozen=True, repr=False)
class Loaded:
    """What happened on a load: which snapshot was found, why it was ignored, and how many events were folded."""

    stream: str
    version: int
    """Of the state that was given back: how many events of the stream are in it."""
    snapshot: int | None = None
    """The version of the snapshot that was found; None if there was none, or its row could not be read."""
    folded: int = 0
    """How many events were folded; with a snapshot only those after it."""
    ignored: str = ""
    """Why the snapshot was not used, "" if it was."""
    fingerprints: tuple[str, ...] = ()
    """Of the code that made the ignored snapshot, and of today's, if they differ."""
    kept: bool = False
    """Whether a new snapshot was kept, at `version`."""
    trouble: str = ""
    """Why a new snapshot could not be kept, "" if it could."""

    def __repr__(self) -> str:
        changed = f" ({' → '.join(_shortened(*self.fingerprints))})" if self.fingerprints else ""
        at = "snapshot" if self.snapshot is None else f"snapshot at version {self.snapshot:,}"
        found = f"{at} ignored: {self.ignored}{changed}" if self.ignored else at if self.snapshot else "no snapshot yet"
        whole = "all " * (self.folded == self.version > 1)
        new = ", kept a new one" * self.kept + f", kept none: {self.trouble}" * bool(self.trouble)
        return f"{found}; folded {whole}{counted(self.folded, 'event')}{new}"

    def _repr_html_(self) -> str:
        rows = [("stream", self.stream), ("what happened", repr(self)), ("state at version", self.version)]
        return table(("", "load"), rows)


class Snapshots:
    """Loads the states of streams, each from its last snapshot and the events after it.

    Snapshots are a cache: the events are the truth, and throwing all snapshots away loses nothing but time. `fold` is
    an Aggregate class, a Decider, or any fold of one stream. A new snapshot is kept by the load that folds `every`
    events or more. They lie in a SQLite file at `path`, one for a stream and a fold, which several processes may use.

    A snapshot carries a fingerprint of the fold's code, and of the schema of all events in it. It is ignored and
    replaced if one of these is another today, if the stream does not hold the event that it was made up to (the store
    is another one, or was restored from an older copy), or if its row is damaged; `last` says what happened.
    It holds what the state holds, the personal too: forgetting a person means `forget()` here.

    Raises UnstorableState if the empty state cannot be kept, InvalidPosition if `every` is below 1, and
    StoreUnavailable if the file is something else.
    """

    def __init__(self, store: Store, fold: Any, *, every: int = 100, path: str | os.PathLike[str] = ":memory:") -> None:
        if type(every) is not int or every < 1:
            raise InvalidPosition(f"every is {every!r}, expected after how many events to keep one, 1 or more")
        self.store, self.fold, self.every = store, fold, every
        self.last: Loaded | None = None
        self._fold = as_fold(fold)
        self._types, self._categories = names_of(getattr(self._fold, "types", None)), getattr(fold, "categories", None)
        to_text(self._fold.initial(), walked(fold).classes)
        self._rows = Rows(os.fspath(path))

    def load(
        self, stream: str, *, until: int | None = None,
        recorded_until: dt.datetime | None = None, occurred_until: dt.datetime | None = None,
    ) -> Any:  # fmt: skip
        """The state of the whole stream; with `until` (a version, inclusive) or the times, the state as it was then.

        As it was known or had happened at a time is folded without a snapshot; of the past none is kept.
        Raises UnstorableState if the state cannot be kept, and what the store's `load` raises.
        """
        stored_name(stream)
        if recorded_until is not None or occurred_until is not None:
            history = self.store.load(stream, until=until, recorded_until=recorded_until, occurred_until=occurred_until)
            self.last = Loaded(stream, len(history), folded=len(history), ignored="a time was asked for")
            return self._folded(_NOTHING, history)
        state, self.last = self._load(stream, until)
        return state

    def load_with_version(self, stream: str) -> tuple[Any, int]:
        """The state of the whole stream, and its version, to be expected when something is appended."""
        state, loaded = self._load(stored_name(stream), None)
        self.last = loaded
        return state, loaded.version

    def forget(self, stream: str | None = None) -> int:
        """Throw away the snapshot of one stream, or of all; returns how many there were."""
        return self._rows.forget(stream, self.name)

    @property
    def name(self) -> str:
        """What the fold is called in the file: its place, and what it was made with, so that two do not take turns."""
        if isinstance(self._fold, Decider):
            return f"{place_of(self._fold.evolve_event)} {self._fold.category}".rstrip()
        kind = self._fold if isinstance(self._fold, type) else type(self._fold)
        held = {} if kind is self._fold else vars(self._fold) if hasattr(self._fold, "__dict__") else {}
        plain = [f"{name}={one!r}" for name, one in held.items() if isinstance(one, (str, int, float, type(None)))]
        return place_of(kind) + f"({', '.join(plain)})" * bool(plain)

    @property
    def connection(self) -> sqlite3.Connection:
        """The file with the table `snapshots`, to be looked at with SQL."""
        return self._rows.connection

    def close(self) -> None:
        self._rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Snapshots of {self._called}, one every {self.every:,} events>"

    # --- one load ---

    def _load(self, stream: str, until: int | None) -> tuple[Any, Loaded]:
        walk, found = walked(self.fold), self._rows.find(stream, self.name)
        at, why = found.version if isinstance(found, Row) else None, _Ignored("")
        try:
            state, history, schemas = self._begun(found, until, walk)
            began = at or 0
        except _Ignored as ignored:
            state, history, schemas, began, why = _NOTHING, self.store.load(stream, until=until), {}, 0, ignored
        state = self._folded(state, history)
        loaded = Loaded(stream, began + len(history), at, len(history), why.because, why.fingerprints)
        if until is None and (why.because or len(history) >= self.every):
            loaded = self._kept(loaded, state, history, schemas, walk)
        return state, loaded

    def _begun(self, found: Row | str | None, until: int | None, walk: Walk) -> tuple[Any, History, dict[str, str]]:
        """The state of a snapshot, the events after it, and the schemas of those in it. Raises _Ignored."""
        if not isinstance(found, Row):
            raise _Ignored(found or "")
        if until is not None and found.version > until:
            raise _Ignored(f"version {until:,} was asked for, which is earlier")
        try:
            schemas: dict[str, str] = json.loads(found.schemas)
            for name, then in schemas.items():
                if (now := schema(name)) != then:
                    raise _Ignored(f"the schema of {name} changed", then, now)
            if found.fingerprint != walk.digest:
                raise _Ignored(f"the code of {self._called} changed", found.fingerprint, walk.digest)
            history = self.store.load(found.stream, after=found.version - 1, until=until)
            if not history:
                raise _Ignored(f"the stream ends before it, at version {self.store.version(found.stream):,}")
            if history[0].id != found.event_id:
                raise _Ignored("it was made from other events")
            return from_text(found.state, walk.classes), history[1:], schemas
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            raise _Ignored(f"its state cannot be read ({type(error).__name__})") from error

    def _kept(self, loaded: Loaded, state: Any, history: History, schemas: dict[str, str], walk: Walk) -> Loaded:
        """Put a new snapshot in the place of the old one; of an empty stream there is none to keep."""
        if not history:
            self._rows.forget(loaded.stream, self.name)
            return loaded
        schemas = schemas | {name: schema(name) for name in sorted({recorded.type for recorded in history})}
        text = to_text(state, walk.classes)
        row = Row(loaded.stream, self.name, loaded.version, history[-1].id, walk.digest, json.dumps(schemas), text)
        try:
            self._rows.keep(row)
        except StoreUnavailable as error:
            return dataclasses.replace(loaded, trouble=str(error))
        return dataclasses.replace(loaded, kept=True)

    def _folded(self, state: Any, history: History) -> Any:
        """The state after these events, beginning with a state, or with the empty one."""
        if state is _NOTHING and isinstance(self._fold, type) and issubclass(self._fold, Aggregate):
            return self._fold.replay(history)
        state = self._fold.initial() if state is _NOTHING else state
        for recorded in history:
            if (self._types is None or recorded.type in self._types) and (
                self._categories is None or recorded.category in self._categories
            ):
                state = self._fold.evolve(state, recorded)
        return state

    @property
    def _called(self) -> str:
        return repr(self.fold) if isinstance(self.fold, Decider) else place_of(self.fold).rpartition(".")[2]


_NOTHING = object()
"""In the place of a state from which folding could go on."""


class _Ignored(Exception):
    """A snapshot is not used, and why; the fingerprints are those of then and of now."""

    def __init__(self, because: str, *fingerprints: str) -> None:
        super().__init__(because)
        self.because, self.fingerprints = because, fingerprints


def _shortened(then: str, now: str) -> tuple[str, str]:
    """Two fingerprints with as many digits as tell them apart, four at least."""
    length = next((n for n in range(4, len(now)) if then[:n] != now[:n]), len(now))
    return then[:length] or "none", now[:length] or "none"
