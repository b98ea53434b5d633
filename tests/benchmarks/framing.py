"""Rows about frames: the state after each event, column by column, beside the fold that says what is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from eslab import frames
from eslab.domains.as_frames import BANK, account
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.events import History
from eslab.projections import FrameProjection
from eslab.stores.sqlite import SqliteStore
from tests.benchmarks import by_hand
from tests.benchmarks.measure import Row, Side, Target, race
from tests.benchmarks.places import fill
from tests.benchmarks.reading import caught_up
from tests.benchmarks.sizes import Files, Sizes
from tests.benchmarks.story import interleaved

FOLD, LOOP, DUCKDB, POLARS = "frames.states, the plain fold", "by hand, a loop", "DuckDB", "Polars"
COLUMNS = ("stream", "type", "payload")
"""Those that the fold on columns needs."""
NEEDED = ["position", "stream", "type", "payload.amount"]
RUNNING = """
SELECT sum(CASE type WHEN 'bank.MoneyDeposited' THEN amount WHEN 'bank.MoneyWithdrawn' THEN -amount ELSE 0 END)
       OVER (PARTITION BY stream ORDER BY position)::BIGINT AS balance
FROM events ORDER BY position"""


def states_frame(sizes: Sizes, files: Files) -> Iterator[Row]:
    """The balance after each event, as a frame: first from recorded events, then the vectorised part of it alone."""
    history = History(by_hand.recorded(interleaved(sizes.large, sizes.log_accounts)))
    frames.agree(Account, account, history[: sizes.small], BANK)
    frame = frames.events(history, BANK)
    yield from _from_events(history, frame, sizes)
    yield from _vectorised(frame, sizes)


def _from_events(history: History, frame: pd.DataFrame, sizes: Sizes) -> Iterator[Row]:
    taken = race([
        Side("vectorised", lambda _: told(account(frames.events(history, BANK, columns=COLUMNS))["state.balance"])),
        Side("from a frame", lambda _: told(account(frame)["state.balance"])),
        Side("fold", lambda _: told(frames.states(history, Account)["state.balance"])),
        Side(LOOP, lambda _: told(pd.Series(balances(history)))),
    ], runs=sizes.few)  # fmt: skip
    name = f"state over time of {len(history):,} events, in a frame, vectorised"
    yield Row(name, FOLD, taken["vectorised"], taken["fold"], Target("faster", 10))
    yield Row(f"{name}, from events in a frame", FOLD, taken["from a frame"], taken["fold"], Target("faster"))
    yield Row(name, LOOP, taken["vectorised"], taken[LOOP], Target("faster"))


def _vectorised(frame: pd.DataFrame, sizes: Sizes) -> Iterator[Row]:
    """Every side begins with its own kind of table, in which the events are already."""
    import duckdb  # late, as all other rows do without them
    import polars as pl

    needed = frame[NEEDED].rename(columns={"payload.amount": "amount"})
    polars = pl.from_pandas(needed)
    sides: dict[str, Callable[[Any], Any]] = {
        "eslab": lambda _: told(account(frame)["state.balance"]),
        DUCKDB: lambda db: told(db.execute(RUNNING).df()["balance"]),
        POLARS: lambda _: told(polars.select(running(pl))["balance"].to_pandas()),
    }
    with duckdb.connect() as db:
        db.register("given", needed)
        db.execute("CREATE TABLE events AS SELECT * FROM given")
        taken = race([Side(name, run, lambda: db) for name, run in sides.items()], runs=sizes.runs)
    name = f"the vectorised part of that alone, {len(frame):,} events, in pandas"
    yield Row(name, f"{DUCKDB}, the balance alone", taken["eslab"], taken[DUCKDB], Target("faster"))
    yield Row(name, f"{POLARS}, the balance alone", taken["eslab"], taken[POLARS], Target("faster"))


def told(balances: pd.Series) -> bytes:
    """What all sides must agree on: every balance, in order."""
    return balances.to_numpy(dtype="int64").tobytes()


def balances(history: History) -> list[int]:
    """The shortest loop: each payload decoded, the balance of its stream changed and noted down."""
    now: dict[str, int] = {}
    noted = []
    for recorded in history:
        match recorded.payload:
            case AccountOpened():
                now[recorded.stream] = 0
            case MoneyDeposited(amount):
                now[recorded.stream] += amount
            case MoneyWithdrawn(amount):
                now[recorded.stream] -= amount
        noted.append(now[recorded.stream])
    return noted


class BalancesInFrame(FrameProjection):
    """The balance of every account, in a frame."""

    types, columns = BANK, COLUMNS

    def initial(self) -> pd.DataFrame:
        return pd.DataFrame({"balance": pd.Series(dtype="int64")}, index=pd.Index([], dtype="str", name="account"))

    def evolve_frame(self, frame: pd.DataFrame, events: pd.DataFrame, /) -> pd.DataFrame:
        amounts = events["payload.amount"].fillna(0).astype("int64")
        signed = amounts.where(events["type"] != "bank.MoneyWithdrawn", -amounts)
        changes = signed.groupby(events["stream"]).sum()
        return frame["balance"].add(changes, fill_value=0).astype("int64").to_frame("balance").rename_axis("account")


def frame_projection(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Keep the balance of every account in a frame, batch by batch, beside a projection that keeps them in a dict."""
    with SqliteStore(files.new()) as store:
        fill(store, by_hand.recorded(interleaved(sizes.log, sizes.log_accounts)))
        taken = race([
            Side("frame", lambda _: caught_up(store, BalancesInFrame)["balance"].sort_index().to_dict()),
            Side("dict", lambda _: caught_up(store)),
        ], runs=sizes.few)  # fmt: skip
    name = f"catch-up over {sizes.log:,} events, view in a frame"
    yield Row(name, "view in a dict", taken["frame"], taken["dict"], Target())


def running(pl: Any) -> Any:
    """The same as RUNNING, as an expression of Polars."""
    kind, amount = pl.col("type"), pl.col("amount")
    change = pl.when(kind == "bank.MoneyDeposited").then(amount).when(kind == "bank.MoneyWithdrawn").then(-amount)
    return change.otherwise(0).cum_sum().over("stream").alias("balance")
