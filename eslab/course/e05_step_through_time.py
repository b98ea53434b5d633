"""The exercises of notebook 05, step through time."""

import datetime as dt
from typing import Any

from eslab.aggregates import fold
from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, expect, trying
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.domains.chess import GameEnded, GameStarted, MovePlayed
from eslab.events import History, record
from eslab.timeline import Timeline

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def _history(stream: str, *events: Any) -> History:
    return History(
        record(event, stream=stream, version=n, position=n, recorded_at=NOON) for n, event in enumerate(events, 1)
    )


def _moments_when(moments_when: Answer) -> None:
    facts = (AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30), MoneyDeposited(50))
    timeline = Timeline(_history("account-1", *facts), Account)
    balances = "balances of 0, 0, 100, 70 and 120"
    rich = trying(
        moments_when, timeline, lambda account: account.balance >= 100, tried=f"{balances}; 100 or more"
    )
    slips = {(3, 5): "one too many", 2: "first only", AttributeError: "asks the step"}
    if isinstance(rich.gives([2, 4], slips=slips, otherwise=_sort_of(rich)).result, tuple):
        raise NotYet("gives steps", tried=rich.tried, found=rich.result)
    empty = trying(moments_when, timeline, lambda account: account.balance == 0, tried=f"{balances}; exactly 0")
    empty.gives([0, 1], slips={(1,): "leaves out the beginning"})


