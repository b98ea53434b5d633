"""Every store side by side with a model of plain lists and dicts, through whatever Hypothesis thinks of."""

import datetime as dt
import json
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from plain_model import KINDS, NAMES, Model, Refusal
from postgres import Postgres

from eslab import ANY, NO_STREAM, STREAM_EXISTS, MemoryStore, NewEvent
from eslab.chain import GENESIS, link
from eslab.contract.materials import Watch, counted, made
from eslab.errors import EslabError
from eslab.events import Recorded
from eslab.queries import AppendCondition, Query, QueryItem
from eslab.stores.sqlite import SqliteStore

STREAMS = ["account-1", "account-2", "till-1"]
TAGS = ["a", "b", "A", "a,b"]
FOREIGN = [
    made(stream=stream, version=version, id=id, type=name, schema_version=1, payload_text=f'{{"amount":{n}}}',
         recorded_text=f"2026-03-01T0{n}:00:00.000000+00:00", occurred_text=f"2026-02-0{9 - n}T09:00:00.000000+00:00",
         metadata_text=json.dumps({"tags": tags} if tags else {}))
    for n, (stream, version, id, name, tags) in enumerate([
        ("foreign-1", 1, "f-1", "eslab.contract.Deposited", ["a"]),
        ("foreign-2", 1, "f-2", "somebody.Else", []),
        ("foreign-1", 2, "f-3", "eslab.contract.Withdrawn", ["a", "b"]),
        ("account-2", 1, "f-4", "somebody.Else", ["b"]),
        ("foreign-1", 3, "f-5", "eslab.contract.Deposited", []),
        ("till-1", 1, "id-1", "eslab.contract.Deposited", []),
        ("foreign-1", 4, "f-7", "somebody.Else", ["A"]),
    ], 1)
]  # fmt: skip
"""What can be copied: two streams whole, and some events that fit only where nobody has been yet."""

kinds, tags, amounts = st.sampled_from(list(KINDS)), st.sets(st.sampled_from(TAGS)), st.integers(0, 3)
versions = st.sampled_from([ANY, ANY, ANY, "right", "right", "right", NO_STREAM, STREAM_EXISTS, 0, 1, 3, 9])
ids = st.sampled_from([None, None, None, None, None, None, "id-1", "id-2", "auto-2", "auto-14"])
events = st.lists(
    st.builds(dict, kind=kinds, amount=amounts, id=ids, tags=tags.map(sorted), hours=st.sampled_from([None, 0, -5, 7])),
    max_size=3,
)
items = st.tuples(st.sets(kinds).map(sorted), tags.map(sorted)).filter(any)
queries = st.none() | st.lists(items, min_size=1, max_size=3)
positions = st.integers(0, 11)
maybe = st.none() | positions
backs = st.sampled_from([4, 9, 2, 0, 1])
"""How many events before the end of the log the writer of a condition has looked."""
FIRST = [
    ("account-1", "Deposited", ["a"]), ("till-1", "Withdrawn", ["a", "b"]), ("account-1", "Withdrawn", ["b"]),
    ("account-1", "Deposited", []), ("till-1", "Deposited", ["a", "b"]), ("account-1", "Deposited", ["A", "b"]),
]  # fmt: skip
"""The events that every history begins with, so that there is something to find."""


def as_query(items):
    return Query(*(QueryItem(types=[KINDS[kind] for kind in kinds], tags=tags) for kinds, tags in items))


def as_row(recorded: Recorded) -> dict:
    """What a store says of an event, in the words of the model."""
    fields = dict(zip(Recorded.__struct_fields__, msgspec.structs.astuple(recorded), strict=True))
    return {**fields, "payload_text": recorded.data, "metadata_text": recorded.metadata, "tags": list(recorded.tags)}


def outcome(work):
    """What came of it: rows, or the class of the refusal and its facts."""
    try:
        found = work()
    except EslabError as refusal:
        return type(refusal).__name__, refusal.facts
    except Refusal as refusal:
        return refusal.kind, refusal.facts
    return [row if isinstance(row, dict) else as_row(row) for row in found]


