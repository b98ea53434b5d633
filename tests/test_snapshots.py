"""A snapshot saves folding, never changes what is folded, and knows which code made it."""

import collections
import dataclasses
import datetime as dt
import enum
import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import textwrap
import time
import types
import uuid
import zoneinfo
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eslab import Decider as PlainDecider
from eslab import EslabError, MemoryStore, Projection, Repository
from eslab.domains import bank, flights, orders
from eslab.domains.bank import DECIDER, Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.errors import InvalidName, InvalidPosition, StateSetOutsideApply, StoreUnavailable, UnstorableState
from eslab.snapshots import Snapshots, fingerprint
from eslab.snapshots.fingerprints import schema
from eslab.snapshots.texts import from_text, to_text
from eslab.snapshots.things import is_own
from eslab.testing import FakeStore, ticking_clock

ADA = [AccountOpened("Ada"), *[MoneyDeposited(1)] * 249]


@pytest.fixture
def ada():
    store = FakeStore()
    store.append("account-1", ADA)
    return store


# --- loading ---


@pytest.mark.parametrize("fold", [Account, DECIDER, bank.Balances], ids=["aggregate", "decider", "projection"])
def test_a_state_from_a_snapshot_is_the_state_from_all_events(ada, fold):
    snapshots = Snapshots(ada, fold)
    said = []
    for _ in range(3):
        state = snapshots.load("account-1")
        said.append(repr(snapshots.last))
        ada.append("account-1", [MoneyWithdrawn(1)] * 50)
    assert said == [
        "no snapshot yet; folded all 250 events, kept a new one",
        "snapshot at version 250; folded 50 events",
        "snapshot at version 250; folded 100 events, kept a new one",
    ]
    assert state == Snapshots(ada, fold).load("account-1", until=350)


def test_an_aggregate_from_a_snapshot_is_whole_and_closed(ada):
    snapshots = Snapshots(ada, Account)
    for _ in range(2):
        with pytest.raises(StateSetOutsideApply):
            snapshots.load("account-1").balance = 1_000_000
    ada.append("account-1", [MoneyWithdrawn(9)])
    account = snapshots.load("account-1")
    assert (account, account.version, account.pending) == (Account.replay(ada.load("account-1")), 251, ())
    with pytest.raises(StateSetOutsideApply):
        account.balance = 1_000_000
    account.deposit(5)
    assert account.pending == (MoneyDeposited(5),)


def test_what_was_done_with_a_loaded_state_reaches_no_other(ada):
    snapshots = Snapshots(ada, bank.Balances)
    for _ in range(2):
        snapshots.load("account-1")["account-1"] = 0
    assert snapshots.load("account-1") == {"account-1": 249}


def test_an_event_that_fits_a_snapshot_exactly_needs_no_folding(ada):
    snapshots = Snapshots(ada, Account)
    snapshots.load("account-1")
    assert snapshots.load("account-1").balance == 249
    assert repr(snapshots.last) == "snapshot at version 250; folded 0 events"


def test_a_short_stream_and_a_missing_one_keep_no_snapshot(ada):
    ada.append("account-2", [AccountOpened("Bob")])
    snapshots = Snapshots(ada, Account)
    assert snapshots.load("account-2").owner == "Bob"
    assert repr(snapshots.last) == "no snapshot yet; folded 1 event"
    assert snapshots.load("account-3") == Account()
    assert snapshots.connection.execute("SELECT count(*) FROM snapshots").fetchone() == (0,)


def test_a_state_of_none_is_a_state_too():
    last = PlainDecider(initial_state=None, decide=list, evolve=lambda state, event: None)
    store = FakeStore()
    store.append("account-1", ADA)
    snapshots = Snapshots(store, last)
    assert (snapshots.load("account-1"), snapshots.load("account-1")) == (None, None)
    assert snapshots.last.folded == 0


@pytest.mark.parametrize("until", [0, 1, 99, 250, 260])
def test_a_version_of_the_past_is_loaded_and_not_kept(ada, until):
    snapshots = Snapshots(ada, Account)
    snapshots.load("account-1")
    ada.append("account-1", [MoneyWithdrawn(1)] * 200)
    assert snapshots.load("account-1", until=until) == Account.replay(ada.load("account-1", until=until))
    assert snapshots.connection.execute("SELECT version FROM snapshots").fetchall() == [(250,)]
    earlier = f"version {until} was asked for, which is earlier"
    assert (snapshots.last.ignored, snapshots.last.folded) == ((earlier, until) if until < 250 else ("", until - 250))


