"""The exercises of notebook 06, build views."""

from __future__ import annotations

import sqlite3
from typing import Any

from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, expect, trying
from eslab.domains.orders import Line, OrderCancelled, OrderPaid, OrderPlaced, OrderShipped, Sales
from eslab.errors import ProjectionFailed
from eslab.projections import Projector
from eslab.stores.memory import MemoryStore
from eslab.testing import counting_ids, ticking_clock

LAMP, VASES = Line("ELEGANT-LAMP", 1, 4990), Line("BLUE-VASE", 3, 1995)


def _shop(*facts: tuple[str, Any]) -> MemoryStore:
    store = MemoryStore(clock=ticking_clock(), ids=counting_ids())
    for stream, fact in facts:
        store.append(stream, [fact])
    return store


def _view(projection: Answer, *facts: tuple[str, Any]) -> Any:
    projector = Projector(_shop(*facts), projection(), attempts=1)
    projector.catch_up()
    return projector.state


def _orders_of(projection: Answer) -> None:
    ada, again = ("order-1", OrderPlaced("Ada", (VASES,))), ("order-2", OrderPlaced("Ada", (LAMP,)))
    grace, paid = ("order-3", OrderPlaced("Grace", (LAMP, VASES))), ("order-2", OrderPaid(4990))
    for facts, slips, tried in (
        ((ada,), {3: "products"}, "Ada places one order, for three vases"),
        ((ada, again, grace), {1: "always one"}, "Ada places two orders, then Grace places one"),
        ((ada, again, paid, grace), {}, "the same, and Ada pays one of hers"),
    ):
        trial = trying(_view, projection, *facts, tried=tried)
        wanted = {"Ada": len(facts)} if len(facts) == 1 else {"Ada": 2, "Grace": 1}
        if isinstance(trial._error, ProjectionFailed) and paid in facts:
            raise NotYet("other events", tried=tried)
        if isinstance(trial.result, dict):
            expect(trial.result.get("Ada"), wanted["Ada"], slips=slips, tried=tried)
        trial.gives(wanted)


def _question(question: Answer) -> None:
    if not isinstance(question, str):
        raise NotYet(says="Expected a text: one SELECT, between quotation marks.", found=question)
    db = Sales(":memory:").initial()
    rows = [("BLUE-VASE", 300, 598500), ("SMALL-TABLE", 150, 1935000), ("ELEGANT-LAMP", 120, 598800)]
    rows += [("WOOL-RUG", 100, 845000)]
    db.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows[::-1])
    vase, table, lamp, rug = (row[:1] for row in rows)
    trying(lambda: db.execute(question).fetchall(), tried=question).gives(
        [vase, table, lamp],
        slips={
            (vase, table, lamp, rug): "a hundred too",
            (lamp, table, vase): "fewest first",
            (table, lamp, vase): "by money",
            sqlite3.Error: "cannot run",
            sqlite3.Warning: "cannot run",
        },
    )


def _catch_up(catch_up: Answer) -> None:
    store = _shop(
        ("order-1", OrderPlaced("Ada", (LAMP,))),
        ("order-2", OrderPlaced("Grace", (VASES,))),
        ("order-1", OrderPaid(4990)),
        ("order-3", OrderPlaced("Alan", (LAMP,))),
        ("order-2", OrderCancelled("changed my mind")),
        ("order-1", OrderShipped("bicycle")),
    )
    told = "a log of 6 events, in which positions 1, 2 and 4 are orders placed: "
    first = trying(catch_up, 0, 0, store, tried=told + "catch_up(0, 0, store)")
    first.gives((3, 6), slips={(3, 4): "stops early", (6, 6): "every event", (3, 0): "forgets where"})
    later = trying(catch_up, 2, 3, store, tried=told + "catch_up(2, 3, store)")
    later.gives((3, 6), slips={(5, 6): "from the beginning", (3, 3): "how many, not where"})
    idle = trying(catch_up, 3, 6, store, tried=told + "catch_up(3, 6, store)")
    idle.gives((3, 6), slips={UnboundLocalError: "nothing new", NameError: "nothing new", IndexError: "nothing new"})


