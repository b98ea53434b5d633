"""Reactors act on new events only; what they ask for is kept, and delivered at least once, with the same key."""

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from postgres import Postgres

from eslab import (
    CommandBus,
    CommandRefused,
    Decider,
    MemoryStore,
    Projection,
    Projector,
    Timeline,
    command,
    event,
    fold,
)
from eslab.commands import CommandHandler
from eslab.domains.services import Hands
from eslab.errors import (
    EffectOnReplay,
    EmitDuringApply,
    InvalidName,
    InvalidPayload,
    InvalidPosition,
    InvalidTime,
    MissingHandler,
    NotCaughtUp,
    ProjectionFailed,
    StillRunning,
    StoreUnavailable,
)  # fmt: skip
from eslab.events import Recorded, record
from eslab.processes import Delivery, Later, Outgoings, ProcessManager, Reactor, message
from eslab.processes import delivery as delivery_module
from eslab.processes.messages import read, written
from eslab.processes.outbox import Outbox, asked
from eslab.projections import live
from eslab.stores.sqlite import SqliteStore
from eslab.testing import NEW_YEAR, FakeStore
from eslab.wiring import wiring_faults

HOUR = dt.timedelta(hours=1)


@event(name="test_processes.BellRung")
class BellRung:
    by: str


@message
class Greet:
    name: str


@message
class Whisper:
    name: str


@command
class RingBell:
    bell: str
    by: str


class RingBellHandler(CommandHandler[RingBell, int]):
    fold = Decider(initial_state=0, decide=lambda c, rung: [BellRung(c.by)], evolve=lambda rung, e: rung + 1)

    def stream(self, command):
        return f"bell-{command.bell}"

    def handle(self, command, rung):
        if rung >= 3:
            raise CommandRefused("the bell is worn out: get another one")
        return [BellRung(command.by)]


class Greeter(Reactor):
    """Greets whoever rings."""

    sends = (Greet,)

    def react(self, recorded: Recorded, /) -> Any:
        return [Greet(recorded.payload.by)]


@pytest.fixture
def hands():
    return Hands()


@pytest.fixture
def store(hands):
    return FakeStore(clock=hands)


def ring(store, *names, bell="1"):
    for name in names:
        store.append(f"bell-{bell}", [BellRung(name)])


def reacting(react, *sends):
    """A reactor with this function, which begins with the next event."""
    return type("Reacting", (Reactor,), {"sends": sends, "react": lambda self, recorded: react(recorded)})


def delivery_of(store, reactor=Greeter, receivers=None, **options):
    """A delivery that has begun, of a reactor, or of its projector."""
    projector = reactor if isinstance(reactor, Projector) else Projector(store, reactor, pause=0)
    made = Delivery(projector, receivers or {}, **options)
    made.deliver()
    return made


class Greeted(list):
    """A receiver that notes whom it greeted, with which key, and fails as often as it is told."""

    def __init__(self, fails=0):
        super().__init__()
        self.fails = fails

    def __call__(self, greeting, key):
        if self.fails:
            self.fails -= 1
            raise ConnectionError("nobody at home")
        self.append((greeting.name, key))

    @property
    def names(self):
        return [name for name, _ in self]


# --- messages -------------------------------------------------------------------------------------------------------


def test_a_message_reads_back_as_it_was_written():
    for one in (Greet("Ada"), RingBell("1", "Ø \x00")):
        assert read(type(one), written(one)) == one


@pytest.mark.parametrize("wrong", [Greet(("Ada",)), Greet(float("nan")), "Greet", {"name": "Ada"}, Greet], ids=repr)
def test_what_would_not_read_back_is_refused(wrong):
    if wrong in ("Greet", {"name": "Ada"}):
        with pytest.raises(MissingHandler, match=r"asked for (str|dict), but says that it sends Greet"):
            list(asked(reacting(lambda recorded: [wrong], Greet)(), one_ring()))
    else:
        with pytest.raises(InvalidPayload, match="cannot be kept in an outbox"):
            written(wrong)


