"""The exercises of notebook 04, decide."""

from typing import Any

from eslab.commands import CommandBus
from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, expect, trying
from eslab.domains.bank import (
    HANDLERS,
    AccountClosed,
    AccountOpened,
    CloseAccount,
    MoneyDeposited,
    MoneyWithdrawn,
    OpenAccount,
)
from eslab.errors import CommandRefused, InvalidCommand
from eslab.stores.memory import MemoryStore
from eslab.testing import counting_ids, given, ticking_clock


def _validate(validate: Answer) -> None:
    trying(validate, OpenAccount("1", "")).raises(
        InvalidCommand, slips={CommandRefused: "refused", ValueError: "of Python"}, otherwise="accepts everything"
    )
    trying(validate, OpenAccount("1", "  ")).raises(InvalidCommand, otherwise="accepts blanks")
    trying(validate, OpenAccount("1", "Ada Lovelace")).gives(None, slips={InvalidCommand: "refuses names"})


def _followed(handler: Answer, events: list[Any]) -> list[Any]:
    scenario = given({CloseAccount: handler()}, *events).when(CloseAccount("1"))
    return scenario.found if scenario.refusal is None else [type(scenario.refusal)]


def _pay_out(handler: Answer) -> None:
    filled = [AccountOpened("Ada"), MoneyDeposited(70)]
    closed, both = AccountClosed(), (MoneyWithdrawn(70), AccountClosed())
    trial = trying(_followed, handler, filled, tried="an account with 70 on it, then CloseAccount")
    trial.gives(both, slips={(closed,): "keeps the money", both[::-1]: "closes first", (CommandRefused,): "refuses"})
    trial = trying(_followed, handler, [AccountOpened("Ada")], tried="an account with nothing on it, then CloseAccount")
    trial.gives([closed], slips={(MoneyWithdrawn(0), closed): "withdraws nothing"})
    gone = [AccountOpened("Ada"), closed]
    trial = trying(_followed, handler, gone, tried="an account that is closed already, then CloseAccount")
    trial.gives([CommandRefused], slips={(closed,): "closes twice", (): "closes twice"})


def _transfer(transfer: Answer) -> None:
    store = MemoryStore(clock=ticking_clock(), ids=counting_ids())
    store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(100)])
    store.append("account-2", [AccountOpened("Grace")])
    bus = CommandBus(store, HANDLERS)
    wish = "transfer(bus, '1', '2', 80), with 100 on account 1"
    _ = trying(transfer, bus, "1", "2", 80, tried=wish).result
    added = list(store.read(after=3))
    kinds = [(recorded.stream, type(recorded.payload).__name__) for recorded in added]
    there, back = ("account-1", "MoneyWithdrawn"), ("account-2", "MoneyDeposited")
    expect(kinds, [there, back], slips={(back, there): "gives first", (there,): "half"}, tried=wish)
    expect([recorded.payload.amount for recorded in added], [80, 80], tried="the two amounts")
    if len({recorded.correlation_id for recorded in added}) > 1:
        raise NotYet("two stories", tried="the correlation ids of the two events")
    if added[1].causation_id != added[0].id:
        raise NotYet("no cause", tried="the causation id of the deposit")
    wish = "transfer(bus, '1', '2', 500), with 20 on account 1"
    trying(transfer, bus, "1", "2", 500, tried=wish).raises(CommandRefused, otherwise="swallows")
    expect(store.position, 5, tried="the position of the store, after a refused transfer")


