"""Several views of one history, side by side: each with its value, its checkpoint and its lag."""

import pytest

from eslab import MemoryStore, Projection, Projector, Timeline
from eslab.domains.bank import Account, AccountOpened, Balances, MoneyDeposited
from eslab.domains.made_up import bank as generate
from eslab.domains.made_up import orders
from eslab.domains.orders import OrderBoard, Revenue, Sales
from eslab.views import InvalidFold, View


def test_each_view_stands_where_it_would_alone():
    history = orders()
    both = Timeline(history, {"board": OrderBoard, "revenue": Revenue})
    for index in (0, 1, 50, len(history)):
        assert both[index].state["board"] == Timeline(history, OrderBoard)[index].state
        assert both[index].state["revenue"] == Timeline(history, Revenue)[index].state


def test_a_view_in_batches_is_behind_until_its_batch_is_full():
    timeline = Timeline(generate(), {"now": Balances, "late": View(Balances, every=10)})
    standing = timeline[47].views["late"]
    assert (standing.checkpoint, standing.lag) == (40, 7)
    assert standing.value == timeline[40].views["now"].value
    assert timeline[50].views["late"] == timeline[50].views["now"]


def test_going_back_puts_a_late_view_back_too():
    timeline = Timeline(generate(), {"late": View(Balances, every=10)})
    values = [timeline[index].state for index in range(len(timeline))]
    assert [timeline[index].state for index in reversed(range(len(timeline)))] == values[::-1]


def test_a_projector_stands_at_its_own_checkpoint():
    with MemoryStore() as store:
        store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(5)])
        projector = Projector(store, Balances())
        projector.catch_up()
        store.append("account-1", [MoneyDeposited(7)])
        late = Timeline(store.read(), {"balances": projector})[3].views["balances"]
        assert (late.value, late.checkpoint, late.lag) == (projector.state, 2, 1)
        assert late.value == {"account-1": 5}


def test_a_single_fold_is_a_view_without_a_name():
    step = Timeline(MemoryStore().append("account-1", [AccountOpened("Ada")]), Account)[1]
    (standing,) = step.views.values()
    assert (standing.value, standing.checkpoint, standing.lag) == (step.state, 1, 0)


def test_a_view_is_shown_only_the_types_it_asks_for():
    days = Timeline(orders(), Revenue)[-1].state
    paid = {
        event.occurred_at.date().isoformat()
        for event in orders()
        if event.type in ("orders.OrderPaid", "orders.OrderRefunded")
    }
    assert set(days) == paid


class Choosy(Projection):
    def initial(self):
        return 0

    def evolve(self, state, recorded, /):
        if recorded.version == 2:
            raise ValueError("no second events here")
        return state + 1


def test_a_view_that_fails_does_not_stop_the_one_beside_it():
    history = MemoryStore().append("account-1", [AccountOpened("Ada"), MoneyDeposited(5), MoneyDeposited(6)])
    timeline = Timeline(history, {"choosy": Choosy, "balances": Balances})
    assert timeline[3].state == {"choosy": 2, "balances": {"account-1": 11}}
    assert [type(step.error).__name__ for step in timeline] == ["NoneType", "NoneType", "ValueError", "NoneType"]


def test_a_failure_inside_a_batch_is_passed_over_there():
    history = MemoryStore().append("account-1", [AccountOpened("Ada")] + 5 * [MoneyDeposited(5)])
    timeline = Timeline(history, {"choosy": View(Choosy, every=3)})
    assert [step.state["choosy"] for step in timeline] == [0, 0, 0, 2, 2, 2, 5]


@pytest.mark.parametrize("wrong", [{}, {"": Balances}, {3: Balances}], ids=repr)
def test_views_without_names_are_refused(wrong):
    with pytest.raises(InvalidFold, match="expected at least one, each under a name"):
        Timeline([], wrong)


@pytest.mark.parametrize("wrong", [{"every": 0}, {"until": -1}], ids=repr)
def test_a_view_that_could_not_run_is_refused(wrong):
    with pytest.raises(InvalidFold, match="expected every=1 or more"):
        View(Balances, **wrong)


def test_a_view_in_tables_cannot_be_stepped_through():
    with pytest.raises(InvalidFold, match="keeps its view in tables"):
        Timeline(orders(), Sales(":memory:"))


@pytest.mark.parametrize("wrong", [5, "Account", None, dict, {"a": 5}, len], ids=repr)
def test_what_is_no_fold_is_refused_with_what_a_fold_is(wrong):
    with pytest.raises(InvalidFold, match=r"is no fold, expected something with initial\(\) and evolve"):
        Timeline([], wrong)
