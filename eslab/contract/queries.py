"""The seventh part of the contract: the tags of events, and what a query finds by types and tags."""

from __future__ import annotations

import itertools
from typing import Any

from eslab.contract.materials import (
    Deposited,
    Withdrawn,
    Workbench,
    counted,
    deposits,
    equal,
    positions,
    refused,
    tagged,
)
from eslab.errors import ConditionFailed, InvalidName, InvalidQuery
from eslab.events import NewEvent
from eslab.queries import AppendCondition, Query, QueryItem
from eslab.store import Store

Kind = type[Any]
LOG: list[tuple[str, Kind, list[str]]] = [
    ("course-1", Deposited, ["course:c1"]),
    ("student-1", Withdrawn, ["student:s1", "course:c1"]),
    ("student-1", Deposited, ["student:s1", "course:c2"]),
    ("course-2", Deposited, ["course:c1", "student:s1"]),
    ("course-2", Withdrawn, []),
    ("student-2", Deposited, ["student:s2"]),
]
"""Streams, types and tags of the events 1 to 6 in most of these tests."""
TAGS = ["course:c1", "student:s1", "course:c2"]
ITEMS = [
    (types, tags)
    for types in ([], [Deposited], [Withdrawn], [Withdrawn, Deposited])
    for size in range(4)
    for tags in map(list, itertools.combinations(TAGS, size))
    if types or tags
]
"""Every item that can be made of two types and three tags."""
ODD = [
    "course:c1", "Course:C1", "COURSE:C1", "course:c", "course:c10", "course:c1 ", " course:c1", "course:", "course",
    ":c1", "course:%", "course:_1", "*", "?", "c1", "'; DROP TABLE events; --", "' OR 1=1 --", "o'hara", 'say "hi"',
    '["a"]', "a", "b", "a,b", "a b", "a|b", "a\\b", "{}", "{a}", "null", "NULL", "0", "00", "1.0", "é", "e\u0301",
    "日本", "🚂", "$1", ":1", "%s", "x" * 255, "x" * 254,
]  # fmt: skip
"""Tags that a careless store confuses with each other, or takes for something else."""


def query_of(*items: tuple[list[Kind], list[str]]) -> Query:
    return Query(*(QueryItem(types=types, tags=tags) for types, tags in items))


def expected_of(*items: tuple[list[Kind], list[str]]) -> list[int]:
    """The positions in LOG that a query of these items must find, by the plain words of the specification."""
    return [
        position for position, (_, kind, tags) in enumerate(LOG, 1)
        if any((not types or kind in types) and set(wanted) <= set(tags) for types, wanted in items)
    ]  # fmt: skip


class Tagged(Workbench):
    """A workbench with a log to ask."""

    def tagged_log(self) -> Store:
        store = self.open_store(ids=counted("tagged"))
        for amount, (stream, kind, tags) in enumerate(LOG, 1):
            store.append(stream, [NewEvent(kind(amount), tags=tags)])
        return store

    def asked(self, store: Store, *items: tuple[list[Kind], list[str]]) -> list[int]:
        return positions(store.read(query=query_of(*items)))