def test_a_time_of_the_past_is_folded_without_a_snapshot(ada):
    snapshots = Snapshots(ada, Account)
    snapshots.load("account-1")
    ada.append("account-1", [MoneyWithdrawn(9)])
    then = ada.load("account-1")[0].recorded_at
    assert snapshots.load("account-1", recorded_until=then).balance == 249
    assert repr(snapshots.last) == "snapshot ignored: a time was asked for; folded all 250 events"


def test_a_projection_with_snapshots_sees_only_what_it_has_asked_for():
    store = FakeStore()
    store.append("order-1", [orders.OrderPlaced("Ada", ()), orders.OrderPaid(5), orders.OrderShipped("post")])
    snapshots = Snapshots(store, orders.Revenue, every=1)
    assert [snapshots.load("order-1") for _ in range(2)] == [{"2026-01-01": {"paid_cents": 5, "refunded_cents": 0}}] * 2


def test_throwing_all_snapshots_away_loses_nothing(ada):
    snapshots = Snapshots(ada, Account)
    before = snapshots.load("account-1")
    assert (snapshots.forget("account-2"), snapshots.forget(), snapshots.forget()) == (0, 1, 0)
    assert snapshots.load("account-1") == before


def test_what_it_shows_is_a_sentence(ada):
    snapshots = Snapshots(ada, Account, every=1_000)
    assert repr(snapshots) == "<Snapshots of Account, one every 1,000 events>"
    snapshots.load("account-1")
    assert "no snapshot yet; folded all 250 events" in snapshots.last._repr_html_()


@pytest.mark.parametrize("every", [0, -1, 1.5, True, None])
def test_an_odd_interval_is_refused(every):
    with pytest.raises(InvalidPosition, match="every is"):
        Snapshots(MemoryStore(), Account, every=every)


def test_a_repository_loads_from_snapshots_and_saves_as_ever(ada):
    repository = Repository(ada, Account, snapshots=Snapshots(ada, Account))
    for balance in (249, 242, 235):
        account = repository.load("1")
        assert account.balance == balance
        account.withdraw(7)
        repository.save("1", account)
    assert repository.snapshots.last.folded == 2
    assert repository.load("1", until=1).balance == 0


def test_a_write_on_a_loaded_version_meets_a_conflict(ada):
    state, version = Snapshots(ada, DECIDER).load_with_version("account-1")
    ada.append("account-1", [MoneyWithdrawn(1)])
    with pytest.raises(EslabError, match="at version 251, not 250"):
        ada.append("account-1", DECIDER.decide(bank.DepositMoney("1", 5), state), expected_version=version)


# --- a snapshot knows its code ---

TILL = """
from eslab import Aggregate, event, unhandled
RATE = {rate}
@event(name="test_snapshots.Paid")
class Paid:
    cents: int
def fee(cents):
    return cents // RATE
class Till(Aggregate):
    def __init__(self):
        self.cents = 0
    def apply(self, event):
        match event:
            case Paid(cents):
                self.cents += cents - fee(cents)
            case _:
                raise unhandled(self, event)
    def pay(self, cents):
        if cents > {most}:
            raise ValueError(cents)
        self.emit(Paid(cents))
"""


