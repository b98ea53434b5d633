"""The lab runs every schedule, once each, shows what happened, and finds what is planted, and nothing else."""

import contextlib
import gc
import inspect
import itertools
import math
import random
import threading
import time
import weakref

import matplotlib.pyplot as plt
import pytest

import eslab.store
from eslab import MemoryStore, NewEvent, charts
from eslab.domains.bank import AccountOpened, MoneyDeposited
from eslab.errors import InvalidPosition
from eslab.interleaving import (
    CASES,
    LOST_UPDATE,
    TWO_PROJECTORS,
    CannotExplore,
    crash,
    explore,
    inside,
    stepping,
    switch,
    threaded,
    wait,
)
from eslab.interleaving.exploring import Lab
from eslab.stores.sqlite import SqliteStore


class Counter:
    """A number and a list, which actors change; a store of two would be too slow for thousands of schedules."""

    def __init__(self):
        self.number, self.order, self.locked = 0, [], False


def steps(many):
    """An actor with so many steps, each of which leaves its trace."""

    def actor(name):
        def run(world):
            for _ in range(many):
                yield "step"
                world.order.append(name)

        return run

    return actor


def add_one(world):
    yield "read"
    number = world.number
    yield "write"
    world.number = number + 1


def add_one_locked(world):
    yield wait(lambda: not world.locked, "lock")
    world.locked, number = True, world.number
    yield "write"
    world.number, world.locked = number + 1, False


def both_counted(world):
    assert world.number == 2, f"the number is {world.number}, expected 2"


def anything(world):
    return True


# --- every schedule -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [(1, 1), (2, 2), (3, 2), (2, 2, 2), (4, 4), (3, 0, 3)])
def test_every_order_is_run_and_none_twice(many):
    orders = []
    actors = {name: steps(n)(name) for name, n in zip("ABC", many, strict=False)}
    found = explore(Counter, actors, lambda world: orders.append("".join(world.order)))
    expected = math.factorial(sum(many)) // math.prod(map(math.factorial, many))
    letters = "".join(name * n for name, n in zip("ABC", many, strict=False))
    assert len(found) == len(orders) == expected
    assert set(orders) == {"".join(one) for one in itertools.permutations(letters)}
    assert found.sampled == ""


def test_schedules_are_numbered_from_one_in_the_same_order_each_time():
    once, again = (explore(Counter, {"Ada": add_one, "Bob": add_one}, both_counted) for _ in range(2))
    assert [one.number for one in once] == [1, 2, 3, 4, 5, 6]
    assert [one.steps for one in once] == [one.steps for one in again]
    assert [step.actor for step in next(iter(once)).steps] == ["Ada", "Ada", "Bob", "Bob"]


def test_the_broken_schedules_are_told_from_those_that_hold():
    found = explore(Counter, {"Ada": add_one, "Bob": add_one}, both_counted)
    assert [one.number for one in found.broken] == [2, 3, 4, 5]
    assert found.ended == {"the number is 1, expected 2": 4, "": 2}
    assert repr(found).splitlines() == [
        "6 schedules of Ada and Bob: 4 broken",
        "  4: the number is 1, expected 2",
        "  the shortest broken one is schedule 3",
    ]
    assert "4 of 6 schedules" in repr(found.broken)


def test_the_shortest_has_the_fewest_switches_then_the_fewest_steps():
    shortest = explore(Counter, {"Ada": add_one, "Bob": add_one}, both_counted).shortest
    assert (shortest.number, shortest.switches, len(shortest)) == (3, 2, 4)
    assert explore(Counter, {"Ada": add_one}, anything).shortest is None


def test_the_number_of_steps_may_depend_on_the_schedule():
    found = LOST_UPDATE.explore(cured=True)
    assert {len(one) for one in found} == {3, 5}


def test_a_step_that_waits_has_no_turn_until_its_condition_holds():
    found = explore(Counter, {"Ada": add_one_locked, "Bob": add_one_locked}, both_counted)
    assert len(found) == 2
    assert not found.broken.shortest


def test_what_stands_before_the_first_yield_is_done_before_any_step():
    def late(world):
        world.order.append("begun")
        yield "step"

    found = explore(Counter, {"Ada": steps(1)("Ada"), "Bob": late}, lambda world: world.order[0] == "begun")
    assert len(found.broken) == 0


# --- outcomes -------------------------------------------------------------------------------------------------------


