"""Who is forgotten is forgotten: sealed in the log, gone with the key, and found wherever else something is left."""

import dataclasses
import datetime as dt
import random
import sqlite3
from typing import Annotated

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eslab import MemoryStore, NewEvent, Projection, Projector, SqliteProjection, Timeline, event, fold
from eslab.aggregates import Aggregate
from eslab.errors import (
    BrokenSeal,
    DuplicateEvent,
    InvalidEventClass,
    InvalidName,
    InvalidPayload,
    StoreUnavailable,
    UnknownSubject,
    UnreadablePayload,
)
from eslab.events import record, upcaster
from eslab.queries import Query, QueryItem
from eslab.snapshots import Snapshots
from eslab.stores.sqlite import SqliteStore
from eslab.testing import StoreContract, counting_ids, ticking_clock
from eslab.trust import FORGOTTEN, KeyRing, Personal, PrivateStore, Subject, where_is
from eslab.trust.keys import SEALED
from eslab.trust.marks import Mark, marks_of


@event(name="test.Registered")
class Registered:
    name: Personal
    town: Personal | None = None
    note: str = ""


@event(name="test.Visited")
class Visited:
    visitor: Subject
    said: Personal
    fee: int = 0


@dataclasses.dataclass(frozen=True)
class Child:
    name: Personal
    born: int


@event(name="test.FamilyMoved")
class FamilyMoved:
    children: list[Child]
    pets: dict[str, Personal]
    nicknames: tuple[Personal, ...] = ()


@event(name="test.Paid")
class Paid:
    amount: int


class Member(Aggregate):
    def __init__(self):
        self.name = ""
        self.paid = 0

    def apply(self, event):
        match event:
            case Registered(name):
                self.name = name
            case Paid(amount):
                self.paid += amount


class Names(Projection):
    """The name of each member, by stream."""

    types = (Registered,)

    def evolve(self, names, recorded):
        return {**names, recorded.stream: recorded.payload.name}


class NamesInTables(SqliteProjection):
    types = (Registered,)
    tables = {"members": "CREATE TABLE members (stream TEXT, name TEXT)"}  # noqa: RUF012 - as in the lessons

    def evolve(self, db, recorded):
        db.execute("INSERT INTO members VALUES (?, ?)", (recorded.stream, recorded.payload.name))
        return db


ADA, GRACE = "member-1", "member-2"
FAMILY = FamilyMoved([Child("Byron", 1836), Child("Anne", 1837)], {"cat": "Mrs Puff"}, ("Bee", "Bear"))


RINGS = []


def ring(*args, **options):
    RINGS.append(KeyRing(*args, **options))
    return RINGS[-1]


@pytest.fixture(autouse=True)
def _rings_are_closed():
    yield
    while RINGS:
        RINGS.pop().close()


def open_private(path=None, keys=None, **options):
    inner = MemoryStore(**options) if path is None else SqliteStore(path, **options)
    return PrivateStore(inner, ring() if keys is None else keys)


@pytest.fixture
def keys():
    with KeyRing(clock=ticking_clock()) as ring:
        yield ring


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path_factory, keys):
    """Ada registers and pays 5, Grace registers."""
    path = None if request.param == "memory" else tmp_path_factory.mktemp("log") / "log.db"
    with open_private(path, keys, clock=ticking_clock(), ids=counting_ids()) as private:
        private.append(ADA, [Registered("Ada Lovelace", "Kirkby Mallory"), Paid(5)])
        private.append(GRACE, [Registered("Grace Hopper")])
        yield private


# --- the contract ---


class TestPrivateStoreOverMemory(StoreContract):
    def open_store(self, **options):
        return open_private(**options)

    def open_again(self, store):
        return PrivateStore(store.inner, store.keys)


