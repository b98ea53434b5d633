"""The player's half in Python: positions, notes, branches, and the page for where no widget runs."""

import pytest
from replaying import lines

from eslab import MemoryStore, Projection, Timeline
from eslab.domains.bank import Account, AccountOpened, Balances, MoneyDeposited, MoneyWithdrawn
from eslab.errors import InvalidPosition
from eslab.widgets import LAST_EVENTS, MOST_ROWS, Player, joined, moment


@pytest.fixture
def ada(bank):
    return Timeline(bank, Account, title="Ada's account").player()


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


def test_a_player_can_begin_anywhere_inside(bank):
    assert Timeline(bank, Account).player(position=2).position == 2
    with pytest.raises(InvalidPosition, match="position 4 is outside this player"):
        Player(Timeline(bank, Account), position=4)


def test_the_module_is_one_and_imports_nothing():
    module = joined("js")
    assert module.count("export default") == 1
    assert "\nimport " not in module
    assert "</script" not in module.lower()


# --- notes ---


def test_notes_are_kept_in_order_and_taken_away_when_empty(ada):
    ada.bookmark(3, "here it goes wrong")
    ada.bookmark(1, "Ada opens")
    assert ada.notes == {1: "Ada opens", 3: "here it goes wrong"}
    ada.bookmark(1, "")
    assert ada.notes == {3: "here it goes wrong"}


def test_a_note_outside_is_refused(ada):
    with pytest.raises(InvalidPosition, match="position 9 is outside"):
        ada.bookmark(9, "nowhere")
    assert ada.notes == {}


def test_notes_can_be_given_with_the_player(bank):
    assert Timeline(bank, Account).player(notes={2: "look"}).notes == {2: "look"}


# --- branches ---


def test_a_branch_is_shown_beside_its_source(bank):
    player = Timeline(bank, Account, title="Ada").branch(skip=[3]).player()
    assert (player.timeline.title, len(player), player.branch.edits["skip"]) == ("Ada", 3, (3,))
    assert lines(player._branch)[0]["rows"] == [["=", 2], ["-", 1, "skipped"]]


def test_what_the_page_skips_is_folded_again_here(ada):
    assert ada.branch is None
    ada._skipped = [2]
    assert [recorded.type for recorded in ada.branch.history] == ["bank.AccountOpened", "bank.MoneyWithdrawn"]
    assert lines(ada._branch)[0]["rows"] == [["=", 1], ["-", 1, "skipped"], ["=", 1]]
    ada._skipped = []
    assert (ada.branch, ada._branch) == (None, b"")


def test_a_skip_that_cannot_be_is_refused_in_words(ada):
    ada._skipped = [9]
    assert "9" in ada._refused
    assert ada.branch is None
    ada._skipped = [1]
    assert ada._refused == ""


# --- the page without widgets ---


def test_a_page_without_widgets_shows_the_moment(ada):
    ada.position = 2
    data, _ = ada._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    page = data["text/html"]
    assert "Ada&#x27;s account: 2 of 3 events" in page
    assert "MoneyDeposited" in page
    assert ">100<" in page
    assert "MoneyWithdrawn" not in page


def test_a_note_is_read_there_too(ada):
    ada.bookmark(2, "<b>here</b>")
    ada.position = 2
    assert "&lt;b&gt;here" in moment(ada)


def test_the_page_is_the_same_each_time(bank):
    one, other = (Timeline(bank, Account, title="Ada").player()._repr_mimebundle_()[0]["text/html"] for _ in range(2))
    assert one == other


def test_hostile_text_is_escaped_in_the_page():
    script, turned = "<script>hacked()</script>", "\u202egpj.exe"
    story = MemoryStore().append(f"account-{script}", [AccountOpened(script), AccountOpened(turned)])
    page = moment(Timeline(story, Account, title=script).player(position=2))
    assert "<script" not in page
    assert "&lt;script&gt;hacked()" in page
    assert "\u202e" not in page
    assert "\\u202egpj.exe" in page


def test_a_long_state_is_cut_and_says_so():
    class Wide(Projection):
        def initial(self):
            return {f"key {n}": n for n in range(1_000)}

    page = moment(Timeline([], Wide).player())
    assert "940 more rows" in page
    assert page.count("key ") == MOST_ROWS


def test_only_the_last_events_are_listed():
    story = MemoryStore().append("account-1", [AccountOpened("Ada"), *[MoneyDeposited(7), MoneyWithdrawn(7)] * 10])
    page = moment(Timeline(story, Account).player(position=21))
    assert page.count("account-1 v") == LAST_EVENTS
    assert "account-1 v21" in page


def test_beside_a_branch_the_moment_of_the_branch_is_shown(bank):
    player = Timeline(bank, Balances, title="Ada").branch(skip=[2]).player(position=3)
    assert ">-30<" in moment(player)


# --- one page that needs nothing else ---


def test_the_page_holds_the_player_its_notes_and_its_place(tmp_path, bank):
    Timeline(bank, Account, title="Ada & co").to_html(tmp_path / "ada.html", position=2, notes={2: "look here"})
    page = (tmp_path / "ada.html").read_text(encoding="utf-8")
    assert "<title>Ada &amp; co</title>" in page
    assert '{"notes":[[2,"look here"]],"position":2}' in page
    assert "default-src 'none'" in page
    assert "://" not in page.replace("http://www.w3.org/2000/svg", "")


def test_no_text_from_data_ends_its_block(tmp_path):
    script = "</script><script>hacked()</script><!-- "
    story = MemoryStore().append("account-1", [AccountOpened(script)])
    Timeline(story, Account, title=script).to_html(tmp_path / "page.html", notes={1: script})
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.lower().count("<script") == page.lower().count("</script") == 4
    assert "<!-- " not in page
