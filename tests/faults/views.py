"""kill -9 of what keeps a view, or delivers messages: view and checkpoint agree at every look, nothing is missing."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.crowd import Worker
from tests.faults.figures import Figures
from tests.faults.places import Place, batch
from tests.faults.server import Server
from tests.faults.view_work import (
    LOOK,
    Letterbox,
    cards_at,
    keep_catching_up,
    keep_delivering,
    keep_rebuilding,
    projector_at,
    run_in_the_background,
    view_in,
)
from tests.faults.work import PATIENCE_S, opened

Places = Callable[[], tuple[Place, Place]]
"""Makes a place for a log, and one for its view; both may be the same."""
EVENTS = 1_500
BATCHES = (5, 20, 60)
GONE_ON_WITHIN_S = 10


def filled(log: Place, events: int, seed: int = 1) -> int:
    """Append batches until there are about so many events; returns how many there are."""
    chance = random.Random(seed)
    with opened(log) as store:
        number = store.position
        while store.position < events:
            number += 1
            store.append(batch(f"b{seed}-{number}", chance))
        return store.position


class Eyes:
    """Looks into a view as anybody can, with one SELECT, and counts what must not be seen."""

    def __init__(self, view: Place, figures: Figures) -> None:
        self.view, self.figures, self.looks = view, figures, 0
        self.select = LOOK.format(f'"{view.schema}".' if view.schema else "")

    def __enter__(self) -> Eyes:
        if self.view.schema:
            self.db: Any = psycopg.connect(self.view.where, autocommit=True)
        else:
            self.db = sqlite3.connect(self.view.where, isolation_level=None, timeout=PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.db.close()

    def look(self) -> int:
        """The checkpoint. All events up to it must be in the view once; the log of these tests has no others."""
        checkpoint, rows, different, last, total = (int(n) for n in self.db.execute(self.select).fetchone())
        self.looks += 1
        self.figures.lost += max(0, checkpoint - different)
        self.figures.doubled += rows - different + max(0, last - checkpoint)
        assert total == rows, f"two tables of one view differ: {total} and {rows} events at checkpoint {checkpoint}"
        return checkpoint

    def must_see(self, end: int) -> None:
        """Look at a view that must hold everything up to `end`."""
        lost, doubled = self.figures.lost, self.figures.doubled
        found = self.look()
        lost, doubled = self.figures.lost - lost, self.figures.doubled - doubled
        seen = f"a reader saw checkpoint {found} of {end}, {lost} events missing and {doubled} too many"
        assert (found, lost, doubled) == (end, 0, 0), seen


# --- catching up ---


def kill_the_projector(places: Places, rounds: int) -> Figures:
    """Kill it in the middle of a batch, look, let another go on; from the beginning again when the log is through."""
    figures, chance = Figures("kill -9 of the projector", ""), random.Random(7)
    while figures.rounds < rounds:
        log, view = places()
        end = filled(log, min(EVENTS, 250 * rounds))
        figures.store, figures.acknowledged = named(log, view), figures.acknowledged + end
        _killed_until_done(log, view, end, figures, rounds, chance)
        with projector_at(log, view_in(view)) as projector, Eyes(view, figures) as eyes:
            projector.catch_up()
            eyes.must_see(end)
            live = contents(view, projector.state)
            projector.rebuild()
            assert contents(view, projector.state) == live, "made again it is another view"
    figures.noted = f"{figures.landed / figures.rounds:.0%} struck inside a batch"
    return figures


def _killed_until_done(
    log: Place, view: Place, end: int, figures: Figures, rounds: int, chance: random.Random
) -> None:  # fmt: skip
    reached, seconds = 0, 0.005
    with projector_at(log, view_in(view)), Eyes(view, figures) as eyes:  # so that the tables are there
        while figures.rounds < rounds and reached < end:
            worker = Worker(keep_catching_up, log, view, chance.choice(BATCHES))
            began = _heard(worker, chance.randint(1, 4))
            time.sleep(chance.uniform(0, seconds))
            worker.kill()
            worker.run.join()
            said = ["begun" if began else "end", *_rest(worker)]
            inside = said[-1] == "begun"
            seconds *= 1.15 if inside else 0.8  # to strike as often close to the commit as early
            figures.rounds += 1
            figures.landed += inside
            checkpoint = eyes.look()
            figures.lost += max(0, reached - checkpoint)
            reached = checkpoint


def _heard(worker: Worker, batches: int) -> bool:
    """Wait until so many batches were begun, or the end."""
    with contextlib.suppress(EOFError):
        while batches:
            word, _ = worker.said()
            if word == "end":
                return False
            batches -= word == "begun"
        return True
    return False


def _rest(worker: Worker) -> Iterator[str]:
    """The words that it has said before it ended."""
    with contextlib.suppress(EOFError):
        while True:
            yield worker.said()[0]


def contents(view: Place, db: Any) -> tuple[list[Any], list[Any]]:
    """All that is in the view."""
    return (
        db.execute("SELECT position, stream FROM handled ORDER BY position").fetchall(),
        db.execute("SELECT stream, events FROM totals ORDER BY stream").fetchall(),
    )


def named(log: Place, view: Place) -> str:
    return f"{view.kind}, {'with the log' if log == view else 'apart'}"


# --- rebuilding ---


def kill_a_rebuild(places: Places, rounds: int, events: int = EVENTS) -> Figures:
    """Kill it while it builds, or in the swap; whoever looks meanwhile sees the whole view, each time."""
    figures, chance = Figures("kill -9 of a rebuild", ""), random.Random(8)
    log, view = places()
    end = filled(log, events)
    figures.store, figures.acknowledged = named(log, view), end
    swaps, left = [0.005], 0
    with projector_at(log, view_in(view)) as projector, Eyes(view, figures) as eyes:
        projector.catch_up()
        for number in range(rounds):
            worker = Worker(keep_rebuilding, log, view)
            for word in ("rebuilding", "swapping") if number % 2 else ("rebuilding",):
                while worker.said()[0] != word:
                    pass
            until = time.monotonic() + chance.uniform(0, statistics.median(swaps) if number % 2 else 0.05)
            began = time.monotonic()
            while not worker.hear.poll(0) and time.monotonic() < until:
                eyes.must_see(end)
            if number % 2 and worker.hear.poll(0):
                swaps.append(time.monotonic() - began)
            worker.kill()
            worker.run.join()
            last = ["swapping" if number % 2 else "rebuilding", *_rest(worker)][-1]
            figures.rounds += 1
            figures.landed += last == ("swapping" if number % 2 else "rebuilding")
            eyes.must_see(end)
            left += bool(left_over(view, eyes))
        before = contents(view, projector.state)
        projector.rebuild()
        assert contents(view, projector.state) == before
        assert not left_over(view, eyes), "the place holds what a killed rebuild has left"
        seen = f"{eyes.looks:,} looks of a reader, all at a whole view"
        figures.noted = f"{seen}; every other kill in the swap; what {left} kills left is gone"
    return figures


def left_over(view: Place, eyes: Eyes) -> list[str]:
    """What lies beside the view that is not the view."""
    if view.schema:
        asked = "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)"
        return [name for (name,) in eyes.db.execute(asked, [f"{view.schema}__"])]
    return [path.name for path in Path(view.where).parent.glob("*beside*")]


# --- several processes with one view ---


def kill_the_leader(places: Places, rounds: int, most: int = 3) -> Figures:
    """Three processes run one projection in the background: one works, and when it is killed another goes on."""
    figures, away = Figures("kill -9 of the leader", ""), list[float]()
    log, view = places()
    filled(log, 40)
    figures.store = named(log, view)
    with projector_at(log, view_in(view)), Eyes(view, figures) as eyes, opened(log) as store:
        workers = [_ready(log, view) for _ in range(most)]
        try:
            for number in range(rounds):
                _wait_until(lambda: eyes.look() == store.position)
                leader = _the_one_that_works(workers)
                leader.kill()
                leader.run.join()
                struck = time.monotonic()
                store.append(batch(f"after-{number}", random.Random(number)))
                _wait_until(lambda: eyes.look() == store.position)
                away.append(time.monotonic() - struck)
                workers = [one for one in workers if one is not leader] + [_ready(log, view)]
                figures.rounds += 1
                figures.landed += 1
        finally:
            for worker in workers:
                worker.kill()
                worker.run.join()
        figures.acknowledged = store.position
    figures.noted = f"another goes on after {statistics.median(away):.2f} s, at most {max(away):.2f} s"
    return figures


def _ready(log: Place, view: Place) -> Worker:
    worker = Worker(run_in_the_background, log, view)
    word, _ = worker.said()
    if word == "leads":
        worker.leads = True
    return worker


def _the_one_that_works(workers: list[Worker]) -> Worker:
    """The only one that has said that it leads."""
    for worker in workers:
        while worker.hear.poll(0):
            worker.leads = worker.hear.recv()[0] == "leads" or worker.leads
    leading = [worker for worker in workers if worker.leads]
    assert len(leading) == 1, f"{len(leading)} processes lead in one view, expected one"
    return leading[0]


def _wait_until(so: Callable[[], bool]) -> None:
    until = time.monotonic() + GONE_ON_WITHIN_S
    while not so():
        if time.monotonic() > until:
            raise TimeoutError("nobody goes on with the view")
        time.sleep(0.005)


# --- messages ---


def kill_the_delivery(
    places: Places, folders: Callable[[], Path], rounds: int, *, events: int = 300, kind_of_box: Any = Letterbox
) -> Figures:
    """Kill it while it hands messages over: each comes at least once, and again only with the key it had."""
    figures, chance, again = Figures("kill -9 of a delivery", ""), random.Random(9), 0
    while figures.rounds < rounds:
        log, outbox = places()
        end = filled(log, events)
        figures.store = named(log, outbox)
        figures.acknowledged += end
        box = kind_of_box(folders() / "box.txt")
        more, seconds = True, 0.002
        while more and figures.rounds < rounds:
            worker = Worker(keep_delivering, log, outbox, box)
            more = _heard(worker, chance.randint(1, 12))
            time.sleep(chance.uniform(0, seconds))
            worker.kill()
            worker.run.join()
            said = ["begun" if more else "end", *_rest(worker)]
            inside, more = said == ["begun"], said[-1] != "end"
            seconds *= 1.15 if inside else 0.8
            figures.rounds += 1
            figures.landed += more
        last = Worker(keep_delivering, log, outbox, box)
        while last.said()[0] != "end":
            pass
        last.run.join()
        keys: dict[int, set[str]] = {position: set() for position in range(1, end + 1)}
        for position, key in box.came():
            keys[position].add(key)
        figures.lost += sum(not one for one in keys.values())
        figures.doubled += sum(len(one) > 1 for one in keys.values())
        assert len(set().union(*keys.values())) == sum(map(len, keys.values())), "two messages have one key"
        again += len(box.came()) - sum(map(len, keys.values()))
        with projector_at(log, cards_at(outbox)) as projector:
            assert projector.checkpoint == end
    figures.noted = f"{again} came again, with the same key"
    return figures


# --- the server ---


def kill_the_server(places: Places, server: Server, rounds: int) -> Figures:
    """Kill it under a projector that runs in the background: that waits, and goes on by itself."""
    figures, away = Figures("kill -9 of the server, projector", ""), list[float]()
    log, view = places()
    filled(log, 40)
    figures.store = named(log, view)
    worker = _ready(log, view)
    for number in range(rounds):
        with opened(log) as store:
            store.append(batch(f"before-{number}", random.Random(number)))
        server.kill()
        server.start()
        back = time.monotonic()
        with opened(log) as store, Eyes(view, figures) as eyes:
            store.append(batch(f"after-{number}", random.Random(number)))
            _wait_until(lambda eyes=eyes, store=store: eyes.look() == store.position)
            away.append(time.monotonic() - back)
            figures.acknowledged = store.position
        figures.rounds += 1
        figures.landed += 1
    worker.kill()
    worker.run.join()
    figures.noted = f"it goes on {statistics.median(away):.2f} s after the server, at most {max(away):.2f} s"
    return figures