class TestPrivateStoreOverSqlite(StoreContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.folder, self.opened = tmp_path, []
        yield
        for opened in self.opened:
            opened.close()

    def open_store(self, **options):
        path = self.folder / f"{len(self.opened)}.db"
        self.opened.append(open_private(path, ring(path.with_suffix(".keys")), **options))
        return self.opened[-1]

    def open_again(self, store):
        self.opened.append(open_private(store.inner.path, ring(store.keys.path)))
        return self.opened[-1]


# --- sealed, opened, forgotten ---


def test_what_is_personal_reads_as_it_was_and_is_kept_sealed(store):
    assert store.load(ADA).payloads == [Registered("Ada Lovelace", "Kirkby Mallory"), Paid(5)]
    kept = store.inner.load(ADA)[0].payload
    assert kept.name.startswith(SEALED)
    assert kept.town.startswith(SEALED)
    assert kept.note == ""


def test_who_is_forgotten_reads_as_forgotten_and_the_others_as_they_were(store, keys):
    keys.forget(ADA)
    assert store.load(ADA).payloads == [Registered(FORGOTTEN, FORGOTTEN), Paid(5)]
    assert [recorded.payload for recorded in store.read(types=[Registered])][1] == Registered("Grace Hopper")


def test_folds_projections_timelines_and_queries_go_on(store, keys):
    keys.forget(ADA)
    names = Projector(store, Names())
    names.catch_up()
    assert names.state == {ADA: FORGOTTEN, GRACE: "Grace Hopper"}
    assert Member.replay(store.load(ADA)).paid == 5
    assert Timeline(store.load(ADA), Member)[-1].state.name == FORGOTTEN
    registered = store.read(query=Query(QueryItem(types=[Registered])))
    assert [recorded.payload.name for recorded in registered] == [FORGOTTEN, "Grace Hopper"]
    assert [recorded.position for recorded in store.subscribe(timeout=0)] == [1, 2, 3]


def test_a_subscription_reads_what_is_sealed(store, keys):
    with store.subscribe(after=2) as events:
        assert next(events).payload == Registered("Grace Hopper")
        keys.forget(GRACE)
        store.append(GRACE, [Visited(GRACE, "back")])
        assert next(events).payload == Visited(GRACE, "back")


def test_a_subscription_waits_as_the_log_inside_does(store, monkeypatch):
    waited = []
    monkeypatch.setattr(store.inner, "_wait", lambda after, seconds: waited.append(after))
    assert list(store.subscribe(after=3, timeout=0.01)) == []
    assert set(waited) == {3}


def test_the_subject_is_the_stream_unless_a_field_says_whose_data_it_is(store, keys):
    store.append("museum-1", [Visited(ADA, "lovely"), Visited(GRACE, "noisy")])
    keys.forget(ADA)
    assert [visit.said for visit in store.load("museum-1").payloads] == [FORGOTTEN, "noisy"]


def test_fields_inside_dataclasses_lists_and_dicts_are_sealed_too(store, keys):
    store.append("family-1", [FAMILY])
    (kept,) = store.inner.load("family-1")
    assert not any(name in kept.payload_text for name in ("Byron", "Anne", "Puff", "Bee", "Bear"))
    assert store.load("family-1").payloads == [FAMILY]
    keys.forget("family-1")
    assert store.load("family-1").payloads[0].children == [Child(FORGOTTEN, 1836), Child(FORGOTTEN, 1837)]


def test_who_comes_back_gets_a_new_key_and_the_past_stays_forgotten(store, keys):
    keys.forget(ADA)
    store.append(ADA, [Registered("Ada King")])
    assert [r.payload.name for r in store.load(ADA) if r.type == "test.Registered"] == [FORGOTTEN, "Ada King"]
    keys.forget(ADA)
    assert [record.at.minute for record in keys.forgotten] == [0, 1]
    assert keys.subjects == [GRACE]


def test_a_field_without_a_value_says_so_and_needs_no_key(store, keys):
    store.append("member-3", [FamilyMoved([], {})])
    assert store.load(GRACE).payloads[0].town is None
    assert keys.subjects == [ADA, GRACE]


def test_what_looks_sealed_but_was_typed_comes_back_as_typed(store, keys):
    for text in (SEALED, f"{SEALED}0123:abc", "sealed:said:no", "sealed:", store.inner.load(ADA)[0].payload.name):
        stream = f"member-{len(keys.subjects) + 1}"
        store.append(stream, [Registered(text, note=text)])
        assert store.load(stream).payloads == [Registered(text, note=text)]


def test_a_letter_in_a_plain_store_stays_as_it_is_when_the_store_becomes_private(keys):
    plain = MemoryStore()
    plain.append("note-1", [Registered("sealed: to the editor")])
    assert PrivateStore(plain, keys).load("note-1").payloads == [Registered("sealed: to the editor")]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@settings(deadline=None)
@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=3))
@example("", "\x00", ["(forgotten)"])
@example("sealed:v1:00:", "sealed:said:", ["\u2028</script>"])
def test_any_text_comes_back_exactly(name, note, many):
    private = open_private()
    events = [Registered(name, name, note), FamilyMoved([], dict.fromkeys(many, note), tuple(many))]
    appended = private.append("member-1", events)
    assert private.load("member-1") == appended
    assert appended.payloads == events


