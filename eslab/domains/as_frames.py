"""The folds of the shipped data sets on whole columns at a time: `frames.agree` shows that they give the same.

Each function takes the frame of all events, with the columns of their types declared, and returns parts of the state
after each event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from eslab.domains import bank, chess, courses, flights, league, orders, quakes


class Twin(NamedTuple):
    """A fold and the same on columns; `view` is the part of the state that is compared, all of it if None."""

    data_set: str
    fold: Any
    vectorised: Callable[[pd.DataFrame], pd.DataFrame]
    types: tuple[type, ...]
    view: Callable[[Any], Any] | None = None


# --- stream by stream -------------------------------------------------------------------------------------------------


def account(events: pd.DataFrame) -> pd.DataFrame:
    """Owner, balance and status of the account."""
    by = streams(events)
    signs = {"bank.MoneyDeposited": 1, "bank.MoneyWithdrawn": -1}
    amounts = events["payload.amount"].fillna(0).astype("int64") * of_type(events, signs, 0)
    statuses = {"bank.AccountOpened": "open", "bank.AccountClosed": "closed"}
    return pd.DataFrame({
        "state.owner": last_said(by, events["payload.owner"], ""),
        "state.balance": amounts.groupby(by).cumsum(),
        "state.status": last_said(by, of_type(events, statuses), "new"),
    })  # fmt: skip


def order(events: pd.DataFrame) -> pd.DataFrame:
    """Status, customer and total of the order."""
    by = streams(events)
    totals = events["payload.lines"].map(orders.total_cents, na_action="ignore").astype("Int64")
    statuses = {f"orders.{kind.__name__}": status for kind, status in orders.OrderBoard.statuses.items()}
    return pd.DataFrame({
        "state.status": of_type(events, statuses),
        "state.customer": last_said(by, events["payload.customer"], ""),
        "state.total_cents": last_said(by, totals, 0).astype("int64"),
    })  # fmt: skip


def flight(events: pd.DataFrame) -> pd.DataFrame:
    """Status of the flight, its route, and its last known delay."""
    by = streams(events)
    said = {"Scheduled": "scheduled", "Departed": "in the air", "Arrived": "landed"}
    said |= {"Diverted": "diverted", "Cancelled": "cancelled"}
    scheduled = events["type"] == "flights.FlightScheduled"
    return pd.DataFrame({
        "state.origin": last_said(by, events["payload.origin"].where(scheduled), ""),
        "state.dest": last_said(by, events["payload.dest"].where(scheduled), ""),
        "state.status": of_type(events, {f"flights.Flight{kind}": status for kind, status in said.items()}),
        "state.delay_min": last_said(by, events["payload.delay_min"]),
    })  # fmt: skip


def quake(events: pd.DataFrame) -> pd.DataFrame:
    """The tremor as last reported: each report says all of it."""
    fields = ["magnitude", "place", "kind", "status"]
    return pd.DataFrame({f"state.{field}": events[f"payload.{field}"] for field in fields})


def game(events: pd.DataFrame) -> pd.DataFrame:
    """Who is to move, the number of the move, the move played last, and the result."""
    by = streams(events)
    plies = (events["type"] == "chess.MovePlayed").groupby(by).cumsum()
    return pd.DataFrame({
        "state.to_move": pd.Series(np.where(plies % 2, "black", "white"), dtype="str"),
        "state.move_number": 1 + plies // 2,
        "state.last_move": last_said(by, events["payload.san"], ""),
        "state.result": last_said(by, events["payload.result"], "*"),
    })  # fmt: skip


def streams(events: pd.DataFrame) -> np.ndarray:
    """A number for the stream of each event, to group by."""
    numbers: np.ndarray = pd.factorize(events["stream"])[0]
    return numbers


def of_type(events: pd.DataFrame, values: dict[str, Any], otherwise: int | None = None) -> pd.Series:
    """What each type of event means; for those that are not named, a missing text, or 0."""
    types, kind = events["type"].cat, "int64" if otherwise == 0 else "str"
    meanings = pd.Series([values.get(name, otherwise) for name in types.categories], dtype=kind)
    return meanings.take(types.codes).set_axis(events.index)


def last_said(by: np.ndarray, said: pd.Series, before: Any = None) -> pd.Series:
    """What each stream, by its number, said last, at each of its events; `before` until it has said anything."""
    last = said.groupby(by).ffill()
    return last if before is None else last.fillna(before)


# --- one fold over all ------------------------------------------------------------------------------------------------


def flight_counts(events: pd.DataFrame) -> pd.DataFrame:
    """How many flights are in each status."""
    of = {kind: (events["type"] == f"flights.Flight{kind}").cumsum() for kind in
          ("Scheduled", "Departed", "Arrived", "Diverted", "Cancelled")}  # fmt: skip
    return pd.DataFrame({
        "state.scheduled": of["Scheduled"] - of["Departed"] - of["Cancelled"],
        "state.in the air": of["Departed"] - of["Arrived"] - of["Diverted"],
        "state.landed": of["Arrived"], "state.diverted": of["Diverted"], "state.cancelled": of["Cancelled"],
    })  # fmt: skip


def points(events: pd.DataFrame) -> pd.DataFrame:
    """The points of each club: those of the result, less those of the result that it corrects."""
    gained = []
    for club, other in (("home", "away"), ("away", "home")):
        now = points_for(events[f"payload.{club}_goals"], events[f"payload.{other}_goals"])
        before = points_for(events[f"payload.{club}_goals_before"], events[f"payload.{other}_goals_before"])
        gained.append(pd.DataFrame({"key": events[f"payload.{club}"], "more": now - before}))
    return added_up(events, pd.concat(gained)).add_suffix(".points")


def points_for(scored: pd.Series, conceded: pd.Series) -> pd.Series:
    won, drawn = (scored > conceded).fillna(False), (scored == conceded).fillna(False)
    return 3 * won.astype("int64") + drawn.astype("int64")


def seats(events: pd.DataFrame) -> pd.DataFrame:
    """How many seats are taken in each course, once it is defined."""
    more = {"courses.StudentSubscribed": 1, "courses.StudentUnsubscribed": -1}
    about = events["type"].isin(["courses.CourseDefined", *more])
    changes = pd.DataFrame({"key": events["payload.course"], "more": of_type(events, more, 0)})
    return added_up(events, changes[about])


def added_up(events: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """A column of the state for each key, in which what comes more is added up; missing until its first change."""
    wide = changes.pivot_table(index=changes.index, columns="key", values="more", aggfunc="sum")
    wide = wide.reindex(events.index)
    totals, there = wide.fillna(0).cumsum().astype("Int64"), wide.notna().cummax()
    kept = {f"state.{key}": totals[key].where(there[key]) for key in totals}
    return pd.DataFrame({key: one if one.hasnans else one.astype("int64") for key, one in kept.items()}, events.index)


BANK = (bank.AccountOpened, bank.MoneyDeposited, bank.MoneyWithdrawn, bank.AccountClosed)
RESULTS = (league.ResultRecorded, league.ResultCorrected)
SEATS = (courses.CourseDefined, courses.StudentSubscribed, courses.StudentUnsubscribed)
MOVES = (chess.GameStarted, chess.MovePlayed, chess.GameEnded)
TWINS = (
    Twin("bank", bank.Account, account, BANK),
    Twin("bank", bank.DECIDER, account, BANK),
    Twin("orders", orders.Order, order, tuple(orders.OrderBoard.statuses)),
    Twin("flights", flights.Flight, flight, flights.EVENTS),
    Twin("flights", flights.FlightCounts, flight_counts, flights.EVENTS),
    Twin("quakes", quakes.Quake, quake, (quakes.EarthquakeReported,)),
    Twin("chess", chess.Game, game, MOVES),
    Twin("league", league.LeagueTable, points, RESULTS),
    Twin("courses", courses.WhoSitsWhere, seats, SEATS,
         lambda courses: {course: len(students) for course, students in courses.items()}),
)  # fmt: skip
"""One for each shipped data set at least; the flights of the month are of the same types as those of the days."""