def made(source, name="test_snapshots_till", **values):
    """A module of its own, as a notebook or a file has it by then."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    for mark, value in values.items():
        source = source.replace("{" + mark + "}", str(value))
    exec(compile(textwrap.dedent(source), f"<{uuid.uuid4()}>", "exec"), vars(module))
    return module


def test_a_snapshot_of_other_code_is_ignored_and_replaced(tmp_path):
    store, path = FakeStore(), tmp_path / "snapshots.db"
    till = made(TILL, rate=100, most=5)
    store.append("till-1", [till.Paid(1000)] * 150)
    assert Snapshots(store, till.Till, path=path).load("till-1").cents == 150 * 990
    corrected = Snapshots(store, made(TILL, rate=10, most=5).Till, path=path)
    assert corrected.load("till-1").cents == 150 * 900
    then, now = corrected.last.fingerprints
    assert then != now
    assert repr(corrected.last) == (
        f"snapshot at version 150 ignored: the code of Till changed ({then[:4]} → {now[:4]}); "
        f"folded all 150 events, kept a new one"
    )
    assert corrected.load("till-1").cents == 150 * 900
    assert repr(corrected.last) == "snapshot at version 150; folded 0 events"


def test_a_snapshot_of_the_same_code_serves_another_run(tmp_path):
    store, path = FakeStore(), tmp_path / "snapshots.db"
    till = made(TILL, rate=100, most=5)
    store.append("till-1", [till.Paid(1000)] * 150)
    Snapshots(store, till.Till, path=path).load("till-1")
    again = Snapshots(store, made(TILL, rate=100, most=5).Till, path=path)
    assert (again.load("till-1").cents, again.last.folded) == (150 * 990, 0)


def test_a_change_of_a_helper_is_seen_while_the_program_runs():
    store, till = FakeStore(), made(TILL, rate=100, most=5)
    store.append("till-1", [till.Paid(1000)] * 150)
    snapshots = Snapshots(store, till.Till)
    snapshots.load("till-1")
    till.RATE = 10
    assert snapshots.load("till-1").cents == 150 * 900
    till.fee = lambda cents: 0
    assert snapshots.load("till-1").cents == 150 * 1000
    assert snapshots.last.ignored == "the code of Till changed"


class Seen(Projection):
    """Names no event at all, and reads them all the same."""

    def evolve(self, state, recorded, /):
        return {"last": recorded.payload.cents, **state}


def test_a_changed_schema_of_an_event_that_the_code_does_not_name_is_seen():
    store, till = FakeStore(), made(TILL, rate=100, most=5)
    store.append("till-1", [till.Paid(7)] * 3)
    snapshots = Snapshots(store, Seen, every=2)
    assert snapshots.load("till-1") == {"last": 7}
    made(TILL.replace("cents: int", "cents: int | None"), rate=100, most=5)
    snapshots.load("till-1")
    assert snapshots.last.ignored == "the schema of test_snapshots.Paid changed"
    assert snapshots.last.kept


def test_schemas_of_events_that_an_earlier_snapshot_held_are_not_forgotten():
    store, till = FakeStore(), made(TILL, rate=100, most=5)
    store.append("till-1", [till.Paid(7)] * 3)
    snapshots = Snapshots(store, Quiet, every=2)
    snapshots.load("till-1")
    store.append("till-1", [MoneyDeposited(1)] * 3)
    assert snapshots.load("till-1") == 6
    made(TILL.replace("cents: int", "cents: int | None"), rate=100, most=5)
    snapshots.load("till-1")
    assert snapshots.last.ignored == "the schema of test_snapshots.Paid changed"


class Quiet(Projection):
    """Counts, and looks at nothing."""

    def initial(self):
        return 0

    def evolve(self, state, recorded, /):
        return state + 1


# --- fingerprints ---

CHANGES_NOTHING = {
    "a step that does nothing": ("    return cents // RATE", "    pass\n    return cents // RATE"),
    "a docstring": ("def fee(cents):", 'def fee(cents):\n    "What the bank takes."'),
    "a comment": ("    return cents // RATE", "    # the bank's part\n    return cents // RATE"),
    "lines": ("        match event:", "\n\n\n        match event:"),
    "a longer line": ("self.cents += cents - fee(cents)", "self.cents += (\n cents\n - fee(\n cents))"),
    "a decision": ("cents > {most}", "cents >= {most}"),
    "a name that is not used": ("RATE =", "OTHER = 1\nRATE ="),
    "a docstring of the class": ("class Till(Aggregate):", 'class Till(Aggregate):\n    "A till."'),
}
UPCAST = """
@event(name="test_snapshots.Paid", version=2)
class Paid:
    cents: int
    @staticmethod
    @eslab.upcaster(1)
    def as_it_was(payload):
        return payload
"""
CHANGES = {
    "a constant": ("RATE = {rate}", "RATE = {rate} + 1"),
    "a rule in a helper": ("cents // RATE", "cents / RATE"),
    "a rule": ("self.cents +=", "self.cents -="),
    "the empty state": ("self.cents = 0", "self.cents = 1"),
    "a default": ("def fee(cents):", "def fee(cents, least=1):"),
    "a type of a field": ("    cents: int", "    cents: float"),
    "one more field": ("    cents: int", "    cents: int\n    tip: int = 0"),
    "a default of a field": ("    cents: int", "    cents: int = 0"),
    "another event name": ("test_snapshots.Paid", "test_snapshots.PaidIn"),
    "what try guards": (
        "    return cents // RATE", "    try:\n        return cents // RATE\n    except KeyError:\n        return 0"
    ),
    "an upcaster": (
        '@event(name="test_snapshots.Paid")\nclass Paid:\n    cents: int',
        "import eslab\n" + UPCAST,
    ),
}  # fmt: skip


def till_with(before="", after=""):
    assert before in TILL
    return made(TILL.replace(before, after), rate=100, most=5).Till


GUARDED = """
def fee(cents):
    {before}
    try:
        {within}
    except ZeroDivisionError:
        return 0
