"""The exercises of notebook 09, test the history."""

from __future__ import annotations

import datetime as dt
from typing import Any

from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, expect, trying
from eslab.domains.orders import (
    HANDLERS,
    Line,
    OrderBoard,
    OrderCancelled,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderReturned,
    OrderShipped,
    PayOrder,
    PayOrderHandler,
    ReturnOrder,
    Revenue,
)
from eslab.errors import CommandRefused, EslabError
from eslab.events import History, record
from eslab.projections import Projection
from eslab.stores.memory import MemoryStore
from eslab.testing import given

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
WAY = (OrderPlaced, OrderPaid, OrderShipped, OrderDelivered)

# --- 09.2 -----------------------------------------------------------------------------------------------------------


def _facts(facts: Answer) -> None:
    kinds = tuple(type(fact) for fact in facts)
    tried = "the kinds of facts, in their order"
    if any("__event_name__" not in dir(kind) for kind in kinds):
        raise NotYet("wishes", tried=tried, found=[kind.__name__ for kind in kinds])
    if OrderReturned in kinds:
        raise NotYet("the end too", tried=tried, found=[kind.__name__ for kind in kinds])
    scenario = given(HANDLERS, *facts).when(ReturnOrder("7", "broken"))
    if isinstance(scenario.refusal, CommandRefused):
        raise NotYet("too early", tried='given(HANDLERS, *facts).when(ReturnOrder("7", "broken"))', found=scenario)
    expect(scenario.found, [OrderReturned("broken")], tried='when ReturnOrder("7", "broken") comes')
    if kinds != WAY:
        raise NotYet("out of nothing", tried=tried, found=[kind.__name__ for kind in kinds])
    placed, paid = facts[0], facts[1]
    ordered = sum(line.quantity * line.price_cents for line in placed.lines)
    if (ordered, paid.amount_cents) != (4990, 4990):
        raise NotYet("another amount", tried="what was ordered and what was paid, in cents", found=[ordered, paid])


# --- 09.3 -----------------------------------------------------------------------------------------------------------


class _TakesAnything(PayOrderHandler):
    def handle(self, command: PayOrder, order: Any) -> tuple[Any, ...]:
        order.must_be("placed")
        return (OrderPaid(command.amount_cents),)


class _TakesItTwice(PayOrderHandler):
    def handle(self, command: PayOrder, order: Any) -> tuple[Any, ...]:
        if command.amount_cents != order.total_cents:
            raise CommandRefused(f"{command.amount_cents} cents were paid, expected {order.total_cents}")
        return (OrderPaid(command.amount_cents),)


class _RefusesAll(PayOrderHandler):
    def handle(self, command: PayOrder, order: Any) -> tuple[Any, ...]:
        raise CommandRefused("nothing may be paid today")


