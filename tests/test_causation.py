"""The causation tree: every event of a story below its cause, as text, frame and diagram."""

import random
import re

import pytest

from eslab import CommandBus, MemoryStore
from eslab.causation import CausationTree, Mermaid, causation
from eslab.domains.bank import (
    HANDLERS,
    AccountOpened,
    DepositMoney,
    MoneyDeposited,
    OpenAccount,
    WithdrawMoney,
)  # fmt: skip
from eslab.errors import InvalidName, UnknownName
from eslab.events import record
from eslab.testing import NEW_YEAR, FakeStore

HOSTILE = 'x"]-->y<script>alert("&")</script>`#quot;`'


class ReadOnce(FakeStore):
    """Counts how often the whole log is read."""

    reads = 0

    def read(self, **options):
        self.reads += not options
        return super().read(**options)


@pytest.fixture
def story():
    """Grace opens an account; Ada gives her 10 for it, twice, and Grace spends 5 of the first; Bob opens one too."""
    store = ReadOnce()
    bus = CommandBus(store, HANDLERS)
    (opened,) = bus.dispatch(OpenAccount("2", "Grace"), id="open-2")
    (first,) = bus.dispatch(DepositMoney("2", 10), cause=opened)
    bus.dispatch(OpenAccount("3", "Bob"))
    bus.dispatch(DepositMoney("2", 10), cause=opened)
    bus.dispatch(WithdrawMoney("2", 5), cause=first)
    return store


def told(id, cause, command=None, stream="account-1", n=1):
    """An event of one story, with such a cause, made by hand."""
    about = {"correlation_id": "story", "causation_id": cause, "command": command}
    about = {name: value for name, value in about.items() if value}
    return record(
        MoneyDeposited(1), stream=stream, version=n, position=n, recorded_at=NEW_YEAR, id=id, metadata=about
    )  # fmt: skip


def drawn(*events, asked=""):
    return str(CausationTree(events, asked)).splitlines()[1:]


def test_a_tree_shows_every_event_of_the_story_below_its_cause(story):
    assert str(causation(story, list(story.read())[-1])).splitlines() == [
        "CausationTree of 4 events from 1 cause",
        "command OpenAccount, id open-2",
        "└─ 1: account-2 v1 bank.AccountOpened",
        "   ├─ 2: account-2 v2 bank.MoneyDeposited, by DepositMoney",
        "   │  └─ 5: account-2 v4 bank.MoneyWithdrawn, by WithdrawMoney  ← asked for",
        "   └─ 4: account-2 v3 bank.MoneyDeposited, by DepositMoney",
    ]


def test_a_tree_is_the_same_from_whichever_of_its_events_it_is_asked_for(story):
    trees = {str(causation(story, recorded)).replace("  ← asked for", "") for recorded in story.load("account-2")}
    assert len(trees) == 1


def test_a_tree_is_found_by_an_event_by_its_id_and_by_the_id_of_its_command(story):
    opened = story.load("account-2")[0]
    assert str(causation(story, opened)) == str(causation(story, opened.id))
    assert "command OpenAccount, id open-2  ← asked for" in str(causation(story, "open-2"))


def test_a_command_in_the_middle_of_a_story_is_found_by_its_id(story):
    bus, opened = CommandBus(story, HANDLERS), story.load("account-2")[0]
    bus.dispatch(DepositMoney("2", 1), cause=opened, id="one-more")
    assert causation(story, "one-more").events == causation(story, opened).events


def test_the_log_is_read_once(story):
    story.reads = 0
    causation(story, "open-2")
    assert story.reads == 1


def test_what_is_in_no_log_is_said_to_be_unknown(story):
    elsewhere = MemoryStore().append("account-1", [AccountOpened("Ada")])[0]
    for unknown in ("nothing", elsewhere):
        with pytest.raises(UnknownName, match="no event of <ReadOnce: 5 events> has the id"):
            causation(story, unknown)
    with pytest.raises(InvalidName, match="an event or its id is 7"):
        causation(story, 7)


def test_an_event_of_which_nothing_is_known_is_a_root(store):
    store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(5)])
    assert str(causation(store, store.load("account-1")[1])).splitlines() == [
        "CausationTree of 1 event from 1 cause", "2: account-1 v2 bank.MoneyDeposited  ← asked for"
    ]  # fmt: skip


