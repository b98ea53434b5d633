"""Every place that shows the player: Notebook 7, marimo, a notebook not trusted, nbconvert, and a page from disk."""

import os
import sys
from importlib.util import find_spec

import nbformat
import pytest
from browser import eventually, free_port, from_disk, needed, running
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from eslab import MemoryStore, Timeline
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.views import View
from eslab.widgets import Player

pytest_plugins = ["in_browser"]

ADA = """
from eslab import MemoryStore, Timeline
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.views import View
from eslab.widgets import Player
story = [AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30)]
player = Timeline(MemoryStore().append("account-1", story), Account, title="Ada's account").player()
player.position = 2
player
"""


def place(page):
    return page.locator(".eslab-place").inner_text()


# --- Notebook 7 and marimo, live ---


@pytest.mark.slow
def test_notebook_7_steps_the_player_and_skips_an_event(lab):
    notebook = lab.open("seven", [ADA], app="notebook")
    notebook.run()
    assert "/notebooks/" in notebook.page.url
    player = notebook.player(0)
    player.locator(".eslab-slider").focus()
    notebook.page.keyboard.press("ArrowRight")
    assert eventually(lambda: notebook.python("player.position"), 3) == 3
    for key in ["d", "d", "b", "y", "0", "0"]:
        notebook.page.keyboard.press(key)
    assert notebook.count() == 1
    assert notebook.page.locator(".jp-Dialog").count() == 0
    notebook.page.keyboard.press("x")
    skipped = "[*player.branch.edits['skip']] if player.branch else []"
    assert eventually(lambda: notebook.python(skipped), [3]) == [3]
    notebook.save_and_end()


@pytest.mark.slow
def test_a_notebook_saved_with_its_widgets_shows_the_player_to_a_kernel_that_does_not_know_it(lab):
    notebook = lab.show("seven")
    player = notebook.player(0)
    player.wait_for()
    history, what_if = player.locator(".eslab-state").all_inner_texts()
    assert "70" in history
    assert "100" in what_if
    player.locator(".eslab-slider").focus()
    notebook.page.keyboard.press("Home")
    assert place(player) == "0 of 3"
    assert notebook.python("'player' in globals()") is False


MARIMO = """
import marimo

app = marimo.App()


@app.cell
def _():
    import marimo as mo
    from eslab import MemoryStore, Timeline
    from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
    story = [AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30)]
    ada = Timeline(MemoryStore().append("account-1", story), Account)
    ada.player()
    return ada, mo


@app.cell
def _(ada, mo):
    player = mo.ui.anywidget(ada.player())
    player
    return (player,)


@app.cell
def _(mo, player):
    mo.md(f"Python sees position {player.position}, skips {len(player.branch.edits) if player.branch else 0}")
    return
"""


@pytest.fixture(scope="module")
def marimo(tmp_path_factory, chromium):
    """A marimo app in a page, with a player as it is and one that other cells hear of."""
    needed(find_spec("marimo"), "marimo")
    folder, port = tmp_path_factory.mktemp("marimo"), free_port()
    (folder / "app.py").write_text(MARIMO)
    own = {f"XDG_{name}_HOME": str(folder / name) for name in ("CONFIG", "STATE", "CACHE", "DATA")}
    command = [sys.executable, "-m", "marimo", "-y", "run", "app.py", "--headless", "--no-token", f"--port={port}"]
    address = f"http://127.0.0.1:{port}"
    with running(command, os.environ | own, folder / "server.log", f"{address}/health", folder):
        page = chromium.new_page()
        page.set_default_timeout(20_000)
        page.goto(address)
        yield page


@pytest.mark.slow
def test_marimo_shows_a_player_as_it_is(marimo):
    player = marimo.locator(".eslab-player").first
    player.locator(".eslab-slider").focus()
    marimo.keyboard.press("End")
    assert player.locator(".eslab-place").inner_text() == "3 of 3"
    assert "70" in player.locator(".eslab-scroll").inner_text()


@pytest.mark.slow
def test_marimo_runs_the_cells_that_use_a_player_as_it_steps(marimo):
    said = marimo.get_by_text("Python sees")
    marimo.locator(".eslab-player").nth(1).locator(".eslab-slider").focus()
    marimo.keyboard.press("End")
    expected = "Python sees position 3, skips 0"
    assert eventually(said.inner_text, expected) == expected
    marimo.keyboard.press("x")
    expected = "Python sees position 3, skips 1"
    assert eventually(said.inner_text, expected) == expected


# --- the static table ---


@pytest.mark.slow
def test_an_untrusted_notebook_shows_the_moment_as_a_table(lab):
    name = "<img src=x onerror='window.hacked = 1'>"
    ada = MemoryStore().append("account-1", [AccountOpened(name), MoneyDeposited(100)])
    player = Timeline(ada, Account, title="Ada").player()
    player.position = 2
    data, _ = player._repr_mimebundle_()
    cell = nbformat.v4.new_code_cell("player", outputs=[nbformat.v4.new_output("display_data", data)])
    notebook = lab.open("untrusted", [cell])
    text = notebook.cell(0).locator(".jp-OutputArea-output table").first.inner_text()
    assert "Ada: 2 of 2 events" in text
    assert name in text
    assert "100" in text
    assert notebook.player(0).count() == 0
    assert notebook.page.evaluate("window.hacked === undefined")


