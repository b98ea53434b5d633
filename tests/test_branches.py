"""eslab.branches: what would have been, read beside what was; the source is never touched."""

import datetime as dt
import itertools

import msgspec
import numpy
import pytest
from branching import ADA, NOON, STRICT, WISHES, Lines, Twice, kinds, reads_both_lines, told, unmade
from hypothesis import given
from hypothesis import strategies as st

from eslab import MemoryStore, NewEvent, Projection, Timeline, datasets
from eslab.branches import InvalidBranch
from eslab.domains.bank import (
    DECIDER,
    HANDLERS,
    Account,
    AccountOpened,
    AccountState,
    Balances,
    MoneyDeposited,
    MoneyWithdrawn,
    WithdrawMoney,
)  # fmt: skip
from eslab.domains.chess import Game
from eslab.domains.made_up import bank as made_up_bank
from eslab.errors import InvalidPayload
from eslab.events import record
from eslab.projections import Projector
from eslab.stores.sqlite import SqliteStore
from eslab.timeline import NoSuchStep
from eslab.views import View

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def ada():
    return Timeline(ADA, Account)


# --- re-fold ----------------------------------------------------------------------------------------------------------


def test_a_skipped_event_never_happened(ada):
    branch = ada.branch(skip=[3])
    assert branch[-1].state.balance == 45
    assert [one.payload for one in branch.history] == [ADA[n].payload for n in (0, 1, 3, 4)]
    assert [(one.position, one.version) for one in branch.history] == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert [one.id for one in branch.history] == [ADA[n].id for n in (0, 1, 3, 4)]
    assert [one.recorded_at for one in branch.history] == [ADA[n].recorded_at for n in (0, 1, 3, 4)]
    assert kinds(branch.rows) == "==-=="
    assert branch.rows[2].says == "skipped"
    assert branch.position == 2


def test_numbers_may_come_from_a_frame(ada):
    branch = ada.branch(skip=numpy.array([3]))
    assert branch[-1].state.balance == 45
    assert branch.to_code() == "branch = timeline.branch(skip=[3])\n"


def test_the_source_stays_as_it_was(ada):
    before = [step.state.balance for step in ada]
    branch = ada.branch(skip=[3], insert={1: MoneyDeposited(7)}, move={5: 1}, replace={2: MoneyDeposited(1)})
    branch.compare().to_frame()
    assert branch.source is ada
    assert ada.history == ADA
    assert [step.state.balance for step in ada] == before


def test_an_inserted_event_has_the_stream_and_the_times_of_the_one_before_it(ada):
    branch = ada.branch(insert={3: MoneyDeposited(7)})
    new = branch.history[3]
    assert (new.payload, new.stream, new.version, new.position) == (MoneyDeposited(7), "account-1", 4, 4)
    assert (new.recorded_at, new.occurred_at, new.metadata) == (ADA[2].recorded_at, ADA[2].occurred_at, {})
    assert new.id not in {one.id for one in ADA}
    assert new.id == ada.branch(insert={3: MoneyDeposited(7)}).history[3].id
    assert kinds(branch.rows) == "===+=="
    assert branch.rows[3].says == "inserted"


def test_at_the_start_an_event_stands_beside_the_one_after_it(ada):
    branch = ada.branch(insert={0: [AccountOpened("Eve"), MoneyDeposited(1)]})
    assert [one.recorded_at for one in branch.history[:3]] == [ADA[0].recorded_at] * 3
    assert [one.payload for one in branch.history[:2]] == [AccountOpened("Eve"), MoneyDeposited(1)]
    assert len({one.id for one in branch.history}) == 7


def test_a_new_event_may_say_when_it_occurred_and_a_recorded_one_all_of_it(ada):
    late = NewEvent(MoneyDeposited(7), id="late", occurred_at=NOON, metadata={"who": "Eve"})
    other = record(MoneyDeposited(8), stream="account-2", version=9, position=9, recorded_at=NOON, metadata={"a": 1})
    branch = ada.branch(insert={5: [late, other]})
    new, last = branch.history[5:]
    assert (new.id, new.occurred_at, new.recorded_at, new.metadata) == (
        "late",
        NOON,
        ADA[4].recorded_at,
        {"who": "Eve"},
    )
    assert (last.id, last.stream, last.version, last.position, last.metadata) == (other.id, "account-2", 1, 7, {"a": 1})


def test_an_event_that_comes_twice_gets_an_id_of_its_own(ada):
    branch = ada.branch(insert={2: [ADA[1], ADA[1]]})
    assert branch[-1].state.balance == 215
    assert len({one.id for one in branch.history}) == 7


