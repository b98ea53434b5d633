"""A time of a foreign log is read as it is written, and one without a zone only in a zone that somebody named."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import zoneinfo
from typing import Any

from eslab.codec import stored_time
from eslab.errors import InvalidTime

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
UNIX = {"unix": 1, "unix ms": 1_000, "unix us": 1_000_000}
"""Times that are numbers: how many of them make a second since 1970."""
TOO_FINE = re.compile(r"[.,]\d{6}\d*[1-9]")
"""More digits than a microsecond has, and not all of them 0."""


class UnreadableTime(ValueError):
    """A value that is no time, or more than one; the message says which and what would help."""


@dataclasses.dataclass(frozen=True)
class Times:
    """How a log writes its times.

    `zone` is the IANA name of the zone in which times stand that name none; `repeated_hour` says which one is meant
    where the clocks go back and an hour comes twice, "first" or "second"; `form` is None for ISO 8601, a pattern as
    `strptime` takes it, or "unix", "unix ms", "unix us" for numbers since 1970. Raises InvalidTime for anything else.
    """

    zone: str | None = None
    repeated_hour: str | None = None
    form: str | None = None

    def __post_init__(self) -> None:
        if self.repeated_hour not in (None, "first", "second"):
            raise InvalidTime(f"repeated_hour is {self.repeated_hour!r}, expected 'first' or 'second'",
                              found=self.repeated_hour)  # fmt: skip
        if self.form is not None and self.form not in UNIX and "%" not in self.form:
            raise InvalidTime(f"time_format is {self.form!r}, expected a pattern such as '%d.%m.%Y %H:%M', or one of "
                              f"{', '.join(map(repr, UNIX))}", found=self.form)  # fmt: skip
        if self.zone is not None:
            _zone(self.zone)

    def stored(self, value: Any) -> tuple[str, bool]:
        """The time as a store keeps it, and whether parts of a microsecond were cut. Raises UnreadableTime."""
        moment, cut = self._read(value)
        if moment.tzinfo is None:
            moment = self._placed(moment, value)
        try:
            return stored_time(moment), cut
        except OverflowError:
            raise UnreadableTime(
                f"the time {value!r} is outside of the years 1 to 9999 in UTC: correct it, or take it out"
            ) from None

    def _read(self, value: Any) -> tuple[dt.datetime, bool]:
        if isinstance(value, dt.datetime):
            fine = bool(getattr(value, "nanosecond", 0))  # pandas has them
            return (value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value), fine
        if isinstance(value, dt.date):
            return dt.datetime(value.year, value.month, value.day), False  # noqa: DTZ001 - its zone comes next
        if self.form in UNIX:
            return self._counted(value)
        if isinstance(value, str) and value.strip():
            return self._parsed(value.strip())
        found = "nothing" if value is None or value == "" else repr(value)
        raise UnreadableTime(f"found {found} where a time should be: name the column of the times, or correct the row")

    def _parsed(self, text: str) -> tuple[dt.datetime, bool]:
        try:
            if self.form:
                return dt.datetime.strptime(text, self.form), False  # noqa: DTZ007 - its zone comes next
            return dt.datetime.fromisoformat(text), TOO_FINE.search(text) is not None
        except ValueError as error:
            expected = f"the pattern {self.form!r}" if self.form else "ISO 8601, such as 2026-05-03T09:30:00+02:00"
            raise UnreadableTime(f"found the time {text!r} ({error}), expected {expected}: "
                                 f"say time_format='%d.%m.%Y %H:%M' or alike") from None  # fmt: skip

    def _counted(self, value: Any) -> tuple[dt.datetime, bool]:
        try:
            microseconds = float(value) * (1_000_000 // UNIX[self.form or "unix"])
            if isinstance(value, int):
                microseconds = value * (1_000_000 // UNIX[self.form or "unix"])
            return EPOCH + dt.timedelta(microseconds=round(microseconds)), microseconds != round(microseconds)
        except (TypeError, ValueError, OverflowError) as error:
            raise UnreadableTime(
                f"found the time {value!r} ({error}), expected a number, as time_format={self.form!r} says"
            ) from None

    def _placed(self, moment: dt.datetime, value: Any) -> dt.datetime:
        """A local time in its zone. (PEP 495: where the clocks change, `fold` tells the two readings apart.)"""
        if self.zone is None:
            raise UnreadableTime(
                f"the time {value!r} has no zone: say in which one it stands, for example zone='Europe/Berlin' or 'UTC'"
            )
        zone = _zone(self.zone)
        first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() == second.utcoffset():
            return first
        if not _exists(first):
            raise UnreadableTime(
                f"the time {value!r} never was in {self.zone}: the clocks went forward over it, so correct the row"
            )
        if self.repeated_hour is None:
            raise UnreadableTime(
                f"the time {value!r} came twice in {self.zone}, when the clocks went back: say repeated_hour='first' "
                f"or 'second', or write times with their offset"
            )
        return first if self.repeated_hour == "first" else second


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidTime(f"found no time zone {name!r}, expected a name such as 'Europe/Berlin', 'America/New_York' "
                          f"or 'UTC'", found=name) from error  # fmt: skip


def _exists(moment: dt.datetime) -> bool:
    there_and_back = moment.astimezone(dt.UTC).astimezone(moment.tzinfo)
    return there_and_back.replace(tzinfo=None, fold=0) == moment.replace(tzinfo=None, fold=0)
