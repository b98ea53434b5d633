"""A time of a foreign log is read as it is written, and one without a zone only in a zone that somebody named."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import functools
import re
import zoneinfo
from typing import Any

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
        offset = moment.utcoffset() if moment.tzinfo is not None else None
        try:
            in_utc = (
                moment.replace(tzinfo=None) - offset if offset is not None else moment - self._offset(moment, value)
            )
        except OverflowError:
            raise UnreadableTime(
                f"the time {value!r} is outside of the years 1 to 9999 in UTC: correct it, or take it out"
            ) from None
        text = in_utc.isoformat()  # faster than with timespec=
        return text + (".000000+00:00" if len(text) == 19 else "+00:00"), cut

    def _read(self, value: Any) -> tuple[dt.datetime, bool]:
        if self.form in UNIX and not isinstance(value, dt.date):
            return self._counted(value)
        if isinstance(value, str) and value.strip():
            return self._parsed(value.strip())
        if isinstance(value, dt.datetime):
            fine = bool(getattr(value, "nanosecond", 0))  # pandas has them
            return (value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value), fine
        if isinstance(value, dt.date):
            return dt.datetime(value.year, value.month, value.day), False  # noqa: DTZ001 - its zone comes next
        found = "nothing" if value is None or value == "" else repr(value)
        raise UnreadableTime(f"found {found} where a time should be: name the column of the times, or correct the row")

    def _parsed(self, text: str) -> tuple[dt.datetime, bool]:
        try:
            if self.form:
                return dt.datetime.strptime(text, self.form), False  # noqa: DTZ007 - its zone comes next
            return dt.datetime.fromisoformat(text), len(text) > 22 and TOO_FINE.search(text) is not None
        except ValueError as error:
            expected = f"the pattern {self.form!r}" if self.form else "ISO 8601, such as 2026-05-03T09:30:00+02:00"
            raise UnreadableTime(f"found the time {text!r} ({error}), expected {expected}: "
                                 f"say time_format='%d.%m.%Y %H:%M' or alike") from None  # fmt: skip

    def _counted(self, value: Any) -> tuple[dt.datetime, bool]:
        try:
            microseconds = decimal.Decimal(str(value)) * (1_000_000 // UNIX[self.form or "unix"])
            return EPOCH + dt.timedelta(microseconds=int(microseconds)), microseconds % 1 != 0
        except (ValueError, ArithmeticError) as error:
            raise UnreadableTime(
                f"found the time {value!r} ({type(error).__name__}), expected a number, as time_format={self.form!r} "
                f"says: correct the row"
            ) from None

    def _offset(self, local: dt.datetime, value: Any) -> dt.timedelta:
        """The offset of a local time. (PEP 495: where the clocks change, `fold` tells the two readings apart.)"""
        if self.zone is None:
            raise UnreadableTime(
                f"the time {value!r} has no zone: say in which one it stands, for example zone='Europe/Berlin' or 'UTC'"
            )
        steady = _throughout(self.zone, local.year, local.month, local.day, local.hour)
        if steady is not None:
            return steady
        first, second = (_offset(self.zone, local, fold) for fold in (0, 1))
        if first < second:  # the clocks went forward, from the one to the other
            raise UnreadableTime(
                f"the time {value!r} never was in {self.zone}: the clocks went forward over it, so correct the row"
            )
        if first > second and self.repeated_hour is None:
            raise UnreadableTime(
                f"the time {value!r} came twice in {self.zone}, when the clocks went back: say repeated_hour='first' "
                f"or 'second', or write times with their offset"
            )
        return second if self.repeated_hour == "second" else first


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidTime(f"found no time zone {name!r}, expected a name such as 'Europe/Berlin', 'America/New_York' "
                          f"or 'UTC'", found=name) from error  # fmt: skip


def _offset(zone: str, local: dt.datetime, fold: int) -> dt.timedelta:
    return local.replace(tzinfo=_zone(zone), fold=fold).utcoffset() or dt.timedelta()


@functools.lru_cache(2**12)
def _throughout(zone: str, year: int, month: int, day: int, hour: int) -> dt.timedelta | None:
    """The offset throughout an hour of the clocks of a zone; None if they change in it."""
    begin = dt.datetime(year, month, day, hour)  # noqa: DTZ001 - its zone is beside it
    moments = (begin, begin.replace(minute=59, second=59, microsecond=999_999))
    offsets = {_offset(zone, moment, fold) for moment in moments for fold in (0, 1)}
    return offsets.pop() if len(offsets) == 1 else None
