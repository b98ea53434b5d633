"""eslab.branches: a branch taken away as code makes it again, and a moment taken away as a test holds it."""

import pytest
from branching import ADA, NOON, STRICT, WISHES, Lines, Twice, strict, told, unmade, wish_of

from eslab import CommandRefused, Decider, MemoryStore, NewEvent, Projection, Timeline, datasets, event
from eslab.branches import InvalidBranch
from eslab.domains import bank
from eslab.domains.bank import (
    DECIDER,
    HANDLERS,
    Account,
    AccountOpened,
    Balances,
    MoneyDeposited,
    MoneyWithdrawn,
)  # fmt: skip
from eslab.domains.chess import Game, MatchScore, MovePlayed
from eslab.domains.league import LeagueTable
from eslab.domains.made_up import bank as made_up_bank
from eslab.domains.made_up import orders as made_up_orders
from eslab.domains.orders import (
    OrderBoard,
    Revenue,
)  # fmt: skip
from eslab.events import event_type
from eslab.timeline import NoSuchStep
from eslab.views import View


@pytest.fixture
def ada():
    return Timeline(ADA, Account)


# --- as code --------------------------------------------------------------------------------------------------------


def rule_of_fifty(command, state):
    return strict(command, state)


@pytest.mark.parametrize(
    "asked",
    [
        {"skip": [3], "title": "without rent"},
        {
            "insert": {
                0: NewEvent(MoneyDeposited(1), occurred_at=NOON, metadata={"a": [1]}),
                3: [ADA[1], MoneyDeposited(2)],
            }
        },
        {"replace": {3: MoneyWithdrawn(31)}, "move": {5: 1}},
        {"fold": Twice},
        {"fold": {"twice": Twice, "lines": View(Lines, every=2)}, "skip": [1]},
        {"decide": rule_of_fifty, "commands": WISHES},
        {"decide": rule_of_fifty, "commands": wish_of},
        {"decide": STRICT, "commands": wish_of},
        {"decide": HANDLERS, "commands": WISHES},
    ],
    ids=lambda asked: "-".join(asked),
)
def test_the_code_of_a_branch_makes_it_again(asked):
    timeline = Timeline(ADA, DECIDER)
    branch = timeline.branch(**asked)
    unmade(branch, timeline)
    assert "title=" in branch.to_code() or "title" not in asked


def test_the_code_says_it_as_one_would_by_hand(ada):
    branch = ada.branch(skip=[3], insert={2: MoneyDeposited(7)}).branch(fold=Twice)
    assert branch.to_code() == (
        "from branching import Twice\n"
        "from eslab.domains.bank import MoneyDeposited\n"
        "\n"
        "branch = timeline.branch(skip=[3], insert={2: MoneyDeposited(amount=7)})\n"
        "branch = branch.branch(fold=Twice)\n"
    )
    unmade(branch, ada)


def test_what_has_no_name_cannot_be_written_down(ada):
    branch = Timeline(ADA, DECIDER).branch(decide=lambda command, state: [], commands=WISHES)
    with pytest.raises(InvalidBranch, match="give it one at the top level of a module or of the notebook"):
        branch.to_code()


# --- as a test ------------------------------------------------------------------------------------------------------


def run_test(text):
    """Run the test that a text holds; its namespace."""
    namespace = {}
    exec(text, namespace)
    tests = [one for name, one in namespace.items() if name.startswith("test_")]
    assert tests
    for one in tests:
        one()
    return namespace


def test_a_moment_of_an_aggregate_becomes_a_test_that_can_fail(ada, monkeypatch):
    text = ada.to_test(3)
    assert text == (
        "from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn\n"
        "from eslab.testing import given\n"
        "\n"
        "\n"
        "def test_money_withdrawn_at_step_3():\n"
        '    """Step 3 of account-1: bank.MoneyWithdrawn."""\n'
        '    earlier = [AccountOpened(owner="Ada"), MoneyDeposited(amount=100)]\n'
        "    event = MoneyWithdrawn(amount=30)\n"
        '    given(Account, *earlier).when(event).then_state({"owner": "Ada", "balance": 70, "status": "open"})\n'
    )
    run_test(text)
    monkeypatch.setattr(Account, "apply", lambda self, event: setattr(self, "balance", 1))
    with pytest.raises(AssertionError, match="balance: 70 → 1"):
        run_test(text)


