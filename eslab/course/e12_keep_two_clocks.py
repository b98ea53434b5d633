"""The exercises of notebook 12, keep two clocks."""

from __future__ import annotations

import datetime as dt
from itertools import permutations

from eslab.aggregates import fold
from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, expect, trying
from eslab.domains.bank import MoneyDeposited
from eslab.domains.league import ResultCorrected, ResultRecorded
from eslab.domains.quakes import EarthquakeReported
from eslab.events import History, NewEvent, Recorded, record
from eslab.stores.memory import MemoryStore

MONDAY = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def _told(happened: dt.datetime, told: dt.datetime, n: int) -> Recorded:
    """The n-th deposit of an account, of n euros."""
    return record(MoneyDeposited(n), stream="account-1", version=n, position=n, recorded_at=told, occurred_at=happened)


def _late_news(late_news: Answer) -> None:
    days = ((0, 0), (3, 4), (4, 5), (1, 6), (6, 6), (5, 7), (2, 8))
    history = History(_told(MONDAY + a * DAY, MONDAY + b * DAY, n) for n, (a, b) in enumerate(days, 1))
    known, after = history[:3], history[3:]
    late, happened = (history[3], history[5], history[6]), tuple(r for r in history if r is not history[4])
    slips = {after: "all that came later", known: "known by then", happened: "one clock", (): "told beforehand"}
    slips |= {(known[2], *late): "known at that moment", (known[2], late[0], late[2]): "known at that moment"}
    slips |= {(late[0], late[2]): "happened at that moment"}
    tried = "seven deposits, closing at midnight of 7 March; the answer is a list of events"
    trying(late_news, list(history), MONDAY + 5 * DAY, tried=tried).gives(late, slips=slips)
    trying(late_news, list(known), MONDAY + 5 * DAY, tried="three deposits, all known by then").gives([])


def _correct_score(correct_score: Answer) -> None:
    days = iter(range(1, 9))
    store = MemoryStore(clock=lambda: MONDAY + next(days) * DAY)
    result = NewEvent(ResultRecorded("Delft", "Leiden", 2, 1), occurred_at=MONDAY)
    believed = store.append("match-delft-leiden", [result])[0]
    believed = _corrected(correct_score, store, believed, (2, 2))
    _corrected(correct_score, store, believed, (3, 2))


def _corrected(correct_score: Answer, store: MemoryStore, believed: Recorded, goals: tuple[int, int]) -> Recorded:
    """Let the learner's code correct a score; the event that it recorded."""
    was, end = believed.payload, store.position
    tried = f"Delft - Leiden, believed to be {was.home_goals}-{was.away_goals}, was {goals[0]}-{goals[1]}"
    _ = trying(correct_score, store, believed, *goals, tried=tried).result
    new = list(store.read(after=end))
    if len(new) != 1:
        raise NotYet(tried=tried, says=f"{len(new)} new events are in the log, expected one.")
    found = new[0].payload
    if new[0].stream != believed.stream:
        raise NotYet("another stream", tried=tried, found=new[0].stream)
    if not isinstance(found, ResultCorrected):
        raise NotYet("told again", tried=tried, found=found)
    expect((found.home, found.away), (was.home, was.away), tried=tried)
    expect((found.home_goals, found.away_goals), goals, otherwise="the old score again", tried=tried)
    before = (found.home_goals_before, found.away_goals_before)
    expect(before, (was.home_goals, was.away_goals), otherwise="what was believed", tried=tried)
    happened = new[0].occurred_at
    expect(happened, believed.occurred_at, slips={new[0].recorded_at: "the day of writing"}, tried=tried)
    return new[0]


def _hours_to_wait(hours_to_wait: Answer) -> None:
    late = (4, 0.5, 30, 1, 1.5)
    history = [_told(MONDAY, MONDAY + hours * HOUR, n) for n, hours in enumerate(late, 1)]
    tried = f"five deposits, known after {', '.join(f'{hours:g}' for hours in late)} hours; share {{}}"
    mean = {8: "the average", 7: "the average", 7.4: "the average"}
    wrong_way = {-1: "the wrong way", 0: "the wrong way", -0.5: "the wrong way"}
    most = trying(hours_to_wait, history, 0.6, tried=tried.format(0.6))
    most.gives(2, slips={1: "cut off", 1.5: "not whole", 3: "between two", 2.5: "between two", 30: "not sorted",
                         4: "one too many", **mean, **wrong_way})  # fmt: skip
    even = trying(hours_to_wait, history, 0.8, tried=tried.format(0.8))
    even.gives(4, slips={5: "always one more", 30: "one too many"})
    every = trying(hours_to_wait, history, 1.0, tried=tried.format(1.0))
    every.gives(30, slips={6: "days forgotten", 4: "days forgotten", IndexError: "one too many"})


