"""The exercises of notebook 07, run views in the background."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, trying
from eslab.domains.flights import FlightCancelled, FlightDeparted
from eslab.events import Recorded
from eslab.projections import Projection, Projector
from eslab.stores.memory import MemoryStore
from eslab.testing import counting_ids, ticking_clock


def _log(*facts: Any) -> MemoryStore:
    store = MemoryStore(clock=ticking_clock(), ids=counting_ids())
    for number, fact in enumerate(facts, start=1):
        store.append(f"flight-{number}", [fact])
    return store


def _parked(parked: Answer) -> None:
    events = [(1, "flight-7"), (2, "flight-8"), (3, "flight-7"), (4, "flight-8"), (5, "flight-7")]
    trying(parked, events, {3}).gives(
        [3, 5], slips={(3,): "only the bad one", (3, 4, 5): "all later events", (1, 3, 5): "the whole stream"}
    ).unchanged()
    trying(parked, events, {1, 5}).gives([1, 3, 5])
    trying(parked, events, {2, 3}).gives([2, 3, 4, 5])
    trying(parked, events, set()).gives([])


class _Slow(Projection):
    """How many flights are cancelled, counted by somebody in no hurry."""

    name = "cancelled"
    types = (FlightCancelled,)

    def initial(self) -> int:
        return 0

    def evolve(self, state: int, recorded: Recorded) -> int:
        time.sleep(0.15 if state else 0)
        return state + 1


def _own_event(append_and_see: Answer) -> None:
    store = _log(FlightCancelled("LGA"), FlightDeparted("JFK", 5))
    with Projector(store, _Slow) as projector:
        projector.wait_for(2)
        tried = "a view that has counted one cancelled flight, and that takes its time; then another is cancelled"
        trying(append_and_see, store, projector, "flight-3", FlightCancelled("EWR"), tried=tried).gives(
            2, slips={1: "does not wait"}
        )
        if store.position != 3:
            raise NotYet("appends nothing", tried=tried, found=store.position)


class _PowerCut(BaseException):
    """The end of a program before one of its statements."""


class _Cursor(sqlite3.Cursor):
    def execute(self, *arguments: Any) -> _Cursor:
        connection: Any = self.connection
        connection.left -= 1
        if connection.left < 0:
            raise _PowerCut
        super().execute(*arguments)
        return self


class _Wired(sqlite3.Connection):
    """A connection that dies before one of its statements, first = 0."""

    left = 10_000

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    def execute(self, *arguments: Any) -> Any:
        return self.cursor().execute(*arguments)


def _new_view(path: Path) -> Path:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE cancelled AS SELECT 0 AS flights")
    db.execute("CREATE TABLE checkpoint AS SELECT 0 AS position")
    db.close()
    return path


def _caught_up(path: Path, catch_up: Answer, store: MemoryStore, cut_at: int) -> tuple[int, int, bool]:
    """The two numbers in the file at the end, and whether the power failed on the way."""
    cut = False
    for left in (cut_at, _Wired.left):
        db: Any = sqlite3.connect(path, isolation_level=None, factory=_Wired)
        try:
            db.execute("PRAGMA synchronous = OFF")
            db.left = left
            catch_up(store, db)
            break
        except _PowerCut:
            cut = True
        finally:
            db.close()
    db = sqlite3.connect(path)
    flights, position = db.execute("SELECT flights, position FROM cancelled, checkpoint").fetchone()
    db.close()
    return flights, position, cut


def _exactly_once(catch_up: Answer) -> None:
    lga, jfk, ewr = FlightCancelled("LGA"), FlightDeparted("JFK", 5), FlightCancelled("EWR")
    store, cut_at = _log(lga, jfk, lga, ewr), -1
    with tempfile.TemporaryDirectory() as folder:
        tried = "a log of 4 events, 3 of them cancelled flights; the power does not fail"
        whole = trying(_caught_up, _new_view(Path(folder, "view.db")), catch_up, store, _Wired.left, tried=tried)
        flights, position, cut = whole.result
        if flights != 3:
            raise NotYet({0: "nothing kept", 4: "every event"}.get(flights), tried=tried, found=flights)
        if position != store.position:
            raise NotYet("no checkpoint", tried=tried, found=position)
        while cut or cut_at < 0:
            cut_at += 1
            tried = f"3 cancelled flights; the power fails before statement {cut_at + 1}, then the program starts again"
            path = _new_view(Path(folder, f"{cut_at}.db"))
            flights, position, cut = trying(_caught_up, path, catch_up, store, cut_at, tried=tried).result
            if flights != 3:
                raise NotYet("twice" if flights > 3 else "lost", tried=tried, found=flights)


EXERCISES = (
    Exercise.prediction(
        "07.1",
        "What is left after a power cut",
        answer=[5, 3],
        slips={
            (3, 5): "One of the two repeats an event, the other one leaves it out. Which is which?",
            (4, 4): "The program starts again after its checkpoint. Where does the checkpoint stand, in each file?",
            (5, 4): "The colleague's checkpoint says that position 4 is done. Was it?",
            (4, 3): "The view was changed before the power failed. What does the program read first when it starts?",
            (5, 5): "The colleague's program does not read position 4 a second time. Did it count it the first time?",
            (3, 3): "In the first file the count was changed before the power failed. Is that undone?",
        },
        hints=(
            "Write down the two tables at the moment at which the power fails.",
            "Starting again means: read everything after the checkpoint.",
        ),
        solution="prediction = [4 + 1, 4 - 1]",
        why="With the view first an event can be counted twice, with the checkpoint first it can be lost.",
        difficulty=1,
    ),
    Exercise(
        "07.2",
        "Which events wait",
        kind="function",
        difficulty=2,
        start="""
            def parked(events, bad):
                ...
        """,
        check=_parked,
        mistakes={
            "only the bad one": Mistake(
                hint="May the arrival of a flight be handled, when its departure could not be?",
                code="""
                    def parked(events, bad):
                        return [position for position, stream in events if position in bad]
                """,
            ),
            "all later events": Mistake(
                hint="A flight of another stream has nothing to do with it. Why should it wait?",
                code="""
                    def parked(events, bad):
                        return [position for position, stream in events if bad and position >= min(bad)]
                """,
            ),
            "the whole stream": Mistake(
                hint="What came before the bad event has been handled, and is in the view. Need it wait?",
                code="""
                    def parked(events, bad):
                        streams = {stream for position, stream in events if position in bad}
                        return [position for position, stream in events if stream in streams]
                """,
            ),
        },
        hints=(
            "Go through the events in order, and keep a set of the streams in which something went wrong.",
            "An event waits if it is bad, or if its stream is in the set already.",
        ),
        solution="""
            def parked(events, bad):
                stuck, waiting = set(), []
                for position, stream in events:
                    if position in bad or stream in stuck:
                        stuck.add(stream)
                        waiting.append(position)
                return waiting
        """,
        why="Order matters within a stream, and hardly ever between two: so one stream waits, and all others go on.",
    ),
    Exercise.value(
        "07.3",
        "Three mornings, three remedies",
        start="remedies = ...",
        answer=["retry", "rebuild", "skip"],
        slips={
            ("retry", "retry", "skip"): "On the second morning nothing waits as a dead letter. What would be handled?",
            ("retry", "skip", "skip"): "On the second morning no event is to blame. Who is?",
            ("rebuild", "rebuild", "skip"): "It would do, but on the first morning only nine events are not in "
            "the view. Must the whole log be read for them?",
            ("retry", "rebuild", "rebuild"): "On the third morning the same event would be met again, and fail again.",
            ("retry", "rebuild", "retry"): "On the third morning nothing has changed since the event failed. Why "
            "should it work now?",
            ("skip", "rebuild", "skip"): "On the first morning the events are good ones. Should the view do without?",
        },
        hints=(
            "Ask each time: what was wrong, the world, the code or the event?",
            "Only one of the three reads the log from its first event, and only one needs a reason.",
        ),
        solution='remedies = ["retry", "rebuild", "skip"]',
        why="What was wrong decides: the world is right again, the code has been mended, or the event is no good.",
        difficulty=2,
    ),
    Exercise(
        "07.4",
        "See your own event",
        kind="function",
        difficulty=3,
        start="""
            def append_and_see(store, projector, stream, fact):
                ...
        """,
        check=_own_event,
        mistakes={
            "does not wait": Mistake(
                hint="The view was asked before the event was in it. How far must it have come, and who can tell you?",
                code="""
                    def append_and_see(store, projector, stream, fact):
                        store.append(stream, [fact])
                        return projector.state
                """,
            ),
            "appends nothing": Mistake(
                hint="The number is right, but the log has not grown. Who put the event there?",
                code="""
                    def append_and_see(store, projector, stream, fact):
                        return projector.state + 1
                """,
            ),
        },
        hints=(
            "`store.append` returns what was recorded, and that knows its position.",
            "`projector.wait_for(…)` returns when the view has come as far as that.",
        ),
        solution="""
            def append_and_see(store, projector, stream, fact):
                [recorded] = store.append(stream, [fact])
                projector.wait_for(recorded.position)
                return projector.state
        """,
        why="Who wants to see their own event waits for its position; everybody else need not wait at all.",
    ),
    Exercise(
        "07.5",
        "Exactly once",
        kind="function",
        difficulty=4,
        start="""
            def catch_up(store, db):
                ...
        """,
        check=_exactly_once,
        mistakes={
            "twice": Mistake(
                hint="Between which two statements did the power fail, and what was on the disk already?",
                code="""
                    from eslab.domains.flights import FlightCancelled

                    def catch_up(store, db):
                        [(checkpoint,)] = db.execute("SELECT position FROM checkpoint").fetchall()
                        for recorded in store.read(after=checkpoint):
                            if isinstance(recorded.payload, FlightCancelled):
                                db.execute("UPDATE cancelled SET flights = flights + 1")
                            db.execute("UPDATE checkpoint SET position = ?", [recorded.position])
                """,
            ),
            "lost": Mistake(
                hint="After the power failed, the checkpoint said that an event was done. Was it in the view?",
                code="""
                    from eslab.domains.flights import FlightCancelled

                    def catch_up(store, db):
                        [(checkpoint,)] = db.execute("SELECT position FROM checkpoint").fetchall()
                        for recorded in store.read(after=checkpoint):
                            db.execute("UPDATE checkpoint SET position = ?", [recorded.position])
                            if isinstance(recorded.payload, FlightCancelled):
                                db.execute("UPDATE cancelled SET flights = flights + 1")
                """,
            ),
            "nothing kept": Mistake(
                hint="All was well until the connection was closed. What was begun, and never ended?",
                code="""
                    from eslab.domains.flights import FlightCancelled

                    def catch_up(store, db):
                        db.execute("BEGIN")
                        [(checkpoint,)] = db.execute("SELECT position FROM checkpoint").fetchall()
                        for recorded in store.read(after=checkpoint):
                            if isinstance(recorded.payload, FlightCancelled):
                                db.execute("UPDATE cancelled SET flights = flights + 1")
                            db.execute("UPDATE checkpoint SET position = ?", [recorded.position])
                """,
            ),
            "every event": Mistake(
                hint="A flight has departed from JFK. Is it cancelled?",
                code="""
                    def catch_up(store, db):
                        [(checkpoint,)] = db.execute("SELECT position FROM checkpoint").fetchall()
                        for recorded in store.read(after=checkpoint):
                            db.execute("BEGIN")
                            db.execute("UPDATE cancelled SET flights = flights + 1")
                            db.execute("UPDATE checkpoint SET position = ?", [recorded.position])
                            db.execute("COMMIT")
                """,
            ),
            "no checkpoint": Mistake(
                hint="The view is right. Where would the next program begin to read?",
                code="""
                    from eslab.domains.flights import FlightCancelled

                    def catch_up(store, db):
                        [(checkpoint,)] = db.execute("SELECT position FROM checkpoint").fetchall()
                        db.execute("BEGIN")
                        for recorded in store.read(after=checkpoint, types=[FlightCancelled]):
                            db.execute("UPDATE cancelled SET flights = flights + 1")
                        db.execute("COMMIT")
                """,
            ),
        },
        hints=(
            "Which statements must never be kept one without the other? Put them between a BEGIN and a COMMIT.",
            "The checkpoint is read before the loop; in the loop it moves with every event, counted or not.",
        ),
        solution="""
            from eslab.domains.flights import FlightCancelled

            def catch_up(store, db):
                [(checkpoint,)] = db.execute("SELECT position FROM checkpoint").fetchall()
                for recorded in store.read(after=checkpoint):
                    db.execute("BEGIN")
                    if isinstance(recorded.payload, FlightCancelled):
                        db.execute("UPDATE cancelled SET flights = flights + 1")
                    db.execute("UPDATE checkpoint SET position = ?", [recorded.position])
                    db.execute("COMMIT")
        """,
        why="At least once, and the checkpoint in the same transaction: together they are exactly once.",
    ),
)
