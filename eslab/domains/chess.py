"""A game of chess is the list of its moves; every position follows from it."""

from __future__ import annotations

import re

from eslab.aggregates import Aggregate, unhandled
from eslab.errors import EslabError
from eslab.events import Recorded, event
from eslab.projections import Projection

# --- events (the games are over: there is nothing to decide, so there are no commands) ---


@event(name="chess.GameStarted")
class GameStarted:
    white: str
    black: str


@event(name="chess.MovePlayed")
class MovePlayed:
    """One player's move: `san` as people write it, "Nf3"; `uci` as squares, "g1f3" ("a7a8q" promotes)."""

    san: str
    uci: str


@event(name="chess.GameEnded")
class GameEnded:
    """`result` is "1-0", "0-1" or "1/2-1/2"."""

    white: str
    black: str
    result: str


# --- the board: rank "8" to "1", each a row of text with a piece or a dot every second place ---

Board = dict[str, str]
EMPTY = "·"
FILES = "abcdefgh"
LETTERS = dict(zip("♔♕♖♗♘♙♚♛♜♝♞♟", "KQRBNPkqrbnp", strict=True))
PIECES = {letter: piece for piece, letter in LETTERS.items()}
START: Board = {
    "8": "♜ ♞ ♝ ♛ ♚ ♝ ♞ ♜",
    "7": "♟ ♟ ♟ ♟ ♟ ♟ ♟ ♟",
    "6": "· · · · · · · ·",
    "5": "· · · · · · · ·",
    "4": "· · · · · · · ·",
    "3": "· · · · · · · ·",
    "2": "♙ ♙ ♙ ♙ ♙ ♙ ♙ ♙",
    "1": "♖ ♘ ♗ ♕ ♔ ♗ ♘ ♖",
}
CASTLING = {"e1g1": ("K", "h1f1"), "e1c1": ("Q", "a1d1"), "e8g8": ("k", "h8f8"), "e8c8": ("q", "a8d8")}
"""The king's move to the right that it needs and the move of the rook."""
RIGHTS = {"e1": "KQ", "h1": "K", "a1": "Q", "e8": "kq", "h8": "k", "a8": "q"}
"""The rights to castle that end when anything moves from or to a square."""


def piece_on(board: Board, square: str) -> str:
    """The piece on a square such as "e4", or a dot."""
    return board[square[1]][2 * FILES.index(square[0])]


def put(board: Board, square: str, piece: str) -> Board:
    """The board with a piece, or a dot, on one square."""
    row, at = board[square[1]], 2 * FILES.index(square[0])
    return board | {square[1]: row[:at] + piece + row[at + 1 :]}


def colour(piece: str) -> str:
    """white, black, or nothing for an empty square."""
    return "" if piece == EMPTY else "white" if LETTERS[piece].isupper() else "black"


def moved(board: Board, uci: str) -> Board:
    """The board after a move, with all that belongs to it: castling, en passant and promotion."""
    start, target = uci[:2], uci[2:4]
    piece, taken = piece_on(board, start), piece_on(board, target)
    if piece in "♔♚" and uci in CASTLING:
        board = moved(board, CASTLING[uci][1])
    if piece in "♙♟" and start[0] != target[0] and taken == EMPTY:  # en passant
        board = put(board, target[0] + start[1], EMPTY)
    if promotion := uci[4:]:
        piece = PIECES[promotion.upper() if colour(piece) == "white" else promotion]
    return put(put(board, start, EMPTY), target, piece)


def passed_square(board: Board, start: str, target: str) -> str:
    """The square that a pawn has just jumped over, if an enemy pawn can take it there, else "-"."""
    pawn = piece_on(board, target)
    if pawn not in "♙♟" or abs(int(start[1]) - int(target[1])) != 2:
        return "-"
    beside = [file for file in FILES if abs(FILES.index(file) - FILES.index(target[0])) == 1]
    enemy = "♟" if pawn == "♙" else "♙"
    can_be_taken = any(piece_on(board, file + target[1]) == enemy for file in beside)
    return target[0] + ("3" if pawn == "♙" else "6") if can_be_taken else "-"


class ImpossibleMove(EslabError):
    """A move that the position does not allow: no piece there, or not the mover's."""


# --- state ---