def one_ring():
    return record(BellRung("Ada"), stream="bell-1", version=1, position=1, recorded_at=NEW_YEAR)


@pytest.mark.parametrize(
    "when", [{}, {"after": HOUR, "at": NEW_YEAR}, {"after": 5}, {"at": NEW_YEAR.replace(tzinfo=None)}], ids=repr
)
def test_later_is_after_a_while_or_at_a_moment(when):
    with pytest.raises(InvalidTime):
        Later(Greet("Ada"), **when)


# --- reactors -------------------------------------------------------------------------------------------------------


def test_a_reactor_acts_on_new_events_only(store):
    greeted = Greeted()
    ring(store, "Ada")
    delivery = delivery_of(store, receivers={Greet: greeted})
    ring(store, "Bob")
    assert repr(delivery.deliver()) == '1 delivered\n  <Greeter: Greet {"name":"Bob"} from position 2: delivered>'
    assert greeted == [("Bob", "Greeter:event-2:1")]


def test_a_reactor_acts_on_no_event_twice(store):
    greeted = Greeted()
    delivery = delivery_of(store, receivers={Greet: greeted})
    ring(store, "Ada")
    for _ in range(3):
        delivery.deliver()
    assert greeted.names == ["Ada"]


@pytest.mark.parametrize("replay", [
    lambda store, projector: projector.rebuild(),
    lambda store, projector: Timeline(store.load("bell-1"), Greeter()),
    lambda store, projector: live(store, Greeter),
    lambda store, projector: fold(store.load("bell-1"), Greeter()),
    lambda store, projector: Greeter().evolve({}, store.load("bell-1")[0]),
], ids=["rebuild", "timeline", "live", "fold", "evolve"])  # fmt: skip
def test_a_replay_moves_no_reactor(store, replay):
    greeted = Greeted()
    delivery = delivery_of(store, receivers={Greet: greeted})
    ring(store, "Ada")
    delivery.deliver()
    with pytest.raises(EffectOnReplay, match="Greeter"):
        replay(store, delivery.projector)
    delivery.deliver()
    assert greeted.names == ["Ada"]


def test_a_view_beside_a_reactor_is_rebuilt_and_nobody_is_greeted_again(store):
    class Rings(Projection):
        def evolve(self, rings, recorded):
            return {**rings, recorded.payload.by: rings.get(recorded.payload.by, 0) + 1}

    greeted = Greeted()
    delivery = delivery_of(store, Projector(store, Greeter, Rings), {Greet: greeted})
    ring(store, "Ada", "Ada")
    delivery.deliver()
    delivery.projector.rebuild("Rings")
    delivery.deliver()
    assert (delivery.projector["Rings"].state, greeted.names) == ({"Ada": 2}, ["Ada", "Ada"])


def test_a_reactor_that_appends_is_refused_and_says_why(store):
    def react(recorded):
        store.append("bell-2", [BellRung("echo")])

    delivery = delivery_of(store, reacting(react, Greet), {Greet: Greeted()})
    ring(store, "Ada")
    with pytest.raises(ProjectionFailed, match="EmitDuringApply") as refused:
        delivery.deliver()
    assert isinstance(refused.value.__cause__, EmitDuringApply)
    assert (store.position, len(delivery.projector.dead_letters)) == (1, 1)


@pytest.mark.parametrize(("said", "expected"), [
    (None, "expected a list of messages"), (Greet("Ada"), "put them in"), ([Whisper("Ada")], "sends Greet"),
    ([5], "asked for int"), ("Ada", "expected a list of messages"), ([Later(Later(Greet("A"), HOUR), HOUR)], "Later"),
], ids=repr)  # fmt: skip
def test_what_react_says_must_be_messages_that_it_sends(said, expected):
    with pytest.raises((InvalidPayload, MissingHandler), match=expected):
        list(asked(reacting(lambda recorded: said, Greet)(), one_ring()))


