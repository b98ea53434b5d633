"""The player for everybody: by keyboard alone, with a screen reader, and in both themes of JupyterLab."""

import pytest
from browser import eventually
from looking import FOCUSABLE, contrasts, found_in, violations, walked

pytest_plugins = ["in_browser"]

CELLS = [
    """
from eslab import MemoryStore, Timeline
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
story = [AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30)] + 37 * [MoneyDeposited(1)]
ada = Timeline(MemoryStore().append("account-1", story), Account, title="Ada's account")
player = ada.player()
player.bookmark(17, "here it goes wrong")
player.bookmark(30, "and here it is mended")
player
""",
    "'below the player'",
]


@pytest.fixture(scope="module")
def opened(lab):
    notebook = lab.open("people", CELLS)
    notebook.run()
    return notebook


@pytest.fixture
def notebook(opened):
    """The notebook with a new player, at its start, and the focus on its slider."""
    opened.run()
    opened.player(0).locator(".eslab-slider").focus()
    return opened


def place(player):
    return player.locator(".eslab-place").inner_text()


def press(notebook, *keys):
    for key in keys:
        notebook.page.keyboard.press(key)


# --- by keyboard alone ---


def test_a_search_is_written_walked_and_left_by_keyboard(notebook):
    player = notebook.player(0)
    press(notebook, "/")
    notebook.page.keyboard.type("amount >= 30")
    rows = player.locator(".eslab-event .eslab-number")
    assert eventually(rows.all_inner_texts, ["0", "2", "3"]) == ["0", "2", "3"]  # 0 is where the player stands
    player.locator(".eslab-slider").focus()
    places = []
    for key in ["m", "m", "M"]:
        press(notebook, key)
        places.append(place(player))
    assert places == ["2 of 40", "3 of 40", "2 of 40"]
    press(notebook, "/", "Control+a", "Delete")
    assert eventually(lambda: rows.count() > 5, True)


def test_a_search_that_cannot_be_understood_is_told_so(notebook):
    player = notebook.player(0)
    press(notebook, "/")
    notebook.page.keyboard.type("amount >")
    press(notebook, "Enter")
    assert eventually(lambda: "amount > what?" in player.inner_text(), True)


def test_notes_are_walked_and_written_by_keyboard(notebook):
    player = notebook.player(0)
    press(notebook, "n")
    assert place(player) == "17 of 40"
    assert "here it goes wrong" in player.inner_text()
    press(notebook, "n")
    assert place(player) == "30 of 40"
    press(notebook, "N")
    assert place(player) == "17 of 40"
    press(notebook, "ArrowRight", "a")
    notebook.page.keyboard.type("<b>look</b> here")
    press(notebook, "Enter")
    expected = {17: "here it goes wrong", 18: "<b>look</b> here", 30: "and here it is mended"}
    assert eventually(lambda: notebook.python("[*player.notes.items()]"), [*expected.items()]) == [*expected.items()]
    assert "<b>look</b> here" in player.inner_text()


def test_a_pinned_step_is_compared_with_a_later_one_by_keyboard(notebook):
    player = notebook.player(0)
    press(notebook, "ArrowRight", "ArrowRight", "p", "End")
    head = player.locator(".eslab-statehead").inner_text()
    assert "from step 2 to step 40" in head.lower()
    assert "balance 100 → 107" in head
    press(notebook, "Home", "ArrowRight", "ArrowRight", "p", "End")
    assert "State after event 40" in player.locator(".eslab-statehead").inner_text()


def test_a_loop_plays_its_range_again_and_again(notebook):
    player = notebook.player(0)
    press(notebook, *4 * ["ArrowRight"], "l", *4 * ["ArrowRight"], "l")
    assert player.get_by_role("button", name="Loop").inner_text().split()[1::2] == ["4", "8"]
    player.get_by_label("Speed", exact=True).select_option("10")
    player.locator(".eslab-slider").focus()
    press(notebook, "Space")
    seen = set()
    for _ in range(24):  # at ten steps a second the range is gone through more than twice
        seen.add(place(player))
        notebook.page.wait_for_timeout(50)
    press(notebook, "Space")
    assert seen == {f"{row} of 40" for row in range(4, 9)}


def test_an_event_is_skipped_and_taken_back_by_keyboard(notebook):
    player = notebook.player(0)
    press(notebook, "ArrowRight", "ArrowRight", "ArrowRight", "x")
    asked = "[*player.branch.edits['skip']] if player.branch else []"
    assert eventually(lambda: notebook.python(asked), [3]) == [3]
    panes = player.locator(".eslab-state")
    assert eventually(panes.count, 2) == 2
    press(notebook, "End")
    history, what_if = panes.all_inner_texts()
    assert "107" in history
    assert "137" in what_if
    assert "difference" in what_if
    press(notebook, "Home", "ArrowRight", "ArrowRight", "ArrowRight")
    row = player.get_by_role("row", selected=True)
    assert row.get_attribute("aria-label") == "3, MoneyWithdrawn, 30, not in the what-if: skipped"
    assert "take back" in row.inner_text()
    press(notebook, "x")
    assert eventually(lambda: notebook.python(asked), []) == []
    assert eventually(panes.count, 1) == 1


def test_the_strip_is_told_and_its_lanes_filter_by_keyboard(notebook):
    player = notebook.player(0)
    (label,) = [node.get_attribute("aria-label") for node in player.get_by_role("img").all()]
    assert all(words in label for words in ("40 events", "38 MoneyDeposited", "1 AccountOpened"))
    lane = player.get_by_role("group", name="Show only these types").get_by_role("button", name="MoneyWithdrawn")
    lane.focus()
    press(notebook, "Enter")
    types = player.locator(".eslab-event .eslab-type")
    wanted = ["before the first event", "MoneyWithdrawn"]
    assert eventually(types.all_inner_texts, wanted) == wanted
    assert lane.get_attribute("aria-pressed") == "true"
    press(notebook, "Enter")
    assert eventually(lambda: types.count() > 5, True)


