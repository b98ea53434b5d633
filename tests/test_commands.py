"""Commands: validated, decided on, and appended; a refused one leaves no trace."""

import dataclasses
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from eslab import CommandBus, CommandHandler, CommandRefused, InvalidCommand, NewEvent, command
from eslab.domains import courses
from eslab.domains.bank import (
    DECIDER,
    HANDLERS,
    Account,
    AccountOpened,
    DepositMoney,
    DepositMoneyHandler,
    MoneyDeposited,
    MoneyWithdrawn,
    OpenAccount,
    WithdrawMoney,
)  # fmt: skip
from eslab.domains.courses import (
    ChangeCapacity,
    CourseDefined,
    DefineCourse,
    RegisterStudent,
    StudentSubscribed,
    SubscribeStudent,
    tagged,
)
from eslab.errors import (
    DuplicateCommand,
    InvalidName,
    InvalidPayload,
    InvalidPosition,
    MissingHandler,
    StoreUnavailable,
    WrongExpectedVersion,
)
from eslab.queries import Query, QueryItem
from eslab.stores.postgres import PostgresStore
from eslab.stores.sqlite import SqliteStore
from eslab.testing import FakeStore

ROOT = Path(__file__).parent.parent


@pytest.fixture
def bus():
    store = FakeStore()
    store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(100)])
    return CommandBus(store, HANDLERS)


def test_a_command_is_a_frozen_dataclass():
    wish = DepositMoney("1", 50)
    assert (wish, repr(wish)) == (DepositMoney("1", 50), "DepositMoney(account_id='1', amount=50)")
    with pytest.raises(dataclasses.FrozenInstanceError):
        wish.amount = 60


def test_a_command_leads_to_recorded_events(bus):
    (deposited,) = bus.dispatch(DepositMoney("1", 50))
    assert (deposited.payload, deposited.stream, deposited.version) == (MoneyDeposited(50), "account-1", 3)
    assert Account.replay(bus.store.load("account-1")).balance == 150


@pytest.mark.parametrize(
    ("wish", "refusal"),
    [
        (WithdrawMoney("1", 101), CommandRefused), (OpenAccount("1", "Eve"), CommandRefused),
        (DepositMoney("2", 5), CommandRefused), (DepositMoney("1", 0), InvalidCommand),
        (DepositMoney("1", 1.5), InvalidCommand), (DepositMoney("1", True), InvalidCommand),
    ],
    ids=repr,
)  # fmt: skip
def test_a_refused_command_leaves_no_trace(bus, wish, refusal):
    with pytest.raises(refusal):
        bus.dispatch(wish)
    assert bus.store.position == 2


def test_a_malformed_command_is_refused_before_anything_is_loaded(bus):
    bus.store.calls.clear()
    with pytest.raises(InvalidCommand):
        bus.dispatch(DepositMoney("1", -1))
    assert bus.store.calls == []


def test_a_command_without_a_handler_says_which_have_one(bus):
    @command
    class RobBank:
        pass

    with pytest.raises(
        MissingHandler, match="no handler for RobBank, only for: CloseAccount, DepositMoney, OpenAccount"
    ):
        bus.dispatch(RobBank())
    with pytest.raises(MissingHandler, match="only for: none"):
        CommandBus(bus.store, {}).dispatch(DepositMoney("1", 50))


@pytest.mark.parametrize(("missing", "has"), [("stream", {}), ("decides nothing", {"stream": lambda self, c: "x-1"})])
def test_a_handler_without_its_methods_says_what_to_give_it(bus, missing, has):
    handler = type("Half", (CommandHandler,), {"fold": Account, **has})()
    with pytest.raises(MissingHandler, match=missing):
        CommandBus(bus.store, {DepositMoney: handler}).dispatch(DepositMoney("1", 50))
    assert bus.store.position == 2


def test_a_handler_that_returns_nothing_or_one_event_is_told_to_return_a_list(bus):
    for wrong in (None, MoneyDeposited(50)):
        handler = type("Forgetful", (DepositMoneyHandler,), {"handle": lambda self, c, a, wrong=wrong: wrong})()
        with pytest.raises(InvalidPayload, match=r"append takes a list of events, not .*: put the events in \[ \]"):
            CommandBus(bus.store, {DepositMoney: handler}).dispatch(DepositMoney("1", 50))


