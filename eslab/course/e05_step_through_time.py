"""The exercises of notebook 05, step through time."""

import datetime as dt
from typing import Any

from eslab.aggregates import fold
from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, expect, trying
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.domains.chess import GameEnded, GameStarted, MovePlayed
from eslab.events import History, record
from eslab.timeline import Step, Timeline

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def _history(stream: str, *events: Any) -> History:
    return History(
        record(event, stream=stream, version=n, position=n, recorded_at=NOON) for n, event in enumerate(events, 1)
    )


def _indexes(moments_when: Answer, timeline: Timeline, holds: Any) -> Any:
    """What it gives; where that is steps and not indexes, the one word "steps"."""
    found = moments_when(timeline, holds)
    return "steps" if isinstance(found, list) and any(isinstance(one, Step) for one in found) else found


def _moments_when(moments_when: Answer) -> None:
    facts = (AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30), MoneyDeposited(50))
    timeline = Timeline(_history("account-1", *facts), Account)
    asked = "balances of 0, 0, 100, 70 and 120; asked for 100 or more"
    trial = trying(_indexes, moments_when, timeline, lambda account: account.balance >= 100, tried=asked)
    slips = {(3, 5): "one too many", 2: "first only", "steps": "gives steps", AttributeError: "asks the step"}
    trial.gives([2, 4], slips=slips)
    asked = "balances of 0, 0, 100, 70 and 120; asked for exactly 0"
    trial = trying(_indexes, moments_when, timeline, lambda account: account.balance == 0, tried=asked)
    trial.gives([0, 1], slips={(1,): "leaves out the beginning"})