EXERCISES = (
    Exercise.prediction(
        "06.1",
        "What a refund does to the day of the payment",
        answer=[4990, 0],
        slips={
            (0, 0): "On 1 January money did come in. Can a later fact undo that it did?",
            (4990, 4990): "The refund is in the log, but on which day?",
            (0, 4990): "Two facts, two days. Which of them happened on 1 January?",
            (6985, 0): "Look at the clock of the second payment. Is it still 1 January?",
            (6985, 4990): "This is the sum of both days. The view keeps the days apart.",
        },
        hints=(
            "Find the events that move money, and write the day beside each of them.",
            "Only what happened on 1 January counts for 1 January.",
        ),
        solution="prediction = [4990, 0]",
        why="A view by day puts each fact on its own day; what comes later never changes an earlier day.",
        difficulty=1,
    ),
    Exercise(
        "06.2",
        "Orders by customer",
        kind="class",
        difficulty=2,
        start='''
            from eslab import Projection

            class OrdersByCustomer(Projection):
                """How many orders has each customer placed? A dict of customer to number."""

                name = "orders by customer"

                def evolve(self, orders, recorded):
                    ...
        ''',
        check=_orders_of,
        mistakes={
            "products": Mistake(
                hint="An order for three vases is how many orders?",
                code="""
                    from eslab import Projection
                    from eslab.domains.orders import OrderPlaced

                    class OrdersByCustomer(Projection):
                        types = (OrderPlaced,)

                        def evolve(self, orders, recorded):
                            placed = recorded.payload
                            for line in placed.lines:
                                orders[placed.customer] = orders.get(placed.customer, 0) + line.quantity
                            return orders
                """,
            ),
            "always one": Mistake(
                hint="A customer can come back. What was in the view for that customer before this order?",
                code="""
                    from eslab import Projection
                    from eslab.domains.orders import OrderPlaced

                    class OrdersByCustomer(Projection):
                        types = (OrderPlaced,)

                        def evolve(self, orders, recorded):
                            orders[recorded.payload.customer] = 1
                            return orders
                """,
            ),
            "other events": Mistake(
                hint="A projection is shown every event of the log, payments too. Which of them carry a customer?",
                code="""
                    from eslab import Projection

                    class OrdersByCustomer(Projection):
                        def evolve(self, orders, recorded):
                            customer = recorded.payload.customer
                            orders[customer] = orders.get(customer, 0) + 1
                            return orders
                """,
            ),
        },
        hints=(
            "The view begins as an empty dict; each event changes it a little, and `evolve` returns it.",
            "Narrow the projection with `types`, or use `match` and pass over the rest.",
        ),
        solution="""
            from eslab import Projection
            from eslab.domains.orders import OrderPlaced

            class OrdersByCustomer(Projection):
                name = "orders by customer"
                types = (OrderPlaced,)

                def evolve(self, orders, recorded):
                    customer = recorded.payload.customer
                    orders[customer] = orders.get(customer, 0) + 1
                    return orders
        """,
        why="A new question costs a few lines, and its answer reaches back to the first event.",
    ),
    Exercise(
        "06.3",
        "A question as one SELECT",
        kind="value",
        difficulty=3,
        start="question = ...",
        check=_question,
        mistakes={
            "a hundred too": Mistake(
                hint="There is a product of which exactly 100 units were sold. Is that more than 100?",
                code='question = "SELECT product FROM sales WHERE units >= 100 ORDER BY units DESC"',
            ),
            "fewest first": Mistake(
                hint="The products are the right ones. In which order does ORDER BY sort when nothing else is said?",
                code='question = "SELECT product FROM sales WHERE units > 100 ORDER BY units"',
            ),
            "by money": Mistake(
                hint="The products are the right ones. The order asked for is that of the units, not of the money.",
                code='question = "SELECT product FROM sales WHERE units > 100 ORDER BY cents DESC"',
            ),
            "cannot run": Mistake(
                hint="SQLite cannot run this text. The table is called sales; its columns are product, units, cents.",
                code='question = "SELECT name FROM sales WHERE quantity > 100"',
            ),
        },
        hints=(
            "SELECT says which column, WHERE which rows, ORDER BY in which order.",
            "The answer has one column. DESC behind a column sorts it from the highest to the lowest.",
        ),
        solution='question = "SELECT product FROM sales WHERE units > 100 ORDER BY units DESC"',
        why="Once the view is a table, a question about it is a sentence, and no fold has to be written.",
    ),
    Exercise(
        "06.4",
        "Catch up by hand",
        kind="function",
        difficulty=4,
        start="""
            def catch_up(placed, checkpoint, store):
                ...
        """,
        check=_catch_up,
        mistakes={
            "stops early": Mistake(
                hint="An event that the view does not need is still handled: it can be passed over for good. "
                "Where does the checkpoint stand then?",
                code="""
                    from eslab.domains.orders import OrderPlaced

                    def catch_up(placed, checkpoint, store):
                        for recorded in store.read(after=checkpoint, types=[OrderPlaced]):
                            placed += 1
                            checkpoint = recorded.position
                        return placed, checkpoint
                """,
            ),
            "every event": Mistake(
                hint="Which of the events are orders placed?",
                code="""
                    def catch_up(placed, checkpoint, store):
                        for recorded in store.read(after=checkpoint):
                            placed += 1
                            checkpoint = recorded.position
                        return placed, checkpoint
                """,
            ),
            "forgets where": Mistake(
                hint="With this checkpoint, what would the next call count?",
                code="""
                    from eslab.domains.orders import OrderPlaced

                    def catch_up(placed, checkpoint, store):
                        for recorded in store.read(after=checkpoint):
                            placed += isinstance(recorded.payload, OrderPlaced)
                        return placed, checkpoint
                """,
            ),
            "from the beginning": Mistake(
                hint="Up to the checkpoint everything has been counted already. Who reads these events a second time?",
                code="""
                    from eslab.domains.orders import OrderPlaced

                    def catch_up(placed, checkpoint, store):
                        for recorded in store.read():
                            placed += isinstance(recorded.payload, OrderPlaced)
                            checkpoint = recorded.position
                        return placed, checkpoint
                """,
            ),
            "how many, not where": Mistake(
                hint="A checkpoint says where in the log you are, not how many events this call has handled.",
                code="""
                    from eslab.domains.orders import OrderPlaced

                    def catch_up(placed, checkpoint, store):
                        new = list(store.read(after=checkpoint))
                        placed += sum(isinstance(recorded.payload, OrderPlaced) for recorded in new)
                        return placed, len(new)
                """,
            ),
            "nothing new": Mistake(
                hint="Most of the time nothing has happened since the last look. What is the last event then?",
                code="""
                    from eslab.domains.orders import OrderPlaced

                    def catch_up(placed, checkpoint, store):
                        for recorded in store.read(after=checkpoint):
                            placed += isinstance(recorded.payload, OrderPlaced)
                        return placed, recorded.position
                """,
            ),
        },
        hints=(
            "`store.read` takes a position after which it begins.",
            "Every event that you have looked at moves the checkpoint, also one that you do not count.",
        ),
        solution="""
            from eslab.domains.orders import OrderPlaced

            def catch_up(placed, checkpoint, store):
                for recorded in store.read(after=checkpoint):
                    if isinstance(recorded.payload, OrderPlaced):
                        placed += 1
                    checkpoint = recorded.position
                return placed, checkpoint
        """,
        why="State and checkpoint move together: that is all a projector does, and why it counts nothing twice.",
    ),
)