TREMORS = tuple(
    record(
        EarthquakeReported(2.5, "ml", place, 38.7, -9.1, 10.0, "earthquake", "reviewed", [place]),
        stream=f"quake-{n}", version=1, position=n, occurred_at=MONDAY + happened * HOUR, recorded_at=MONDAY + n * DAY,
    )
    for n, (place, happened) in enumerate((("Lisbon", 5), ("Lima", 2), ("Kyoto", 9), ("Rabat", 7)), 1)
)  # fmt: skip


def _latest_tremor(cls: Answer) -> None:
    lisbon, lima, kyoto, rabat = ((recorded.occurred_at, recorded.payload.place) for recorded in TREMORS)
    slips = {
        lisbon: "first told", lima: "earliest", rabat: "last told", "Kyoto": "without its time",
        (TREMORS[3].recorded_at, "Rabat"): "the other clock", "Rabat": "without its time",
        TypeError: "nothing yet", AttributeError: "nothing yet",
    }  # fmt: skip
    for told in permutations(TREMORS):
        tried = f"four tremors, told in this order: {', '.join(recorded.payload.place for recorded in told)}"
        trying(_folded, told, cls, tried=tried).gives(kyoto, slips=slips if told == TREMORS else {})
    trying(_folded, (), cls, tried="no tremor at all").gives(None)


def _folded(told: tuple[Recorded, ...], cls: Answer) -> object:
    return fold(told, cls())


def _projection(*evolve: str) -> str:
    """The class of 12.5, as a learner would write it."""
    body = "\n        ".join(evolve)
    return f"""
from eslab import Projection


class LatestTremor(Projection):
    name = "latest tremor"

    def initial(self):
        return None

    def evolve(self, latest, recorded):
        {body}
"""


THIS = "this = (recorded.occurred_at, recorded.payload.place)"

