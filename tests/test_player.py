"""The player in a real JupyterLab: keys, clicks, links, two views, a busy kernel and hostile text."""

import time

import pytest
from browser import eventually

pytest_plugins = ["in_browser"]

ADA, LINKED, LONG, AGAIN, HOSTILE = 1, 2, 3, 4, 5
CELLS = [
    """
import ipywidgets
from eslab import MemoryStore, Timeline, event
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.widgets import Player
story = [AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30)] + 37 * [MoneyDeposited(1)]
ada = Timeline(MemoryStore().append("account-1", story), Account, title="Ada's account")
""",
    """
player = ada.player()
seen = []
player.observe(lambda change: seen.append(change["new"]), "position")
player
""",
    """
slider = ipywidgets.IntSlider(max=40)
ipywidgets.jslink((player, "position"), (slider, "value"))
slider
""",
    """
many = MemoryStore().append("account-2", [AccountOpened("Grace")] + 900 * [MoneyDeposited(1)])
long = Timeline(many, Account).player()
long
""",
    "long",
    """
script, image = "<script>window.hacked = 1</script>", "<img src=x onerror='window.hacked = 1'>"
mischief = [AccountOpened(script), AccountOpened(image)]
Player(Timeline(MemoryStore().append(f"account-{image}", mischief), Account, title=script), position=2)
""",
]


@pytest.fixture(scope="module")
def opened(lab):
    notebook = lab.open("players", CELLS)
    notebook.run()
    return notebook


@pytest.fixture
def notebook(opened):
    """The notebook with every player at its start, and no focus anywhere in them."""
    for number in (ADA, LONG):
        opened.player(number).locator('button[aria-label^="First"]').evaluate("button => button.click()")
    opened.page.evaluate("document.activeElement.blur()")
    assert eventually(lambda: opened.python("[player.position, long.position]"), [0, 0]) == [0, 0]
    return opened


def shown(player):
    """The position that a player shows, in its heading and on its slider."""
    parts = "['.eslab-place', '.eslab-slider'].map((part) => all.querySelector(part))"
    asked = f"all => {parts}.map((node) => node.value ?? node.innerText)"
    place, value = (text.split()[0].replace(",", "") for text in player.evaluate(asked))
    assert place == value
    return int(place)


def press(player, part, *keys):
    """The positions shown after each key, pressed with the focus on that part."""
    places = []
    player.locator(part).first.focus()
    for key in keys:
        player.page.keyboard.press(key)
        places.append(shown(player))
    return places


def test_keys_on_the_slider_step_forward_with_right_and_up(notebook):
    keys = ["ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", "End", "Home", "PageUp", "PageDown"]
    assert press(notebook.player(ADA), ".eslab-slider", *keys) == [1, 2, 1, 0, 40, 0, 10, 0]


def test_keys_on_the_list_go_down_to_later_events(notebook):
    keys = ["ArrowDown", "ArrowRight", "ArrowUp", "PageDown", "PageUp", "End", "Home"]
    assert press(notebook.player(ADA), ".eslab-list", *keys) == [1, 2, 1, 11, 1, 40, 0]


def test_up_and_down_scroll_the_state_and_do_not_step(notebook):
    keys = ["ArrowDown", "ArrowUp", "End", "ArrowRight", "ArrowLeft"]
    assert press(notebook.player(ADA), ".eslab-scroll", *keys) == [0, 0, 0, 1, 0]


@pytest.mark.parametrize("part", [".eslab-slider", ".eslab-list", ".eslab-scroll", ".eslab-card"])
def test_space_plays_and_pauses(notebook, part):
    player = notebook.player(ADA)
    press(player, part, "Space")
    player.locator('button[aria-label="Pause (space)"]').wait_for()
    press(player, part, "Space")
    assert player.locator('button[aria-label="Play (space)"]').count() == 1


def test_a_click_on_an_event_goes_there(notebook):
    player = notebook.player(ADA)
    player.locator(".eslab-event", has_text="MoneyWithdrawn").click()
    assert shown(player) == 3
    assert "70" in player.locator(".eslab-scroll").inner_text()
    assert "100 → 70" in player.locator(".eslab-words").inner_text()


def test_buttons_step_and_jump(notebook):
    player = notebook.player(ADA)
    places = []
    for name in ["One event forward", "Last event", "One event back", "First"]:
        player.locator(f'button[aria-label^="{name}"]').click()
        places.append(shown(player))
    assert places == [1, 40, 39, 0]


def test_a_linked_slider_follows_and_leads(notebook):
    notebook.player(ADA).locator(".eslab-slider").focus()
    notebook.page.keyboard.press("ArrowRight")
    readout = notebook.cell(LINKED).locator(".widget-readout")
    assert eventually(readout.inner_text, "1") == "1"
    notebook.python("[setattr(slider, 'value', 7)]")
    assert eventually(lambda: shown(notebook.player(ADA)), 7) == 7


