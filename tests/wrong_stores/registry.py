"""Which test of the contract notices which wrong store."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from eslab import MemoryStore
from eslab.contract import check_store
from eslab.drafts import listed
from eslab.events import Recorded

CAUGHT: dict[type[MemoryStore], tuple[str, ...]] = {}
"""Each wrong store, and the tests that must notice it: the first is the one that was written for it."""


def caught_by(*sentences: str) -> Callable[[type], type]:
    """Say which tests of the contract must fail on the store below."""

    def note(store: type) -> type:
        CAUGHT[store] = sentences
        return store

    return note


def check(wrong: type, tests: Iterable[str] | None = None, patience: float = 10) -> dict[str, str]:
    """What the contract, or some tests of it, find wrong with a store."""
    return check_store(wrong, open_again=getattr(wrong, "again", None), tests=tests, patience=patience)


class Rewrites(MemoryStore):
    """A store that keeps something else than it was given; `kept` says what."""

    def kept(self, row: Recorded) -> Recorded:
        return row

    def _insert(self, rows: list[Recorded]) -> None:
        super()._insert([self.kept(row) for row in rows])


def changed(row: Recorded, **fields: Any) -> Recorded:
    return msgspec.structs.replace(row, **fields)


def as_streams(stream: Any, events: Iterable[Any] | None) -> dict[str, list[Any]]:
    """What an append was given, to one stream or to several, as {stream: events}."""
    streams = stream if isinstance(stream, Mapping) else {stream: events}
    return {name: list(listed(some)) for name, some in streams.items()}


def for_each(change: Callable[[Any], Any], stream: Any, events: Iterable[Any] | None) -> tuple[Any, ...]:
    """What an append was given, with another event in place of each."""
    streams = as_streams(stream, events)
    return as_given(stream, {name: [change(event) for event in some] for name, some in streams.items()})


def as_given(stream: Any, streams: dict[str, list[Any]]) -> tuple[Any, ...]:
    """The same again, as an append takes it."""
    return (streams,) if isinstance(stream, Mapping) else (stream, streams[stream])
