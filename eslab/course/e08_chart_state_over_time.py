"""The exercises of notebook 08, chart state over time."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from eslab import datasets, frames
from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, expect, trying
from eslab.domains.bank import AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.domains.orders import Line, OrderCancelled, OrderDelivered, OrderPaid, OrderPlaced, OrderShipped
from eslab.stores.memory import MemoryStore
from eslab.testing import counting_ids, ticking_clock

LAMP = (Line("ELEGANT-LAMP", 1, 4990),)
EACH_ROW = "Expected one number for each row of `events`."
CHANGES = {OrderPlaced: 1, OrderShipped: -1, OrderCancelled: -1}


def _events(*facts: tuple[str, Any]) -> pd.DataFrame:
    store = MemoryStore(clock=ticking_clock(), ids=counting_ids())
    for stream, fact in facts:
        store.append(stream, [fact])
    return frames.events(store.read())


def _holds(answer: Answer, events: pd.DataFrame, wanted: list[int], slips: Mapping[Any, str], tried: str) -> None:
    """The learner's function makes the wanted column of these events: a Series, a list, or a frame of one column."""
    found = trying(answer, events.copy(), tried=tried).result
    if isinstance(found, pd.DataFrame):
        found = found.squeeze(axis="columns")
    if isinstance(found, pd.Series):
        found = found.astype(object).where(found.notna(), None)
    if isinstance(found, (pd.Series, np.ndarray, np.number)):
        found = found.tolist()
    if isinstance(found, (int, float)):
        raise NotYet("one number", tried=tried, found=found, says=EACH_ROW)
    if isinstance(found, (list, tuple)) and len(found) != len(events):
        raise NotYet("fewer rows", tried=tried, found=found, says=EACH_ROW)
    expect(found, wanted, slips=slips, tried=tried)


def _waiting(waiting: Answer) -> None:
    first, second, third = (f"order-{number}" for number in (1, 2, 3))
    facts = [(first, OrderPlaced("Ada", LAMP)), (second, OrderPlaced("Alan", LAMP)), (first, OrderPaid(4990))]
    facts += [(third, OrderPlaced("Grace", LAMP)), (first, OrderShipped("bicycle"))]
    told = "placed, placed, paid, placed, shipped"
    slips = {
        (1, 2, 3, 4, 5): "events",
        (0, 1, 2, 3, 4): "events",
        (1, 1, 0, 1, -1): "not added up",
        (1, 2, 2, 3, 3): "only those that come",
        (1, 2, 1, 2, 1): "paid leaves",
    }
    _holds(waiting, _events(*facts), [1, 2, 2, 3, 2], slips, told)
    more = _events(*facts, (first, OrderDelivered()))
    _holds(waiting, more, [1, 2, 2, 3, 2, 2], {(1, 2, 2, 3, 2, 1): "leaves twice"}, told + ", delivered")
    more = _events(*facts, (second, OrderCancelled("changed my mind")))
    _holds(waiting, more, [1, 2, 2, 3, 2, 1], {(1, 2, 2, 3, 2, 2): "cancelled stays"}, told + ", cancelled")
    shop = datasets.load("orders")
    changes = pd.Series([CHANGES.get(type(recorded.payload), 0) for recorded in shop])
    _holds(waiting, frames.events(shop), changes.cumsum().tolist(), {}, "the whole log of the shop")


@functools.cache
def _quakes() -> pd.DataFrame:
    return frames.events(datasets.load("quakes"))


def _known(known: Answer) -> None:
    events = _quakes()
    strong = events[events["payload.magnitude"] >= 5]
    exactly = strong["recorded_at"].iloc[9]
    for moment in (pd.Timestamp("2018-02-02 12:00", tz="UTC"), exactly, pd.Timestamp("2018-02-05 12:00", tz="UTC")):
        wanted = int((strong["recorded_at"] <= moment).sum())
        slips = {
            int((strong["recorded_at"] < moment).sum()): "at that very moment",
            int((strong["occurred_at"] <= moment).sum()): "the other clock",
            int((events["recorded_at"] <= moment).sum()): "weak ones too",
            len(strong): "any time",
        }
        tried = f"the earthquakes of the week, at {moment:%d %B, %H:%M:%S} UTC"
        trial = trying(known, events.copy(), moment, tried=tried)
        if isinstance(trial.result, (pd.Series, pd.DataFrame)):
            raise NotYet("rows", tried=tried)
        trial.gives(wanted, slips={slip: mistake for slip, mistake in slips.items() if slip != wanted})