def test_a_replaced_event_keeps_its_envelope(ada):
    branch = ada.branch(replace={3: MoneyWithdrawn(31)})
    old, new = ADA[2], branch.history[2]
    assert new.payload == MoneyWithdrawn(31)
    assert (new.id, new.recorded_text, new.occurred_text) == (old.id, old.recorded_text, old.occurred_text)
    assert kinds(branch.rows) == "==-+=="
    assert [row.says for row in branch.rows[2:4]] == ["replaced", 'was: bank.MoneyWithdrawn {"amount":30}']


def test_a_replacement_may_change_the_time_and_add_metadata():
    history = told(AccountOpened("Ada"))
    with_metadata = [msgspec.structs.replace(history[0], metadata_text='{"who":"Ada"}')]
    branch = Timeline(with_metadata, Account).branch(
        replace={1: NewEvent(AccountOpened("Eve"), occurred_at=NOON, metadata={"why": "?"})}
    )
    assert branch.history[0].metadata == {"who": "Ada", "why": "?"}
    assert branch.history[0].occurred_at == NOON


def test_a_recorded_event_in_the_place_of_another_is_that_one_from_now_on(ada):
    other = record(MoneyDeposited(8), stream="account-2", version=9, position=9, recorded_at=NOON)
    new = ada.branch(replace={3: other}).history[2]
    assert (new.id, new.stream, new.version, new.recorded_at) == (ADA[2].id, "account-2", 1, NOON)


def test_metadata_stays_as_it_is_written(ada):
    history = [msgspec.structs.replace(one, metadata_text='{"who": "Ada"}') for one in ADA]
    branch = Timeline(history, Account).branch(replace={3: MoneyWithdrawn(30)})
    assert kinds(branch.rows) == "====="


def test_a_moved_event_stands_behind_another(ada):
    branch = ada.branch(move={5: 1})
    assert [one.payload for one in branch.history] == [ADA[n].payload for n in (0, 4, 1, 2, 3)]
    assert [one.version for one in branch.history] == [1, 2, 3, 4, 5]
    assert kinds(branch.rows) == "=+===-"
    assert [branch.rows[1].says, branch.rows[5].says] == ["moved from 5", "moved to 1"]


def test_all_edits_go_together_in_the_numbers_of_the_source(ada):
    branch = ada.branch(skip=[2], insert={2: MoneyDeposited(1), 0: MoneyDeposited(2)}, replace={4: MoneyWithdrawn(6)},
                        move={4: 2, 5: 0})  # fmt: skip
    assert [one.data.get("amount") for one in branch.history] == [2, 5, None, 1, 6, 30]
    assert kinds(branch.rows) == "++=-++=--"
    assert branch.rows[5].says == 'moved from 4; was: bank.MoneyWithdrawn {"amount":60}'
    reads_both_lines(branch.compare())


def test_an_edit_that_changes_nothing_gives_the_source_again(ada):
    for edit in (
        {"move": {3: 2}},
        {"move": {3: 3}},
        {"replace": {3: MoneyWithdrawn(30)}},
        {"insert": {1: []}, "move": {1: 0}},
    ):
        branch = ada.branch(**edit)
        assert branch.history == ADA
        assert kinds(branch.rows) == "====="
        assert branch.position == 5
        assert branch.compare().first_difference is None


def test_other_code_folds_the_same_events(ada):
    branch = ada.branch(fold=Twice)
    assert branch[-1].state.balance == 120
    assert kinds(branch.rows) == "====="
    comparison = branch.compare()
    assert comparison.position is None
    assert comparison.first_difference == 2
    assert ada.branch(fold=DECIDER, skip=[2])[-1].state == AccountState("Ada", -85, "open")


def test_a_branch_can_be_branched_again(ada):
    first = ada.branch(skip=[3])
    second = first.branch(skip=[3], insert={0: MoneyDeposited(1)})
    third = second.branch(insert={0: MoneyDeposited(1)})
    assert second.source is first
    assert second[-1].state.balance == 106
    assert len({one.id for one in third.history}) == len(third.history) == 5
    assert third.digest != second.digest != first.digest


def test_several_views_are_carried_over(ada):
    timeline = Timeline(ADA, {"account": Account, "lines": View(Lines, every=2)})
    branch = timeline.branch(skip=[3])
    assert branch.fold is timeline.fold
    assert branch[-1].state["account"].balance == 45
    assert branch[3].views["lines"].lag == 1
    assert branch.compare()[-1].differences


