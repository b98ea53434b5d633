"""A report says what a log held: how many events of what, from when to when, and everything odd about them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter

from eslab.events import Recorded
from eslab.show import counted, table


@dataclasses.dataclass(frozen=True)
class Report:
    """What one reading of a log found; all numbers count events."""

    source: str
    events: int
    streams: int
    types: dict[str, int]
    """How many events of each type, most first."""
    first: dt.datetime | None
    last: dt.datetime | None
    """The earliest and the latest time at which an event occurred, in UTC."""
    out_of_order: int
    """Earlier than the event before them in the file."""
    out_of_order_in_streams: int
    """Earlier than the event before them of the same stream."""
    duplicates: int
    """Left out, because an event with the same id and the same content was there already."""
    alike: int
    """Kept, though all that is known of them, time included, is said of another event too.

    In the order of a file (`order="file"`), only those between which there is no other time are counted.
    """
    cut: int
    """Times that were written finer than a microsecond, and are kept to the microsecond."""
    refused: dict[str, int]
    """Not taken as events, by reason; which ones is in `log.refused`."""

    def _lines(self) -> list[tuple[str, str]]:
        """What there is to say, what is usual first; what is odd only where it was met."""
        kinds = [f"{name} ({number:,})" for name, number in list(self.types.items())[:8]]
        types = ", ".join(kinds) + (f" and {len(self.types) - 8:,} more" if len(self.types) > 8 else "")
        odd = {
            "earlier than the event before": self.out_of_order,
            "earlier than the event before of their stream": self.out_of_order_in_streams,
            "duplicates, left out": self.duplicates, "alike, kept": self.alike,
            "times cut to microseconds": self.cut,
        }  # fmt: skip
        lines = [("events", f"{self.events:,}"), ("streams", f"{self.streams:,}"), ("types", types or "none")]
        for name, moment in (("first", self.first), ("last", self.last)):
            lines += [(name, f"{moment:%Y-%m-%d %H:%M:%S} UTC")] if moment is not None else []
        lines += [(what, f"{number:,}") for what, number in odd.items() if number]
        return lines + [(f"refused: {why}", f"{number:,}") for why, number in self.refused.items()]

    def __repr__(self) -> str:
        return "\n".join([f"<report of {self.source}>", *(f"  {what}: {said}" for what, said in self._lines())])

    def _repr_html_(self) -> str:
        return table(("what", "found"), self._lines(), caption=self.source)


class Tally:
    """Counts for a report, while the events pass by."""

    def __init__(self) -> None:
        self.types: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.versions: dict[str, int] = {}
        self.first, self.last = "~", ""
        self.out_of_order = self.out_of_order_in_streams = self.duplicates = self.alike = self.cut = 0

    def add(self, recorded: Recorded) -> None:
        self.types[recorded.type] += 1
        occurred = recorded.occurred_text
        self.first = occurred if occurred < self.first else self.first  # faster than min() and max()
        self.last = occurred if occurred > self.last else self.last
        self.versions[recorded.stream] = recorded.version

    def report(self, source: str) -> Report:
        events = self.types.total()
        first, last = (dt.datetime.fromisoformat(text) if events else None for text in (self.first, self.last))
        return Report(
            source, events, len(self.versions), dict(self.types.most_common()), first, last, self.out_of_order,
            self.out_of_order_in_streams, self.duplicates, self.alike, self.cut, dict(self.reasons.most_common()),
        )  # fmt: skip


def in_words(report: Report | None) -> str:
    """A log in one line: its numbers, once it was read."""
    if report is None:
        return "not read yet"
    refused = sum(report.refused.values())
    return f"{counted(report.events, 'event')}, {counted(report.streams, 'stream')}" + f", {refused:,} refused" * bool(
        refused
    )