class Stores(RuleBasedStateMachine):
    """Each step is done to the model and to each store; what comes of it must be the same everywhere."""

    @initialize()
    def open(self):
        self.watch, self.model, self.postgres = Watch(), Model(), Postgres()
        self.folder = tempfile.TemporaryDirectory()
        self.schema = self.postgres.schema()
        self.stores = {"memory": MemoryStore(**self.options(0))}
        self.reopen()
        for number, (stream, kind, tags) in enumerate(FIRST):
            self.watch.turn(minutes=20)
            event = {"kind": kind, "amount": number, "id": None, "tags": tags, "hours": -number}
            self.append_it({stream: [event]}, {}, None, 0, {})
        self.copy(0, 3)

    def options(self, made):
        ids = counted("auto")
        for _ in range(made):
            ids()
        return {"clock": self.watch, "ids": ids}

    def teardown(self):
        if hasattr(self, "stores"):
            self.stores["sqlite"].close()
            self.postgres.__exit__()
            self.folder.cleanup()

    def same(self, model, work):
        """Do it to the model and to each store, and compare; the model need not name every fact of a refusal."""
        expected = outcome(model)
        for name, store in self.stores.items():
            found = outcome(lambda store=store: work(store))
            if isinstance(expected, tuple) and isinstance(found, tuple):
                found = found[0], {fact: found[1].get(fact) for fact in expected[1]}
            assert found == expected, f"{name} differs from the model"

    # --- writing ---

    def given(self, streams):
        """The events of a step for the stores; ids that the store itself would give are left out until it has."""
        for event in (event for some in streams.values() for event in some):
            if (event["id"] or "").startswith("auto-") and int(event["id"][5:]) > self.model.made:
                event["id"] = None
            hours = event["hours"]
            event["occurred"] = None if hours is None else self.watch.now + dt.timedelta(hours=hours)
        return {
            name: [NewEvent(KINDS[e["kind"]](e["amount"]), e["id"], e["occurred"], None, e["tags"]) for e in some]
            for name, some in streams.items()
        }

    def append_it(self, streams, expected, query, back, metadata):
        expected = {n: len(self.model.of(n)) if v == "right" else v for n, v in expected.items() if n in streams}
        after = None if query is None else max(len(self.model.log) - back, 0)
        new = self.given(streams)
        condition = None if query is None else AppendCondition(as_query(query), after)
        options = {"metadata": metadata, "condition": condition}

        def append(store):
            if len(new) == 1:
                ((stream, some),) = new.items()
                return store.append(stream, some, expected_version=expected.get(stream, ANY), **options)
            return store.append(new, expected_version=expected, **options)

        asked = query and ([([KINDS[k].__event_name__ for k in kinds], tags) for kinds, tags in query], after)
        self.same(lambda: self.model.append(streams, expected, asked, metadata, self.watch.now), append)

    @rule(stream=st.sampled_from(STREAMS), some=events, expected=versions)
    def append(self, stream, some, expected):
        self.append_it({stream: some}, {stream: expected}, None, 0, {})

    @rule(
        stream=st.sampled_from(STREAMS),
        some=events,
        expected=versions,
        query=queries.filter(bool),
        back=backs,
    )
    def append_on_a_condition(self, stream, some, expected, query, back):
        self.append_it({stream: some}, {stream: expected}, query, back, {"by": "Ada"})

    @rule(
        streams=st.dictionaries(st.sampled_from(STREAMS), events, min_size=2), query=queries, back=backs,
        expected=st.dictionaries(st.sampled_from(STREAMS), versions),
    )  # fmt: skip
    def append_to_several_streams(self, streams, expected, query, back):
        self.append_it(streams, expected, query, back, {})

    @precondition(lambda self: self.model.log)
    @rule(number=st.integers(0, 99), size=st.integers(1, 3), version=versions, changed=st.sampled_from([0, 0, 0, 1]))
    def append_again(self, number, size, version, changed):
        """The same ids once more, as a writer does whose answer was lost; sometimes with something else in them."""
        log = self.model.log
        rows = [row for row in log[number % len(log) :][:size] if row["type"] in NAMES]
        streams = {}
        for row in rows:
            kind, amount = NAMES[row["type"]], row["payload_text"]["amount"] + changed
            event = {"kind": kind, "amount": amount, "id": row["id"], "tags": [], "hours": None}
            streams.setdefault(row["stream"], []).append(event)
        if streams:
            self.append_it(streams, dict.fromkeys(streams, version), None, 0, {})

    @rule(stream=st.sampled_from([*STREAMS, ""]), some=events, wrong=st.sampled_from(["payload", "tag", "id", "time"]))
    def append_something_bad(self, stream, some, wrong):
        new, kind = self.given({stream: some})[stream], KINDS["Deposited"]
        bad = {
            "payload": NewEvent(kind("1")),
            "tag": NewEvent(kind(1), tags=["a", ""]),
            "id": NewEvent(kind(1), id="\x00"),
            "time": NewEvent(kind(1), occurred_at=dt.datetime(2026, 1, 1)),  # noqa: DTZ001 - that is the point
        }[wrong]
        kinds = {"payload": "InvalidPayload", "tag": "InvalidName", "id": "InvalidName", "time": "InvalidTime"}
        refusal = Refusal("InvalidName" if stream == "" else kinds[wrong])
        self.same(lambda: self.model.refuse(refusal), lambda store: store.append(stream, [*new, bad]))

    @rule(first=st.integers(0, 5), last=st.integers(1, 7))
    def copy(self, first, last):
        self.same(
            lambda: self.model.copy(map(as_row, FOREIGN[first:last])), lambda store: store.copy(FOREIGN[first:last])
        )

    @rule(minutes=st.sampled_from([1, 60, -30]))
    def turn_the_clock(self, minutes):
        self.watch.turn(minutes)

    @rule()
    def chain(self):
        for store in self.stores.values():
            store.chain()
        self.model.chained = True

    @rule()
    def reopen(self):
        """As another process would, on another day."""
        if "sqlite" in self.stores:
            self.stores["sqlite"].close()
            self.stores["postgres"].close()
        self.stores["sqlite"] = SqliteStore(Path(self.folder.name) / "events.db", **self.options(self.model.made))
        self.stores["postgres"] = self.postgres.open_store(self.schema, **self.options(self.model.made))

    # --- reading ---

    @rule(stream=st.sampled_from([*STREAMS, "foreign-1", "nobody-1"]), after=positions, until=maybe)
    def load(self, stream, after, until):
        self.same(
            lambda: self.model.load(stream, after, until), lambda store: store.load(stream, after=after, until=until)
        )

    @rule(
        stream=st.sampled_from([*STREAMS, "foreign-1"]), after=st.integers(0, 2), number=st.integers(0, 9),
        clock=st.sampled_from(["recorded", "occurred"]), moments=st.integers(-1, 1),
    )  # fmt: skip
    def load_until_a_time(self, stream, after, clock, number, moments):
        known = [row[f"{clock}_text"] for row in self.model.log] or ["2026-03-01T00:00:00.000000+00:00"]
        time = dt.datetime.fromisoformat(known[number % len(known)]) + dt.timedelta(microseconds=moments)
        until = {f"{clock}_until": time}
        self.same(
            lambda: self.model.load(stream, after, None, **until),
            lambda store: store.load(stream, after=after, **until),
        )

    @rule(
        after=positions, until=maybe, limit=st.none() | st.integers(0, 5), types=st.none() | st.sets(kinds),
        categories=st.none() | st.sets(st.sampled_from(["account", "till", "foreign", "acc"])),
    )  # fmt: skip
    def read(self, after, until, limit, types, categories):
        names = None if types is None else [KINDS[kind].__event_name__ for kind in types]
        asked = {"after": after, "until": until, "limit": limit, "types": names, "categories": categories}
        self.same(lambda: self.model.read(**asked), lambda store: store.read(**asked))

    @rule(query=queries.filter(bool), after=positions, until=maybe, limit=st.none() | st.integers(0, 5))
    def ask(self, query, after, until, limit):
        plain = [([KINDS[kind].__event_name__ for kind in kinds], tags) for kinds, tags in query]
        asked = {"after": after, "until": until, "limit": limit}
        self.same(
            lambda: self.model.read(query=plain, **asked), lambda store: store.read(query=as_query(query), **asked)
        )

    @rule(after=positions, types=st.none() | st.sets(kinds))
    def subscribe_to_the_end(self, after, types):
        names = None if types is None else [KINDS[kind].__event_name__ for kind in types]
        self.same(
            lambda: self.model.subscribe(after, names),
            lambda store: self.caught_up(store.subscribe(after=after, types=names, timeout=0)),
        )

    def caught_up(self, subscription):
        found = list(subscription)
        assert subscription.position == len(self.model.log)
        return found

    @rule(until=maybe)
    def verify(self, until):
        for store in self.stores.values():
            assert (store.position, store.chained) == (len(self.model.log), self.model.chained)
            verified = store.verify()
            assert (verified.events, verified.streams) == (
                len(self.model.log),
                len({r["stream"] for r in self.model.log}),
            )
        if until is not None and until <= len(self.model.log):
            digest = GENESIS
            for recorded in self.stores["memory"].read(until=until):
                digest = link(digest, recorded)
            assert {str(store.head(until)) for store in self.stores.values()} == {f"{until}:{digest.hex()}"}

    @rule()
    def look_at_everything(self):
        self.same(self.model.read, lambda store: store.read())
        for stream in STREAMS:
            assert {store.version(stream) for store in self.stores.values()} == {len(self.model.of(stream))}


def run(examples, steps):
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Stores,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=checks
        ),
    )


def test_every_store_does_what_the_model_does():
    run(10, 30)


@pytest.mark.slow
def test_every_store_does_what_the_model_does_for_long():
    run(250, 60)