def test_python_sees_every_position_that_was_shown(notebook):
    notebook.python("[seen.clear()]")
    press(notebook.player(ADA), ".eslab-slider", "ArrowRight", "ArrowRight", "End")
    assert eventually(lambda: notebook.python("player.position"), 40) == 40
    assert notebook.python("seen[-1]") == 40
    assert notebook.python("seen == sorted(seen)")


def test_python_moves_the_player(notebook):
    notebook.python("[setattr(player, 'position', 3)]")
    assert eventually(lambda: shown(notebook.player(ADA)), 3) == 3


def test_a_position_outside_is_refused_in_python(notebook):
    answer = notebook.python("[setattr(player, 'position', 41)]")
    assert answer == "error: position 41 is outside this player, expected 0 (before the first event) to 40"


def test_two_views_of_one_player_tick_once(notebook):
    one, other = notebook.player(LONG), notebook.player(AGAIN)
    one.get_by_label("Speed", exact=True).select_option("10")
    one.locator(".eslab-play").click()
    notebook.page.wait_for_timeout(300)
    first, began = shown(one), time.monotonic()
    notebook.page.wait_for_timeout(1200)
    steps, taken = shown(one) - first, time.monotonic() - began
    other.locator(".eslab-play").click()
    assert steps / taken == pytest.approx(10, rel=0.35)
    assert shown(one) == shown(other)


def test_a_busy_kernel_stops_no_step(notebook):
    notebook.busy(seconds=8)
    try:
        assert press(notebook.player(ADA), ".eslab-slider", "ArrowRight", "End", "ArrowLeft") == [1, 40, 39]
        assert notebook.is_busy()
    finally:
        notebook.interrupt()
    assert eventually(lambda: notebook.python("player.position"), 39) == 39


def test_a_skip_waits_for_a_busy_kernel_and_stops_no_step(notebook):
    player = notebook.player(ADA)
    press(player, ".eslab-slider", "ArrowRight", "ArrowRight", "ArrowRight")
    notebook.busy(seconds=8)
    try:
        player.page.keyboard.press("x")
        player.page.keyboard.press("ArrowLeft")
        assert shown(player) == 2
    finally:
        notebook.interrupt()
    assert eventually(player.locator(".eslab-state").count, 2) == 2
    assert notebook.python("[*player.branch.edits['skip']]") == [3]
    press(player, ".eslab-slider", "ArrowRight")
    player.page.keyboard.press("x")
    assert eventually(player.locator(".eslab-state").count, 1) == 1
    assert notebook.python("player.branch") is None


def test_a_click_on_skip_asks_what_if_and_does_not_jump(notebook):
    player = notebook.player(ADA)
    row = player.locator(".eslab-event", has_text="MoneyWithdrawn")
    for button, panes in [("Skip event 3", 2), ("Take back event 3", 1)]:
        row.hover()
        row.get_by_role("button", name=button).click()
        assert eventually(player.locator(".eslab-state").count, panes) == panes
        assert shown(player) == 0


def test_both_views_of_a_player_show_its_branch(notebook):
    one, other = notebook.player(LONG), notebook.player(AGAIN)
    press(one, ".eslab-slider", "ArrowRight", "ArrowRight")
    for panes in (2, 1):
        one.page.keyboard.press("x")
        assert eventually(other.locator(".eslab-state").count, panes) == panes
        assert one.locator(".eslab-state").count() == panes


def test_a_note_made_in_python_is_shown_and_one_taken_away_is_not(notebook):
    player = notebook.player(ADA)
    notebook.python("player.bookmark(5, 'look <b>here</b>')")
    assert eventually(player.get_by_text("1 note").count, 1) == 1
    player.locator(".eslab-slider").focus()
    player.page.keyboard.press("n")
    assert shown(player) == 5
    assert player.get_by_text("look <b>here</b>").is_visible()
    notebook.python("player.bookmark(5, '')")
    assert eventually(player.get_by_text("look").is_visible, False) is False


def test_text_from_data_is_shown_and_not_run(notebook):
    player = notebook.player(HOSTILE)
    assert "<script>window.hacked" in player.locator(".eslab-name").inner_text()
    assert "<img src=x onerror" in player.locator(".eslab-scroll").inner_text()
    assert "<img src=x onerror" in player.locator(".eslab-facts").inner_text()
    assert player.locator("script, img").count() == 0
    assert notebook.page.evaluate("window.hacked === undefined")


def test_a_screen_reader_is_told_the_place_and_the_event(notebook):
    player = notebook.player(ADA)
    press(player, ".eslab-slider", "ArrowRight", "ArrowRight")
    assert player.locator(".eslab-slider").get_attribute("aria-valuetext") == "event 2 of 40: MoneyDeposited"
    current = player.locator('[role="row"][aria-selected="true"]')
    assert player.locator(".eslab-list").get_attribute("aria-activedescendant") == current.get_attribute("id")
    assert current.get_attribute("aria-label").startswith("2, MoneyDeposited, 100")
    player.locator('button[aria-label^="One event forward"]').focus()
    notebook.page.keyboard.press("Space")
    said = player.locator(".eslab-live")
    expected = "event 3 of 40: MoneyWithdrawn; balance 100 → 70"
    assert eventually(said.inner_text, expected) == expected