def test_a_handler_may_yield_its_events_and_may_yield_none(bus):
    def handle(self, command, account):
        if command.amount > 1:
            yield MoneyDeposited(command.amount)

    generous = CommandBus(bus.store, {DepositMoney: type("G", (DepositMoneyHandler,), {"handle": handle})()})
    assert generous.dispatch(DepositMoney("1", 7)).payloads == [MoneyDeposited(7)]
    assert len(generous.dispatch(DepositMoney("1", 1))) == 0


def test_a_handler_may_decide_with_a_decider(bus):
    class Withdraw(DepositMoneyHandler):
        fold = DECIDER

        def handle(self, command, state):
            return DECIDER.decide(command, state)

    assert CommandBus(bus.store, {WithdrawMoney: Withdraw()}).dispatch(WithdrawMoney("1", 30)).payloads == [
        MoneyWithdrawn(30)
    ]


def test_events_name_the_command_that_led_to_them(bus):
    (deposited,) = bus.dispatch(DepositMoney("1", 50))
    assert deposited.metadata == {
        "correlation_id": deposited.causation_id, "causation_id": deposited.causation_id, "command": "DepositMoney"
    }  # fmt: skip
    (withdrawn,) = bus.dispatch(WithdrawMoney("1", 10), metadata={"correlation_id": "visit-7", "by": "Ada"})
    assert (withdrawn.correlation_id, withdrawn.metadata["by"]) == ("visit-7", "Ada")
    assert withdrawn.causation_id not in ("visit-7", deposited.causation_id, None)


# --- conflicts ------------------------------------------------------------------------------------------------------


class Busy(FakeStore):
    """Somebody else deposits 1 just before each append of ours, at most `times`."""

    def __init__(self, times=1_000, **options):
        super().__init__(**options)
        super().append("account-1", [AccountOpened("Ada"), MoneyDeposited(100)])
        self.times = times

    def append(self, stream, events=None, **options):
        if self.times > 0:
            self.times -= 1
            self.somebody_else_appends("account-1", MoneyDeposited(1))
        return super().append(stream, events, **options)


def test_somebody_elses_write_between_load_and_append_lets_the_bus_decide_again(bus):
    bus.store.somebody_else_appends("account-1", MoneyDeposited(5))
    (withdrawn,) = bus.dispatch(WithdrawMoney("1", 100))
    assert (withdrawn.payload, withdrawn.version) == (MoneyWithdrawn(100), 4)
    assert [call.verb for call in bus.store.calls[1:]] == ["load", "append", "load", "append"]


def test_a_wish_that_the_new_facts_forbid_is_refused_and_no_conflict(bus):
    bus.store.somebody_else_appends("account-1", MoneyWithdrawn(100))
    with pytest.raises(CommandRefused, match="balance is 0"):
        bus.dispatch(WithdrawMoney("1", 100))
    assert bus.store.load("account-1").payloads[-1] == MoneyWithdrawn(100)


def test_a_bus_with_one_attempt_never_decides_again(bus):
    bus.store.somebody_else_appends("account-1", MoneyWithdrawn(100))
    with pytest.raises(WrongExpectedVersion, match=r"is at version 3, not 2: .*, then append$") as late:
        CommandBus(bus.store, HANDLERS, attempts=1).dispatch(WithdrawMoney("1", 100))
    assert (late.value.facts["attempts"], bus.store.position) == (1, 3)


def test_a_bus_that_is_late_each_time_gives_up_and_says_how_often_it_tried(monkeypatch):
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with pytest.raises(
        WrongExpectedVersion, match=r"at version 6, not 5: .*\(the bus did, and was late 4 times\)"
    ) as late:
        CommandBus(Busy(), HANDLERS, attempts=4, pause=10).dispatch(DepositMoney("1", 50))
    assert (late.value.attempts, late.value.expected, late.value.actual) == (4, 5, 6)
    assert [pause >= low for pause, low in zip(pauses, (5, 5), strict=True)] == [True, True]


