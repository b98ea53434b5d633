"""Events: declared once, registered under a stable name, and readable for ever."""

import dataclasses
import datetime as dt
import sys
import textwrap
import types

import pytest

from eslab import History, MemoryStore, NewEvent, Recorded, caused_by, event, record, upcaster
from eslab.errors import InvalidEventClass, InvalidName, InvalidPayload, InvalidTime, UnreadablePayload
from eslab.events import event_type, names_of

DAY = dt.datetime(2026, 5, 3, tzinfo=dt.UTC)


@event(name="test_events.LampLit")
class LampLit:
    colour: str


@event(name="test_events.PriceSet", version=3)
class PriceSet:
    cents: int
    currency: str

    @staticmethod
    @upcaster(1)
    def euros_become_cents(payload):
        return {"cents": 100 * payload["euros"]}

    @staticmethod
    @upcaster(2)
    def a_currency_is_named(payload):
        return {**payload, "currency": "EUR"}


def recorded(text='{"colour":"red"}', **fields):
    made = record(LampLit("red"), stream="lamp-1", version=1, position=1, recorded_at=DAY, id="lamp")
    return Recorded(**{**{n: getattr(made, n) for n in made.__struct_fields__}, "payload_text": text, **fields})


class Notebook:
    """A notebook: cells that run in one namespace, in any order, as often as you like."""

    def __init__(self):
        module = sys.modules["test_events_notebook"] = types.ModuleType("test_events_notebook")
        self.names = vars(module)

    def run(self, cell):
        exec(textwrap.dedent(cell), self.names)
        return self.names


# --- declaring ---


