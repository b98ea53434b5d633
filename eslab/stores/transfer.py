"""A transfer copies every event of one store into another, in order, and proves that nothing was lost or changed.

It may be ended at any moment and run again: what is there already is compared, not copied a second time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from eslab import show
from eslab.chain import GENESIS, link
from eslab.errors import BrokenLog, InvalidPosition, VersionGap
from eslab.events import PAGE, Recorded
from eslab.show import counted
from eslab.store import Store


@dataclass(frozen=True)
class Transferred:
    """What a transfer did: `events` the source holds, of which `added` were new to the target."""

    events: int
    added: int
    digest: str
    """The running digest over all events of the source, hexadecimal: the target gave back events with the same."""

    def __repr__(self) -> str:
        there = f", {self.events - self.added:,} were there" if self.added < self.events else ""
        added = f"{counted(self.events, 'event')}: {self.added:,} added{there}"
        return f"<{added}, all read back the same, digest {self.digest[:12]}…>"


def transfer(source: Store, target: Store, *, batch: int = PAGE, progress: bool | None = None) -> Transferred:
    """Copy all events that `source` holds now, with ids, both times, metadata, versions and tags; positions are new.

    The target may hold other events, in other streams. Each `batch` of events is copied as a whole and read back; so
    a transfer that was ended in the middle has lost nothing, and run again it goes on. `progress` shows a bar (None:
    from 50,000 events).

    Raises BrokenLog if the target gives back another event, or has another under the same id, or if the source does
    not hold what its positions promise; VersionGap if a stream of the target holds events that are not the source's.
    """
    if type(batch) is not int or batch < 1:
        raise InvalidPosition(f"batch is {batch!r}, expected how many events to copy at a time, 1 or more", found=batch)
    end, events, added, digest = source.position, 0, 0, GENESIS
    with show.progress(end, "copy", progress) as bar:
        for page in _pages(source, end, batch):
            _whole(page, events, end)
            new, digest = _copied(page, target, digest)
            events, added = events + len(page), added + new
            bar.update(len(page))
    _whole([], events, end)
    return Transferred(events, added, digest.hex())


def _pages(source: Store, end: int, size: int) -> Iterator[list[Recorded]]:
    page: list[Recorded] = []
    for recorded in source.read(until=end):
        page.append(recorded)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page


def _whole(page: list[Recorded], before: int, end: int) -> None:
    """Raise BrokenLog if a position of the source is missing: what it does not give cannot be copied."""
    for position, recorded in enumerate(page, before + 1):
        if recorded.position != position:
            break
    else:
        position = before + 1
        if page or before == end:
            return
    raise BrokenLog(
        f"the source holds {end:,} events, but gives none at position {position}: it is damaged, so verify() it and "
        f"restore what is missing, then copy again; what was copied until here is in the target",
        position=position,
    )


def _copied(page: list[Recorded], target: Store, before: bytes) -> tuple[int, bytes]:
    """Copy what the target does not have, read all of it back, and go on with the digest."""
    there = {recorded.id: recorded for recorded in target._with_ids([recorded.id for recorded in page])}
    new = [recorded for recorded in page if recorded.id not in there]
    added = 0
    if new:
        _proved([recorded for recorded in page if recorded.id in there], there, before)  # before anything is written
        added = _copy(new, target)
        there |= {recorded.id: recorded for recorded in target._with_ids([recorded.id for recorded in new])}
    return added, _proved(page, there, before)


def _proved(events: list[Recorded], there: dict[str, Recorded], before: bytes) -> bytes:
    """The digest after these events, the same for what is there. Raises BrokenLog at the first that differs."""
    expected = found = before
    for recorded in events:
        expected = link(expected, recorded)
        found = link(found, there[recorded.id]) if recorded.id in there else b""
        if found != expected:
            raise _differs(recorded, there.get(recorded.id))
    return expected


def _copy(new: list[Recorded], target: Store) -> int:
    try:
        return len(target.copy(new))
    except VersionGap as gap:
        stream, version = gap.facts["stream"], gap.facts["expected"]
        raise VersionGap(
            f"the target's stream {stream!r} does not go on where the source's does: the next version there is "
            f"{version}, not {gap.facts['actual']}, because it holds other events. Copy into a store without this "
            f"stream; nothing of this batch was copied",
            **gap.facts,
        ) from gap


def _differs(recorded: Recorded, found: Recorded | None) -> BrokenLog:
    place = f"position {recorded.position} of the source, version {recorded.version} of stream {recorded.stream!r}"
    if found is None:
        what = "the target does not give it back"
    else:
        given, back = msgspec.structs.asdict(recorded), msgspec.structs.asdict(found)
        names = [name for name in given if name != "position" and given[name] != back[name]]
        what = "; ".join(f"{name} was {_short(given[name])}, and is {_short(back[name])}" for name in names)
    return BrokenLog(
        f"the copy differs at {place}: {what}. Verify both stores, then copy into a new one",
        position=recorded.position, stream=recorded.stream, version=recorded.version, id=recorded.id,
    )  # fmt: skip


def _short(value: object, most: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}…"