def test_a_pause_is_no_shorter_than_asked_for_and_longer_by_a_chance(monkeypatch):
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    CommandBus(Busy(times=4), HANDLERS, pause=1).dispatch(DepositMoney("1", 50))
    assert [int(pause) in some for pause, some in zip(pauses, [(1, 2), (2, 3), (4, 5)], strict=True)] == [True] * 3
    assert len({pause % 1 for pause in pauses}) > 1


def test_a_command_is_validated_once_however_often_it_is_decided():
    class Counting(DepositMoneyHandler):
        validated = decided = 0

        def validate(self, command):
            Counting.validated += 1

        def handle(self, command, account):
            Counting.decided += 1
            return super().handle(command, account)

    CommandBus(Busy(times=2), {DepositMoney: Counting()}, pause=0).dispatch(DepositMoney("1", 50))
    assert (Counting.validated, Counting.decided) == (1, 3)


@pytest.fixture
def office():
    office = CommandBus(FakeStore(), courses.HANDLERS, pause=0)
    for wish in (DefineCourse("chess", 2), RegisterStudent("s1", "ada"), RegisterStudent("s2", "alan")):
        office.dispatch(wish)
    return office


def test_what_came_within_the_boundary_lets_the_bus_decide_again(office):
    office.store.somebody_else_appends("course-chess", tagged(StudentSubscribed("chess", "s1")))
    (subscribed,) = office.dispatch(SubscribeStudent("chess", "s2"))
    assert (subscribed.payload, subscribed.position) == (StudentSubscribed("chess", "s2"), 5)


def test_what_came_within_the_boundary_may_forbid_the_wish(office):
    office.dispatch(ChangeCapacity("chess", 1))
    office.store.somebody_else_appends("course-chess", tagged(StudentSubscribed("chess", "s1")))
    with pytest.raises(CommandRefused, match="1 of 1 seats are taken"):
        office.dispatch(SubscribeStudent("chess", "s2"))


def test_what_came_while_the_handler_decided_counts_as_well(office):
    handler = courses.HANDLERS[SubscribeStudent]

    class Slow(type(handler)):
        def handle(self, command, state):
            if not state.seats:
                office.store.append("course-chess", [tagged(StudentSubscribed("chess", "s1"))])
            return super().handle(command, state)

    slow = CommandBus(office.store, {SubscribeStudent: Slow()})
    office.dispatch(ChangeCapacity("chess", 1))
    with pytest.raises(CommandRefused, match="1 of 1 seats are taken"):
        slow.dispatch(SubscribeStudent("chess", "s2"))


def at_once(*doings):
    """What each of several threads returns."""
    start = threading.Barrier(len(doings), timeout=30)
    with ThreadPoolExecutor(len(doings)) as pool:
        return [done.result() for done in [pool.submit(lambda do=do: (start.wait(), do())[1]) for do in doings]]


def test_nothing_is_lost_when_several_deposit_at_the_same_time(store):
    store.append("account-1", [AccountOpened("Ada")])
    bus = CommandBus(store, HANDLERS, attempts=100, pause=0.001)
    at_once(*[lambda: [bus.dispatch(DepositMoney("1", 1)) for _ in range(8)]] * 4)
    assert Account.replay(store.load("account-1")).balance == 32