EXERCISES = (
    Exercise.prediction(
        "04.1",
        "What a refused wish leaves behind",
        answer=4,
        slips={
            6: "Is a wish a fact from the moment it is said? Two of these wishes cannot be fulfilled.",
            5: "One wish asks for more than there is, and another for no euros at all. Does either become a fact?",
            3: "The account is not locked by a refusal. Go on with the balance as it was.",
            2: "The first wish asks for no more than the balance. Is there a reason to refuse it?",
        },
        hints=(
            "Begin with the two facts that are there, and write the balance beside every wish.",
            "A wish that is refused changes neither the balance nor the log; the next one is decided on its own.",
        ),
        solution="""
            prediction = 2 + 1 + 0 + 0 + 1
        """,
        why="The log holds what happened, and a refusal is a thing that did not happen.",
        difficulty=1,
    ),
    Exercise(
        "04.2",
        "Validate without looking at any state",
        kind="function",
        difficulty=2,
        start="""
            def validate(command):
                ...
        """,
        check=_validate,
        mistakes={
            "accepts everything": Mistake(
                hint="An account without an owner was accepted. When does your function raise an error?",
                code="""
                    def validate(command):
                        return command.owner
                """,
            ),
            "accepts blanks": Mistake(
                hint="Is a name of nothing but spaces a name? Text has a method that takes outer blanks away.",
                code="""
                    from eslab import InvalidCommand

                    def validate(command):
                        if not command.owner:
                            raise InvalidCommand("no owner")
                """,
            ),
            "refused": Mistake(
                hint="The command itself is malformed; no account was looked at. Which of the two errors says so?",
                code="""
                    from eslab import CommandRefused

                    def validate(command):
                        if not command.owner.strip():
                            raise CommandRefused("no owner")
                """,
            ),
            "of Python": Mistake(
                hint="Raise the error of eslab, so that a caller can catch every refusal in one place.",
                code="""
                    def validate(command):
                        if not command.owner.strip():
                            raise ValueError("no owner")
                """,
            ),
            "refuses names": Mistake(
                hint="A name with a space inside was refused. Only the outer blanks are to be disregarded.",
                code="""
                    from eslab import InvalidCommand

                    def validate(command):
                        if not command.owner or " " in command.owner:
                            raise InvalidCommand("no owner")
                """,
            ),
        },
        hints=(
            "Look at `command.owner` only, and raise `InvalidCommand` if there is no name in it.",
            "`.strip()` takes the outer blanks of a text away; an empty text counts as false.",
        ),
        solution="""
            from eslab import InvalidCommand

            def validate(command):
                if not command.owner.strip():
                    raise InvalidCommand(f"owner is {command.owner!r}, expected a name: correct the command")
        """,
        why="What is wrong with the command itself can be said before anything is loaded.",
    ),
    Exercise(
        "04.3",
        "One wish, two facts",
        kind="class",
        difficulty=3,
        start="""
            from eslab import CommandHandler
            from eslab.domains.bank import Account


            class PayOutAndClose(CommandHandler):
                fold = Account

                def stream(self, command):
                    return f"account-{command.account_id}"

                def handle(self, command, account):
                    ...
        """,
        check=_pay_out,
        mistakes={
            "refuses": Mistake(
                hint="There was money on the account, and the wish was refused. Here it is paid out before the end.",
                code="""
                    from eslab import CommandHandler
                    from eslab.domains.bank import Account

                    class PayOutAndClose(CommandHandler):
                        fold = Account

                        def stream(self, command):
                            return f"account-{command.account_id}"

                        def handle(self, command, account):
                            account.close()
                            return account.pending
                """,
            ),
            "keeps the money": Mistake(
                hint="The account is closed and the bank still has the money. What happened before the closing?",
                code="""
                    from eslab import CommandHandler
                    from eslab.domains.bank import Account, AccountClosed

                    class PayOutAndClose(CommandHandler):
                        fold = Account

                        def stream(self, command):
                            return f"account-{command.account_id}"

                        def handle(self, command, account):
                            return [AccountClosed()]
                """,
            ),
            "closes first": Mistake(
                hint="Both facts are there. In which order did they happen?",
                code="""
                    from eslab import CommandHandler
                    from eslab.domains.bank import Account, AccountClosed, MoneyWithdrawn

                    class PayOutAndClose(CommandHandler):
                        fold = Account

                        def stream(self, command):
                            return f"account-{command.account_id}"

                        def handle(self, command, account):
                            return [AccountClosed(), MoneyWithdrawn(account.balance)]
                """,
            ),
            "withdraws nothing": Mistake(
                hint="Nothing was on the account, and the log says that something was taken out. Did that happen?",
                code="""
                    from eslab import CommandHandler
                    from eslab.domains.bank import Account

                    class PayOutAndClose(CommandHandler):
                        fold = Account

                        def stream(self, command):
                            return f"account-{command.account_id}"

                        def handle(self, command, account):
                            account.withdraw(account.balance)
                            account.close()
                            return account.pending
                """,
            ),
            "closes twice": Mistake(
                hint="The account was closed already. Look at its status before you decide, and refuse.",
                code="""
                    from eslab import CommandHandler
                    from eslab.domains.bank import Account, AccountClosed, MoneyWithdrawn

                    class PayOutAndClose(CommandHandler):
                        fold = Account

                        def stream(self, command):
                            return f"account-{command.account_id}"

                        def handle(self, command, account):
                            paid = [MoneyWithdrawn(account.balance)] if account.balance else []
                            return [*paid, AccountClosed()]
                """,
            ),
        },
        hints=(
            "The account knows how to withdraw and how to close, and refuses by itself what its rules forbid.",
            "Withdraw only if there is a balance. What was decided waits in `account.pending`.",
        ),
        solution="""
            from eslab import CommandHandler
            from eslab.domains.bank import Account


            class PayOutAndClose(CommandHandler):
                fold = Account

                def stream(self, command):
                    return f"account-{command.account_id}"

                def handle(self, command, account):
                    if account.balance:
                        account.withdraw(account.balance)
                    account.close()
                    return account.pending
        """,
        why="A decision gives a list: no fact, one fact or several, and the store appends all of them or none.",
    ),
    Exercise(
        "04.4",
        "Two commands, one story",
        kind="function",
        difficulty=4,
        start="""
            def transfer(bus, source, target, amount):
                ...
        """,
        check=_transfer,
        mistakes={
            "gives first": Mistake(
                hint="Money arrived before it was known whether there is enough of it. Which wish may be refused?",
                code="""
                    from eslab import caused_by
                    from eslab.domains.bank import DepositMoney, WithdrawMoney

                    def transfer(bus, source, target, amount):
                        put = bus.dispatch(DepositMoney(target, amount))
                        bus.dispatch(WithdrawMoney(source, amount), metadata=caused_by(put[-1]))
                """,
            ),
            "half": Mistake(
                hint="The money has left one account. Where is it now?",
                code="""
                    from eslab.domains.bank import WithdrawMoney

                    def transfer(bus, source, target, amount):
                        bus.dispatch(WithdrawMoney(source, amount))
                """,
            ),
            "two stories": Mistake(
                hint="The events have different correlation ids: nobody can see that they belong together.",
                code="""
                    from eslab.domains.bank import DepositMoney, WithdrawMoney

                    def transfer(bus, source, target, amount):
                        bus.dispatch(WithdrawMoney(source, amount))
                        bus.dispatch(DepositMoney(target, amount))
                """,
            ),
            "no cause": Mistake(
                hint="They share a correlation id, but the deposit does not name the withdrawal it follows from.",
                code="""
                    from eslab.domains.bank import DepositMoney, WithdrawMoney

                    def transfer(bus, source, target, amount):
                        bus.dispatch(WithdrawMoney(source, amount), metadata={"correlation_id": "transfer"})
                        bus.dispatch(DepositMoney(target, amount), metadata={"correlation_id": "transfer"})
                """,
            ),
            "swallows": Mistake(
                hint="The wish could not be fulfilled, and the caller was not told. Let the refusal through.",
                code="""
                    from eslab import CommandRefused, caused_by
                    from eslab.domains.bank import DepositMoney, WithdrawMoney

                    def transfer(bus, source, target, amount):
                        try:
                            taken = bus.dispatch(WithdrawMoney(source, amount))
                        except CommandRefused:
                            return
                        bus.dispatch(DepositMoney(target, amount), metadata=caused_by(taken[-1]))
                """,
            ),
        },
        hints=(
            "Dispatch the wish that may be refused first; what follows is then not reached after a refusal.",
            "`dispatch` returns what was recorded, and `caused_by` of a recorded event gives metadata for the next.",
        ),
        solution="""
            from eslab import caused_by
            from eslab.domains.bank import DepositMoney, WithdrawMoney

            def transfer(bus, source, target, amount):
                taken = bus.dispatch(WithdrawMoney(source, amount))
                bus.dispatch(DepositMoney(target, amount), metadata=caused_by(taken[-1]))
        """,
        why="Each account is decided on alone, and the ids tell anyone who reads the log that the two belong together.",
    ),
)