# --- the same again ---


def test_an_append_repeated_after_forgetting_returns_what_was_recorded(store, keys):
    wish = [NewEvent(Registered("Mary Somerville", note="by post"), id="wish-1")]
    store.append("member-3", wish)
    keys.forget("member-3")
    (again,) = store.append("member-3", wish)
    assert (again.payload, store.position) == (Registered(FORGOTTEN, note="by post"), 4)
    assert "member-3" not in keys.subjects


def test_what_can_be_read_is_compared_also_beside_a_text_that_looks_forgotten(store):
    wish = [NewEvent(Registered("Mary Somerville", note=FORGOTTEN), id="wish-1")]
    recorded = store.append("member-3", wish)
    assert store.append("member-3", wish) == recorded
    with pytest.raises(DuplicateEvent):
        store.append("member-3", [NewEvent(Registered("Mary Shelley", note=FORGOTTEN), id="wish-1")])


def test_an_append_repeated_with_another_content_is_refused_also_after_forgetting(store, keys):
    store.append("member-3", [NewEvent(Registered("Mary Somerville", note="by post"), id="wish-1")])
    keys.forget("member-3")
    with pytest.raises(DuplicateEvent):
        store.append("member-3", [NewEvent(Registered("Mary Somerville", note="by hand"), id="wish-1")])


def test_a_copy_repeated_after_forgetting_passes_over_what_is_there(keys):
    source, target = MemoryStore(), open_private(keys=keys)
    source.append(ADA, [Registered("Ada Lovelace")])
    target.copy(source.read())
    keys.forget(ADA)
    source.append(ADA, [Paid(7)])
    assert target.copy(source.read()).payloads == [Paid(7)]
    assert target.load(ADA).payloads == [Registered(FORGOTTEN), Paid(7)]


def test_a_copy_of_what_is_sealed_opens_with_the_same_keys(store, keys):
    backup = MemoryStore()
    backup.copy(store.inner.read())
    assert PrivateStore(backup, keys).load(ADA) == store.load(ADA)
    keys.forget(ADA)
    assert PrivateStore(backup, keys).load(ADA).payloads[0].name == FORGOTTEN


def test_a_copy_into_another_private_store_makes_no_key_for_who_was_forgotten(store, keys):
    keys.forget(ADA)
    with KeyRing() as others:
        target = open_private(keys=others)
        target.copy(store.read())
        assert others.subjects == [GRACE]
        assert target.load(ADA).payloads == store.load(ADA).payloads


# --- the chain ---


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_the_chain_holds_after_forgetting_because_nothing_was_changed(kind, tmp_path, keys):
    with open_private(None if kind == "memory" else tmp_path / "log.db", keys) as private:
        private.append(ADA, [Registered("Ada Lovelace"), Paid(5)])
        private.chain()
        private.append(GRACE, [Registered("Grace Hopper")])
        head = private.head()
        keys.forget(ADA)
        private.append(ADA, [Paid(7)])
        assert private.verify(head).events == private.inner.verify(head).events == 4
        assert private.chained


# --- what cannot be opened ---


def test_another_key_ring_is_no_forgetting(store):
    with KeyRing() as others:
        others.seal(ADA, "another Ada", b"")
        others.forget(ADA)
        with pytest.raises(BrokenSeal, match=r"has never had that key\. Nothing was forgotten"):
            assert PrivateStore(store.inner, others).load(ADA)[0].payload


