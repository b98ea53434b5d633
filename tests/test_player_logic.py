"""The player without a page: its logic in node, its Python side, and both on the traces of real timelines."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from eslab import MemoryStore, Timeline, datasets
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.domains.chess import Game
from eslab.domains.league import LeagueTable
from eslab.errors import InvalidPosition
from eslab.states import tree
from eslab.widgets import LAST_EVENTS, MOST_ROWS, InvalidTrace, Player, moment, state_at

HERE = Path(__file__).parent
PLAYER = HERE.parent / "eslab" / "static" / "player.js"
WALK = """
const [code, traceFile, ...positions] = process.argv.slice(1);
const { readFileSync } = await import("node:fs");
const { Replay, readTrace } = await import(`data:text/javascript;base64,${readFileSync(code, "base64")}`);
const replay = new Replay(readTrace(new Uint8Array(readFileSync(traceFile))));
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


def timelines():
    game = [recorded for recorded in datasets.load("chess") if recorded.stream == "game-6"]
    yield "league", Timeline(datasets.load("league"), LeagueTable(), title="Premier League 2013-14")
    yield "chess", Timeline(game, Game, title="Game 6")


@pytest.fixture
def ada(bank):
    return Timeline(bank, Account, title="Ada's account").player()


def test_the_logic_holds_in_node(node):
    done = subprocess.run([node, "--test", HERE / "player_logic.test.mjs"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.parametrize(("name", "timeline"), [*timelines()], ids=["league", "chess"])
def test_the_browser_comes_to_the_states_of_the_fold(node, tmp_path, name, timeline):
    last = len(timeline) - 1
    path = tmp_path / f"{name}.json"
    path.write_bytes(msgspec.json.encode(timeline.trace()))
    positions = [*range(0, last + 1, 9), last, last - 1, 3, 2, last // 2, 0, 1]
    command = [node, "--input-type=module", "-e", WALK, "--", PLAYER, path, *map(str, positions)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    states = json.loads(done.stdout)
    assert len(states) == len(positions)
    expected = json.loads(msgspec.json.encode([tree(timeline[position].state) for position in positions]))
    assert states == expected


@pytest.mark.parametrize(("name", "timeline"), [*timelines()], ids=["league", "chess"])
def test_python_comes_to_the_states_of_the_fold(name, timeline):
    trace, last = timeline.trace(), len(timeline) - 1
    for position in (0, 1, last // 2, last):
        state = {"root": state_at(trace, position)}
        assert encoded(state["root"]) == json.loads(msgspec.json.encode(tree(timeline[position].state)))


def encoded(value):
    """A decoded state as a tree again, so that order counts too."""
    if isinstance(value, dict):
        return {"map": [[key, encoded(item)] for key, item in value.items()]}
    return [encoded(item) for item in value] if isinstance(value, list) else value


def test_a_player_says_what_it_plays(ada):
    ada.position = 2
    assert repr(ada) == 'Player("Ada\'s account", 3 events, position 2)'
    assert len(ada) == 3


def test_a_player_of_nothing_is_still_a_player():
    player = Timeline([], Account).player()
    assert bool(player)
    assert len(player) == 0
    assert ", 0 events, position 0)" in repr(player)


def test_a_position_can_be_set_and_observed(ada):
    seen = []
    ada.observe(lambda change: seen.append(change["new"]), "position")
    ada.position = 3
    ada.position = 0
    assert seen == [3, 0]


@pytest.mark.parametrize("position", [-1, 4])
def test_a_position_outside_is_refused_with_what_is_there(ada, position):
    with pytest.raises(InvalidPosition, match=rf"position {position} is outside .* expected 0 .* to 3") as refused:
        ada.position = position
    assert (refused.value.found, refused.value.last) == (position, 3)
    assert ada.position == 0


def test_a_player_cannot_begin_outside(bank):
    with pytest.raises(InvalidPosition, match="position 4 is outside this player"):
        Player(Timeline(bank, Account), position=4)


def test_what_is_no_trace_is_refused_with_what_is_missing():
    with pytest.raises(InvalidTrace, match="has no title, no start, no patches"):
        Player({"events": []})
    with pytest.raises(InvalidTrace, match="has 1 patches for 0 events"):
        Player({"title": "", "events": [], "start": 0, "patches": [[]]})


def test_a_trace_alone_is_enough(bank):
    assert (
        repr(Player(Timeline(bank, Account, title="Ada").trace(), position=1)) == "Player('Ada', 3 events, position 1)"
    )


def test_a_page_without_widgets_shows_the_moment(ada):
    ada.position = 2
    data, _ = ada._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    page = data["text/html"]
    assert "Ada&#x27;s account: 2 of 3 events" in page
    assert "MoneyDeposited" in page
    assert ">100<" in page
    assert "MoneyWithdrawn" not in page


def test_the_page_is_the_same_each_time(bank):
    one, other = (Timeline(bank, Account, title="Ada").player()._repr_mimebundle_()[0]["text/html"] for _ in range(2))
    assert one == other


def test_hostile_text_is_escaped_in_the_page():
    script, turned = "<script>hacked()</script>", "\u202egpj.exe"
    story = MemoryStore().append(f"account-{script}", [AccountOpened(script), AccountOpened(turned)])
    page = moment(Timeline(story, Account, title=script).trace(), 2)
    assert "<script" not in page
    assert "&lt;script&gt;hacked()" in page
    assert "\u202e" not in page
    assert "\\u202egpj.exe" in page


def test_a_long_state_is_cut_and_says_so():
    trace = {"title": "t", "start": {"map": [[f"key {n}", n] for n in range(1_000)]}, "events": [], "patches": []}
    page = moment(trace, 0)
    assert "940 more rows" in page
    assert page.count("key ") == MOST_ROWS


def test_only_the_last_events_are_listed():
    story = MemoryStore().append("account-1", [AccountOpened("Ada"), *[MoneyDeposited(7), MoneyWithdrawn(7)] * 10])
    page = moment(Timeline(story, Account).trace(), 21)
    assert page.count("account-1 v") == LAST_EVENTS
    assert "account-1 v21" in page
