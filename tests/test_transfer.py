"""A transfer keeps everything, can be ended at any moment, and proves what it did."""

import datetime as dt
import os
import random
import time
import tracemalloc

import msgspec
import pytest
from click.testing import CliRunner

from eslab import MemoryStore, NewEvent, event, record
from eslab.cli import main
from eslab.errors import BrokenLog, InvalidPosition, VersionGap
from eslab.queries import Query, QueryItem
from eslab.stores.sqlite import SqliteStore
from eslab.stores.transfer import Transferred, transfer
from eslab.testing import counting_ids, ticking_clock
from tests.faults.places import PROCESSES, Noted, Place
from tests.faults.work import copy_slowly

PAST = dt.datetime(2020, 2, 29, 12, 0, 0, 7, tzinfo=dt.UTC)
ODD = "tea'; DROP TABLE events; -- ☕\u2028"


@event(name="test_transfer.LetterSent")
class LetterSent:
    text: str


def letters(store, number=12):
    """Letters in three streams, with all that an envelope can hold."""
    for n in range(number):
        new = NewEvent(
            LetterSent(f"{n} {ODD}"),
            id=f"letter-{n}",
            occurred_at=PAST,
            metadata={"by": ODD, "n": [n, None]},
            tags=(f"to:{n % 2}", "é"),
        )
        store.append(f"letter-{n % 3}", [new])
    return store


def kept(recorded):
    """Everything but the position."""
    return msgspec.structs.astuple(recorded)[1:]


@pytest.fixture
def source():
    return letters(MemoryStore(clock=ticking_clock()))


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def target(request, tmp_path):
    if request.param == "postgres":
        yield request.getfixturevalue("postgres").open_store()
        return
    with MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "target.db") as store:
        yield store


# --- what is kept ---


def test_everything_but_the_position_is_kept(source, target):
    done = transfer(source, target)
    assert [kept(recorded) for recorded in target.read()] == [kept(recorded) for recorded in source.read()]
    assert done == Transferred(events=12, added=12, digest=source.head().digest)
    assert target.head() == source.head()


def test_tags_are_found_in_the_target(source, target):
    transfer(source, target)
    query = Query(QueryItem(types=[LetterSent], tags=["to:1", "é"]))
    assert [recorded.id for recorded in target.read(query=query)] == [f"letter-{n}" for n in range(1, 12, 2)]


def test_there_and_back_again(source, target):
    transfer(source, target)
    back = MemoryStore()
    transfer(target, back)
    assert list(back.read()) == list(source.read())


def test_the_target_may_hold_other_events(source, target):
    target.append("diary-1", [LetterSent("mine")])
    done = transfer(source, target, batch=5)
    assert done.added == 12
    assert [recorded.position for recorded in target.read()] == list(range(1, 14))
    target.append("diary-1", [LetterSent("mine too")], expected_version=1)
    assert transfer(source, target, batch=5) == Transferred(12, 0, done.digest)


def test_the_chain_of_the_target_goes_on(source, target):
    target.append("diary-1", [LetterSent("mine")])
    target.chain()
    transfer(source, target, batch=5)
    assert target.verify().events == 13


def test_events_of_a_type_that_nobody_knows_are_copied_too(target):
    source = MemoryStore()
    known = record(LetterSent("hello"), stream="letter-1", version=1, position=1, recorded_at=PAST)
    source.copy([msgspec.structs.replace(known, type="from.the.future", schema_version=9)])
    transfer(source, target)
    assert [kept(recorded) for recorded in target.read()] == [kept(recorded) for recorded in source.read()]


def test_an_empty_store_is_copied(target):
    assert repr(transfer(MemoryStore(), target)) == "<0 events: 0 added, all read back the same, digest 000000000000…>"


def test_what_was_done_is_one_sentence(source, target):
    target.copy(source.load("letter-0"))
    said = repr(transfer(source, target))
    assert said.startswith("<12 events: 8 added, 4 were there, all read back the same, digest ")


# --- again, and after a kill ---


def test_what_is_there_is_not_written_again(source, target):
    first = transfer(source, target)
    target.copy = None  # would fail
    assert transfer(source, target) == Transferred(12, 0, first.digest)


def test_holes_are_filled(source, target):
    target.copy(source.load("letter-1", until=2))
    target.copy(source.load("letter-2"))
    assert transfer(source, target, batch=5).added == 6
    assert len(list(target.read())) == 12


def test_new_events_of_the_source_come_with_the_next_transfer(source, target):
    transfer(source, target)
    source.append("letter-0", [LetterSent("one more")])
    assert transfer(source, target).added == 1


class Growing(MemoryStore):
    """A store into which others write as soon as somebody looks where it ends."""

    growing = False

    @property
    def position(self):
        end = super().position
        if self.growing:
            self.append("letter-0", [LetterSent("and another")])
        return end


def test_what_comes_during_a_transfer_comes_with_the_next(target):
    source = letters(Growing())
    source.growing = True
    assert transfer(source, target).events == 12
    assert transfer(source, target).added > 0