GAME = [one for one in datasets.load("chess") if one.stream == "game-6"]
BOARDS = {"board": OrderBoard, "revenue": Revenue}


@pytest.mark.parametrize("index", [1, 2, 30, -1])
@pytest.mark.parametrize(
    ("history", "fold"),
    [
        (GAME, Game),
        (GAME, MatchScore),
        (made_up_orders(7)[:150], BOARDS),
        (made_up_bank(3, 60), Account),
        (made_up_bank(3, 60), Balances),
        (datasets.load("league")[:120], LeagueTable),
    ],
    ids=["game", "score", "shop", "account", "balances", "league"],
)
def test_real_moments_become_tests_that_pass(history, fold, index):
    text = Timeline(history, fold).to_test(index)
    run_test(text)
    assert max(map(len, text.splitlines())) <= 120


def test_each_view_has_a_test_of_its_own_and_only_what_it_is_shown():
    timeline = Timeline(made_up_orders(7)[:40], {"board": OrderBoard, "money": View(Revenue, every=10)})
    text = timeline.to_test(40)
    assert "_in_board():" in text
    assert "_in_money():" in text
    money = text.partition("_in_money():")[2]
    assert "OrderShipped" not in money.partition("event = ")[0]


def test_only_the_stream_of_the_event_is_given_to_an_aggregate():
    history = made_up_bank(3, 60)
    text = Timeline(history, Account).to_test(60)
    stream = [one for one in history[:60] if one.stream == history[59].stream]
    assert text.count("Money") + text.count("AccountOpened(") < 3 * len(stream) + 5
    assert "record" not in text


class Witnesses(Projection):
    """Who said it, and under which id."""

    def evolve(self, seen, recorded, /):
        return {**seen, recorded.id: recorded.metadata.get("who")}


def test_a_projection_gets_ids_and_metadata_if_it_looks_at_them():
    history = MemoryStore(ids=iter(["a", "b"]).__next__).append("x-1", [MoneyDeposited(1)] * 2, metadata={"who": "Ada"})
    text = Timeline(history, Witnesses).to_test(2)
    assert 'id="b"' in text
    run_test(text)
    assert "metadata" not in Timeline(history, Balances).branch(fold=Lines).to_test(2)


def test_a_moment_at_which_the_fold_fails_is_a_test_as_well():
    history = told(MovePlayed("e4", "e2e4"), MovePlayed("e4", "e2e4"), MovePlayed("e5", "e7e5"), stream="game-1")
    timeline = Timeline(history, Game)
    text = timeline.to_test(2)
    assert 'ImpossibleMove, because="move 1 of black, e4 (e2e4), is not possible: found empty"' in text
    run_test(text)
    assert timeline.to_test(3).count("MovePlayed(") == 2
    run_test(timeline.to_test(3))


class InPlace(Projection):
    """Changes its state before it fails."""

    def evolve(self, seen, recorded, /):
        seen[recorded.position] = True
        if recorded.position == 2:
            raise CommandRefused("not this one")
        return seen


def test_what_a_fold_changed_before_it_failed_is_not_in_the_test():
    text = Timeline(ADA, InPlace).to_test(3)
    assert "then_state({1: True, 3: True})" in text
    run_test(text)


class Unlucky(Projection):
    def evolve(self, state, recorded, /):
        return 1 / (recorded.position - 2)


def test_a_mistake_in_the_fold_is_expected_with_pytest():
    text = Timeline(ADA, Unlucky).to_test(2)
    assert "with pytest.raises(ZeroDivisionError):" in text
    run_test(text)


@event(name="branches.Gone")
class Gone:
    pass


