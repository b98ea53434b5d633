"""Build chess.jsonl: the six games of Kasparov against Deep Blue in 1997, move by move.

The package `chess` is used as a tool: it holds the moves as published, and tells from where each piece comes.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any

from sources import event, unpacked, write_events

DAYS = ("1997-05-03", "1997-05-04", "1997-05-06", "1997-05-07", "1997-05-10", "1997-05-11")
START = dt.time(19, 0, tzinfo=dt.UTC)  # 15:00 in New York
ASSUMED_PLY = dt.timedelta(minutes=2)  # the times of the moves are not in the data
NAMES = {"Deep Blue (Computer)": "Deep Blue"}


def main() -> None:
    lines = []
    with unpacked("pypi", "chess", "1.11.2") as folder:
        root = folder / "chess-1.11.2"
        sys.path.insert(0, str(root))
        games = read_games(root / "data" / "pgn" / "kasparov-deep-blue-1997.pgn")
        for number, game in enumerate(games, start=1):
            lines += game_events(number, game)
    write_events("chess.jsonl", lines)


def read_games(path: Path) -> list[Any]:
    import chess.pgn  # from the unpacked archive, so only now

    with path.open(encoding="utf-8") as file:
        return list(iter(lambda: chess.pgn.read_game(file), None))


def game_events(number: int, game: Any) -> list[dict[str, Any]]:
    players = {side.lower(): NAMES.get(game.headers[side], game.headers[side]) for side in ("White", "Black")}
    happened: list[tuple[str, dict[str, Any]]] = [("GameStarted", players)]
    board = game.board()
    for move in game.mainline_moves():
        happened.append(("MovePlayed", {"san": board.san(move), "uci": move.uci()}))
        board.push(move)
    happened.append(("GameEnded", players | {"result": game.headers["Result"]}))
    start = dt.datetime.combine(dt.date.fromisoformat(DAYS[number - 1]), START)
    return [at(start + ASSUMED_PLY * ply, number, *each) for ply, each in enumerate(happened)]


def at(moment: dt.datetime, number: int, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    text = moment.isoformat().replace("+00:00", "Z")
    return event(f"chess.{kind}", f"game-{number}", occurred=text, recorded=text, data=data)


if __name__ == "__main__":
    main()
