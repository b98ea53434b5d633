"""The exercises of notebook 01, record facts."""

from __future__ import annotations

import dataclasses

from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, expect, trying
from eslab.domains.bank import AccountOpened, MoneyDeposited, MoneyWithdrawn


def _transferred(cls: Answer) -> None:
    if not dataclasses.is_dataclass(cls):
        raise NotYet("no event", tried="the class above which nothing stands")
    fields = sorted(field.name for field in dataclasses.fields(cls))
    expect(fields, ["amount", "to"], slips={("amount",): "to whom"}, otherwise="other fields", tried="its fields")
    fact = trying(cls, amount=30, to="Grace").result
    changed = trying(setattr, fact, "amount", 3000, tried="fact.amount = 3000")
    changed.raises(AttributeError, otherwise="not frozen")
    name = getattr(cls, "__event_name__", None)
    if name is None:
        raise NotYet("frozen only", tried="the type of its events")
    no_prefix = {"MoneyTransferred": "no type", "bank.MoneyTransferred": "their prefix"}
    expect(name, "lesson.MoneyTransferred", slips=no_prefix, otherwise="another type", tried="the type of its events")


def _highest(highest: Answer) -> None:
    trying(highest, []).gives(0, slips={ValueError: "no facts", IndexError: "no facts"}, otherwise="starts with money")
    rise = [MoneyDeposited(10), MoneyDeposited(40)]
    trying(highest, rise).gives(50, slips={40: "one amount", 10: "first only"})
    week = [AccountOpened("Ada"), *rise, MoneyWithdrawn(20), MoneyDeposited(80), MoneyWithdrawn(90)]
    slips = {20: "the end", 130: "deposits only", 80: "one amount", AttributeError: "no amount"}
    trying(highest, week).gives(110, slips=slips).unchanged(otherwise="uses up")
    trying(highest, [MoneyDeposited(70), MoneyWithdrawn(70), MoneyDeposited(60)]).gives(70, slips={60: "last peak"})