def test_nbconvert_writes_the_moment_as_a_table(chromium, tmp_path):
    """As a notebook saved in JupyterLab: what `nbconvert --execute` adds, the state of the widgets, needs a network."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(ADA)])
    NotebookClient(notebook, store_widget_state=False).execute()
    path = tmp_path / "ada.html"
    path.write_text(HTMLExporter().from_notebook_node(notebook)[0])
    with chromium.new_context(offline=True) as context:
        page = context.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(path.as_uri())
        (text,) = page.locator(".jp-OutputArea-output").all_inner_texts()
    assert "Ada's account: 2 of 3 events" in text
    assert "balance\t100" in text
    assert "bank.MoneyDeposited" in text
    assert errors == []


# --- a page from disk, with the network off ---


@pytest.fixture(scope="module")
def page_of_ada(tmp_path_factory):
    """Ada's account as a page: forty events, two notes, no branch."""
    story = [AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30)] + 37 * [MoneyDeposited(1)]
    ada = Timeline(MemoryStore().append("account-1", story), Account, title="Ada's account")
    path = tmp_path_factory.mktemp("pages") / "ada.html"
    Player(ada, position=2, notes={3: "here it goes wrong", 30: "mended"}).to_html(path)
    return path


@pytest.fixture
def page(chromium, page_of_ada):
    with from_disk(chromium, page_of_ada) as page:
        page.locator(".eslab-slider").focus()
        yield page


def test_a_page_from_disk_opens_where_it_was_and_steps_by_keys_and_clicks(page):
    assert place(page) == "2 of 40"
    places = []
    for key in ["ArrowRight", "End", "Home", "PageUp"]:
        page.keyboard.press(key)
        places.append(place(page))
    page.locator(".eslab-event", has_text="MoneyWithdrawn").or_(page.locator(".eslab-event").nth(3)).first.click()
    page.get_by_role("button", name="First: before").click()
    places.append(place(page))
    page.locator(".eslab-slider").fill("40")
    places.append(place(page))
    assert places == ["3 of 40", "40 of 40", "0 of 40", "10 of 40", "0 of 40", "40 of 40"]
    assert "107" in page.locator(".eslab-scroll").inner_text()


def test_a_page_from_disk_plays(page):
    page.get_by_label("Speed", exact=True).select_option("10")
    page.get_by_role("button", name="Play").click()
    assert eventually(lambda: int(place(page).split()[0]) > 6, True)


def test_a_page_from_disk_keeps_the_notes(page):
    page.keyboard.press("n")
    assert place(page) == "3 of 40"
    assert "here it goes wrong" in page.locator(".eslab-player").inner_text()
    page.keyboard.press("n")
    assert "mended" in page.locator(".eslab-player").inner_text()


def test_a_page_from_disk_is_searched(page):
    page.keyboard.press("/")
    page.keyboard.type("amount >= 30")
    page.keyboard.press("Enter")
    numbers = page.locator(".eslab-event .eslab-number")
    assert eventually(numbers.all_inner_texts, ["2", "3"]) == ["2", "3"]


def test_a_page_leads_from_an_event_to_its_cause_and_back(chromium, tmp_path):
    store = MemoryStore()
    (opened, *_) = store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(1), MoneyDeposited(2)])
    store.append("account-1", [MoneyDeposited(50)], metadata={"causation_id": opened.id})
    path = tmp_path / "cause.html"
    Player(Timeline(store.load("account-1"), Account), position=4).to_html(path)
    with from_disk(chromium, path) as page:
        assert "caused by" in page.locator(".eslab-card").inner_text()
        page.locator(".eslab-slider").focus()
        page.keyboard.press("c")
        assert place(page) == "1 of 4"
        page.keyboard.press("C")
        assert place(page) == "4 of 4"


def test_a_page_from_disk_cannot_fold_again_and_offers_no_skipping(page):
    page.keyboard.press("x")
    assert page.locator(".eslab-skip:visible").count() == 0
    assert page.locator(".eslab-state").count() == 1


def test_a_page_without_scripts_shows_the_moment_as_a_table(chromium, page_of_ada):
    context = chromium.new_context(offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto(page_of_ada.as_uri())
    text = page.locator("main").inner_text()
    assert "Ada's account: 2 of 40 events" in text
    assert "balance\t100" in text
    context.close()


def test_a_page_of_a_branch_shows_both_lines(chromium, tmp_path):
    story = [AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30)]
    ada = Timeline(MemoryStore().append("account-1", story), Account)
    path = tmp_path / "branch.html"
    Player(ada.branch(skip=[3]), position=3).to_html(path)
    with from_disk(chromium, path) as page:
        history, what_if = page.locator(".eslab-state").all_inner_texts()
        assert "70" in history
        assert "100" in what_if
        assert "skipped" in page.locator(".eslab-event").last.inner_text()


def test_views_stand_side_by_side_each_with_its_checkpoint_and_lag(chromium, tmp_path):
    story = [AccountOpened("Ada"), *24 * [MoneyDeposited(10)]]
    history = MemoryStore().append("account-1", story)
    views = {"at once": Account, "every ten": View(Account, every=10), "stopped": View(Account, until=5)}
    path = tmp_path / "views.html"
    Player(Timeline(history, views), position=17).to_html(path)
    with from_disk(chromium, path) as page:
        panes = page.locator(".eslab-state").all_inner_texts()
        assert [[pane.partition("\n")[0], "160" in pane, "90" in pane, "40" in pane] for pane in panes] == [
            ["at once", True, False, False],
            ["every ten", False, True, False],
            ["stopped", False, False, True],
        ]
        standings = [("checkpoint 17", "up to date"), ("checkpoint 10", "7 behind"), ("checkpoint 5", "12 behind")]
        assert [
            words for words, pane in zip(standings, panes, strict=True) if not all(one in pane for one in words)
        ] == []
