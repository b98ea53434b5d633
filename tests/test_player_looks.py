"""How a page of the player looks to axe, in both schemes, from the back of a room, on a narrow page, and in peace."""

import pytest
from browser import from_disk
from looking import found_in, outside, smallest

from eslab import MemoryStore, Timeline, datasets
from eslab.domains.bank import Account, AccountOpened, Balances, MoneyDeposited, MoneyWithdrawn
from eslab.domains.league import LeagueTable
from eslab.widgets import Player

pytest_plugins = ["in_browser"]


@pytest.fixture(scope="module")
def page_of_views(tmp_path_factory):
    """A page with two projections side by side, a branch, a failure and a note."""
    events = [AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30), *12 * [MoneyDeposited(5)]]
    bank = Timeline(MemoryStore().append("account-1", events), {"balances": Balances, "account": Account}, title="Bank")
    path = tmp_path_factory.mktemp("pages") / "bank.html"
    Player(bank.branch(skip=[2]), position=2, notes={2: "what now?"}).to_html(path)
    return path


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_in_a_page(chromium, page_of_views, scheme):
    with from_disk(chromium, page_of_views, color_scheme=scheme, bypass_csp=True) as page:
        assert found_in(page.locator(".eslab-player")) == {}


def test_a_room_can_read_it(chromium, page_of_views):
    with from_disk(chromium, page_of_views) as page:
        player = page.locator(".eslab-player")
        assert smallest(player) >= 11
        player.locator(".eslab-slider").focus()
        page.keyboard.press("f")
        assert smallest(player) >= 14
        sizes = player.locator(".eslab-type").evaluate_all(
            "all => all.map((n) => parseFloat(getComputedStyle(n).fontSize))"
        )
        assert min(sizes) >= 17.5
        assert outside(player) == []
        assert player.evaluate("node => node.scrollWidth - node.clientWidth") == 0
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert player.bounding_box()["height"] <= 720


def test_a_narrow_page_keeps_every_control_within_reach(chromium, page_of_views):
    with from_disk(chromium, page_of_views) as page:
        for width in (900, 640, 420):
            page.set_viewport_size({"width": width, "height": 720})
            page.locator(".eslab-slider").focus()
            page.keyboard.press("ArrowRight")
            assert outside(page.locator(".eslab-player")) == []
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize(("wish", "moves"), [("no-preference", True), ("reduce", False)])
def test_nothing_slides_for_those_who_want_no_motion(chromium, tmp_path, wish, moves):
    path = tmp_path / "league.html"
    league = Timeline(datasets.load("league")[:60], LeagueTable)
    Player(league, position=40).to_html(path)
    with from_disk(chromium, path, reduced_motion=wish) as page:
        page.locator(".eslab-slider").focus()
        seen = False
        for _ in range(8):
            page.keyboard.press("ArrowRight")
            seen = seen or page.evaluate("document.getAnimations().length > 0")
    assert seen is moves
