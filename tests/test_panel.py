"""The panel: how projections stand, live, at most four times a second, and as text where no widget runs."""

import time

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from looking import RULES, contrasts, smallest

from eslab import MemoryStore, Projection, Projector
from eslab.domains.bank import AccountOpened, MoneyDeposited
from eslab.projections import panel as module
from eslab.projections.panel import Panel
from eslab.projections.statuses import Status, Statuses

pytest_plugins = ["in_browser"]


class Desk:
    """What a panel asks a projector, with the answers in our hands."""

    def __init__(self, *rows):
        self.rows, self.running, self.watchers, self.looks = rows, False, [], 0

    @property
    def status(self):
        self.looks += 1
        if isinstance(self.rows[0], Exception):
            raise self.rows[0]
        return Statuses(self.rows)

    def watch(self, watcher):
        self.watchers.append(watcher)
        return lambda: self.watchers.remove(watcher)

    def moves(self, *rows):
        self.rows = rows
        for watcher in self.watchers:
            watcher()


def row(name="Balances", state="running", checkpoint=3, lag=4, letters=0, error="", rate=0.0):
    return Status(name, state, checkpoint, lag, letters, error, rate)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(module, "EVERY", 0.01)


def eventually(ask, expected):
    until = time.monotonic() + 5
    while ask() != expected and time.monotonic() < until:
        time.sleep(0.005)
    return ask()


def test_a_panel_shows_how_each_projection_stands():
    panel = Panel(Desk(row(), row("Sales", "failed", error="no such table: <sales>", letters=2)))
    assert [(one["name"], one["state"], one["lag"]) for one in panel._rows] == [
        ("Balances", "running", 4), ("Sales", "failed", 4)
    ]  # fmt: skip


def test_what_moves_is_shown_soon():
    desk = Desk(row())
    panel = Panel(desk)
    desk.moves(row(checkpoint=7, lag=0))
    assert eventually(lambda: panel._rows[0]["checkpoint"], 7) == 7


def test_a_thousand_steps_are_few_looks(monkeypatch):
    monkeypatch.setattr(module, "EVERY", 0.1)
    desk = Desk(row())
    panel, sent = Panel(desk), []
    panel.observe(lambda change: sent.append(change["new"]), "_rows")
    for checkpoint in range(1_000):
        desk.moves(row(checkpoint=checkpoint))
    assert eventually(lambda: panel._rows[0]["checkpoint"], 999) == 999
    assert len(sent) <= 4


def test_a_projector_that_only_waits_is_looked_at_and_nothing_is_sent():
    desk = Desk(row(lag=0))
    desk.running = True
    panel, sent = Panel(desk), []
    panel.observe(sent.append, "_rows")
    looks = desk.looks
    assert eventually(lambda: desk.looks > looks + 3, True)
    desk.rows = (row(lag=9),)  # the log grows, and the projection does not move
    assert eventually(lambda: panel._rows[0]["lag"], 9) == 9
    assert len(sent) == 1


def test_nothing_is_looked_at_once_the_projector_has_stopped():
    desk = Desk(row(rate=5.0))
    panel = Panel(desk)
    desk.moves(row(state="stopped"))
    assert eventually(lambda: panel._follows, False) is False
    looks = desk.looks
    time.sleep(0.05)
    assert (desk.looks, panel._rows[0]["state"]) == (looks, "stopped")


def test_a_closed_panel_watches_no_longer():
    desk = Desk(row())
    desk.running = True
    panel = Panel(desk)
    panel.close()
    assert desk.watchers == []
    assert eventually(lambda: panel._follows, False) is False


def test_a_long_error_is_shortened():
    assert len(Panel(Desk(row(error="x" * 10_000)))._rows[0]["error"]) < 500


# --- where no widget runs ---


class Balances(Projection):
    name = "<b>Balances</b>"

    def evolve(self, state, recorded):
        state[recorded.stream] = recorded.version
        return state


