"""An event that another log told is readable at once, and fits a class from the moment that one is declared."""

import datetime as dt
from decimal import Decimal

import pytest

from eslab import MemoryStore, Recorded, Timeline, event, events
from eslab.errors import UnreadablePayload
from eslab.laws.schemas import upcast_then_fold
from eslab.projections import Projection
from eslab.stores.sqlite import SqliteStore

NOON = "2026-05-03T12:00:00.000000+00:00"


def told(kind, payload='{"amount":"2.50","till":7}', **changes):
    facts = {"position": 1, "stream": "sale-1", "version": 1, "schema_version": 0, "id": "s1", "metadata_text": "{}"}
    times = {"recorded_text": NOON, "occurred_text": NOON}
    return Recorded(**{**facts, **times, "type": kind, "payload_text": payload, **changes})


@pytest.fixture(autouse=True)
def forgotten_types(monkeypatch):
    monkeypatch.setattr(events, "_types", dict(events._types))


def test_without_a_class_the_payload_is_a_dict_of_its_own_each_time():
    sale = told("Sold")
    sale.payload["amount"] = "0"
    assert sale.payload == {"amount": "2.50", "till": 7}


def test_a_class_declared_later_takes_the_fields_that_it_names():
    @event(name="Sold")
    class Sold:
        amount: Decimal

    assert told("Sold").payload == Sold(Decimal("2.50"))


def test_a_class_that_does_not_fit_is_said():
    @event(name="Sold")
    class Sold:
        amount: int

    with pytest.raises(UnreadablePayload, match=r"version 1 of stream 'sale-1'.*schema version 0 does not fit"):
        _ = told("Sold").payload


def test_an_event_of_our_own_of_an_unknown_type_is_as_unreadable_as_ever():
    with pytest.raises(UnreadablePayload, match="run its class first"):
        _ = told("Sold", schema_version=1).payload


@pytest.mark.parametrize("open_store", [MemoryStore, lambda: SqliteStore(":memory:")], ids=["memory", "sqlite"])
def test_a_store_keeps_it_as_it_is(open_store):
    with open_store() as store:
        store.copy([told("Sold")])
        assert list(store.load("sale-1")) == [told("Sold")]


class Takings(Projection):
    def initial(self):
        return Decimal(0)

    def evolve(self, state, recorded):
        return state + Decimal(recorded.payload["amount"])


def test_it_is_folded_and_has_no_schema_that_could_be_old():
    history = [told("Sold"), told("Sold", position=2, version=2, id="s2")]
    assert Timeline(history, Takings())[-1].state == Decimal("5.00")
    upcast_then_fold(Takings(), history)


def test_its_time_is_that_of_the_other_log():
    assert told("Sold").occurred_at == dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC)
