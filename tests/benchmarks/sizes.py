"""How large the jobs are, where their files go, and what the yardsticks are called."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

LIBRARY, RAW = "pyeventsourcing", "raw executemany"
MINIMUM, ENVELOPE = "by hand, columns needed", "by hand, whole envelope"
FLAT = 1.5
"""A cost that must not grow with the log may be measured at so many times the cost in a short one."""


@dataclass(frozen=True)
class Sizes:
    """How much work a row does; counts of events unless the name says otherwise."""

    runs: int = 9
    few: int = 3
    """Runs of what takes many seconds."""
    stream: int = 20_000
    commands: int = 2_000
    accounts: int = 200
    log: int = 200_000
    log_accounts: int = 1_000
    steps: int = 300
    small: int = 10_000
    large: int = 1_000_000
    keys: int = 1_000
    moments: int = 500
    loads: int = 500
    long_stream: int = 100_000
    writers: int = 8
    writes: int = 250
    """Appends of each writer in a round."""
    viewed: int = 200_000
    """Events that are put into tables, by the other library one transaction each."""
    conditions: int = 100
    sightings: int = 200
    idle_seconds: float = 10
    played: tuple[int, ...] = (1_000, 10_000, 100_000)
    presses: int = 200
    growth: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    weighed: int = 200_000
    foreign: int = 200_000
    """Events in the files of other programs."""
    foreign_mb: int = 200
    """Megabytes of the XES file whose reading must not fill the memory; 0 = not read."""


QUICK = Sizes(runs=3, few=1, stream=2_000, commands=200, accounts=20, log=10_000, log_accounts=100, steps=100,
              small=2_000, large=20_000, keys=100, moments=100, loads=100, played=(1_000,), presses=20,
              long_stream=2_000, writes=10, viewed=1_000, conditions=20, sightings=20, idle_seconds=1,
              growth=(1_000, 4_000, 16_000), weighed=20_000, foreign=5_000, foreign_mb=0)  # fmt: skip


class Files:
    """Fresh paths in one folder, so that no run finds what another left."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._numbers = folder, itertools.count(1)

    def new(self) -> Path:
        return self.folder / f"{next(self._numbers)}.sqlite"