"""


def test_what_try_guards_is_seen_when_the_steps_are_the_same():
    wide = GUARDED.format(before="pass", within="part = cents // RATE; return part")
    narrow = GUARDED.format(before="part = cents // RATE", within="return part")
    one, other = (
        fingerprint(till_with("def fee(cents):\n    return cents // RATE\n", text)) for text in (wide, narrow)
    )
    assert one != other


def test_another_default_by_name_is_another_rule():
    one, other = (fingerprint(till_with("def fee(cents):", f"def fee(cents, *, least={n}):")) for n in (1, 2))
    assert one != other


@pytest.mark.parametrize("change", CHANGES_NOTHING)
def test_a_fingerprint_is_not_moved_by(change):
    assert fingerprint(till_with(*CHANGES_NOTHING[change])) == fingerprint(till_with())


@pytest.mark.parametrize("change", CHANGES)
def test_a_fingerprint_is_moved_by(change):
    assert fingerprint(till_with(*CHANGES[change])) != fingerprint(till_with())


RICH = """
import dataclasses, enum, functools, math, re
from collections import Counter
from typing import NamedTuple
from eslab import Aggregate, Decider, Projection, event, unhandled
import test_snapshots_rates as rates
class Colour(enum.Enum):
    RED = 1
    BLUE = 2
class Point(NamedTuple):
    x: int
    colour: Colour = Colour.RED
class Weighed:
    def heaviest(self):
        return max(self.points)
@dataclasses.dataclass(frozen=True)
class Cart(Weighed):
    points: tuple[Point, ...] = ()
    def heavier(self, by):
        return sum(point.x for point in self.points) + by
    @property
    def size(self):
        return len(self.points)
    @classmethod
    def empty(cls):
        return cls(())
@event(name="test_snapshots.Put")
class Put:
    point: Point
KINDS = {"a", "b", "c", "d"}
PAIRS = {frozenset({letter, "z"}) for letter in "abcdefghij"}
TABLE = {Colour.RED: [1, 2], Colour.BLUE: [3]}
PATTERN = re.compile("[a-z]+")
@functools.cache
def squared(x):
    return x * x
def half(x, by=2):
    return math.floor(x / by)
thirds = functools.partial(half, by=3)
STEPS = {Put: lambda cart, event: dataclasses.replace(cart, points=(*cart.points, event.point))}
def limit(most):
    def within(x):
        return min(x, most)
    return within
within = limit(10)
class Shared:
    weights = (1, 2, 3)
    def weigh(self, cart):
        return [weight for weight in self.weights if str(weight) in {"x", "y", "z"}]
class Carts(Shared, Projection):
    def __init__(self, most=5):
        self.most = most
    def initial(self):
        return Cart.empty()
    def evolve(self, cart, recorded, /):
        from math import floor
        if recorded.type in KINDS or PAIRS is None or PATTERN.match("x"):
            return cart
        self.weigh(cart), squared(1), thirds(2), within(3), TABLE, rates.current(), floor(1)
        return STEPS[type(recorded.payload)](cart, recorded.payload)