def test_a_field_is_watched_by_keyboard(notebook):
    player = notebook.player(0)
    player.get_by_role("button", name="Watch").focus()
    press(notebook, "Enter")
    field = "document.activeElement.localName"
    assert eventually(lambda: notebook.page.evaluate(field), "input") == "input"
    notebook.page.keyboard.type("balance")
    press(notebook, "Enter")
    assert eventually(lambda: player.locator(".eslab-watch").is_visible(), True)
    player.locator(".eslab-slider").focus()
    press(notebook, "End")
    assert eventually(lambda: "107" in player.locator(".eslab-watch").inner_text(), True)
    assert "balance" in player.locator(".eslab-watch").inner_text()


def test_the_panel_of_keys_opens_and_gives_the_focus_back(notebook):
    player = notebook.player(0)
    press(notebook, "?")
    assert "skip this event" in player.inner_text()
    press(notebook, "Escape")
    assert "skip this event" not in player.inner_text()
    assert notebook.page.evaluate("document.activeElement.className") == "eslab-slider"


# --- everything in sight: where the focus goes, that it is seen, that no key leaks out, contrast ---


@pytest.fixture(scope="module")
def everything(opened):
    """The player with a note, a branch, a search and the panel of keys, all in sight."""
    opened.run()
    player = opened.player(0)
    player.locator(".eslab-slider").focus()
    press(opened, "n", "x")
    assert eventually(player.locator(".eslab-state").count, 2) == 2
    press(opened, "/")
    opened.page.keyboard.type("type:MoneyDeposited")
    player.locator(".eslab-slider").focus()
    press(opened, "?")
    return opened


def test_whatever_takes_the_focus_keeps_its_keys_from_the_notebook(everything):
    asked = f"""player => [...player.querySelectorAll({FOCUSABLE!r})].concat(player)
        .map(node => [node.closest("[data-lm-suppress-shortcuts='true']") === node, node.outerHTML.slice(0, 90)])"""
    found = everything.player(0).evaluate(asked)
    assert len(found) > 25
    assert [html for suppressed, html in found if not suppressed] == []


def test_tab_goes_through_all_of_it_in_sight_and_named(everything):
    places = walked(everything.player(0))
    assert len(places) > 15
    assert [one for one in places if not one[2]] == []
    assert [one for one in places if one[3] < 2] == []
    assert {"eslab-slider", "eslab-list", "eslab-card", "eslab-scroll"} < {one[1] for one in places}


def test_no_key_reaches_the_notebook_from_any_place(everything):
    page, count = everything.page, everything.count()
    sources = "[...document.querySelectorAll('.jp-Notebook .jp-InputArea-editor')].map(node => node.innerText)"
    before = page.evaluate(sources)
    kinds = {}
    for node in everything.player(0).locator(FOCUSABLE).all():
        if node.is_visible():
            kinds.setdefault(node.evaluate("node => node.className + node.localName + node.title"), node)
    assert len(kinds) > 15
    for node in kinds.values():
        if not node.is_visible():
            continue
        node.focus()
        for key in ["d", "d", "b", "y", "v", "0", "0", "Shift+L", "Shift+M"]:
            page.keyboard.press(key)
        assert (everything.count(), page.locator(".jp-Dialog").count()) == (count, 0)
    assert page.evaluate(sources) == before


@pytest.mark.parametrize("theme", ["Dark", "Light"])
def test_every_text_stands_out_from_its_ground(everything, theme):
    everything.theme(theme)
    found = contrasts(everything.player(0))
    assert len(found) > 60
    assert [one for one in found if one[0] < 4.5] == []


# --- a screen reader ---


def test_the_live_region_is_silent_while_playing(notebook):
    player = notebook.player(0)
    player.get_by_label("Speed", exact=True).select_option("10")
    notebook.page.evaluate("""() => {
      window.heard = [];
      const tell = (changes) => changes.forEach(({ target }) => window.heard.push(target.textContent));
      for (const node of document.querySelectorAll(".eslab-player [aria-live], .eslab-player [role=status]"))
        new MutationObserver(tell).observe(node, { childList: true, characterData: true, subtree: true });
    }""")
    button = player.get_by_role("button", name="Play")
    button.focus()
    press(notebook, "Enter")
    notebook.page.evaluate("window.heard.length = 0")  # what was said before it began to play
    notebook.page.wait_for_timeout(600)
    assert notebook.page.evaluate("window.heard") == []
    assert place(player) != "0 of 40"
    press(notebook, "Enter")
    player.get_by_role("button", name="One event forward").focus()
    press(notebook, "Enter")
    assert eventually(lambda: notebook.page.evaluate("window.heard.length > 0"), True)
    said = notebook.page.evaluate("window.heard.at(-1)")
    assert said.startswith(f"event {place(player).split()[0]} of 40: ")


# --- axe, in both themes ---


@pytest.mark.parametrize("theme", ["Light", pytest.param("Dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_in_jupyterlab(notebook, theme):
    notebook.theme(theme)
    player = notebook.player(0)
    assert found_in(player) == {}
    press(notebook, "x")
    assert eventually(player.locator(".eslab-state").count, 2) == 2
    assert violations(player) == []
    press(notebook, "/")
    notebook.page.keyboard.type("amount > 50")
    assert violations(player) == []
