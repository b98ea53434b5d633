"""The exercises of notebook 03, rebuild state."""

from __future__ import annotations

from typing import Any

from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, same, trying
from eslab.domains.bank import AccountClosed, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.errors import EmitDuringApply, StateSetOutsideApply, UnhandledEvent, VersionGap
from eslab.events import History
from eslab.testing import FakeStore


def _balance_at(balance_at: Answer) -> None:
    store = FakeStore()
    store.append("account-2", [AccountOpened("Grace"), MoneyDeposited(40)])
    store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(20), MoneyDeposited(5)])
    told = "balance_at(store, 'account-1', {}), where the stream says opened, 100 in, 20 out, 5 in"
    slips = {85: "today", 100: "one too early", 0: "takes positions", VersionGap: "the wrong end"}
    trying(balance_at, store, "account-1", 3, tried=told.format(3)).gives(80, slips=slips)
    trying(balance_at, store, "account-1", 0, tried=told.format(0)).gives(0)


def _evolve(evolve: Answer) -> None:
    def after(event: object, wanted: dict[str, int], slips: list[tuple[dict[str, int], str]]) -> None:
        trial = trying(evolve, {"balance": 50, "highest": 80}, event)
        for wrong, mistake in slips:
            if same(trial.result, wrong):
                raise NotYet(mistake, tried=trial.tried, found=trial.result)
        trial.gives(wanted).unchanged(otherwise="changes the old state")

    follows = ({"balance": 70, "highest": 70}, "forgets the highest")
    after(MoneyDeposited(20), {"balance": 70, "highest": 80}, [follows])
    after(MoneyDeposited(60), {"balance": 110, "highest": 110}, [({"balance": 110, "highest": 80}, "never rises")])
    after(MoneyWithdrawn(10), {"balance": 40, "highest": 80}, [({"balance": 50, "highest": 80}, "knows no withdrawal")])
    after(AccountClosed(), {"balance": 50, "highest": 80}, [])


def _purse(cls: Answer) -> None:
    def history(*events: object) -> History:
        return FakeStore().append("purse-1", events)

    def withdrawn(amount: int) -> tuple[Any, int]:
        purse = cls.replay(history(MoneyDeposited(50)))
        purse.withdraw(amount)
        return purse.pending, purse.balance

    in_and_out = history(MoneyDeposited(50), MoneyWithdrawn(20))
    trying(lambda: cls.replay(in_and_out).balance, tried="the balance after 50 in and 20 out").gives(
        30, slips={70: "adds what is withdrawn", EmitDuringApply: "emits while applying"}
    )
    trying(lambda: cls.replay(history(AccountClosed())).balance, tried="a history with AccountClosed in it").raises(
        UnhandledEvent, otherwise="says nothing of a stranger"
    )
    told = "a purse that holds 50, then withdraw({}); what is pending, and the balance"
    slips: dict[Any, str] = {StateSetOutsideApply: "sets the balance itself", ((), 50): "emits nothing"}
    trying(withdrawn, 20, tried=told.format(20)).gives(((MoneyWithdrawn(20),), 30), slips=slips)
    trying(withdrawn, 80, tried=told.format(80)).gives(
        ((), 50), slips={((MoneyWithdrawn(80),), -30): "takes what is not there"}
    )