"""
RATES = "NOW = 3\ndef current():\n    return NOW\nOTHER = 5\n"
RICH_CHANGES = {
    "an enum": ("BLUE = 2", "BLUE = 3"),
    "a default of a named tuple": ("colour: Colour = Colour.RED", "colour: Colour = Colour.BLUE"),
    "a method of the state": ("+ by\n", "- by\n"),
    "a property of the state": ("return len(self.points)", "return -len(self.points)"),
    "a set": ('"c", "d"}', '"c", "e"}'),
    "a table": ("[1, 2]", "[1, 3]"),
    "a pattern": ("[a-z]+", "[a-z]*"),
    "a cached function": ("x * x", "x + x"),
    "a partial": ("by=3", "by=4"),
    "a default": ("by=2", "by=1"),
    "a function in a table": ("(*cart.points, event.point)", "(event.point, *cart.points)"),
    "an inherited method of the state": ("max(self.points)", "min(self.points)"),
    "a closure": ("limit(10)", "limit(11)"),
    "what a closure does": ("min(x, most)", "max(x, most)"),
    "an inherited method": ("if str(weight)", "if repr(weight)"),
    "an inherited constant": ("(1, 2, 3)", "(1, 2)"),
    "what it is made with": ("most=5", "most=6"),
    "a type within a type": ("    x: int", "    x: float"),
    "what is imported inside": ("import floor", "import ceil as floor"),
}


@pytest.fixture
def rates():
    return made(RATES, "test_snapshots_rates")


@pytest.mark.parametrize("change", RICH_CHANGES)
def test_what_a_fold_refers_to_is_followed_through(rates, change):
    before, after = RICH_CHANGES[change]
    assert RICH.count(before) == 1
    assert fingerprint(made(RICH).Carts) != fingerprint(made(RICH.replace(before, after)).Carts)


def test_a_module_of_ones_own_is_followed_as_far_as_it_is_used(rates):
    one = fingerprint(made(RICH).Carts)
    rates.OTHER = 6
    assert fingerprint(made(RICH).Carts) == one
    rates.NOW = 4
    assert fingerprint(made(RICH).Carts) != one


def test_a_module_imported_inside_a_function_is_followed_too(rates):
    source = """
    class Fold:
        def initial(self):
            return 0
        def evolve(self, state, recorded):
            from test_snapshots_rates import current
            return current()
    """
    one = fingerprint(made(source).Fold)
    rates.NOW = 4
    assert fingerprint(made(source).Fold) != one


def test_whether_two_equal_constants_are_one_object_does_not_matter():
    source = """
    A, B = (1, 2), {second}
    class Fold:
        def initial(self):
            return A + B
        evolve = None
    """
    same, equal = (fingerprint(made(source, second=second).Fold) for second in ("(1, 2)", "tuple([1, 2])"))
    assert same == equal != fingerprint(made(source, second="(1, 3)").Fold)


def test_what_is_followed_is_ones_own():
    home = "eslab.domains.bank"
    followed = [__name__, "eslab.domains.orders", home, "__main__"]
    named = [
        "eslab.aggregates",
        "eslab.store",
        "json",
        "collections.abc",
        "builtins",
        "pytest",
        "msgspec",
        None,
    ]
    assert [module for module in [*followed, *named] if is_own(module, home)] == followed


def test_a_table_changed_in_place_is_seen(rates):
    fold = made(RICH)
    one = fingerprint(fold.Carts)
    assert fingerprint(fold.Carts) == one
    fold.TABLE[fold.Colour.RED].append(3)
    assert fingerprint(fold.Carts) != one


IN_A_PROCESS = """
import sys
sys.path.insert(0, {folder!r})
import {name} as it
from eslab.snapshots import fingerprint
from eslab.domains import bank, orders, flights, chess, league, quakes
print(fingerprint(it.Carts), fingerprint(bank.Account), fingerprint(bank.DECIDER), fingerprint(orders.Order),
      fingerprint(flights.DepartureBoard("JFK")), fingerprint(orders.OrderBoard))
"""


def test_a_fingerprint_is_the_same_in_every_process_whatever_seed_and_folder(tmp_path):
    said = set()
    for seed, folder in (("1", "here"), ("2", "there"), ("2", "there")):  # the third time from the compiled file
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        (place / "test_snapshots_rates.py").write_text(RATES)
        (place / "test_snapshots_rich.py").write_text(RICH)
        code = IN_A_PROCESS.format(folder=str(place), name="test_snapshots_rich")
        run = [sys.executable, "-c", code]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        said.add(subprocess.run(run, env=environment, capture_output=True, text=True, check=True).stdout)
    (text,) = said
    assert len(set(text.split())) == 6
    assert all(len(one) == 16 for one in text.split())


INHERITS = """
from eslab import Aggregate
class Base(Aggregate):
    def __init__(self):
        self.cents = 0
    def apply(self, event):
        self.cents += 1
class Child(Base):
    def apply(self, event):
        super().apply(event)