def test_a_view_that_stopped_at_a_position_stops_after_as_many_events():
    store = MemoryStore()
    store.append("other-1", [MoneyDeposited(1)] * 10)
    store.append("account-1", [one.payload for one in ADA])
    timeline = Timeline(store.load("account-1"), View(Lines, until=12))
    assert len(timeline[-1].state) == 2
    assert len(timeline.branch(skip=[4])[-1].state) == 2
    projector = Projector(store, Lines())
    assert len(Timeline(store.load("account-1"), {"lines": projector}).branch(skip=[4])[-1].state["lines"]) == 0


def test_in_the_order_of_occurrence_a_moved_event_stays_where_it_was_put(ada):
    timeline = Timeline(ADA, Lines, order="occurred")
    branch = timeline.branch(move={5: 1})
    assert branch.order == "occurred"
    assert [one.position for one in branch.history] == [1, 2, 3, 4, 5]
    assert branch.history[1].payload == MoneyDeposited(5)


def test_what_would_have_been_without_the_21st_move():
    history = [one for one in datasets.load("chess") if one.stream == "game-6"]
    timeline = Timeline(history, Game)
    branch = timeline.branch(skip=[20])
    failed = [step.index for step in branch if step.error]
    assert failed
    assert branch.position == 19
    assert branch.compare().first_difference == 20


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({}, "nothing is asked"),
        ({"skip": []}, "nothing is asked"),
        ({"skip": [0]}, "skip names event 0, expected a number from 1 to 5"),
        ({"skip": [6]}, "event i leads to step i"),
        ({"skip": [True]}, "names event True"),
        ({"skip": 3}, r"write skip=\[17\]"),
        ({"skip": "3"}, r"write skip=\[17\]"),
        ({"insert": {6: MoneyDeposited(1)}}, "insert names event 6, expected a number from 0 to 5"),
        ({"insert": [MoneyDeposited(1)]}, "expected a dict by the number of an event"),
        ({"replace": {0: MoneyDeposited(1)}}, "replace names event 0"),
        ({"move": {3: -1}}, "move names event -1"),
        ({"move": {9: 1}}, "move names event 9"),
        ({"skip": [3], "replace": {3: MoneyDeposited(1)}}, "event 3 is skipped and replaced"),
        ({"skip": [3, 4], "move": {4: 1}}, "event 4 is skipped and moved"),
        ({"decide": HANDLERS}, "decide is given without commands"),
        ({"commands": WISHES}, "commands is given without decide"),
        ({"decide": HANDLERS, "commands": WISHES, "skip": [1]}, "edited and decided again at once"),
        ({"decide": HANDLERS, "commands": 7}, "commands is 7"),
        ({"decide": HANDLERS, "commands": "all"}, "commands is 'all'"),
        ({"decide": 7, "commands": WISHES}, "decide is 7"),
        ({"decide": HANDLERS, "commands": lambda recorded: None}, "gave None for event 1"),
        ({"decide": HANDLERS, "commands": lambda recorded: MoneyDeposited(9)}, "another event for event 1"),
        (
            {"decide": HANDLERS, "commands": lambda recorded: recorded if recorded.version == 1 else None},
            "gave None for event 2",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_a_branch_that_makes_no_sense_is_refused(ada, edit, message):
    with pytest.raises(InvalidBranch, match=message):
        ada.branch(**edit)


def test_what_is_no_event_cannot_be_put_in(ada):
    for wrong in (7, None, WithdrawMoney("1", 3), [MoneyDeposited]):
        with pytest.raises(InvalidPayload, match="is not an event"):
            ada.branch(insert={2: wrong})


def test_in_an_empty_history_only_recorded_events_have_a_place():
    empty = Timeline([], Account)
    with pytest.raises(InvalidBranch, match="because the source has no events"):
        empty.branch(insert={0: AccountOpened("Ada")})
    with pytest.raises(InvalidBranch, match="has no events"):
        empty.branch(decide=HANDLERS, commands=WISHES)
    assert empty.branch(insert={0: list(ADA)}).history == ADA


NUMBERS = st.integers(1, 5)
GAPS = st.integers(0, 5)
EDITS = st.fixed_dictionaries(
    {
        "skip": st.lists(NUMBERS),
        "insert": st.dictionaries(GAPS, st.lists(st.integers(1, 9).map(MoneyDeposited), max_size=2)),
        "move": st.dictionaries(NUMBERS, GAPS),
    }
)


def edited_by_hand(edits):
    """The amounts of the branch, from keys by which its events are sorted; None for the opening."""
    line = [((n, 0, 0), one.payload) for n, one in enumerate(ADA, 1)]
    for order, (n, to) in enumerate(edits["move"].items()):
        if to not in (n, n - 1):
            line[n - 1] = (to, 2, order), ADA[n - 1].payload
    line = [one for n, one in enumerate(line, 1) if n not in edits["skip"]]
    line += [((gap, 1, k), one) for gap, many in edits["insert"].items() for k, one in enumerate(many)]
    return [payload for _, payload in sorted(line, key=lambda one: one[0])]


@given(EDITS)
def test_the_states_of_a_branch_are_those_of_the_list_edited_by_hand(edits):
    edits["move"] = {n: to for n, to in edits["move"].items() if n not in edits["skip"]}
    timeline = Timeline(ADA, Lines)
    if not any([*edits.values(), *edits["insert"].values()]):
        return
    branch = timeline.branch(**edits)
    by_hand = told(*edited_by_hand(edits))
    assert [step.state for step in branch] == [step.state for step in Timeline(by_hand, Lines)]
    comparison = branch.compare()
    reads_both_lines(comparison)
    reads_both_lines(timeline.compare(branch))
    reads_both_lines(branch.compare(timeline))
    shared = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(ADA, branch.history, strict=False))))
    assert branch.position <= shared
    assert len({one.id for one in branch.history}) == len(branch.history)
    unmade(branch, timeline)


