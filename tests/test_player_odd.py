"""Odd histories, odd states and hostile texts in the player: shown at their place, nothing blank, nothing run."""

import contextlib
import dataclasses
import datetime as dt
import decimal
import re

import pytest
from browser import from_disk

from eslab import MemoryStore, Projection, Timeline, event, record
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.widgets import Player

pytest_plugins = ["in_browser"]

DAY = dt.datetime(2026, 5, 3, tzinfo=dt.UTC)
STORY = [AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30)]


@event(name="test.Thought")
class Thought:
    text: str


class Thoughts(Projection):
    """Keeps whatever `think` makes of each thought."""

    def __init__(self, think=lambda state, text: {**state, text: len(text)}, start=dict):
        self.think, self.start = think, start

    def initial(self):
        return self.start()

    def evolve(self, state, recorded, /):
        return self.think(state, recorded.payload.text)


def thinking(*texts):
    return MemoryStore().append("mind-1", [Thought(text) for text in texts])


@pytest.fixture
def shown(chromium, tmp_path):
    """A function that opens a timeline's page at a position, presses keys, and gives the player in it."""
    with contextlib.ExitStack() as pages:

        def show(timeline, position=None, keys=()):
            path = tmp_path / "page.html"
            Player(timeline, position=len(timeline) - 1 if position is None else position).to_html(path)
            player = pages.enter_context(from_disk(chromium, path)).locator(".eslab-player")
            player.locator(".eslab-slider").focus()
            for key in keys:
                player.page.keyboard.press(key)
            return player

        yield show


def state_of(player):
    return player.locator(".eslab-scroll").first.inner_text()


# --- histories ---


def test_a_history_without_events_says_so(shown):
    player = shown(
        Timeline([], Account, title="Nothing yet"), keys=["ArrowRight", "Space", "End", "n", "m", "p", "l", "c"]
    )
    assert player.locator(".eslab-place").inner_text() == "no events"
    assert "This history has no events" in player.locator(".eslab-card").inner_text()
    assert "balance" in state_of(player)


def test_a_history_of_one_event_is_stepped_through(shown):
    player = shown(Timeline(MemoryStore().append("account-1", STORY[:1]), Account), 0)
    places = []
    for key in ["ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "End", "Home", "PageDown", "PageUp"]:
        player.page.keyboard.press(key)
        places.append(player.locator(".eslab-place").inner_text())
    assert places == [f"{row} of 1" for row in (1, 1, 0, 0, 1, 0, 0, 1)]


class Careful(Account):
    """An account that cannot take money out."""

    def apply(self, event):
        self.balance += 1000  # begun, and to be taken back when it fails
        if isinstance(event, MoneyWithdrawn):
            raise ValueError("there is <b>no</b> money")
        self.balance -= 1000
        super().apply(event)


def test_a_fold_that_fails_at_one_event_says_so_there_and_goes_on(shown):
    player = shown(Timeline(MemoryStore().append("account-1", [*STORY, MoneyDeposited(5)]), Careful), 3)
    assert "The fold failed here: ValueError: there is <b>no</b> money" in player.locator(".eslab-card").inner_text()
    assert "100" in state_of(player)
    label = player.locator(".eslab-event", has_text="MoneyWithdrawn").get_attribute("aria-label")
    assert "the fold failed here" in label
    player.page.keyboard.press("ArrowRight")
    assert "105" in state_of(player)
    assert "failed" not in player.locator(".eslab-card").inner_text()


def test_a_fold_that_fails_at_every_event_shows_the_state_at_the_start(shown):
    def refuse(state, text):
        raise KeyError(text)

    player = shown(Timeline(thinking("a", "b", "c"), Thoughts(refuse, lambda: {"thoughts": 0})))
    assert player.locator(".eslab-place").inner_text() == "3 of 3"
    assert "The fold failed here: KeyError: 'c'" in player.locator(".eslab-card").inner_text()
    assert player.locator(".eslab-event[data-error]").count() == 3
    assert "thoughts" in state_of(player)


def test_a_history_out_of_order_is_shown_as_it_stands(shown):
    story = [("late", 3, 9), ("early", 1, 7), ("middle", 2, 8)]
    history = [
        record(Thought(text), stream="mind-1", version=version, position=position, recorded_at=DAY)
        for text, version, position in story
    ]
    player = shown(Timeline(history, Thoughts()))
    assert player.locator(".eslab-summary").all_inner_texts() == ["", "late", "early", "middle"]
    assert "version 2" in player.locator(".eslab-facts").inner_text()
    assert "8 in the log" in player.locator(".eslab-facts").inner_text()


def test_more_events_than_there_is_room_for_are_counted_and_that_is_said(chromium, tmp_path):
    path = tmp_path / "many.html"
    deposits = [AccountOpened("Ada"), *5_000 * [MoneyDeposited(1)]]
    Player(Timeline(MemoryStore().append("account-1", deposits), Account)).to_html(path)
    with from_disk(chromium, path) as page:
        assert re.search(r"each column: up to \d+ events", page.locator(".eslab-player").inner_text())
        page.locator(".eslab-slider").focus()
        page.keyboard.press("End")
        assert page.locator(".eslab-place").inner_text() == "5,001 of 5,001"
        assert page.locator(".eslab-event").count() < 40


# --- values ---


@dataclasses.dataclass
class Point:
    x: int
    y: object


CYCLE: dict[str, object] = {"name": "cycle"}
CYCLE["itself"] = CYCLE
ODD = {
    "a huge number": 10**40 + 7,
    "beyond the browser's": 2**53 + 1,
    "a price": decimal.Decimal("0.10"),
    "no number": float("nan"),
    "no end": float("-inf"),
    "minus nothing": -0.0,
    "a pair": (1, (2, 3)),
    "bytes": b"\x00\xff",
    "nothing": None,
    "a point": Point(1, {2, 1}),
    "a day": DAY,
    1: "a whole number as key",
    (2, "b"): "a pair as key",
    None: "nothing as key",
    2.5: "a number as key",
}


def test_every_kind_of_value_is_shown_as_python_has_it(shown):
    text = state_of(shown(Timeline(thinking("all"), Thoughts(lambda state, text: dict(ODD)))))
    wanted = [str(10**40 + 7), "9007199254740993", "0.10", "nan", "-inf", "None", "2026-05-03", "a number as key",
              "a pair as key", "nothing as key"]  # fmt: skip
    assert [value for value in wanted if value not in text] == []


def nested(depth):
    state = {"bottom": "reached"}
    for level in range(depth, 0, -1):
        state = {f"level {level}": state}
    return state


def test_a_state_sixty_levels_deep_is_shown_with_its_end_or_where_it_was_cut(shown):
    text = state_of(shown(Timeline(thinking("deep"), Thoughts(lambda state, text: nested(60)))))
    assert "level 9" in text
    assert "…" in text or "reached" in text


def test_a_state_that_holds_itself_has_an_end(shown):
    text = state_of(shown(Timeline(thinking("round"), Thoughts(lambda state, text: CYCLE))))
    assert "cycle" in text
    assert len(text) < 20_000


def test_a_text_of_a_hundred_thousand_signs_is_cut_and_says_so(shown):
    player = shown(Timeline(thinking("long " * 20_000), Thoughts(lambda state, text: {"said": text}), title="t" * 9999))
    assert "100000 characters" in state_of(player).replace(",", "").replace("\u202f", "")
    assert len(player.inner_text()) < 20_000
    assert player.evaluate("node => node.scrollWidth - node.clientWidth") == 0


# --- hostile texts ---

HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<!--<script>window.hacked = 1</script>",
    "]]><svg onload='window.hacked = 1'>",
    "\u2028window.hacked = 1\u2029",
    "${window.hacked = 1}`';window.hacked = 1//",
    "javascript:window.hacked=1",
    "\u202egnp.exe\u2066\x00\x1b[2J\ufeff",
    "</main></title></style><b>",
]
UNSEEN = "\u202e\u2066\u2028\x00\x1b"


