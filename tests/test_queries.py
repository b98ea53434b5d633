"""Queries and conditions as the specification at dcb.events has them; what stores do with them is in the contract."""

import pytest

from eslab import AppendCondition, MemoryStore, NewEvent, Query, QueryItem, event
from eslab.errors import ConditionFailed, InvalidName, InvalidPayload, InvalidPosition, InvalidQuery


@event(name="test_queries.SeatTaken")
class SeatTaken:
    seat: int


@event(name="test_queries.SeatFreed")
class SeatFreed:
    seat: int


def taken(seat, *tags):
    return NewEvent(SeatTaken(seat), tags=tags)


@pytest.fixture
def store():
    store = MemoryStore()
    store.append("hall-1", [taken(7, "row:A", "seat:7"), taken(8, "row:A"), NewEvent(SeatFreed(7), tags=["seat:7"])])
    return store


QUERIES = {
    "types OR": (QueryItem(types=[SeatTaken, SeatFreed]), [1, 2, 3]),
    "a type by its name": (QueryItem(types=["test_queries.SeatFreed"]), [3]),
    "tags AND": (QueryItem(tags=["row:A", "seat:7"]), [1]),
    "types and tags": (QueryItem(types=[SeatFreed], tags=["seat:7"]), [3]),
    "a tag of nothing": (QueryItem(tags=["row:B"]), []),
    "a tag that only begins alike": (QueryItem(tags=["seat"]), []),
}


@pytest.mark.parametrize(("item", "positions"), QUERIES.values(), ids=QUERIES)
def test_an_item_matches(store, item, positions):
    assert [recorded.position for recorded in store.read(query=Query(item))] == positions
    assert [r.position for r in store.read() if Query(item).matches(r)] == positions


def test_items_are_alternatives_and_an_event_that_two_match_comes_once(store):
    both = Query(QueryItem(tags=["row:A"]), QueryItem(types=[SeatTaken]), QueryItem(types=[SeatFreed]))
    assert [recorded.position for recorded in store.read(query=both)] == [1, 2, 3]
    assert [recorded.position for recorded in store.read(query=Query.all())] == [1, 2, 3]


def test_the_same_question_is_the_same_query():
    one, other = QueryItem(types=[SeatTaken], tags=["b", "a"]), QueryItem(tags=["a", "b", "a"], types=[SeatTaken])
    assert one == other
    assert hash(Query(one)) == hash(Query(other, one))
    assert Query(one) == Query(one, other) != Query.all()
    assert repr(Query(one)) == "Query(QueryItem(types=['test_queries.SeatTaken'], tags=['a', 'b']))"


@pytest.mark.parametrize("wrong", [(), ("tag",), (SeatTaken,), (None,)], ids=repr)
def test_a_query_without_items_is_refused(wrong):
    with pytest.raises(InvalidQuery, match=r"expected one QueryItem or more"):
        Query(*wrong)


def test_an_item_that_says_nothing_is_refused():
    with pytest.raises(InvalidQuery, match="says nothing"):
        QueryItem()
    with pytest.raises(InvalidQuery, match="types are a list"):
        QueryItem(types=SeatTaken)
    with pytest.raises(InvalidPayload, match="int is not an event"):
        QueryItem(types=[int])


@pytest.mark.parametrize("tags", ["row:A", [""], ["a\x00"], ["x" * 256], [7], 7, [None]], ids=repr)
def test_tags_that_cannot_be_stored_are_refused_in_queries_and_in_events(store, tags):
    with pytest.raises(InvalidName):
        QueryItem(tags=tags)
    for metadata, new in ((None, taken(1)), ({"tags": tags}, SeatTaken(1))):
        new = NewEvent(SeatTaken(1), tags=tags) if metadata is None else new
        with pytest.raises(InvalidName):
            store.append("hall-1", [new], metadata=metadata)
    assert store.position == 3


def test_tags_of_the_append_and_of_the_event_are_put_together_sorted_and_once(store):
    (recorded,) = store.append("hall-1", [taken(9, "seat:9", "row:A")], metadata={"tags": ["row:A", "night:1"]})
    assert recorded.tags == ("night:1", "row:A", "seat:9")
    assert recorded.metadata == {"tags": ["night:1", "row:A", "seat:9"]}
    assert store.append("hall-1", [SeatTaken(1)])[0].tags == ()


def test_a_condition_that_fails_says_what_came_and_what_to_do(store):
    seat = Query(QueryItem(tags=["seat:7"]))
    with pytest.raises(ConditionFailed, match="read again, decide again, then append") as refusal:
        store.append("hall-1", [taken(7)], condition=AppendCondition(seat, after=1))
    facts = refusal.value.facts
    assert (facts["position"], facts["after"], facts["stream"], facts["query"]) == (3, 1, "hall-1", seat)
    store.append("hall-1", [taken(7)], condition=AppendCondition(seat, after=3))


def test_a_condition_that_looks_beyond_the_end_of_the_log_is_refused(store):
    with pytest.raises(InvalidPosition, match="after position 4, but the log ends at 3"):
        store.append("hall-1", [taken(7)], condition=AppendCondition(Query.all(), after=4))


def test_a_query_and_types_beside_it_are_refused(store):
    with pytest.raises(InvalidQuery, match="without types or categories"):
        store.read(query=Query.all(), types=[SeatTaken])
    with pytest.raises(InvalidQuery, match="expected a Query"):
        store.read(query=QueryItem(tags=["a"]))


def test_several_streams_are_appended_to_at_once_or_not_at_all(store):
    moved = {"hall-1": [SeatFreed(8)], "hall-2": [SeatTaken(8)]}
    for wrong in ({"hall-1": 2}, {"hall-1": 3, "hall-2": 1}):
        with pytest.raises(Exception, match="is at version"):
            store.append(moved, expected_version=wrong)
    with pytest.raises(InvalidPosition, match="for streams among 'hall-1', 'hall-2'"):
        store.append(moved, expected_version={"hall-3": 0})
    with pytest.raises(InvalidPosition, match="expected_version is 3"):
        store.append(moved, expected_version=3)
    with pytest.raises(InvalidPayload, match="alone"):
        store.append(moved, [SeatFreed(8)])
    assert store.position == 3
    recorded = store.append(moved, expected_version={"hall-1": 3, "hall-2": 0})
    assert [(r.position, r.stream, r.version) for r in recorded] == [(4, "hall-1", 4), (5, "hall-2", 1)]


@pytest.mark.parametrize("wrong", [None, "tag", QueryItem(tags=["a"]), [Query.all()]], ids=repr)
def test_a_condition_is_about_a_query(wrong):
    with pytest.raises(InvalidQuery, match="expected a Query"):
        AppendCondition(wrong)


@pytest.mark.parametrize("after", [-1, 1.0, "1", None, True], ids=repr)
def test_a_condition_looks_after_a_position(after):
    with pytest.raises(InvalidPosition, match="expected a position"):
        AppendCondition(Query.all(), after=after)


def test_a_query_alone_is_no_condition(store):
    with pytest.raises(InvalidQuery, match="expected AppendCondition"):
        store.append("hall-1", [taken(9)], condition=Query.all())
    assert store.position == 3
