"""States: copied, compared and written as JSON, whatever they are made of."""

import collections
import copy
import dataclasses
import datetime as dt
import decimal
import enum
import json
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replaying import decoded, in_order

from eslab import Aggregate
from eslab.domains.bank import Account, AccountState
from eslab.states import MISSING, Change, Order, copied, differences, follow, is_shared, name, plain, tree


class Colour(enum.Enum):
    GREEN = "green"
    GREY = "grey"


@dataclasses.dataclass(frozen=True)
class Cup:
    size: int
    colours: tuple[Colour, ...] = ()


@dataclasses.dataclass(frozen=True)
class Tray:
    cups: tuple[Cup, ...] = ()
    label: str | None = None


@dataclasses.dataclass
class Shelf:
    cups: list
    owner: str = "Ada"


class Box:
    __slots__ = ("inside",)

    def __init__(self, inside):
        self.inside = inside


class Pair(NamedTuple):
    left: list
    right: dict


class Plain:
    def __init__(self, **fields):
        vars(self).update(fields)

    def __eq__(self, other):
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None


scalars = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(0.5, 2, width=16) | st.sampled_from("abc")
    | st.just(2**60)
    | st.sampled_from([float("nan"), decimal.Decimal("1.50"), dt.date(2026, 1, 1), Colour.GREY, b"\xff"])
)  # fmt: skip
cups = st.builds(Cup, st.integers(0, 2), st.lists(st.sampled_from(Colour), max_size=2).map(tuple))
trays = st.builds(Tray, st.lists(cups, max_size=2).map(tuple), st.none() | st.just("x"))
keys = st.sampled_from("abcd") | st.sampled_from([10, 2, Colour.GREEN])
values = st.recursive(
    scalars | cups | trays | st.sets(st.integers(0, 3)),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=2).map(tuple)
    | st.dictionaries(keys, inner, max_size=4) | st.builds(Shelf, st.lists(inner, max_size=2))
    | st.fixed_dictionaries({"x": inner}).map(lambda fields: Plain(**fields)) | st.builds(Box, inner),
    max_leaves=12,
)  # fmt: skip


tables = st.permutations(["Arsenal", "Chelsea", "Everton"]).flatmap(
    lambda teams: st.fixed_dictionaries({team: st.integers(0, 1) | st.booleans() | cups for team in teams})
)
pairs = st.tuples(values, values) | st.one_of(
    *(st.tuples(one, one) for one in (cups, trays, tables, st.lists(tables, max_size=2), st.dictionaries(keys, tables)))
)

# --- copies ---


@settings(deadline=None)
@given(values)
def test_a_copy_says_the_same(value):
    assert in_order(tree(copied(value))) == in_order(tree(value))


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"a": [1, {"b": [2]}]}, lambda: [[1], [2]], lambda: ([1], {"b": [2]}), lambda: Shelf([Cup(1), [2]]),
        lambda: Box([1, [2]]), lambda: Plain(words=["a"], more={"b": [1]}),
        lambda: collections.defaultdict(list, a=[1]),
        lambda: collections.Counter("aab"), lambda: collections.deque([[1]]), lambda: Pair([1], {"b": [2]}),
        lambda: {"s": {1, 2}},
    ],
)  # fmt: skip
def test_what_changes_later_does_not_reach_a_copy(make):
    def change(value):
        if isinstance(value, dict):
            [change(one) for one in value.values()]
            value["new"] = 1
        elif isinstance(value, (list, collections.deque)):
            [change(one) for one in value]
            value.append("new")
        elif isinstance(value, set):
            value.add("new")
        elif isinstance(value, tuple):
            [change(one) for one in value]
        elif isinstance(value, Box):
            change(value.inside)
        elif hasattr(value, "__dict__") and not isinstance(value, Cup):
            [change(one) for one in vars(value).values()]

    original = make()
    twin = copied(original)
    assert type(twin) is type(original)
    change(original)
    assert str(tree(original)) != str(tree(make())) == str(tree(twin))


def test_a_copied_defaultdict_still_makes_what_is_missing():
    twin = copied(collections.defaultdict(list, a=[1]))
    twin["b"].append(2)
    assert twin == {"a": [1], "b": [2]}


def test_a_copied_aggregate_is_guarded_and_keeps_its_version(bank):
    account = Account.replay(bank)
    twin = copied(account)
    assert (twin, twin.version) == (account, 3)
    twin.deposit(5)
    assert (account.balance, account.pending, twin.balance) == (70, (), 75)


@pytest.mark.parametrize(
    ("value", "shared"),
    [(1, True), ("a", True), (None, True), (Colour.GREY, True), (Cup(1), True), (Tray((Cup(1),)), True),
     (AccountState(), True),
     (frozenset({1}), True), (Shelf([]), False), ([], False), ({}, False), (Plain(), False)],
    ids=repr,
)  # fmt: skip
def test_what_can_never_change_is_shared_and_not_copied(value, shared):
    assert is_shared(value) == shared
    assert (copied(value) is value) == shared


