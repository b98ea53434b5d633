"""The eighth part of the contract: an append is refused if what the writer decided on has changed since.

(Dynamic consistency boundaries: Sara Pellegrini, 2023; the specification is at dcb.events.)
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from eslab.contract.materials import (
    Deposited,
    Packed,
    Withdrawn,
    amounts,
    at_once,
    deposits,
    equal,
    made,
    numbered,
    positions,
    refused,
    tagged,
)
from eslab.contract.queries import ITEMS, Tagged, expected_of, query_of
from eslab.errors import ConditionFailed, InvalidPosition, WrongExpectedVersion
from eslab.events import NewEvent
from eslab.queries import AppendCondition, Query, QueryItem
from eslab.store import Store

RACE = 6, 8
"""How many threads race for one boundary, and how often."""
TRIES = 2_000
"""After so many refusals in a row a writer gives up; with a right store it is a handful."""


class Conditions(Tagged):
    def test_what_was_decided_without_the_newest_events_is_refused(self) -> None:
        store = self.tagged_log()
        condition = AppendCondition(query_of(([], ["student:s1"])), after=2)
        try:
            store.append("student-1", [tagged(9, "student:s1")], condition=condition)
        except ConditionFailed as error:
            found = {name: error.facts[name] for name in ("after", "position", "type", "stream")}
            equal(found, {"after": 2, "position": 3, "type": "eslab.contract.Deposited", "stream": "student-1"})
            equal("3" in str(error) and "2" in str(error), True, f"both positions in the message {str(error)!r}")
        else:
            raise AssertionError("an append was accepted although an event after 2 matches its condition")
        self.untouched(store)
        store.append("student-1", [tagged(9, "student:s1")], condition=AppendCondition(condition.query, after=4))
        equal(amounts(store.read(after=6)), [9])

    def untouched(self, store: Store) -> None:
        equal((store.position, amounts(store.read())), (6, [1, 2, 3, 4, 5, 6]), "the log after a refusal")
        equal(self.asked(store, ([], ["student:s1"])), [2, 3, 4], "tagged events after a refusal")

    def test_a_condition_sees_only_what_comes_after_its_position(self) -> None:
        store = self.tagged_log()
        query = query_of(([], ["course:c1"]))
        for after in (0, 1, 2, 3):
            with refused(ConditionFailed, about=f"after={after}, with a matching event at 4,"):
                store.append("x-1", deposits(9), condition=AppendCondition(query, after=after))
        store.append("x-1", deposits(7), condition=AppendCondition(query, after=4))
        with refused(ConditionFailed, about="Query.all() with an event after"):
            store.append("x-1", deposits(9), condition=AppendCondition(Query.all(), after=6))
        store.append("x-1", deposits(8), condition=AppendCondition(Query.all(), after=7))
        with refused(InvalidPosition, about="a position that the log does not have yet"):
            store.append("x-1", deposits(9), condition=AppendCondition(query, after=9))
        equal(amounts(store.load("x-1")), [7, 8])

    def test_every_condition_refuses_what_the_specification_says(self) -> None:
        store = self.tagged_log()
        nothing = [Packed([], {})]  # a type that no item asks for, without tags
        for n, item in enumerate(ITEMS):
            items, after = [item, ITEMS[n * 7 % 31]], n % 6
            condition = AppendCondition(query_of(*items), after=after)
            accepted = False
            with suppress(ConditionFailed):
                store.append("note-1", nothing, condition=condition)
                accepted = True
            expected = not any(position > after for position in expected_of(*items))
            equal(accepted, expected, f"an append under {condition!r}: accepted or not; this")

    def test_events_of_one_append_do_not_refuse_each_other(self) -> None:
        store = self.open_store()
        condition = AppendCondition(query_of(([], ["course:c1"])), after=0)
        store.append({"course-1": [tagged(1, "course:c1"), tagged(2, "course:c1")], "x-1": [tagged(3, "course:c1")]},
                     condition=condition)  # fmt: skip
        equal(amounts(store.read()), [1, 2, 3])
        with refused(ConditionFailed, about="the same condition a second time"):
            store.append("course-1", [tagged(4, "course:c1")], condition=condition)

    def test_a_refused_condition_stores_nothing_in_any_stream(self) -> None:
        store = self.tagged_log()
        condition = AppendCondition(query_of(([], ["student:s2"])), after=5)
        batch = [tagged(8, "student:s1"), tagged(9, "new:tag")]
        for streams in ({"student-1": batch}, {"x-1": batch, "student-2": batch, "x-2": batch}):
            with refused(ConditionFailed, about=f"an append to {', '.join(streams)}"):
                store.append(streams, condition=condition)
            self.untouched(store)
        equal((store.version("x-1"), self.asked(store, ([], ["new:tag"]))), (0, []))

    def test_a_condition_and_an_expected_version_must_both_hold(self) -> None:
        store = self.tagged_log()
        holds = AppendCondition(query_of(([], ["course:c1"])), after=4)
        fails = AppendCondition(query_of(([], ["course:c1"])), after=3)
        with refused(WrongExpectedVersion, about="a stale version under a condition that holds"):
            store.append("course-1", deposits(9), expected_version=0, condition=holds)
        with refused(ConditionFailed, about="a condition that fails on the right version"):
            store.append("course-1", deposits(9), expected_version=1, condition=fails)
        self.untouched(store)
        store.append("course-1", deposits(9), expected_version=1, condition=holds)
        equal(store.version("course-1"), 2)

    def test_the_same_append_again_is_no_breach_of_its_own_condition(self) -> None:
        store = self.open_store()
        condition = AppendCondition(Query(QueryItem(types=[Deposited])), after=0)
        first = store.append("account-1", numbered(1, 2), condition=condition)
        again = store.append("account-1", numbered(1, 2), condition=condition)
        equal(list(again) == list(first), True, "the same events as recorded the first time")
        equal(amounts(store.read()), [1, 2])
        with refused(ConditionFailed, about="a new append under the same condition"):
            store.append("account-1", numbered(3), condition=condition)

    def test_one_of_many_threads_wins_a_boundary(self) -> None:
        store = self.open_store()
        threads, rounds = RACE
        won: list[str] = []

        def claim_each() -> None:
            for name in (f"name:{n}" for n in range(rounds)):
                with suppress(ConditionFailed):
                    store.append("names-1", [tagged(1, name)], condition=AppendCondition(query_of(([], [name]))))
                    won.append(name)

        at_once([claim_each] * threads)
        equal(sorted(won), sorted(f"name:{n}" for n in range(rounds)), "names given away")
        equal(len(list(store.read())), rounds, "events")

    def test_threads_that_decide_on_a_query_never_go_over_the_limit(self) -> None:
        store = self.open_store()
        threads, seats = RACE
        seated = query_of(([Deposited], ["course:c1"]))

        def take_seats(student: int) -> None:
            for _ in range(TRIES):
                taken = list(store.read(query=seated))
                if len(taken) >= seats:
                    return
                last = taken[-1].position if taken else 0
                with suppress(ConditionFailed):
                    new = tagged(len(taken) + 1, "course:c1", f"student:{student}")
                    store.append(f"student-{student}", [new], condition=AppendCondition(seated, after=last))
            raise AssertionError(f"{TRIES} appends in a row were refused, expected that one of the writers gets on")

        def taker(student: int) -> Callable[[], None]:
            return lambda: take_seats(student)

        at_once([taker(student) for student in range(threads)])
        equal(amounts(store.read(query=seated)), list(range(1, seats + 1)), "seats as they were taken")
        equal(positions(store.read()), list(range(1, seats + 1)))

    def test_a_boundary_is_not_disturbed_by_what_happens_outside(self) -> None:
        store = self.tagged_log()
        condition = AppendCondition(query_of(([Deposited], ["course:c2"]), ([Withdrawn], ["student:s2"])), after=3)
        store.append("course-1", [tagged(9, "course:c1"), NewEvent(Withdrawn(9), tags=["course:c2"]), Withdrawn(9)])
        store.copy([made(stream="course-9")])
        store.append("course-2", [tagged(10, "course:c2")], condition=condition)
        equal(self.asked(store, ([Deposited], ["course:c2"])), [3, 11])
