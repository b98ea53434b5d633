"""Every law is kept by every fold that is shipped, and catches those that offend against it."""

import datetime as dt
import importlib
import itertools
import os
import random
import secrets
import time
import uuid
from datetime import date, datetime
from time import time as seconds
from typing import ClassVar

import pytest

from eslab import (
    Aggregate,
    CommandHandler,
    Decider,
    EslabError,
    NewEvent,
    Projection,
    SqliteProjection,
    command,
    datasets,
    event,
    upcaster,
)  # fmt: skip
from eslab.domains import bank, orders
from eslab.domains.bank import DECIDER, HANDLERS, Account, AccountOpened, DepositMoney, MoneyDeposited
from eslab.errors import MissingHandler
from eslab.laws import LawBroken, check_laws, prefix, pure, pure_decision, redelivery, upcast_then_fold
from eslab.laws.worlds import ANOTHER, ONE, changed_world
from eslab.testing import FakeStore
from eslab.views import InvalidFold


@event(name="test_laws.Packed")
class Packed:
    things: list[str]


@event(name="test_laws.Sent")
class Sent:
    to: str


def history(*events, stream="parcel-1"):
    return FakeStore().append(stream, events)


PARCELS = history(*(Packed([f"thing {n}"]) for n in range(5)), Sent("Ada"))


class Fold:
    """A fold in short: the state is a list, and `one` gives what is added for an event."""

    def initial(self):
        return []

    def evolve(self, state, recorded, /):
        return [*state, self.one(recorded)]


def by(one):
    """A fold that adds `one(event)` to its state."""
    return type(one.__name__.title().replace("_", ""), (Fold,), {"one": staticmethod(one), "__module__": __name__})


def breaks(law, *given):
    """Which event a law names, and what it says."""
    with pytest.raises(LawBroken) as failure:
        law(*given)
    assert isinstance(failure.value, AssertionError)
    assert failure.value.law in str(failure.value)
    return getattr(failure.value, "step", None), str(failure.value)


# --- the shipped domains keep them all ---

SHIPPED = [
    (name, fold)
    for name in ("bank", "orders", "flights", "league", "chess", "quakes")
    for fold in vars(importlib.import_module(f"eslab.domains.{name}")).values()
    if isinstance(fold, Decider)
    or (
        isinstance(fold, type)
        and fold.__module__ == f"eslab.domains.{name}"
        and issubclass(fold, (Aggregate, Projection))
    )
]


@pytest.mark.parametrize(("name", "fold"), SHIPPED, ids=[f"{name} {fold!r}" for name, fold in SHIPPED])
def test_a_shipped_fold_keeps_every_law(name, fold):
    shown = datasets.load(name)[: 40 if fold is orders.Sales else 120]
    if category := getattr(fold, "category", ""):  # an aggregate or a decider, which is shown one stream
        streams = [recorded.stream for recorded in shown if recorded.category == category]
        shown = [recorded for recorded in shown if recorded.stream == max(streams, key=streams.count)]
    made = fold(":memory:") if fold is orders.Sales else fold
    found = check_laws(made, shown)
    assert found.broken == []
    assert [one.law for one in found if one.result == "kept"] != []


@pytest.mark.parametrize("rules", [HANDLERS, DECIDER], ids=["handlers", "decider"])
@pytest.mark.parametrize("wish", [DepositMoney("1", 5), bank.OpenAccount("1", "Bob"), bank.WithdrawMoney("1", 99)])
def test_the_bank_decides_alike_in_every_world(rules, wish):
    assert repr(pure_decision(rules, history(AccountOpened("Ada"), stream="account-1"), wish)).startswith("pure dec")


def test_a_kept_law_is_a_sentence():
    said = prefix(Account, history(AccountOpened("Ada"), MoneyDeposited(5)))
    assert repr(said) == "prefix law: Account folds on from each of 2 events to the same state as from all"
    assert "prefix law" in said._repr_html_()
    many = history(AccountOpened("Ada"), *[MoneyDeposited(1)] * 249)
    assert repr(prefix(DECIDER, many)) == (
        "prefix law: Decider(account) folds on from 60 places of 250 events to the same state as from all"
    )
    assert repr(redelivery(bank.Balances, many)) == "redelivery: Balances is the same after a crash at 30 of 250 events"


def test_an_empty_history_breaks_nothing():
    assert check_laws(bank.Balances, []).broken == []


# --- the prefix law ---