# --- comparison -----------------------------------------------------------------------------------------------------


def test_a_comparison_has_a_moment_for_each_row(ada):
    comparison = ada.branch(skip=[3]).compare()
    assert len(comparison) == 6
    assert comparison[0].row is None
    assert comparison[0].event is None
    assert [len(moment.differences) for moment in comparison] == [0, 0, 0, 1, 1, 1]
    moment = comparison[-1]
    assert (moment.before.index, moment.after.index, moment.event) == (5, 4, comparison.after.history[3])
    [change] = moment.differences
    assert change == (("balance",), 15, 45)
    assert comparison[3].event == ADA[2]
    assert (comparison.position, comparison.first_difference) == (2, 3)
    with pytest.raises(NoSuchStep, match="row 6 does not exist"):
        comparison[6]


def test_any_two_timelines_can_be_compared(ada):
    shop = MemoryStore().append("account-1", [one.payload for one in (*ADA[:2], *ADA[3:])])
    comparison = ada.compare(Timeline(shop, Account))
    assert kinds(comparison.rows) == "==-=="
    assert ada.compare(Timeline(ADA, Account)).position is None
    assert kinds(Timeline(shop, Account).compare(ada).rows) == "==+=="
    with pytest.raises(InvalidBranch, match="expected another timeline"):
        ada.compare(7)


def test_alike_events_are_told_apart_by_their_ids():
    history = told(*[MoneyDeposited(1)] * 4)
    timeline = Timeline(history, Lines)
    without = Timeline([history[0], *history[2:]], Lines)
    assert kinds(timeline.compare(without).rows) == "=-=="
    replaced = timeline.branch(replace={2: MoneyDeposited(9)})
    assert kinds(Timeline(history, Lines).compare(replaced).rows) == "=-+=="


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_two_lines_read_as_one_give_back_both(one, other):
    lines = [told(*map(MoneyDeposited, amounts)) for amounts in (one, other)]
    reads_both_lines(Timeline(lines[0], Lines).compare(Timeline(lines[1], Lines)))


def test_a_comparison_as_a_frame(ada):
    frame = ada.branch(replace={3: MoneyWithdrawn(31)}).compare().to_frame()
    assert list(frame["kind"]) == ["=", "=", "-", "+", "=", "="]
    assert list(frame["before"].fillna(0)) == [1, 2, 3, 0, 4, 5]
    assert list(frame["after"].fillna(0)) == [1, 2, 0, 3, 4, 5]
    assert list(frame["differences"]) == [0, 0, 1, 1, 1, 1]
    assert len(ada.branch(fold=Twice).compare().to_frame()) == 5
    assert list(Timeline([], Account).compare(Timeline([], Account)).to_frame().columns) == list(frame.columns)


