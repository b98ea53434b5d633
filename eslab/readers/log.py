"""A log is the history that a file, a table or a repository tells, read event by event, as often as one likes."""

from __future__ import annotations

import datetime as dt
import html
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import uuid_utils

from eslab.codec import MOST_BYTES, REFUSALS, same, stored_name
from eslab.errors import EslabError, InvalidName, InvalidPayload, InvalidPosition, UnreadableLog
from eslab.events import PAGE, History, Recorded
from eslab.readers.report import Report, Tally, in_words
from eslab.readers.sorting import in_order
from eslab.readers.times import Times
from eslab.show import SHOW_PROGRESS_FROM, shortened
from eslab.store import Store

if TYPE_CHECKING:
    import pandas as pd

When = dt.datetime | dt.date | str | float
NOTHING: Mapping[str, Any] = {}
_encode = msgspec.json.Encoder().encode


class Found(NamedTuple):
    """An event as its log tells it. `line` is its place there, first = 1; `stream` the whole name of its stream."""

    line: int
    stream: str
    type: str
    occurred_at: When | None
    payload: Mapping[str, Any]
    recorded_at: When | None = None
    """None where the log has one time only: then it was recorded when it occurred."""
    id: str | None = None
    metadata: Mapping[str, Any] = NOTHING


class Refused(NamedTuple):
    """A record that is no event, with the reason."""

    line: int
    why: str
    found: object


class Settled(NamedTuple):
    """An event whose texts are those of a store, still without position and version; sorts by time, then by place."""

    recorded_text: str
    line: int
    stream: str
    type: str
    id: str
    occurred_text: str
    payload_text: str
    metadata_text: str