@pytest.fixture
def filled(tmp_path):
    """A file of 2,000 events."""
    place = Place(str(tmp_path / "source.db"))
    with place.open() as store:
        for n in range(20):
            store.append(f"note-{n % 7}", [Noted(str(n), k, 100) for k in range(1, 101)])
    return place


def test_killed_in_the_middle_and_run_again_it_lost_nothing(filled, tmp_path):
    to, chance, began, ended = Place(str(tmp_path / "target.db")), random.Random(4), [], []
    with to.open() as target, filled.open() as source:
        while target.position < 1_500:
            began.append(target.position)
            process = PROCESSES.Process(target=copy_slowly, args=(filled, to, PROCESSES.Pipe()[1]))
            process.start()
            while target.position < min(began[-1] + chance.randint(20, 400), 1_900):
                time.sleep(0.001)
            process.kill()
            process.join()
            ended.append(target.position)
        assert len(ended) > 3
        assert all(now % 20 == 0 and before < now < 2_000 for before, now in zip(began, ended, strict=True))
        assert transfer(source, target).added == 2_000 - ended[-1]
        assert [kept(r) for r in target.read()] == [kept(r) for r in source.read()]


# --- what cannot be copied ---


class Careless(MemoryStore):
    """A store that gives back other than it was given."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def _with_ids(self, ids):
        return [changed for row in super()._with_ids(ids) if (changed := self.change(row))]


def but(id, **fields):
    return lambda row: msgspec.structs.replace(row, **fields) if row.id == id else row


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"payload_text": "{}"}, "payload_text was .*, and is '{}'"),
        ({"metadata_text": "{}"}, "metadata_text was .*, and is '{}'"),
        ({"recorded_text": "2026"}, "recorded_text was '2026-01-01T00:04:00.000000.00:00', and is '2026'"),
        ({"occurred_text": "2026", "type": "X"}, "type was .*, and is 'X'; occurred_text was .*, and is '2026'"),
        ({"schema_version": 2}, "schema_version was 1, and is 2"),
    ],
)
def test_the_first_event_that_differs_is_named(source, fields, said):
    place = "the copy differs at position 5 of the source, version 2 of stream 'letter-1': "
    careless = Careless(but("letter-4", **fields))
    careless.append("diary-1", [LetterSent("so that positions differ too")])
    with pytest.raises(BrokenLog, match=place + said) as refusal:
        transfer(source, careless, batch=3)
    assert refusal.value.facts == {"position": 5, "stream": "letter-1", "version": 2, "id": "letter-4"}


def test_an_event_that_is_not_given_back_is_named(source):
    with pytest.raises(BrokenLog, match=r"position 8 of the source.* the target does not give it back"):
        transfer(source, Careless(lambda row: row if row.id != "letter-7" else None))


def test_an_id_that_another_event_has_is_refused(source, target):
    target.append("diary-1", [NewEvent(LetterSent("mine"), id="letter-3")])
    with pytest.raises(BrokenLog, match=r"position 4 of the source.*stream was 'letter-0', and is 'diary-1'"):
        transfer(source, target, batch=2)
    assert target.position == 3


def test_a_stream_that_goes_on_otherwise_is_refused_with_nothing_of_the_batch(source, target):
    target.append("letter-2", [LetterSent("mine")])
    with pytest.raises(VersionGap, match=r"target's stream 'letter-2' does not go on .* the next version there is 2"):
        transfer(source, target, batch=2)
    assert [recorded.stream for recorded in target.read()] == ["letter-2", "letter-0", "letter-1"]


class Holey(MemoryStore):
    """A store that has lost one event."""

    def _log(self, after, until, types, categories, limit):
        return [row for row in super()._log(after, until, types, categories, limit) if row.position != self.hole]


@pytest.mark.parametrize("hole", [1, 7, 12])
def test_a_source_that_has_lost_an_event_is_refused(target, hole):
    source = letters(Holey())
    source.hole = hole
    with pytest.raises(
        BrokenLog, match=f"holds 12 events, but gives none at position {hole}: it is damaged"
    ) as refusal:
        transfer(source, target, batch=4)
    assert refusal.value.facts == {"position": hole}


@pytest.mark.parametrize("batch", [0, -1, 2.5, None, True])
def test_a_batch_is_one_event_or_more(source, batch):
    with pytest.raises(InvalidPosition, match="expected how many events to copy at a time, 1 or more"):
        transfer(source, MemoryStore(), batch=batch)


# --- many events ---


def test_memory_is_bounded_by_the_batch(filled, tmp_path):
    with filled.open() as source, SqliteStore(tmp_path / "target.db") as target:
        source.append("note-1", [Noted("more", n, 1, "x" * 200) for n in range(8_000)])
        transfer(source, target, batch=50)  # what is imported once is imported
        source.append("note-1", [Noted("more", n, 1, "x" * 200) for n in range(8_000)])
        tracemalloc.start()
        transfer(source, target, batch=50)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 4_000_000  # 8,000 such events take about twice that, and 18,000 more


@pytest.mark.parametrize(("progress", "shown"), [(None, False), (True, True), (False, False)])
def test_progress_is_shown_when_asked_for(source, capsys, progress, shown):
    transfer(source, MemoryStore(), progress=progress)
    assert ("12/12" in capsys.readouterr().err) is shown


def test_progress_is_shown_from_some_size(source, capsys, monkeypatch):
    monkeypatch.setattr("eslab.show.SHOW_PROGRESS_FROM", 12)
    transfer(source, MemoryStore())
    assert "copy: 100%" in capsys.readouterr().err


# --- eslab copy ---


def eslab_copy(*words):
    return CliRunner().invoke(main, ["copy", *map(str, words)])


@pytest.fixture
def bank(tmp_path):
    with SqliteStore(tmp_path / "bank.db", clock=ticking_clock(), ids=counting_ids()) as store:
        letters(store)
    return tmp_path / "bank.db"


def test_a_copy_is_made_and_told_in_one_line(bank, tmp_path):
    result = eslab_copy(bank, tmp_path / "copy.db")
    with SqliteStore(tmp_path / "copy.db") as copy, SqliteStore(bank) as source:
        assert list(copy.read()) == list(source.read())
        digest = source.head().digest
    assert result.exit_code == 0
    assert (
        result.output
        == f"{bank} → {tmp_path / 'copy.db'}: 12 events, 12 added; all read back the same, digest {digest}.\n"
    )
    again = eslab_copy(bank, tmp_path / "copy.db")
    assert "12 events, 0 added, 12 were there already; all read back the same" in again.output


def test_a_source_that_is_not_there_is_refused_and_neither_is_made(tmp_path):
    result = eslab_copy(tmp_path / "typo.db", tmp_path / "copy.db")
    assert result.exit_code == 2
    assert result.output.startswith(f"eslab: there is no store at '{tmp_path / 'typo.db'}'")
    assert os.listdir(tmp_path) == []


def test_a_source_that_is_no_store_is_refused_and_the_target_is_not_made(tmp_path):
    (tmp_path / "diary.txt").write_text("dear diary " * 100)
    result = eslab_copy(tmp_path / "diary.txt", tmp_path / "copy.db")
    assert (result.exit_code, "it is not a SQLite file" in result.output) == (2, True)
    assert os.listdir(tmp_path) == ["diary.txt"]


def test_an_empty_file_is_no_source(tmp_path):
    (tmp_path / "empty.db").touch()
    result = eslab_copy(tmp_path / "empty.db", tmp_path / "copy.db")
    assert result.exit_code == 2
    assert (tmp_path / "empty.db").stat().st_size == 0


@pytest.mark.parametrize("words", [["memory:", "copy.db"], ["bank.db", "memory:"]])
def test_memory_is_no_place_for_a_copy(words):
    result = eslab_copy(*words)
    assert (result.exit_code, result.output) == (
        2,
        "eslab: 'memory:' is gone when this command ends: name a file or a server\n",
    )


def test_a_conflict_is_told_without_a_traceback(bank, tmp_path):
    with SqliteStore(tmp_path / "copy.db") as copy:
        copy.append("letter-1", [LetterSent("mine")])
    result = eslab_copy(bank, tmp_path / "copy.db")
    assert result.exit_code == 2
    assert result.output.startswith("eslab: the target's stream 'letter-1' does not go on where the source's does")


SECRET = "postgresql://ada:hunter2@127.0.0.1:1/bank"


@pytest.mark.parametrize("words", [[], ["a.db"], ["a.db", "b.db", SECRET], [SECRET, SECRET, SECRET]])
def test_a_wrong_number_of_names_is_told_without_naming_them(words):
    result = eslab_copy(*words)
    assert result.exit_code == 2
    assert f"expected SOURCE and TARGET, found {len(words)} name" in result.output
    assert "hunter2" not in result.output


@pytest.mark.parametrize("place", range(2))
def test_a_password_is_never_printed(bank, place):
    words = [bank, bank]
    words[place] = SECRET
    result = eslab_copy(*words)
    assert result.exit_code == 2
    assert "hunter2" not in result.output


def test_a_file_is_copied_to_a_server_and_back(bank, postgres, tmp_path):
    schema = postgres.schema()
    address = f"{postgres.dsn}{'&' if '?' in postgres.dsn else '?'}schema={schema}"
    there = eslab_copy(bank, address)
    back = eslab_copy(address, tmp_path / "back.db")
    assert (there.exit_code, back.exit_code) == (0, 0), there.output + back.output
    assert f"{bank} → <PostgresStore: schema '{schema}' in database " in there.output
    assert ">: 12 events, 12 added; all read back the same, digest " in there.output
    with SqliteStore(bank) as one, SqliteStore(tmp_path / "back.db") as other:
        assert list(one.read()) == list(other.read())


def test_a_schema_that_is_not_there_is_no_source_and_is_not_made(postgres, tmp_path):
    schema = postgres.schema()
    result = eslab_copy(f"{postgres.dsn}{'&' if '?' in postgres.dsn else '?'}schema={schema}", tmp_path / "copy.db")
    assert result.exit_code == 2
    assert f"there is no store in schema '{schema}'" in result.output
    assert postgres.ask("SELECT FROM pg_namespace WHERE nspname = %s", schema) == []
    assert os.listdir(tmp_path) == []