def test_sealed_text_that_was_damaged_is_loud_and_stops_nobody_else(store, keys):
    damaged = _with_text(store.inner, lambda text: text[:60] + ("A" if text[60] != "A" else "B") + text[61:])
    first, second, third = PrivateStore(damaged, keys).read()
    assert (second.payload, third.payload) == (Paid(5), Registered("Grace Hopper"))
    with pytest.raises(BrokenSeal, match=r"event 'test\.Registered' at version 1 of stream 'member-1'") as refusal:
        assert first.payload
    assert isinstance(refusal.value, UnreadablePayload)
    assert (refusal.value.stream, refusal.value.version, refusal.value.position) == (ADA, 1, 1)


def test_sealed_text_cannot_be_moved_to_another_event_or_field(store, keys):
    kept = {recorded.stream: recorded.payload for recorded in store.inner.read(types=[Registered])}
    moved = {
        "another event": _with_text(store.inner, lambda text: text.replace(kept[ADA].name, kept[GRACE].name)),
        "another field": _with_text(store.inner, lambda text: text.replace(kept[ADA].name, kept[ADA].town)),
    }
    for where, log in moved.items():
        with pytest.raises(BrokenSeal, match="moved"):
            assert PrivateStore(log, keys).load(ADA)[0].payload, where


def test_noise_that_is_none_is_damage(keys):
    for noise in ("", "x", "é", "AAAA"):
        id = keys.seal(ADA, "text", b"").split(":")[2]
        with pytest.raises(BrokenSeal):
            keys.open(f"{SEALED}{id}:{noise}", b"")


def test_a_store_without_the_keys_reads_every_event(store):
    assert [recorded.payload.amount for recorded in store.inner.read(types=[Paid])] == [5]
    assert len([recorded.payload for recorded in store.inner.read()]) == 3


def _with_text(inner, change):
    """A log with the payload of its first event changed."""
    first, *rest = inner.read()
    changed = MemoryStore()
    changed.copy([msgspec.structs.replace(first, payload_text=change(first.payload_text)), *rest])
    return changed


# --- marks ---


def test_a_mark_that_cannot_be_kept_is_refused_and_nothing_is_stored(store):
    for hint in (
        Annotated[int, Mark.PERSONAL], Annotated[dt.date, Mark.PERSONAL], Annotated[str | None, Mark.PERSONAL],
        set[Personal], dict[Personal, int], tuple[Personal, int], Personal | int, list[set[Personal]],
        list[Subject], Annotated[str, Mark.PERSONAL, Mark.SUBJECT], frozenset[Child],
    ):  # fmt: skip
        wrong = event(name="test.Wrong")(type("Wrong", (), {"__annotations__": {"x": hint}, "__module__": __name__}))
        with pytest.raises(InvalidEventClass, match="Wrong") as refusal:
            marks_of(wrong)
        assert "expected" in str(refusal.value) or "mark" in str(refusal.value)


def test_a_mark_in_a_list_inside_itself_is_refused(store):
    with pytest.raises(InvalidEventClass, match=r"Planted\.root\.twigs"):
        store.append("tree-1", [Planted(Branch("oak", []))])
    assert store.position == 3


@dataclasses.dataclass(frozen=True)
class Branch:
    name: Personal
    twigs: "list[Branch]"


@event(name="test.Planted")
class Planted:
    root: Branch


@event(name="test.Met")
class Met:
    one: Subject
    other: Subject


def test_an_event_holds_the_data_of_one_person():
    with pytest.raises(InvalidEventClass, match="one person"):
        marks_of(Met)


def test_a_subject_without_a_name_is_refused_and_nothing_is_stored(store):
    with pytest.raises(InvalidName, match="a subject is ''"):
        store.append("museum-1", [Visited("", "hello")])
    assert store.position == 3


def test_marks_change_nothing_in_a_plain_store():
    plain = MemoryStore()
    (kept,) = plain.append(ADA, [Registered("Ada Lovelace")])
    assert kept.payload_text == '{"name":"Ada Lovelace","town":null,"note":""}'


# --- events of an older shape ---


@event(name="test.Renamed", version=2)
class Renamed:
    full_name: Personal

    @staticmethod
    @upcaster(1)
    def _name(payload):
        return {"full_name": payload["name"]}


@event(name="test.Extended", version=2)
class Extended:
    name: Personal
    fee: int

    @staticmethod
    @upcaster(1)
    def _fee(payload):
        return {**payload, "fee": 0}