@pytest.mark.slow
def test_a_conflict_prints_nothing_into_the_notebook():
    code = """
from tests.test_commands import *
bus = CommandBus(Busy(times=3), HANDLERS, pause=0.001)
print(bus.dispatch(DepositMoney("1", 50))[-1].version)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("6\n", "")


# --- once -----------------------------------------------------------------------------------------------------------


def test_a_command_that_comes_again_under_its_id_gets_the_first_answer(bus):
    first = bus.dispatch(DepositMoney("1", 50), id="pay-7")
    bus.dispatch(WithdrawMoney("1", 150))
    assert bus.dispatch(DepositMoney("1", 50), id="pay-7") == first
    assert (bus.store.position, first[0].tags, first[0].causation_id) == (4, ("command:pay-7",), "pay-7")


def test_the_first_answer_is_given_even_if_today_the_wish_would_be_refused(bus):
    first = bus.dispatch(WithdrawMoney("1", 100), id="all-of-it")
    assert bus.dispatch(WithdrawMoney("1", 100), id="all-of-it") == first
    with pytest.raises(CommandRefused):
        bus.dispatch(WithdrawMoney("1", 100), id="once-more")


@pytest.mark.parametrize("other", [DepositMoney("1", 51), DepositMoney("2", 50), WithdrawMoney("1", 50)], ids=repr)
def test_the_id_of_a_command_is_taken_for_any_other(bus, other):
    bus.dispatch(DepositMoney("1", 50), id="pay-7")
    bus.store.append("account-2", [AccountOpened("Grace")])
    with pytest.raises(DuplicateCommand, match="command id 'pay-7' is taken by DepositMoney, at position 3"):
        bus.dispatch(other, id="pay-7")
    assert bus.store.position == 4


def test_an_event_that_has_the_tag_of_a_command_by_hand_is_no_answer(bus):
    bus.store.append("account-1", [NewEvent(MoneyDeposited(50), tags=["command:pay-7"])])
    with pytest.raises(DuplicateCommand, match="taken by something that is no command, at position 3"):
        bus.dispatch(DepositMoney("1", 50), id="pay-7")


def test_nothing_of_a_command_is_kept_but_its_name_and_a_digest(bus):
    (opened,) = bus.dispatch(OpenAccount("2", "Grace"), id="open-2")
    assert {*opened.metadata} == {"correlation_id", "causation_id", "command", "command_digest", "tags"}
    assert "Grace" not in opened.metadata_text


def test_a_command_with_an_id_that_recorded_nothing_is_decided_again(bus):
    class OnlyLarge(DepositMoneyHandler):
        smallest = 10

        def handle(self, command, account):
            return [MoneyDeposited(command.amount)] if command.amount >= self.smallest else []

    choosy = CommandBus(bus.store, {DepositMoney: OnlyLarge()})
    assert len(choosy.dispatch(DepositMoney("1", 5), id="five")) == 0
    OnlyLarge.smallest = 1
    assert choosy.dispatch(DepositMoney("1", 5), id="five").payloads == [MoneyDeposited(5)]


def test_what_a_handler_says_of_its_events_stays_beside_the_id(bus):
    said = NewEvent(MoneyDeposited(5), tags=["by:ada"], metadata={"tags": ["in:cash"], "command_digest": "old", "n": 1})
    careful = type("Careful", (DepositMoneyHandler,), {"handle": lambda self, command, account: [said]})()
    talking = CommandBus(bus.store, {DepositMoney: careful})
    first = talking.dispatch(DepositMoney("1", 5), id="five", metadata={"tags": ["till:3"]})
    assert ({"by:ada", "in:cash", "command:five"} <= {*first[0].tags}, first[0].metadata["n"]) == (True, 1)
    assert talking.dispatch(DepositMoney("1", 5), id="five") == first


@pytest.mark.parametrize(
    ("id", "refusal"),
    [("", "the id of a command is ''"), (7, "the id of a command is 7"), ("x" * 250, "the tag of a command is")],
)
def test_an_id_that_cannot_be_kept_is_refused(bus, id, refusal):
    with pytest.raises(InvalidName, match=refusal):
        bus.dispatch(DepositMoney("1", 50), id=id)
    assert bus.store.position == 2


def test_a_command_that_cannot_be_told_from_another_gets_no_id(bus):
    @command
    class Bring:
        account_id: str
        thing: object

    everything = CommandBus(bus.store, {Bring: DepositMoneyHandler()})
    with pytest.raises(InvalidCommand, match=r"Bring cannot be told from another, because .*: give its fields plain"):
        everything.dispatch(Bring("1", object()), id="b")


def test_an_answer_that_was_lost_can_be_asked_for_again():
    store = FakeStore(lose_answer_of_append=2)
    store.append("account-1", [AccountOpened("Ada")])
    bus = CommandBus(store, HANDLERS)
    with pytest.raises(StoreUnavailable):
        bus.dispatch(DepositMoney("1", 50), id="pay-7")
    assert bus.dispatch(DepositMoney("1", 50), id="pay-7").payloads == [MoneyDeposited(50)]
    assert store.position == 2


class Twin(FakeStore):
    """Just before the append of a command, the same command is dispatched elsewhere, and is faster."""

    twin = None

    def append(self, stream, events=None, **options):
        twin, self.twin = self.twin, None
        if twin is not None:
            self.faster = twin()
        return super().append(stream, events, **options)


@pytest.mark.parametrize("attempts", [1, 5])
@pytest.mark.parametrize(
    ("handlers", "before", "wish"),
    [
        (HANDLERS, [OpenAccount("1", "Ada")], DepositMoney("1", 50)),
        (courses.HANDLERS, [DefineCourse("chess", 2)], ChangeCapacity("chess", 3)),
    ],
    ids=["stream", "boundary"],
)
def test_two_who_dispatch_the_same_command_at_once_get_the_same_answer(handlers, before, wish, attempts):
    store = Twin()
    bus = CommandBus(store, handlers, attempts=attempts)
    bus.dispatch(*before)
    store.twin = lambda: bus.dispatch(wish, id="w")
    assert bus.dispatch(wish, id="w") == store.faster
    assert store.position == 2


def test_two_who_take_the_same_id_at_once_for_different_commands_do_not_both_get_it():
    store = Twin()
    bus = CommandBus(store, HANDLERS)
    for account in ("1", "2"):
        bus.dispatch(OpenAccount(account, "Ada"))
    store.twin = lambda: bus.dispatch(DepositMoney("2", 50), id="pay-7")
    with pytest.raises(DuplicateCommand):
        bus.dispatch(DepositMoney("1", 50), id="pay-7")
    assert store.position == 3


COURSES = Query(QueryItem(types=[courses.CourseDefined]))


class CapacityOfAll(type(courses.HANDLERS[ChangeCapacity])):
    """Its own events are not among those that it decides on."""

    def boundary(self, command):
        return COURSES


class TwinWhileReading(Twin):
    """The same command is faster already before the decision is read, and a course is defined after it."""

    def read(self, **options):
        twin, self.twin = (None, self.twin) if options["query"] != COURSES else (self.twin, None)
        if twin is not None:
            self.faster = twin()
            super().append("course-go", [tagged(CourseDefined("go", 5))])
        return super().read(**options)


@pytest.mark.parametrize("kind", [Twin, TwinWhileReading])
def test_a_twin_outside_of_the_boundary_is_seen_too(kind):
    store = kind()
    bus = CommandBus(store, {**courses.HANDLERS, ChangeCapacity: CapacityOfAll()})
    bus.dispatch(DefineCourse("chess", 2))
    store.twin = lambda: bus.dispatch(ChangeCapacity("chess", 3), id="more")
    assert bus.dispatch(ChangeCapacity("chess", 3), id="more") == store.faster


def test_threads_that_dispatch_the_same_command_record_it_once(store):
    bus = CommandBus(store, HANDLERS, pause=0.001)
    bus.dispatch(OpenAccount("1", "Ada"))
    answers = at_once(*[lambda: bus.dispatch(DepositMoney("1", 50), id="pay-7")] * 6)
    assert (len(set(answers)), store.position) == (1, 2)


# --- once, also after a crash ---------------------------------------------------------------------------------------

PAY = """
import os, signal, sys
from eslab.commands import CommandBus
from eslab.domains.bank import HANDLERS, DepositMoney
from eslab.stores.postgres import PostgresStore
from eslab.stores.sqlite import SqliteStore