class Log:
    """Recorded events from elsewhere: iterate over it, or give it to a Timeline, to `frames.events`, to a store.

    Each iteration reads its source again. Events come sorted by the time of their recording, those of equal time in
    the order of the log (`order="file"`: all in the order of the log); positions count them from 1, versions count
    within each stream from 1. An id that the log does not give follows from stream and version, as in `record`. What
    eslab itself has written comes back as it was, with its own positions, versions and order.

    A record that cannot be taken raises UnreadableLog, or with `on_error="collect"` is kept in `refused`.
    """

    def __init__(
        self, source: str, tell: Callable[[], Iterable[Found | Recorded | Refused]], *, times: Times | None = None,
        on_error: str = "raise", order: str = "recorded", progress: bool | None = None,
        about: Mapping[str, Any] = NOTHING, unit: str = "line",
    ) -> None:  # fmt: skip
        if on_error not in ("raise", "collect"):
            raise InvalidName(f"on_error is {on_error!r}, expected 'raise' or 'collect'", found=on_error)
        if order not in ("recorded", "file"):
            raise InvalidName(f"order is {order!r}, expected 'recorded' or 'file'", found=order)
        self.source, self.about = source, about
        """Where the events come from, and what the log says of itself beside them; that is known once it was read."""
        self._tell, self._times, self._on_error, self._order = tell, times or Times(), on_error, order
        self._progress, self._unit = progress, unit
        self._report: Report | None = None
        self._refused: list[Refused] = []

    def __iter__(self) -> Iterator[Recorded]:
        tally, refused = Tally(), list[Refused]()
        settled = self._settled(tally, refused)
        first = next(settled, None)
        told = itertools.chain([] if first is None else [first], settled)
        numbered = self._numbered(told, tally, refused, own=isinstance(first, Recorded))
        for recorded in _watched(numbered, self.source, self._progress):
            tally.add(recorded)
            yield recorded
        self._report, self._refused = tally.report(self.source), refused

    # --- what to do with it ---

    def history(self) -> History:
        """All events at once, in memory."""
        return History(self)

    def into(self, store: Store, *, batch: int = PAGE) -> int:
        """Copy the events into a store, `batch` at a time, and say how many were new to it; so it can be repeated.

        Raises VersionGap or DuplicateEvent, as `store.copy`: a batch is copied whole or not at all.
        """
        if type(batch) is not int or batch < 1:
            raise InvalidPosition(f"batch is {batch!r}, expected how many events to copy at a time", found=batch)
        events, added = iter(self), 0
        while page := list(itertools.islice(events, batch)):
            added += len(store.copy(page))
        return added

    @property
    def report(self) -> Report:
        """What the last whole reading found; if there was none, the log is read for it."""
        if self._report is None:
            for _ in self:
                pass
        assert self._report is not None  # noqa: S101 - the loop above has set it
        return self._report

    @property
    def refused(self) -> pd.DataFrame:
        """The records that are no events, one row each: line, why, found (as text)."""
        import pandas as pd

        _ = self.report
        frame = pd.DataFrame(self._refused, columns=["line", "why", "found"])
        return frame.astype({"line": "int64", "why": "str", "found": "str"})

    # --- from what is told to what is recorded ---

    def _settled(self, tally: Tally, refused: list[Refused]) -> Iterator[Settled | Recorded]:
        before, of_stream = "", dict[str, str]()
        for one in self._tell():
            if isinstance(one, Found):
                try:
                    settled = self._texts(one, tally)
                except (EslabError, *REFUSALS) as error:
                    one = Refused(one.line, str(error), _as_read(one))
                else:
                    tally.out_of_order += settled.recorded_text < before
                    tally.out_of_order_in_streams += settled.recorded_text < of_stream.get(settled.stream, "")
                    before = of_stream[settled.stream] = settled.recorded_text
                    yield settled
            if isinstance(one, Refused):
                self._refuse(one, tally, refused)
            elif isinstance(one, Recorded):
                yield one

    def _refuse(self, one: Refused, tally: Tally, refused: list[Refused]) -> None:
        if self._on_error == "raise":
            raise UnreadableLog(
                f"{self.source}, {self._unit} {one.line:,}: {one.why}. To read the rest, say on_error='collect': then "
                f"log.refused holds what was not taken",
                file=self.source, line=one.line, found=one.found,
            )  # fmt: skip
        tally.reasons[one.why if len(one.why) <= 120 else one.why[:120] + "…"] += 1
        refused.append(one._replace(found=shortened(one.found, 1_000)))

    def _texts(self, found: Found, tally: Tally) -> Settled:
        occurred, cut = self._times.stored(found.occurred_at)
        recorded, cut_too = (occurred, False) if found.recorded_at is None else self._times.stored(found.recorded_at)
        tally.cut += cut + cut_too
        return Settled(
            recorded, found.line, stored_name(found.stream), stored_name(found.type, "an event type"),
            "" if found.id is None else stored_name(found.id, "an event id"), occurred,
            _text(found.payload), _text(found.metadata),
        )  # fmt: skip

    def _numbered(
        self, told: Iterable[Settled | Recorded], tally: Tally, refused: list[Refused], *, own: bool
    ) -> Iterator[Recorded]:
        if own:
            yield from _as_they_were(told, self.source)
            return
        events: Iterable[Any] = told if self._order == "file" else in_order(told, Settled)
        kept = without_duplicates(events, tally, lambda no: self._refuse(no, tally, refused))
        for position, one in enumerate(kept, 1):
            version = tally.versions.get(one.stream, 0) + 1
            yield Recorded(
                position, one.stream, version, one.type, 0, one.id or id_of(one.stream, version), one.recorded_text,
                one.occurred_text, one.payload_text, one.metadata_text,
            )  # fmt: skip

    def __repr__(self) -> str:
        return f"<log {self.source}: {in_words(self._report)}>"

    def _repr_html_(self) -> str:
        if self._report is None:
            return f"<p>{html.escape(repr(self))}: iterate over it, or look at its <code>.report</code></p>"
        return self._report._repr_html_()


class NoCase(ValueError):
    """A record that does not say to what it happened."""


