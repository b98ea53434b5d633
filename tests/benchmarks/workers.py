"""A worker is another process that does one task; it is told what to do, and answers, in lines of JSON."""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Self

CHECKOUT = Path(__file__).parents[2]
Listen = Iterator[Any]


class Worker:
    """The process, ready for its task: an address, which may hold a password, goes to it by its standard input."""

    def __init__(self, task: dict[str, Any]) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.workers"]
        self._process = subprocess.Popen(
            command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.tell(task)

    def tell(self, what: Any) -> None:
        assert self._process.stdin is not None
        print(json.dumps(what), file=self._process.stdin, flush=True)

    def hear(self) -> Any:
        """The next answer. Raises RuntimeError if the process has ended without one."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.end()
            raise RuntimeError("a worker ended without an answer, see what it printed above")
        return json.loads(line)

    def __enter__(self) -> Self:
        self.hear()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        self._process.communicate()


def say(what: Any) -> None:
    print(json.dumps(what), flush=True)


def append(told: Listen, *, dsn: str, schema: str, stream: str) -> None:
    """As often as it is told, append one event to the stream."""
    from eslab.domains.bank import AccountOpened, MoneyDeposited
    from eslab.stores.postgres import PostgresStore

    with PostgresStore(dsn, schema=schema) as store:
        version = len(store.append(stream, [AccountOpened("Ada")]))
        say("ready")
        for writes in told:
            for _ in range(writes):
                store.append(stream, [MoneyDeposited(1)], expected_version=version)
                version += 1
            say("done")


def save(told: Listen, *, dsn: str, schema: str, stream: str) -> None:
    """The same with the other library."""
    from tests.benchmarks import theirs

    with closing(theirs.open_bank_in(dsn, schema, make=False)) as bank:
        account = theirs.played(stream, [])
        bank.save(account)
        say("ready")
        for writes in told:
            for _ in range(writes):
                account.deposit(1)
                bank.save(account)
            say("done")


def watch(told: Listen, *, address: str) -> None:
    """Follow a log, as many events as it is told, and answer at what position and when each was seen."""
    from eslab.stores import connect

    with connect(address) as store, store.subscribe(after=store.position) as events:
        say("ready")
        for count in told:
            say([(recorded.position, time.perf_counter()) for recorded in itertools.islice(events, count)])


def project(told: Listen, *, address: str, view: dict[str, str]) -> None:
    """Keep a view in the background, and answer when each event, up to as many as it is told, was in it."""
    from eslab.stores import connect
    from tests.benchmarks.views import caught_up, firsts, projection_at, seen_by

    with connect(address) as store:
        projector, checkpoints = caught_up(store, projection_at(view)), queue.SimpleQueue[tuple[int, float]]()
        seen_by(projector, checkpoints.put)
        with projector:
            say("ready")
            for count in told:
                say(firsts(iter(checkpoints.get, None), count))


def idle(told: Listen, *, address: str) -> None:
    """Wait for events that never come, as many seconds as it is told, and answer how many percent of a core it took."""
    from eslab.stores import connect

    with connect(address) as store:
        say("ready")
        for seconds in told:
            used, began = time.process_time(), time.perf_counter()
            list(store.subscribe(after=store.position, timeout=seconds))
            say(100 * (time.process_time() - used) / (time.perf_counter() - began))


def weigh(told: Listen, *, path: str, kind: str) -> None:
    """Make something of a log, once, and answer how many bytes of memory that took for each event."""
    from tests.benchmarks.memory import weighed

    say("ready")
    for _ in told:
        say(weighed(kind, path))


def read(told: Listen, *, path: str) -> None:
    """Read a file of another program, and answer how many megabytes of memory that took at most."""
    from tests.benchmarks.foreign import peak_of

    say("ready")
    for _ in told:
        say(peak_of(path))


TASKS: dict[str, Callable[..., None]] = {
    "append": append,
    "save": save,
    "watch": watch,
    "project": project,
    "idle": idle,
    "weigh": weigh,
    "read": read,
}


def main() -> None:
    told = map(json.loads, sys.stdin)
    given = next(told)
    TASKS[given.pop("task")](told, **given)


if __name__ == "__main__":
    main()
