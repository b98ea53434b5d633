"""The rows of the table by name: each does one job on every side, and yields how long it took."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

from tests.benchmarks import served, views
from tests.benchmarks.deciding import conditions
from tests.benchmarks.evidence import chain
from tests.benchmarks.foreign import foreign
from tests.benchmarks.framing import frame_projection, states_frame
from tests.benchmarks.growth import growth
from tests.benchmarks.looking import steps, trace
from tests.benchmarks.machines import machines
from tests.benchmarks.measure import Row, Target
from tests.benchmarks.memory import memory
from tests.benchmarks.player import player
from tests.benchmarks.reading import catch_up, large_log, load, snapshots
from tests.benchmarks.sizes import Files, Sizes
from tests.benchmarks.waiting import idle, latency
from tests.benchmarks.writing import append, commands


def imports(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Import eslab in a fresh process; timed inside it, so without the start of Python itself.

    Compiled modules are kept from one process to the next, as they are wherever a library is installed.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(files.folder), "PYTHONDONTWRITEBYTECODE": ""}
    ours, both = [], []
    for number in range(4 * sizes.runs + 1):
        first, second = (_import_seconds(modules, environment) for modules in ("eslab", "sqlite3, msgspec"))
        if number:
            ours.append(first)
            both.append(second)
    yield Row("import eslab", "import sqlite3, msgspec", ours, both, Target("within", 2))


def _import_seconds(modules: str, environment: dict[str, str]) -> float:
    program = f"import time; t = time.perf_counter(); import {modules}; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
    return float(done.stdout)


ROWS: dict[str, Callable[[Sizes, Files], Iterator[Row]]] = {
    "load": load, "append": append, "commands": commands, "catch-up": catch_up, "steps": steps,
    "large-log": large_log, "snapshots": snapshots, "conditions": conditions, "chain": chain, "latency": latency,
    "idle": idle, "views": views.views, "many": views.many, "visible": views.visible, "rebuild": views.rebuild,
    "pg-load": served.load, "pg-append": served.append, "pg-commands": served.commands,
    "pg-catch-up": served.catch_up, "pg-writers": served.writers, "pg-views": views.pg_views, "import": imports,
    "trace": trace, "states-frame": states_frame, "frame-projection": frame_projection, "growth": growth,
    "memory": memory, "readers": foreign, "scale": machines, "player": player,
}  # fmt: skip
