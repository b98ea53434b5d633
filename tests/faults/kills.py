"""kill -9 in the middle of an append: what was acknowledged is there, what was not is there whole or not at all."""

from __future__ import annotations

import itertools
import random
import statistics
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

from tests.faults.figures import Figures
from tests.faults.places import PROCESSES, Place, batches_in, without_gaps
from tests.faults.work import batches, keep_writing, opened, settled

ROUNDS_A_PLACE = 20
Heard = list[tuple[str, int, float]]
"""What a writer has said: a batch was begun or done, which one, and when."""
Blow = Callable[[], object]


def at_the_writer(process: BaseProcess) -> Blow:
    """kill -9 of the process that appends."""
    return process.kill


class Killing:
    """Rounds of one fault, twenty at each place; every other place has a chain."""

    def __init__(
        self, fault: str, places: Callable[[], Place], aim: Callable[[BaseProcess], Blow] = at_the_writer
    ) -> None:
        self.figures, self.places, self.aim = Figures(fault, ""), places, aim
        self.chance, self.name = random.Random(fault), fault.replace(" ", "-")
        self.seconds = [0.004]  # how long the appends took

    def run(self, rounds: int) -> Figures:
        """Strike so many times, at a random moment from the beginning of an append on."""
        for first in range(0, rounds, ROUNDS_A_PLACE):
            place, ledger = self.places(), dict[str, int]()
            with opened(place) as store:
                if first // ROUNDS_A_PLACE % 2:
                    store.chain()
            for number in range(first, min(first + ROUNDS_A_PLACE, rounds)):
                self._round(place, f"{self.name}-{number}", ledger)
            self.figures.store = place.kind
        inside = f"{self.figures.landed / rounds:.0%} struck inside an append"
        self.figures.noted = f"{inside}, which takes {self._typical() * 1e3:.1f} ms"
        return self.figures

    def _typical(self) -> float:
        return statistics.median(self.seconds[-200:])

    def _round(self, place: Place, name: str, ledger: dict[str, int]) -> None:
        hear, say = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=keep_writing, args=(place, name, say), daemon=True)
        process.start()
        say.close()
        heard = self._listen(hear, until=1)
        strike = self.aim(process)
        heard += self._listen(hear, until=heard[-1][1] + self.chance.randint(1, 6))
        time.sleep(self.chance.uniform(0, self._typical()))
        struck = time.perf_counter()
        strike()
        if self.aim is not at_the_writer:  # the writer finds out, goes on when it can, and is killed a little later
            heard += self._listen(hear, until=heard[-1][1] + self.chance.randint(2, 4))
            process.kill()
        process.join()
        heard += self._listen(hear, until=None)
        hear.close()
        self._judge(place, name, ledger, heard, struck)

    def _listen(self, hear: Any, until: int | None) -> Heard:
        """What the writer says, up to the beginning of a batch; None: up to its end."""
        heard: Heard = []
        while not heard or heard[-1][:2] != ("begun", until):
            try:
                heard.append(hear.recv())
            except EOFError:
                break
        pairs = itertools.pairwise(heard)
        self.seconds += [after[2] - before[2] for before, after in pairs if after[0] == "done"]
        return heard

    def _judge(self, place: Place, name: str, ledger: dict[str, int], heard: Heard, struck: float) -> None:
        """Look through the whole log; then let the last batch be appended again, as its writer would."""
        done = [number for verb, number, _ in heard if verb == "done"]
        written = dict(zip(range(1, len(done) + 2), batches(name), strict=False))
        sizes = {f"{name}-{n}": sum(map(len, events.values())) for n, events in written.items()}
        in_doubt = f"{name}-{len(done) + 1}"
        ledger |= {key: size for key, size in sizes.items() if key != in_doubt}
        with opened(place) as store:
            before = missing(store, ledger)
            settled(store, written[len(done) + 1])
            ledger[in_doubt] = sizes[in_doubt]
            after = missing(store, ledger)
        began = max(moment for verb, _, moment in heard if verb == "begun" and moment <= struck)
        landed = not any(verb == "done" and began < moment < struck for verb, _, moment in heard)
        lost, doubled = map(max, before, after)
        self.figures += Figures("", "", 1, landed, sum(sizes.values()), lost, doubled)


def missing(store: Any, ledger: dict[str, int]) -> tuple[int, int]:
    """How many events of acknowledged batches are not there, and how many are there twice.

    A log that does not verify, that has gaps, or that holds half of a batch, is an AssertionError or BrokenLog.
    """
    store.verify()
    log = list(store.read())
    assert without_gaps(log), "the log has gaps"
    found = {}
    for name, whole, twice in batches_in(log):
        assert whole, f"batch {name} is there in part"
        found[name] = twice
    return sum(size for name, size in ledger.items() if name not in found), sum(found.values())