"""


def test_what_super_means_is_followed():
    assert fingerprint(made(INHERITS).Child) != fingerprint(made(INHERITS.replace("+= 1", "+= 2")).Child)
    assert fingerprint(made(INHERITS).Child) != fingerprint(made(INHERITS.replace("cents = 0", "cents = 5")).Child)


def test_a_decision_of_a_decider_is_no_part_of_its_fold():
    other = PlainDecider(initial_state=DECIDER.initial_state, decide=list, evolve=DECIDER.evolve_event)
    begun = PlainDecider(initial_state=bank.AccountState(balance=5), decide=bank.decide, evolve=DECIDER.evolve_event)
    assert fingerprint(other) == fingerprint(DECIDER) != fingerprint(begun)


def test_two_folds_of_one_class_are_told_apart():
    board, other = flights.DepartureBoard("JFK"), flights.DepartureBoard("EWR")
    assert fingerprint(board) != fingerprint(other)
    assert Snapshots(MemoryStore(), board).name == "eslab.domains.flights.DepartureBoard(origin='JFK')"


def test_a_fingerprint_of_code_in_installed_packages_is_only_their_names():
    class Counts(Projection):
        def evolve(self, state, recorded, /):
            return json.dumps(collections.Counter(state))

    assert len(fingerprint(Counts)) == 16


def test_asking_for_a_fingerprint_again_costs_little():
    fingerprint(Account)
    began = time.perf_counter()
    for _ in range(100):
        fingerprint(Account)
    assert time.perf_counter() - began < 0.1


def test_the_schema_of_an_unknown_type_is_nothing():
    assert schema("test_snapshots.NeverDeclared") == ""


# --- texts ---


class Colour(enum.Enum):
    RED = "red"
    BLUE = 2


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: float
    y: object = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    name: str
    parts: object = ()


@dataclasses.dataclass
class Open:
    numbers: list = dataclasses.field(default_factory=list)
    seen: int = dataclasses.field(default=0, compare=False)

    def __post_init__(self):
        self.extra = "not a field"


CLASSES = {f"{__name__}.{cls.__qualname__}": cls for cls in (Colour, Rights, Point, Frozen, Open)} | {
    "eslab.domains.bank.Account": Account
}
PARIS = zoneinfo.ZoneInfo("Europe/Paris")
STATES = [
    *("", "Zoë", "\ud800", "a\x00b", 0, -1, 2**53 + 1, 0.1, -0.0, float("inf"), 1e300, True, None),
    *(Decimal("1.10"), Decimal("-0"), Decimal("NaN"), b"\x00\xff", uuid.UUID(int=7)),
    *(dt.date(2026, 2, 28), dt.time(9, 30), dt.time(9, 30, tzinfo=dt.UTC), dt.timedelta(days=-1, microseconds=1)),
    *(dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, 9, tzinfo=dt.UTC)),  # noqa: DTZ001
    *(dt.datetime(2026, 10, 25, 2, 30, tzinfo=PARIS, fold=fold) for fold in (0, 1)),
    dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))),
    *([], [1, [2.0]], (), (1,), ([],), set(), {1, "a", (2, None)}, frozenset({1}), {}, {1: "a", "1": 2, (1, 2): [3]}),
    *({"b": 1, "a": 2}, {None: {True: {}}}, {"tuple": [1]}, {Colour.RED: dt.date(2026, 1, 1)}),
    *(Colour.RED, [Colour.BLUE], Rights.READ, Rights.READ | Rights.WRITE, Point(1), Point(1.0, (Colour.RED,))),
    *(Frozen("Ada"), Frozen("Ada", [Frozen("b", {1})]), Open([1, 2], seen=7), float("nan")),
]  # fmt: skip


def exactly(state):
    """A state as text that shows every type in it; of a set the order is Python's own."""
    return type(state), sorted(map(repr, state)) if isinstance(state, (set, frozenset)) else repr(state)


@pytest.mark.parametrize("state", STATES, ids=range(len(STATES)))
def test_a_state_reads_back_exactly(state):
    assert exactly(from_text(to_text(state, CLASSES), CLASSES)) == exactly(state)


def test_a_number_that_python_does_not_write_reads_back_too():
    assert from_text(to_text(-(10**5_000), {}), {}) == -(10**5_000)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.uuids()
    | st.dates() | st.times() | st.timedeltas() | st.datetimes() | st.datetimes(timezones=st.just(PARIS))
    | st.sampled_from([Colour.RED, Rights.READ, Point(1), Frozen("x")]),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers(), inner)
    | st.builds(Open, st.lists(inner)) | st.builds(Point, inner, inner) | st.builds(Frozen, st.text(), inner),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_any_state_reads_back_exactly(state):
    assert exactly(from_text(to_text(state, CLASSES), CLASSES)) == exactly(state)


def test_the_same_state_has_the_same_text():
    assert to_text({"b", "a", "c"}, {}) == to_text({"c", "b", "a"}, {}) == '{"set":["a","b","c"]}'
    assert to_text({"a": [1, (2,)]}, {}) == '{"dict":[["a",[1,{"tuple":[2]}]]]}'


class Dear(dict):
    pass


class Odd(Point):
    def __new__(cls):
        return super().__new__(cls, 1)


shared = [1]
endless: list = []
endless.append(endless)
UNSTORABLE = {
    "a generator": ([1, {"a": iter(())}], r"state\[1\]\['a'\] is of type tuple_iterator, expected text"),
    "a function": (len, "state is of type builtin_function_or_method"),
    "a class of no name": (dataclasses.make_dataclass("Strange", ["a"])(1), "does not name"),
    "a dict of its own kind": (Dear(), "is of type Dear"),
    "a counter": (collections.Counter(), "is of type Counter"),
    "one list in two places": ({"a": shared, "b": [shared]}, r"state\['b'\]\[0\] is the same list"),
    "a list that holds itself": (endless, r"state\[0\] is the same list"),
    "a zone of its own": (dt.datetime(2026, 1, 1, tzinfo=type("Zone", (dt.tzinfo,), {})()), "neither of zoneinfo"),
    "a fixed zone with a name": (dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(0), "X")), "read back as"),
    "two halves of a character": ("\ud83d\ude00", "would be read back"),
}