class Game(Aggregate):
    """One game, made for looking: `print(game)` shows the board, `fen(game)` says it in one line.

    `move_number` counts as chess players do, first = 1, up after Black has moved; `quiet_plies` counts the
    plies since a pawn moved or a piece was taken.
    """

    category = "game"

    def __init__(self) -> None:
        self.white = self.black = ""
        self.board: Board = dict(START)
        self.last_move = ""
        self.to_move = "white"
        self.move_number = 1
        self.castling = "KQkq"
        self.en_passant = "-"
        self.quiet_plies = 0
        self.result = "*"

    def apply(self, event: object) -> None:
        match event:
            case GameStarted(white, black):
                self.white, self.black = white, black
            case MovePlayed(san, uci):
                self._check(san, uci)
                self._move(uci)
                self.last_move = san
            case GameEnded(result=result):
                self.result = result
            case _:
                raise unhandled(self, event)

    def _check(self, san: str, uci: str) -> None:
        squares = [uci[:2], uci[2:4]]
        if len(uci) not in (4, 5) or any(s[0] not in FILES or s[1] not in self.board for s in squares):
            raise self._impossible(san, uci, "expected two squares, such as g1f3, and a piece to promote to")
        piece, target = (piece_on(self.board, square) for square in squares)
        if self.result != "*":
            raise self._impossible(san, uci, f"the game has ended {self.result}")
        if colour(piece) != self.to_move:
            found = f"{colour(piece)} piece" if colour(piece) else "empty square"
            raise self._impossible(san, uci, f"found {found} on {squares[0]}, and {self.to_move} is to move")
        if colour(target) == self.to_move:
            raise self._impossible(san, uci, f"{self.to_move} has a piece of its own on {squares[1]}")
        if piece in "♔♚" and uci in CASTLING and CASTLING[uci][0] not in self.castling:
            raise self._impossible(san, uci, f"{self.to_move} may not castle there any more")
        promotes = piece in "♙♟" and squares[1][1] in "18"
        if uci[4:] not in (("q", "r", "b", "n") if promotes else ("",)):
            raise self._impossible(san, uci, "only a pawn on the last rank becomes q, r, b or n")

    def _impossible(self, san: str, uci: str, why: str) -> ImpossibleMove:
        return ImpossibleMove(
            f"move {self.move_number} of {self.to_move}, {san} ({uci}), is not possible: {why}; "
            f"look at the position before it, and correct the list of moves",
            san=san, uci=uci, fen=fen(self),
        )  # fmt: skip

    def _move(self, uci: str) -> None:
        start, target = uci[:2], uci[2:4]
        quiet = piece_on(self.board, start) not in "♙♟" and piece_on(self.board, target) == EMPTY
        self.board = moved(self.board, uci)
        lost = RIGHTS.get(start, "") + RIGHTS.get(target, "")
        self.castling = "".join(right for right in self.castling if right not in lost)
        self.en_passant = passed_square(self.board, start, target)
        self.quiet_plies = self.quiet_plies + 1 if quiet else 0
        self.move_number += self.to_move == "black"
        self.to_move = "black" if self.to_move == "white" else "white"

    def __repr__(self) -> str:
        return f"Game({fen(self)!r}) at version {self.version}"

    def __str__(self) -> str:
        rows = [f"{rank}  {row}" for rank, row in self.board.items()]
        return "\n".join([*rows, "   " + " ".join(FILES)])


def fen(game: Game) -> str:
    """The position in Forsyth-Edwards notation, with an en passant square where a pawn can take there."""
    rows = []
    for row in game.board.values():
        letters = "".join(LETTERS.get(piece, "1") for piece in row.split())
        rows.append(re.sub("1+", lambda dots: str(len(dots[0])), letters))
    parts = ("/".join(rows), game.to_move[0], game.castling or "-", game.en_passant)
    return " ".join([*parts, str(game.quiet_plies), str(game.move_number)])


# --- projections ---

Points = dict[str, float]


class MatchScore(Projection):
    """Player to points over many games: 1 for a win, a half for a draw."""

    name = "match_score"
    types = (GameStarted, MovePlayed, GameEnded)

    def initial(self) -> Points:
        return {}

    def evolve(self, state: Points, recorded: Recorded) -> Points:
        match recorded.payload:
            case GameStarted(white, black):
                return {white: 0.0, black: 0.0} | state
            case GameEnded(white, black, result):
                gained = {"1-0": (1.0, 0.0), "0-1": (0.0, 1.0), "1/2-1/2": (0.5, 0.5)}[result]
                return state | {white: state[white] + gained[0], black: state[black] + gained[1]}
            case MovePlayed():
                return state
            case other:
                raise unhandled(self, other)