class _RoundsDown(PayOrderHandler):
    def handle(self, command: PayOrder, order: Any) -> tuple[Any, ...]:
        order.pay(command.amount_cents)
        return (OrderPaid(command.amount_cents // 100 * 100),)


WRONG_RULES: tuple[tuple[type[PayOrderHandler], str, str], ...] = (
    (_RefusesAll, "sees no payment", "rules that refuse every payment"),
    (_RoundsDown, "does not look", "rules that record another amount than was paid"),
    (_TakesAnything, "any amount", "rules that take any amount"),
    (_TakesItTwice, "a second time", "rules that let a paid order be paid again"),
)


def _test_paying(test_paying: Answer) -> None:
    trial = trying(test_paying, HANDLERS, tried="test_paying, on the right rules")
    trial.gives(None, slips={AssertionError: "red on the right rules", EslabError: "red on the right rules"})
    for handler, mistake, rules in WRONG_RULES:
        wrong = {**HANDLERS, PayOrder: handler()}
        trying(test_paying, wrong, tried=f"test_paying, on {rules}").raises(AssertionError, otherwise=mistake)


# --- 09.4 -----------------------------------------------------------------------------------------------------------


class _Steps(Projection):
    """How many events each order has had."""

    def evolve(self, steps: dict[str, int], recorded: Any, /) -> dict[str, int]:
        steps[recorded.stream] = steps.get(recorded.stream, 0) + 1
        return steps


class _Last(Projection):
    """How often the last payment came in a row: it begins anew at each cancellation."""

    def evolve(self, state: dict[str, int], recorded: Any, /) -> dict[str, int]:
        match recorded.payload:
            case OrderPaid():
                state["paid"] = state.get("paid", 0) + 1
            case OrderCancelled():
                state["paid"] = 0
        return state


def _log(*facts: Any, first: int = 1) -> list[Any]:
    return [
        record(fact, stream="order-7", version=n, position=first + n - 1, recorded_at=NOON)
        for n, fact in enumerate(facts, 1)
    ]


def _not_twice(not_twice: Answer) -> None:
    placed, paid, shipped = OrderPlaced("Ada", (Line("ELEGANT-LAMP", 1, 4990),)), OrderPaid(4990), OrderShipped("post")
    log, later = _log(placed, paid, shipped), _log(paid, shipped, paid, first=11)
    tried = "the revenue, and a log in which an order is placed, paid and shipped"
    slips: dict[Any, str] = {(): "the same object", (1,): "from zero", (1, 2, 3): "all at once"}
    trying(not_twice, Revenue, History(log), tried=tried).gives([2], slips=slips)
    tried = "the board of orders, and the same log"
    trying(not_twice, OrderBoard, History(log), tried=tried).gives([])
    tried = "the revenue, and a log with positions 11, 12 and 13: paid, shipped, paid"
    trying(not_twice, Revenue, History(later), tried=tried).gives([11, 13], slips={(1, 3): "no positions"})
    tried = "a view that counts the events of each order, and the first log"
    trying(not_twice, _Steps, History(log), tried=tried).gives([1, 2, 3])
    tried = "a view that counts payments and begins again at a cancellation, and a log: paid, cancelled, paid"
    log = _log(paid, OrderCancelled("too late"), paid)
    trying(not_twice, _Last, History(log), tried=tried).gives([3], slips={(1, 3): "not at the end"})


# --- 09.5 -----------------------------------------------------------------------------------------------------------


class _Halfway(MemoryStore):
    """Appends one event after the other, each by itself."""

    def append(self, stream: Any, events: Any = None, **options: Any) -> History:
        return History([recorded for event in events for recorded in super(_Halfway, self).append(stream, [event])])


class _Quiet(_Halfway):
    """As the one before, and says nothing of what went wrong."""

    def append(self, stream: Any, events: Any = None, **options: Any) -> History:
        try:
            return super().append(stream, events, **options)
        except EslabError:
            return History()


class _Deaf(MemoryStore):
    """Refuses nothing and stores nothing."""

    def append(self, stream: Any, events: Any = None, **options: Any) -> History:
        return History()


class _Grumpy(MemoryStore):
    """Refuses everything."""

    def append(self, stream: Any, events: Any = None, **options: Any) -> History:
        raise CommandRefused("this store takes nothing")


def _keeps_all_or_nothing(keeps_all_or_nothing: Answer) -> None:
    for store, wanted, mistake, said in (
        (MemoryStore, True, "never content", "a store that is right"),
        (_Halfway, False, "only the error", "a store that refuses, and has kept the first half"),
        (_Quiet, False, "only what raises", "a store that keeps the first half and says nothing"),
        (_Deaf, False, "nothing at all", "a store that never stores anything"),
        (_Grumpy, False, "nothing at all", "a store that refuses everything"),
    ):
        trial = trying(keeps_all_or_nothing, store, tried=f"keeps_all_or_nothing, on {said}")
        trial.gives(wanted, slips={not wanted: mistake, EslabError: "not caught"})


EXERCISES = (
    Exercise.prediction(
        "09.1",
        "What two runs find",
        answer=["InvoiceNumbers"],
        slips={
            ("DaysWaiting", "InvoiceNumbers", "HoursToPay"): "All three are wrong, but does each of them give another "
            "result a moment later?",
            ("DaysWaiting",): "It asks the clock. What does the clock say in the second run, a moment later, in days?",
            ("HoursToPay",): "It remembers something in `self`. What is in it when a new object begins?",
            (): "One of them keeps something where a new object finds it again.",
            ("DaysWaiting", "InvoiceNumbers"): "It asks the clock. How many days lie between the two runs?",
            ("DaysWaiting", "HoursToPay"): "What is different, for each of them, when the second run begins?",
            ("InvoiceNumbers", "HoursToPay"): "What remembers something in `self` forgets it with the object.",
        },
        hints=(
            "What differs between two runs is only what lies outside the object, and has changed meanwhile.",
            "Look for the place where each class keeps what is not in its state: the clock, the object, the class.",
        ),
        solution="""
            prediction = ["InvoiceNumbers"]
        """,
        why="Two runs in the same world, one after the other, are too much alike to show a mistake.",
        difficulty=1,
    ),
    Exercise(
        "09.2",
        "The facts before a return",
        kind="events",
        difficulty=2,
        start="""
            from eslab.domains.orders import Line, OrderPaid, OrderPlaced

            facts = []
        """,
        check=_facts,
        mistakes={
            "wishes": Mistake(
                hint="These are wishes, in the imperative. Given are facts, in the past tense.",
                code="""
                    from eslab.domains.orders import ConfirmDelivery, Line, PayOrder, PlaceOrder, ShipOrder

                    lines = (Line("ELEGANT-LAMP", 1, 4990),)
                    facts = [PlaceOrder("7", "Ada", lines), PayOrder("7", 4990), ShipOrder("7", "post")]
                """,
            ),
            "the end too": Mistake(
                hint="The return itself is among the facts. It is what must follow.",
                code="""
                    from eslab.domains.orders import Line, OrderDelivered, OrderPaid, OrderPlaced, OrderReturned
                    from eslab.domains.orders import OrderShipped

                    placed = OrderPlaced("Ada", (Line("ELEGANT-LAMP", 1, 4990),))
                    facts = [placed, OrderPaid(4990), OrderShipped("post"), OrderDelivered(), OrderReturned("broken")]
                """,
            ),
            "too early": Mistake(
                hint="The wish is refused: the lamp is not at the customer's yet. The reason says where the order is.",
                code="""
                    from eslab.domains.orders import Line, OrderPaid, OrderPlaced, OrderShipped

                    placed = OrderPlaced("Ada", (Line("ELEGANT-LAMP", 1, 4990),))
                    facts = [placed, OrderPaid(4990), OrderShipped("post")]
                """,
            ),
            "out of nothing": Mistake(
                hint="The story is true, but a fold asks nobody how a fact could come about. What happened before it?",
                code="""
                    from eslab.domains.orders import OrderDelivered

                    facts = [OrderDelivered()]
                """,
            ),
            "another amount": Mistake(
                hint="Ordered was one lamp of 4990 cents, and paid was the whole of it.",
                code="""
                    from eslab.domains.orders import Line, OrderDelivered, OrderPaid, OrderPlaced, OrderShipped

                    placed = OrderPlaced("Ada", (Line("ELEGANT-LAMP", 1, 4990),))
                    facts = [placed, OrderPaid(49), OrderShipped("post"), OrderDelivered()]
                """,
            ),
        },
        hints=(
            "Go through the life of an order: which fact makes each status possible?",
            "Four facts are enough; each is a class of `eslab.domains.orders` with a name in the past tense.",
        ),
        solution="""
            from eslab.domains.orders import Line, OrderDelivered, OrderPaid, OrderPlaced, OrderShipped

            facts = [
                OrderPlaced("Ada", (Line("ELEGANT-LAMP", 1, 4990),)),
                OrderPaid(4990),
                OrderShipped("post"),
                OrderDelivered(),
            ]
        """,
        why="A test that begins with facts that could not have happened shows a rule that nobody will ever need.",
    ),
    Exercise(
        "09.3",
        "A test of the payment",
        kind="function",
        difficulty=3,
        start="""
            from eslab.domains.orders import PayOrder

            def test_paying(rules):
                ...
        """,
        check=_test_paying,
        mistakes={
            "red on the right rules": Mistake(
                hint="The test is red on the right rules. Does it expect something that the shop does not promise?",
                code="""
                    from eslab.domains.orders import Line, OrderPaid, OrderPlaced, PayOrder
                    from eslab.testing import given

                    def test_paying(rules):
                        placed = OrderPlaced("Ada", (Line("ELEGANT-LAMP", 1, 4990),))
                        given(rules, placed).when(PayOrder("7", 2000)).then(OrderPaid(2000))
                """,
            ),
            "sees no payment": Mistake(
                hint="Rules that refuse everything pass your test. Which wish must be granted?",
                code="""
                    from eslab.domains.orders import Line, OrderPaid, OrderPlaced, PayOrder
                    from eslab.testing import given

                    def test_paying(rules):
                        placed = OrderPlaced("Ada", (Line("ELEGANT-LAMP", 1, 4990),))
                        given(rules, placed).when(PayOrder("7", 2000)).refused()
                        given(rules, placed, OrderPaid(4990)).when(PayOrder("7", 4990)).refused()
                """,
            ),
            "does not look": Mistake(
                hint="Something follows, and you do not look what. The amount must be that of the wish.",
                code="""
                    from eslab.domains.orders import Line, OrderPaid, OrderPlaced, PayOrder
                    from eslab.testing import given

                    def test_paying(rules):
                        placed = OrderPlaced("Ada", (Line("ELEGANT-LAMP", 1, 4990),))
                        assert len(given(rules, placed).when(PayOrder("7", 4990)).found) == 1
                        given(rules, placed).when(PayOrder("7", 2000)).refused()
                        given(rules, placed, OrderPaid(4990)).when(PayOrder("7", 4990)).refused()
                """,
            ),
            "any amount": Mistake(
                hint="Somebody pays too little, and your test is content.",
                code="""
                    from eslab.domains.orders import Line, OrderPaid, OrderPlaced, PayOrder
                    from eslab.testing import given

                    def test_paying(rules):
                        placed = OrderPlaced("Ada", (Line("ELEGANT-LAMP", 1, 4990),))
                        given(rules, placed).when(PayOrder("7", 4990)).then(OrderPaid(4990))
                        given(rules, placed, OrderPaid(4990)).when(PayOrder("7", 4990)).refused()
                """,
            ),
            "a second time": Mistake(
                hint="Somebody pays the same order again, and your test is content.",
                code="""
                    from eslab.domains.orders import Line, OrderPaid, OrderPlaced, PayOrder
                    from eslab.testing import given

                    def test_paying(rules):
                        placed = OrderPlaced("Ada", (Line("ELEGANT-LAMP", 1, 4990),))
                        given(rules, placed).when(PayOrder("7", 4990)).then(OrderPaid(4990))
                        given(rules, placed).when(PayOrder("7", 2000)).refused()
                """,
            ),
        },
        hints=(
            "One story for each half of the rule, and one in which all is well.",
            "Three stories: the whole amount, another amount, and the whole amount when it was paid before.",
        ),
        solution="""
            from eslab.domains.orders import Line, OrderPaid, OrderPlaced, PayOrder
            from eslab.testing import given

            def test_paying(rules):
                placed, paid = OrderPlaced("Ada", (Line("ELEGANT-LAMP", 1, 4990),)), OrderPaid(4990)
                given(rules, placed).when(PayOrder("7", 4990)).then(paid)
                given(rules, placed).when(PayOrder("7", 4989)).refused()
                given(rules, placed, paid).when(PayOrder("7", 4990)).refused()
        """,
        why="Each story is there because of a wrong rule that no other story would notice.",
    ),
    Exercise(
        "09.4",
        "Which events must not come twice",
        kind="function",
        difficulty=4,
        start="""
            def not_twice(make, history):
                ...
        """,
        check=_not_twice,
        mistakes={
            "the same object": Mistake(
                hint="The usual state and the other are one object, changed in place. It is always equal to itself.",
                code="""
                    def not_twice(make, history):
                        fold, found = make(), []
                        state = fold.initial()
                        for recorded in history:
                            once = fold.evolve(state, recorded)
                            if fold.evolve(once, recorded) != once:
                                found.append(recorded.position)
                            state = once
                        return found
                """,
            ),
            "from zero": Mistake(
                hint="That is the place in a Python list. What is the place of an event in the log called?",
                code="""
                    from eslab import fold

                    def not_twice(make, history):
                        usual = fold(history, make())
                        doubled = [[*history[:n], history[n], *history[n:]] for n in range(len(history))]
                        return [n for n in range(len(history)) if fold(doubled[n], make()) != usual]
                """,
            ),
            "no positions": Mistake(
                hint="These are numbers from one on. A history need not begin at the first position of its log.",
                code="""
                    from eslab import fold

                    def not_twice(make, history):
                        usual = fold(history, make())
                        doubled = [[*history[:n], history[n], *history[n:]] for n in range(len(history))]
                        return [n + 1 for n in range(len(history)) if fold(doubled[n], make()) != usual]
                """,
            ),
            "all at once": Mistake(
                hint="One event makes the difference, and all are named. Give only one of them twice at a time.",
                code="""
                    from eslab import fold

                    def not_twice(make, history):
                        twice = [recorded for recorded in history for _ in range(2)]
                        if fold(twice, make()) == fold(history, make()):
                            return []
                        return [recorded.position for recorded in history]
                """,
            ),
            "not at the end": Mistake(
                hint="An event is named whose trace is gone in the end. Which states are to be compared?",
                code="""
                    import copy

                    def not_twice(make, history):
                        fold, found = make(), []
                        state = fold.initial()
                        for recorded in history:
                            state = fold.evolve(state, recorded)
                            once = copy.deepcopy(state)
                            if fold.evolve(copy.deepcopy(state), recorded) != once:
                                found.append(recorded.position)
                        return found
                """,
            ),
        },
        hints=(
            "Make the list with one event doubled, fold it by a new fold from the beginning, and compare.",
            "For the event at place n of the list: `[*history[:n], history[n], *history[n:]]` has it twice.",
        ),
        solution="""
            from eslab import fold

            def not_twice(make, history):
                usual = fold(history, make())
                found = []
                for n, recorded in enumerate(history):
                    doubled = [*history[:n], recorded, *history[n:]]
                    if fold(doubled, make()) != usual:
                        found.append(recorded.position)
                return found
        """,
        why="Events that may come twice make a view easy to keep; for the others a checkpoint must do the work.",
    ),
    Exercise(
        "09.5",
        "A sentence of the contract",
        kind="function",
        difficulty=5,
        start="""
            def keeps_all_or_nothing(open_store):
                ...
        """,
        check=_keeps_all_or_nothing,
        mistakes={
            "never content": Mistake(
                hint="A right store does not pass. Is it a new stream, and what does it hold before the refusal?",
                code="""
                    from eslab import EslabError
                    from eslab.domains.orders import OrderPaid

                    def keeps_all_or_nothing(open_store):
                        store = open_store()
                        store.append("order-7", [OrderPaid(4990)])
                        try:
                            store.append("order-7", [OrderPaid(4990), "no event"])
                        except EslabError:
                            return len(store.load("order-7")) == 0
                        return False
                """,
            ),
            "only the error": Mistake(
                hint="The store refused, and you believed it. What has it kept?",
                code="""
                    from eslab import EslabError
                    from eslab.domains.orders import OrderPaid

                    def keeps_all_or_nothing(open_store):
                        try:
                            open_store().append("order-7", [OrderPaid(4990), "no event"])
                        except EslabError:
                            return True
                        return False
                """,
            ),
            "only what raises": Mistake(
                hint="A store that says nothing has kept one event of two. Do you look only after an error?",
                code="""
                    from eslab import EslabError
                    from eslab.domains.orders import OrderPaid, OrderShipped

                    def keeps_all_or_nothing(open_store):
                        store = open_store()
                        try:
                            store.append("order-8", [OrderPaid(4990), "no event"])
                        except EslabError:
                            return len(store.load("order-8")) == 0
                        return True
                """,
            ),
            "nothing at all": Mistake(
                hint="A store that keeps nothing keeps half the promise. Does a good append store all of its events?",
                code="""
                    from eslab import EslabError
                    from eslab.domains.orders import OrderPaid

                    def keeps_all_or_nothing(open_store):
                        store = open_store()
                        try:
                            store.append("order-8", [OrderPaid(4990), "no event"])
                        except EslabError:
                            pass
                        return len(store.load("order-8")) == 0
                """,
            ),
            "not caught": Mistake(
                hint="The refusal of the store ended your test. Catch it, and look at what was kept.",
                code="""
                    from eslab.domains.orders import OrderPaid, OrderShipped

                    def keeps_all_or_nothing(open_store):
                        store = open_store()
                        store.append("order-7", [OrderPaid(4990), OrderShipped("post")])
                        store.append("order-8", [OrderPaid(4990), "no event"])
                        return len(store.load("order-7")) == 2 and len(store.load("order-8")) == 0
                """,
            ),
        },
        hints=(
            "Two appends to two streams: one in which all is well, and one that must fail.",
            "After each of them count what is in its stream, whether or not an error was raised.",
        ),
        solution="""
            from eslab import EslabError
            from eslab.domains.orders import OrderPaid, OrderShipped

            def kept(store, stream, events):
                try:
                    store.append(stream, events)
                except EslabError as refusal:
                    print(refusal)
                return len(store.load(stream))

            def keeps_all_or_nothing(open_store):
                store = open_store()
                whole = kept(store, "order-7", [OrderPaid(4990), OrderShipped("post")])
                broken = kept(store, "order-8", [OrderPaid(4990), "no event"])
                return whole == 2 and broken == 0
        """,
        why="A promise has two halves; a test of one half is passed by a store that does nothing.",
    ),
)
