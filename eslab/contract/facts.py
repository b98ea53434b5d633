"""The first part of the contract: what goes in comes out, with all that is known about it, or is refused."""

from __future__ import annotations

import datetime as dt
from typing import Any

from eslab.codec import MOST_BYTES
from eslab.contract.examples import EXACT, REFUSED, SUMMER, Address, Noted
from eslab.contract.materials import Deposited, Packed, Watch, Workbench, deposits, equal, made, refused, versions
from eslab.errors import InvalidPayload, UnreadablePayload
from eslab.events import History, NewEvent, caused_by
from eslab.queries import Query, QueryItem


class Facts(Workbench):
    # Payloads.

    def test_every_type_of_payload_comes_back_exactly(self) -> None:
        store = self.open_store()
        for field, values in EXACT.items():
            store.append(f"note-{field}", [Noted(**{field: value}) for value in values])
            found = [getattr(recorded.payload, field) for recorded in store.load(f"note-{field}")]
            equal(found, values, f"field {field}")
            if not isinstance(values[0], (set, frozenset)):  # which have no order; the others show 10.0 and 10.00 apart
                equal(repr(found), repr(values), f"field {field}")

    def test_a_payload_that_would_come_back_different_is_refused(self) -> None:
        store = self.open_store()
        for field, values in REFUSED.items():
            for value in values:
                with refused(InvalidPayload, about=f"{field}={value!r}"):
                    store.append("note-1", [Noted(**{field: value})])
        equal(store.position, 0, "events in the log")

    def test_an_event_of_more_than_sixteen_mebibytes_is_refused(self) -> None:
        store = self.open_store()
        with refused(InvalidPayload, about="a text of 16 MiB and a little"):
            store.append("note-1", [Noted(text="small"), Noted(text="x" * MOST_BYTES)])
        self.unchanged(store, stream="note-1")
        long = Noted(text="ä€𝄞" * 100_000)
        store.append("note-1", [long])
        equal(store.load("note-1")[0].payload == long, True, "a text of 900,000 bytes comes back")

    def test_what_is_no_event_is_refused(self) -> None:
        store = self.open_store()
        for wrong in ({"amount": 1}, "Deposited", 7, None, Deposited, Address("Dorset Street", 1)):
            with refused(InvalidPayload, about=f"append of [{wrong!r}]"):
                store.append("account-1", [wrong])
        self.unchanged(store)

    def test_one_event_where_a_list_belongs_is_refused(self) -> None:
        store = self.open_store()
        wrongs: list[Any] = [Deposited(1), NewEvent(Deposited(1)), "text", Deposited, None]
        for wrong in wrongs:
            with refused(InvalidPayload, about=f"append of {wrong!r}"):
                store.append("account-1", wrong)
        self.unchanged(store)

    def test_changing_an_object_after_the_append_changes_no_fact(self) -> None:
        store = self.open_store()
        items, prices, metadata = ["tea"], {"tea": [3]}, {"by": {"name": "Ada"}}
        recorded = store.append("order-1", [Packed(items, prices)], metadata=metadata)
        items.append("gold")
        prices["tea"].append(0)
        metadata["by"].update(name="Eve")
        for one in (recorded[0], store.load("order-1")[0], next(store.read())):
            equal(one.payload, Packed(["tea"], {"tea": [3]}))
            equal(one.metadata, {"by": {"name": "Ada"}})

    def test_changing_what_was_loaded_changes_no_fact(self) -> None:
        store = self.open_store()
        store.append("order-1", [Packed(["tea"], {})], metadata={"tags": ["new"]})
        for one in (store.load("order-1")[0], next(store.read())):
            one.payload.items.append("gold")
            one.metadata["tags"].append("old")
        equal(store.load("order-1")[0].payload, Packed(["tea"], {}))
        equal(store.load("order-1")[0].metadata, {"tags": ["new"]})

    # The envelope.

    def test_a_recorded_event_says_all_about_itself(self) -> None:
        watch = Watch()
        store = self.open_store(clock=watch, ids=lambda: "first-of-all")
        (found,) = store.append("account-1-savings", [Deposited(5)])
        for one in (found, store.load("account-1-savings")[0], next(store.read())):
            equal((one.position, one.stream, one.version), (1, "account-1-savings", 1))
            equal((one.category, one.aggregate_id), ("account", "1-savings"))
            equal((one.type, one.schema_version, one.id), ("eslab.contract.Deposited", 1, "first-of-all"))
            equal((one.recorded_at, one.occurred_at), (watch.now, watch.now))
            equal((one.payload, one.metadata), (Deposited(5), {}))

    def test_a_clock_of_any_zone_is_kept_to_the_microsecond_and_in_utc(self) -> None:
        watch = Watch(dt.datetime(2026, 7, 1, 0, 30, 0, 999_999, tzinfo=SUMMER))
        store = self.open_store(clock=watch)
        (found,) = store.append("account-1", deposits(1))
        for one in (found, store.load("account-1")[0], next(store.read())):
            equal((one.recorded_at, one.occurred_at), (watch.now.astimezone(dt.UTC),) * 2)
            equal(one.recorded_text, "2026-06-30T22:30:00.999999+00:00")

    def test_append_returns_what_load_and_read_return(self) -> None:
        store = self.open_store()
        appended = store.append("account-1", deposits(1, 2, 3), metadata={"by": "Ada"})
        equal(type(appended), History)
        for found in (store.load("account-1"), History(store.read())):
            if found != appended:
                raise AssertionError(f"found {found!r}, expected {appended!r}")

    def test_every_event_has_an_id_of_its_own(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(1, 1, 1))
        store.append("account-2", deposits(1))
        equal(len({recorded.id for recorded in store.read()}), 4, "different ids")

    def test_metadata_is_that_of_the_append_and_of_the_event(self) -> None:
        store = self.open_store()
        own = NewEvent(Deposited(2), metadata={"by": "Grace", "why": "gift"})
        store.append("account-1", [Deposited(1), own], metadata={"by": "Ada", "n": 1})
        found = [recorded.metadata for recorded in store.load("account-1")]
        equal(found, [{"by": "Ada", "n": 1}, {"by": "Grace", "n": 1, "why": "gift"}])

    def test_an_event_names_its_cause(self) -> None:
        store = self.open_store()
        (wish,) = store.append("account-1", deposits(1), metadata={"correlation_id": "wish-7"})
        (second,) = store.append("account-2", deposits(2), metadata=caused_by(wish))
        (third,) = store.append("account-3", deposits(3), metadata=caused_by(second))
        equal((second.correlation_id, second.causation_id), ("wish-7", wish.id))
        equal((third.correlation_id, third.causation_id), ("wish-7", second.id))
        equal((wish.causation_id, store.load("account-3")[0].causation_id), (None, second.id))

    def test_metadata_that_would_come_back_different_is_refused(self) -> None:
        store = self.open_store()
        for wrong in ({1: "one"}, {"at": dt.date(2026, 1, 1)}, {"x": float("nan")}, {"pair": (1, 2)}, {"x": {1}}):
            with refused(InvalidPayload, about=f"metadata {wrong!r}"):
                store.append("account-1", deposits(1), metadata=wrong)  # type: ignore[arg-type]  # that is the point
            with refused(InvalidPayload, about=f"metadata {wrong!r} of one event"):
                store.append("account-1", [NewEvent(Deposited(1), metadata=wrong)])  # type: ignore[arg-type]
        self.unchanged(store)

    # What cannot be read.

    def test_an_unreadable_event_is_loud_on_use_and_stops_nobody_else(self) -> None:
        store = self.open_store()
        store.copy([
            made(version=1, id="a", payload_text='{"amount":1}'),
            made(version=2, id="b", type="eslab.contract.Unheard"),
            made(version=3, id="c", payload_text='{"amount":"many"}'),
            made(version=4, id="d", schema_version=9),
            made(version=5, id="e", payload_text='{"amount":5}'),
        ])  # fmt: skip
        for history in (store.load("account-1"), list(store.read())):
            equal([history[0].payload, history[4].payload], deposits(1, 5))
            for bad in history[1:4]:
                try:
                    equal(bad.payload, "nothing", "the payload of an unreadable event")
                except UnreadablePayload as error:
                    equal((error.facts["stream"], error.facts["version"], error.facts["type"]),
                          ("account-1", bad.version, bad.type))  # fmt: skip
                equal(bad.payload_text, '{"amount":"many"}' if bad.version == 3 else '{"amount":7}')
        equal(versions(store.append("account-1", deposits(6), expected_version=5)), [6])
        equal(versions(store.read(types=["eslab.contract.Unheard"])), [2])

    def test_a_copy_takes_any_metadata_as_it_finds_it(self) -> None:
        store = self.open_store()
        texts = [
            '{"tags":["b","a","b"]}',
            '{"tags":"a"}',
            '{"tags":[["a"],7,null,""]}',
            '{"tags":{"a":1}}',
            '{"tags":null}',
        ]
        store.copy([made(version=n, id=f"id-{n}", metadata_text=text) for n, text in enumerate(texts, 1)])
        equal([recorded.metadata_text for recorded in store.load("account-1")], texts)
        equal(versions(store.read(query=Query(QueryItem(tags=["a"])))), [1], "versions with the tag")
        equal(versions(store.append("account-1", deposits(6), expected_version=5)), [6])
