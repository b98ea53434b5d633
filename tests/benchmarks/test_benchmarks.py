"""The benchmarks run, judge as they say, and refuse to compare two different results."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .__main__ import arguments, sizes_of
from .measure import Row, Side, Target, Unequal, exponent, race
from .rows import ROWS
from .sizes import Sizes
from .workers import Worker

CHECKOUT = Path(__file__).parents[2]
LONG = ("player", "conditions", "chain", "latency", "idle", "visible", "memory", "scale")
SLOW = (*LONG, *(name for name in ROWS if name.startswith("pg-")))
KEYS = {"row", "yardstick", "ours", "theirs", "ratio", "target", "met"}


def quick_run(tmp_path, rows):
    """What a quick run of these rows prints, and the report that it writes."""
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--json", str(report), *rows]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return done.stdout, json.loads(report.read_text())


@pytest.mark.slow
def test_a_quick_run_prints_its_rows_and_writes_them_as_json(tmp_path):
    printed, written = quick_run(tmp_path, ["load"])
    assert len(written["rows"]) == 3
    must_be_whole(printed, written)


@pytest.mark.slow
def test_a_quick_run_of_every_row_in_one_process_comes_to_equal_results(tmp_path):
    printed, written = quick_run(tmp_path, [name for name in ROWS if name not in SLOW])
    assert len(written["rows"]) == 45
    must_be_whole(printed, written)


def must_be_whole(printed, written):
    assert all(row.keys() >= KEYS for row in written["rows"])
    assert all(row["ours"] > 0 for row in written["rows"] if "exponent" not in row["row"])
    assert all(row["row"] in printed for row in written["rows"])
    assert written["seed"]
    assert written["versions"]["eventsourcing"] == "9.5.6"


@pytest.mark.slow
def test_a_quick_run_of_the_rows_with_servers_and_other_processes_comes_to_equal_results(tmp_path):
    _, written = quick_run(tmp_path, [name for name in SLOW if name != "player"])  # that one wants a browser
    assert len(written["rows"]) == 58
    assert all(row["ours"] > 0 for row in written["rows"])


def test_a_worker_that_ends_without_an_answer_is_no_result():
    with pytest.raises(RuntimeError, match="ended without an answer"), Worker({"task": "idle", "address": "nowhere"}):
        pass


def test_a_row_that_does_not_exist_is_refused_with_those_that_do(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tests.benchmarks", "laod"])
    with pytest.raises(SystemExit) as ended:
        arguments()
    assert ended.value.code == 2
    assert "no row laod, expected some of load, append" in capsys.readouterr().err


def test_two_sides_with_different_results_are_not_compared():
    with pytest.raises(Unequal, match="balance of 7, but theirs to a balance of 8"):
        race([Side("ours", lambda _: "a balance of 7"), Side("theirs", lambda _: "a balance of 8")], runs=1)


def test_what_is_made_fresh_is_given_to_the_run_and_asked_for_the_answer():
    side = Side("ours", run=lambda account: account.append(30), fresh=lambda: [70], answer=sum)
    assert len(race([side, Side("theirs", lambda _: 100)], runs=1)["ours"]) == 1


@pytest.mark.parametrize(("seconds", "power"), [([2, 2, 2], 0), ([1, 10, 100], 1), ([1, 100, 10_000], 2)])
def test_the_exponent_says_whether_a_cost_is_flat_linear_or_square(seconds, power):
    assert exponent(dict(zip([10, 100, 1_000], seconds, strict=True))) == pytest.approx(power)


def test_an_exponent_is_fitted_to_all_times_and_not_to_the_first_and_the_last():
    assert exponent({10: 1, 100: 1, 1_000: 10}) == pytest.approx(0.5)
    assert exponent({10: 1, 100: 10, 1_000: 10, 10_000: 10}) == pytest.approx(0.3)


def test_the_largest_log_is_ten_times_as_long_and_measured_once(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tests.benchmarks", "--largest", "growth"])
    sizes = sizes_of(arguments())
    assert sizes.growth == (*Sizes().growth, 10_000_000)
    assert sizes.few == 1


@pytest.mark.parametrize(
    ("target", "ours", "theirs", "ratio", "met"),
    [
        (Target("faster", 8), 1.0, 8.0, 8.0, True),
        (Target("faster", 8), 1.0, 7.9, 7.9, False),
        (Target("more", 1.3), 130.0, 100.0, 1.3, True),
        (Target("more", 1.3), 129.0, 100.0, 1.29, False),
        (Target("in percent", 2), 2.5, None, None, False),
        (Target("as exponent", 1.1), 1.0, None, None, True),
        (Target("as exponent", 1.1), 1.2, None, None, False),
        (Target("within", 1.5), 3.0, 2.0, 1.5, True),
        (Target("within", 1.5), 3.2, 2.0, 1.6, False),
        (Target("in seconds", 2), 1.9, None, None, True),
        (Target("in seconds", 2), 2.1, None, None, False),
        (Target(), 3.0, 2.0, 1.5, None),
    ],
)
def test_a_target_judges_the_medians(target, ours, theirs, ratio, met):
    row = Row("load", "yardstick", [ours, ours, 99.0], None if theirs is None else [theirs, theirs, 0.1], target)
    facts = row.as_json()
    assert (facts["ratio"], facts["met"]) == (ratio, met)
