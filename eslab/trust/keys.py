"""A key ring holds one key for each person; without the key, what was sealed with it is noise for ever.

Facts are never changed, so a name in the log cannot be deleted. It can be sealed, and the key can be thrown away
(crypto-shredding).
"""

from __future__ import annotations

import base64
import datetime as dt
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from eslab.codec import stored_name, stored_time
from eslab.errors import BrokenSeal, StoreUnavailable, UnknownSubject
from eslab.store import Clock, utc_now
from eslab.stores.sqlite import connect, refusals, transaction

APPLICATION_ID = 0x65736C6B  # "eslk": told apart from a file of events
SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, subject TEXT NOT NULL UNIQUE, key BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS forgotten (id TEXT PRIMARY KEY, subject TEXT NOT NULL, at TEXT NOT NULL) STRICT;
"""
SEALED = "sealed:v1:"
"""How a sealed text begins; then come the id of its key, and the noise."""
NONCE = 12


class Forgotten(NamedTuple):
    """The record that a subject was forgotten, and when (UTC)."""

    subject: str
    at: dt.datetime

    def __repr__(self) -> str:
        return f"<{self.subject} was forgotten at {self.at:%Y-%m-%d %H:%M:%S} UTC>"


class KeyRing:
    """Keys, one a subject, in a SQLite file of their own.

    Of their own, because the log has backups: a key in a backup would still open what was to be forgotten. Keep the
    ring apart, and its backups short. Each key is made when it is first needed (AES-GCM, 256 bits); none is ever
    shown. `random(n)` gives n random bytes; another source than the system's is for lessons and tests alone.

    Raises StoreUnavailable if the file is no key ring.
    """

    def __init__(
        self, path: str | os.PathLike[str] = ":memory:", *, clock: Clock = utc_now,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:  # fmt: skip
        self.path, self.clock, self._random = os.fspath(path), clock, random
        self._lock = threading.RLock()
        if self.path != ":memory:" and not os.path.exists(self.path) and os.path.isdir(Path(self.path).parent):
            Path(self.path).touch(mode=0o600)  # for its owner alone
        with refusals(self.path):
            self._db = connect(self.path)
            try:
                self._claim()
            except BaseException:
                self._db.close()
                raise

    def _claim(self) -> None:
        """Make the tables in an empty file, refuse a file of something else, and let what is deleted be overwritten."""
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        tables = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if application != APPLICATION_ID and (application or tables):
            raise StoreUnavailable(
                f"file {self.path!r} is no key ring, another program made it: keys stand in a file of their own, so "
                f"choose another path", path=self.path,
            )  # fmt: skip
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.execute("PRAGMA journal_mode = DELETE")  # a log of writes (WAL) would go on holding what was deleted
        if application != APPLICATION_ID:
            self._db.executescript(f"BEGIN EXCLUSIVE; PRAGMA application_id = {APPLICATION_ID}; {SCHEMA} COMMIT;")

    # --- sealing ---

    def seal(self, subject: str, text: str, about: bytes) -> str:
        """The text as noise that only the subject's key opens, and only together with the same `about`."""
        id, key = self._key(stored_name(subject, "a subject"))
        nonce = self._random(NONCE)
        noise = base64.urlsafe_b64encode(nonce + _cipher(key).encrypt(nonce, text.encode(), about))
        return f"{SEALED}{id}:{noise.decode()}"

    def open(self, sealed: str, about: bytes) -> str | None:
        """The text that was sealed; None if its subject was forgotten.

        Raises BrokenSeal if the ring has never had the key, or if the sealed text or `about` is not as it was.
        """
        id, _, noise = sealed.removeprefix(SEALED).partition(":")
        if not (found := self._ask("SELECT key FROM keys WHERE id = ?", id)):
            if self._ask("SELECT 1 FROM forgotten WHERE id = ?", id):
                return None
            raise BrokenSeal(
                f"a text sealed with key {id!r} cannot be opened: this ring, {self!r}, has never had that key. Nothing "
                f"was forgotten: open the store with the ring that sealed it", key_id=id,
            )  # fmt: skip
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.urlsafe_b64decode(noise)
            return str(_cipher(found[0][0]).decrypt(raw[:NONCE], raw[NONCE:], about), "utf-8")
        except (InvalidTag, ValueError):
            raise BrokenSeal(
                f"a text sealed with key {id!r} cannot be opened, though the ring has the key: it was changed, or "
                f"moved here from another event or field. Nothing was forgotten: restore the log from a copy",
                key_id=id,
            ) from None  # fmt: skip

    def _key(self, subject: str) -> tuple[str, bytes]:
        """The subject's key and its id, made now if there is none. Two rings on one file make only one."""
        query = "SELECT id, key FROM keys WHERE subject = ?"
        if found := self._ask(query, subject):
            return found[0][0], found[0][1]
        with self._writing():
            if not (found := self._ask(query, subject)):
                found = [(self._random(8).hex(), self._random(32))]
                self._db.execute("INSERT INTO keys VALUES (?, ?, ?)", (found[0][0], subject, found[0][1]))
        return found[0][0], found[0][1]

    # --- forgetting ---

    def forget(self, subject: str) -> Forgotten:
        """Delete the subject's key: what was sealed with it can never be read again, by anyone, in any copy of the log.

        The key's bytes in the file are written over. (What a disk keeps in blocks that no file has any more, and copies
        of this file, are beyond its reach.) A subject that comes back gets a new key. Forgetting again changes nothing.
        Raises UnknownSubject if there has never been a key for it.
        """
        with self._writing():
            at = stored_time(self.clock(), "the clock's time")
            self._db.execute("INSERT INTO forgotten SELECT id, subject, ? FROM keys WHERE subject = ?", (at, subject))
            self._db.execute("DELETE FROM keys WHERE subject = ?", (subject,))
        if records := [record for record in self.forgotten if record.subject == subject]:
            return records[-1]
        raise UnknownSubject(
            f"there has never been a key for {subject!r}, so nothing was forgotten; expected one of the "
            f"{len(self.subjects):,} in .subjects: is it spelt as in the events?", subject=subject,
        )  # fmt: skip

    @property
    def subjects(self) -> list[str]:
        """Whose data can be read, in order of the alphabet."""
        return [subject for (subject,) in self._ask("SELECT subject FROM keys ORDER BY subject")]

    @property
    def forgotten(self) -> list[Forgotten]:
        """Who was forgotten, in order of time; somebody who came back may be here more than once."""
        rows = self._ask("SELECT subject, at FROM forgotten ORDER BY at, subject")
        return [Forgotten(subject, dt.datetime.fromisoformat(at)) for subject, at in rows]

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<KeyRing: {len(self.subjects):,} subjects, {len(self.forgotten):,} forgotten>"

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, refusals(self.path), transaction(self._db):
            yield

    def _ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, refusals(self.path):
            return self._db.execute(sql, values).fetchall()


def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # here, because importing it takes its time

    return AESGCM(key)