class Queries(Tagged):
    # Tags.

    def test_the_tags_of_an_event_come_back_in_order_and_once_each(self) -> None:
        store = self.open_store()
        given = ["student:s1", "course:c1", "student:s1"]
        appended = store.append("course-1", [NewEvent(Deposited(1), tags=given, metadata={"by": "Ada"}), Deposited(2)])
        given.append("course:c9")
        for one, other in (appended, store.load("course-1"), list(store.read())):
            equal((one.tags, other.tags), (("course:c1", "student:s1"), ()))
            equal((one.metadata, one.payload), ({"by": "Ada", "tags": ["course:c1", "student:s1"]}, Deposited(1)))
        equal(positions(store.read(query=Query(QueryItem(tags=["course:c9"])))), [], "events with a tag of later")

    def test_a_tag_that_cannot_be_stored_is_refused(self) -> None:
        store = self.open_store()
        wrongs: list[Any] = ["", "a\x00b", "line\nbreak", "\ud800", "x" * 256, 7, None, b"x"]
        for wrong in wrongs:
            with refused(InvalidName, about=f"tag {wrong!r}"):
                store.append("course-1", [tagged(1, "good"), NewEvent(Deposited(2), tags=["good", wrong])])
        for wrong in ("good", 7, ["good", 7]):
            with refused(InvalidName, about=f"tags {wrong!r} in the metadata of the append"):
                store.append("course-1", deposits(1), metadata={"tags": wrong})
        self.unchanged(store, stream="course-1")
        equal(list(store.read(query=query_of(([], ["good"])))), [], "events with the tag of a refused append")

    def test_odd_tags_are_told_apart_to_the_letter(self) -> None:
        store = self.open_store()
        store.append("course-1", [tagged(number, tag) for number, tag in enumerate(ODD, 1)])
        store.append("course-1", [tagged(0, *ODD)])
        last = len(ODD) + 1
        equal(store.load("course-1")[-1].tags, tuple(sorted(ODD)))
        for number, tag in enumerate(ODD, 1):
            equal(positions(store.read(query=query_of(([], [tag])))), [number, last], f"events with tag {tag!r}")
            both = query_of(([Deposited], [tag, ODD[number % len(ODD)]]))
            equal(positions(store.read(query=both)), [last], f"events with tag {tag!r} and the next")

    def test_a_copy_keeps_tags_and_they_are_found(self) -> None:
        source, store = self.tagged_log(), self.open_store()
        store.append("other-1", deposits(0))
        store.copy(source.read())
        equal([r.tags for r in store.read(after=1)], [r.tags for r in source.read()])
        equal(self.asked(store, ([], ["course:c1"])), [2, 3, 5])
        with refused(ConditionFailed, about="a condition on a copied event"):
            store.append("other-1", deposits(9), condition=AppendCondition(query_of(([], ["course:c2"])), after=3))

    # Queries.

    def test_types_of_an_item_are_alternatives(self) -> None:
        store = self.tagged_log()
        equal(self.asked(store, ([Withdrawn], [])), [2, 5])
        equal(self.asked(store, ([Deposited, Withdrawn], [])), [1, 2, 3, 4, 5, 6])
        names = Query(QueryItem(types=["eslab.contract.Withdrawn", "never.Heard"]))
        equal(positions(store.read(query=names)), [2, 5], "events by the name of their type")
        for name in ("eslab.contract", "withdrawn", "Withdrawn", "eslab.contract.withdrawn", "eslab.contract.%"):
            equal(positions(store.read(query=Query(QueryItem(types=[name])))), [], f"events of type {name!r}")

    def test_tags_of_an_item_are_needed_all(self) -> None:
        store = self.tagged_log()
        equal(self.asked(store, ([], ["course:c1"])), [1, 2, 4])
        equal(self.asked(store, ([], ["course:c1", "student:s1"])), [2, 4])
        equal(self.asked(store, ([], ["student:s1", "course:c1", "student:s1"])), [2, 4])
        equal(self.asked(store, ([], ["course:c1", "course:c2"])), [])
        equal(self.asked(store, ([], ["course:c1", "never:heard"])), [])

    def test_types_and_tags_of_an_item_are_needed_both(self) -> None:
        store = self.tagged_log()
        equal(self.asked(store, ([Deposited], ["course:c1"])), [1, 4])
        equal(self.asked(store, ([Withdrawn], ["course:c1"])), [2])
        equal(self.asked(store, ([Withdrawn], ["student:s2"])), [])
        equal(self.asked(store, ([Deposited, Withdrawn], ["student:s1", "course:c1"])), [2, 4])

    def test_items_of_a_query_are_alternatives_and_each_event_comes_once(self) -> None:
        store = self.tagged_log()
        equal(self.asked(store, ([], ["student:s2"]), ([Withdrawn], []), ([], ["course:c1"])), [1, 2, 4, 5, 6])
        equal(self.asked(store, ([], ["never:heard"]), ([], ["student:s2"])), [6])
        equal(self.asked(store, ([], ["course:c1"]), ([], ["course:c1"]), ([Deposited], [])), [1, 2, 3, 4, 6])
        mixed = ([Withdrawn], ["course:c2"]), ([Deposited], ["student:s2"])
        equal(self.asked(store, *mixed), [6], "events that have the type of one item and the tag of the other")

    def test_every_query_finds_what_the_specification_says(self) -> None:
        store = self.tagged_log()
        for n, item in enumerate(ITEMS):
            for items in ([item], [item, ITEMS[n * 7 % 31]], [item, ITEMS[n * 11 % 31], ITEMS[n * 5 % 31]]):
                equal(self.asked(store, *items), expected_of(*items), f"events found by {query_of(*items)!r}")
        equal(positions(store.read(query=Query.all())), [1, 2, 3, 4, 5, 6], "events found by Query.all()")

    def test_a_query_is_narrowed_by_position_and_limit(self) -> None:
        store = self.tagged_log()
        query = query_of(([], ["course:c1"]), ([], ["student:s2"]))
        equal(positions(store.read(query=query)), [1, 2, 4, 6])
        equal(positions(store.read(query=query, after=1, until=4)), [2, 4])
        equal(
            positions(store.read(query=query, after=2, limit=1)), [4], "the limit counts what the query finds; events"
        )
        equal(positions(store.read(query=query, limit=3)), [1, 2, 4], "the limit counts what the query finds; events")
        equal(positions(store.read(query=query, limit=0)), [])
        for after, until in ((6, None), (9, None), (0, 0), (4, 2)):
            equal(positions(store.read(query=query, after=after, until=until)), [], f"after={after}, until={until}")

    def test_a_query_over_a_long_log_finds_everything(self) -> None:
        store = self.open_store()
        batch = [tagged(n, "all", "even" if n % 2 == 0 else "odd") for n in range(1, 4401)]
        store.append("course-1", batch)
        store.append("course-1", [NewEvent(Withdrawn(0), tags=["rare", "all"])])
        even = list(range(2, 4401, 2))
        equal(self.asked(store, ([], ["all", "even"])), even)
        equal(self.asked(store, ([Withdrawn], []), ([], ["even"])), [*even, 4401])
        equal(self.asked(store, ([], ["rare", "all"])), [4401], "one with a tag at the very end")
        limited = store.read(query=query_of(([], ["even"])), after=10, limit=2100)
        equal(positions(limited), even[5:2105], "more than a page, limited")

    def test_a_query_that_asks_for_nothing_or_twice_is_refused(self) -> None:
        store = self.tagged_log()
        with refused(InvalidQuery, about="a query without items"):
            store.append("course-1", deposits(9), condition=AppendCondition(Query(), after=0))
        with refused(InvalidQuery, about="an item without types and tags"):
            store.read(query=Query(QueryItem()))
        query = query_of(([], ["course:c1"]))
        with refused(InvalidQuery, about="a query and types"):
            store.read(query=query, types=[Deposited])
        with refused(InvalidQuery, about="a query and categories"):
            store.read(query=query, categories=["course"])
        equal(store.position, 6)
