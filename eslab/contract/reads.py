"""The third part of the contract: what load and read give back, by version, position, time, type and name."""

from __future__ import annotations

import datetime as dt
from typing import Any

from eslab.contract.examples import SUMMER
from eslab.contract.materials import (
    Deposited,
    Watch,
    Withdrawn,
    Workbench,
    amounts,
    deposits,
    equal,
    positions,
    refused,
)
from eslab.errors import InvalidName, InvalidPosition, InvalidTime
from eslab.events import NewEvent


class Reads(Workbench):
    # Two clocks.

    def test_an_event_has_the_time_it_was_recorded_and_the_time_it_occurred(self) -> None:
        watch = Watch()
        store = self.open_store(clock=watch)
        noon = dt.datetime(2026, 2, 28, 14, 0, 0, 1, tzinfo=SUMMER)
        (late,) = store.append("account-1", [NewEvent(Deposited(1), occurred_at=noon)])
        for one in (late, store.load("account-1")[0]):
            equal((one.recorded_at, one.occurred_at), (watch.now, noon.astimezone(dt.UTC)))

    def test_times_of_a_load_are_inclusive(self) -> None:
        watch = Watch()
        store = self.open_store(clock=watch)
        day = watch.now - dt.timedelta(days=1)
        hours = [day + dt.timedelta(hours=hour) for hour in (3, 1, 2)]
        for amount, occurred in enumerate(hours, 1):
            store.append("account-1", [NewEvent(Deposited(amount), occurred_at=occurred)])
            watch.turn(minutes=10)
        second = store.load("account-1")[1].recorded_at
        moment = dt.timedelta(microseconds=1)
        equal(amounts(store.load("account-1", recorded_until=second)), [1, 2], "recorded_until")
        equal(amounts(store.load("account-1", recorded_until=second - moment)), [1], "recorded_until, just before")
        equal(amounts(store.load("account-1", occurred_until=hours[2])), [2, 3], "occurred_until")
        equal(amounts(store.load("account-1", occurred_until=hours[2] - moment)), [2], "occurred_until, just before")
        both = store.load("account-1", recorded_until=second, occurred_until=hours[2].astimezone(SUMMER))
        equal(amounts(both), [2], "both")
        equal(amounts(store.load("account-1", after=1, until=2, recorded_until=watch.now)), [2], "with a range")

    def test_recorded_time_never_goes_back(self) -> None:
        watch = Watch()
        store = self.open_store(clock=watch)
        start = watch.now
        store.append("account-1", deposits(1))
        watch.turn(minutes=-90)
        store.append("account-2", deposits(2))
        equal([recorded.recorded_at for recorded in store.read()], [start, start])
        later = watch.turn(minutes=120)
        equal(store.append("account-2", deposits(3))[0].recorded_at, later)

    def test_a_naive_time_is_refused_everywhere(self) -> None:
        store = self.open_store()
        naive = dt.datetime(2026, 3, 1, 9, 0)  # noqa: DTZ001 - that is the point
        wrongs: list[Any] = [naive, "2026-03-01", dt.date(2026, 3, 1)]
        for wrong in wrongs:
            with refused(InvalidTime, about=f"occurred_at={wrong!r}"):
                store.append("account-1", [NewEvent(Deposited(1), occurred_at=wrong)])
            with refused(InvalidTime, about=f"recorded_until={wrong!r}"):
                store.load("account-1", recorded_until=wrong)
            with refused(InvalidTime, about=f"occurred_until={wrong!r}"):
                store.load("account-1", occurred_until=wrong)
        self.unchanged(store)
        with refused(InvalidTime, about="a clock that gives naive times"):
            self.open_store(clock=lambda: naive).append("account-1", deposits(1))

    # Load and read.

    def test_load_takes_after_as_exclusive_and_until_as_inclusive(self) -> None:
        store = self.open_store()
        for amount in range(1, 6):
            store.append("account-1", deposits(amount))
            store.append("account-2", deposits(-amount))
        equal(amounts(store.load("account-1", after=2)), [3, 4, 5])
        equal(amounts(store.load("account-1", until=2)), [1, 2])
        equal(amounts(store.load("account-1", after=1, until=4)), [2, 3, 4])
        for after, until in ((5, None), (9, None), (0, 0), (3, 3), (4, 2)):
            equal(amounts(store.load("account-1", after=after, until=until)), [], f"after={after}, until={until}")
        equal(amounts(store.load("account-1", until=99)), [1, 2, 3, 4, 5])

    def test_read_gives_all_streams_in_the_order_they_were_recorded(self) -> None:
        store = self.open_store()
        for amount in range(1, 31):
            store.append(f"account-{amount % 3}", deposits(amount, -amount))
        equal(amounts(store.read()), [signed for amount in range(1, 31) for signed in (amount, -amount)])
        equal(positions(store.read()), list(range(1, 61)))

    def test_read_takes_after_as_exclusive_and_until_as_inclusive(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(1, 2, 3, 4, 5))
        equal(amounts(store.read(after=2)), [3, 4, 5])
        equal(amounts(store.read(until=2)), [1, 2])
        equal(amounts(store.read(after=1, until=4)), [2, 3, 4])
        for after, until in ((5, None), (9, None), (0, 0), (3, 3), (4, 2)):
            equal(amounts(store.read(after=after, until=until)), [], f"after={after}, until={until}")
        equal(amounts(store.read(until=99)), [1, 2, 3, 4, 5])

    def test_read_narrows_to_types_and_categories(self) -> None:
        store = self.mixed()
        equal(amounts(store.read(types=[Withdrawn])), [2, 4, 6, 8])
        equal(amounts(store.read(types=["eslab.contract.Deposited", Withdrawn])), [1, 2, 3, 4, 5, 6, 7, 8])
        equal(amounts(store.read(categories=["till"])), [3, 4, 7, 8])
        equal(amounts(store.read(categories=["till", "account"])), [1, 2, 3, 4, 5, 6, 7, 8])
        equal(amounts(store.read(types=[Withdrawn], categories=["till"], after=4)), [8])
        equal(amounts(store.read(types=[])), [], "no types")
        equal(amounts(store.read(types=["never.Heard"])), [], "an unknown type")
        equal(amounts(store.read(categories=["til", "tills", "TILL", "til%"])), [], "categories that only look alike")

    def test_a_category_ends_at_the_first_dash(self) -> None:
        store = self.open_store()
        for amount, stream in enumerate(("account", "account-", "account-1-2", "accounts-1", "account_1", "-1"), 1):
            store.append(stream, deposits(amount))
        equal(amounts(store.read(categories=["account"])), [1, 2, 3])
        equal(amounts(store.read(categories=[""])), [6])

    def test_the_limit_counts_what_is_left_after_the_filters(self) -> None:
        store = self.mixed()
        equal(amounts(store.read(limit=3)), [1, 2, 3])
        equal(amounts(store.read(types=[Withdrawn], limit=2)), [2, 4])
        equal(amounts(store.read(categories=["till"], limit=3)), [3, 4, 7])
        equal(amounts(store.read(types=[Withdrawn], categories=["till"], after=1, limit=2)), [4, 8])
        equal(amounts(store.read(limit=0)), [])
        equal(amounts(store.read(limit=99)), [1, 2, 3, 4, 5, 6, 7, 8])

    def test_a_long_log_is_read_whole(self) -> None:
        store = self.open_store()
        numbers = list(range(1, 4502))
        store.append("account-1", deposits(*numbers))
        store.append("till-1", [Withdrawn(0)])
        equal(positions(store.read()), [*numbers, 4502])
        equal(amounts(store.read(types=[Withdrawn])), [0], "one of a type at the very end")
        equal(amounts(store.read(after=10, limit=4100)), numbers[10:4110])

    def test_read_ends_where_the_log_ended_when_it_was_asked(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(1, 2))
        reading = store.read()
        store.append("account-1", deposits(3))
        first = next(reading)
        store.append("account-1", deposits(4))
        equal(amounts([first, *reading]), [1, 2])

    def test_writing_while_reading_is_allowed(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(*range(1, 11)))
        for number, recorded in enumerate(store.read(), 1):
            equal(number <= 10, True, "no more events than there were when the reading began")
            store.append("mirror-1", [recorded.payload])
        equal(amounts(store.load("mirror-1")), list(range(1, 11)))

    def test_a_range_that_is_no_range_is_refused(self) -> None:
        store = self.open_store()
        wrongs: list[Any] = [-1, 1.5, "1", True]
        for wrong in wrongs:
            for name in ("after", "until"):
                with refused(InvalidPosition, about=f"load {name}={wrong!r}"):
                    store.load("account-1", **{name: wrong})
                with refused(InvalidPosition, about=f"read {name}={wrong!r}"):
                    store.read(**{name: wrong})
            with refused(InvalidPosition, about=f"limit={wrong!r}"):
                store.read(limit=wrong)

    # Names of streams.

    def test_a_name_without_text_in_it_is_refused(self) -> None:
        store = self.open_store()
        wrongs: list[Any] = ["", "a\x00b", "line\nbreak", "tab\t", "\x7f", "\u200b", "\ud800", None, 7, b"x", "x" * 256]
        for wrong in wrongs:
            for verb in (lambda name: store.append(name, deposits(1)), store.load, store.version):
                with refused(InvalidName, about=f"stream {wrong!r}"):
                    verb(wrong)
        equal(store.position, 0, "events in the log")

    def test_any_other_name_is_just_a_name(self) -> None:
        store = self.open_store()
        names = ["o'hara-1", 'say "hi"-1', "100%-1", "under_score-1", "'; DROP TABLE events; --", "日本-語", "🚂-1"]
        names += ["a b-1", "../../etc-1", "<script>-1", "ACCOUNT-1", "account-1", "é-1", "e\u0301-1", "*", "x" * 255]
        for number, name in enumerate(names):
            store.append(name, deposits(number), expected_version=0)
        for number, name in enumerate(names):
            equal(amounts(store.load(name)), [number], f"stream {name!r}")
        equal([recorded.stream for recorded in store.read()], names)
