"""The shipped data sets: what is in them, and what loading them twice does."""

import gzip
import os
import shutil
import subprocess
import sys
from collections import Counter

import pytest

from eslab import datasets
from eslab.errors import UnknownName
from eslab.stores.memory import MemoryStore

FILED = ("league", "flights", "chess", "quakes")
MONTH = "flights-month"
EACH = [pytest.param(name, marks=pytest.mark.slow) if name == MONTH else name for name in datasets.names()]


@pytest.mark.parametrize("name", EACH)
def test_every_data_set_loads_the_same_events_each_time(name):
    first, again = datasets.load(name), datasets.load(name)
    assert first == again
    assert len({recorded.id for recorded in first}) == len(first)


@pytest.mark.parametrize("name", EACH)
def test_positions_count_from_one_and_recording_never_goes_back(name):
    history = datasets.load(name)
    assert [recorded.position for recorded in history] == list(range(1, len(history) + 1))
    texts = [recorded.recorded_text for recorded in history]
    assert texts == sorted(texts)


@pytest.mark.parametrize("name", EACH)
def test_every_event_comes_back_from_a_store_as_it_was(name):
    store = MemoryStore()
    history = datasets.load(name, into=store)
    assert list(store.read()) == list(history)
    assert [recorded.payload for recorded in store.read()] == [recorded.payload for recorded in history]


def test_a_data_set_loaded_again_into_the_same_store_adds_nothing():
    store = MemoryStore()
    datasets.load("league", into=store)
    datasets.load("league", into=store)
    assert store.position == 384


def test_two_data_sets_share_a_store():
    store = MemoryStore()
    datasets.load("league", into=store)
    datasets.load("chess", into=store)
    assert store.position == 384 + 531
    assert store.version("game-6") == 1 + 37 + 1


def test_loading_into_a_store_shows_progress(capsys):
    datasets.load("league", into=MemoryStore())
    assert "league: 100%" in capsys.readouterr().err


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(UnknownName, match="'cricket', expected one of: league, flights") as refused:
        datasets.load("cricket")
    assert refused.value.facts == {"name": "cricket"}


def test_every_data_set_is_described():
    assert tuple(datasets.describe()) == datasets.names()
    assert "blizzard" in datasets.describe()["flights"]


def test_a_folder_that_is_not_shipped_is_refused():
    assert (datasets.folder("datasets") / "README.md").is_file()
    with pytest.raises(UnknownName, match="expected 'datasets' or 'notebooks'"):
        datasets.folder("eslab")


def test_installed_files_come_before_those_of_a_checkout(tmp_path, monkeypatch):
    (tmp_path / "eslab" / "_files" / "datasets").mkdir(parents=True)
    (tmp_path / "datasets").mkdir()
    monkeypatch.setattr(datasets, "__file__", str(tmp_path / "eslab" / "datasets.py"))
    assert datasets.folder("datasets") == (tmp_path / "eslab" / "_files" / "datasets").resolve()


def test_all_files_together_are_smaller_than_two_megabytes():
    assert sum(path.stat().st_size for path in datasets.folder("datasets").glob("*.*")) < 2_000_000


@pytest.mark.parametrize("name", [*FILED, pytest.param(MONTH, marks=pytest.mark.slow)])
def test_each_file_is_described_in_the_readme(name):
    text = (datasets.folder("datasets") / "README.md").read_text(encoding="utf-8")
    rows = {line.split(" | ")[0][2:]: line for line in text.splitlines() if line.startswith("| ")}
    assert f"| {len(datasets.load(name)):,} |" in rows[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", FILED)
def test_the_build_script_makes_the_same_file_again(name, tmp_path):
    """Downloads the sources, unless ESLAB_SOURCES names a folder that has their archives."""
    if "ESLAB_SOURCES" not in os.environ and name in ("league", "quakes") and not shutil.which("npm"):
        pytest.skip("npm is not installed")
    shipped = datasets.folder("datasets")
    for path in shipped.glob("*.*"):
        if path.suffix in (".py", ".json"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    archives = [os.environ["ESLAB_SOURCES"]] if "ESLAB_SOURCES" in os.environ else []
    subprocess.run([sys.executable, "-B", f"build_{name}.py", *archives], cwd=tmp_path, check=True)
    file = "flights.csv.gz" if name == "flights" else f"{name}.jsonl"
    assert content(tmp_path / file) == content(shipped / file)


def content(path):
    """The bytes of a file, unpacked: another zlib packs them in another way."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_the_kinds_of_events_are_those_of_the_readme():
    kinds = Counter(recorded.type for name in FILED for recorded in datasets.load(name))
    assert kinds == {
        "league.ResultRecorded": 380, "league.ResultCorrected": 4,
        "flights.FlightScheduled": 1_614, "flights.FlightDeparted": 749, "flights.FlightArrived": 747,
        "flights.FlightDiverted": 2, "flights.FlightCancelled": 865,
        "chess.GameStarted": 6, "chess.MovePlayed": 519, "chess.GameEnded": 6,
        "quakes.EarthquakeReported": 1_707,
    }  # fmt: skip