def test_what_followed_from_an_event_of_which_nothing_is_known_is_its_story(store):
    first = store.append("account-1", [AccountOpened("Ada")])[0]
    CommandBus(store, HANDLERS).dispatch(DepositMoney("1", 5), cause=first)
    assert len(causation(store, first)) == len(causation(store, store.load("account-1")[1])) == 2


def test_a_cause_that_is_not_in_the_log_is_a_root_with_what_is_known_of_it():
    assert drawn(
        told("a", "c-1", "DepositMoney"), told("b", "c-1", "DepositMoney", n=2), told("c", "far-away", n=3)
    ) == [
        "command DepositMoney",
        "├─ 1: account-1 v1 bank.MoneyDeposited",
        "└─ 2: account-1 v2 bank.MoneyDeposited",
        "far-away, which is not in this log",
        "└─ 3: account-1 v3 bank.MoneyDeposited",
    ]


def test_a_cause_that_led_to_two_commands_is_no_command():
    assert drawn(told("a", "x", "DepositMoney"), told("b", "x", "OpenAccount", n=2))[0] == "x, which is not in this log"


@pytest.mark.parametrize(
    "causes",
    [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "c", "b": "a", "c": "b"}, {"a": "b", "b": "c", "c": "b"}],
    ids=str,
)
def test_causes_that_go_in_a_circle_are_shown_once_each_and_said_to(causes):
    lines = drawn(*[told(id, cause, n=n) for n, (id, cause) in enumerate(causes.items(), 1)])
    assert len(lines) == len(causes)
    assert [line.endswith("(its causes go in a circle)") for line in lines].count(True) == 1


def test_the_earliest_of_a_circle_stands_on_top_and_not_what_hangs_on_it():
    assert drawn(told("a", "c"), told("b", "c", n=2), told("c", "b", n=3)) == [
        "2: account-1 v2 bank.MoneyDeposited (its causes go in a circle)",
        "└─ 3: account-1 v3 bank.MoneyDeposited",
        "   └─ 1: account-1 v1 bank.MoneyDeposited",
    ]


def test_a_cause_may_stand_after_what_followed_from_it():
    assert drawn(told("late", "early"), told("early", "", n=2)) == [
        "2: account-1 v2 bank.MoneyDeposited", "└─ 1: account-1 v1 bank.MoneyDeposited"
    ]  # fmt: skip


def test_metadata_of_another_log_may_be_anything():
    strange = [
        record(MoneyDeposited(1), stream="a-1", version=1, position=1, recorded_at=NEW_YEAR, id="e", metadata=one)
        for one in ({"causation_id": ["x"], "command": 7}, {"causation_id": {"a": 1}, "correlation_id": 5})
    ]
    assert [drawn(one) for one in strange] == [["1: a-1 v1 bank.MoneyDeposited"]] * 2


def test_a_correlation_id_with_signs_that_json_escapes_is_found(store):
    wish = 'Ada\'s "visit" \\ Grüße\n'
    store.append("account-1", [AccountOpened("Ada")], metadata={"correlation_id": wish})
    assert len(causation(store, store.load("account-1")[0])) == 1


# --- large ---


def many(n, seed=1):
    """Events each of which has an earlier one, or nothing, as its cause."""
    chance = random.Random(seed)
    return [told(f"e{i}", f"e{chance.randrange(i)}" if i and chance.random() < 0.99 else "", n=i + 1) for i in range(n)]


def test_ten_thousand_events_stand_each_one_line_below_its_cause():
    events = many(10_000)
    lines = CausationTree(events).lines
    by_id = {line.id: line for line in lines}
    assert len(by_id) == len(lines) == 10_000
    assert all(
        (line.above is None) == (cause == "") and (not cause or lines[line.above] is by_id[cause])
        for line in lines for cause in [line.event.causation_id or ""]
    )  # fmt: skip
    assert all(line.depth == (lines[line.above].depth + 1 if line.above is not None else 0) for line in lines)


def test_the_lines_around_what_was_asked_for_are_shown_and_the_others_counted():
    tree = CausationTree([told("root", "")] + [told(f"e{n}", "root", n=n) for n in range(2, 10_001)], "e5000")
    shown = str(tree).splitlines()
    assert shown[:2] == ["CausationTree of 10,000 events from 1 cause", "… 4,949 lines above"]
    assert shown[52] == "├─ 5000: account-1 v5000 bank.MoneyDeposited  ← asked for"
    assert shown[-1] == "… 4,951 lines below"
    assert len(shown) == 103