def test_an_event_that_a_reactor_cannot_handle_waits_and_is_acted_upon_later(store):
    trouble = ["Bob"]

    def react(recorded):
        if recorded.payload.by in trouble:
            raise ValueError("who is Bob?")
        return [Greet(recorded.payload.by)]

    greeted = Greeted()
    delivery = delivery_of(store, reacting(react, Greet), {Greet: greeted})
    ring(store, "Ada", "Bob", "Cleo")
    ring(store, "Dora", bell="2")
    with pytest.raises(ProjectionFailed, match="who is Bob"):
        delivery.deliver()
    assert greeted.names == ["Ada", "Dora"]
    trouble.clear()
    assert delivery.projector.retry() == 2
    delivery.deliver()
    assert greeted.names == ["Ada", "Dora", "Bob", "Cleo"]


def test_a_process_needs_a_memory_with_a_name():
    for memory in [{}, {"memory": Decider(initial_state=0, decide=print, evolve=print)}]:
        with pytest.raises(InvalidName, match="process Forgetful has no memory with a category"):
            type("Forgetful", (ProcessManager,), memory)()


def test_the_place_of_an_outbox_is_said_as_that_of_a_store(tmp_path):
    server = Greeter("postgresql://ada@here/bells?schema=mails")
    assert (server.place, server.schema) == ("postgresql://ada@here/bells", "mails")
    assert Greeter("postgresql://ada@here/bells").schema == "views"
    assert Greeter(tmp_path / "a?schema=b.db").place.endswith("a?schema=b.db")


def test_a_reactor_is_called_as_a_table_can_be():
    with pytest.raises(InvalidName, match="'Ada; DROP', expected at most 40 letters"):
        type("Odd", (Greeter,), {"name": "Ada; DROP"})().read_model()


# --- delivery -------------------------------------------------------------------------------------------------------


def test_a_crash_between_handing_over_and_noting_brings_it_again_with_the_same_key(store, monkeypatch):
    greeted = Greeted()
    delivery = delivery_of(store, receivers={Greet: greeted})
    ring(store, "Ada")
    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "note", lambda self, one: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            delivery.deliver()
    delivery.deliver()
    assert greeted == [("Ada", "Greeter:event-1:1")] * 2


def test_a_message_that_fails_is_tried_again_ever_later_and_then_parked(store, hands):
    greeted = Greeted(fails=4)
    delivery = delivery_of(store, receivers={Greet: greeted}, attempts=3, pause=HOUR)
    ring(store, "Ada")
    for hours, status in [(0, "waiting"), (1, "waiting"), (2, "parked")]:
        hands.move(hours=hours)
        assert [one.status for one in delivery.deliver().messages] == [status]
        assert len(delivery.deliver().messages) == 0
    assert repr(delivery.parked[0]).endswith("parked: ConnectionError: nobody at home>")
    assert delivery.retry() == 1
    assert [one.status for one in delivery.deliver().messages] == ["waiting"]
    hands.move(hours=1)
    assert [one.status for one in delivery.deliver().messages] == ["delivered"]


def test_the_later_messages_of_a_stream_wait_for_one_that_fails_and_no_others(store, hands):
    sends = reacting(lambda recorded: [Greet(recorded.payload.by), Whisper(recorded.payload.by)], Greet, Whisper)
    greeted, whispered = Greeted(fails=1), Greeted()
    delivery = delivery_of(store, sends, {Greet: greeted, Whisper: whispered})
    ring(store, "Ada", "Bob")
    ring(store, "Cleo", bell="2")
    delivery.deliver()
    assert (greeted.names, whispered.names) == (["Cleo"], ["Ada", "Bob", "Cleo"])
    hands.move(seconds=1)
    delivery.deliver()
    assert greeted.names == ["Cleo", "Ada", "Bob"]