def test_a_comparison_says_where_the_lines_part():
    branch = Timeline(ADA, DECIDER, title="<b>Ada</b>").branch(decide=STRICT, commands=WISHES)
    said = "they part after 3 events; 1 only in the first, 0 only in the second; 1 refused"
    assert repr(branch.compare()) == f"<comparison of '<b>Ada</b>' and '<b>Ada</b>, by other rules': {said}>"
    html = branch.compare()._repr_html_()
    assert "&lt;b&gt;Ada" in html
    assert "<b>Ada" not in html
    assert "WithdrawMoney(account_id=&#x27;1&#x27;, amount=60)" in html
    assert "60 at once" in html
    assert branch._repr_html_() == html
    same = Timeline(ADA, Account).branch(fold=Twice).compare()
    assert "the same events, other code" in repr(same)
    assert repr(branch) == "<Branch '<b>Ada</b>, by other rules': 4 events, 3 shared with its source>"


# --- where it came from, and where it goes --------------------------------------------------------------------------


def test_a_branch_knows_where_it_came_from(ada, tmp_path):
    branch = ada.branch(skip=[3])
    assert branch.source is ada
    assert branch.streams == ("account-1",)
    assert dict(branch.edits) == {"skip": (3,)}
    with pytest.raises(TypeError):
        branch.edits["skip"] = ()
    assert len(branch.digest) == 64
    with SqliteStore(tmp_path / "copy.db") as store:
        store.append("other-1", [MoneyDeposited(1)])
        store.copy(ADA)
        assert Timeline(store.load("account-1"), Account).branch(skip=[1]).digest == branch.digest
    assert Timeline(ADA[:4], Account).branch(skip=[1]).digest != branch.digest


def test_nothing_is_saved_unless_it_is_asked(store):
    store.copy(ADA)
    branch = Timeline(store.load("account-1"), Account).branch(skip=[3])
    assert store.position == 5
    saved = branch.save(store)
    assert [one.payload for one in saved] == [one.payload for one in branch.history]
    assert saved == store.load("whatif-account-1")
    assert {one.category for one in saved} == {"whatif"}
    assert [one.recorded_at for one in saved] == [one.recorded_at for one in branch.history]
    assert saved[0].metadata == {
        "branched_from": {"stream": "account-1", "position": 2, "digest": branch.digest},
    }
    assert not {one.id for one in saved} & {one.id for one in ADA}
    assert Account.replay(saved).balance == 45


def test_what_is_known_about_an_event_is_saved_with_it(store):
    history = MemoryStore().append("account-1", [AccountOpened("Ada"), MoneyDeposited(1)], metadata={"who": "Eve"})
    saved = Timeline(history, Account).branch(skip=[2]).save(store)
    assert saved[0].metadata["who"] == "Eve"
    assert saved[0].metadata["branched_from"]["position"] == 1


def test_saving_again_records_nothing_twice(store):
    branch = Timeline(made_up_bank(3, 60), Balances).branch(skip=[20, 30])
    first = branch.save(store)
    assert branch.save(store) == first
    assert store.position == len(first) == 58
    assert Timeline(made_up_bank(3, 60), Balances).branch(skip=[20, 30]).save(store) == first
    assert {one.stream for one in first} == {f"whatif-account-{n}" for n in range(1, 9)}
    assert len(branch.save(store, prefix="again-")) == 58


def test_a_stream_that_holds_something_else_is_not_added_to(store):
    Timeline(ADA, Account).branch(skip=[3]).save(store)
    with pytest.raises(InvalidBranch, match="'whatif-account-1' is there already, with 4 events"):
        Timeline(ADA, Account).branch(skip=[4]).save(store)
    store.append("mine-account-1", [MoneyDeposited(1)])
    with pytest.raises(InvalidBranch, match="another prefix than 'mine-'"):
        Timeline(ADA, Account).branch(skip=[4]).save(store, prefix="mine-")
    assert store.position == 5


@pytest.mark.parametrize("prefix", ["", "account-"])
def test_what_never_happened_does_not_go_among_what_did(store, prefix):
    with pytest.raises(InvalidBranch, match="among what did"):
        Timeline(ADA, Account).branch(skip=[3]).save(store, prefix=prefix)


def test_a_moved_event_stays_where_it_was_moved_at_any_moment_that_is_asked_for():
    history = [
        record(MoneyDeposited(amount), stream="account-1", version=n, position=n, recorded_at=NOON + n * HOUR)
        for n, amount in enumerate([1, 2, 3], 1)
    ]

    class Amounts(Projection):
        def initial(self):
            return []

        def evolve(self, amounts, recorded, /):
            return [*amounts, recorded.payload.amount]

    branch = Timeline(history, Amounts, order="occurred").branch(move={1: 3})
    assert branch[-1].state == [2, 3, 1]
    then = branch.at(occurred_until=NOON + 2 * HOUR)
    assert (then.state, then.timeline.order) == ([2, 1], "occurred")
