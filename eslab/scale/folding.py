"""To fold a log at scale is to fold each of its partitions, wherever, and to lay what came of them together."""

from __future__ import annotations

import datetime as dt
import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eslab import show
from eslab.aggregates import Aggregate, Decider, as_fold
from eslab.codec import stored_time
from eslab.projections import Projection
from eslab.scale.clusters import work
from eslab.scale.partitions import partitions as parted
from eslab.scale.work import Asked, States, Told
from eslab.views import InvalidFold, Running, View

if TYPE_CHECKING:
    import pandas as pd

Log = str | os.PathLike[str]
Merge = Callable[[Any, Any], Any]


def fold(
    log: Log, by: Any, *, client: Any = None, merge: Merge | None = None, partitions: int | None = None,
    recorded_until: dt.datetime | None = None, occurred_until: dt.datetime | None = None,
    progress: bool | None = None,
) -> Any:  # fmt: skip
    """The state of every stream of a log, a dict by its name, sorted; with `merge`, one state of all streams.

    `log` is a folder that `readers.to_parquet` has written, where all workers see it, or the address of a store in
    PostgreSQL. `client` is a Dask client, as `cluster` gives it; without one the partitions are folded here, one after
    the other. A projection sees many streams, so it needs `merge(one, other)`: the state after the events of both, of
    streams that only one of them has seen. `mergeable` tries whether that holds.

    Times are inclusive. A worker that ends in the middle changes nothing: another one does its partitions again.

    Raises PartitionFailed with the event that cannot be folded, InvalidFold, or what `partitions` raises.
    """
    _check(by, merge)
    asked = Asked(by, merge is not None, *_texts(recorded_until, occurred_until))
    told = _told(log, asked, client, partitions, progress)
    if merge is None:
        return {stream: state for stream, (_, state) in sorted(_together(told).items())}
    states = [one.states[""][1] for one in told if one.states]
    return functools.reduce(merge, states) if states else Running(View(by), ()).fold.initial()


def at(
    log: Log, by: Any, *, client: Any = None, partitions: int | None = None, recorded_until: dt.datetime | None = None,
    occurred_until: dt.datetime | None = None, progress: bool | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The state of every stream of a log at a moment: the frame that `frames.at` makes, equal in every cell and dtype.

    Everything else is as in `fold`.
    """
    from eslab.frames.moments import at_rows  # here, because the workers need no pandas

    _check(by, None)
    asked = Asked(by, False, *_texts(recorded_until, occurred_until), last=True)
    told = _told(log, asked, client, partitions, progress)
    rows = [(last, state) for last, state in _together(told).values() if last is not None]
    return at_rows(rows, initial=as_fold(by).initial())


def _check(by: Any, merge: Merge | None) -> None:
    made = Running(View(by), ()).fold
    if isinstance(made, Projection) and merge is None:
        raise InvalidFold(
            f"projection {made.name} sees the events of many streams, and no worker has them all: say merge=, a "
            f"function that takes the states of two partitions and returns that of both", found=by,
        )  # fmt: skip
    if merge is not None and (isinstance(made, Decider) or (isinstance(by, type) and issubclass(by, Aggregate))):
        raise InvalidFold(
            f"{by!r} is folded stream by stream, so there is nothing to merge: leave merge= away, or fold a "
            f"Projection", found=by,
        )  # fmt: skip


def _texts(recorded_until: dt.datetime | None, occurred_until: dt.datetime | None) -> tuple[str | None, str | None]:
    return (
        None if recorded_until is None else stored_time(recorded_until, "recorded_until"),
        None if occurred_until is None else stored_time(occurred_until, "occurred_until"),
    )


def _told(log: Log, asked: Asked, client: Any, number: int | None, progress: bool | None) -> list[Told]:
    parts = parted(log, number)
    with show.progress(sum(part.events for part in parts), "fold", progress) as bar:
        return work(parts, asked, client, bar.update)


def _together(told: list[Told]) -> States:
    return {stream: row for one in told for stream, row in one.states.items()}