def test_a_message_is_skipped_for_a_reason_that_is_kept(store):
    delivery = delivery_of(store, receivers={Greet: Greeted(fails=1)}, attempts=1)
    ring(store, "Ada", "Bob")
    delivery.deliver()
    for wrong in [("Greeter:event-9:1", "moved away"), (delivery.parked[0].key, " ")]:
        with pytest.raises(InvalidPosition):
            delivery.skip(*wrong)
    delivery.skip(delivery.parked[0].key, "moved <away>")
    delivery.deliver()
    assert [one.fate for one in delivery.outbox] == ["skipped: moved <away>", "delivered"]
    assert "moved &lt;away&gt;" in delivery._repr_html_()
    assert delivery.deliver()._repr_html_() == "<p>nothing was due</p>"


def test_what_is_to_wait_waits_on_the_clock_and_no_longer(store, hands):
    greeted = Greeted()
    later = reacting(lambda recorded: [Later(Greet("late"), after=HOUR), Greet("now")], Greet)
    delivery = delivery_of(store, later, {Greet: greeted})
    ring(store, "Ada")
    assert delivery.deliver().waiting == 1
    assert delivery.outbox[0].fate == "waits until 2026-01-01 01:00"
    hands.move(minutes=59)
    delivery.deliver()
    assert greeted.names == ["now"]
    hands.move(minutes=1)
    delivery.deliver()
    assert greeted.names == ["now", "late"]


def test_a_moment_that_is_past_is_now(store):
    greeted = Greeted()
    late = reacting(lambda recorded: [Later(Greet("at once"), at=NEW_YEAR - HOUR)], Greet)
    delivery = delivery_of(store, late, {Greet: greeted}, clock=lambda: NEW_YEAR - 1000 * HOUR)
    ring(store, "Ada")
    delivery.deliver()
    assert greeted.names == ["at once"]


def test_a_clock_that_is_behind_the_store_holds_back_only_what_is_to_wait(store):
    greeted = Greeted()
    delivery = delivery_of(store, receivers={Greet: greeted}, clock=lambda: NEW_YEAR - 1000 * HOUR)
    ring(store, "Ada")
    delivery.deliver()
    assert greeted.names == ["Ada"]


def test_a_command_takes_effect_once_and_has_the_event_as_its_cause(store, monkeypatch):
    echo = reacting(lambda recorded: [RingBell("2", "echo")] * (recorded.stream == "bell-1"), RingBell)
    delivery = delivery_of(store, echo, bus=CommandBus(store, {RingBell: RingBellHandler()}))
    ring(store, "Ada")
    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "note", lambda self, one: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            delivery.deliver()
    delivery.deliver()
    (first,), (second,) = store.load("bell-1"), store.load("bell-2")
    assert (second.causation_id, second.correlation_id) == (first.id, first.id)


def test_a_refused_command_is_an_answer_and_holds_nobody_back(store):
    echo = reacting(lambda r: [RingBell("2", "echo")] * (r.stream == "bell-1"), RingBell)
    delivery = delivery_of(store, echo, bus=CommandBus(store, {RingBell: RingBellHandler()}))
    ring(store, *"abcd")
    assert repr(delivery.deliver()).startswith("3 delivered, 1 refused\n")
    assert delivery.outbox[-1].fate == "refused: the bell is worn out: get another one"


def test_what_a_receiver_answers_is_dispatched(store):
    first_bell = reacting(lambda recorded: [Greet("Ada")] * (recorded.stream == "bell-1"), Greet)
    answering = {Greet: lambda greeting, key: RingBell("2", greeting.name)}
    delivery = delivery_of(store, first_bell, answering, bus=CommandBus(store, {RingBell: RingBellHandler()}))
    ring(store, "Ada")
    delivery.deliver()
    assert store.load("bell-2").payloads == [BellRung("Ada")]


def test_an_answer_needs_a_bus(store):
    delivery = delivery_of(store, receivers={Greet: lambda greeting, key: RingBell("2", "Ada")}, attempts=1)
    ring(store, "Ada")
    delivery.deliver()
    assert "give the delivery a bus=CommandBus(store, HANDLERS), then retry()" in delivery.parked[0].fate