def test_an_error_of_an_actor_is_an_outcome_and_the_others_go_on():
    def fails(world):
        yield "try"
        raise ValueError("no money")

    found = explore(Counter, {"Ada": fails, "Bob": add_one}, lambda world: world.number == 1)
    assert found.raised == {("Ada", "ValueError"): 3}
    assert str(found.replay(1).outcomes["Ada"]) == "ValueError: no money"
    assert len(found.broken) == 0
    assert "Ada raised ValueError in 3" in repr(found)
    assert "Ada: ValueError: no money" in str(found.replay(1))


def test_a_deadlock_is_broken_and_says_who_waits_for_what():
    def take(first, second):
        def actor(world):
            yield wait(lambda: first not in world.order, f"lock {first}")
            world.order.append(first)
            yield wait(lambda: second not in world.order, f"lock {second}")
            world.order.clear()

        return actor

    found = explore(Counter, {"Ada": take("a", "b"), "Bob": take("b", "a")}, anything)
    assert "deadlock: Ada waits before 'lock b'; Bob waits before 'lock a'" in found.ended
    assert found.shortest.outcomes["Ada"].kind == "waits"


def test_a_crash_takes_the_variables_and_leaves_the_world():
    def work(world):
        mine = []
        while len(mine) < 2:
            yield "work"
            mine.append(1)
            world.order.append(len(mine))

    def cut(world):
        yield crash("worker", "power cut")

    orders = set()
    found = explore(Counter, {"worker": work, "lightning": cut}, lambda world: orders.add(tuple(world.order)))
    assert orders == {(1, 2), (1, 1, 2), (1, 2, 1, 2)}
    assert [step.hit for step in found.replay(1).steps] == ["", "", "worker", "", ""]
    assert "✗ begins again" in str(found.replay(1))


@pytest.mark.parametrize(
    ("verdict", "said"),
    [(lambda w: False, "the invariant does not hold"), (lambda w: 1 / 0, "ZeroDivisionError: division by zero"),
     (lambda w: None, ""), (lambda w: True, "")],
)  # fmt: skip
def test_an_invariant_holds_unless_it_is_false_or_raises(verdict, said):
    assert explore(Counter, {"Ada": add_one}, verdict).replay(1).broken == said


def test_worlds_are_not_kept_though_an_error_knows_where_it_was_raised():
    worlds = weakref.WeakSet()

    class World(Counter):
        def __init__(self):
            super().__init__()
            worlds.add(self)

    def fails(world):
        yield "try"
        raise ValueError("no money") from KeyError(world.number)

    found = explore(World, {"Ada": fails, "Bob": fails}, anything)
    gc.collect()
    assert len(worlds) <= 1
    assert found.replay(1).outcomes["Ada"].value.__traceback__ is not None


# --- a sample -------------------------------------------------------------------------------------------------------


def test_too_many_schedules_are_sampled_and_said_to_be():
    actors = dict.fromkeys(("Ada", "Bob", "Cy", "Dee"), add_one)
    found = explore(Counter, actors, lambda world: world.number == 4, most=100, seed=7)
    orders = {tuple(step.actor for step in one.steps) for one in found}
    assert len(found) == len(orders) == 100
    assert found.sampled == "a sample of 100 (seed 7) among more schedules"
    for shown in (repr(found), found._repr_html_(), str(found.shortest), found.shortest._repr_html_()):
        assert "a sample of 100 (seed 7)" in shown


def test_a_seed_gives_the_same_sample_and_another_seed_another():
    actors = {name: steps(4)(name) for name in "ABC"}
    one, same, other = ([s.steps for s in explore(Counter, actors, anything, most=50, seed=n)] for n in (1, 1, 2))
    assert one == same
    assert one != other


def test_a_sample_draws_no_schedule_twice_and_comes_to_an_end():
    lab = Lab(Counter, {"Ada": add_one_locked, "Bob": add_one}, anything, 200, None)
    drawn = [[step.actor for step in ran.steps] for ran in lab.sample(100, seed=0)]
    assert sorted(drawn) == sorted([step.actor for step in ran.steps] for ran in lab.every())


def test_as_many_schedules_as_are_allowed_are_no_sample():
    found = explore(Counter, {"Ada": add_one, "Bob": add_one}, both_counted, most=6)
    assert (len(found), found.sampled) == (6, "")
    assert explore(Counter, {"Ada": add_one, "Bob": add_one}, both_counted, most=5).sampled


# --- again ----------------------------------------------------------------------------------------------------------