def test_an_event_that_cannot_be_read_any_more_is_a_test_too(monkeypatch):
    history = told(AccountOpened("Ada"), Gone())
    monkeypatch.delitem(event_type.__globals__["_types"], "branches.Gone")
    run_test(Timeline(history, Account).to_test(2))
    run_test(Timeline(history, Lines).to_test(2))


@pytest.mark.parametrize("rules", [HANDLERS, DECIDER, STRICT], ids=["handlers", "decider", "strict"])
def test_a_decision_becomes_a_test(ada, rules):
    text = ada.to_test(4, rules=rules, commands=wish_of)
    run_test(text)
    if rules is STRICT:
        assert "def test_withdraw_money_is_refused_at_step_4():" in text
        assert 'CommandRefused, because="60 at once, expected at most 50: withdraw twice"' in text
    else:
        assert "def test_withdraw_money_leads_to_money_withdrawn():" in text
        assert ".when(command).then(MoneyWithdrawn(amount=60))" in text


def test_only_the_stream_of_the_command_is_given_to_a_rule():
    history = made_up_bank(3, 60)
    text = Timeline(history, Balances).to_test(60, rules=HANDLERS, commands=wish_of)
    assert text.count("AccountOpened(") == 1
    run_test(text)


def test_a_decision_that_fails_when_the_rule_is_broken(ada, monkeypatch):
    text = ada.to_test(4, rules=HANDLERS, commands=wish_of)
    monkeypatch.setattr(bank, "must_cover", lambda balance, amount: (_ for _ in ()).throw(CommandRefused("no")))
    with pytest.raises(AssertionError, match="refused with CommandRefused: no"):
        run_test(text)


def decide_two(command, state):
    return [MoneyDeposited(command), MoneyWithdrawn(1)] if command else []


def count(state, event):
    return state + 1


RULES_OF_TWO = Decider(initial_state=0, decide=decide_two, evolve=count)


def test_an_event_that_came_with_another_is_tested_with_its_command():
    by_deposit = lambda one: one.payload.amount if isinstance(one.payload, MoneyDeposited) else None  # noqa: E731
    timeline = Timeline(told(MoneyDeposited(5), MoneyWithdrawn(1)), RULES_OF_TWO)
    text = timeline.to_test(2, rules=RULES_OF_TWO, commands=by_deposit)
    assert "leads_to_money_deposited_and_money_withdrawn" in text
    run_test(text)
    nothing = timeline.to_test(1, rules=RULES_OF_TWO, commands=lambda one: 0)
    assert ".then_nothing()" in nothing
    run_test(nothing)


@pytest.mark.parametrize(
    ("index", "given", "kind", "message"),
    [
        (0, {}, NoSuchStep, "step 0 has no event"),
        (9, {}, NoSuchStep, "step 9 does not exist"),
        (3, {"rules": HANDLERS}, InvalidBranch, "rules and commands go together"),
        (3, {"rules": bank.decide, "commands": wish_of}, InvalidBranch, "expected handlers"),
        (3, {"rules": HANDLERS, "commands": lambda one: one}, InvalidBranch, "no command led to event 3"),
        (3, {"rules": HANDLERS, "commands": lambda one: None}, InvalidBranch, "no command led to event 3"),
    ],
    ids=str,
)  # fmt: skip
def test_a_moment_that_makes_no_test_is_refused(ada, index, given, kind, message):
    with pytest.raises(kind, match=message):
        ada.to_test(index, **given)


def test_more_than_200_given_events_are_too_many():
    timeline = Timeline(made_up_bank(3, 300), Balances)
    assert timeline.to_test(201)
    with pytest.raises(InvalidBranch, match="201 events would have to be given, expected at most 200"):
        timeline.to_test(202)


def test_hostile_titles_and_texts_stay_texts():
    history = told(AccountOpened('"""\nimport os # \\'), MoneyDeposited(1), stream='account-"""')
    run_test(Timeline(history, Account, title='"""\n1/0').to_test(2))