def printable(text):
    return "".join(sign for sign in text if sign.isprintable())


def hostile_page(path):
    """A page with these texts everywhere: title, notes, streams, payloads, metadata, keys, values, errors, views."""

    def think(state, said):
        if len(state) > 5:
            raise ValueError(said)
        return {**state, said: {said: [said]}, "plain": said}

    store = MemoryStore()
    for text in HOSTILE:
        store.append(f"mind-{printable(text)}", [Thought(text)], metadata={"who": text, "actor": {text: text}})
    views = {printable(HOSTILE[0]): Thoughts(think), printable(HOSTILE[1]): Thoughts(think)}
    timeline = Timeline(store.read(), views, title=" ".join(HOSTILE))
    Player(timeline.branch(skip=[2]), position=1, notes=dict(enumerate(HOSTILE, 1))).to_html(path)


def test_hostile_texts_are_shown_and_never_run(chromium, tmp_path):
    path = tmp_path / "hostile.html"
    hostile_page(path)
    with from_disk(chromium, path) as page:
        player = page.locator(".eslab-player")
        for text in HOSTILE:
            player.locator(".eslab-slider").focus()
            for key in ["ArrowRight", "p", "a", "Escape", "/", "Control+a", "Delete"]:
                page.keyboard.press(key)
            page.keyboard.insert_text(text)
            assert not set(UNSEEN) & set(player.evaluate("node => node.outerHTML"))
        assert page.evaluate("window.hacked") is None
        assert player.locator("script, img, svg[onload], b, iframe, object").count() == 0
        assert "<img src=x onerror" in player.inner_text()
        assert page.locator("main .eslab-player").count() == 1


# --- what is refused ---


def test_a_page_says_of_what_it_shows_that_it_may_run_nothing_else(chromium, tmp_path):
    path = tmp_path / "page.html"
    Player(Timeline(thinking("a"), Thoughts())).to_html(path)
    text = path.read_text()
    rules = dict(
        rule.split(maxsplit=1) for rule in re.search('Content-Security-Policy" content="([^"]*)"', text)[1].split("; ")
    )
    assert rules["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/=]{44}'", rules["script-src"])
    broken = text.replace("</main>", "</main><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>")
    (tmp_path / "broken.html").write_text(broken)
    page = chromium.new_page(offline=True)
    page.goto((tmp_path / "broken.html").as_uri())
    page.locator(".eslab-player").wait_for()
    assert page.evaluate("window.hacked") is None
    page.close()
