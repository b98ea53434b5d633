"""The exercises of notebook 10, write at the same time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from eslab.aggregates import fold
from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, expect, trying
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.errors import WrongExpectedVersion
from eslab.interleaving import CannotExplore, Schedule, Schedules, explore
from eslab.stores.memory import MemoryStore
from eslab.testing import counting_ids, ticking_clock

Steps = Generator[str, None, str]


def _bank() -> MemoryStore:
    store = MemoryStore(clock=ticking_clock(), ids=counting_ids())
    store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(100)])
    return store


def _balance(store: MemoryStore) -> int:
    account: Account = fold(store.load("account-1"), Account)
    return account.balance


# --- 10.2 -----------------------------------------------------------------------------------------------------------


def _withdraw_70(store: MemoryStore) -> Steps:
    yield "load"
    if _balance(store) < 70:
        return "refused"
    yield "append"
    store.append("account-1", [MoneyWithdrawn(70)])
    return "paid"


def _deposit_50(store: MemoryStore) -> Steps:
    yield "append"
    store.append("account-1", [MoneyDeposited(50)])
    return "in"


def _number(number: Answer) -> None:
    actors = {"Ada": _withdraw_70, "Bob": _withdraw_70, "Cleo": _deposit_50}
    found = explore(_bank, actors, lambda store: True, watch=_balance)
    if type(number) is not int or not 1 <= number <= len(found):
        raise NotYet("no schedule", tried="the number", found=number)
    seen = [int(step.seen) for step in found.replay(number).steps]
    if min(seen) >= 0:
        raise NotYet("never below", tried=f"schedule {number}, its balance after each step", found=seen)


# --- 10.3 -----------------------------------------------------------------------------------------------------------


def _ready(ready: Answer) -> None:
    again = "from the beginning"
    slips: dict[Any, str] = {(5,): "steps over the gap", (1, 2, 3): again, (1, 2, 3, 5): again}
    trying(ready, {1, 2, 3, 5}, 3).gives([], slips=slips)
    trying(ready, {1, 2, 3, 4, 5}, 3).gives([4, 5], slips={(4,): "one at a time", (1, 2, 3, 4, 5): again})
    slips = {(): "waits for all", (4, 5, 7, 8): "steps over the gap"}
    trying(ready, {1, 2, 3, 4, 5, 7, 8}, 3).gives([4, 5], slips=slips)
    slips = {(32, 31): "in no order", (31,): "in no order"}
    trying(ready, {31, 32}, 30).gives([31, 32], slips=slips)  # Python hands this set out as 32, 31
    trying(ready, {1, 2}, 0).gives([1, 2])
    trying(ready, set(), 0).gives([])


# --- 10.4 -----------------------------------------------------------------------------------------------------------


def _explored(take_all: Answer, start: Callable[[], MemoryStore] = _bank, **others: Answer) -> Schedules:
    try:
        return explore(start, {"you": take_all, **others}, lambda store: _balance(store) >= 0, most=200)
    except CannotExplore as refusal:
        mistake = "never ends" if "steps" in refusal.facts else "no steps"
        raise NotYet(mistake, tried="take_all(store) in the lab", found=str(refusal)) from refusal


def _taken(schedule: Schedule) -> list[Any]:
    """What each who takes all says that it took. Raises NotYet if one of them ended with an error."""
    for outcome in schedule.outcomes.values():
        if outcome.kind == "raised":
            mistake = "gives up" if isinstance(outcome.value, WrongExpectedVersion) else None
            raise NotYet(mistake, tried=_told(schedule), found=str(outcome))
    return [outcome.value for name, outcome in schedule.outcomes.items() if name in ("you", "a second you")]


def _told(schedule: Schedule) -> str:
    return " · ".join(f"{step.actor} {step.label}" for step in schedule.steps)


def _alone(take_all: Answer) -> None:
    schedule = _explored(take_all).replay(1)
    expect(_taken(schedule), [100], slips={(None,): "says nothing"}, tried="what an account with 100 gives")
    new = schedule.world.load("account-1").payloads[2:]
    expect(new, [MoneyWithdrawn(100)], tried="what was recorded")
    if len(schedule) < 2:
        raise NotYet("one step", tried="its steps", found=[step.label for step in schedule.steps])


def _take_all(take_all: Answer) -> None:
    _alone(take_all)
    for schedule in _explored(take_all, **{"a second you": take_all}):
        taken = _taken(schedule)
        if schedule.broken:
            raise NotYet("takes what is gone", tried=_told(schedule), found=taken)
        if None in taken:
            raise NotYet("says nothing", tried=_told(schedule), found=taken)
        if not all(isinstance(amount, int) for amount in taken):
            raise NotYet(tried=_told(schedule), found=taken)
        expect(sum(taken), 100, tried=_told(schedule) + "; what both of them say they took")
    found = _explored(take_all, Cleo=_deposit_50)
    for number in range(1, len(found) + 1):
        schedule = found.replay(number)
        _taken(schedule)
        left, last = _balance(schedule.world), schedule.world.load("account-1").payloads[-1]
        wanted = 50 if isinstance(last, MoneyDeposited) else 0
        tried = _told(schedule) + "; what is left on the account"
        expect(left, wanted, slips={50: "gives up in silence", 150: "gives up in silence"}, tried=tried)
    _empty(take_all)


def _empty(take_all: Answer) -> None:
    def world() -> MemoryStore:
        store = _bank()
        store.append("account-1", [MoneyWithdrawn(100)])
        return store

    schedule = _explored(take_all, world).replay(1)
    tried = "an account that is empty; the events that were recorded"
    expect(schedule.world.load("account-1").payloads[3:], [], otherwise="records nothing taken", tried=tried)
    expect(_taken(schedule), [0], slips={(None,): "says nothing"}, tried="what an empty account gives")


EXERCISES = (
    Exercise.prediction(
        "10.1",
        "The orders of four steps",
        answer=6,
        slips={
            2: "Ada first or Bob first: these are the two in which nobody comes in between. Which others are there?",
            3: "If Ada begins, where may Bob's two steps go? And then there are those that Bob begins.",
            4: "That is how many steps there are. In how many ways can they follow each other?",
            8: "In each order both have exactly two turns. Are there any in which somebody has three?",
            12: "Does Bob look before he pays in all of yours? Ada does.",
            16: "In each order both have exactly two turns. Are there any in which somebody has three or four?",
            24: "In most of these somebody pays before having looked.",
        },
        hints=(
            "Write down those that Ada begins. Then there are as many that Bob begins.",
            "Of the four turns, choose the two that Ada has. The rest are Bob's.",
        ),
        solution="""
            from math import comb

            prediction = comb(4, 2)
        """,
        why="Two of four places are Ada's; the rest follows. With three steps each there are 20, with ten 184,756.",
        difficulty=1,
    ),
    Exercise(
        "10.2",
        "Right at the end",
        kind="value",
        difficulty=2,
        start="number = ...",
        check=_number,
        mistakes={
            "never below": Mistake(
                hint="In that one the balance was never below zero. When must Cleo's deposit come for it to happen?",
                code="number = 1",
            ),
            "no schedule": Mistake(
                hint="That is the number of no schedule. They are counted from the first; `len(found)` is the last.",
                code="number = -40",
            ),
        },
        hints=(
            "Both machines must decide on the same balance. And when must Cleo's money come?",
            "Let a loop look for you: go through `found`, and look at what was `seen` after each of the `steps`.",
        ),
        solution="""
            number = 12  # there are others: any in whose steps a balance with a minus was seen
        """,
        why="An invariant that is asked at the end says nothing about the way. Here the way was a loan nobody gave.",
    ),
    Exercise(
        "10.3",
        "A reader that stops before a gap",
        kind="function",
        difficulty=3,
        start="""
            def ready(visible, checkpoint):
                ...
        """,
        check=_ready,
        mistakes={
            "steps over the gap": Mistake(
                hint="Somebody may still be writing what goes in between, and nobody would ever look for it again.",
                code="""
                    def ready(visible, checkpoint):
                        return sorted(position for position in visible if position > checkpoint)
                """,
            ),
            "from the beginning": Mistake(
                hint="Some of these were handled before. What does the checkpoint say?",
                code="""
                    def ready(visible, checkpoint):
                        found = []
                        while len(found) + 1 in visible:
                            found.append(len(found) + 1)
                        return found
                """,
            ),
            "one at a time": Mistake(
                hint="That one may be handled. So may the one that follows it, if it can be seen.",
                code="""
                    def ready(visible, checkpoint):
                        return [checkpoint + 1] if checkpoint + 1 in visible else []
                """,
            ),
            "waits for all": Mistake(
                hint="There is a gap, but must those before it wait as well?",
                code="""
                    def ready(visible, checkpoint):
                        new = sorted(position for position in visible if position > checkpoint)
                        whole = new == list(range(checkpoint + 1, checkpoint + 1 + len(new)))
                        return new if whole else []
                """,
            ),
            "in no order": Mistake(
                hint="A set has no order of its own. Python may hand out a later position first.",
                code="""
                    def ready(visible, checkpoint):
                        found = []
                        for position in visible:
                            if position == checkpoint + len(found) + 1:
                                found.append(position)
                        return found
                """,
            ),
        },
        hints=(
            "Begin with the position that follows the checkpoint. May you handle it? And the next?",
            "A `while` loop that goes on as long as the next position is visible is all it takes.",
        ),
        solution="""
            def ready(visible, checkpoint):
                found = []
                while checkpoint + len(found) + 1 in visible:
                    found.append(checkpoint + len(found) + 1)
                return found
        """,
        why="The reader waits, and nothing is passed by. A position whose writer has given up must be let go one day.",
    ),
    Exercise(
        "10.4",
        "Take everything",
        kind="function",
        difficulty=4,
        start="""
            def take_all(store):
                ...
        """,
        check=_take_all,
        mistakes={
            "no steps": Mistake(
                hint="The lab hands out turns at each `yield`, which says what comes next. Where does yours stop?",
                code="""
                    from eslab import fold
                    from eslab.domains.bank import Account, MoneyWithdrawn

                    def take_all(store):
                        amount = fold(store.load("account-1"), Account).balance
                        store.append("account-1", [MoneyWithdrawn(amount)])
                        return amount
                """,
            ),
            "never ends": Mistake(
                hint="It has many turns, and goes on and on. After which step is its work done?",
                code="""
                    from eslab import fold
                    from eslab.domains.bank import Account, MoneyWithdrawn

                    def take_all(store):
                        while True:
                            yield "load"
                            history = store.load("account-1")
                            amount = fold(history, Account).balance
                            if amount:
                                yield "append"
                                store.append("account-1", [MoneyWithdrawn(amount)], expected_version=len(history))
                """,
            ),
            "one step": Mistake(
                hint="It loads and appends in one turn, so nobody can come between. Real programs have no such luck.",
                code="""
                    from eslab import fold
                    from eslab.domains.bank import Account, MoneyWithdrawn

                    def take_all(store):
                        yield "load"
                        amount = fold(store.load("account-1"), Account).balance
                        if amount:
                            store.append("account-1", [MoneyWithdrawn(amount)])
                        return amount
                """,
            ),
            "takes what is gone": Mistake(
                hint="The account is below zero. What had somebody else done between these two steps of yours?",
                code="""
                    from eslab import fold
                    from eslab.domains.bank import Account, MoneyWithdrawn

                    def take_all(store):
                        yield "load"
                        amount = fold(store.load("account-1"), Account).balance
                        if amount == 0:
                            return 0
                        yield "append"
                        store.append("account-1", [MoneyWithdrawn(amount)])
                        return amount
                """,
            ),
            "gives up": Mistake(
                hint="The store has noticed that somebody was quicker, and has stored nothing. Then begin anew.",
                code="""
                    from eslab import fold
                    from eslab.domains.bank import Account, MoneyWithdrawn

                    def take_all(store):
                        yield "load"
                        history = store.load("account-1")
                        amount = fold(history, Account).balance
                        if amount == 0:
                            return 0
                        yield "append"
                        store.append("account-1", [MoneyWithdrawn(amount)], expected_version=len(history))
                        return amount
                """,
            ),
            "gives up in silence": Mistake(
                hint="Cleo's money came before the end, and there is more on the account than she paid in afterwards.",
                code="""
                    from eslab import fold
                    from eslab.domains.bank import Account, MoneyWithdrawn
                    from eslab.errors import WrongExpectedVersion

                    def take_all(store):
                        yield "load"
                        history = store.load("account-1")
                        amount = fold(history, Account).balance
                        if amount == 0:
                            return 0
                        yield "append"
                        try:
                            store.append("account-1", [MoneyWithdrawn(amount)], expected_version=len(history))
                        except WrongExpectedVersion:
                            return 0
                        return amount
                """,
            ),
            "records nothing taken": Mistake(
                hint="From an empty account nothing is taken, and yet there is a new fact in the log.",
                code="""
                    from eslab import fold
                    from eslab.domains.bank import Account, MoneyWithdrawn
                    from eslab.errors import WrongExpectedVersion

                    def take_all(store):
                        while True:
                            yield "load"
                            history = store.load("account-1")
                            amount = fold(history, Account).balance
                            yield "append"
                            try:
                                store.append("account-1", [MoneyWithdrawn(amount)], expected_version=len(history))
                                return amount
                            except WrongExpectedVersion:
                                continue
                """,
            ),
            "says nothing": Mistake(
                hint="It says None. The machine must know how many euros to hand out, also if there are none.",
                code="""
                    from eslab import fold
                    from eslab.domains.bank import Account, MoneyWithdrawn
                    from eslab.errors import WrongExpectedVersion

                    def take_all(store):
                        while True:
                            yield "load"
                            history = store.load("account-1")
                            amount = fold(history, Account).balance
                            if amount == 0:
                                return
                            yield "append"
                            try:
                                store.append("account-1", [MoneyWithdrawn(amount)], expected_version=len(history))
                                return amount
                            except WrongExpectedVersion:
                                continue
                """,
            ),
        },
        hints=(
            "It is the actor `withdraw` with another amount: one that it learns only when it has looked.",
            "`while True:` around it all, and after a conflict `continue`. Look at the amount anew each time.",
        ),
        solution="""
            from eslab import fold
            from eslab.domains.bank import Account, MoneyWithdrawn
            from eslab.errors import WrongExpectedVersion

            def take_all(store):
                while True:
                    yield "load"
                    history = store.load("account-1")
                    amount = fold(history, Account).balance
                    if amount == 0:
                        return 0
                    yield "append"
                    try:
                        store.append("account-1", [MoneyWithdrawn(amount)], expected_version=len(history))
                        return amount
                    except WrongExpectedVersion:
                        continue
        """,
        why="To append again would take an amount of the past. To decide again takes what is there now.",
    ),
)