class Remembers(Fold):
    """Counts on the side."""

    def __init__(self):
        self.count = 0

    def one(self, recorded):
        self.count += 1
        return self.count


class RemembersInItsClass(Fold):
    seen: ClassVar[set[str]] = set()

    def evolve(self, state, recorded, /):
        if recorded.id in self.seen:
            return state
        self.seen.add(recorded.id)
        return [*state, recorded.id]


class InBatches(Fold):
    """Waits until it has three events, so that the state depends on where it began."""

    def __init__(self):
        self.waiting = []

    def evolve(self, state, recorded, /):
        self.waiting.append(recorded.version)
        if len(self.waiting) < 3:
            return state
        state, self.waiting = [*state, *self.waiting], []
        return state


class HoldsAnIterator(Fold):
    def initial(self):
        return {"numbers": itertools.count(), "seen": []}

    def evolve(self, state, recorded, /):
        state["seen"].append(next(state["numbers"]))
        return state


class TwiceTheSame(Fold):
    """The last line is a part of the whole; read back, it is one of its own."""

    def initial(self):
        return {"lines": [], "last": []}

    def evolve(self, state, recorded, /):
        if recorded.version == 3:
            state["last"] = ["new"]
            state["lines"].append(state["last"])
        state["last"].append(recorded.version)
        return state


class ByIdentity(Fold):
    """Looks whether a state is the very one that it gave back last."""

    def __init__(self):
        self.last = None

    def evolve(self, state, recorded, /):
        self.last = [*state, "new" if state is not self.last else "old"]
        return self.last


