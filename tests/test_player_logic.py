"""The logic of the player without a page: its tests in node, and the states of real timelines as it computes them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from eslab import Timeline, datasets
from eslab.domains.chess import Game
from eslab.domains.league import LeagueTable
from eslab.domains.made_up import orders
from eslab.domains.orders import OrderBoard, Revenue
from eslab.states import tree
from eslab.traces import branch_trace, trace
from eslab.views import View
from eslab.widgets import joined

HERE = Path(__file__).parent
WALK = """
const [code, history, branch, ...positions] = process.argv.slice(1);
const { readFileSync } = await import("node:fs");
const { Replay, Trace } = await import(`data:text/javascript;base64,${readFileSync(code, "base64")}`);
const base = new Trace(readFileSync(history));
const replay = new Replay(branch ? new Trace(readFileSync(branch), base) : base);
const encode = (value) => value instanceof Map ? { map: [...value].map(([key, item]) => [key, encode(item)]) }
  : Array.isArray(value) ? value.map(encode) : value;
console.log(JSON.stringify(positions.map((position) => encode(replay.seek(Number(position))))));
"""


@pytest.fixture(scope="module")
def node():
    found = shutil.which("node")
    if not found:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("found no node: install Node.js to run these tests")
    return found


@pytest.fixture
def states_in_node(node, tmp_path):
    """The states at some positions as the player computes them, of a history or of a branch of it."""

    def states(timeline, positions, branch=None):
        code, history, beside = tmp_path / "player.mjs", tmp_path / "history.jsonl", tmp_path / "branch.jsonl"
        code.write_text(joined("js"), encoding="utf-8")
        history.write_bytes(trace(timeline))
        if branch is not None:
            beside.write_bytes(branch_trace(branch))
        files = [code, history, beside if branch is not None else ""]
        command = [node, "--input-type=module", "-e", WALK, "--", *files, *map(str, positions)]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    return states


def game():
    return Timeline([one for one in datasets.load("chess") if one.stream == "game-6"], Game, title="Game 6")


TIMELINES = {
    "league": lambda: Timeline(datasets.load("league"), LeagueTable, title="Premier League 2013-14"),
    "chess": game,
    "views": lambda: Timeline(orders(), {"board": OrderBoard, "revenue": Revenue, "late": View(OrderBoard, every=25)}),
}


def as_json(timeline, positions):
    return json.loads(msgspec.json.encode([tree(timeline[position].state) for position in positions]))


def walk(timeline):
    last = len(timeline) - 1
    return [*range(0, last + 1, 9), last, last - 1, 3, 2, last // 2, 0, 1]


@pytest.mark.parametrize("tests", ["player_logic", "player_tools"])
def test_the_logic_holds_in_node(node, tests):
    done = subprocess.run([node, "--test", HERE / f"{tests}.test.mjs"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.parametrize("name", TIMELINES)
def test_the_browser_comes_to_the_states_of_the_fold(states_in_node, name):
    timeline = TIMELINES[name]()
    positions = walk(timeline)
    assert states_in_node(timeline, positions) == as_json(timeline, positions)


def test_the_browser_comes_to_the_states_of_a_branch(states_in_node):
    timeline = game()
    branch = timeline.branch(skip=[15])
    positions = walk(branch)
    assert states_in_node(timeline, positions, branch) == as_json(branch, positions)


def test_the_browser_comes_to_the_states_of_another_fold(states_in_node):
    timeline = Timeline(orders(), OrderBoard)
    branch = timeline.branch(fold=Revenue)
    positions = walk(branch)
    assert states_in_node(timeline, positions, branch) == as_json(branch, positions)
