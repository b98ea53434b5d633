"""The fourth part of the contract: events of another store come in as they are, or not at all."""

from __future__ import annotations

from eslab.contract.materials import Deposited, Workbench, amounts, deposits, equal, made, numbered, positions, refused
from eslab.errors import DuplicateEvent, VersionGap


class Copies(Workbench):
    def test_a_copy_keeps_ids_versions_and_times_and_gives_new_positions(self) -> None:
        source, store = self.mixed(), self.open_store()
        store.append("other-1", deposits(0))
        added = store.copy(source.read())
        equal(positions(added), list(range(2, 10)))
        kept = ("stream", "version", "type", "id", "recorded_at", "occurred_at", "metadata", "payload")
        for before, after in zip(source.read(), store.read(after=1), strict=True):
            for name in kept:
                equal(getattr(after, name), getattr(before, name), name)

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
        self.unchanged(store, Deposited(1))
