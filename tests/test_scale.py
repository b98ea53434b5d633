"""The same fold over a log that many workers read gives what one program gives, whatever happens to a worker."""

import datetime as dt
import operator
import os
import random
import signal
import subprocess
import sys
import threading
import time
from typing import ClassVar

import distributed
import msgspec
import pytest
from pandas.testing import assert_frame_equal
from postgres import told

from eslab import Projection, event, events, fold, frames, record, scale
from eslab.domains.bank import DECIDER, Account, Balances, MoneyDeposited
from eslab.domains.made_up import bank as made_up_bank
from eslab.domains.made_up import orders as made_up_orders
from eslab.domains.orders import Order
from eslab.errors import InvalidPosition, StoreUnavailable, UnreadableLog
from eslab.laws import LawBroken
from eslab.readers.parquet import to_parquet
from eslab.scale.clusters import work
from eslab.scale.partitions import StorePartition
from eslab.scale.work import Asked
from eslab.views import InvalidFold

PAUSE = 0.002
SPRING = dt.datetime(2026, 3, 20, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def few_event_classes(monkeypatch):
    """As in a program of one's own: without the classes of all other tests, which would go to the workers too."""
    few = {name: one for name, one in events._types.items() if one.cls.__module__.startswith("eslab.domains.")}
    monkeypatch.setattr(events, "_types", few)


class Slow(Account):
    """An account that takes its time, so that somebody can come in between."""

    category = "account"

    def apply(self, event):
        time.sleep(PAUSE)
        super().apply(event)


class Careful(Account):
    category = "account"

    def apply(self, event):
        if isinstance(event, MoneyDeposited) and event.amount == 300:
            raise ValueError("so much money at once")
        super().apply(event)


class Deadly(Account):
    category = "account"

    def apply(self, event):
        os._exit(1)


class Locked(Account):
    """An account with something in it that belongs to one process alone."""

    category = "account"

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


class Held(Balances):
    def __init__(self):
        self.lock = threading.Lock()


class Deposits(Projection):
    """How many events it was shown."""

    types = (MoneyDeposited,)
    categories = ("account",)

    def initial(self):
        return 0

    def evolve(self, count, recorded):
        return count + 1


class LastSeen(Projection):
    """A fold to which the order over all streams matters."""

    def initial(self):
        return {"last": None}

    def evolve(self, state, recorded):
        return {"last": recorded.position}


def united(one, other):
    return one | other


def states_of(history, by):
    streams = sorted({recorded.stream for recorded in history})
    return {stream: fold([one for one in history if one.stream == stream], by) for stream in streams}


@pytest.fixture(scope="module")
def client():
    with scale.cluster(workers=2) as client:
        yield client


@pytest.fixture(scope="module")
def history():
    return made_up_bank(seed=7, events=400)


@pytest.fixture(scope="module")
def log(history, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log") / "bank"
    to_parquet(history, folder, partitions=4)
    return folder


# --- equal to the fold in one program -------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [Account, DECIDER])
def test_the_state_of_each_stream_is_that_of_the_fold_in_one_program(by, history, log, client):
    found = scale.fold(log, by, client=client)
    assert found == states_of(history, by)
    assert list(found) == sorted(found)
    assert scale.fold(log, by) == found


@pytest.mark.parametrize("until", [{}, {"recorded_until": SPRING}, {"occurred_until": SPRING}])
def test_the_frame_at_a_moment_is_that_of_one_program(until, history, log, client):
    assert_frame_equal(scale.at(log, Account, client=client, **until), frames.at(history, Account, **until))


def test_old_schemas_and_nested_states_come_back_as_they_are(tmp_path, client):
    history = made_up_orders()
    to_parquet(history, tmp_path / "orders", partitions=3)
    assert_frame_equal(scale.at(tmp_path / "orders", Order, client=client), frames.at(history, Order))


def test_a_log_before_its_first_event_gives_an_empty_frame(history, log, client):
    until = {"recorded_until": dt.datetime(1999, 1, 1, tzinfo=dt.UTC)}
    assert_frame_equal(scale.at(log, Account, client=client, **until), frames.at(history, Account, **until))
    assert scale.fold(log, Balances, merge=united, client=client, **until) == {}


def test_a_projection_is_folded_in_each_partition_and_merged(history, log, client):
    assert scale.fold(log, Balances, merge=united, client=client) == fold(
        [one for one in history if one.type != "bank.AccountClosed"], Balances()
    )


def test_a_projection_is_shown_only_what_it_asks_for(history, log, client):
    deposits = sum(recorded.type == "bank.MoneyDeposited" for recorded in history)
    assert scale.fold(log, Deposits, merge=operator.add, client=client) == deposits


def test_a_projection_without_a_merge_is_refused(log):
    with pytest.raises(InvalidFold, match=r"Balances sees the events of many streams.*merge="):
        scale.fold(log, Balances)


def test_a_merge_of_what_is_folded_stream_by_stream_is_refused(log):
    with pytest.raises(InvalidFold, match="nothing to merge"):
        scale.fold(log, Account, merge=united)


def test_that_a_fold_can_be_merged_is_a_law(history):
    kept = scale.mergeable(Balances, united, history)
    assert repr(kept).startswith("merge law: Balances over 400 events, dealt out in 9 ways")


def test_a_fold_that_needs_the_order_over_all_streams_breaks_the_law(history):
    with pytest.raises(LawBroken, match=r"merge law: LastSeen.*should be \d+ and is \d+") as broken:
        scale.mergeable(LastSeen, lambda one, other: other, history)
    assert broken.value.step < 20


def test_a_merge_that_loses_something_breaks_the_law(history):
    with pytest.raises(LawBroken, match="merge law: Balances") as broken:
        scale.mergeable(Balances, lambda one, other: one, history)
    assert history[broken.value.step - 1].type == "bank.AccountOpened"


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_an_event_that_cannot_be_folded_is_named(history, log, client):
    with pytest.raises(scale.PartitionFailed, match=r"ValueError: so much money at once.*Fold that stream") as failed:
        scale.fold(log, Careful, client=client)
    found = history[failed.value.position - 1]
    assert (found.stream, found.version, found.type) == (failed.value.stream, failed.value.version, failed.value.type)
    assert "raise ValueError" in failed.value.__notes__[0]


def test_a_worker_that_is_killed_in_the_middle_changes_nothing(history, log, client, monkeypatch):
    before = set(client.run(os.getpid).values())
    killer = threading.Timer(0.1, lambda: os.kill(min(before), signal.SIGKILL))
    killer.start()
    found = scale.fold(log, Slow, client=client)
    killer.join()
    monkeypatch.setitem(globals(), "PAUSE", 0)
    assert found == states_of(history, Slow)
    assert min(before) not in client.run(os.getpid).values()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_worker_that_is_killed_at_any_moment_changes_nothing(seed, history, log, client):
    chance = random.Random(seed)
    victim = chance.choice(sorted(client.run(os.getpid).values()))
    killer = threading.Timer(chance.uniform(0, 0.8), os.kill, (victim, signal.SIGKILL))
    killer.start()
    found = scale.at(log, Slow, client=client)
    killer.join()
    assert_frame_equal(found, frames.at(history, Account))


@pytest.mark.slow
def test_a_partition_that_ends_every_worker_is_named(log):
    with scale.cluster(workers=2) as client:
        with pytest.raises(scale.PartitionFailed, match=r"<partition \d of bank> has ended 4 workers.*memory"):
            scale.fold(log, Deadly, client=client)
        assert len(scale.fold(log, Account, client=client)) == 8


class Weighed(Projection):
    """How many grams the events of each stream weigh; it has more on it than Dask sends with every task."""

    def __init__(self, grams):
        self.grams, self.ballast = grams, bytes(200_000)

    def evolve(self, state, recorded):
        return state | {recorded.stream: state.get(recorded.stream, 0) + self.grams}


def test_of_two_large_folds_each_is_sent_to_the_workers(history, log, client):
    for grams in (1, 2):
        assert scale.fold(log, Weighed(grams), merge=united, client=client) == fold(history, Weighed(grams))


def test_what_a_worker_cannot_import_is_named(log, client, tmp_path, monkeypatch):
    (tmp_path / "rules_of_mine.py").write_text("from eslab.domains.bank import Account\nclass Mine(Account): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import rules_of_mine

    with pytest.raises(scale.PartitionFailed, match=r"cannot import.*rules_of_mine.*upload_file"):
        scale.fold(log, rules_of_mine.Mine, client=client)


def test_a_state_that_cannot_leave_its_worker_is_said(log, client):
    with pytest.raises(scale.PartitionFailed, match=r"a state cannot leave the worker.*keep only values"):
        scale.fold(log, Locked, client=client)


def test_a_fold_that_cannot_be_sent_is_refused(log, client):
    with pytest.raises(scale.PartitionFailed, match=r"the fold <projection Held> cannot be sent.*locks"):
        scale.fold(log, Held(), merge=united, client=client)


def test_a_class_that_cannot_be_sent_is_named_only_where_it_is_needed(log, client, tmp_path, monkeypatch):
    monkeypatch.setattr(events, "_types", dict(events._types))

    @event(name="test.DoorLocked")
    class DoorLocked:
        lock: ClassVar = threading.Lock()

    assert len(scale.fold(log, Account, client=client)) == 8
    locked = record(DoorLocked(), stream="account-door", version=1, position=1, recorded_at=SPRING)
    to_parquet([locked], tmp_path / "doors")
    with pytest.raises(scale.PartitionFailed, match=r"could not get the class of test\.DoorLocked"):
        scale.fold(tmp_path / "doors", Account, client=client)


CELLS = """
import dataclasses
import datetime as dt
from eslab import Aggregate, event, record, upcaster

@dataclasses.dataclass(frozen=True)
class Shop:
    name: str

@event(name="test.LampBought", version=2)
class LampBought:
    name: str
    euros: int
    shop: Shop | None = None

    @staticmethod
    @upcaster(1)
    def _(payload):
        return {"name": payload["name"], "euros": payload["cents"] // 100}

class Lamp(Aggregate):
    def __init__(self):
        self.paid, self.shops = 0, []
    def apply(self, event):
        match event:
            case LampBought(name, euros, shop):
                self.paid += euros
                self.shops = [*self.shops, shop]

noon = dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC)
lamps = [record(LampBought("ELEGANT-LAMP", n, Shop("Ada's")), stream=f"lamp-{n}", version=1, position=n,
                recorded_at=noon) for n in range(1, 9)]
"""
SEEN = """
assert {stream: lamp.paid for stream, lamp in found.items()} == {f"lamp-{n}": n for n in range(1, 9)}
assert all(type(lamp) is Lamp and lamp.shops == [Shop("Ada's")] for lamp in found.values())
"""


def test_a_class_of_a_notebook_is_known_to_the_workers(tmp_path, client):
    notebook = {"__name__": "__main__"}
    exec(CELLS, notebook)
    old = msgspec.structs.replace(notebook["lamps"][0], schema_version=1, payload_text='{"name":"RUG","cents":700}')
    to_parquet([old, *notebook["lamps"][1:]], tmp_path / "lamps", partitions=2)
    for _ in range(2):  # a cell that is run again gives classes of the same names
        found = scale.fold(tmp_path / "lamps", notebook["Lamp"], client=client)
        assert found["lamp-1"].state == {"paid": 7, "shops": [None]}
        assert found["lamp-2"].state == {"paid": 2, "shops": [notebook["Shop"]("Ada's")]}
        assert type(found["lamp-1"]) is notebook["Lamp"]
        exec(CELLS, notebook)


@pytest.mark.slow
def test_a_program_without_a_file_has_its_classes_on_the_workers(tmp_path):
    use = (
        "from eslab import scale\nfrom eslab.readers import to_parquet\nto_parquet(lamps, 'lamps', partitions=2)\n"
        "with scale.cluster(workers=1) as client:\n    found = scale.fold('lamps', Lamp, client=client)"
    )
    command = [sys.executable, "-W", "error", "-c", CELLS + use + SEEN]
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_other_code_on_a_worker_is_refused(log, client, monkeypatch):
    monkeypatch.setattr(Careful, "apply", lambda self, event: None)
    with pytest.raises(scale.PartitionFailed, match=r"the code of .*Careful.* on a worker is not that of this program"):
        scale.fold(log, Careful, client=client)


def test_without_dask_its_package_is_named(log, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(scale.ClusterUnavailable, match=r"pip install 'eslab\[dask\]'"), scale.cluster():
        pass
    assert len(scale.fold(log, Account)) == 8


def test_a_cluster_without_workers_is_refused():
    with pytest.raises(InvalidPosition, match="workers is 0, expected how many to start"), scale.cluster(workers=0):
        pass


@pytest.mark.parametrize("where", ["tcp://127.0.0.1:1", "tls://127.0.0.1:1", "nowhere"])
def test_an_address_without_a_scheduler_is_refused(where):
    with pytest.raises(scale.ClusterUnavailable, match="no scheduler answers"), scale.cluster(where, patience=0.3):
        pass


def test_a_cluster_elsewhere_is_used_and_one_without_workers_refused(history, log):
    alone = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(n_workers=0, processes=False, protocol="tcp", scheduler_kwargs=alone) as elsewhere:
        where = elsewhere.scheduler_address
        with pytest.raises(scale.ClusterUnavailable, match="has no workers"), scale.cluster(where, patience=0.3):
            pass
        elsewhere.scale(1)
        with scale.cluster(where) as client:
            assert scale.fold(log, Account, client=client) == states_of(history, Account)


@pytest.mark.slow
def test_a_cluster_that_ends_in_the_middle_is_said(log):
    with scale.cluster(workers=1) as client:
        ending = threading.Timer(0.5, client.cluster.close)
        ending.start()
        with pytest.raises(scale.ClusterUnavailable, match="the cluster went away"):
            scale.fold(log, Slow, client=client)
        ending.join()


# --- partitions -----------------------------------------------------------------------------------------------------


def test_partitions_hold_whole_streams_and_together_everything(history, log):
    parts = scale.partitions(log)
    streams = [{recorded.stream for recorded in part} for part in parts]
    assert sum(map(len, streams)) == len(set.union(*streams)) == 8
    assert sorted((one for part in parts for one in part), key=lambda one: one.position) == list(history)
    assert repr(parts[2]) == "<partition 2 of bank>"


@pytest.mark.parametrize("number", [1, 3, 50, None])
def test_a_store_in_postgres_is_parted_by_the_names_of_its_streams(history, postgres, number):
    store = postgres.open_store()
    store.copy(history)
    parts = scale.partitions(f"{postgres.dsn}{mark(postgres.dsn)}schema={store.schema}", number)
    assert sorted((one for part in parts for one in part), key=lambda one: one.position) == list(store.read())
    assert sum(part.events for part in parts) == 400
    assert len(parts) <= (number or 1)


def mark(dsn):
    return "&" if "?" in dsn else "?"


def test_a_store_in_postgres_folds_to_the_same(history, log, postgres, client):
    store = postgres.open_store()
    store.copy(history)
    address = f"{postgres.dsn}{mark(postgres.dsn)}schema={store.schema}"
    found = scale.at(address, Account, client=client, partitions=3)
    assert_frame_equal(found, frames.at(history, Account))
    merged = scale.fold(address, Balances, merge=united, client=client, partitions=3)
    assert merged == scale.fold(log, Balances, merge=united)


def test_what_is_appended_after_the_parting_is_in_no_partition(history, postgres):
    store = postgres.open_store()
    store.copy(history[:100])
    parts = scale.partitions(f"{postgres.dsn}{mark(postgres.dsn)}schema={store.schema}", 2)
    store.copy(history[100:])
    assert sum(1 for part in parts for _ in part) == 100


def test_an_empty_store_folds_to_nothing(postgres):
    store = postgres.open_store()
    address = f"{postgres.dsn}{mark(postgres.dsn)}schema={store.schema}"
    assert scale.fold(address, Account) == {}
    assert scale.fold(address, Balances, merge=united) == {}


@pytest.mark.parametrize("wrong", ["mysql://ada:LOVELACE@host/db", "postgresql://ada:LOVELACE@127.0.0.1:1/db"])
def test_a_password_is_never_shown(wrong, caplog):
    with pytest.raises((UnreadableLog, StoreUnavailable)) as refused:
        scale.fold(wrong, Account)
    assert "LOVELACE" not in told(refused.value) + caplog.text


def test_a_worker_does_not_show_the_password_either(client, caplog, capfd):
    part = StorePartition(0, "a store", 1, "postgresql://ada:LOVELACE@127.0.0.1:1/db", "eslab", "", "z", 1)
    with pytest.raises(StoreUnavailable, match=r"database 'db' on 127\.0\.0\.1:1: found") as refused:
        work([part], Asked(Account, False, None, None), client, lambda events: None)
    assert "LOVELACE" not in told(refused.value) + caplog.text + "".join(capfd.readouterr())


def test_a_partition_does_not_show_the_password_of_its_store():
    log = "schema 'eslab' in database 'db'"
    part = StorePartition(0, log, 1, "postgresql://ada:LOVELACE@host/db", "eslab", "", "z", 1)
    assert repr(part) == "<partition 0 of schema 'eslab' in database 'db'>"


def test_less_than_one_partition_is_refused(log):
    with pytest.raises(InvalidPosition, match="partitions is 0, expected how many"):
        scale.partitions(log, 0)