def test_a_replay_is_the_same_schedule_with_the_world_as_it_left_it():
    found = LOST_UPDATE.explore()
    for before in found:
        again = found.replay(before.number)
        assert (again.steps, again.broken, again.number) == (before.steps, before.broken, before.number)
        assert again.world.position == again.steps[-1].position
        assert before.world is None


@pytest.mark.parametrize("number", [0, 7, -1, True, "1"])
def test_a_schedule_that_does_not_exist_is_refused(number):
    found = explore(Counter, {"Ada": add_one, "Bob": add_one}, both_counted)
    with pytest.raises(InvalidPosition, match="there are 6, numbered from 1"):
        found.replay(number)


def test_an_actor_that_depends_on_chance_is_refused():
    chance = random.Random(5)

    def moody(world):
        for _ in range(chance.randint(1, 5)):
            yield "step"

    with pytest.raises(CannotExplore, match="went another way"):
        explore(Counter, {"Ada": moody, "Bob": moody}, anything)


def test_a_replay_that_goes_another_way_is_refused():
    labels = itertools.chain(["first"], itertools.repeat("later"))

    def changing(world):
        yield next(labels)

    with pytest.raises(CannotExplore, match="step 1 went another way"):
        explore(Counter, {"Ada": changing}, anything).replay(1)


@pytest.mark.parametrize("holder", [lambda world: world, lambda world: type("World", (), {"store": world})()])
def test_a_world_that_is_not_made_anew_is_refused(holder):
    store = MemoryStore()
    with pytest.raises(CannotExplore, match="make it inside of start"):
        explore(lambda: holder(store), {"Ada": add_one, "Bob": add_one}, anything)


# --- what cannot be explored ----------------------------------------------------------------------------------------


def test_an_actor_without_an_end_is_refused_with_its_last_steps():
    def spin(world):
        while not world.locked:
            yield "look"

    with pytest.raises(CannotExplore, match=r"after 50 steps Ada still went on .*Ada look.*wait") as refused:
        explore(Counter, {"Ada": spin}, anything, longest=50)
    assert refused.value.steps == 50


@pytest.mark.parametrize(
    ("actor", "said"),
    [(lambda world: 5, "actor 'Ada' is int, expected a generator"), (lambda world: iter(["a"]), "expected a generator"),
     (lambda world: (n for n in [3]), "actor 'Ada' yields 3, expected a label"),
     (lambda world: (crash(n) for n in ["Eve"]), "actor 'Ada' stops 'Eve', expected one of the others: Bob"),
     (lambda world: (crash(n) for n in ["Ada"]), "actor 'Ada' stops 'Ada', expected one of the others: Bob")],
)  # fmt: skip
def test_an_actor_that_announces_no_steps_is_refused(actor, said):
    with pytest.raises(CannotExplore, match=said):
        explore(Counter, {"Ada": actor, "Bob": add_one}, anything)


def test_actors_without_names_and_no_schedules_at_all_are_refused():
    with pytest.raises(CannotExplore, match="expected them by name"):
        explore(Counter, [add_one], anything)
    with pytest.raises(CannotExplore, match="most is 0"):
        explore(Counter, {"Ada": add_one}, anything, most=0)


# --- what is shown --------------------------------------------------------------------------------------------------


def test_the_lanes_stand_in_columns_and_time_runs_down():
    assert str(LOST_UPDATE.explore().shortest).splitlines() == [
        "schedule 3 of 6, broken: the balance is -40, expected 0 or more",
        "step  Ada         Bob         log  seen",
        "1     load                    1    balance 100",
        "2                 load        1    balance 100",
        "3                 append      2    balance 30",
        "4     append                  3    balance -40",
        "      done: paid  done: paid",
    ]


def test_a_picture_names_lanes_steps_outcomes_and_what_broke():
    ax = TWO_PROJECTORS.explore().shortest.draw()
    words = {text.get_text() for text in ax.texts}
    assert {"1", "8", "look", "write both", "done"} <= words
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "other"]
    assert "schedule 8 of 196, broken" in ax.get_title(loc="left")
    plt.close(ax.figure)


def test_a_picture_can_be_drawn_into_axes_that_are_there_and_in_the_dark():
    _, ax = plt.subplots()
    with charts.style("dark"):
        assert LOST_UPDATE.explore().shortest.draw(ax) is ax
    assert ax.get_facecolor()[:3] < (0.2, 0.2, 0.2)
    plt.close(ax.figure)


