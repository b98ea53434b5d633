"""A hash chain makes a log that shows whether it was altered: each link covers an event and the link before it.

So the digest of the last event, the head, stands for the whole log up to there: whoever has kept it elsewhere can prove
later that nothing before it has changed. (Stuart Haber and W. Scott Stornetta, 1991.)
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple, Protocol, Self

import msgspec

from eslab.codec import stored_name, stored_time
from eslab.errors import BrokenLog, InvalidName, InvalidPosition, InvalidTime, StoreUnavailable
from eslab.events import PAGE, Recorded
from eslab.show import counted

GENESIS = bytes(32)
"""The link before the first event."""

KINDS = (int, str, int, str, int, str, str, str, str, str)
"""What the fields of a recorded event are; a damaged file may say otherwise."""

_as_text = msgspec.json.Encoder().encode


def link(before: bytes, recorded: Recorded) -> bytes:
    """SHA-256 over the link before and all that was recorded, but for the position: that is its place in the chain."""
    return hashlib.sha256(before + _as_text(msgspec.structs.astuple(recorded)[1:])).digest()


def links(before: bytes, rows: Iterable[Recorded]) -> list[bytes]:
    """One link for each event, the first upon `before`."""
    return [before := link(before, recorded) for recorded in rows]


class Head(NamedTuple):
    """The digest, in hex, of the log up to a position; `str` of it is a line to be kept elsewhere."""

    position: int
    digest: str

    @classmethod
    def parse(cls, text: Head | str) -> Self:
        """The head in a text such as `17:9f2c…`. Raises InvalidPosition if it is none."""
        if not re.fullmatch(r"\d+:[0-9a-f]{64}", str(text).strip(), re.ASCII):
            raise InvalidPosition(
                f"{text!r} is no head, expected position:digest, as str(store.head()) gives", found=text
            )
        position, _, digest = str(text).strip().partition(":")
        return cls(int(position), digest)

    def __str__(self) -> str:
        return f"{self.position}:{self.digest}"


@dataclasses.dataclass(frozen=True)
class Verified:
    """What was looked through, and found to be whole."""

    events: int
    streams: int
    chained: bool
    head: Head

    def __repr__(self) -> str:
        links = "every link fits" if self.chained else "no chain"
        return (
            f"<verified: {counted(self.events, 'event')} in {counted(self.streams, 'stream')}, {links}, "
            f"head {self.head.position}:{self.head.digest[:12]}…>"
        )


class Log(Protocol):
    """What a chain needs of a store: the small methods that read pages and keep links."""

    @property
    def position(self) -> int: ...
    @property
    def chained(self) -> bool: ...
    def _log(
        self, after: int, until: int, types: list[str] | None, categories: list[str] | None, limit: int
    ) -> list[Recorded]: ...
    def _links(self, after: int, limit: int) -> list[bytes]: ...
    def _add_links(self, first: int, digests: list[bytes]) -> None: ...
    def _inspect(self) -> str: ...


def begin(log: Log) -> None:
    """Make the links of all events that are there; to be called while nobody else writes."""
    log._add_links(0, [GENESIS])
    digest, after, end = GENESIS, 0, log.position
    while rows := log._log(after, end, None, None, PAGE):
        made = links(digest, rows)
        log._add_links(after + 1, made)
        digest, after = made[-1], rows[-1].position


def head_of(log: Log, position: int) -> Head:
    """The digest of the log up to a position, from its link or from its events. Raises InvalidPosition."""
    if position > (end := log.position):
        raise InvalidPosition(f"position {position} is beyond the end of the log, {end}", found=position)
    if kept := log._links(position - 1, 1):
        return Head(position, kept[0].hex())
    digest, after = GENESIS, 0
    while rows := log._log(after, position, None, None, PAGE):
        digest, after = links(digest, rows)[-1], rows[-1].position
    return Head(position, digest.hex())


def verified(log: Log, head: Head | None = None) -> Verified:
    """Look through a whole log, as far as it went when this was called. Raises BrokenLog."""
    verifier, end = Verifier(chained=log.chained, head=head), log.position
    while (after := verifier.position) < end:
        try:
            page, kept = _page(log, verifier.chained, after, end, PAGE)
        except StoreUnavailable:  # somewhere in this page: go on in single steps, so that the place is known
            page, kept = _single(log, verifier, after)
        verifier.walk(page, kept)
        if not page:
            verifier.position += 1
            raise verifier.broken("no event is there")
    if verifier.chained and log._links(end, 1) and log.position == end:
        verifier.position = end + 1
        raise verifier.broken("there is a link, but no event")
    try:
        wrong = log._inspect()
    except StoreUnavailable as damage:
        wrong = str(damage)
    if wrong:
        raise verifier.broken(f"every event reads as it should, but {wrong}")
    return verifier.end()


def _page(log: Log, chained: bool, after: int, end: int, limit: int) -> tuple[list[Recorded], list[bytes]]:
    rows = log._log(after, end, None, None, limit)
    return rows, log._links(after, len(rows)) if chained else []


def _single(log: Log, verifier: Verifier, after: int) -> tuple[list[Recorded], list[bytes]]:
    try:
        return _page(log, verifier.chained, after, after + 1, 1)
    except StoreUnavailable as damage:
        verifier.position = after + 1
        raise verifier.broken(f"it or its link cannot be read ({damage})") from damage


class Verifier:
    """Walks through a log from its first event, and stops at the first place where something is wrong."""

    def __init__(self, *, chained: bool, head: Head | None = None) -> None:
        self.chained, self.expected = chained, head
        self.position, self.digest = 0, GENESIS
        self._versions: dict[str, int] = {}

    def walk(self, page: Iterable[Recorded], kept: list[bytes]) -> None:
        """Look at the next events, and at the links that were kept for them. Raises BrokenLog."""
        for n, recorded in enumerate(page):
            self._in_place(recorded)
            self._well_formed(recorded)
            self.digest = link(self.digest, recorded)
            self.position = recorded.position
            self._versions[recorded.stream] = recorded.version
            if self.chained and (n >= len(kept) or kept[n] != self.digest):
                raise self.broken("this event or its link is not what was recorded: its link does not fit", recorded)
            if self.expected is not None and self.position == self.expected.position:
                self._meet(self.expected)

    def end(self) -> Verified:
        """What was verified. Raises BrokenLog if the log is shorter than the head that was given."""
        if self.expected is not None and self.position < self.expected.position:
            self.position += 1
            raise self.broken(f"the log ends before it, but a head of position {self.expected.position} was exported")
        if self.expected is not None and self.expected.position == 0:
            self._meet(self.expected, GENESIS)
        return Verified(self.position, len(self._versions), self.chained, Head(self.position, self.digest.hex()))

    def _in_place(self, recorded: Recorded) -> None:
        if tuple(map(type, msgspec.structs.astuple(recorded))) != KINDS:
            self.position += 1
            raise self.broken("a field of it is not of its kind")
        if recorded.position != self.position + 1:
            self.position += 1
            raise self.broken(f"no event is there, the next one has position {recorded.position}")
        version = self._versions.get(recorded.stream, 0)
        if recorded.version != version + 1:
            raise self.broken(f"it has version {recorded.version} where {version + 1} was expected", recorded)

    def _well_formed(self, recorded: Recorded) -> None:
        try:
            stored_name(recorded.stream)
            for text in (recorded.recorded_text, recorded.occurred_text):
                if stored_time(dt.datetime.fromisoformat(text)) != text:
                    raise ValueError(f"{text!r} is not written as a time is stored")
            for text in (recorded.payload_text, recorded.metadata_text):
                if not isinstance(msgspec.json.decode(text), dict):
                    raise ValueError(f"{text[:40]!r} is no JSON object")
        except (ValueError, TypeError, InvalidName, InvalidTime) as error:
            raise self.broken(f"it is not well formed: {error}", recorded) from error

    def _meet(self, head: Head, digest: bytes | None = None) -> None:
        if (digest or self.digest).hex() != head.digest:
            raise self.broken("something up to here is not what it was when this head was exported")

    def broken(self, why: str, recorded: Recorded | None = None) -> BrokenLog:
        """The refusal to be raised: what is wrong, and where."""
        position = recorded.position if recorded else self.position
        what = f" ({recorded.type} at version {recorded.version} of stream {recorded.stream!r})" if recorded else ""
        return BrokenLog(
            f"the log is broken at position {position}{what}: {why}. Keep a copy of it, then restore one that verifies",
            position=position, why=why,
        )  # fmt: skip