where, schema, dies = sys.argv[1:]
store = PostgresStore(where, schema=schema) if schema else SqliteStore(where)
append = store.append
def append_and_die(*given, **options):
    append(*given, **options)
    os.kill(os.getpid(), signal.SIGKILL)
if dies:
    store.append = append_and_die
print("ready", flush=True)
sys.stdin.readline()
for n in range(20):
    print(*(r.id for r in CommandBus(store, HANDLERS).dispatch(DepositMoney("1", 50), id=f"pay-{n}")))
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def place(request, tmp_path):
    """Where a store is that several processes open: a path and "", or an address and a schema."""
    if request.param == "sqlite":
        yield str(tmp_path / "bank.db"), ""
    else:
        postgres = request.getfixturevalue("postgres")
        yield postgres.dsn, postgres.schema()


@contextmanager
def opened(place):
    where, schema = place
    with PostgresStore(where, schema=schema) if schema else SqliteStore(where) as store:
        yield store


def process(place, dies=""):
    made = subprocess.Popen(
        [sys.executable, "-c", PAY, *place, dies], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    made.stdout.readline()
    return made


def test_a_command_whose_process_was_killed_before_the_answer_is_not_recorded_twice(place):
    with opened(place) as store:
        bus = CommandBus(store, HANDLERS)
        bus.dispatch(OpenAccount("1", "Ada"))
        killed = process(place, dies="after the append")
        killed.communicate("go\n", timeout=60)
        assert (killed.returncode, store.position) == (-signal.SIGKILL, 2)
        assert bus.dispatch(DepositMoney("1", 50), id="pay-0")[0].position == 2
        assert store.position == 2


@pytest.mark.slow
def test_processes_that_dispatch_the_same_commands_record_each_once(place):
    with opened(place) as store:
        CommandBus(store, HANDLERS).dispatch(OpenAccount("1", "Ada"))
        several = [process(place) for _ in range(4)]
        for one in several:
            one.stdin.write("go\n")
            one.stdin.flush()
        answers = {one.communicate(timeout=120)[0] for one in several}
        assert (len(answers), store.position) == (1, 21)


# --- what follows from what -----------------------------------------------------------------------------------------


def test_each_step_of_a_story_names_the_one_before_and_shares_its_correlation_id(bus):
    (opened,) = bus.dispatch(OpenAccount("2", "Grace"))
    (given,) = bus.dispatch(WithdrawMoney("1", 10), cause=opened)
    (taken,) = bus.dispatch(DepositMoney("2", 10), cause=given, metadata={"by": "Ada"})
    assert [step.causation_id for step in (given, taken)] == [opened.id, given.id]
    assert {step.correlation_id for step in (opened, given, taken)} == {opened.causation_id}
    assert (taken.metadata["command"], taken.metadata["by"]) == ("DepositMoney", "Ada")


def test_a_cause_without_a_correlation_id_gives_its_own(bus):
    first = bus.store.load("account-1")[0]
    (withdrawn,) = bus.dispatch(WithdrawMoney("1", 10), cause=first, id="w-1")
    assert (withdrawn.correlation_id, withdrawn.causation_id) == (first.id, first.id)


def test_a_cause_is_one_event(bus):
    with pytest.raises(InvalidCommand, match=r"the cause is History, expected one recorded event: .*recorded\[-1\]"):
        bus.dispatch(WithdrawMoney("1", 10), cause=bus.store.load("account-1"))


# --- the wiring -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handlers", "refusal"),
    [
        ([DepositMoneyHandler()], r"the handlers are \[DepositMoneyHandler\(\)\], expected a dict"),
        ({DepositMoney: DepositMoneyHandler}, "DepositMoney is wired to the class DepositMoneyHandler, expected"),
        ({DepositMoney: print}, "DepositMoney is wired to <built-in function print>, expected an object of a Command"),
        ({"DepositMoney": DepositMoneyHandler()}, "'DepositMoney' is no class with @command above it"),
        ({MoneyDeposited: DepositMoneyHandler()}, "MoneyDeposited'> is no class with @command above it"),
        ({DepositMoney("1", 5): DepositMoneyHandler()}, "DepositMoney.*amount=5.* is no class with @command"),
    ],
)  # fmt: skip
def test_a_wiring_that_is_none_is_refused_before_any_command_comes(handlers, refusal):
    with pytest.raises(MissingHandler, match=f"{refusal}.*write {{DepositMoney: DepositMoneyHandler"):
        CommandBus(FakeStore(), handlers)


@pytest.mark.parametrize("attempts", [0, -1, 1.5, True, None])
def test_a_bus_decides_at_least_once(attempts):
    with pytest.raises(InvalidPosition, match="expected how often to decide at most: 1 or more"):
        CommandBus(FakeStore(), HANDLERS, attempts=attempts)


def test_a_bus_says_what_it_has(bus):
    assert repr(bus) == "<CommandBus: 4 handlers, <FakeStore: 2 events>>"


def test_the_wiring_may_change_later_without_changing_the_bus():
    wiring = dict(HANDLERS)
    bus = CommandBus(FakeStore(), wiring)
    wiring.clear()
    assert len(bus.dispatch(OpenAccount("1", "Ada"))) == 1
