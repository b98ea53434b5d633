"""Aggregates: rebuilt from events, and changed by nothing else."""

import dataclasses
import datetime as dt

import pytest

from eslab import Aggregate, Decider, History, MemoryStore, Repository, event, fold, record, unhandled
from eslab.domains.bank import DECIDER, Account, AccountOpened, AccountState, MoneyDeposited, MoneyWithdrawn
from eslab.errors import (
    EmitDuringApply,
    StateSetOutsideApply,
    UnhandledEvent,
    UnreadablePayload,
    VersionGap,
    WrongExpectedVersion,
)
from eslab.events import Recorded

DAY = dt.datetime(2026, 5, 3, tzinfo=dt.UTC)


@event(name="test_aggregates.LampLit")
class LampLit:
    colour: str


@event(name="test_aggregates.LampPutOut")
class LampPutOut:
    pass


class Lamp(Aggregate):
    def __init__(self):
        self.colour = ""
        self.seen = []

    def apply(self, event):
        match event:
            case LampLit(colour):
                self.colour = colour
                self.seen = [*self.seen, colour]
            case _:
                raise unhandled(self, event)

    def paint(self, colour):
        self.colour = colour

    def light(self, colour):
        self.emit(LampLit(colour))


class LampThatEchoes(Lamp):
    def apply(self, event):
        super().apply(event)
        self.emit(LampLit("echo"))


def lamp_events(*payloads, first=1):
    return [
        record(one, stream="lamp-1", version=n, position=n, recorded_at=DAY) for n, one in enumerate(payloads, first)
    ]


# --- the guard ---


def test_state_set_outside_apply_is_refused_with_an_error_that_teaches():
    lamp = Lamp.replay(lamp_events(LampLit("red")))
    for change in (
        lambda: setattr(lamp, "colour", "blue"),
        lambda: lamp.paint("blue"),
        lambda: delattr(lamp, "colour"),
    ):
        with pytest.raises(StateSetOutsideApply, match=r"Lamp.colour was set outside apply: no event says so"):
            change()
    assert lamp.colour == "red"


def test_the_guard_is_closed_from_the_beginning_and_again_after_an_error():
    lamp = Lamp()
    with pytest.raises(StateSetOutsideApply):
        lamp.colour = "blue"
    with pytest.raises(UnhandledEvent):
        lamp.emit(LampPutOut())
    with pytest.raises(StateSetOutsideApply):
        lamp.colour = "blue"
    assert lamp.pending == ()


@pytest.mark.parametrize("name", ["version", "pending", "brand_new", "category"])
def test_the_machinery_and_new_attributes_are_guarded_too(name):
    with pytest.raises(StateSetOutsideApply):
        setattr(Lamp(), name, 7)


def test_an_event_emitted_while_an_event_is_applied_is_refused():
    with pytest.raises(EmitDuringApply, match="so every replay would emit it again"):
        LampThatEchoes.replay(lamp_events(LampLit("red")))
    with pytest.raises(EmitDuringApply):
        LampThatEchoes().light("red")


# --- deciding ---


def test_what_is_emitted_is_applied_at_once_and_waits():
    lamp = Lamp()
    lamp.light("red")
    lamp.light("green")
    assert (lamp.colour, lamp.pending, lamp.version) == ("green", (LampLit("red"), LampLit("green")), 0)
    assert repr(lamp) == "Lamp(colour='green', seen=['red', 'green']) at version 0, 2 pending"


# --- replaying ---


def test_state_is_what_follows_from_the_events():
    account = Account.replay(MemoryStore().append("account-1", [AccountOpened("Ada"), MoneyDeposited(100)]))
    assert (account.owner, account.balance, account.status, account.version) == ("Ada", 100, "open", 2)
    assert account.state == {"owner": "Ada", "balance": 100, "status": "open"}


def test_an_unknown_event_is_loud():
    with pytest.raises(UnhandledEvent, match=r"Lamp has no case for LampPutOut: .* Add `case LampPutOut\(...\)`"):
        Lamp.replay(lamp_events(LampLit("red"), LampPutOut()))


