"""What was acknowledged is there, once and whole, whatever was killed, damaged, full or set back in between."""

import datetime as dt
import itertools
import random
import re

import pytest

from eslab import NewEvent, event
from eslab.errors import EslabError, InvalidName, InvalidPayload
from eslab.queries import Query, QueryItem
from eslab.stores.sqlite import SqliteStore
from tests.faults import careless, crowd, views
from tests.faults.damage import Victim, flip
from tests.faults.every import FAULTS, KILL_A_SERVER, LONG, QUICK, Scene, Sizes
from tests.faults.figures import Figures, as_table
from tests.faults.kills import Killing
from tests.faults.places import Place
from tests.faults.server import a_server

WHERE = ("SQLite", "PostgreSQL")

# --- each fault, a few times ---


@pytest.fixture
def scene(tmp_path, postgres):
    return Scene(tmp_path, lambda: Place(postgres.dsn, postgres.schema()))


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in KILL_A_SERVER + LONG])
def test_nothing_is_lost_and_nothing_is_doubled(fault, scene):
    figures = FAULTS[fault](scene, QUICK)
    assert figures.harmless, as_table([figures])
    assert figures.acknowledged > 0
    assert figures.rounds > 0


# --- each fault, often: the table ---


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A folder, and a server of our own that may be killed."""
    with a_server() as server:
        yield Scene(tmp_path_factory.mktemp("faults"), server.place, server)


@pytest.fixture(scope="module")
def table(pytestconfig):
    """The rows as they come, printed in the end, with `-s` or without."""
    rows = []
    yield rows
    with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\n" + as_table(rows))


OFTEN = dict.fromkeys((f"kill the {who} on {where}" for who in ("writer", "projector") for where in WHERE), 200)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_and_nothing_is_doubled_in_many_rounds(fault, stage, table):
    figures = FAULTS[fault](stage, Sizes())
    table.append(figures)
    assert figures.harmless, as_table([figures])
    assert figures.rounds >= OFTEN.get(fault, 1)
    assert figures.landed >= figures.rounds / 2 or "kill" not in fault, "the kills did not land in appends"


def test_the_table_adds_up():
    row = Figures("kill", "SQLite", 1, 1, 1000, noted="a") + Figures("", "", 2, 0, 500, 1, 1, noted="b")
    assert row == Figures("kill", "SQLite", 3, 1, 1500, 1, 1, noted="b")
    assert as_table([row]).splitlines() == [
        "fault  store   rounds  landed  acknowledged  lost  doubled  noted",
        "kill   SQLite       3       1         1,500     1        1  b",
    ]
    assert not row.harmless


# --- the faults find what is wrong: the same with stores that lose something ---


def careless_places(tmp_path, kind):
    numbers = itertools.count()
    return lambda: careless.CarelessPlace(str(tmp_path / f"{next(numbers)}.db"), kind_of_store=kind)


@pytest.mark.slow
def test_half_of_a_batch_is_found(tmp_path):
    with pytest.raises(AssertionError, match="is there in part"):
        Killing("kill -9 of the writer", careless_places(tmp_path, careless.RowByRow)).run(20)


@pytest.mark.slow
def test_events_that_were_acknowledged_too_early_are_counted_as_lost(tmp_path):
    figures = Killing("kill -9 of the writer", careless_places(tmp_path, careless.Early)).run(10)
    assert figures.lost > 0


@pytest.mark.slow
def test_an_append_that_was_stored_twice_is_found(tmp_path):
    with pytest.raises(AssertionError, match="is there in part"):
        Killing("kill -9 of the writer", careless_places(tmp_path, careless.Forgetful)).run(20)


@pytest.mark.slow
def test_a_deposit_that_was_decided_on_an_old_balance_is_found(tmp_path):
    with pytest.raises(AssertionError, match="a deposit was overlooked"):
        crowd.deposits_into_shared_accounts(careless_places(tmp_path, careless.Unchecked)(), 5)


@pytest.mark.slow
def test_a_time_that_goes_back_is_counted(tmp_path):
    figures = crowd.clocks_that_disagree(careless_places(tmp_path, careless.ByTheClock)(), 30)
    assert figures.lost > 0


@pytest.mark.slow
def test_an_event_that_a_subscriber_skips_is_counted_as_lost(tmp_path):
    figures = crowd.subscribers_beside_writers(careless_places(tmp_path, careless.Newest)(), 3)
    assert figures.lost > 0


@pytest.mark.slow
def test_an_event_that_a_subscriber_gets_twice_is_found(tmp_path):
    figures = crowd.subscribers_beside_writers(careless_places(tmp_path, careless.Stutters)(), 3)
    assert figures.doubled > 0


def careless_views(scene, kind):
    return lambda: (scene.file(), careless.CarelessView(str(scene.folder() / "view.db"), kind_of_model=kind))


@pytest.mark.slow
def test_a_view_that_runs_ahead_of_its_checkpoint_is_found(scene):
    with pytest.raises(AssertionError, match=r" 0 events missing and [1-9]"):
        views.kill_the_projector(careless_views(scene, careless.ViewFirst), 20)


@pytest.mark.slow
def test_a_checkpoint_that_runs_ahead_of_its_view_is_found(scene):
    with pytest.raises(AssertionError, match=r" [1-9][0-9]* events missing and 0"):
        views.kill_the_projector(careless_views(scene, careless.CheckpointFirst), 20)


@pytest.mark.slow
def test_a_view_that_is_half_built_where_it_is_read_is_found(scene):
    with pytest.raises(AssertionError, match="a reader saw"):
        views.kill_a_rebuild(careless_views(scene, careless.InPlace), 60)


@pytest.mark.slow
def test_two_that_work_on_one_view_are_found(scene):
    with pytest.raises(AssertionError, match="processes lead in one view"):
        views.kill_the_leader(careless_views(scene, careless.EverybodyLeads), 5)


@pytest.mark.slow
def test_a_message_that_was_answered_too_early_is_counted_as_lost(scene):
    late = careless.AnswersFirst
    assert views.kill_the_delivery(scene.two_files, scene.folder, 5, events=40, kind_of_box=late).lost > 1


@pytest.mark.slow
def test_without_a_chain_a_flipped_byte_may_be_missed(tmp_path):
    victim, chance = Victim(tmp_path, 10, chained=False), random.Random(1)
    for _ in range(60):
        victim.judge(flip(chance))
    assert victim.verdicts["missed"] > 0


def test_the_event_in_which_a_byte_was_flipped_is_named(tmp_path):
    victim, named = Victim(tmp_path, 4), []
    for recorded in victim.before[0][::5]:
        place = victim.files[""].index(recorded.payload_text.encode()) + 3
        assert victim.judge(flip(random.Random(1), place)) == "found by verify"
        named.append(int(re.search(r"position (\d+)", victim.said)[1]))
    assert named == [recorded.position for recorded in victim.before[0][::5]]


def test_damage_in_the_time_of_the_last_event_is_named(tmp_path):
    victim = Victim(tmp_path, 4)
    *others, last = victim.before[0]
    place = victim.files[""].index(last.recorded_text.encode(), victim.files[""].index(last.id.encode()))
    assert victim.judge(lambda content: content.__setitem__(place, 0xFF)) == "found by verify"
    assert f"broken at position {last.position}" in victim.said
    with SqliteStore(tmp_path / "bad.db") as store:
        assert [next(store.read(after=n, limit=1)) for n in range(len(others))] == others


# --- bad input: nothing is half-written ---


@event(name="test_faults.NoteWritten")
class NoteWritten:
    text: str


HOSTILE = [
    "'; DROP TABLE events; --", '"; DELETE FROM events; --', "%s %(a)s ? $1 {schema}", "\\'; SELECT 1", "E'\\x00'",
    "tea\\u0000", "$$; DROP SCHEMA eslab CASCADE; $$", "COPY events FROM stdin;\\.", "\t|\t,;", "☕'\"`\\",
]  # fmt: skip
TOO_LONG = "x" * (16 * 1024 * 1024 + 1)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request, tmp_path):
    """A chained store that holds one event."""
    file = request.param == "sqlite"
    with SqliteStore(tmp_path / "e.db") if file else request.getfixturevalue("postgres").open_store() as store:
        store.append("note-1", [NoteWritten("first")])
        store.chain()
        yield store


def test_sql_in_every_string_is_text(store):
    for n, text in enumerate(HOSTILE):
        name = text if text.isprintable() else f"odd-{n}"
        new = NewEvent(NoteWritten(text), id=f"{n} {name}", metadata={text: [text]}, tags=(name,))
        store.append(name, [new], expected_version=0)
        assert store.append(name, [new])[0].id == f"{n} {name}"  # found again by its id
        assert store.load(name)[0].payload == NoteWritten(text)
        assert store.load(name)[0].metadata[text] == [text]
        assert [r.stream for r in store.read(query=Query(QueryItem(tags=[name], types=[NoteWritten])))] == [name]
        assert [r.stream for r in store.read(categories=[name.partition("-")[0]], types=[NoteWritten, text])] == [name]
    assert store.verify().events == store.position == 1 + len(HOSTILE)


REFUSED = {
    "an oversize payload": ([NoteWritten("fine"), NoteWritten(TOO_LONG)], InvalidPayload),
    "a text that is none": ([NoteWritten("fine"), NoteWritten("\ud800")], InvalidPayload),
    "no event at all": ([NoteWritten("fine"), "'; DROP TABLE events; --"], EslabError),
    "an id with a line break": ([NoteWritten("fine"), NewEvent(NoteWritten("x"), id="a\nb")], InvalidName),
    "a naive time": ([NewEvent(NoteWritten("x"), occurred_at=dt.datetime(2026, 1, 1))], EslabError),  # noqa: DTZ001
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_leaves_nothing(store, what):
    events, refusal = REFUSED[what]
    before = list(store.read()), store.head()
    with pytest.raises(refusal):
        store.append({"note-1": [NoteWritten("second")], "note-2": events})
    assert (list(store.read()), store.head()) == before
    assert store.append("note-2", [NoteWritten("after")], expected_version=0)[0].position == 2
    store.verify()


@pytest.mark.parametrize("name", ["", "a\nb", "\x00", "x" * 256, 7, None])
def test_a_stream_that_cannot_be_stored_leaves_nothing(store, name):
    with pytest.raises(EslabError):
        store.append({"note-2": [NoteWritten("fine")], name: [NoteWritten("fine")]})
    assert (store.position, store.version("note-2")) == (1, 0)


@pytest.mark.slow
def test_a_payload_just_within_the_limit_is_kept(store):
    text = TOO_LONG[: 16 * 1024 * 1024 - len('{"text":""}')]
    store.append("note-2", [NoteWritten(text)])
    assert store.load("note-2")[0].payload.text == text
    assert store.verify().events == 2