def test_a_frozen_dataclass_with_a_list_inside_is_copied():
    @dataclasses.dataclass(frozen=True)
    class Bag:
        items: list

    bag = Bag(["tea"])
    twin = copied(bag)
    bag.items.append("milk")
    assert twin.items == ["tea"]


# --- differences ---


def changes(before, after):
    return [
        (".".join(map(name, c.path)), c.before, c.after) for c in differences(before, after) if isinstance(c, Change)
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
        ({"a": 1}, {"a": 1, "b": 2}, [("b", MISSING, 2)]),
        ({"a": 1, "b": 2}, {"b": 2}, [("a", 1, MISSING)]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [("a.b.1", 2, 3)]),
        ([1, 2, 3], [1], [("2", 3, MISSING), ("1", 2, MISSING)]),
        ([1], [1, 2], [("1", MISSING, 2)]),
        (Cup(1), Cup(2), [("size", 1, 2)]),
        (Shelf([1]), Shelf([1], "Eve"), [("owner", "Ada", "Eve")]),
        (5, 6, [("", 5, 6)]),
        ({"a": {1, 2}}, {"a": {1, 3}}, [("a", {1, 2}, {1, 3})]),
        ({"a": [1]}, {"a": {"b": 1}}, [("a", [1], {"b": 1})]),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": 1}, {"a": 1.0}, [("a", 1, 1.0)]),
        ({"a": [1]}, {"a": [True]}, [("a.0", 1, True)]),
        ({"a": (1,)}, {"a": (2,)}, [("a.0", 1, 2)]),
        ({"a": None}, {}, [("a", None, MISSING)]),
    ],
    ids=repr,
)  # fmt: skip
def test_what_changed_is_named_by_its_path(before, after, expected):
    assert changes(before, after) == expected


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": [1, {"b": 2}]}, Cup(1), [], {1, 2}, None], ids=repr)
def test_equal_states_have_no_differences(value):
    assert list(differences(value, copy.deepcopy(value))) == []


def test_another_order_of_the_same_keys_is_said_once_and_in_its_place():
    before = {"table": {"Arsenal": 3, "Chelsea": 1}}
    after = {"table": {"Chelsea": 1, "Arsenal": 3}}
    assert list(differences(before, after)) == [Order(("table",), ["Chelsea", "Arsenal"])]


def test_a_new_key_at_the_end_needs_no_order():
    assert [type(one) for one in differences({"a": 1}, {"a": 1, "b": 2})] == [Change]


def test_a_change_reads_as_an_arrow():
    assert repr(Change(("balance",), 100, 70)) == "balance: 100 → 70"
    assert repr(Change((), 1, 2)) == "state: 1 → 2"
    assert repr(Change(("rows", 0, "x"), MISSING, 5)) == "rows.0.x: nothing → 5"


@settings(max_examples=300, deadline=None)
@given(pairs)
def test_following_the_differences_leads_from_any_state_to_any_other(pair):
    before, after = pair
    image = plain(before)
    for change in list(differences(image, after)):
        image = follow(image, after, change)
    assert in_order(decoded(tree(image))) == in_order(decoded(tree(after)))


# --- as JSON ---


@pytest.mark.parametrize(
    ("value", "json_value"),
    [
        (1, 1), (2**53, 2**53), (2**53 + 1, "9007199254740993"), (-(2**60), "-1152921504606846976"), (0.5, 0.5),
        (float("inf"), "inf"), (float("nan"), "nan"), (True, True), (None, None), ("<b>", "<b>"),
        (decimal.Decimal("1.50"), "1.50"), (dt.date(2026, 1, 1), "2026-01-01"),
        (dt.datetime(2026, 1, 1, 9, tzinfo=dt.UTC), "2026-01-01 09:00:00+00:00"), (Colour.GREY, "grey"),
        ((1, [2]), [1, [2]]), ({3, 1}, [1, 3]), ({"b": 1, "a": 2}, {"map": [["b", 1], ["a", 2]]}),
        ({2: "x", 1: "y"}, {"map": [["2", "x"], ["1", "y"]]}), (Cup(1), {"map": [["size", 1], ["colours", []]]}),
        ({}, {"map": []}), (Box(1), {"map": [["inside", 1]]}),
    ],
    ids=repr,
)  # fmt: skip
def test_a_state_is_written_as_a_tree(value, json_value):
    assert tree(value) == json_value


@settings(deadline=None)
@given(values)
def test_every_tree_is_plain_json(value):
    assert decoded(json.loads(json.dumps(tree(value), allow_nan=False))) == decoded(tree(value))


def test_a_state_that_holds_itself_ends_somewhere():
    loop = {"a": 1}
    loop["self"] = loop
    assert "…" in json.dumps(tree(loop), ensure_ascii=False)


def test_an_aggregate_is_shown_without_its_machinery():
    class Lamp(Aggregate):
        def __init__(self):
            self.colour = "red"

    assert tree(Lamp()) == {"map": [["colour", "red"]]}