def without_duplicates(
    events: Iterable[Settled], tally: Tally, refuse: Callable[[Refused], None]
) -> Iterator[Settled]:  # fmt: skip
    """The events, without those that came before under their id; what is only alike is kept, and counted."""
    known: dict[str, int] = {}
    before, at_this_time = None, set[int]()
    for one in events:
        if one.id and one.id in known:
            if known[one.id] == hash(one[2:]):
                tally.duplicates += 1
            else:
                why = (
                    f"the id {one.id!r} is taken by another event of this log, expected each once: correct it, or name "
                )
                refuse(Refused(one.line, f"{why}another column as id=", _as_read(one)))
            continue
        if one.id:
            known[one.id] = hash(one[2:])
        elif before is None or one.recorded_text != before.recorded_text:
            before, at_this_time = one, set()
        else:
            at_this_time = at_this_time or {hash(before[2:])}
            tally.alike += hash(one[2:]) in at_this_time
            at_this_time.add(hash(one[2:]))
        yield one


def _as_read(one: Found | Settled) -> dict[str, Any]:
    """What a log says of an event, without the place and without what it does not say."""
    return {name: value for name, value in one._asdict().items() if name != "line" and value not in (None, "", {})}


def stream_name(category: str, case: object) -> str:
    """The stream of a case: `ticket-17`. Raises NoCase if there is none."""
    if case is None or case == "":
        raise NoCase("found nothing where the case should be: each event needs the id of what it happened to")
    return f"{category}-{case}"


def in_category(category: str) -> str:
    """The category itself. Raises InvalidName if it has a hyphen, which is where the aggregate id begins."""
    if not isinstance(category, str) or not category or "-" in category:
        raise InvalidName(f"category is {category!r}, expected a word without a hyphen, such as 'ticket'",
                          found=category)  # fmt: skip
    return stored_name(category, "a category")


def id_of(stream: str, version: int) -> str:
    """The id of an event that has none: the same each time, and that of `record`."""
    return str(uuid_utils.uuid5(uuid_utils.NAMESPACE_URL, f"eslab:{stream}/{version}"))


def _text(data: Mapping[str, Any]) -> str:
    """A payload or metadata as stored. Times, Decimals and alike become text; raises InvalidPayload for NaN."""
    if not data:
        return "{}"
    text = _encode(data)
    if len(text) > MOST_BYTES:
        raise InvalidPayload(
            f"the event is {len(text):,} bytes as text, expected at most {MOST_BYTES:,}: keep the large part elsewhere"
        )
    plain = msgspec.to_builtins(data, str_keys=True, builtin_types=()) if b"null" in text else None
    if plain is not None and not same(plain, msgspec.json.decode(text)):
        raise InvalidPayload(
            f"found {shortened(plain)}, which cannot be stored exactly: JSON has no NaN and no infinity, so leave it "
            f"out, or write it as a text"
        )
    return text.decode()


def _as_they_were(told: Iterable[Any], source: str) -> Iterator[Recorded]:
    """Events that eslab itself has written. Raises UnreadableLog if their positions do not rise."""
    before = 0
    for place, one in enumerate(told, 1):
        if not isinstance(one, Recorded) or one.position <= before:
            found = one.position if isinstance(one, Recorded) else "an event of another log"
            raise UnreadableLog(
                f"{source}: after position {before} stands {found}, expected the events of one log in its order: "
                f"read the file as it was written", file=source, line=place, found=found,
            )  # fmt: skip
        before = one.position
        yield one


def _watched(events: Iterable[Recorded], source: str, shown: bool | None) -> Iterator[Recorded]:
    """The events, with a progress bar beside them; it shows itself from 50,000 on, or as `shown` says."""
    left = iter(events)
    if shown is None:
        yield from itertools.islice(left, SHOW_PROGRESS_FROM)
    if shown is False:
        yield from left
    first = next(left, None)
    if first is None:
        return
    from tqdm.auto import tqdm

    already = SHOW_PROGRESS_FROM if shown is None else 0
    yield from tqdm(itertools.chain([first], left), desc=source, unit=" events", initial=already)