def test_a_store_that_is_away_is_no_fault_of_the_message(hands):
    store = FakeStore(clock=hands, fail_on_append=2)
    echo = reacting(lambda r: [RingBell("2", "echo")] * (r.stream == "bell-1"), RingBell)
    delivery = delivery_of(store, echo, bus=CommandBus(store, {RingBell: RingBellHandler()}))
    ring(store, "Ada")
    with pytest.raises(StoreUnavailable):
        delivery.deliver()
    assert [(one.status, one.attempts) for one in delivery.outbox] == [("waiting", 0)]
    assert [one.status for one in delivery.deliver().messages] == ["delivered"]


def test_a_store_of_the_receiver_that_is_away_is_its_own_affair(store):
    def receiver(greeting, key):
        raise StoreUnavailable("mine")

    delivery = delivery_of(store, receivers={Greet: receiver}, attempts=1)
    ring(store, "Ada")
    assert [one.fate for one in delivery.deliver().messages] == ["parked: ConnectionError: mine"]


def test_a_message_whose_class_has_changed_says_so(store):
    delivery = delivery_of(store, receivers={Greet: Greeted()}, attempts=1)
    ring(store, "Ada")
    delivery.projector.catch_up()
    (courier,) = delivery._couriers
    courier.kinds = {"Greet": message(type("Greet", (), {"__annotations__": {"whom": str}}))}
    courier.receivers = {courier.kinds["Greet"]: Greeted()}
    assert "Give the class the fields that it had" in delivery.deliver().messages[0].fate


def test_a_message_of_another_log_is_not_delivered(store):
    greeted, other = Greeted(), MemoryStore()
    delivery = delivery_of(store, receivers={Greet: greeted}, attempts=1)
    ring(store, "Ada")
    delivery.projector.catch_up()
    ring(other, "Eve", "Eve")
    delivery._couriers[0].store = other
    assert "is not at position 1 of this log" in delivery.deliver().messages[0].fate
    assert greeted == []


def test_a_circle_of_reactors_is_noticed(store, monkeypatch):
    monkeypatch.setattr(delivery_module, "MOST_ROUNDS", 5)
    monkeypatch.setattr(RingBellHandler, "handle", lambda self, wish, rung: [BellRung(wish.by)])
    echo = reacting(lambda recorded: [RingBell("2", "echo")], RingBell)
    delivery = delivery_of(store, echo, bus=CommandBus(store, {RingBell: RingBellHandler()}))
    ring(store, "Ada")
    with pytest.raises(StillRunning, match="5 times over, at last to Reacting: RingBell: does a reactor act on"):
        delivery.deliver()


def test_a_receiver_that_delivers_is_told_to_return(store):
    greeted = []

    def receiver(greeting, key):
        greeted.append(key)
        delivery.deliver()

    delivery = delivery_of(store, receivers={Greet: receiver}, attempts=1)
    ring(store, "Ada")
    delivery.deliver()
    assert (len(greeted), "let it return" in delivery.parked[0].fate) == (1, True)


def test_two_deliveries_of_one_projector_take_turns(store):
    greeted = Greeted()
    projector = Projector(store, Greeter)
    projector.catch_up()
    slow = lambda greeting, key: (time.sleep(0.02), greeted(greeting, key))  # noqa: E731 - slow enough to be met twice
    ring(store, "Ada", "Bob")
    projector.catch_up()
    with Delivery(projector, {Greet: slow}) as one, Delivery(projector, {Greet: slow}):
        one.wait()
    assert greeted.names == ["Ada", "Bob"]


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"attempts": 1.5}, {"pause": 1}, {"pause": -HOUR}], ids=repr)
def test_how_often_and_how_long_are_numbers_that_can_be(store, wrong):
    with pytest.raises((InvalidPosition, InvalidTime), match=next(iter(wrong))):
        Delivery(Projector(store, Greeter), {Greet: print}, **wrong)