@pytest.mark.parametrize("what", UNSTORABLE)
def test_a_state_that_would_not_come_back_is_refused(what):
    state, said = UNSTORABLE[what]
    with pytest.raises(UnstorableState, match=said):
        to_text(state, CLASSES)


def test_an_aggregate_with_pending_events_is_refused():
    account = Account()
    account.open("Ada")
    with pytest.raises(UnstorableState, match="pending events: save them first"):
        to_text(account, CLASSES)


def test_a_state_nested_too_deeply_is_refused():
    deep: list = []
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(UnstorableState, match="too deeply"):
        to_text(deep, {})


def test_frozen_parts_may_stand_in_two_places():
    ada = Frozen("Ada")
    assert from_text(to_text([ada, ada], CLASSES), CLASSES) == [ada, ada]


def test_a_fold_whose_empty_state_cannot_be_kept_is_refused_at_once():
    with pytest.raises(UnstorableState, match="state is of type Connection"):
        Snapshots(MemoryStore(), orders.Sales(":memory:"))


class Waiting(Projection):
    def evolve(self, state, recorded, /):
        return {**state, "later": (x for x in ())}


def test_a_state_that_cannot_be_kept_later_is_refused_then(ada):
    with pytest.raises(UnstorableState, match=r"state\['later'\] is of type generator"):
        Snapshots(ada, Waiting).load("account-1")


OPEN = f"{__name__}.Open"
NO_STATES = [
    '{"object":["os.system",{}]}', '{"object":["builtins.object",{}]}', f'{{"flag":["{OPEN}",[1]]}}', '{"tuple":1}',
    '{"strange":[]}', '{"a":1,"b":2}', "[", '{"datetime":[1,2,3]}', f'{{"enum":["{OPEN}","x"]}}',
]  # fmt: skip


@pytest.mark.parametrize("text", NO_STATES)
def test_a_text_that_holds_no_state_makes_nothing(text):
    with pytest.raises((ValueError, LookupError, TypeError, AttributeError)):
        from_text(text, CLASSES)


# --- files ---


@pytest.fixture
def kept(ada, tmp_path):
    """Snapshots of Ada's account in a file, with one at version 250."""
    snapshots = Snapshots(ada, Account, path=tmp_path / "snapshots.db")
    snapshots.load("account-1")
    return snapshots