def test_text_from_actors_is_escaped():
    def sly(world):
        yield "<script>"
        raise ValueError("<b>")

    found = explore(Counter, {"<i>": sly}, lambda world: False)
    shown = found._repr_html_() + found.replay(1)._repr_html_()
    assert "&lt;script&gt;" in shown
    assert [part for part in ("<script>", "<i>", "ValueError: <b>") if part in shown] == []


def test_a_frame_of_the_steps_has_a_row_for_each():
    frame = LOST_UPDATE.explore().shortest.to_frame()
    assert list(frame["actor"]) == ["Ada", "Bob", "Bob", "Ada"]
    assert (frame.index.name, list(frame["position"])) == ("step", [1, 1, 2, 3])


# --- the cases ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_goes_wrong_in_some_schedules_and_right_in_others(case):
    found = case.explore()
    assert 0 < len(found.broken) < len(found)
    assert found.raised == {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_cure_holds_in_every_schedule(case):
    found = case.explore(cured=True)
    assert len(found) > 1
    assert (found.ended.keys(), found.raised) == ({""}, {})


# --- inside the store -----------------------------------------------------------------------------------------------


class Bank:
    """A stepping store with one account, and who decided on which version of it."""

    def __init__(self, kind=MemoryStore):
        self.store = kind()
        self.store.append("account-1", [AccountOpened("Ada")])
        stepping(self.store)
        self.decided = []


def deposit(stream="account-1", id=None):
    def work(bank):
        version = bank.store.version(stream)
        bank.store.append(stream, [NewEvent(MoneyDeposited(10), id=id)], expected_version=version if not id else 1)
        bank.decided.append((stream, version))

    return threaded(work)


def sound(bank):
    bank.store.verify()
    streams = {recorded.stream for recorded in bank.store.read()}
    assert sum(bank.store.version(stream) for stream in streams) == bank.store.position, "streams and log differ"
    assert len(set(bank.decided)) == len(bank.decided), "two decided on one version"
    assert len(bank.decided) == bank.store.position - 1, "an append was answered and is not there"


def repeated_once(bank):
    assert bank.store.version("account-1") == 2
    assert len(bank.decided) == 2, "a repetition was refused"


def test_two_writers_in_the_real_store_are_right_in_every_schedule():
    found = explore(Bank, {"Ada": deposit(), "Bob": deposit()}, sound)
    assert len(found) == 30
    assert found.ended == {"": 30}
    assert found.raised == {("Ada", "WrongExpectedVersion"): 6, ("Bob", "WrongExpectedVersion"): 6}


@pytest.mark.slow
@pytest.mark.parametrize("streams", [("account-1",) * 3, ("account-1", "account-1", "account-2")])
def test_three_writers_in_the_real_store_are_right_in_every_schedule(streams):
    actors = {name: deposit(stream) for name, stream in zip(("Ada", "Bob", "Cy"), streams, strict=True)}
    found = explore(Bank, actors, sound)
    assert len(found) > 3_000
    assert (found.sampled, found.ended.keys()) == ("", {""})


LOCK = "        with self._writing():\n"
AGAIN = "            if again := self._again(given):\n                return again\n"
VERSIONS = "            versions = [self._version(batch.stream) for batch in given]\n"
END = "            position, newest = self._end()\n"
KEEP = "            self._keep(rows)\n"
CHECK = "                check_expected(batch.stream, batch.expected, version)\n"


def earlier(line):
    """Planted: what stands in the lock is done before it is taken."""
    moved = "".join(part.removeprefix("    ") for part in line.splitlines(keepends=True))
    return {line: "", LOCK: moved + LOCK}


PLANTED = {
    "the lock is not taken but for the insert": {
        LOCK: "        with contextlib.nullcontext():\n",
        KEEP: "            with self._writing():\n                self._keep(rows)\n",
    },
    "the version is looked up before the lock": earlier(VERSIONS),
    "the end of the log is looked up before the lock": earlier(END),
    "the version is compared before the lock": {
        CHECK: "                pass\n",
        LOCK: (
            "        for one in given:\n"
            "            check_expected(one.stream, one.expected, self._version(one.stream))\n"
        )
        + LOCK,
    },
    "a repetition is looked for before the lock": earlier(AGAIN),
    "the lock is given back before the insert": {KEEP: "        with self._writing():\n            self._keep(rows)\n"},
}


def planted(changes):
    """A MemoryStore with the real source of append, but for these changes."""
    source = inspect.getsource(eslab.store.Store.append)
    for old, new in changes.items():
        assert source.count(old) == 1, f"append has no longer the line {old!r}"
        source = source.replace(old, new)
    names = {**vars(eslab.store), "MemoryStore": MemoryStore, "contextlib": contextlib}
    exec(f"from __future__ import annotations\nclass Planted(MemoryStore):\n{source}", names)
    return names["Planted"]


WRITERS = {
    "the end of the log is looked up before the lock": ({"Ada": deposit(), "Bob": deposit("account-2")}, sound),
    "a repetition is looked for before the lock": ({"Ada": deposit(id="7"), "Bob": deposit(id="7")}, repeated_once),
}


@pytest.mark.parametrize("bug", [*PLANTED][1:2] + [pytest.param(bug, marks=pytest.mark.slow) for bug in PLANTED])
def test_a_bug_that_is_planted_in_the_real_store_is_found(bug):
    actors, invariant = WRITERS.get(bug, ({"Ada": deposit(), "Bob": deposit()}, sound))
    assert explore(Bank, actors, invariant).ended.keys() == {""}
    kind = planted(PLANTED[bug])
    found = explore(lambda: Bank(kind), actors, invariant)
    assert 0 < len(found.broken) < len(found)
    assert "take the lock" in str(found.shortest)
    assert found.replay(found.shortest.number).broken


def test_locks_taken_in_two_orders_are_found_as_a_deadlock():
    class TwoLocks(MemoryStore):
        def __init__(self):
            super().__init__()
            self._chaining = threading.Lock()

        def chain_first(self):
            with self._chaining, self._writing():
                pass

        def log_first(self):
            with self._writing(), self._chaining:
                pass

    found = explore(lambda: stepping(TwoLocks()), {
        "Ada": threaded(lambda store: store.chain_first()), "Bob": threaded(lambda store: store.log_first()),
    }, anything)  # fmt: skip
    assert found.shortest.broken.startswith("deadlock: Ada waits before 'take lock _grown'; Bob waits before")
    assert threading.active_count() < 10


def test_a_subscriber_that_waits_is_woken_by_a_writer():
    seen = []
    found = explore(Bank, {
        "Ada": deposit(), "subscriber": threaded(lambda bank: next(bank.store.subscribe(after=1)).position),
    }, lambda bank: seen.append(bank.store.position))  # fmt: skip
    assert set(seen) == {2}
    assert {one.outcomes["subscriber"].value for one in found} == {2}


def test_a_thread_that_is_stopped_leaves_the_lock_and_begins_again():
    def cut(bank):
        yield crash("Ada")

    ends = set()
    found = explore(
        Bank, {"Ada": deposit(), "lightning": cut}, lambda bank: ends.add(bank.store.verify().head.position)
    )
    assert found.ended == {"": len(found)}
    assert ends == {2, 3}  # stopped before the insert, or after it


def test_a_thread_that_waits_for_what_the_lab_does_not_know_is_given_up(monkeypatch):
    monkeypatch.setattr(inside, "PATIENCE", 0.05)
    late = threading.Event()
    with pytest.raises(CannotExplore, match="announced no step"):
        explore(Counter, {"Ada": threaded(lambda world: late.wait(0.3))}, anything)


def test_code_of_ones_own_may_have_switch_points():
    def add(world):
        number = world.number
        switch("write")
        world.number = number + 1

    found = explore(Counter, {"Ada": threaded(add), "Bob": threaded(add)}, both_counted)
    assert len(found.broken) == len(found) == 2  # both have read before the first step
    switch("nobody listens here")


def test_every_small_method_of_the_store_is_a_step():
    labels = {step.label for one in explore(Bank, {"Ada": deposit()}, anything) for step in one.steps}
    assert {"_version", "_end", "_insert", "_with_ids", "_chain_end", "take the lock"} == labels
    assert {"_matching", "_log", "_stream"} <= set(inside.STEPS)


def test_a_store_on_a_database_does_not_step(tmp_path):
    with SqliteStore(tmp_path / "events.db") as store, pytest.raises(CannotExplore, match="expected a MemoryStore"):
        stepping(store)


def test_no_thread_is_left_behind():
    before = threading.active_count()
    explore(Bank, {"Ada": deposit(), "Bob": deposit()}, anything)
    assert threading.active_count() == before


# --- speed ----------------------------------------------------------------------------------------------------------


def test_thousands_of_schedules_of_small_actors_take_a_second():
    began = time.perf_counter()
    found = explore(Counter, dict.fromkeys(("Ada", "Bob", "Cy", "Dee"), add_one), lambda world: world.number == 4)
    assert len(found) == 2_520
    assert len(found) / (time.perf_counter() - began) > 2_000
