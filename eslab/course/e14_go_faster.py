"""The exercises of notebook 14, go faster."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, trying
from eslab.domains.flights import FlightArrived, FlightDeparted
from eslab.events import History, Recorded
from eslab.stores.memory import MemoryStore
from eslab.testing import counting_ids, ticking_clock

STREAM = "airport-JFK"


def _airport(events: Iterable[Any]) -> MemoryStore:
    store = MemoryStore(clock=ticking_clock(), ids=counting_ids())
    store.append(STREAM, events)
    return store


def _departures(*delays: int) -> list[Any]:
    return [FlightDeparted("JFK", minutes) for minutes in delays]


def _usable(usable: Answer) -> None:
    history = _airport(_departures(5, 20, 15, 0, 90)).load(STREAM)
    whole = {"version": 5, "event_id": "event-5", "code": "3f2a"}
    earlier = {"version": 3, "event_id": "event-3", "code": "3f2a"}
    told = "a stream of 5 events, "
    for snapshot, events, code, wanted, slips, tried in (
        (whole, history, "3f2a", True, {IndexError: "one too far", False: "one too far"}, "and a snapshot of all 5"),
        (earlier, history, "3f2a", True, {False: "only of the end"}, "and a snapshot of the first 3"),
        (earlier, history, "91bc", False, {True: "any code"}, "a snapshot of the first 3, and other code since"),
        (whole, history[:3], "3f2a", False, {IndexError: "ahead", True: "ahead"},
         "of which 3 are left in a restored backup, and a snapshot of all 5"),
        (whole, History(), "3f2a", False, {IndexError: "ahead", True: "ahead"},
         "of which none is left in a restored backup, and a snapshot of all 5"),
        ({**earlier, "event_id": "other-3"}, history, "3f2a", False, {True: "any store"},
         "and a snapshot of the first 3 events of another store"),
    ):  # fmt: skip
        trying(usable, snapshot, events, code, tried=told + tried).gives(wanted, slips=slips)


class _Delays:
    """How many flights departed, and how late in all: a dict that is changed in place."""

    def __init__(self) -> None:
        self.folded = 0

    def initial(self) -> dict[str, int]:
        return {"departed": 0, "minutes": 0}

    def evolve(self, state: dict[str, int], recorded: Recorded, /) -> dict[str, int]:
        self.folded += 1
        state["departed"] += 1
        state["minutes"] += recorded.payload.delay_min
        return state


def _numbers(state: Any) -> Any:
    return tuple(state.values()) if isinstance(state, dict) else state


def _loaded(load_from: Answer, kept: Any, store: MemoryStore) -> tuple[Any, int, Any]:
    """The state that a load gave, how many events it folded, and what is kept after somebody has used the state."""
    fold = _Delays()
    state = load_from(kept, store, STREAM, fold, 3)
    numbers = _numbers(state)
    if isinstance(state, dict):
        state.clear()
    pair = kept.get(STREAM)
    whole = isinstance(pair, (tuple, list)) and len(pair) == 2
    return numbers, fold.folded, (pair[0], _numbers(pair[1])) if whole else pair


def _load_from(load_from: Answer) -> None:
    five: Any = {STREAM: (5, {"departed": 5, "minutes": 60})}
    delays = (10, 20, 10, 10, 10, -5, 0, 0)
    for number, kept, wanted, slips, tried in (
        (2, {}, ((2, 30), 2, None), {KeyError: "nothing kept", TypeError: "nothing kept",
                                     ((2, 30), 2, (2, (2, 30))): "keeps each", ((2, 30), 2, (2, ())): "no copy"},
         "two departures, and nothing kept"),
        (5, {}, ((5, 60), 5, (5, (5, 60))), {((5, 60), 5, None): "keeps none", ((5, 60), 5, (5, ())): "no copy"},
         "five departures, and nothing kept"),
        (6, five, ((6, 55), 1, (5, (5, 60))), {((6, 55), 6, (6, (6, 55))): "folds everything",
                                               ((11, 115), 6, (6, (11, 115))): "counts twice",
                                               ((6, 55), 1, (5, ())): "changes what is kept"},
         "six departures, and a pair of version 5 kept"),
        (8, five, ((8, 55), 3, (8, (8, 55))), {((8, 55), 3, (5, (5, 60))): "more than"},
         "eight departures, and a pair of version 5 kept"),
    ):  # fmt: skip
        store = _airport(_departures(*delays[:number]))
        trying(_loaded, load_from, kept, store, tried=f"{tried}; every=3").gives(wanted, slips=slips)


def _states(fold: Answer, history: History, stops: bool) -> list[Any]:
    """The state after each event as two numbers; if it stops, each event is folded by a new one."""
    made = fold()
    state, states = made.initial(), []
    for recorded in history:
        made = fold() if stops else made
        state = made.evolve(copy.deepcopy(state), recorded)
        states.append(_numbers(state))
    return states


def _longest_delay(longest_delay: Answer) -> None:
    rising, tied = (5, 0, -3, 20), (7, 7, -1)
    late_arrival = [*_departures(7), FlightArrived("LAX", 60), *_departures(-1)]
    for events, how, wanted, slips, told in (
        (_departures(*rising), False, ((5, 0), (5, 1), (5, 2), (20, 0)), {}, "departures 5, 0, -3, 20 minutes late"),
        (_departures(*rising), True, ((5, 0), (5, 1), (5, 2), (20, 0)), {((5, 0), (5, 1), (5, 1), (20, 0)): "beside"},
         "departures 5, 0, -3, 20 minutes late"),
        (_departures(*tied), True, ((7, 0), (7, 1), (7, 2)), {((7, 0), (7, 0), (7, 1)): "as late"},
         "departures 7, 7, -1 minutes late"),
        (late_arrival, True, ((7, 0), (7, 0), (7, 1)), {((7, 0), (60, 0), (60, 1)): "arrivals too",
                                                        ((7, 0), (7, 1), (7, 2)): "arrivals too"},
         "a departure 7 minutes late, an arrival, a departure 1 minute early"),
        (_departures(-4, -9), True, ((-4, 0), (-4, 1)), {((0, 1), (0, 2)): "never late"},
         "departures 4 and 9 minutes early"),
        (_departures(*rising, *tied), False, ((5, 0), (5, 1), (5, 2), (20, 0), (20, 1), (20, 2), (20, 3)), {},
         "seven departures"),
    ):  # fmt: skip
        tried = f"{told}, folded {'with a stop after each event' if how else 'in one go'}: the two numbers each time"
        trying(_states, longest_delay, _airport(events).load(STREAM), how, tried=tried).gives(wanted, slips=slips)


EXERCISES = (
    Exercise.prediction(
        "14.1",
        "What a hundred decisions read",
        answer=5050,
        slips={
            100: "Does each decision read one event only? Look at the third deposit above.",
            101: "This is how long the stream is at the end. How often was its first event read?",
            4950: "The opening is in the stream too, so even the first decision reads something.",
            5151: "Nothing is decided after the last deposit. How many events does the last decision find?",
            10000: "The stream is not yet so long when the early deposits are decided.",
            200: "Each decision reads the whole stream, and the stream grows.",
        },
        hints=(
            "The first decision reads one event, the second two. What does the last one read?",
            "Add up the numbers from the first to the last; pair the smallest with the largest.",
        ),
        solution="prediction = sum(range(1, 101))",
        why="Each decision makes the next one longer, so twice as many decisions read four times as much.",
        difficulty=1,
    ),
    Exercise(
        "14.2",
        "May this snapshot be used?",
        kind="function",
        difficulty=2,
        start="""
            def usable(snapshot, history, code):
                ...
        """,
        check=_usable,
        mistakes={
            "any code": Mistake(
                hint="The rule was corrected after this snapshot was made. What do its numbers say?",
                code="""
                    def usable(snapshot, history, code):
                        version = snapshot["version"]
                        return version <= len(history) and history[version - 1].id == snapshot["event_id"]
                """,
            ),
            "ahead": Mistake(
                hint="The snapshot goes further than the stream does. Which event would you compare?",
                code="""
                    def usable(snapshot, history, code):
                        return code == snapshot["code"] and history[snapshot["version"] - 1].id == snapshot["event_id"]
                """,
            ),
            "any store": Mistake(
                hint="The stream is long enough, but are these the events that the snapshot was made from?",
                code="""
                    def usable(snapshot, history, code):
                        return code == snapshot["code"] and snapshot["version"] <= len(history)
                """,
            ),
            "only of the end": Mistake(
                hint="A snapshot need not go up to the end: the events after it are still to be folded. "
                "Which event was the last in it?",
                code="""
                    def usable(snapshot, history, code):
                        if not history or snapshot["code"] != code:
                            return False
                        return history[-1].id == snapshot["event_id"]
                """,
            ),
            "one too far": Mistake(
                hint="Versions begin at 1. At which index does the event of that version stand?",
                code="""
                    def usable(snapshot, history, code):
                        version = snapshot["version"]
                        if snapshot["code"] != code or version > len(history):
                            return False
                        return history[version].id == snapshot["event_id"]
                """,
            ),
        },
        hints=(
            "Three things must hold: the code, the length of the stream, and one event.",
            "The event of a version stands one place earlier in the history, because versions begin at 1.",
        ),
        solution="""
            def usable(snapshot, history, code):
                version = snapshot["version"]
                if snapshot["code"] != code or version > len(history):
                    return False
                return history[version - 1].id == snapshot["event_id"]
        """,
        why="A snapshot is believed only while code and events are those that it was made from.",
    ),
    Exercise(
        "14.3",
        "Load from a snapshot",
        kind="function",
        difficulty=3,
        start="""
            import copy

            def load_from(kept, store, stream, fold, every):
                ...
        """,
        check=_load_from,
        mistakes={
            "nothing kept": Mistake(
                hint="The first time nothing is kept for this stream. Where does the fold begin then?",
                code="""
                    import copy

                    def load_from(kept, store, stream, fold, every):
                        version, state = copy.deepcopy(kept[stream])
                        history = store.load(stream, after=version)
                        for recorded in history:
                            state = fold.evolve(state, recorded)
                        if len(history) >= every:
                            kept[stream] = version + len(history), copy.deepcopy(state)
                        return state
                """,
            ),
            "keeps each": Mistake(
                hint="Two events were folded, and every=3. Is a new pair worth keeping?",
                code="""
                    import copy

                    def load_from(kept, store, stream, fold, every):
                        version, state = copy.deepcopy(kept.get(stream, (0, fold.initial())))
                        for recorded in store.load(stream, after=version):
                            state, version = fold.evolve(state, recorded), recorded.version
                        kept[stream] = version, copy.deepcopy(state)
                        return state
                """,
            ),
            "keeps none": Mistake(
                hint="The state is right. But five events were folded, and the next load will fold them again.",
                code="""
                    import copy

                    def load_from(kept, store, stream, fold, every):
                        version, state = copy.deepcopy(kept.get(stream, (0, fold.initial())))
                        for recorded in store.load(stream, after=version):
                            state = fold.evolve(state, recorded)
                        return state
                """,
            ),
            "no copy": Mistake(
                hint="Whoever was given the state has emptied it, and what you keep is empty now too.",
                code="""
                    import copy

                    def load_from(kept, store, stream, fold, every):
                        version, state = copy.deepcopy(kept.get(stream, (0, fold.initial())))
                        history = store.load(stream, after=version)
                        for recorded in history:
                            state = fold.evolve(state, recorded)
                        if len(history) >= every:
                            kept[stream] = version + len(history), state
                        return state
                """,
            ),
            "changes what is kept": Mistake(
                hint="Nothing new was kept, and still the kept state is another one. Which object did `evolve` change?",
                code="""
                    import copy

                    def load_from(kept, store, stream, fold, every):
                        version, state = kept.get(stream, (0, fold.initial()))
                        history = store.load(stream, after=version)
                        for recorded in history:
                            state = fold.evolve(state, recorded)
                        if len(history) >= every:
                            kept[stream] = version + len(history), copy.deepcopy(state)
                        return state
                """,
            ),
            "folds everything": Mistake(
                hint="The state is right. But a state was kept, and still all events were folded.",
                code="""
                    import copy

                    def load_from(kept, store, stream, fold, every):
                        state, history = fold.initial(), store.load(stream)
                        for recorded in history:
                            state = fold.evolve(state, recorded)
                        if len(history) >= every:
                            kept[stream] = len(history), copy.deepcopy(state)
                        return state
                """,
            ),
            "counts twice": Mistake(
                hint="The kept state has five events in it. From which version on must the stream be loaded?",
                code="""
                    import copy

                    def load_from(kept, store, stream, fold, every):
                        version, state = copy.deepcopy(kept.get(stream, (0, fold.initial())))
                        history = store.load(stream)
                        for recorded in history:
                            state = fold.evolve(state, recorded)
                        if len(history) >= every:
                            kept[stream] = len(history), copy.deepcopy(state)
                        return state
                """,
            ),
            "more than": Mistake(
                hint="Exactly three events were folded, and every=3. Read the task again: `every` or more.",
                code="""
                    import copy

                    def load_from(kept, store, stream, fold, every):
                        version, state = copy.deepcopy(kept.get(stream, (0, fold.initial())))
                        history = store.load(stream, after=version)
                        for recorded in history:
                            state = fold.evolve(state, recorded)
                        if len(history) > every:
                            kept[stream] = version + len(history), copy.deepcopy(state)
                        return state
                """,
            ),
        },
        hints=(
            "`kept.get(stream, …)` takes what stands for a stream that has no pair: version 0 and the empty state.",
            "Copy twice: what you take out before it is changed, and what you put in before it is given away.",
        ),
        solution="""
            import copy

            def load_from(kept, store, stream, fold, every):
                version, state = copy.deepcopy(kept.get(stream, (0, fold.initial())))
                history = store.load(stream, after=version)
                for recorded in history:
                    state = fold.evolve(state, recorded)
                if len(history) >= every:
                    kept[stream] = version + len(history), copy.deepcopy(state)
                return state
        """,
        why="A load with a snapshot is a fold that begins later; all the care is in what is kept.",
    ),
    Exercise(
        "14.4",
        "A fold that can be stopped",
        kind="class",
        difficulty=4,
        start='''
            from eslab.domains.flights import FlightDeparted

            class LongestDelay:
                """The longest delay of a departure in minutes, and how many departures came after it."""

                def __init__(self):
                    self.since = 0

                def initial(self):
                    return {"longest": None, "since": 0}

                def evolve(self, state, recorded):
                    if not isinstance(recorded.payload, FlightDeparted):
                        return state
                    minutes = recorded.payload.delay_min
                    if state["longest"] is None or minutes > state["longest"]:
                        self.since = 0
                        return {"longest": minutes, "since": 0}
                    self.since += 1
                    return {"longest": state["longest"], "since": self.since}
        ''',
        check=_longest_delay,
        mistakes={
            "beside": Mistake(
                hint="After a stop another program goes on, with a fold of its own. What does its counter say?",
                code="""
                    from eslab.domains.flights import FlightDeparted

                    class LongestDelay:
                        def __init__(self):
                            self.count = 0

                        def initial(self):
                            return {"longest": None, "since": 0}

                        def evolve(self, state, recorded):
                            if not isinstance(recorded.payload, FlightDeparted):
                                return state
                            self.count += 1
                            if state["longest"] is None or recorded.payload.delay_min > state["longest"]:
                                self.count = 0
                                return {"longest": recorded.payload.delay_min, "since": 0}
                            return {"longest": state["longest"], "since": self.count}
                """,
            ),
            "as late": Mistake(
                hint="The second departure is as late as the first, and not later. Is it a new longest delay?",
                code="""
                    from eslab.domains.flights import FlightDeparted

                    class LongestDelay:
                        def initial(self):
                            return {"longest": None, "since": 0}

                        def evolve(self, state, recorded):
                            if not isinstance(recorded.payload, FlightDeparted):
                                return state
                            minutes = recorded.payload.delay_min
                            if state["longest"] is None or minutes >= state["longest"]:
                                return {"longest": minutes, "since": 0}
                            return {"longest": state["longest"], "since": state["since"] + 1}
                """,
            ),
            "arrivals too": Mistake(
                hint="An arrival stands in the stream too. Does it change anything here?",
                code="""
                    class LongestDelay:
                        def initial(self):
                            return {"longest": None, "since": 0}

                        def evolve(self, state, recorded):
                            minutes = recorded.payload.delay_min
                            if state["longest"] is None or minutes > state["longest"]:
                                return {"longest": minutes, "since": 0}
                            return {"longest": state["longest"], "since": state["since"] + 1}
                """,
            ),
            "never late": Mistake(
                hint="The first departure is the longest delay so far, even if it left early.",
                code="""
                    from eslab.domains.flights import FlightDeparted

                    class LongestDelay:
                        def initial(self):
                            return {"longest": 0, "since": 0}

                        def evolve(self, state, recorded):
                            if not isinstance(recorded.payload, FlightDeparted):
                                return state
                            minutes = recorded.payload.delay_min
                            if minutes > state["longest"]:
                                return {"longest": minutes, "since": 0}
                            return {"longest": state["longest"], "since": state["since"] + 1}
                """,
            ),
        },
        hints=(
            "All that the next step needs must stand in the state that it is given.",
            "The state has a place for the count already. Which number does it hold, before this event?",
        ),
        solution="""
            from eslab.domains.flights import FlightDeparted

            class LongestDelay:
                def initial(self):
                    return {"longest": None, "since": 0}

                def evolve(self, state, recorded):
                    if not isinstance(recorded.payload, FlightDeparted):
                        return state
                    minutes = recorded.payload.delay_min
                    if state["longest"] is None or minutes > state["longest"]:
                        return {"longest": minutes, "since": 0}
                    return {"longest": state["longest"], "since": state["since"] + 1}
        """,
        why="A fold whose whole memory is its state can be stopped anywhere, and that is all a snapshot asks.",
    ),
)
