"""The exercises of notebook 00, start here."""

from __future__ import annotations

from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, trying
from eslab.domains.league import ResultRecorded

AWAY_DAY = [
    ResultRecorded("Everton", "Sunderland", 0, 1),
    ResultRecorded("Chelsea", "Sunderland", 1, 2),
    ResultRecorded("Manchester City", "Sunderland", 2, 2),
]
SEASON = [
    ResultRecorded("Hull City", "Sunderland", 1, 0),
    ResultRecorded("Sunderland", "Fulham", 3, 1),
    ResultRecorded("Arsenal", "Everton", 1, 1),
    ResultRecorded("Sunderland", "Chelsea", 0, 4),
    ResultRecorded("Sunderland", "Everton", 0, 0),
]


def _points(points: Answer) -> None:
    trying(points, "Sunderland", []).gives(0, slips={IndexError: "nothing played"}, otherwise="starts with points")
    home = [ResultRecorded("Sunderland", "Fulham", 3, 1), ResultRecorded("Sunderland", "Chelsea", 0, 4)]
    trying(points, "Sunderland", home).gives(3, slips={2: "two for a win", 6: "lost"})
    trying(points, "Sunderland", AWAY_DAY).gives(
        7, slips={0: "home only", 1: "home only", 6: "drawn", 3: "first match only"}
    )
    trying(points, "Sunderland", SEASON).gives(4, slips={5: "matches of others"}).unchanged(otherwise="uses up")


EXERCISES = (
    Exercise.prediction(
        "00.1",
        "Four matches of Stoke City",
        answer=5,
        slips={
            2: "These are the points of the home matches. Stoke City also played away, twice.",
            3: "A draw is worth something too, for both clubs.",
            7: "Look at the match against Crystal Palace once more: how many goals has each club here?",
            8: "Look at the first match once more: which goals are those of the away club?",
        },
        hints=(
            "Go through the four events with a finger, and write the points beside each.",
            "Stoke City won once and lost once. What were the other two?",
        ),
        solution="""
            prediction = 0 + 1 + 3 + 1
        """,
        why="You have just folded: the points are written in no event, and yet they follow from all of them.",
        difficulty=1,
    ),
    Exercise.value(
        "00.2",
        "The leader after 250 events",
        answer="Chelsea",
        slips={
            "Manchester City": "They are champions in the end. Who leads at event 250?",
            "Arsenal": "They lead after 200 events. Step on from there: what has changed by event 250?",
            "Liverpool": "They lead in April. Step back from there to event 250.",
        },
        hints=(
            "Drag the slider until the player says 250, or set `player.position = 250` in a cell.",
            "The clubs are in the order of the table: `list(timeline[250].state)`.",
        ),
        solution="""
            from eslab import Timeline, datasets
            from eslab.domains.league import LeagueTable

            timeline = Timeline(datasets.load("league"), LeagueTable())
            answer = list(timeline[250].state)[0]
        """,
        why="Nobody had to keep the table of that evening: it follows from the events up to then.",
        difficulty=1,
    ),
    Exercise.value(
        "00.3",
        "The events of one club",
        answer=39,
        slips={
            38: "That is the number of matches. Are there more events than matches?",
            19: "These are only the home matches.",
            20: "These are only the events in which Sunderland play away.",
        },
        hints=(
            "`sum(1 for e in history if ...)` counts the events for which something holds.",
            "A club appears in `e.payload.home` or in `e.payload.away`.",
        ),
        solution="""
            from eslab import datasets

            history = datasets.load("league")
            answer = sum(1 for e in history if "Sunderland" in (e.payload.home, e.payload.away))
        """,
        why="One match has two events: a result, and the correction that came six years later.",
        difficulty=2,
    ),
    Exercise(
        "00.4",
        "Fold by hand",
        kind="function",
        difficulty=3,
        start="""
            def points(club, results):
                ...
        """,
        check=_points,
        mistakes={
            "nothing played": Mistake(
                hint="What if no match has been played yet?",
                code="""
                    def points(club, results):
                        first = results[0]
                        return 3 if first.home_goals > first.away_goals else 0
                """,
            ),
            "starts with points": Mistake(
                hint="With which number does every club begin a season?",
                code="""
                    def points(club, results):
                        return 1 + 3 * len(results)
                """,
            ),
            "two for a win": Mistake(
                hint="A win brings three points.",
                code="""
                    def points(club, results):
                        return sum(2 for r in results if r.home == club and r.home_goals > r.away_goals)
                """,
            ),
            "lost": Mistake(
                hint="A defeat brings nothing: compare the goals before you add.",
                code="""
                    def points(club, results):
                        return sum(3 for r in results if club in (r.home, r.away))
                """,
            ),
            "home only": Mistake(
                hint="What does the function do when the club plays away?",
                code="""
                    def points(club, results):
                        total = 0
                        for r in results:
                            if r.home == club and r.home_goals > r.away_goals:
                                total += 3
                            elif r.home_goals == r.away_goals:
                                total += 1
                        return total
                """,
            ),
            "drawn": Mistake(
                hint="Both clubs have the same number of goals: who gets what?",
                code="""
                    def points(club, results):
                        total = 0
                        for r in results:
                            winner = r.home if r.home_goals > r.away_goals else r.away
                            if winner == club and r.home_goals != r.away_goals:
                                total += 3
                        return total
                """,
            ),
            "first match only": Mistake(
                hint="It stops after one match. Is the `return` inside the loop?",
                code="""
                    def points(club, results):
                        total = 0
                        for r in results:
                            ours, theirs = r.home_goals, r.away_goals
                            if r.away == club:
                                ours, theirs = theirs, ours
                            total += 3 if ours > theirs else 1 if ours == theirs else 0
                            if total:
                                return total
                        return total
                """,
            ),
            "matches of others": Mistake(
                hint="A draw between two other clubs brings this club nothing.",
                code="""
                    def points(club, results):
                        total = 0
                        for r in results:
                            if r.home_goals == r.away_goals:
                                total += 1
                            elif club == (r.home if r.home_goals > r.away_goals else r.away):
                                total += 3
                        return total
                """,
            ),
            "uses up": Mistake(
                hint="The list is empty afterwards. Facts are for reading: go through them with `for`.",
                code="""
                    def points(club, results):
                        total = 0
                        while results:
                            r = results.pop()
                            if club not in (r.home, r.away):
                                continue
                            ours, theirs = r.home_goals, r.away_goals
                            if r.away == club:
                                ours, theirs = theirs, ours
                            total += 3 if ours > theirs else 1 if ours == theirs else 0
                        return total
                """,
            ),
        },
        hints=(
            "Begin with `total = 0`, go through the results, and pass over those without the club.",
            "Turn each match so that you look from the club's side: `ours` and `theirs`.",
            "Three cases are left: more goals than the others, as many, fewer.",
        ),
        solution="""
            def points(club, results):
                total = 0
                for r in results:
                    if r.home == club:
                        ours, theirs = r.home_goals, r.away_goals
                    elif r.away == club:
                        ours, theirs = r.away_goals, r.home_goals
                    else:
                        continue
                    if ours > theirs:
                        total += 3
                    elif ours == theirs:
                        total += 1
                return total
        """,
        why="An empty start and one step for each event: this loop is a fold, and the whole course rests on it.",
    ),
)