def _balances(balances: Answer) -> None:
    ada, grace = "account-1", "account-2"
    opened, filled = (ada, AccountOpened("Ada")), (ada, MoneyDeposited(50))
    rest = [(ada, MoneyDeposited(30)), (ada, MoneyWithdrawn(20))]
    slips: dict[Any, str] = {
        (0, 50, 80, 100): "all come in",
        (None, 50, 80, 100): "all come in",
        (0, 50, 30, -20): "amounts",
        (None, 50, 80, 60): "missing",
    }
    told = "one account: opened, 50 in, 30 in, 20 out"
    _holds(balances, _events(opened, filled, *rest), [0, 50, 80, 60], slips, told)
    between = [(grace, AccountOpened("Grace")), (grace, MoneyDeposited(7))]
    slips = {(0, 50, 50, 57, 87, 67): "one pot", (0, 50, 0, 57, 87, 67): "one pot"}
    told = "Ada opens and brings 50, Grace opens and brings 7, Ada brings 30 and takes 20"
    _holds(balances, _events(opened, filled, *between, *rest), [0, 50, 0, 7, 80, 60], slips, told)
    bank, accounts, after = datasets.load("bank"), Counter[str](), []
    for recorded in bank:
        sign = {MoneyDeposited: 1, MoneyWithdrawn: -1}.get(type(recorded.payload), 0)
        accounts[recorded.stream] += sign * getattr(recorded.payload, "amount", 0)
        after.append(accounts[recorded.stream])
    _holds(balances, frames.events(bank), after, {}, "the 200 events of the bank")


