"""eslab.written: the Python that makes a value makes an equal one, wherever its parts come from."""

import ast
import dataclasses
import datetime as dt
import enum
import itertools
import math
import sys
import types
import typing
import zoneinfo
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eslab import NewEvent, datasets, record
from eslab.domains import bank, chess, orders
from eslab.domains.bank import AccountOpened, MoneyDeposited
from eslab.domains.made_up import orders as made_up_orders
from eslab.show import table
from eslab.written import Unwritable, Writer, as_data, written
from eslab.written.layout import WIDTH

NOON = dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC)


class Colour(enum.Enum):
    RED = "red"
    BLUE = ("blue", 2)


class Access(enum.Flag):
    READ = 1
    WRITE = 2


Odd = enum.Enum("Odd", {"not a name": 1, "class": 2}, module=__name__)


class Place(typing.NamedTuple):
    file: str
    rank: int


@dataclasses.dataclass
class Box:
    inside: object
    label: str = dataclasses.field(default="", kw_only=True)


@dataclasses.dataclass
class Counted:
    """One field follows from the other."""

    letters: str
    length: int = dataclasses.field(init=False)

    def __post_init__(self):
        self.length = len(self.letters)


class Stateless:
    def __eq__(self, other):
        return type(other) is Stateless

    __hash__ = None


class Slotted:
    __slots__ = ("filled",)


class Outer:
    class Inner(enum.Enum):
        ONE = 1


THE_ONE = types.SimpleNamespace(only="one")


def run(value):
    """What the written text gives when it is run, and the text."""
    text, imports = written(value)
    namespace = {}
    exec(f"{imports}\nfound = {text}", namespace)
    return namespace["found"], text