# --- wiring ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("receivers", "handlers", "expected"), [
    ({}, {}, "sends Greet, but nobody receives it, only: none"),
    ({Whisper: print}, {}, "only: Whisper"),
    ({Greet: Greeted}, {}, "expected a function of a message and its key"),
    ({Greet: "Ada"}, {}, "'Ada' is no receiver"),
], ids=["none", "another", "a class", "a text"])  # fmt: skip
def test_a_message_has_one_receiver(store, receivers, handlers, expected):
    with pytest.raises(MissingHandler, match=expected):
        Delivery(Projector(store, Greeter), receivers, bus=CommandBus(store, handlers))


def test_a_command_has_a_handler_or_a_receiver_and_not_both(store):
    bus = CommandBus(store, {RingBell: RingBellHandler()})
    with pytest.raises(MissingHandler, match="RingBell has a receiver and a handler"):
        Delivery(Projector(store, reacting(list, RingBell)), {RingBell: print}, bus=bus)


def test_two_messages_of_one_name_are_told_apart_before_anything_is_sent(store):
    twin = message(type("Greet", (), {"__annotations__": {"name": str}}))
    with pytest.raises(MissingHandler, match="two message classes are called Greet"):
        Delivery(Projector(store, reacting(list, Greet, twin)), {Greet: print, twin: print})


def test_a_delivery_needs_a_reactor(store):
    class Rings(Projection):
        pass

    with pytest.raises(MissingHandler, match="no reactor among Rings"):
        Delivery(Projector(store, Rings), {})


def test_the_wiring_check_finds_a_message_that_nobody_sends():
    class Plain:
        pass

    names = {"__name__": __name__, "Greet": Greet, "Whisper": Whisper, "Greeter": Greeter}
    assert wiring_faults(names) == [
        "message Whisper is sent by no reactor: add it to the sends of one, or remove it",
    ]
    odd = type("Odd", (Reactor,), {"sends": (Greet, Whisper, Plain), "__module__": __name__})
    assert wiring_faults({**names, "Odd": odd}) == [
        "Odd sends Plain, expected a message or a command: write @message above it"
    ]


# --- in the background ----------------------------------------------------------------------------------------------


def test_in_the_background_everything_is_delivered(store):
    greeted = Greeted()
    delivery = delivery_of(store, receivers={Greet: greeted})
    with delivery.projector, delivery:
        ring(store, "Ada", "Bob")
        delivery.wait()
        assert greeted.names == ["Ada", "Bob"]
        assert delivery.deliver().waiting == 0
    assert not delivery.running


def test_to_wait_for_a_delivery_that_does_not_run_ends(store):
    delivery = delivery_of(store, receivers={Greet: Greeted()})
    ring(store, "Ada")
    with pytest.raises(NotCaughtUp, match=r"the delivery is not done after 0\.01 seconds"):
        delivery.wait(timeout=0.01)


def test_a_receiver_that_does_not_return_is_named_by_stop(store):
    going, let_go = threading.Event(), threading.Event()

    def receiver(greeting, key):
        going.set()
        let_go.wait(10)

    delivery = delivery_of(store, receivers={Greet: receiver})
    ring(store, "Ada")
    delivery.projector.catch_up()
    delivery.start()
    going.wait(10)
    with pytest.raises(StillRunning, match="the receiver of Greeter:event-1:1"):
        delivery.stop(timeout=0.01)
    let_go.set()
    delivery.stop()


def test_one_delivers_and_the_other_stands_by(store, tmp_path):
    path, greeted, others = str(tmp_path / "mails.db"), Greeted(), Greeted()
    one = delivery_of(store, Projector(store, Greeter(path)), {Greet: greeted})
    other = Delivery(Projector(store, Greeter(path)), {Greet: others})
    ring(store, "Ada")
    one.projector.catch_up()
    assert one._couriers[0].outbox.model.lead("delivery")
    assert len(other.deliver().messages) == 0
    one._couriers[0].outbox.model.release("delivery")
    assert len(other.deliver().messages) == 1
    assert (greeted.names, others.names) == ([], ["Ada"])