EXERCISES = (
    Exercise.prediction(
        "12.1",
        "The letter",
        answer=["Delft", "Gouda"],
        slips={
            ("Gouda", "Gouda"): "The clerk who wrote the address had no card from the future. What was learnt by then?",
            ("Delft", "Delft"): "One card arrived late. What does it say about the day of the letter?",
            ("Gouda", "Delft"): "The right towns. Which of them did the clerk know?",
            ("Delft", "Leiden"): "That is where she lives at the end of the list. Where was she on 20 February?",
            ("Leiden", "Leiden"): "Both answers are about 20 February. Where in the list is that day?",
            ("Leiden", "Gouda"): "The clerk could not know a card that was learnt in March.",
        },
        hints=(
            "For the first town, cover every line that was learnt after the day of the letter.",
            "For the second town, uncover all lines, and look for the last move on or before that day.",
        ),
        solution="""
            prediction = ["Delft", "Gouda"]
        """,
        why="Nobody made a mistake: what is known of a day can change after that day, and both answers stay true.",
        difficulty=1,
    ),
    Exercise(
        "12.2",
        "News for a closed month",
        kind="function",
        difficulty=2,
        start="""
            def late_news(history, closing):
                ...
        """,
        check=_late_news,
        mistakes={
            "all that came later": Mistake(
                hint="Some of these had not even happened when the month was closed. They belong to the next one.",
                code="""
                    def late_news(history, closing):
                        return [recorded for recorded in history if recorded.recorded_at > closing]
                """,
            ),
            "known by then": Mistake(
                hint="These were in the report. Asked for are those that it lacks.",
                code="""
                    def late_news(history, closing):
                        return [recorded for recorded in history if recorded.recorded_at <= closing]
                """,
            ),
            "one clock": Mistake(
                hint="All of these had happened. How many of them did the report have?",
                code="""
                    def late_news(history, closing):
                        return [recorded for recorded in history if recorded.occurred_at <= closing]
                """,
            ),
            "told beforehand": Mistake(
                hint="Known, but not yet happened: the two clocks are the wrong way round.",
                code="""
                    def late_news(history, closing):
                        return [r for r in history if r.recorded_at <= closing < r.occurred_at]
                """,
            ),
            "known at that moment": Mistake(
                hint="`recorded_until` is inclusive: what was recorded at the very moment of closing was known.",
                code="""
                    def late_news(history, closing):
                        return [r for r in history if r.recorded_at >= closing and r.occurred_at <= closing]
                """,
            ),
            "happened at that moment": Mistake(
                hint="`occurred_until` is inclusive: what happened at the very moment of closing had happened.",
                code="""
                    def late_news(history, closing):
                        return [r for r in history if r.occurred_at < closing < r.recorded_at]
                """,
            ),
        },
        hints=(
            "Each event has `occurred_at` and `recorded_at`. Write down what must be true of each of them.",
            "It happened by then, and it was not yet known by then: two conditions, one for each clock.",
        ),
        solution="""
            def late_news(history, closing):
                return [r for r in history if r.occurred_at <= closing < r.recorded_at]
        """,
        why="A closed report is not wrong; this list says what it could not know, and the next report tells it.",
    ),
    Exercise(
        "12.3",
        "A correction, not an edit",
        kind="function",
        difficulty=2,
        start="""
            def correct_score(store, believed, home_goals, away_goals):
                ...
        """,
        check=_correct_score,
        mistakes={
            "the day of writing": Mistake(
                hint="The correction says that the match was played on the day it was written. Which day is it about?",
                code="""
                    from eslab.domains.league import ResultCorrected

                    def correct_score(store, believed, home_goals, away_goals):
                        was = believed.payload
                        goals = home_goals, away_goals, was.home_goals, was.away_goals
                        store.append(believed.stream, [ResultCorrected(was.home, was.away, *goals)])
                """,
            ),
            "told again": Mistake(
                hint="A table would now count this match twice. Which event says that it is the same one?",
                code="""
                    from eslab import NewEvent
                    from eslab.domains.league import ResultRecorded

                    def correct_score(store, believed, home_goals, away_goals):
                        was = believed.payload
                        result = ResultRecorded(was.home, was.away, home_goals, away_goals)
                        store.append(believed.stream, [NewEvent(result, occurred_at=believed.occurred_at)])
                """,
            ),
            "what was believed": Mistake(
                hint="The goals *before* are those that were believed until now. A table takes exactly these back.",
                code="""
                    from eslab import NewEvent
                    from eslab.domains.league import ResultCorrected

                    def correct_score(store, believed, home_goals, away_goals):
                        was = believed.payload
                        right = ResultCorrected(was.home, was.away, home_goals, away_goals, 0, 0)
                        store.append(believed.stream, [NewEvent(right, occurred_at=believed.occurred_at)])
                """,
            ),
            "the old score again": Mistake(
                hint="The goals come first as they were, and then as they had been believed. Is the order right?",
                code="""
                    from eslab import NewEvent
                    from eslab.domains.league import ResultCorrected

                    def correct_score(store, believed, home_goals, away_goals):
                        was = believed.payload
                        goals = was.home_goals, was.away_goals, home_goals, away_goals
                        right = ResultCorrected(was.home, was.away, *goals)
                        store.append(believed.stream, [NewEvent(right, occurred_at=believed.occurred_at)])
                """,
            ),
            "another stream": Mistake(
                hint="All that is known of one match stands in one stream. In which one does the result stand?",
                code="""
                    from eslab import NewEvent
                    from eslab.domains.league import ResultCorrected

                    def correct_score(store, believed, home_goals, away_goals):
                        was = believed.payload
                        goals = home_goals, away_goals, was.home_goals, was.away_goals
                        right = ResultCorrected(was.home, was.away, *goals)
                        store.append("corrections-1", [NewEvent(right, occurred_at=believed.occurred_at)])
                """,
            ),
        },
        hints=(
            "`ResultCorrected` has six fields; two of them are the goals that were believed until now.",
            "Only a `NewEvent` can say when something happened. The match was played once, on its own day.",
        ),
        solution="""
            from eslab import NewEvent
            from eslab.domains.league import ResultCorrected

            def correct_score(store, believed, home_goals, away_goals):
                was = believed.payload
                goals = home_goals, away_goals, was.home_goals, was.away_goals
                right = ResultCorrected(was.home, was.away, *goals)
                store.append(believed.stream, [NewEvent(right, occurred_at=believed.occurred_at)])
        """,
        why="The store says by itself when the correction came; the event says which day it is about.",
    ),
    Exercise(
        "12.4",
        "The closing time",
        kind="function",
        difficulty=3,
        start="""
            def hours_to_wait(history, share):
                ...
        """,
        check=_hours_to_wait,
        mistakes={
            "days forgotten": Mistake(
                hint="`.seconds` of a time span leaves out its whole days. `.total_seconds()` does not.",
                code="""
                    import math

                    def hours_to_wait(history, share):
                        late = sorted((r.recorded_at - r.occurred_at).seconds / 3600 for r in history)
                        return math.ceil(late[math.ceil(share * len(late)) - 1])
                """,
            ),
            "cut off": Mistake(
                hint="After this many hours one of the reports that you count on is still on its way.",
                code="""
                    import math

                    def hours_to_wait(history, share):
                        late = sorted((r.recorded_at - r.occurred_at).total_seconds() / 3600 for r in history)
                        return int(late[math.ceil(share * len(late)) - 1])
                """,
            ),
            "not whole": Mistake(
                hint="That is when the last of them is known. Asked for is a whole number of hours.",
                code="""
                    import math

                    def hours_to_wait(history, share):
                        late = sorted((r.recorded_at - r.occurred_at).total_seconds() / 3600 for r in history)
                        return late[math.ceil(share * len(late)) - 1]
                """,
            ),
            "between two": Mistake(
                hint="This is a point between two reports. Is the share not reached with the first of them?",
                code="""
                    import math

                    def hours_to_wait(history, share):
                        late = sorted((r.recorded_at - r.occurred_at).total_seconds() / 3600 for r in history)
                        place = share * (len(late) - 1)
                        low, rest = int(place), place % 1
                        return math.ceil(late[low] + rest * (late[min(low + 1, len(late) - 1)] - late[low]))
                """,
            ),
            "not sorted": Mistake(
                hint="The log is in the order of recording, not in the order of patience. Sort the time spans first.",
                code="""
                    import math

                    def hours_to_wait(history, share):
                        late = [(r.recorded_at - r.occurred_at).total_seconds() / 3600 for r in history]
                        return math.ceil(late[math.ceil(share * len(late)) - 1])
                """,
            ),
            "one too many": Mistake(
                hint="A list counts from 0. How many reports are in when the one at this place is?",
                code="""
                    import math

                    def hours_to_wait(history, share):
                        late = sorted((r.recorded_at - r.occurred_at).total_seconds() / 3600 for r in history)
                        return math.ceil(late[math.ceil(share * len(late))])
                """,
            ),
            "always one more": Mistake(
                hint="If the last of them is in after exactly so many hours, why wait for another?",
                code="""
                    import math

                    def hours_to_wait(history, share):
                        late = sorted((r.recorded_at - r.occurred_at).total_seconds() / 3600 for r in history)
                        return int(late[math.ceil(share * len(late)) - 1]) + 1
                """,
            ),
            "the average": Mistake(
                hint="One very late report moves the average a long way. The share asks how many, not how long.",
                code="""
                    import math

                    def hours_to_wait(history, share):
                        late = [(r.recorded_at - r.occurred_at).total_seconds() / 3600 for r in history]
                        return math.ceil(sum(late) / len(late))
                """,
            ),
            "the wrong way": Mistake(
                hint="Nothing is known before it happens. Which of the two times is the later one?",
                code="""
                    import math

                    def hours_to_wait(history, share):
                        late = sorted((r.occurred_at - r.recorded_at).total_seconds() / 3600 for r in history)
                        return math.ceil(late[math.ceil(share * len(late)) - 1])
                """,
            ),
        },
        hints=(
            "Make a sorted list of how late each event was, in hours.",
            "How many events must be in? Look at the one that comes in last among them, and round up: `math.ceil`.",
        ),
        solution="""
            import math

            def hours_to_wait(history, share):
                late = sorted((r.recorded_at - r.occurred_at).total_seconds() / 3600 for r in history)
                needed = math.ceil(share * len(late))
                return math.ceil(late[needed - 1])
        """,
        why="A closing time is a promise about the share that is in, and it can be read from the log.",
    ),
    Exercise(
        "12.5",
        "Right in any order",
        kind="class",
        difficulty=4,
        start=_projection("..."),
        check=_latest_tremor,
        mistakes={
            "last told": Mistake(
                hint="That tremor was the last to be told of, not the last to happen. Compare before you replace.",
                code=_projection("return (recorded.occurred_at, recorded.payload.place)"),
            ),
            "first told": Mistake(
                hint="The first report is kept for ever. When must it make room?",
                code=_projection(THIS, "return latest or this"),
            ),
            "earliest": Mistake(
                hint="You keep the smaller of two times. Which of them is asked for?",
                code=_projection(THIS, "return this if latest is None else min(latest, this)"),
            ),
            "the other clock": Mistake(
                hint="This is the time at which the store learnt it. When did the tremor happen?",
                code=_projection(
                    "this = (recorded.recorded_at, recorded.payload.place)", "return max(latest or this, this)"
                ),
            ),
            "without its time": Mistake(
                hint="A place alone cannot be compared with the next report. Keep the time beside it.",
                code=_projection("return recorded.payload.place"),
            ),
            "nothing yet": Mistake(
                hint="Before the first report the state is None, and None is neither earlier nor later than anything.",
                code=_projection(THIS, "return max(latest, this)"),
            ),
        },
        hints=(
            "The state is None, or a time and a place. Build the same pair from the event, and compare the two.",
            "Pairs are compared by what comes first in them, so `max` of two pairs is the later one.",
        ),
        solution=_projection(THIS, "return this if latest is None else max(latest, this)"),
        why="A maximum does not ask in which order it is told, so a view made with it never has to be sorted.",
    ),
)