DAMAGES = {
    "a number in the state": "state = replace(state, '249', '248')",
    "half a state": "state = substr(state, 1, 20)",
    "no text at all": "state = x'00ff'",
    "another version": "version = 249",
    "a version that is text": "version = 'many'",
    "another event": "event_id = 'event-1'",
    "another code": "fingerprint = 'abc'",
    "another digest": "digest = ''",
    "another schema": "schemas = '{}'",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_row_is_ignored_and_replaced(ada, kept, damage):
    kept.connection.execute(f"UPDATE snapshots SET {DAMAGES[damage]}")
    assert kept.load("account-1") == Account.replay(ada.load("account-1"))
    assert repr(kept.last) == "snapshot ignored: its row is damaged; folded all 250 events, kept a new one"
    kept.load("account-1")
    assert kept.last.folded == 0


def test_a_row_of_another_stream_is_no_snapshot_of_this_one(ada, kept):
    ada.append("account-2", ADA[:200])
    kept.connection.execute("UPDATE snapshots SET stream = 'account-2'")
    assert kept.load("account-2").balance == 199
    assert kept.last.ignored == "its row is damaged"


def test_a_row_made_by_something_else_is_ignored(ada, kept):
    row = kept._rows.find("account-1", kept.name)
    for change in ({"state": '{"object":["os.system",{}]}'}, {"schemas": "[]"}, {"schemas": "{"}, {"state": "[[["}):
        kept._rows.keep(row._replace(**change))
        assert kept.load("account-1") == Account.replay(ada.load("account-1"))
        assert kept.last.ignored.startswith("its state cannot be read")


def test_a_snapshot_ahead_of_the_stream_is_ignored(kept):
    restored = FakeStore()
    restored.append("account-1", ADA[:120])
    kept.store = restored
    assert kept.load("account-1").balance == 119
    assert repr(kept.last) == (
        "snapshot at version 250 ignored: the stream ends before it, at version 120; "
        "folded all 120 events, kept a new one"
    )


def test_a_snapshot_of_a_stream_that_is_gone_is_thrown_away(kept):
    kept.store = FakeStore()
    assert kept.load("account-1") == Account()
    assert kept.connection.execute("SELECT count(*) FROM snapshots").fetchone() == (0,)


def test_a_snapshot_from_another_store_is_ignored(kept):
    kept.store = MemoryStore(clock=ticking_clock())
    kept.store.append("account-1", [AccountOpened("Bob"), *[MoneyDeposited(7)] * 249])
    assert kept.load("account-1").owner == "Bob"
    assert kept.last.ignored == "it was made from other events"


def test_an_ignored_snapshot_is_replaced_however_short_the_stream(kept):
    kept.store = FakeStore()
    kept.store.append("account-1", ADA[:3])
    kept.load("account-1")
    kept.load("account-1")
    assert repr(kept.last) == "snapshot at version 3; folded 0 events"


def test_snapshots_outlive_the_program(ada, kept, tmp_path):
    kept.close()
    with Snapshots(ada, Account, path=tmp_path / "snapshots.db") as again:
        assert again.load("account-1").balance == 249
        assert again.last.folded == 0


def test_several_folds_and_streams_share_a_file(ada, kept, tmp_path):
    ada.append("account-2", ADA)
    others = Snapshots(ada, DECIDER, path=tmp_path / "snapshots.db")
    for snapshots in (kept, others):
        for stream in ("account-1", "account-2", "account-1", "account-2"):
            snapshots.load(stream)
    assert kept.connection.execute("SELECT count(*) FROM snapshots").fetchone() == (4,)
    assert kept.forget() == 2
    assert others.load("account-1").balance == 249


def test_a_file_that_cannot_be_written_still_loads(ada, kept):
    kept.connection.execute("PRAGMA query_only = ON")
    ada.append("account-1", [MoneyWithdrawn(1)] * 100)
    assert kept.load("account-1").balance == 149
    assert "folded 100 events, kept none: store" in repr(kept.last)


def test_a_file_closed_by_then_is_said_and_the_events_are_folded(ada, kept):
    kept.close()
    assert kept.load("account-1").balance == 249
    assert kept.last.ignored.startswith("it cannot be read")


def test_a_file_of_something_else_is_refused_and_left_alone(ada, tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE snapshots (photo TEXT)")
    with pytest.raises(StoreUnavailable, match="columns photo, expected stream, fold"):
        Snapshots(ada, Account, path=path)
    (tmp_path / "text.db").write_text("no database at all, whatever it is called")
    with pytest.raises(StoreUnavailable, match="not a SQLite file"):
        Snapshots(ada, Account, path=tmp_path / "text.db")


def test_what_was_thrown_away_is_not_in_the_files(kept, tmp_path):
    assert b"Ada" in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    kept.forget("account-1")
    assert b"Ada" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "a\ud800b", None, 7], ids=ascii)
def test_what_is_no_stream_name_is_refused(ada, name):
    with pytest.raises(InvalidName):
        Snapshots(ada, Account).load(name)


@pytest.mark.parametrize("name", ["account-1'; DROP TABLE snapshots; --", "account-%", "account-Zoë"])
def test_odd_stream_names_are_names(name):
    store = FakeStore()
    store.append(name, ADA)
    snapshots = Snapshots(store, Account)
    assert [snapshots.load(name).balance for _ in range(2)] == [249, 249]
    assert snapshots.last.folded == 0


def work(path, number):
    store = FakeStore()
    store.append("account-1", ADA)
    snapshots = Snapshots(store, Account, every=1, path=path)
    for _ in range(20):
        assert snapshots.load("account-1").balance == store.version("account-1") - 1
        store.append("account-1", [MoneyDeposited(1)])
        if snapshots.last.trouble:
            raise SystemExit(snapshots.last.trouble)


def test_two_processes_use_one_file(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(str(tmp_path / "snapshots.db"), n)) for n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]


# --- the shipped domains, and speed ---


@pytest.mark.parametrize(
    "fold",
    [Account, DECIDER, bank.Balances, orders.Order, orders.OrderBoard, flights.Flight, flights.DepartureBoard],
    ids=repr,
)
def test_the_folds_of_the_shipped_domains_have_fingerprints_and_storable_states(fold):
    assert fingerprint(fold) == fingerprint(fold)
    Snapshots(MemoryStore(), fold)


def test_with_a_snapshot_a_long_stream_is_loaded_far_faster(tmp_path):
    store = MemoryStore()
    store.append("account-1", [AccountOpened("Ada"), *[MoneyDeposited(1)] * 20_000])
    snapshots = Snapshots(store, Account)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        snapshots.load("account-1")
        seconds.append(time.perf_counter() - began)
    assert min(seconds[1:]) * 5 < seconds[0]