class _Letters:
    """A fold that collects in a list, changed in place, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def initial(self) -> list[str]:
        return []

    def evolve(self, state: list[str], recorded: Any) -> list[str]:
        self.asked += 1
        state.append(recorded)
        return state


def _state_at(state_at: Answer) -> None:
    letters = list("abcdefghij")
    keyframes = {0: [], 4: letters[:4], 8: letters[:8]}
    by = _Letters()
    tried = "state_at(6, …) of the letters a to j, with keyframes at 0, 4 and 8"
    trial = trying(lambda: state_at(6, letters, keyframes, by), tried=tried)
    trial.gives(letters[:6], slips={tuple(letters[:7]): "one too far", tuple(letters[:4]): "keyframe only"})
    expect(by.asked, 2, slips={6: "from the first event"}, tried="how many events were folded for that")
    expect(keyframes[4], letters[:4], otherwise="spoils the keyframe", tried="the keyframe at 4, afterwards")
    by = _Letters()
    trial = trying(lambda: state_at(8, letters, keyframes, by), tried=tried.replace("6", "8", 1))
    trial.gives(letters[:8])
    expect(by.asked, 0, slips={4: "the one before"}, tried="how many events were folded for that")


GAME = (GameStarted("Ada", "Grace"), MovePlayed("e4", "e2e4"), MovePlayed("d5", "d7d5"), MovePlayed("Nc3", "b1c3"),
        MovePlayed("dxe4", "d5e4"), MovePlayed("Nxe4", "c3e4"), MovePlayed("Nf6", "g8f6"), MovePlayed("Nxf6+", "e4f6"),
        GameEnded("Ada", "Grace", "1-0"))  # fmt: skip


def _captured(captures: Any, events: int) -> Any:
    state = fold(_history("game-1", *GAME[:events]), captures)
    return state["to_move"], state["white"], state["black"]


def _captures(cls: Answer) -> None:
    made = trying(cls, tried="Captures()").result
    for events, wanted, slips in (
        (0, ("white", 0, 0), {}),
        (1, ("white", 0, 0), {("black", 0, 0): "everything is a move", AttributeError: "all have san"}),
        (5, ("white", 0, 1), {("white", 1, 0): "white only", ("black", 1, 0): "captures only"}),
        (8, ("black", 2, 1), {("black", 2, 2): "keeps the last game", ("black", 1, 1): "ends with x"}),
        (9, ("black", 2, 1), {("white", 2, 1): "everything is a move", AttributeError: "all have san"}),
    ):
        tried = f"to_move, white and black after {events} of the events: a start, 1 e4 d5 2 Nc3 dxe4 3 Nxe4 Nf6 4 Nxf6+"
        trying(_captured, made, events, tried=tried).gives(wanted, slips=slips)
    tried = "to_move, white and black before the first event of a second game"
    trying(_captured, made, 0, tried=tried).gives(("white", 0, 0), otherwise="keeps the last game")


EXERCISES = (
    Exercise.prediction(
        "05.1",
        "What a list of states remembers",
        answer=120,
        slips={
            100: "That is what was on the account then. Is the object in the list still as it was then?",
            0: "Count from the beginning: which events had been applied when this moment was put into the list?",
            70: "Which object stands in the list, and what has happened to that object since?",
        },
        hints=(
            "How many accounts are made in this function, and how many are put into the list?",
            "Every place in the list holds the same object; ask for its balance when the loop has ended.",
        ),
        solution="""
            prediction = 100 - 30 + 50
        """,
        why="A fold may change its state in place, so who wants to remember a moment must keep a copy of it.",
        difficulty=1,
    ),
    Exercise(
        "05.2",
        "At which moments does it hold?",
        kind="function",
        difficulty=2,
        start="""
            def moments_when(timeline, holds):
                ...
        """,
        check=_moments_when,
        mistakes={
            "one too many": Mistake(
                hint="These are counted from 1. What is the index of the moment before the first event?",
                code="""
                    def moments_when(timeline, holds):
                        return [number for number, step in enumerate(timeline, 1) if holds(step.state)]
                """,
            ),
            "first only": Mistake(
                hint="It stops at the first moment. There may be more of them: give a list.",
                code="""
                    def moments_when(timeline, holds):
                        for step in timeline:
                            if holds(step.state):
                                return step.index
                """,
            ),
            "gives steps": Mistake(
                hint="These are the steps themselves. Each of them knows its index.",
                code="""
                    def moments_when(timeline, holds):
                        return [step for step in timeline if holds(step.state)]
                """,
            ),
            "asks the step": Mistake(
                hint="`holds` was given a step. It wants to look at the state of that step.",
                code="""
                    def moments_when(timeline, holds):
                        return [step.index for step in timeline if holds(step)]
                """,
            ),
            "leaves out the beginning": Mistake(
                hint="One moment was never looked at: that before anything had happened.",
                code="""
                    def moments_when(timeline, holds):
                        return [i for i in range(1, len(timeline)) if holds(timeline[i].state)]
                """,
            ),
        },
        hints=(
            "`for step in timeline` goes through all moments, from the one before the first event.",
            "Ask `holds(step.state)`, and collect `step.index` in a list.",
        ),
        solution="""
            def moments_when(timeline, holds):
                return [step.index for step in timeline if holds(step.state)]
        """,
        why="A question about the past is a loop over moments; nothing had to be logged for it beforehand.",
    ),
    Exercise(
        "05.3",
        "From the nearest keyframe",
        kind="function",
        difficulty=3,
        start="""
            def state_at(i, history, keyframes, fold):
                ...
        """,
        check=_state_at,
        mistakes={
            "from the first event": Mistake(
                hint="The state is right, but it was folded from the very beginning. Begin later.",
                code="""
                    def state_at(i, history, keyframes, fold):
                        state = fold.initial()
                        for recorded in history[:i]:
                            state = fold.evolve(state, recorded)
                        return state
                """,
            ),
            "keyframe only": Mistake(
                hint="That is the nearest keyframe as it stands. Which events lie between it and the moment?",
                code="""
                    def state_at(i, history, keyframes, fold):
                        return keyframes[max(k for k in keyframes if k <= i)]
                """,
            ),
            "one too far": Mistake(
                hint="One event too many was folded. The state after i events needs only the first i.",
                code="""
                    import copy

                    def state_at(i, history, keyframes, fold):
                        nearest = max(k for k in keyframes if k <= i)
                        state = copy.deepcopy(keyframes[nearest])
                        for recorded in history[nearest:i + 1]:
                            state = fold.evolve(state, recorded)
                        return state
                """,
            ),
            "spoils the keyframe": Mistake(
                hint="The keyframe itself was changed: whoever comes next begins at a wrong state. Fold on a copy.",
                code="""
                    def state_at(i, history, keyframes, fold):
                        nearest = max(k for k in keyframes if k <= i)
                        state = keyframes[nearest]
                        for recorded in history[nearest:i]:
                            state = fold.evolve(state, recorded)
                        return state
                """,
            ),
            "the one before": Mistake(
                hint="There is a keyframe at this very moment, and it was passed over.",
                code="""
                    import copy

                    def state_at(i, history, keyframes, fold):
                        nearest = max(k for k in keyframes if k < i)
                        state = copy.deepcopy(keyframes[nearest])
                        for recorded in history[nearest:i]:
                            state = fold.evolve(state, recorded)
                        return state
                """,
            ),
        },
        hints=(
            "The nearest keyframe is the one with the largest index that is not beyond i.",
            "`history[nearest:i]` are the events still to be folded, and `copy.deepcopy` gives a state of your own.",
        ),
        solution="""
            import copy

            def state_at(i, history, keyframes, fold):
                nearest = max(k for k in keyframes if k <= i)
                state = copy.deepcopy(keyframes[nearest])
                for recorded in history[nearest:i]:
                    state = fold.evolve(state, recorded)
                return state
        """,
        why="With keyframes any moment costs only the few events since the last one, and hardly any room.",
    ),
    Exercise(
        "05.4",
        "Who has taken how many pieces?",
        kind="class",
        difficulty=4,
        start="""
            class Captures:
                def initial(self):
                    ...

                def evolve(self, state, recorded):
                    ...
        """,
        check=_captures,
        mistakes={
            "all have san": Mistake(
                hint="Not every event of a game has a `san`. Ask first whether it is a move.",
                code="""
                    class Captures:
                        def initial(self):
                            return {"to_move": "white", "white": 0, "black": 0}

                        def evolve(self, state, recorded):
                            mover = state["to_move"]
                            taken = "x" in recorded.payload.san
                            other = "black" if mover == "white" else "white"
                            return state | {"to_move": other, mover: state[mover] + taken}
                """,
            ),
            "everything is a move": Mistake(
                hint="The turn changed at an event that is not a move. Which events say that somebody has moved?",
                code="""
                    class Captures:
                        def initial(self):
                            return {"to_move": "white", "white": 0, "black": 0}

                        def evolve(self, state, recorded):
                            mover = state["to_move"]
                            taken = "x" in getattr(recorded.payload, "san", "")
                            other = "black" if mover == "white" else "white"
                            return state | {"to_move": other, mover: state[mover] + taken}
                """,
            ),
            "white only": Mistake(
                hint="All captures were counted for one side. Who is to move after a move?",
                code="""
                    from eslab.domains.chess import MovePlayed

                    class Captures:
                        def initial(self):
                            return {"to_move": "white", "white": 0, "black": 0}

                        def evolve(self, state, recorded):
                            if isinstance(recorded.payload, MovePlayed) and "x" in recorded.payload.san:
                                mover = state["to_move"]
                                state = state | {mover: state[mover] + 1}
                            return state
                """,
            ),
            "captures only": Mistake(
                hint="The turn changes after a quiet move as well.",
                code="""
                    from eslab.domains.chess import MovePlayed

                    class Captures:
                        def initial(self):
                            return {"to_move": "white", "white": 0, "black": 0}

                        def evolve(self, state, recorded):
                            if isinstance(recorded.payload, MovePlayed) and "x" in recorded.payload.san:
                                mover = state["to_move"]
                                other = "black" if mover == "white" else "white"
                                state = state | {"to_move": other, mover: state[mover] + 1}
                            return state
                """,
            ),
            "ends with x": Mistake(
                hint="One capture was missed: it gave check as well. Where in the text does the x stand?",
                code="""
                    from eslab.domains.chess import MovePlayed

                    class Captures:
                        def initial(self):
                            return {"to_move": "white", "white": 0, "black": 0}

                        def evolve(self, state, recorded):
                            if not isinstance(recorded.payload, MovePlayed):
                                return state
                            mover, san = state["to_move"], recorded.payload.san
                            other = "black" if mover == "white" else "white"
                            return state | {"to_move": other, mover: state[mover] + (san[-3:-2] == "x")}
                """,
            ),
            "keeps the last game": Mistake(
                hint="A new game began with the numbers of the one before. Make the first state anew each time.",
                code="""
                    from eslab.domains.chess import MovePlayed

                    class Captures:
                        def __init__(self):
                            self.state = {"to_move": "white", "white": 0, "black": 0}

                        def initial(self):
                            return self.state

                        def evolve(self, state, recorded):
                            if isinstance(recorded.payload, MovePlayed):
                                mover = state["to_move"]
                                state[mover] += "x" in recorded.payload.san
                                state["to_move"] = "black" if mover == "white" else "white"
                            return state
                """,
            ),
        },
        hints=(
            "Ask `isinstance(recorded.payload, MovePlayed)` first; any other event leaves the state as it was.",
            "At a move: add one for the side to move if there is an x in its `san`, then give the turn to the other.",
        ),
        solution="""
            from eslab.domains.chess import MovePlayed

            class Captures:
                def initial(self):
                    return {"to_move": "white", "white": 0, "black": 0}

                def evolve(self, state, recorded):
                    if not isinstance(recorded.payload, MovePlayed):
                        return state
                    mover = state["to_move"]
                    other = "black" if mover == "white" else "white"
                    taken = "x" in recorded.payload.san
                    return state | {"to_move": other, mover: state[mover] + taken}
        """,
        why="A fold is only a beginning and a step, so a new question about an old game needs nothing but these two.",
    ),
)