EXERCISES = (
    Exercise.prediction(
        "01.1",
        "The most that Ada ever had",
        answer=110,
        slips={
            20: "That is what she has in the end. Was there more at an earlier moment?",
            50: "That is the balance after the first fact. Did it stay the highest?",
            80: "That is the largest deposit. What was in the account already when it came?",
            130: "That is all she ever paid in. What did she withdraw in between?",
        },
        hints=(
            "Write the balance beside every fact: after the first it is 50.",
            "You need four numbers, one after each fact. The answer is the largest.",
        ),
        solution="""
            prediction = 50 - 20 + 80
        """,
        why="The facts answer a question that nobody had in mind when they were written down.",
        difficulty=1,
    ),
    Exercise.value(
        "01.2",
        "Fact, wish or state",
        answer=["OrderPlaced", "FlightCancelled", "PasswordChanged", "BookLent"],
        slips={
            ("OrderPlaced", "FlightCancelled", "PasswordChanged"): "Not every past tense ends in -ed. "
            "Read all eight once more.",
            ("OrderPlaced", "FlightCancelled", "CurrentBalance", "PasswordChanged", "BookLent"): "One of these does "
            "not happen: it is a state, which follows from what happened.",
            ("ShipOrder", "CloseAccount", "SendMail"): "These are wishes: each may still be refused. "
            "An event has happened.",
        },
        hints=(
            "Put `It has happened:` before each name, and listen whether it makes sense.",
            "Half of the names are facts. Three others are wishes, and one is a state.",
        ),
        solution="""
            answer = ["OrderPlaced", "FlightCancelled", "PasswordChanged", "BookLent"]
        """,
        why="A name in the past tense reminds everyone who reads it that nobody can refuse it any more.",
        difficulty=1,
    ),
    Exercise(
        "01.3",
        "Declare an event",
        kind="class",
        difficulty=2,
        start="""
            class MoneyTransferred:
                ...
        """,
        check=_transferred,
        mistakes={
            "no event": Mistake(
                hint="A class alone is no event yet: what stands above `class` in the lesson?",
                code="""
                    class MoneyTransferred:
                        amount: int
                        to: str
                """,
            ),
            "to whom": Mistake(
                hint="Who gets the money? A fact that leaves it out cannot be asked later.",
                code="""
                    from eslab import event

                    @event(name="lesson.MoneyTransferred")
                    class MoneyTransferred:
                        amount: int
                """,
            ),
            "other fields": Mistake(
                hint="The payload has two fields: compare their names with those in the task.",
                code="""
                    from eslab import event

                    @event(name="lesson.MoneyTransferred")
                    class MoneyTransferred:
                        amount: int
                        receiver: str
                """,
            ),
            "not frozen": Mistake(
                hint="The amount could be changed afterwards. Which word makes a class of facts?",
                code="""
                    from dataclasses import dataclass

                    @dataclass
                    class MoneyTransferred:
                        amount: int
                        to: str
                """,
            ),
            "frozen only": Mistake(
                hint="It cannot be changed, but it has no type: declare it as an event, not only as a dataclass.",
                code="""
                    from dataclasses import dataclass

                    @dataclass(frozen=True)
                    class MoneyTransferred:
                        amount: int
                        to: str
                """,
            ),
            "no type": Mistake(
                hint="Without `name=` the type is the bare name of the class, which others may want too. Add a prefix.",
                code="""
                    from eslab import event

                    @event
                    class MoneyTransferred:
                        amount: int
                        to: str
                """,
            ),
            "their prefix": Mistake(
                hint="`bank` is the prefix of the domain in eslab. Use the one that the task gives.",
                code="""
                    from eslab import event

                    @event(name="bank.MoneyTransferred")
                    class MoneyTransferred:
                        amount: int
                        to: str
                """,
            ),
            "another type": Mistake(
                hint="The type is not the one in the task: look at the text after `name=`.",
                code="""
                    from eslab import event

                    @event(name="lesson.MoneySent")
                    class MoneyTransferred:
                        amount: int
                        to: str
                """,
            ),
        },
        hints=(
            "`AccountBlocked` in the lesson has the same form, with one field instead of two.",
            "Above the class stands `@event` with `name=`; a field is a name, a colon and its kind: `int` or `str`.",
        ),
        solution="""
            from eslab import event

            @event(name="lesson.MoneyTransferred")
            class MoneyTransferred:
                amount: int
                to: str
        """,
        why="Four lines are a fact: what happened, what it says, and the name under which it can be found again.",
    ),
    Exercise(
        "01.4",
        "The most she ever had",
        kind="function",
        difficulty=3,
        start="""
            def highest(facts):
                ...
        """,
        check=_highest,
        mistakes={
            "no facts": Mistake(
                hint="What does it do with an empty list, when nothing has happened yet?",
                code="""
                    def highest(facts):
                        return max(fact.amount for fact in facts)
                """,
            ),
            "starts with money": Mistake(
                hint="How much money is in an account to which nothing has happened?",
                code="""
                    def highest(facts):
                        return 1
                """,
            ),
            "first only": Mistake(
                hint="It stops after one fact. Is the `return` inside the loop?",
                code="""
                    def highest(facts):
                        total = 0
                        for fact in facts:
                            total += fact.amount
                            return total
                        return total
                """,
            ),
            "one amount": Mistake(
                hint="This is the largest single deposit. The balance holds more than one deposit.",
                code="""
                    from eslab.domains.bank import MoneyDeposited

                    def highest(facts):
                        return max((fact.amount for fact in facts if isinstance(fact, MoneyDeposited)), default=0)
                """,
            ),
            "no amount": Mistake(
                hint="Not every fact has an amount: `AccountOpened` does not. What is to happen then?",
                code="""
                    def highest(facts):
                        total = 0
                        for fact in facts:
                            total += fact.amount
                        return total
                """,
            ),
            "the end": Mistake(
                hint="This is the balance in the end. Compare after every fact, and keep the largest.",
                code="""
                    from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

                    def highest(facts):
                        total = 0
                        for fact in facts:
                            match fact:
                                case MoneyDeposited(amount):
                                    total += amount
                                case MoneyWithdrawn(amount):
                                    total -= amount
                        return total
                """,
            ),
            "deposits only": Mistake(
                hint="Withdrawals count too: they make the balance smaller before the next deposit comes.",
                code="""
                    from eslab.domains.bank import MoneyDeposited

                    def highest(facts):
                        return sum(fact.amount for fact in facts if isinstance(fact, MoneyDeposited))
                """,
            ),
            "last peak": Mistake(
                hint="A later deposit has replaced a higher balance from before. When may the highest be replaced?",
                code="""
                    from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

                    def highest(facts):
                        total = top = 0
                        for fact in facts:
                            match fact:
                                case MoneyDeposited(amount):
                                    total += amount
                                    top = total
                                case MoneyWithdrawn(amount):
                                    total -= amount
                        return top
                """,
            ),
            "uses up": Mistake(
                hint="The list is empty afterwards. Facts are for reading: go through them with `for`.",
                code="""
                    from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

                    def highest(facts):
                        total = top = 0
                        while facts:
                            fact = facts.pop(0)
                            if isinstance(fact, MoneyDeposited):
                                total += fact.amount
                            elif isinstance(fact, MoneyWithdrawn):
                                total -= fact.amount
                            top = max(top, total)
                        return top
                """,
            ),
        },
        hints=(
            "Begin as in `balance_of`: one total, and a `match` for each fact.",
            "You need a second variable beside the total: the highest so far, 0 in the beginning.",
            "After every fact, `max` of the two tells the highest so far.",
        ),
        solution="""
            from eslab.domains.bank import MoneyDeposited, MoneyWithdrawn

            def highest(facts):
                total = top = 0
                for fact in facts:
                    match fact:
                        case MoneyDeposited(amount):
                            total += amount
                        case MoneyWithdrawn(amount):
                            total -= amount
                    top = max(top, total)
                return top
        """,
        why="Another question, another fold: the same facts, and a state that remembers one thing more.",
    ),
)
