"""Payloads that a store must give back exactly, and payloads that it must refuse, one field of each type."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import uuid
from typing import Any

from eslab.events import event


class Colour(enum.Enum):
    GREEN = "green"
    GREY = "grey"


@dataclasses.dataclass(frozen=True)
class Address:
    street: str
    number: int


@dataclasses.dataclass(frozen=True)
class Parcel:
    to: Address
    stops: list[Address]


@event(name="eslab.contract.Noted")
class Noted:
    """One field of each type; a test sets the one it is about."""

    text: str = ""
    number: int = 0
    ratio: float = 0.0
    sure: bool = False
    maybe: str | None = None
    price: decimal.Decimal = decimal.Decimal("0.00")
    moment: dt.datetime = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    day: dt.date = dt.date(2026, 1, 1)
    took: dt.timedelta = dt.timedelta(0)
    key: uuid.UUID = uuid.UUID(int=0)
    colour: Colour = Colour.GREY
    raw: bytes = b""
    parcel: Parcel | None = None
    words: list[str] = dataclasses.field(default_factory=list)
    pair: tuple[int, str] = (0, "")
    many: tuple[int, ...] = ()
    unique: set[int] = dataclasses.field(default_factory=set)
    frozen: frozenset[str] = frozenset()
    by_name: dict[str, int] = dataclasses.field(default_factory=dict)
    by_number: dict[int, decimal.Decimal] = dataclasses.field(default_factory=dict)
    deep: dict[str, list[tuple[int, dt.date]]] = dataclasses.field(default_factory=dict)


ADA, BABBAGE = Address("Dorset Street", 1), Address("St James's Square", 12)
SUMMER = dt.timezone(dt.timedelta(hours=2))
EXACT: dict[str, list[Any]] = {
    "text": ["", "naïve café", 'quote " and \\', "line\nbreak\ttab\x00", "日本語 🚂 \u2028", "</script>"],
    "number": [0, -1, 2**63 - 1, -(2**63)],
    "ratio": [0.1, -0.0, 1e300, 5e-324, 3.0],
    "sure": [True, False],
    "maybe": [None, "", "yes"],
    "price": [decimal.Decimal(text) for text in ("0.1", "10.00", "-3.50", "1E+2", "0.000000000000000000001")],
    "moment": [dt.datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=zone) for zone in (dt.UTC, SUMMER)],
    "day": [dt.date(2024, 2, 29), dt.date.min, dt.date.max],
    "took": [dt.timedelta(days=2, microseconds=1), dt.timedelta(seconds=-90)],
    "key": [uuid.UUID(int=2**128 - 1)],
    "colour": [Colour.GREEN],
    "raw": [b"\x00\xff\n"],
    "parcel": [Parcel(ADA, [BABBAGE, ADA])],
    "words": [["b", "a", "b"]],
    "pair": [(7, "seven")],
    "many": [(), (3, 1, 2)],
    "unique": [{3, 1, 2}],
    "frozen": [frozenset({"x", "y"})],
    "by_name": [{"z": 1, "a": 2}],
    "by_number": [{2: decimal.Decimal("2.50"), -1: decimal.Decimal("0")}],
    "deep": [{"Ada": [(1, dt.date(1815, 12, 10)), (2, dt.date(1852, 11, 27))], "": []}],
}
REFUSED: dict[str, list[Any]] = {
    "text": [1, None, b"text", "\ud800"],
    "number": ["7", 7.0, 7.5, None, True],
    "ratio": [float("nan"), float("inf"), float("-inf"), "1.5", 1],
    "sure": [1, "true"],
    "maybe": [1],
    "price": [decimal.Decimal("NaN"), 1.5, "1.50"],
    "moment": [dt.datetime(2026, 7, 1, 12, 0), "2026-07-01T12:00:00Z", dt.date(2026, 7, 1)],  # noqa: DTZ001 - naive
    "day": ["2026-07-01", dt.datetime(2026, 7, 1, tzinfo=dt.UTC)],
    "took": [90, "PT90S"],
    "key": ["00000000-0000-0000-0000-000000000000"],
    "colour": ["green", "blue"],
    "raw": ["text"],
    "parcel": [Parcel(ADA, [Address("Dorset Street", "1")])],  # type: ignore[arg-type]  # that is the point
    "words": [("a", "b"), ["a", 1], "ab"],
    "pair": [[7, "seven"], (7,)],
    "unique": [[1, 2], {"1"}, {True}],
    "by_name": [{1: 1}, {"a": "1"}],
    "by_number": [{"1": decimal.Decimal(1)}],
    "deep": [{"Ada": [[1, dt.date(1815, 12, 10)]]}],
}
SCHEDULES = 8, 12
