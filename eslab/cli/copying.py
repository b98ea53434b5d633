"""`eslab copy` copies every event of one store into another, and says what it proved."""

from __future__ import annotations

import click

from eslab.errors import InvalidName
from eslab.show import counted
from eslab.store import Store
from eslab.stores import connect
from eslab.stores.sqlite import SqliteStore
from eslab.stores.transfer import Transferred, transfer


def run(source: str, target: str) -> int:
    """Copy, and print one line; 0 when everything is in the target.

    Raises StoreUnavailable if a store cannot be opened (a source that is not there is not made), InvalidName for
    "memory:", and what `transfer` raises if the copy would not be the same.
    """
    if "memory:" in (source, target):
        raise InvalidName("'memory:' is gone when this command ends: name a file or a server", name="memory:")
    with connect(source, create=False) as events, connect(target) as copies:
        done = transfer(events, copies)
        click.echo(f"{_place(events)} → {_place(copies)}: {_told(done)}.")
    return 0


def _told(done: Transferred) -> str:
    """What was done, for a person who wants to know that nothing is missing."""
    there = f", {done.events - done.added:,} were there already" if done.added < done.events else ""
    return f"{counted(done.events, 'event')}, {done.added:,} added{there}; all read back the same, digest {done.digest}"


def _place(store: Store) -> str:
    """A store by its name; the text of a server's says neither user nor password, its address might."""
    return store.path if isinstance(store, SqliteStore) else repr(store)