def alike(one, other):
    """Equal, of the same types in the same order, with NaN as itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or (
            one == other and math.copysign(1, one) == math.copysign(1, other)
        )
    if isinstance(one, dict):
        pairs = itertools.zip_longest(one.items(), other.items())
        return all(alike(a[0], b[0]) and alike(a[1], b[1]) for a, b in pairs)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if dataclasses.is_dataclass(one):
        return all(alike(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one))
    if isinstance(one, Decimal):
        return str(one) == str(other)
    if isinstance(one, (dt.datetime, dt.time)):
        return (one.replace(tzinfo=None), one.fold, str(one.tzinfo)) == (
            other.replace(tzinfo=None), other.fold, str(other.tzinfo),
        )  # fmt: skip
    return one == other


ZONES = st.sampled_from(
    [None, dt.UTC, zoneinfo.ZoneInfo("Europe/Berlin"), dt.timezone(-dt.timedelta(hours=3, minutes=30))]
)
HASHABLE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), st.binary(), st.dates(), st.times(timezones=ZONES),
    st.timedeltas(), st.uuids(), st.datetimes(timezones=ZONES), st.decimals(allow_nan=False),
    st.sampled_from([*Colour, *Access, *Odd, Outer.Inner.ONE, Access.READ | Access.WRITE, Place("e", 4)]),
)  # fmt: skip
LEAVES = HASHABLE | st.floats() | st.decimals()
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner), st.dictionaries(HASHABLE, inner), st.lists(inner).map(tuple), st.sets(HASHABLE),
        st.frozensets(HASHABLE), st.builds(Box, inner, label=st.text()), st.builds(Counted, st.text()),
        st.builds(AccountOpened, st.text()),
    ),
    max_leaves=12,
)  # fmt: skip


@given(VALUES)
def test_what_is_written_makes_an_equal_value(value):
    found, text = run(value)
    assert alike(found, value), text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('say "no"', "'say \"no\"'"),
        ("it's", '"it\'s"'),
        ("plain", '"plain"'),
        ("</script>\u202e\x00\ud800", '"</script>\\u202e\\x00\\ud800"'),
        (float("-inf"), 'float("-inf")'),
        (10**3000, hex(10**3000)),
        ((1,), "(1,)"),
        ((), "()"),
        (set(), "set()"),
        (frozenset(), "frozenset()"),
        ({2, 1}, "{1, 2}"),
        (Decimal("1.10"), 'Decimal("1.10")'),
        (NOON, "dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC)"),
        (dt.datetime(2026, 5, 3, tzinfo=dt.UTC), "dt.datetime(2026, 5, 3, tzinfo=dt.UTC)"),
        (dt.timedelta(days=-1, seconds=5), "dt.timedelta(days=-1, seconds=5)"),
        (Colour.RED, "Colour.RED"),
        (Odd["class"], 'Odd["class"]'),
        (Access.READ | Access.WRITE, "Access(3)"),
        (Outer.Inner.ONE, "Outer.Inner.ONE"),
        (MoneyDeposited(5), "MoneyDeposited(amount=5)"),
        (NewEvent(MoneyDeposited(5), id="once"), 'NewEvent(payload=MoneyDeposited(amount=5), id="once")'),
        (bank.HANDLERS, None),
        (bank.DECIDER, "DECIDER"),
        (THE_ONE, "THE_ONE"),
        (Stateless(), "Stateless()"),
        (chess.Game, "Game"),
        (table, "table"),
        (sorted, "sorted"),
        (UUID(int=7), 'UUID("00000000-0000-0000-0000-000000000007")'),
    ],
    ids=lambda one: str(one)[:20].encode("ascii", "replace").decode(),
)
def test_each_kind_of_value_is_written_as_one_would_by_hand(value, text):
    found, wrote = run(value)
    assert found == value or alike(found, value) or value is bank.HANDLERS
    assert text is None or wrote == text


def test_handlers_are_written_as_the_literal_that_they_are():
    text, imports = written(bank.HANDLERS)
    assert "    DepositMoney: DepositMoneyHandler(),\n" in text
    assert "    DepositMoneyHandler,\n" in imports


def test_real_events_are_written_and_read_back():
    for history in (datasets.load("chess")[:60], made_up_orders()[:30], datasets.load("league")[-40:]):
        assert run(list(history))[0] == list(history)


def test_an_event_in_an_old_schema_keeps_its_text():
    old = made_up_orders()[0]
    assert old.schema_version == 1
    found, text = run(old)
    assert found == old
    assert text.startswith("Recorded(")


def test_a_recorded_event_needs_no_more_than_record_does():
    plain = record(MoneyDeposited(5), stream="t", version=1, position=1, recorded_at=NOON)
    assert run(plain)[1] == (
        "record(\n"
        '    MoneyDeposited(amount=5), stream="t", version=1, position=1, '
        "recorded_at=dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC)\n)"
    )
    full = record(
        MoneyDeposited(5), stream="till-1", version=1, position=1, recorded_at=NOON, id="x", metadata={"who": "Ada"},
        occurred_at=NOON - dt.timedelta(days=1),
    )  # fmt: skip
    assert run(full)[0] == full


def test_long_calls_are_broken_at_120_and_short_ones_are_not():
    order = orders.OrderPlaced("Ada", tuple(orders.Line("ELEGANT-LAMP", n, 4990) for n in range(5)))
    text = run(order)[1]
    assert max(map(len, text.splitlines())) <= WIDTH == 120
    assert text.splitlines()[:3] == [
        "OrderPlaced(",
        '    customer="Ada",',
        "    lines=(",
    ]
    assert '        Line(product="ELEGANT-LAMP", quantity=4, price_cents=4990),' in text
    assert "\n" not in run(orders.OrderPlaced("Ada", ()))[1]


def test_imports_are_in_order_and_none_is_missing():
    imports = written([Decimal(1), NOON, UUID(int=1), bank.DECIDER, AccountOpened("Ada"), table])[1]
    assert imports.splitlines() == [
        "import datetime as dt",
        "from decimal import Decimal",
        "from uuid import UUID",
        "",
        "from eslab.domains.bank import DECIDER, AccountOpened",
        "from eslab.show import table",
    ]


def test_two_classes_of_one_name_are_told_apart():
    found, text = run([orders.Line("A", 1, 2), datasets.Line])
    assert found == [orders.Line("A", 1, 2), datasets.Line]
    assert text.endswith("Line_2]")


def test_an_import_takes_no_name_that_means_something_else(monkeypatch):
    monkeypatch.setitem(vars(sys.modules["__main__"]), "Decimal", "mine")
    assert run(Decimal(1))[1] == 'Decimal_2("1")'
    writer = Writer(taken=("table",))
    assert writer.name(table) == "table_2"
    assert writer.imports == "from eslab.show import table as table_2"


def test_what_was_made_in_a_notebook_is_used_by_its_bare_name(monkeypatch):
    notebook = sys.modules["__main__"]
    mine = type("Mine", (), {"__module__": "__main__"})
    monkeypatch.setattr(notebook, "Mine", mine, raising=False)
    monkeypatch.setattr(notebook, "rule", lambda: 1, raising=False)
    assert written([mine, notebook.rule]) == ("[Mine, rule]", "")


def test_a_module_is_preferred_to_the_notebook_and_its_outputs_have_no_names(monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "THE_ONE", THE_ONE, raising=False)
    assert written(THE_ONE) == ("THE_ONE", "from test_written import THE_ONE")
    other = types.SimpleNamespace(only="shown")
    monkeypatch.setattr(sys.modules["__main__"], "_7", other, raising=False)
    with pytest.raises(Unwritable):
        written(other)


def test_a_class_run_again_is_written_by_the_name_that_it_had(monkeypatch):
    old, new = (type("Mine", (), {"__module__": "__main__", "__qualname__": "Mine"}) for _ in range(2))
    monkeypatch.setattr(sys.modules["__main__"], "Mine", new, raising=False)
    assert written(old)[0] == "Mine"


def local():
    """Not reachable by any name."""

    def inside():
        """Nobody can import this."""

    return inside


@pytest.mark.parametrize(
    "value", [lambda: 1, local(), object(), types.SimpleNamespace(a=1), [type("Hidden", (), {})()]],
    ids=["lambda", "local", "object", "namespace", "hidden"],
)  # fmt: skip
def test_what_has_no_name_is_refused_with_a_next_step(value):
    with pytest.raises(Unwritable, match="at the top level of a module or of the notebook"):
        written(value)


def test_what_holds_a_slot_is_not_taken_for_empty():
    full = Slotted()
    full.filled = 1
    with pytest.raises(Unwritable):
        written(full)
    assert type(run(Slotted())[0]) is Slotted


def test_a_field_that_was_changed_after_it_was_made_is_refused():
    counted = Counted("abc")
    counted.length = 7
    with pytest.raises(Unwritable):
        written(counted)


def test_a_value_that_holds_itself_is_refused():
    ring = []
    ring.append(ring)
    with pytest.raises(Unwritable, match="holds itself"):
        written(ring)


def test_a_state_is_plain_data_without_its_classes():
    game = chess.Game()
    state = as_data([game, Box({1}, label="x"), (1, Place("e", 4)), frozenset({2})])
    assert state[0]["to_move"] == "white"
    assert state[1:] == [{"inside": {1}, "label": "x"}, [1, ["e", 4]], {2}]


def test_a_text_is_python_that_holds_nothing_but_values():
    text = written({"</script>": "__import__('os')", 'a"b': "\n"})[0]
    assert isinstance(ast.literal_eval(text), dict)