# --- wherever it lies -----------------------------------------------------------------------------------------------

PLACES = ["file", "store's file", "schema", "store's schema"]


@pytest.fixture(params=PLACES)
def place(request, tmp_path):
    """A store, and a function that makes the reactor with its outbox there."""
    if "file" in request.param:
        with SqliteStore(tmp_path / "store.db") as store:
            path = tmp_path / ("store.db" if "store" in request.param else "mails.db")
            yield store, lambda kind: kind(str(path))
    else:
        with Postgres() as postgres:
            schema = postgres.schema()
            store = postgres.open_store(schema if "store" in request.param else None)
            yield store, lambda kind: kind(postgres.dsn, schema=schema)


def test_an_outbox_outlives_the_program_wherever_it_lies(place):
    store, make = place
    first = Delivery(Projector(store, make(Greeter)), {Greet: Greeted(fails=1)}, attempts=1)
    first.deliver()
    ring(store, "Ada \x00 <b>", "Bob")
    assert first.deliver().waiting == 2
    first.projector.read_model.close()
    greeted = Greeted()
    again = Delivery(Projector(store, make(Greeter)), {Greet: greeted})
    assert again.retry("bell-2") == 0
    assert again.retry() == 1
    assert [one.status for one in again.deliver().messages] == ["delivered"] * 2
    assert greeted.names == ["Ada \x00 <b>", "Bob"]
    assert len(again.deliver().messages) == 0
    again.projector.read_model.close()