def _older(name, text):
    made = record(Paid(1), stream=ADA, version=1, position=1, recorded_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    return msgspec.structs.replace(made, type=name, payload_text=text)


def test_an_older_event_is_sealed_where_its_name_stood_already(keys):
    private = open_private(keys=keys)
    private.copy([_older("test.Extended", '{"name":"Ada"}')])
    assert private.load(ADA).payloads == [Extended("Ada", 0)]
    keys.forget(ADA)
    assert private.load(ADA).payloads == [Extended(FORGOTTEN, 0)]


@pytest.mark.parametrize("text", ['{"name":"Ada"}', '{"full_name":7}'])
def test_an_event_in_which_the_name_is_not_found_is_refused_and_not_kept_in_the_clear(text, keys):
    private = open_private(keys=keys)
    with pytest.raises(InvalidPayload, match="cannot be sealed, so it was not stored"):
        private.copy([_older("test.Renamed", text)])
    assert private.position == 0


# --- the key ring ---


def test_the_names_are_nowhere_in_the_bytes_of_the_log(tmp_path):
    with KeyRing() as keys, open_private(tmp_path / "log.db", keys) as private:
        private.chain()
        private.append(ADA, [Registered("Ada Lovelace", "Kirkby Mallory"), FAMILY])
        assert not _bytes(tmp_path, "log.db", b"Lovelace", b"Kirkby", b"Byron", b"Mrs Puff")
        assert _bytes(tmp_path, "log.db", b"1836")
    assert _bytes(tmp_path, "log.db", b"1836")
    assert not _bytes(tmp_path, "log.db", b"Lovelace")


def test_a_forgotten_key_is_nowhere_in_the_bytes_of_the_file(tmp_path):
    made = {}

    def remembered(n):
        made.setdefault(n, []).append(random.Random(len(made.get(n, [])) * 40 + n).randbytes(n))
        return made[n][-1]

    path = tmp_path / "keys.db"
    with KeyRing(path, random=remembered) as keys:
        for n in range(150):
            keys.seal(f"member-{n}", "text", b"")
        assert _bytes(tmp_path, "keys.db", made[32][7])
        for n in (7, 0, 149, *range(50, 70)):
            keys.forget(f"member-{n}")
            assert not _bytes(tmp_path, "keys.db", made[32][n])
        assert _bytes(tmp_path, "keys.db", made[32][8])
    assert not _bytes(tmp_path, "keys.db", *made[32][50:70])


def _bytes(folder, name, *wanted):
    """Which of these stand in a file or in one of its helper files."""
    files = [path.read_bytes() for path in folder.glob(f"{name}*")]
    assert files
    return [one for one in wanted if any(one in content for content in files)]


def test_a_key_ring_is_kept_in_its_file_for_its_owner_alone(tmp_path):
    with KeyRing(tmp_path / "keys.db", clock=ticking_clock()) as keys:
        sealed = keys.seal(ADA, "Ada Lovelace", b"about")
        keys.seal(GRACE, "Grace Hopper", b"about")
        keys.forget(GRACE)
    assert (tmp_path / "keys.db").stat().st_mode & 0o077 == 0
    with KeyRing(tmp_path / "keys.db") as keys:
        assert (keys.open(sealed, b"about"), keys.subjects) == ("Ada Lovelace", [ADA])
        assert repr(keys.forgotten) == "[<member-2 was forgotten at 2026-01-01 00:00:00 UTC>]"


def test_forgetting_in_one_process_reaches_the_other(tmp_path, store):
    with KeyRing(tmp_path / "keys.db") as one, KeyRing(tmp_path / "keys.db") as other:
        sealed = one.seal(ADA, "Ada Lovelace", b"")
        assert other.open(sealed, b"") == one.open(sealed, b"") == "Ada Lovelace"
        one.forget(ADA)
        assert other.open(sealed, b"") is None
        assert one.open(other.seal(GRACE, "Grace Hopper", b""), b"") == "Grace Hopper"


def test_forgetting_again_changes_nothing(store, keys):
    first = keys.forget(ADA)
    assert keys.forget(ADA) == first
    assert len(keys.forgotten) == 1


def test_a_subject_without_a_key_cannot_be_forgotten(store, keys):
    with pytest.raises(UnknownSubject, match="never been a key for 'member-9'"):
        keys.forget("member-9")
    assert keys.subjects == [ADA, GRACE]


def test_no_key_is_ever_shown(tmp_path):
    secret = b"0123456789abcdef0123456789abcdef"
    keys = ring(random=lambda n: secret[:n])
    sealed = keys.seal(ADA, "Ada Lovelace", b"")
    said = [repr(keys), str(keys.subjects), repr(open_private(keys=keys)), repr(where_is(ADA, keys, values=["Ada"]))]
    for text in (sealed[:-8] + "AAAAAAA=", f"{SEALED}ffffffffffffffff:AAAA"):
        with pytest.raises(BrokenSeal) as refusal:
            keys.open(text, b"")
        said += [str(refusal.value), repr(refusal.value.facts)]
    assert not any("0123456789abcdef0123" in text or secret.hex() in text for text in said)


def test_a_log_is_no_key_ring_and_a_key_ring_no_log(tmp_path):
    SqliteStore(tmp_path / "log.db").close()
    with pytest.raises(StoreUnavailable, match="is no key ring"):
        KeyRing(tmp_path / "log.db")
    KeyRing(tmp_path / "keys.db").close()
    with pytest.raises(StoreUnavailable, match="is not an eslab store"):
        SqliteStore(tmp_path / "keys.db")
    with pytest.raises(StoreUnavailable, match="folder"):
        KeyRing(tmp_path / "nowhere" / "keys.db")


def test_the_library_of_ciphers_is_imported_only_when_it_is_used():
    import subprocess
    import sys

    code = "import sys, eslab, eslab.trust; eslab.trust.KeyRing(); print('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


# --- where is ---


def test_where_is_says_in_which_places_a_person_can_be_read(store, keys):
    names = Projector(store, Names())
    names.catch_up()
    frame = pd.DataFrame({"stream": [ADA, ADA, GRACE], "name": ["Ada Lovelace", "Ada Lovelace", "Grace Hopper"]})
    report = where_is(ADA, store, names, frame)
    assert [(line.place, line.where, line.times) for line in report.readable] == [
        ("PrivateStore", "test.Registered.name (sealed, but its key is there)", 1),
        ("PrivateStore", "test.Registered.town (sealed, but its key is there)", 1),
        ("Names", "state['member-1']", 1),
        ("DataFrame", "column 'name'", 2),
    ]
    keys.forget(ADA)
    report = where_is(ADA, store, names, frame, values=["Ada Lovelace", "Kirkby Mallory"])
    assert {line.place for line in report.readable} == {"Names", "DataFrame"}


def test_once_everything_is_rebuilt_nothing_personal_is_found(store, keys):
    names = Projector(store, Names())
    names.catch_up()
    keys.forget(ADA)
    names.rebuild()
    report = where_is(ADA, log=store, names=names, values=["Ada Lovelace", "Kirkby Mallory"])
    assert report.readable == []
    assert repr(report).startswith(
        "nothing personal of member-1 was found in 2 places (23 values looked through); its id stands in 2 places\n"
    )
    assert repr(where_is("member-9", {"a": ["b"]}, values=["Eve"])) == (
        "nothing personal of member-9 was found in 1 place (2 values looked through)"
    )


def test_sealed_text_is_nothing_to_be_read_or_looked_for(store):
    report = where_is(ADA, store, bare=store.inner)
    assert {line.place for line in report.readable} == {"PrivateStore"}
    assert report.values == 2


def test_where_is_says_when_it_does_not_know_what_to_look_for(store, keys):
    keys.forget(ADA)
    assert repr(where_is(ADA, store)).startswith("no personal text of member-1 is known, so only its id was looked for")


def test_a_name_is_found_however_it_is_written():
    zoe = "Zoë  O'Neill"
    written = [
        "ZOË O'NEILL",
        "zoe o'neill",
        "Zoe\u0308 O'Neill",
        'said "Zo\\u00eb O\'Neill" twice',
        "<b>Zo&euml; O&#x27;Neill</b>",
    ]
    for text in written:
        assert len(where_is("x", {"a": text}, values=[zoe]).readable) == 1, text
    assert where_is("x", ["Zoe Neill", "Canada"], values=[zoe, "Ada"]).readable == []
    assert len(where_is("x", ["(Ada)"], values=["Ada"]).readable) == 1


def test_an_id_is_found_as_a_whole_only():
    found = where_is("member-1", ["member-12", "a-member-1", "member-1-x"]).found
    assert found == []
    assert where_is("member-1", ["of member-1, that", b"member-1"]).found[0].times == 2


def test_a_short_name_is_a_whole_word_and_a_blank_one_is_nothing():
    assert where_is("x", ["to be", "Boris"], values=["Bo", "  ", ""]).readable == []


@dataclasses.dataclass
class Box:
    inside: object


class Slotted:
    __slots__ = ("inside",)

    def __init__(self, inside):
        self.inside = inside


def test_every_kind_of_python_value_is_looked_into(store):
    member = Member.replay(store.load(ADA))
    for thing in (
        "Ada Lovelace", [["Ada Lovelace"]], {"Ada Lovelace": 1}, {1: ("Ada Lovelace",)}, {"Ada Lovelace"},
        frozenset({("Ada Lovelace",)}), Box("Ada Lovelace"), Box(Slotted([Box("Ada Lovelace")])),
        b"Ada Lovelace", member, store.load(ADA), list(store.load(ADA)), store.load(ADA)[0],
        Timeline(store.load(ADA), Member),
        np.array(["Ada Lovelace", "b"]), np.array([["Ada Lovelace"]], dtype=object), Registered("Ada Lovelace"),
        pd.Series(["Ada Lovelace"]), pd.Index(["Ada Lovelace"]), fold(store.read(types=[Registered]), Names()),
        Box(store),
    ):  # fmt: skip
        assert where_is(ADA, [thing], values=["Ada Lovelace"]).readable, thing


def test_a_frame_is_looked_through_in_every_corner():
    frame = pd.DataFrame({"n": [1, 2]})
    corners = {
        "columns": pd.DataFrame({"Ada Lovelace": [1]}),
        "index": pd.DataFrame({"n": [1]}, index=["Ada Lovelace"]),
        "levels": pd.DataFrame({"n": [1, 2]}, index=pd.MultiIndex.from_tuples([("Ada Lovelace", 1), ("b", 2)])).iloc[
            1:
        ],
        "category": pd.DataFrame({"n": pd.Categorical(["Ada Lovelace", "b"])}).iloc[1:],
        "cells": pd.DataFrame({"n": [["Ada Lovelace"]]}),
        "twins": pd.DataFrame([["a", "Ada Lovelace"]], columns=["n", "n"]),
        "series": pd.Series(pd.Categorical(["Ada Lovelace", "b"])).iloc[1:],
    }
    corners["attrs"] = frame.copy()
    corners["attrs"].attrs["by"] = "Ada Lovelace"
    for corner, one in corners.items():
        assert where_is("x", one, values=["Ada Lovelace"]).readable, corner
    assert not where_is("x", frame, values=["Ada Lovelace"]).readable


def test_tables_of_a_read_model_and_of_any_file_are_looked_through(store, tmp_path):
    names = Projector(store, NamesInTables(str(tmp_path / "names.db")))
    names.catch_up()
    for place in (names, names.state, tmp_path / "names.db", str(tmp_path / "names.db")):
        (line,) = where_is(ADA, place, values=["Ada Lovelace"]).readable
        assert (line.where.removeprefix("state."), line.text) == ("members.name", "Ada Lovelace")


def test_snapshots_are_looked_through(store, keys):
    snapshots = Snapshots(store, Member, every=1)
    snapshots.load(ADA)
    keys.forget(ADA)
    assert [line.where for line in where_is(ADA, snapshots, values=["Ada Lovelace"]).readable] == ["snapshots.state"]
    snapshots.forget(ADA)
    assert snapshots.load(ADA).name == FORGOTTEN
    assert where_is(ADA, snapshots, values=["Ada Lovelace"]).readable == []


def test_odd_tables_are_looked_through_too(tmp_path):
    path = tmp_path / "odd.db"
    db = sqlite3.connect(path)
    db.execute('CREATE TABLE "a ""b""" ("c d" TEXT, e AS (upper("c d")), f BLOB) ')
    db.execute('INSERT INTO "a ""b""" VALUES (?, ?)', ("ada lovelace", b"\xff\x00Ada Lovelace"))
    db.execute('INSERT INTO "a ""b""" VALUES (CAST(? AS TEXT), NULL)', (b"\xff Ada Lovelace",))
    db.commit()
    db.row_factory = lambda *_: "nothing"
    found = {line.where: line.times for line in where_is("x", path, db, values=["Ada Lovelace"]).readable}
    assert found == {'a "b".c d': 2, 'a "b".e': 2, 'a "b".f': 1}
    db.close()


def test_a_text_file_is_looked_through_line_by_line(tmp_path):
    (tmp_path / "export.csv").write_text("1,Ada Lovelace\n2,ada lovelace\n", encoding="utf-8")
    (line,) = where_is("x", tmp_path / "export.csv", values=["Ada Lovelace"]).readable
    assert (line.place, line.where, line.times) == ("export.csv", "line", 2)


def test_a_file_that_cannot_be_looked_through_is_refused_and_not_passed_over(tmp_path):
    (tmp_path / "frame.parquet").write_bytes(b"PAR1\xff\xfe")
    for path in (tmp_path / "frame.parquet", tmp_path / "not-there.db", "not-there.db", tmp_path):
        with pytest.raises(StoreUnavailable):
            where_is("x", path, values=["Ada Lovelace"])


def test_what_could_not_be_looked_into_is_named():
    report = where_is("x", {"a": iter(["Ada Lovelace"]), "b": (n for n in "ab")}, values=["Ada Lovelace"])
    assert repr(report).endswith("could not look into generator, list_iterator")


def test_looking_changes_nothing(store, keys, tmp_path):
    with SqliteStore(tmp_path / "log.db") as log:
        log.append(ADA, [Registered("Ada Lovelace")])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    where_is(ADA, tmp_path / "log.db", store, keys, values=["Ada Lovelace"])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert (store.position, keys.subjects) == (3, [ADA, GRACE])


def test_a_log_that_is_being_written_is_looked_through_as_a_file(tmp_path):
    with SqliteStore(tmp_path / "log.db") as log:
        log.append(ADA, [Registered("Ada Lovelace", note="Ada Lovelace")], metadata={"by": ["Ada Lovelace"]})
        (payload, metadata) = where_is(ADA, tmp_path / "log.db", values=["Ada Lovelace"]).readable
        assert (payload.where, metadata.where) == ("events.payload", "events.metadata")
        assert {line.where for line in where_is(ADA, log).readable} == {
            "test.Registered.name", "test.Registered.note", "metadata.by[…]"
        }  # fmt: skip


def test_a_state_that_holds_itself_has_an_end():
    state = {"name": "Ada Lovelace"}
    state["self"] = state
    assert where_is("x", state, values=["Ada Lovelace"]).readable[0].times == 1


def test_what_was_found_is_escaped_and_shortened_in_a_notebook():
    page = where_is("x<y", [f"<script>Ada</script> {'long ' * 100}"], values=["Ada"], log={"<i>": "Ada"})._repr_html_()
    assert "<script>" not in page
    assert "<i>" not in page
    assert "&lt;script&gt;Ada&lt;/script&gt; long" in page
    assert len(page) < 1500


def test_many_lines_are_counted_and_not_all_shown():
    report = where_is("x", {f"key {n}": "Ada Lovelace" for n in range(100)}, values=["Ada Lovelace"])
    assert repr(report).endswith("… and 80 more lines")
    assert len(report.found) == 100


def test_where_is_asks_for_a_place_and_for_a_list_of_texts(store):
    with pytest.raises(InvalidName, match="0 places"):
        where_is(ADA)
    with pytest.raises(InvalidName, match="list of texts"):
        where_is(ADA, store, values="Ada Lovelace")
    with pytest.raises(InvalidName, match="a subject"):
        where_is("", store)


def test_places_of_one_kind_are_told_apart(store):
    report = where_is(ADA, ["Ada"], ["Ada"], {"a": "Ada"}, log=store, values=["Ada"])
    assert [line.place for line in report.readable][:3] == ["list", "list #2", "dict"]
