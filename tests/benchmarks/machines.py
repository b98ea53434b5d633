"""Rows about many machines: the same fold over a log in partitions, by the workers of a cluster and here alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eslab import scale
from eslab.domains.bank import Account
from eslab.readers.parquet import to_parquet
from eslab.stores import connect
from tests.benchmarks import by_hand
from tests.benchmarks.measure import Row, Side, Target, race
from tests.benchmarks.places import POSTGRES, Places, fill, places
from tests.benchmarks.sizes import Files, Sizes
from tests.benchmarks.story import SEED, balance_of, interleaved, story

WORKERS, PARTITIONS, PARQUET = 2, 16, "Parquet"


def machines(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Rebuild every account of a log. The workers are there already; each time all of them read the log anew."""
    with places(files) as somewhere, scale.cluster(workers=WORKERS) as client:
        for place in (PARQUET, POSTGRES):
            log = _log_in(place, somewhere, sizes)
            taken = race([
                Side("Dask", lambda client, log=log: _balances(log, client), lambda: client),
                Side("here", lambda _, log=log: _balances(log, None)),
                Side("the stories", lambda _: _known(sizes)),
            ], runs=sizes.few)  # fmt: skip
            name = f"{place}: fold {sizes.large:,} events in {PARTITIONS} partitions, Dask with {WORKERS} workers"
            yield Row(name, "here, without Dask", taken["Dask"], taken["here"], Target("faster"))


def _log_in(place: str, somewhere: Places, sizes: Sizes) -> str:
    """The log as it is to be folded: a folder, or an address."""
    history = by_hand.recorded(interleaved(sizes.large, sizes.log_accounts))
    if place == PARQUET:
        folder = somewhere.files.new().with_suffix("")
        to_parquet(history, folder, partitions=PARTITIONS)
        return str(folder)
    with connect(address := somewhere.address(place)) as store:
        fill(store, history)
    return address


def _balances(log: str, client: Any) -> dict[str, int]:
    states = scale.fold(log, Account, client=client, partitions=PARTITIONS, progress=False)
    return {stream: account.balance for stream, account in states.items()}


def _known(sizes: Sizes) -> dict[str, int]:
    length, accounts = sizes.large, sizes.log_accounts
    return {f"account-{n}": balance_of(story(length // accounts - 1, SEED + n)) for n in range(accounts)}