def test_an_aggregate_without_apply_is_loud():
    with pytest.raises(UnhandledEvent):
        type("Empty", (Aggregate,), {}).replay(lamp_events(LampLit("red")))


def test_an_unreadable_event_is_loud(bank):
    lost = Recorded(*(getattr(bank[0], name) for name in Recorded.__struct_fields__[:-2]), "[]", "{}")
    with pytest.raises(UnreadablePayload, match="version 1 of stream 'account-1'"):
        Account.replay([lost])


@pytest.mark.parametrize("places", [[1, 2], [0, 2], [0, 0], [1, 0], [0, 1, 1]], ids=str)
def test_a_missing_or_repeated_version_is_refused(bank, places):
    with pytest.raises(VersionGap, match="replay the events of one stream, from the first, in order"):
        Account.replay([bank[place] for place in places])


def test_a_class_that_was_run_again_without_its_fold_is_loud():
    old = LampLit

    @event(name="test_aggregates.LampLit.again")
    class LampLit2:
        colour: str

    with pytest.raises(UnhandledEvent, match="run the cells of the event and of Lamp again"):
        Lamp.replay(lamp_events(LampLit2("red")))
    assert Lamp.replay(lamp_events(old("red"))).colour == "red"


def test_two_aggregates_with_the_same_past_are_equal():
    past = lamp_events(LampLit("red"))
    assert Lamp.replay(past) == Lamp.replay(past) != Lamp()
    assert Lamp.initial() is not Lamp.initial()
    with pytest.raises(TypeError, match="unhashable"):
        hash(Lamp())


def test_a_category_is_the_class_name_unless_it_is_given():
    assert (Lamp.category, LampThatEchoes.category) == ("lamp", "lamp")  # a kind of lamp stays in the streams of lamps
    assert type("Torch", (Aggregate,), {"category": "light"}).category == "light"


# --- both forms are folds ---


def test_an_aggregate_class_and_a_decider_tell_the_same(bank):
    account, state = fold(bank, Account), fold(bank, DECIDER)
    assert account.state == dataclasses.asdict(state) == {"owner": "Ada", "balance": 70, "status": "open"}
    assert account == Account.replay(bank)
    assert fold([], DECIDER) == AccountState()


def test_a_decider_evolves_without_touching_the_state_before(bank):
    before = fold(bank[:1], DECIDER)
    after = DECIDER.evolve(before, bank[1])
    assert (before.balance, after.balance) == (0, 100)


def test_a_decider_is_loud_about_unknown_events(bank):
    with pytest.raises(UnhandledEvent, match="evolve has no case for LampLit"):
        fold([*bank, *lamp_events(LampLit("red"))], DECIDER)


def test_a_decider_says_what_it_decides_on():
    assert repr(DECIDER) == "Decider(account)"
    assert repr(Decider(initial_state=0, decide=lambda c, s: [], evolve=lambda s, e: s)) == "Decider(test_aggregates)"


# --- repository ---


def test_a_repository_loads_decides_and_saves(store):
    accounts = Repository(store, Account)
    ada = accounts.load("1")
    ada.open("Ada")
    ada.deposit(100)
    saved = accounts.save("1", ada, metadata={"by": "Ada"})
    assert (type(saved), len(saved), ada.version, ada.pending) == (History, 2, 2, ())
    assert saved[1].metadata == {"by": "Ada"}
    assert accounts.load("1") == ada
    ada.withdraw(30)
    accounts.save("1", ada)
    assert accounts.load("1").balance == 70
    assert accounts.load("1", until=2).balance == 100


def test_a_save_on_a_stale_version_is_refused_and_keeps_what_was_decided(store):
    accounts = Repository(store, Account)
    store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(100)])
    mine, theirs = accounts.load("1"), accounts.load("1")
    theirs.withdraw(100)
    accounts.save("1", theirs)
    mine.withdraw(60)
    with pytest.raises(WrongExpectedVersion):
        accounts.save("1", mine)
    assert (mine.version, mine.pending) == (2, (MoneyWithdrawn(60),))
    assert accounts.load("1").balance == 0


def test_a_save_of_nothing_records_nothing(store):
    assert len(Repository(store, Account).save("1", Account())) == 0
    assert store.position == 0