def test_a_very_deep_tree_stays_on_the_page():
    tree = CausationTree([told(f"e{n}", f"e{n - 1}" if n > 1 else "", n=n) for n in range(1, 10_001)], "e9999")
    last = str(tree).splitlines()[-1]
    assert last.strip() == "└─ (9999 deep) 10000: account-1 v10000 bank.MoneyDeposited"
    assert max(map(len, str(tree).splitlines())) < 120


# --- frame and diagram ---


def test_a_frame_has_one_row_for_each_event_in_the_order_of_the_tree(story):
    frame = causation(story, "open-2").to_frame()
    assert list(zip(frame.depth, frame.position, frame.command, strict=True)) == [
        (1, 1, "OpenAccount"), (2, 2, "DepositMoney"), (3, 5, "WithdrawMoney"), (2, 4, "DepositMoney")
    ]  # fmt: skip
    assert list(frame.id) == [recorded.id for n in (1, 2, 5, 4) for recorded in story.read(after=n - 1, until=n)]
    assert not frame.asked.any()


def test_a_diagram_has_an_arrow_from_each_cause_to_what_followed(story):
    diagram = causation(story, list(story.read())[1]).to_mermaid()
    assert diagram.splitlines() == [
        "flowchart TD",
        '  n0(["command OpenAccount, id open-2"])',
        '  n1["1#58; account-2 v1 bank.AccountOpened"]',
        "  n0 --> n1",
        '  n2["2#58; account-2 v2 bank.MoneyDeposited, by DepositMoney"]',
        "  n1 --> n2",
        "  style n2 stroke-width:4px",
        '  n3["5#58; account-2 v4 bank.MoneyWithdrawn, by WithdrawMoney"]',
        "  n2 --> n3",
        '  n4["4#58; account-2 v3 bank.MoneyDeposited, by DepositMoney"]',
        "  n1 --> n4",
    ]
    assert diagram._repr_mimebundle_() == {"text/plain": str(diagram), "text/vnd.mermaid": str(diagram)}


def test_a_diagram_is_no_larger_than_can_be_drawn_and_says_what_it_leaves_out():
    diagram = CausationTree(many(10_000), "e5000").to_mermaid(most=20)
    boxes = set(re.findall(r"^  (n\d+)\[", diagram, re.MULTILINE))
    ends = {end for arrow in re.findall(r"(n\d+) --> (n\d+)", diagram) for end in arrow}
    assert (len(boxes), ends <= boxes, type(diagram)) == (20, True, Mermaid)
    assert 'more["#8230; and 9,980 more"]' in diagram


# --- texts from data ---


def test_texts_from_data_are_escaped_in_each_form():
    hostile = told("a", HOSTILE, HOSTILE, stream=f"account-{HOSTILE}")
    tree = CausationTree([hostile], "a")
    assert "<script" not in tree._repr_html_()
    assert "&lt;script&gt;" in tree._repr_html_()
    assert "<script" not in tree.to_frame().to_html()
    labels = re.findall(r"\[(.*)\]", tree.to_mermaid())
    assert len(labels) == 2
    assert all(re.fullmatch(r'"([A-Za-z0-9 ,.-]|#\d+;)*"', label) for label in labels)


def test_a_text_with_several_lines_stays_on_one():
    lines = drawn(told("a", "far\n└─ away \u202e", ""), told("b", "c-1", "De\tposit\n", n=2))
    assert lines[0] == r"far\n└─ away \u202e, which is not in this log"
    assert lines[2] == r"command De\tposit\n"


def test_a_label_never_begins_a_list_of_markdown():
    trees = [CausationTree([told("a", cause)]) for cause in ("1. go", "- go", "a. ")]
    labels = [re.search(r'\["(.*)"\]', tree.to_mermaid())[1] for tree in trees]
    assert [label[:7] for label in labels] == ["1#46; g", "#45; go", "a#46; ,"]


def test_the_event_asked_for_stands_out_in_the_page(story):
    page = causation(story, story.load("account-2")[0])._repr_html_()
    assert re.findall("<b>(.*)</b>", page) == ["└─ 1: account-2 v1 bank.AccountOpened  ← asked for"]