EXERCISES = (
    Exercise.prediction(
        "08.1",
        "What the line shows between two events",
        answer=[2, 1, 1],
        slips={
            (1.5, 1, 0.6): "Half a flight in the air? What happened between 12:32 and 14:56?",
            (1.5, 1, 0.5): "Half a flight in the air? What happened between 12:32 and 14:56?",
            (1.5, 1, 1): "Half a flight in the air? What happened between 12:32 and 14:56?",
            (2, 2, 1): "At 14:56 itself: has the landing of 14:56 happened?",
            (1, 0, -1): "A cancelled flight has never left the gate. Does it change how many are in the air?",
            (2, 1, 0): "What happened at 16:20, and what at 16:59?",
            (3, 4, 7): "That is how many facts there are up to then. The question is how many flights are in the air.",
            (2, 0, 1): "The second landing comes at 15:57. How many of the two have landed at 14:56?",
            (3, 2, 2): "Look at 12:06 again. Did that flight leave?",
        },
        hints=(
            "Go down the list with a finger and write beside each fact how many are in the air after it.",
            "For each of the three moments, find the last fact that is not later. Nothing else counts.",
        ),
        solution="prediction = [2, 1, 1]",
        why="A state holds from its event until the next one. Between two events nothing happened, so nothing changed.",
        difficulty=1,
    ),
    Exercise(
        "08.2",
        "How many orders are open",
        kind="function",
        difficulty=2,
        start="""
            def waiting(events):
                ...
        """,
        check=_waiting,
        mistakes={
            "events": Mistake(
                hint="This numbers the events. What does each kind of event do to the number of open orders?",
                code="""
                    def waiting(events):
                        return list(range(1, len(events) + 1))
                """,
            ),
            "not added up": Mistake(
                hint="These are the changes, event by event. How does a column of changes become one of states?",
                code="""
                    def waiting(events):
                        came = events["type"] == "orders.OrderPlaced"
                        went = events["type"].isin(["orders.OrderShipped", "orders.OrderCancelled"])
                        return came.astype(int) - went.astype(int)
                """,
            ),
            "only those that come": Mistake(
                hint="Orders come, and the number never falls. Which events take an order off the pile?",
                code="""
                    def waiting(events):
                        return (events["type"] == "orders.OrderPlaced").cumsum()
                """,
            ),
            "paid leaves": Mistake(
                hint="An order that is paid has not left yet: it still waits for its parcel.",
                code="""
                    def waiting(events):
                        came = events["type"] == "orders.OrderPlaced"
                        return came.cumsum() - (~came).cumsum()
                """,
            ),
            "leaves twice": Mistake(
                hint="Once shipped, an order is off the pile. Is it taken off again when it is delivered?",
                code="""
                    def waiting(events):
                        came = events["type"] == "orders.OrderPlaced"
                        gone = ["orders.OrderShipped", "orders.OrderDelivered", "orders.OrderCancelled"]
                        return came.cumsum() - events["type"].isin(gone).cumsum()
                """,
            ),
            "cancelled stays": Mistake(
                hint="There are two ways off the pile, and one of them is sad.",
                code="""
                    def waiting(events):
                        came = events["type"] == "orders.OrderPlaced"
                        return came.cumsum() - (events["type"] == "orders.OrderShipped").cumsum()
                """,
            ),
            "one number": Mistake(
                hint="This is how it stands at the end. A curve needs the number after every event, one a row.",
                code="""
                    def waiting(events):
                        came = (events["type"] == "orders.OrderPlaced").sum()
                        went = events["type"].isin(["orders.OrderShipped", "orders.OrderCancelled"]).sum()
                        return int(came - went)
                """,
            ),
        },
        hints=(
            "Two columns of True and False: does an order come with this event, does one go?",
            "`cumsum` counts the True values so far. A pile is what came so far, less what went so far.",
        ),
        solution="""
            def waiting(events):
                came = events["type"] == "orders.OrderPlaced"
                went = events["type"].isin(["orders.OrderShipped", "orders.OrderCancelled"])
                return came.cumsum() - went.cumsum()
        """,
        why="A backlog is one curve less another: what came so far, less what went so far.",
    ),
    Exercise(
        "08.3",
        "What was known at a moment",
        kind="function",
        difficulty=3,
        start="""
            def known(events, moment):
                ...
        """,
        check=_known,
        mistakes={
            "the other clock": Mistake(
                hint="These had happened by then. Had anybody been told of them?",
                code="""
                    def known(events, moment):
                        strong = events["payload.magnitude"] >= 5
                        return int((strong & (events["occurred_at"] <= moment)).sum())
                """,
            ),
            "at that very moment": Mistake(
                hint="One was recorded at exactly that moment. A state holds from its event on, the moment included.",
                code="""
                    def known(events, moment):
                        strong = events["payload.magnitude"] >= 5
                        return int((strong & (events["recorded_at"] < moment)).sum())
                """,
            ),
            "weak ones too": Mistake(
                hint="Most of these tremors nobody has felt. Which column says how strong one was?",
                code="""
                    def known(events, moment):
                        return int((events["recorded_at"] <= moment).sum())
                """,
            ),
            "any time": Mistake(
                hint="This is how many are known at the end of the week. What has `moment` to do with it?",
                code="""
                    def known(events, moment):
                        return int((events["payload.magnitude"] >= 5).sum())
                """,
            ),
            "rows": Mistake(
                hint="These may be the right rows. How many are there?",
                code="""
                    def known(events, moment):
                        strong = events["payload.magnitude"] >= 5
                        return events[strong & (events["recorded_at"] <= moment)]
                """,
            ),
        },
        hints=(
            "Two conditions, joined with `&`: strong enough, and known by then.",
            "Each event has two times. One says when the earth shook, the other when it was written down.",
        ),
        solution="""
            def known(events, moment):
                strong = events["payload.magnitude"] >= 5
                by_then = events["recorded_at"] <= moment
                return int((strong & by_then).sum())
        """,
        why="What was known is read off the clock of recording; what had happened, off the other one.",
    ),
    Exercise(
        "08.4",
        "The balance of every account, without a fold",
        kind="function",
        difficulty=4,
        start="""
            def balances(events):
                ...
        """,
        check=_balances,
        mistakes={
            "all come in": Mistake(
                hint="After a withdrawal there is more money than before. The amount is written without a sign.",
                code="""
                    def balances(events):
                        return events["payload.amount"].fillna(0).groupby(events["stream"]).cumsum()
                """,
            ),
            "amounts": Mistake(
                hint="These are the changes. A balance is what all changes up to here come to.",
                code="""
                    def balances(events):
                        sign = events["type"].map({"bank.MoneyDeposited": 1, "bank.MoneyWithdrawn": -1}).astype("Int64")
                        return (sign * events["payload.amount"]).fillna(0)
                """,
            ),
            "missing": Mistake(
                hint="An account that has just been opened has a balance. What does an event without an amount add?",
                code="""
                    def balances(events):
                        sign = events["type"].map({"bank.MoneyDeposited": 1, "bank.MoneyWithdrawn": -1}).astype("Int64")
                        return (sign * events["payload.amount"]).groupby(events["stream"]).cumsum()
                """,
            ),
            "one pot": Mistake(
                hint="With one account it is right. With two, somebody's money is counted as somebody else's.",
                code="""
                    def balances(events):
                        sign = events["type"].map({"bank.MoneyDeposited": 1, "bank.MoneyWithdrawn": -1}).astype("Int64")
                        return (sign * events["payload.amount"]).fillna(0).cumsum()
                """,
            ),
            "fewer rows": Mistake(
                hint="One number for each event is wanted, and these are fewer. `sum` makes one of a whole group.",
                code="""
                    def balances(events):
                        sign = events["type"].map({"bank.MoneyDeposited": 1, "bank.MoneyWithdrawn": -1}).astype("Int64")
                        return (sign * events["payload.amount"]).fillna(0).groupby(events["stream"]).sum()
                """,
            ),
        },
        hints=(
            "First a column of changes: the amount with a plus or a minus, and 0 where there is no amount.",
            "Then add up within each account: `groupby` by the stream, then `cumsum`.",
        ),
        solution="""
            def balances(events):
                amount = events["payload.amount"].fillna(0)
                out = events["type"] == "bank.MoneyWithdrawn"
                return amount.where(~out, -amount).groupby(events["stream"]).cumsum()
        """,
        why="A fold of each stream is a `cumsum` of each group: the same sum, made a column at a time.",
    ),
)