@pytest.fixture
def projector():
    store = MemoryStore()
    store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(50)])
    made = Projector(store, Balances)
    made.catch_up()
    return made


def test_as_text_it_is_the_status_without_rates(projector):
    panel = projector.panel()
    assert repr(panel) == repr(projector.status)
    assert repr(panel) == "<<b>Balances</b>: checkpoint 2, lag 0, stopped>"


def test_a_saved_notebook_has_the_table_escaped(projector):
    data, _ = projector.panel()._repr_mimebundle_()
    assert "&lt;b&gt;Balances" in data["text/html"]
    assert "<b>Balances" not in data["text/html"]
    assert "As it stood when this cell was run" in data["text/html"]
    assert data["text/plain"] == repr(projector.status)
    assert "application/vnd.jupyter.widget-view+json" in data


# --- in the page ---

BACKGROUND = """
import time
from eslab import MemoryStore, Projection, Projector
from eslab.domains.bank import AccountOpened, MoneyDeposited

class Balances(Projection):
    def evolve(self, state, recorded):
        return state

class Sales(Projection):
    name = "<img src=x> sales"
    def evolve(self, state, recorded):
        if recorded.position == 3:
            raise ValueError("<script>alert(1)</script>")
        return state

store = MemoryStore()
_ = store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(50)])
projector = Projector(store, Balances, Sales, attempts=1)
"""
ROW = ".eslab-panel tbody:nth-of-type({}) td"


def texts(notebook, row):
    return notebook.page.locator(ROW.format(row)).all_inner_texts()


@pytest.mark.slow
def test_the_page_follows_the_background_and_the_kernel_is_free(lab):
    notebook = lab.open("panel", [BACKGROUND, "projector.panel()", "_ = projector.start()"])
    notebook.run()
    for row in (1, 2):
        assert eventually(lambda row=row: texts(notebook, row)[:3], ["● running", "2", "0"])[0] == "● running"
    assert notebook.python("[store.append('account-1', [MoneyDeposited(5)]).__len__() for _ in range(5)]") == [1] * 5
    assert eventually(lambda: texts(notebook, 2)[1:5:3], ["7", "5"]) == ["7", "5"]
    page = notebook.page
    assert "ValueError: <script>alert(1)</script>" in page.locator(ROW.format(2)).last.inner_text()
    assert page.locator(".eslab-panel img, .eslab-panel script").count() == 0
    said = page.locator('.eslab-panel [role="status"]')
    assert "dead letters" in eventually(
        lambda: said.inner_text(), "Balances: running. <img src=x> sales: running, 5 dead letters."
    )
    assert page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status") == "idle"
    assert notebook.python("projector.stop()") is None
    assert eventually(lambda: texts(notebook, 1)[0], "■ stopped") == "■ stopped"
    assert page.locator(".jp-OutputArea-child").count() == 1  # the cell was not flooded
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.get_by_text("The kernel does not answer any more").wait_for()
    notebook.save_and_end()


FAILING = """
from eslab import EslabError
_ = store.append("account-2", [AccountOpened("Bo")])
try:
    projector.catch_up()
except EslabError:
    pass
projector.panel()
"""
RUN_AXE = """async (panel, values) => {
  const { violations } = await axe.run(panel, { runOnly: { type: "tag", values } });
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
}"""


@pytest.mark.slow
def test_axe_finds_nothing_in_a_panel_and_a_room_can_read_it(lab):
    notebook = lab.open("panel_looks", [BACKGROUND, FAILING])
    notebook.run()
    panel = notebook.page.locator(".eslab-panel")
    panel.wait_for()
    notebook.page.evaluate(AXE_SCRIPT)
    for theme in ("Light", "Dark"):
        notebook.theme(theme)
        assert panel.evaluate(RUN_AXE, RULES) == []
        assert [low for low in contrasts(panel) if low[0] < 4.5] == []
    assert smallest(panel) >= 15
    assert panel.evaluate("node => node.scrollWidth - node.clientWidth") == 0
    notebook.save_and_end()
