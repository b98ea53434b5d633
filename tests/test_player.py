"""The player in a real JupyterLab: keys, clicks, links, two views, a busy kernel, hostile text, contrast and trust."""

import time

import nbformat
import pytest

from eslab import MemoryStore, Timeline
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited
from eslab.widgets import Player

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


def eventually(ask, expected, seconds=10):
    """The answer, once it is as expected; the last answer if it does not become so in time."""
    until = time.monotonic() + seconds
    while (answer := ask()) != expected and time.monotonic() < until:
        time.sleep(0.05)
    return answer


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


@pytest.mark.parametrize("part", [".eslab-slider", ".eslab-list", ".eslab-scroll", ".eslab-play", "select"])
def test_no_key_reaches_the_notebook(notebook, part):
    before = (
        notebook.count(),
        notebook.page.locator(".jp-Cell.jp-mod-active").first.get_attribute("data-windowed-list-index"),
    )
    player = notebook.player(ADA)
    player.locator(part).focus()
    for key in ["x", "d", "d", "a", "b", "v", "m", "0", "0", "ArrowDown", "ArrowUp", "Home", "End", "Shift+M"]:
        notebook.page.keyboard.press(key)
    after = (
        notebook.count(),
        notebook.page.locator(".jp-Cell.jp-mod-active").first.get_attribute("data-windowed-list-index"),
    )
    assert after == before
    assert notebook.page.locator(".jp-Dialog").count() == 0


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
    one.locator("select").select_option("10")
    one.locator(".eslab-play").click()
    notebook.page.wait_for_timeout(500)
    first, began = shown(one), time.monotonic()
    notebook.page.wait_for_timeout(2000)
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


def test_text_from_data_is_shown_and_not_run(notebook):
    player = notebook.player(HOSTILE)
    assert "<script>window.hacked" in player.locator(".eslab-name").inner_text()
    assert "<img src=x onerror" in player.locator(".eslab-scroll").inner_text()
    assert "<img src=x onerror" in player.locator(".eslab-facts").inner_text()
    assert player.locator("script, img").count() == 0
    assert notebook.page.evaluate("window.hacked === undefined")


CONTRASTS = """(player) => {
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = paint.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const behind = (node) => (node
    ? over(rgba(getComputedStyle(node).backgroundColor), behind(node.parentElement))
    : [255, 255, 255, 1]);
  const light = (colour) => colour.slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (node) => {
    const ground = behind(node);
    const [one, other] = [light(over(rgba(getComputedStyle(node).color), ground)), light(ground)];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  const hasText = (node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
  const texts = [...player.querySelectorAll("*")]
    .filter((node) => hasText(node) && node.checkVisibility() && !node.closest("select"));
  return texts.map((node) => [Number(ratio(node).toFixed(2)), node.className, node.textContent.slice(0, 30)]);
}"""


@pytest.mark.parametrize("theme", ["Dark", "Light"])
def test_every_text_stands_out_from_its_ground(notebook, theme):
    notebook.theme(theme)
    notebook.python("[setattr(player, 'position', 3)]")
    player = notebook.player(ADA)
    assert eventually(lambda: shown(player), 3) == 3
    contrasts = player.evaluate(CONTRASTS)
    assert len(contrasts) > 30
    assert [found for found in contrasts if found[0] < 4.5] == []


def test_what_has_the_focus_can_be_seen(notebook):
    notebook.player(ADA).locator(".eslab-slider").focus()
    outlines = {}
    for _ in range(4):
        notebook.page.keyboard.press("Tab")
        name, *outline = notebook.page.evaluate(
            "(({className, localName}, {outlineStyle, outlineWidth}) =>"
            " [className || localName, outlineStyle, parseFloat(outlineWidth)])"
            "(document.activeElement, getComputedStyle(document.activeElement))"
        )
        outlines[name] = outline
    assert outlines == {part: ["solid", 2] for part in ("select", "eslab-list", "eslab-card", "eslab-scroll")}


def test_a_screen_reader_is_told_the_place_and_the_event(notebook):
    player = notebook.player(ADA)
    press(player, ".eslab-slider", "ArrowRight", "ArrowRight")
    assert player.locator(".eslab-slider").get_attribute("aria-valuetext") == "event 2 of 40: MoneyDeposited"
    current = player.locator('[role="option"][aria-selected="true"]')
    assert player.locator(".eslab-list").get_attribute("aria-activedescendant") == current.get_attribute("id")
    assert current.get_attribute("aria-label").startswith("2, MoneyDeposited, 100")
    player.locator('button[aria-label^="One event forward"]').focus()
    notebook.page.keyboard.press("Space")
    said = player.locator(".eslab-live")
    expected = "event 3 of 40: MoneyWithdrawn; balance 100 → 70"
    assert eventually(said.inner_text, expected) == expected


def test_an_untrusted_notebook_shows_the_moment_as_a_table(lab):
    name = "<img src=x onerror='window.hacked = 1'>"
    ada = MemoryStore().append("account-1", [AccountOpened(name), MoneyDeposited(100)])
    data, _ = Player(Timeline(ada, Account, title="Ada"), position=2)._repr_mimebundle_()
    cell = nbformat.v4.new_code_cell("player", outputs=[nbformat.v4.new_output("display_data", data)])
    notebook = lab.open("untrusted", [cell])
    text = notebook.cell(0).locator(".jp-OutputArea-output table").first.inner_text()
    assert "Ada: 2 of 2 events" in text
    assert name in text
    assert "100" in text
    assert notebook.player(0).count() == 0
    assert notebook.page.evaluate("window.hacked === undefined")
