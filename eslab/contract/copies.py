"""The fourth part of the contract: events of another store come in as they are, or not at all."""

from __future__ import annotations

import datetime as dt

from eslab.contract.materials import (
    Deposited,
    Watch,
    Workbench,
    amounts,
    deposits,
    equal,
    made,
    numbered,
    positions,
    refused,
)
from eslab.errors import DuplicateEvent, VersionGap
from eslab.events import Recorded


class Copies(Workbench):
    def test_a_copy_keeps_all_but_the_positions(self) -> None:
        store = self.open_store(clock=Watch(dt.datetime(2020, 1, 1, tzinfo=dt.UTC)))
        store.append("other-1", deposits(0))
        source = [
            made(stream=stream, version=version, id=f"id-{number}", position=40 - number, schema_version=number + 1,
                 type=f"somebody.Else{number}", payload_text=f'{{"n": {number}}}', metadata_text=f'{{"n":{number}}}',
                 recorded_text=f"2026-03-0{9 - number}T10:00:00.00000{number}+00:00",
                 occurred_text=f"2025-03-0{number}T10:00:00.00000{number}+00:00")
            for number, (stream, version) in enumerate([("b-1", 1), ("a-1", 1), ("b-1", 2), ("a-1", 2)], 1)
        ]  # fmt: skip
        for found in (store.copy(source), list(store.read(after=1))):
            equal(positions(found), [2, 3, 4, 5])
            for before, after in zip(source, found, strict=True):
                for name in Recorded.__struct_fields__[1:]:
                    equal(getattr(after, name), getattr(before, name), name)

    def test_a_copy_of_another_store_holds_the_same_events(self) -> None:
        source, store = self.mixed(), self.open_store()
        store.copy(source.read())
        equal(list(store.read()) == list(source.read()), True, "the same events, with their positions")
        for stream in ("account-1", "till-1"):
            equal(store.load(stream) == source.load(stream), True, f"the same stream {stream!r}")

    def test_a_copy_can_be_repeated_and_continued(self) -> None:
        source, store = self.mixed(), self.open_store()
        equal(len(store.copy(source.read(until=3))), 3)
        equal(len(store.copy(source.read(until=3))), 0, "events added by the same copy again")
        source.append("account-1", deposits(9))
        equal(amounts(store.copy(source.read())), [4, 5, 6, 7, 8, 9])
        equal(amounts(store.append("account-1", deposits(10), expected_version=5)), [10])

    def test_a_copy_with_a_gap_is_refused_and_stores_nothing(self) -> None:
        source, store = self.mixed(), self.open_store()
        events = list(source.read())
        gaps = {
            "a missing first event": events[1:],
            "a missing event": events[:4] + events[5:],
            "a wrong order": [events[1], events[0]],
            "the same version twice": [events[0], made(version=1, stream=events[0].stream)],
        }
        for about, wrong in gaps.items():
            with refused(VersionGap, about=about):
                store.copy(wrong)
            equal((store.position, list(store.read())), (0, []), f"the log after {about}")

    def test_a_copy_with_an_id_for_something_else_is_refused_and_stores_nothing(self) -> None:
        store = self.open_store()
        store.append("account-1", numbered(1))
        for wrong in (made(id="id-1", stream="till-1"), made(id="id-1", version=2)):
            with refused(DuplicateEvent, about=f"a copy of {wrong!r}"):
                store.copy([made(stream="till-2"), wrong])
            equal(
                (store.position, store.version("till-2")), (1, 0), "events in the log, and in a stream, after a refusal"
            )
        self.unchanged(store, Deposited(1))