def test_an_event_is_a_frozen_slotted_dataclass():
    lit = LampLit("red")
    assert lit == LampLit(colour="red")
    assert repr(lit) == "LampLit(colour='red')"
    assert [field.name for field in dataclasses.fields(lit)] == ["colour"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        lit.colour = "blue"
    assert not hasattr(lit, "__dict__")


def test_an_event_is_named_after_its_class_unless_it_is_given_a_name():
    names = Notebook().run("""
        from eslab import event
        @event
        class LampBroken:
            pass
    """)
    assert event_type(names["LampBroken"]).name == "LampBroken"
    assert event_type(LampLit).name == "test_events.LampLit"


def test_a_taken_name_is_refused_and_both_places_are_named():
    with pytest.raises(InvalidEventClass) as refusal:

        @event(name="test_events.LampLit")
        class AnotherLamp:
            pass

    assert "'test_events.LampLit' is taken by test_events.LampLit" in str(refusal.value)
    assert "AnotherLamp cannot have it: choose another, for example @event(name='my.test_events.LampLit')" in str(
        refusal.value
    )
    assert event_type("test_events.LampLit").cls is LampLit


def test_a_students_event_may_be_called_as_one_of_a_shipped_domain():
    names = Notebook().run("""
        from eslab import event
        from eslab.domains import bank
        @event
        class MoneyDeposited:
            cents: int
    """)
    assert event_type(names["MoneyDeposited"]).name == "MoneyDeposited"


def test_a_cell_may_be_run_again_and_what_was_stored_before_is_read_by_the_new_class():
    notebook, store = Notebook(), MemoryStore()
    cell = """
        from eslab import event
        @event
        class KettleBoiled:
            litres: float
    """
    old = notebook.run(cell)["KettleBoiled"]
    store.append("kettle-1", [old(1.5)])
    new = notebook.run(cell)["KettleBoiled"]
    assert old is not new
    assert store.load("kettle-1").payloads == [new(1.5)]
    store.append("kettle-1", [old(0.5)])  # an object made before the cell was run again
    assert store.load("kettle-1").payloads == [new(1.5), new(0.5)]


def test_a_nested_dataclass_may_be_run_again_too():
    notebook, store = Notebook(), MemoryStore()
    cell = """
        import dataclasses
        from eslab import event
        @dataclasses.dataclass(frozen=True)
        class Cup:
            size: int
        @event
        class TeaPoured:
            cups: list[Cup]
    """
    old = dict(notebook.run(cell))
    notebook.run(cell)
    store.append("tea-1", [old["TeaPoured"]([old["Cup"](2)])])
    assert store.load("tea-1").payloads == [notebook.names["TeaPoured"]([notebook.names["Cup"](2)])]


def test_a_cell_that_changes_the_fields_meets_its_own_past_loudly():
    notebook, store = Notebook(), MemoryStore()
    notebook.run("from eslab import event\n@event\nclass DoorShut:\n    by: str")
    store.append("door-1", [notebook.names["DoorShut"]("Ada")])
    notebook.run("@event\nclass DoorShut:\n    by: str\n    at: int")
    with pytest.raises(UnreadablePayload, match=r"does not fit.*missing required field `at`.*add an upcaster"):
        store.load("door-1").payloads  # noqa: B018 - reading is what fails


@pytest.mark.parametrize(
    "annotation", ["object()", "Later", "set[list[int]] | list[set[int]]", "set[int] | frozenset[str]"]
)
def test_a_field_that_cannot_be_stored_is_refused_when_it_is_declared(annotation):
    with pytest.raises(InvalidEventClass, match=r"the fields of event 'BoxSealed' cannot be stored: .*Expected text"):
        Notebook().run(f"from eslab import event\n@event\nclass BoxSealed:\n    what: '{annotation}'")


@pytest.mark.parametrize("name", ["a\nb", "x" * 256])
def test_an_event_name_that_cannot_be_stored_is_refused(name):
    with pytest.raises(InvalidName, match="an event name is"):
        event(name=name)(type("Box", (), {}))


# --- generations ---


def test_every_old_generation_is_read_as_the_newest():
    old = {1: '{"euros":3}', 2: '{"cents":250}', 3: '{"cents":99,"currency":"CHF"}'}
    store = MemoryStore()
    store.copy(
        recorded(text, type="test_events.PriceSet", schema_version=n, version=n, id=f"price-{n}")
        for n, text in old.items()
    )
    assert store.load("lamp-1").payloads == [PriceSet(300, "EUR"), PriceSet(250, "EUR"), PriceSet(99, "CHF")]
    assert [one.schema_version for one in store.load("lamp-1")] == [1, 2, 3]
    assert [one.payload_text for one in store.load("lamp-1")] == list(old.values())
    assert store.append("lamp-1", [PriceSet(1, "EUR")])[0].schema_version == 3


@pytest.mark.parametrize(
    ("version", "steps"), [(2, []), (3, [1]), (3, [2]), (3, [1, 3]), (1, [1]), (2, [1, 1]), (3, [0, 1, 2])], ids=str
)
def test_a_gap_in_the_chain_of_upcasters_is_refused_when_it_is_declared(version, steps):
    body = {f"step_{n}": staticmethod(upcaster(step)(lambda payload: payload)) for n, step in enumerate(steps)}
    with pytest.raises(InvalidEventClass, match=rf"schema version {version} has upcasters from") as refusal:
        event(name="test_events.Gappy", version=version)(type("Gappy", (), body))
    assert "add what is missing, or correct version=" in str(refusal.value)
    with pytest.raises(InvalidPayload):
        event_type("test_events.Gappy")


def test_a_refused_declaration_leaves_the_class_as_it_was_and_can_be_corrected():
    class Corrected:
        @staticmethod
        @upcaster(1)
        def step(payload):
            return payload

    with pytest.raises(InvalidEventClass):
        event(name="test_events.Corrected", version=3)(Corrected)
    event(name="test_events.Corrected", version=2)(Corrected)
    assert event_type("test_events.Corrected").version == 2


def test_an_upcaster_that_is_no_static_method_is_refused_with_what_to_do():
    class Undone:
        @upcaster(1)
        def step(payload):  # noqa: N805 - that is the point
            return payload

    with pytest.raises(InvalidEventClass, match="with @staticmethod above @upcaster"):
        event(name="test_events.Undone", version=2)(Undone)


# --- the envelope ---


def test_an_unknown_type_is_loud_on_use_and_its_text_stays_in_reach():
    lost = recorded(type="test_events.NeverDeclared")
    with pytest.raises(UnreadablePayload) as refusal:
        lost.payload  # noqa: B018 - reading is what fails
    assert "event 'test_events.NeverDeclared' at version 1 of stream 'lamp-1' cannot be read" in str(refusal.value)
    assert "run its class first" in str(refusal.value)
    assert (lost.payload_text, lost.data) == ('{"colour":"red"}', {"colour": "red"})
    assert "test_events.NeverDeclared" in repr(lost)
    assert "test_events.NeverDeclared" in lost._repr_html_()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"schema_version": 2}, "schema version 2 is from the future of test_events.LampLit, which reads up to 1"),
        ({"text": '{"colour":7}'}, "does not fit test_events.LampLit .*Expected `str`, got `int`"),
        ({"text": '{"color":"red"}'}, "missing required field `colour`"),
        ({"text": "not json"}, "does not fit"),
        ({"text": '{"price":1}', "type": "test_events.PriceSet"}, "payload of schema version 1 .*KeyError: 'euros'"),
    ],
)
def test_a_payload_that_does_not_fit_is_loud_on_use(fields, message):
    with pytest.raises(UnreadablePayload, match=message) as refusal:
        recorded(**fields).payload  # noqa: B018 - reading is what fails
    assert (refusal.value.stream, refusal.value.version) == ("lamp-1", 1)