def test_what_is_asked_for_and_the_checkpoint_are_kept_together(place, monkeypatch):
    store, make = place
    two = reacting(lambda recorded: [Greet("1"), Greet("2")], Greet)
    delivery = Delivery(Projector(store, make(two)), {Greet: Greeted()})
    delivery.deliver()
    model = delivery.projector.read_model
    ring(store, "Ada")
    with monkeypatch.context() as patched:
        patched.setattr(type(model), "_write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            delivery.projector.catch_up()
    assert (model.checkpoint, delivery.outbox) == (0, Outgoings())
    assert len(delivery.deliver().messages) == 2
    model.close()


# --- killed in the middle -------------------------------------------------------------------------------------------

SCRIPT = """
import os, signal, sys
from pathlib import Path
from eslab import Projector, connect
from eslab.processes import Delivery
sys.path.insert(0, "tests")
from test_processes import Greet, Greeter
where, outbox, schema, place, die_in, die_at = sys.argv[1:]
def note(what, key):
    noted = Path(place, what)
    before = noted.read_text().split() if noted.exists() else []
    with noted.open("a") as out:
        out.write(key + "\\n")
    if what == die_in and len(before) + 1 == int(die_at):
        os.kill(os.getpid(), signal.SIGKILL)
class Dying(Greeter):
    name = "Greeter"
    def react(self, recorded):
        note("react", recorded.id)
        return super().react(recorded)
projector = Projector(connect(where), Dying(outbox, schema=schema))
Delivery(projector, {Greet: lambda greeting, key: note("receiver", key)}).deliver()
"""


def killed(where, outbox, schema, place, die_in, number):
    """Whether the program was killed at this call, the first = 1, of `react` or of its receiver."""
    given = [sys.executable, "-c", SCRIPT, where, outbox, schema, str(place), die_in, str(number)]
    code = subprocess.run(given, cwd=os.path.dirname(os.path.dirname(__file__)), check=False).returncode
    assert code in (0, -signal.SIGKILL)
    return code != 0


def killed_everywhere(store, where, outbox, schema, place, die_in):
    """Run a program that dies in the middle, again and again, until it comes to its end."""
    assert not killed(where, outbox, schema, place, "", 0)  # it begins
    ring(store, *"abcdefgh")
    kills = 0
    while killed(where, outbox, schema, place, die_in, (kills + 1) * (kills + 2) // 2):  # ever later
        kills += 1
    ids, keys = (place.joinpath(what).read_text().split() for what in ("react", "receiver"))
    expected = [f"Greeter:{recorded.id}:1" for recorded in store.read()]
    assert list(dict.fromkeys(keys)) == expected  # each was delivered, in order
    again = ids if die_in == "react" else keys
    assert kills > 1
    assert len(again) > len(expected)  # and some were seen again
    if die_in == "react":
        assert keys == expected  # but nothing was asked for twice


@pytest.mark.slow
@pytest.mark.parametrize("die_in", ["react", "receiver"])
def test_a_program_killed_in_the_middle_leaves_nothing_out_on_sqlite(tmp_path, die_in):
    with SqliteStore(tmp_path / "bells.db") as store:
        path = str(tmp_path / "bells.db")
        killed_everywhere(store, path, str(tmp_path / "mails.db"), "views", tmp_path, die_in)


@pytest.mark.slow
@pytest.mark.parametrize("die_in", ["react", "receiver"])
def test_a_program_killed_in_the_middle_leaves_nothing_out_on_postgresql(postgres, tmp_path, die_in):
    schema = postgres.schema()
    store = postgres.open_store(schema)
    where = f"{postgres.dsn}{'&' if '?' in postgres.dsn else '?'}schema={schema}"
    killed_everywhere(store, where, postgres.dsn, schema, tmp_path, die_in)


WORKER = """
import os, sys, time
from pathlib import Path
from eslab import Projector, connect
from eslab.processes import Delivery
sys.path.insert(0, "tests")
from test_processes import Greet, Greeter
where, outbox, schema, place = sys.argv[1:]
def greet(greeting, key):
    with Path(place, "receiver").open("a") as out:
        out.write(f"{os.getpid()} {key}\\n")
projector = Projector(connect(where), Greeter(outbox, schema=schema))
projector.catch_up()  # the reactor begins
with projector, Delivery(projector, {Greet: greet}):
    Path(place, f"began {os.getpid()}").touch()
    time.sleep(60)
"""


def until(true):
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it has not come true within half a minute")


def taken_over(store, where, outbox, schema, place):
    """Two programs deliver from one outbox; the one that works is killed, and the other goes on."""
    given = [sys.executable, "-c", WORKER, where, outbox, schema, str(place)]
    workers = [subprocess.Popen(given, cwd=os.path.dirname(os.path.dirname(__file__))) for _ in range(2)]
    noted = place / "receiver"
    noted.touch()
    try:
        until(lambda: len(list(place.glob("began *"))) == 2)
        ring(store, *"abcdefgh")
        until(lambda: len(noted.read_text().splitlines()) > 3)
        os.kill(int(noted.read_text().split()[0]), signal.SIGKILL)
        ring(store, *"ijklmnop")
        until(lambda: store_keys(store) <= set(noted.read_text().split()[1::2]))
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    who, keys = noted.read_text().split()[::2], noted.read_text().split()[1::2]
    assert [keys.index(key) for key in keys] == sorted(keys.index(key) for key in keys)
    assert len(set(who)) == 2
    assert who == sorted(who, key=who.index)  # first the one, then the other


def store_keys(store):
    return {f"Greeter:{recorded.id}:1" for recorded in store.read()}


@pytest.mark.slow
def test_another_program_takes_over_from_one_that_is_killed_on_sqlite(tmp_path):
    with SqliteStore(tmp_path / "bells.db") as store:
        taken_over(store, str(tmp_path / "bells.db"), str(tmp_path / "mails.db"), "views", tmp_path)


@pytest.mark.slow
def test_another_program_takes_over_from_one_that_is_killed_on_postgresql(postgres, tmp_path):
    schema = postgres.schema()
    where = f"{postgres.dsn}{'&' if '?' in postgres.dsn else '?'}schema={schema}"
    taken_over(postgres.open_store(schema), where, postgres.dsn, schema, tmp_path)
