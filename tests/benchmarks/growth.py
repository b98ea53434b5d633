"""Rows about growth: by which power the cost of a job goes up with the length of the log."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from eslab import frames
from eslab.domains.bank import AccountOpened, MoneyDeposited
from eslab.events import History
from eslab.stores.sqlite import SqliteStore
from eslab.timeline import Timeline
from tests.benchmarks.looking import stand, walk, walked
from tests.benchmarks.measure import Row, Seconds, Side, Target, exponent, race, scaled
from tests.benchmarks.reading import caught_up
from tests.benchmarks.sizes import Files, Sizes
from tests.benchmarks.story import SEED

AT_ONCE = 1_000
"""Events in a batch, each for another stream; every stream has ten."""
LINEAR, FLAT, SHOWN = Target("as exponent", 1.1), Target("as exponent", 0.1), Target("as exponent")


class Grown:
    """A log of one length; `append` comes first and writes it, later jobs find it in `store`."""

    store: SqliteStore

    def __init__(self, length: int, sizes: Sizes, files: Files) -> None:
        self.length, self.sizes, self.files, self.chance = length, sizes, files, random.Random(SEED)

    @property
    def streams(self) -> list[str]:
        return [f"account-{number}" for number in range(self.length // 10)]

    @property
    def amounts(self) -> int:
        """What was deposited in all."""
        return self.length // 10 * sum(range(2, 11))

    @functools.cached_property
    def timeline(self) -> Timeline:
        return walked(self.length, self.sizes)


# --- the jobs: what is timed, after what is made for each run, which is not -----------------------------------------


def append(log: Grown) -> Side:
    """Append the whole log to a new file, durably, batch by batch; the events of a stream come to lie far apart."""

    def write(_: object) -> int:
        log.store = SqliteStore(log.files.new())
        streams = log.streams
        for version in range(1, 11):
            event = MoneyDeposited(version) if version > 1 else AccountOpened("Ada")
            for first in range(0, len(streams), AT_ONCE):
                log.store.append({stream: [event] for stream in streams[first : first + AT_ONCE]})
        return log.store.position

    return Side("eslab", write)


def load(log: Grown) -> Side:
    def some() -> list[str]:
        return log.chance.choices(log.streams, k=log.sizes.loads)

    return Side("eslab", lambda streams: sum(len(log.store.load(stream)) for stream in streams), some)


def catch_up(log: Grown) -> Side:
    return Side("eslab", lambda _: sum(caught_up(log.store).values()))


def frame(log: Grown) -> Side:
    """Make a frame of a history in memory."""
    return Side(
        "eslab",
        lambda history: int(frames.events(history)["payload.amount"].sum()),
        lambda: History(log.store.read()),
    )


def step(log: Grown) -> Side:
    """Go on from anywhere, one event after the other."""
    timeline = log.timeline
    return Side("eslab", walk(timeline, log.sizes.moments, 1), lambda: stand(timeline, log.sizes, log.chance))


def seek(log: Grown) -> Side:
    """Go to any moment: there are 512 keyframes at most, so that a long history is folded on from further back."""
    timeline = log.timeline

    def anywhere() -> list[int]:
        return log.chance.sample(range(len(timeline)), k=log.sizes.moments)

    return Side("eslab", lambda indexes: sum(timeline[index].index == index for index in indexes), anywhere)


@dataclass(frozen=True)
class Job:
    """What is done with a log of each length, so many times in a run, and what must come out of it."""

    name: str
    side: Callable[[Grown], Side]
    result: Callable[[Grown], Any]
    target: Target
    times: Callable[[Sizes], int] = lambda sizes: 1


JOBS = (
    Job(f"append in batches of {AT_ONCE:,}, durable", append, lambda log: log.length, LINEAR),
    Job("load a stream of 10 events", load, lambda log: 10 * log.sizes.loads, FLAT, lambda sizes: sizes.loads),
    Job("catch-up of a projection", catch_up, lambda log: log.amounts, LINEAR),
    Job("frames.events", frame, lambda log: log.amounts, LINEAR),
    Job("one step on in a timeline", step, lambda log: log.sizes.moments - 1, FLAT, lambda sizes: sizes.moments),
    Job("seek in a timeline", seek, lambda log: log.sizes.moments, SHOWN, lambda sizes: sizes.moments),
)


def growth(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Each job at each length: the row is the exponent; the median times stand where other rows have a yardstick."""
    taken: dict[str, dict[int, Seconds]] = {job.name: {} for job in JOBS}
    for length in sizes.growth:
        log = Grown(length, sizes, files)
        for job in JOBS:
            taken[job.name][length] = _raced(job, log)
        log.store.close()
    for job in JOBS:
        runs = [{length: seconds[n] for length, seconds in taken[job.name].items()} for n in range(sizes.few)]
        name = f"{job.name}, {sizes.growth[0]:,} … {sizes.growth[-1]:,} events, exponent"
        yield Row(name, ", ".join(map(_median, taken[job.name].values())), list(map(exponent, runs)), None, job.target)


def _raced(job: Job, log: Grown) -> Seconds:
    sides = [job.side(log), Side("what is known", lambda _: job.result(log))]
    return race(sides, runs=log.sizes.few, per=job.times(log.sizes), warm_up=job.target == FLAT)["eslab"]


def _median(seconds: Seconds) -> str:
    factor, unit = scaled(median(seconds))
    return f"{median(seconds) * factor:.3g} {unit}"