def test_an_event_that_is_recorded_by_hand_is_the_same_each_time():
    by_hand = [record(LampLit("red"), stream="lamp-1", version=2, position=7, recorded_at=DAY) for _ in range(2)]
    assert by_hand[0] == by_hand[1]
    assert (by_hand[0].position, by_hand[0].version, by_hand[0].occurred_at) == (7, 2, DAY)
    other = record(LampLit("red"), stream="lamp-1", version=3, position=8, recorded_at=DAY)
    assert other.id != by_hand[0].id


@pytest.mark.parametrize(
    ("change", "error"),
    [({"payload": "no event"}, InvalidPayload), ({"stream": ""}, InvalidName), ({"id": "a\nb"}, InvalidName),
     ({"recorded_at": DAY.replace(tzinfo=None)}, InvalidTime), ({"occurred_at": "2026-05-03"}, InvalidTime),
     ({"metadata": {"x": {1}}}, InvalidPayload)],
    ids=str,
)  # fmt: skip
def test_an_event_that_no_store_would_take_cannot_be_recorded_by_hand(change, error):
    good = {"payload": LampLit("red"), "stream": "lamp-1", "version": 1, "position": 1, "recorded_at": DAY}
    with pytest.raises(error):
        record(**{**good, **change})


def test_a_recorded_event_cannot_be_changed():
    with pytest.raises(AttributeError):
        recorded().stream = "lamp-2"


@pytest.mark.parametrize(
    ("stream", "category", "aggregate_id"),
    [("account-1", "account", "1"), ("flight-20130208-JFK", "flight", "20130208-JFK"), ("alone", "alone", "")],
)
def test_a_stream_is_a_category_and_the_id_of_an_aggregate(stream, category, aggregate_id):
    one = recorded(stream=stream)
    assert (one.category, one.aggregate_id) == (category, aggregate_id)


def test_what_follows_has_the_same_correlation_and_names_its_cause():
    first = record(LampLit("red"), stream="lamp-1", version=1, position=1, recorded_at=DAY, id="first")
    assert caused_by(first) == {"correlation_id": "first", "causation_id": "first"}
    second = record(LampLit("blue"), stream="lamp-1", version=2, position=2, recorded_at=DAY, id="second",
                    metadata=caused_by(first))  # fmt: skip
    assert caused_by(second) == {"correlation_id": "first", "causation_id": "second"}


def test_a_new_event_waits_with_what_is_to_be_said_about_it():
    new = NewEvent(LampLit("red"), id="mine", occurred_at=DAY, metadata={"by": "Ada"})
    (stored,) = MemoryStore().append("lamp-1", [new])
    assert (stored.payload, stored.id, stored.occurred_at, stored.metadata) == (
        LampLit("red"),
        "mine",
        DAY,
        {"by": "Ada"},
    )


# --- histories ---


def test_a_history_shows_at_most_twelve_events_and_says_how_many_more(bank):
    assert repr(bank[:1]) == f"History of 1 event\n  {bank[0]!r}"
    assert repr(History()) == "History of 0 events"
    long = History(list(bank) * 500)
    assert repr(long).splitlines()[0] == "History of 1,500 events"
    assert len(repr(long).splitlines()) == 14
    assert repr(long).endswith("… and 1,488 more")
    assert long._repr_html_().count("<tr>") == 13
    assert "1,488 more" in long._repr_html_()


def test_a_slice_of_a_history_is_a_history(bank):
    assert type(bank[1:]) is History
    assert type(bank[0]) is Recorded
    assert len(bank[1:].payloads) == 2


def test_text_from_data_is_escaped_in_a_table():
    html = recorded('{"colour":"<script>alert(1)</script>"}', stream="<b>-1")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "<b>-1" not in html


def test_types_are_named_by_class_or_by_name():
    assert names_of([LampLit, "anything.Else"]) == ["test_events.LampLit", "anything.Else"]
    assert names_of(None) is None
    with pytest.raises(InvalidPayload, match="str is not an event"):
        names_of([str])