@pytest.mark.parametrize(
    ("offender", "step", "said"),
    [
        (Remembers, 2, "should be 2 and is 1"),
        (RemembersInItsClass, 1, "should be event-1 and is nothing"),
        (InBatches, None, "should be"),
        (HoldsAnIterator, 0, "cannot be stopped and stored: state['numbers'] is of type count"),
        (TwiceTheSame, 3, "state['last'] is the same list"),
        (ByIdentity, 2, "should be old and is new"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)  # fmt: skip
def test_the_prefix_law_catches(offender, step, said):
    found, text = breaks(prefix, offender, PARCELS)
    assert said in text
    assert step is None or found == step


def test_a_law_names_the_place_in_the_log():
    store = FakeStore()
    store.append("other-1", [Sent("Bob")] * 7)
    shown = store.append("parcel-1", [Sent("Ada")] * 3)
    with pytest.raises(LawBroken, match=r"at event 2 \(position 9, test_laws.Sent\)") as failure:
        prefix(Remembers, shown)
    assert (failure.value.position, failure.value.expected, failure.value.found) == (9, 2, 1)


# --- purity ---


def reads_the_clock(recorded):
    return dt.datetime.now(dt.UTC).year


def reads_the_day(recorded):
    return str(date.today())  # noqa: DTZ011


def reads_a_clock_imported_by_name(recorded):
    return seconds() > 1.5e9, datetime.now(dt.UTC).year


def reads_the_local_hour(recorded):
    return recorded.recorded_at.astimezone().hour


def reads_local_time(recorded):
    return time.localtime().tm_year, time.strftime("%H", time.localtime(0))


def uses_chance(recorded):
    return random.random()


def makes_an_id(recorded):
    return str(uuid.uuid4())


def makes_a_token(recorded):
    return secrets.token_hex(8)


def reads_the_environment(recorded):
    return os.environ.get("PATH")


def needs_the_environment(recorded):
    return os.environ["PATH"]


def changes_the_event(recorded):
    recorded.payload.things.append("a bow")
    return 1


CLOCK = {"now": 0}


def counts_in_its_module(recorded):
    CLOCK["now"] += 1
    return CLOCK["now"]


class KeepsAPart(Fold):
    """Its state is the list of the first event, to which it adds."""

    def evolve(self, state, recorded, /):
        payload = recorded.payload
        if isinstance(payload, Sent):
            return state
        if not state:
            return payload.things
        state.extend(payload.things)
        return state


class ChangesTheOldState(Fold):
    def initial(self):
        return {"things": []}

    def evolve(self, state, recorded, /):
        state["things"].append(recorded.version)
        return {**state, "new": True}


def adds_in_place(state, event):
    state.append(event)
    return state


BEGUN_LATE = Decider(initial_state=[], decide=lambda c, s: [], evolve=adds_in_place)


class EmptyByTheClock(Fold):
    def initial(self):
        return [dt.datetime.now(dt.UTC)]

    def one(self, recorded):
        return 1


class Parcel(Aggregate):
    """Emits an event and changes it while applying: what is stored is not what was decided."""

    def __init__(self):
        self.things = []

    def apply(self, event):
        if isinstance(event, Packed):
            event.things.sort()
            self.things = [*self.things, len(event.things), event.things.pop()]


@pytest.mark.parametrize(
    "one",
    [reads_the_clock, reads_the_day, reads_a_clock_imported_by_name, reads_the_local_hour, reads_local_time,
     uses_chance, makes_an_id, makes_a_token, reads_the_environment, needs_the_environment, counts_in_its_module],
    ids=lambda one: one.__name__,
)  # fmt: skip
def test_purity_catches_what(one):
    step, text = breaks(pure, by(one), PARCELS)
    assert step == 1
    assert "in another world" in text or "looks at clock, chance, environment" in text


@pytest.mark.parametrize(
    ("offender", "step", "said"),
    [
        (by(changes_the_event), 1, "changed the event itself, to Packed(things=['thing 0', 'a bow'])"),
        (KeepsAPart, 1, "kept a part of the event, and changed it later"),
        (ChangesTheOldState, 1, "changed the old state: state.things[0] should be nothing and is 1"),
        (BEGUN_LATE, 1, "changed the old state"),
        (EmptyByTheClock, 0, "before the first event"),
        (Parcel, 1, "changed the event itself, to Packed(things=[])"),
    ],
    ids=["an event", "a part of it", "an old state", "a decider's state", "an empty state", "an aggregate"],
)
def test_purity_catches_a_change_of(offender, step, said):
    found, text = breaks(pure, offender, PARCELS)
    assert (found, said in text) == (step, True), text


def test_purity_catches_what_happens_late_in_a_long_history():
    def late(recorded):
        return recorded.version > 230 and time.time()

    assert breaks(pure, by(late), history(*[Sent("Ada")] * 250))[0] == 231


def test_a_state_changed_in_place_is_pure_if_it_is_given_back():
    class Adds(Fold):
        def evolve(self, state, recorded, /):
            state.append(recorded.version)
            return state

    assert repr(pure(Adds, PARCELS)).startswith("purity: ")


def test_a_fold_that_is_given_as_it_stands_is_made_anew_for_each_run():
    given = Remembers()
    assert repr(pure(given, PARCELS)).startswith("purity: Remembers folds 6 events alike")
    breaks(prefix, given, PARCELS)
    assert given.count == 0


def test_a_fold_that_counts_times_of_events_is_pure():
    def of_the_event(recorded):
        moment = recorded.recorded_at
        return isinstance(moment, dt.datetime), moment.date(), dt.datetime(2026, 1, 1, tzinfo=dt.UTC) < moment

    pure(by(of_the_event), PARCELS)


def test_the_world_is_as_before_when_a_law_is_over():
    random.seed(7)
    before = (time.time, dt.datetime, uuid.uuid4, os.urandom, dict(os.environ), datetime, random.getstate())
    with pytest.raises(LawBroken):
        pure(by(reads_the_clock), PARCELS)
    assert before == (time.time, dt.datetime, uuid.uuid4, os.urandom, dict(os.environ), datetime, random.getstate())
    assert abs(time.time() - dt.datetime.now(dt.UTC).timestamp()) < 1


def test_two_worlds_differ_and_each_is_the_same_each_time():
    def look():
        return (dt.datetime.now(dt.UTC), dt.datetime.today(), dt.date.today(), time.time(), time.gmtime().tm_year,  # noqa: DTZ002, DTZ011
                random.random(), uuid.uuid4(), os.urandom(4), "PATH" in os.environ, time.tzname)  # fmt: skip

    seen = []
    for world in (ONE, ANOTHER, ONE):
        with changed_world(world):
            seen.append(look())
    assert seen[0] == seen[2]
    assert all(one != other for one, other in zip(seen[0], seen[1], strict=True))


# --- pure decisions ---


def deciding(decide):
    return Decider(initial_state={"to": []}, decide=decide, evolve=lambda state, event: {"to": [*state["to"], event]})


def dates_it(wish, state):
    return [Sent(dt.datetime.now(dt.UTC).isoformat())]


def draws_lots(wish, state):
    return [Sent("Ada") for _ in range(random.randrange(100))]


def refuses_on_some_days(wish, state):
    if dt.date.today().year > 2030:  # noqa: DTZ011
        raise EslabError("closed")
    return []


def names_the_event(wish, state):
    return [NewEvent(Sent("Ada"), id=str(uuid.uuid4()))]


def changes_the_wish(wish, state):
    wish["to"].append("Bob")
    return []


def changes_the_state(wish, state):
    state["to"].append(wish)
    return []


@pytest.mark.parametrize(
    ("decide", "said"),
    [(dates_it, "Sent(to='2001-09-09T"), (draws_lots, "in one world"), (names_the_event, "NewEvent"),
     (refuses_on_some_days, "EslabError: closed in another"),
     (changes_the_wish, "deciding changed the command: command.to[1]"),
     (changes_the_state, "deciding changed the state: state.to[")],
    ids=lambda one: getattr(one, "__name__", ""),
)  # fmt: skip
def test_a_decision_is_caught_that(decide, said):
    assert said in breaks(pure_decision, deciding(decide), PARCELS, {"to": ["Ada"]})[1]


@command
class SendParcel:
    number: str


class SendParcelHandler(CommandHandler):
    fold = Parcel

    def stream(self, command):
        return f"parcel-{command.number}"

    def handle(self, command, parcel):
        parcel.emit(Sent(self.when()))
        return parcel.pending

    def when(self):
        return str(time.time())


def test_a_handler_that_asks_the_clock_in_a_helper_is_caught():
    text = breaks(pure_decision, {SendParcel: SendParcelHandler()}, PARCELS, SendParcel("1"))[1]
    assert "let the command or the state say it" in text
    with pytest.raises(MissingHandler):
        pure_decision({}, PARCELS, SendParcel("1"))


# --- redelivery ---


class Doubled(Projection):
    """Its total stands beside the read model, where no checkpoint goes back with it."""

    def __init__(self):
        self.total = 0

    def evolve(self, state, recorded, /):
        self.total += 1
        return {"total": self.total}


class DoubledInItsClass(Projection):
    totals: ClassVar[dict[str, int]] = {"parcels": 0}

    def evolve(self, state, recorded, /):
        self.totals["parcels"] += 1
        return dict(self.totals)


class Commits(SqliteProjection):
    tables: ClassVar[dict[str, str]] = {"parcels": "CREATE TABLE parcels (number INTEGER)"}

    def evolve(self, db, recorded, /):
        db.execute("INSERT INTO parcels VALUES (?)", (recorded.position,))
        db.execute("COMMIT")
        db.execute("BEGIN")
        return db


class CountsAside(SqliteProjection):
    tables: ClassVar[dict[str, str]] = {"parcels": "CREATE TABLE parcels (number INTEGER)"}
    number = 0

    def evolve(self, db, recorded, /):
        self.number += 1
        db.execute("INSERT INTO parcels VALUES (?)", (self.number,))
        return db


@pytest.mark.parametrize(
    "offender", [Doubled, DoubledInItsClass, Commits(":memory:"), CountsAside(":memory:")], ids=lambda one: repr(one)
)
def test_redelivery_catches(offender):
    step, text = breaks(redelivery, offender, PARCELS)
    assert step == 1
    assert "got an event again after a crash" in text


def test_counting_up_is_safe_when_the_checkpoint_goes_with_it(tmp_path):
    sales = orders.Sales(str(tmp_path / "never made.db"))
    redelivery(sales, datasets.load("orders")[:40])
    assert sales.path.endswith("never made.db")
    assert list(tmp_path.iterdir()) == []
    assert vars(sales) == {"path": sales.path}


def test_only_a_projection_has_a_checkpoint():
    with pytest.raises(InvalidFold, match="is no projection"):
        redelivery(Account, PARCELS)


# --- upcast, then fold ---


@event(name="test_laws.Priced", version=3)
class Priced:
    product: str
    cents: int
    note: str = ""

    @staticmethod
    @upcaster(1)
    def euros_become_cents(payload):
        return {"product": payload["product"], "cents": payload["euros"] * 100, "note": payload.get("note", "")}

    @staticmethod
    @upcaster(2)
    def nothing_changes(payload):
        return payload


class Loses(Priced):
    pass


def old(text, version=1, name="test_laws.Priced"):
    """A log with one event of today, and one in the text of an older schema."""
    today, before = history(Sent("Ada"), Priced("tea", 500))
    fields = {field: getattr(before, field) for field in type(before).__struct_fields__}
    return [today, type(before)(**{**fields, "type": name, "schema_version": version, "payload_text": text})]


TEXT = '{"product": "tea", "euros": 5, "note": "for Ada"}'


def reads_the_payload(recorded):
    return getattr(recorded.payload, "cents", None)


def reads_the_text(recorded):
    return recorded.data.get("euros")


def reads_a_field_of_old(recorded):
    return recorded.data["euros"] if recorded.type == "test_laws.Priced" else 0


def counts_by_schema(recorded):
    return recorded.schema_version


def test_a_fold_that_reads_the_payload_reads_every_schema():
    assert repr(upcast_then_fold(by(reads_the_payload), old(TEXT))) == (
        "upcast, then fold: ReadsThePayload makes the same of 1 event in older schemas and of the same events "
        "as of today"
    )
    upcast_then_fold(by(reads_the_payload), old(TEXT), [Sent("Ada"), Priced("tea", 500, "for Ada")])


@pytest.mark.parametrize("one", [reads_the_text, reads_a_field_of_old, counts_by_schema], ids=lambda one: one.__name__)
def test_upcast_then_fold_catches_a_fold_that(one):
    step, text = breaks(upcast_then_fold, by(one), old(TEXT))
    assert step == 2
    assert "makes something else" in text or "raised KeyError: 'euros'" in text


def declared(upcast):
    """An event of schema 2 with this upcaster."""

    @event(name="test_laws.Changed", version=2)
    class Changed:
        product: str
        cents: int = 0
        note: str = ""
        first = staticmethod(upcaster(1)(upcast))

    return old(TEXT, 1, "test_laws.Changed"), Changed


UPCASTERS = {
    "forgets a field": (lambda p: {"product": p["product"], "cents": p["euros"] * 100}, "the upcasters lose 'note'"),
    "forgets to rename": (lambda p: {**p}, "leave 'euros', for which test_laws.Changed has no field"),
    "asks the clock": (lambda p: {"product": p["product"], "note": str(time.time())}, "asks clock, chance"),
    "draws lots": (lambda p: {"product": p["product"], "note": "", "cents": random.randrange(10**9)}, "asks clock"),
    "drops what is needed": (lambda p: {"note": p["note"]}, "missing required field `product`"),
}


@pytest.mark.parametrize("mistake", UPCASTERS)
def test_upcast_then_fold_catches_an_upcaster_that(mistake):
    upcast, said = UPCASTERS[mistake]
    step, text = breaks(upcast_then_fold, by(reads_the_payload), declared(upcast)[0])
    assert (step, said in text) == (2, True), text


def test_upcasters_are_held_against_what_was_meant():
    log, changed = declared(lambda p: {"product": p["product"], "cents": p["euros"], "note": p["note"]})
    upcast_then_fold(by(reads_the_payload), log)
    meant = [Sent("Ada"), changed("tea", 500, "for Ada")]
    assert "cents=5, note" in breaks(upcast_then_fold, by(reads_the_payload), log, meant)[1]
    with pytest.raises(EslabError, match="today has 1 event, expected 2"):
        upcast_then_fold(by(reads_the_payload), log, meant[:1])


# --- all at once ---


def test_what_was_found_is_a_table():
    found = check_laws(Doubled, PARCELS)
    assert [(one.law, one.result) for one in found] == [
        ("prefix law", "broken"),
        ("purity", "kept"),
        ("redelivery", "broken"),
        ("upcast, then fold", "does not apply"),
    ]
    assert [one.law for one in found.broken] == ["prefix law", "redelivery"]
    assert repr(found).splitlines()[3] == "upcast, then fold  does not apply  no event is of an older schema"
    assert "Doubled folded on from the state after 0 events" in repr(found) or "after 1 event" in repr(found)
    assert "<table>" in found._repr_html_()
    assert check_laws(Account, []).broken == []


def test_folding_the_same_list_twice_would_find_none_of_these():
    for offender in (Remembers, InBatches, by(reads_the_day), by(reads_the_environment), Doubled):

        def folded(fold):
            state = fold.initial()
            for recorded in PARCELS:
                state = fold.evolve(state, recorded)
            return state

        assert folded(offender()) == folded(offender())
        assert check_laws(offender, PARCELS).broken


def test_something_that_is_no_fold_is_refused():
    with pytest.raises(InvalidFold, match="is no fold"):
        prefix(object(), PARCELS)
    with pytest.raises(InvalidFold, match="keeps its view in tables"):
        pure(orders.Sales(":memory:"), PARCELS)
