"""A league records results and corrects them where they were wrong; the table follows from both."""

from __future__ import annotations

import dataclasses
import re

from eslab.aggregates import Aggregate, unhandled
from eslab.commands import CommandHandler, Wiring, command
from eslab.errors import CommandRefused, InvalidCommand
from eslab.events import Recorded, event
from eslab.projections import Projection

# --- events ---


@event(name="league.ResultRecorded")
class ResultRecorded:
    home: str
    away: str
    home_goals: int
    away_goals: int


@event(name="league.ResultCorrected")
class ResultCorrected:
    """The result is not what was believed until now; it says both, so that a fold can undo the first."""

    home: str
    away: str
    home_goals: int
    away_goals: int
    home_goals_before: int
    away_goals_before: int


# --- commands ---


@command
class RecordResult:
    home: str
    away: str
    home_goals: int
    away_goals: int


@command
class CorrectResult:
    home: str
    away: str
    home_goals: int
    away_goals: int


# --- state ---


class Match(Aggregate):
    """One match of a season; `score` is home and away goals, or None while no result is recorded."""

    category = "match"

    def __init__(self) -> None:
        self.home = self.away = ""
        self.score: tuple[int, int] | None = None

    def apply(self, event: object) -> None:
        match event:
            case ResultRecorded(home, away, home_goals, away_goals):
                self.home, self.away = home, away
                self.score = (home_goals, away_goals)
            case ResultCorrected(home_goals=home_goals, away_goals=away_goals):
                self.score = (home_goals, away_goals)
            case _:
                raise unhandled(self, event)


def match_stream(home: str, away: str) -> str:
    """The stream of a match: `match-arsenal-aston-villa`; a season has one match a pair at each ground."""
    return "match-" + re.sub(r"\W+", "-", f"{home} {away}".lower())


# --- decisions and handlers ---


class RecordResultHandler(CommandHandler[RecordResult, Match]):
    fold = Match

    def stream(self, command: RecordResult) -> str:
        return match_stream(command.home, command.away)

    def validate(self, command: RecordResult) -> None:
        _check(command)

    def handle(self, command: RecordResult, state: Match) -> list[ResultRecorded]:
        if state.score is not None:
            raise CommandRefused(
                f"{command.home} - {command.away} is recorded as {_text(state.score)}: "
                f"if that is wrong, send CorrectResult",
                command=command, score=state.score,
            )  # fmt: skip
        return [ResultRecorded(command.home, command.away, command.home_goals, command.away_goals)]


class CorrectResultHandler(CommandHandler[CorrectResult, Match]):
    fold = Match

    def stream(self, command: CorrectResult) -> str:
        return match_stream(command.home, command.away)

    def validate(self, command: CorrectResult) -> None:
        _check(command)

    def handle(self, command: CorrectResult, state: Match) -> list[ResultCorrected]:
        if state.score is None:
            raise CommandRefused(
                f"{command.home} - {command.away} has no result to correct: send RecordResult",
                command=command, score=None,
            )  # fmt: skip
        if state.score == (command.home_goals, command.away_goals):
            raise CommandRefused(
                f"{command.home} - {command.away} is recorded as {_text(state.score)} already: "
                f"expected another score, or no command at all",
                command=command, score=state.score,
            )  # fmt: skip
        goals = command.home_goals, command.away_goals
        return [ResultCorrected(command.home, command.away, *goals, *state.score)]


HANDLERS: Wiring = {
    RecordResult: RecordResultHandler(),
    CorrectResult: CorrectResultHandler(),
}


def _check(wish: RecordResult | CorrectResult) -> None:
    if not wish.home.strip() or not wish.away.strip() or wish.home == wish.away:
        found = f"{wish.home!r} against {wish.away!r}"
        raise InvalidCommand(f"found {found}, expected two different clubs", command=wish)
    for goals in (wish.home_goals, wish.away_goals):
        if type(goals) is not int or goals < 0:
            raise InvalidCommand(f"found {goals!r} goals, expected a whole number, 0 or more", command=wish)


def _text(score: tuple[int, int]) -> str:
    return f"{score[0]}-{score[1]}"


# --- projections ---


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One club's line in the table: three points for a win, one for a draw."""

    played: int = 0
    won: int = 0
    drawn: int = 0
    lost: int = 0
    goals_for: int = 0
    goals_against: int = 0
    points: int = 0

    @property
    def goal_difference(self) -> int:
        return self.goals_for - self.goals_against

    def plus(self, scored: int, conceded: int, times: int = 1) -> Row:
        """The line with one match more; `times=-1` takes the match back."""
        won, drawn, lost = scored > conceded, scored == conceded, scored < conceded
        return Row(
            self.played + times,
            self.won + times * won,
            self.drawn + times * drawn,
            self.lost + times * lost,
            self.goals_for + times * scored,
            self.goals_against + times * conceded,
            self.points + times * (3 * won + drawn),
        )


Table = dict[str, Row]


class LeagueTable(Projection):
    """Club to row, in the order of the table: points, goal difference, goals scored, then the name."""

    name = "league_table"
    types = (ResultRecorded, ResultCorrected)

    def initial(self) -> Table:
        return {}

    def evolve(self, state: Table, recorded: Recorded) -> Table:
        match recorded.payload:
            case ResultRecorded(home, away, home_goals, away_goals):
                table = _count(state, home, away, home_goals, away_goals)
            case ResultCorrected(home, away, home_goals, away_goals, home_before, away_before):
                table = _count(state, home, away, home_before, away_before, times=-1)
                table = _count(table, home, away, home_goals, away_goals)
            case other:
                raise unhandled(self, other)
        return dict(sorted(table.items(), key=_rank))


def _count(table: Table, home: str, away: str, home_goals: int, away_goals: int, times: int = 1) -> Table:
    return table | {
        home: table.get(home, Row()).plus(home_goals, away_goals, times),
        away: table.get(away, Row()).plus(away_goals, home_goals, times),
    }


def _rank(line: tuple[str, Row]) -> tuple[int, int, int, str]:
    club, row = line
    return -row.points, -row.goal_difference, -row.goals_for, club