EXERCISES = (
    Exercise.prediction(
        "03.1",
        "What a replay knows",
        answer=70,
        slips={
            120: "Is the bonus among the events that the replay reads?",
            50: "A replay reads every event of the account, from the first.",
            100: "One of the three events takes money out.",
            130: "A withdrawal is written as a positive amount. Which way does it move the balance?",
            0: "A replay begins there, and then applies what is in the stream.",
        },
        hints=("Write down the events in the stream.", "Does any of them speak of a bonus?"),
        solution="""
            prediction = 100 - 30
        """,
        why="A change that no event records is lost at the next replay, so every change must be an event.",
        difficulty=1,
    ),
    Exercise(
        "03.2",
        "The balance as it was",
        kind="function",
        difficulty=2,
        start="""
            def balance_at(store, stream, version):
                ...
        """,
        check=_balance_at,
        mistakes={
            "today": Mistake(
                "That is the balance of today, whatever version was asked for.",
                """
                from eslab.domains.bank import Account

                def balance_at(store, stream, version):
                    return Account.replay(store.load(stream)).balance
                """,
            ),
            "one too early": Mistake(
                "The event with that version belongs to the answer: `until` is inclusive.",
                """
                from eslab.domains.bank import Account

                def balance_at(store, stream, version):
                    return Account.replay(store.load(stream, until=version - 1)).balance
                """,
            ),
            "takes positions": Mistake(
                "A version counts the events of one stream; you have read up to a position of the log.",
                """
                from eslab.domains.bank import Account

                def balance_at(store, stream, version):
                    history = [recorded for recorded in store.read(until=version) if recorded.stream == stream]
                    return Account.replay(history).balance
                """,
            ),
            "the wrong end": Mistake(
                "A replay must begin with the first event; you have loaded the later ones.",
                """
                from eslab.domains.bank import Account

                def balance_at(store, stream, version):
                    return Account.replay(store.load(stream, after=version)).balance
                """,
            ),
        },
        hints=("Load less of the stream, then replay as usual.", "`load` takes `until`, a version."),
        solution="""
            from eslab.domains.bank import Account

            def balance_at(store, stream, version):
                return Account.replay(store.load(stream, until=version)).balance
        """,
        why="No table of old balances is needed: a shorter history is an older state.",
    ),
    Exercise(
        "03.3",
        "A step that changes nothing",
        kind="function",
        difficulty=3,
        start="""
            def evolve_highest(state, event):
                ...
        """,
        check=_evolve,
        mistakes={
            "forgets the highest": Mistake(
                "The balance had been higher before this event.",
                """
                from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

                def evolve_highest(state, event):
                    balance = state["balance"]
                    match event:
                        case MoneyDeposited(amount):
                            balance += amount
                        case MoneyWithdrawn(amount):
                            balance -= amount
                    return {"balance": balance, "highest": balance}
                """,
            ),
            "never rises": Mistake(
                "After this event the balance is higher than ever before.",
                """
                from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

                def evolve_highest(state, event):
                    match event:
                        case MoneyDeposited(amount):
                            return {**state, "balance": state["balance"] + amount}
                        case MoneyWithdrawn(amount):
                            return {**state, "balance": state["balance"] - amount}
                    return state
                """,
            ),
            "knows no withdrawal": Mistake(
                "Two kinds of event move the balance; one of them has no effect here.",
                """
                from eslab.domains.bank import MoneyDeposited

                def evolve_highest(state, event):
                    balance = state["balance"]
                    if isinstance(event, MoneyDeposited):
                        balance += event.amount
                    return {"balance": balance, "highest": max(balance, state["highest"])}
                """,
            ),
            "changes the old state": Mistake(
                "What comes out is right, but the dict that went in is no longer what it was.",
                """
                from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

                def evolve_highest(state, event):
                    if isinstance(event, MoneyDeposited):
                        state["balance"] += event.amount
                    if isinstance(event, MoneyWithdrawn):
                        state["balance"] -= event.amount
                    state["highest"] = max(state["balance"], state["highest"])
                    return state
                """,
            ),
        },
        hints=(
            "Work out the new balance in a variable of its own.",
            "Return a new dict with two entries; `max` compares the new balance with the highest so far.",
        ),
        solution="""
            from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

            def evolve_highest(state, event):
                balance = state["balance"]
                match event:
                    case MoneyDeposited(amount):
                        balance += amount
                    case MoneyWithdrawn(amount):
                        balance -= amount
                return {"balance": balance, "highest": max(balance, state["highest"])}
        """,
        why="As the old state stays whole, a timeline can hold both moments and say what changed between them.",
    ),
    Exercise(
        "03.4",
        "A purse that guards itself",
        kind="class",
        difficulty=4,
        start="""
            from eslab import Aggregate, unhandled

            class Purse(Aggregate):
                category = "purse"

                def __init__(self):
                    self.balance = 0

                def apply(self, event):
                    ...

                def withdraw(self, amount):
                    ...
        """,
        check=_purse,
        mistakes={
            "adds what is withdrawn": Mistake(
                "After a withdrawal there is less in the purse than before.",
                """
                from eslab import Aggregate, unhandled
                from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

                class Purse(Aggregate):
                    category = "purse"

                    def __init__(self):
                        self.balance = 0

                    def apply(self, event):
                        match event:
                            case MoneyDeposited(amount):
                                self.balance += amount
                            case MoneyWithdrawn(amount):
                                self.balance += amount
                            case _:
                                raise unhandled(self, event)

                    def withdraw(self, amount):
                        if amount <= self.balance:
                            self.emit(MoneyWithdrawn(amount))
                """,
            ),
            "emits while applying": Mistake(
                "A replay would then emit again what is recorded already. Which method decides, and which only obeys?",
                """
                from eslab import Aggregate, unhandled
                from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

                class Purse(Aggregate):
                    category = "purse"

                    def __init__(self):
                        self.balance = 0

                    def apply(self, event):
                        match event:
                            case MoneyDeposited(amount):
                                self.balance += amount
                            case MoneyWithdrawn(amount):
                                self.emit(MoneyWithdrawn(amount))
                            case _:
                                raise unhandled(self, event)

                    def withdraw(self, amount):
                        if amount <= self.balance:
                            self.emit(MoneyWithdrawn(amount))
                """,
            ),
            "says nothing of a stranger": Mistake(
                "An event without a case was passed over in silence. Which function makes the error for that?",
                """
                from eslab import Aggregate, unhandled
                from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

                class Purse(Aggregate):
                    category = "purse"

                    def __init__(self):
                        self.balance = 0

                    def apply(self, event):
                        match event:
                            case MoneyDeposited(amount):
                                self.balance += amount
                            case MoneyWithdrawn(amount):
                                self.balance -= amount

                    def withdraw(self, amount):
                        if amount <= self.balance:
                            self.emit(MoneyWithdrawn(amount))
                """,
            ),
            "sets the balance itself": Mistake(
                "State was set while no event was applied. Let `withdraw` say what happened, and `apply` do the sum.",
                """
                from eslab import Aggregate, unhandled
                from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

                class Purse(Aggregate):
                    category = "purse"

                    def __init__(self):
                        self.balance = 0

                    def apply(self, event):
                        match event:
                            case MoneyDeposited(amount):
                                self.balance += amount
                            case MoneyWithdrawn(amount):
                                self.balance -= amount
                            case _:
                                raise unhandled(self, event)

                    def withdraw(self, amount):
                        if amount <= self.balance:
                            self.balance -= amount
                            self.emit(MoneyWithdrawn(amount))
                """,
            ),
            "emits nothing": Mistake(
                "Nothing is pending, so nothing could be stored.",
                """
                from eslab import Aggregate, unhandled
                from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

                class Purse(Aggregate):
                    category = "purse"

                    def __init__(self):
                        self.balance = 0

                    def apply(self, event):
                        match event:
                            case MoneyDeposited(amount):
                                self.balance += amount
                            case MoneyWithdrawn(amount):
                                self.balance -= amount
                            case _:
                                raise unhandled(self, event)

                    def withdraw(self, amount):
                        return MoneyWithdrawn(amount)
                """,
            ),
            "takes what is not there": Mistake(
                "The purse is below 0 now. What must `withdraw` look at before it emits?",
                """
                from eslab import Aggregate, unhandled
                from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

                class Purse(Aggregate):
                    category = "purse"

                    def __init__(self):
                        self.balance = 0

                    def apply(self, event):
                        match event:
                            case MoneyDeposited(amount):
                                self.balance += amount
                            case MoneyWithdrawn(amount):
                                self.balance -= amount
                            case _:
                                raise unhandled(self, event)

                    def withdraw(self, amount):
                        self.emit(MoneyWithdrawn(amount))
                """,
            ),
        },
        hints=(
            "Write `apply` first: one case for each kind of event, and a last one for every other.",
            "`withdraw` compares the amount with the balance, and if it is enough, emits one event.",
        ),
        solution="""
            from eslab import Aggregate, unhandled
            from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

            class Purse(Aggregate):
                category = "purse"

                def __init__(self):
                    self.balance = 0

                def apply(self, event):
                    match event:
                        case MoneyDeposited(amount):
                            self.balance += amount
                        case MoneyWithdrawn(amount):
                            self.balance -= amount
                        case _:
                            raise unhandled(self, event)

                def withdraw(self, amount):
                    if amount <= self.balance:
                        self.emit(MoneyWithdrawn(amount))
        """,
        why="A method decides and emits; apply obeys. So the live object and every later replay go the same way.",
    ),
)
