"""Chess: six famous games, and small ones for castling, en passant and promotion."""

import datetime as dt

import pytest

from eslab import datasets
from eslab.aggregates import fold
from eslab.domains.chess import Game, GameEnded, GameStarted, ImpossibleMove, MatchScore, MovePlayed, fen
from eslab.errors import UnhandledEvent
from eslab.events import event, record
from eslab.timeline import Timeline

START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
DAY = dt.datetime(2026, 5, 3, tzinfo=dt.UTC)


@event(name="tests.ClockStopped")
class ClockStopped:
    reason: str


def recorded(*payloads):
    return [
        record(payload, stream="game-test", version=n, position=n, recorded_at=DAY)
        for n, payload in enumerate(payloads, start=1)
    ]


def play(moves):
    """The game after moves such as "e2e4 e7e5"."""
    started = GameStarted("Ada", "Babbage")
    return Game.replay(recorded(started, *(MovePlayed(uci, uci) for uci in moves.split())))


def game(number):
    return [each for each in datasets.load("chess") if each.stream == f"game-{number}"]


# --- the six games ---


def test_game_6_ends_where_kasparov_resigned():
    last = Game.replay(game(6))
    assert fen(last) == "r1k4r/p2nb1p1/2b4p/1p1n1p2/2PP4/3Q1NB1/1P3PPP/R5K1 b - - 0 19"
    assert (last.white, last.last_move, last.result) == ("Deep Blue", "c4", "1-0")


def test_there_are_519_moves_in_six_games():
    moves = [sum(each.type == "chess.MovePlayed" for each in game(number)) for number in range(1, 7)]
    assert moves == [89, 89, 95, 111, 98, 37]
    assert sum(moves) == 519


def test_deep_blue_won_by_three_and_a_half_to_two_and_a_half():
    assert fold(datasets.load("chess"), MatchScore()) == {"Garry Kasparov": 2.5, "Deep Blue": 3.5}


def test_a_game_of_the_data_set_shows_its_board():
    assert str(Game.replay(game(6)[:2])).splitlines()[3:7] == [
        "5  · · · · · · · ·",
        "4  · · · · ♙ · · ·",
        "3  · · · · · · · ·",
        "2  ♙ ♙ ♙ ♙ · ♙ ♙ ♙",
    ]


def test_every_position_is_that_of_another_program():
    chess = pytest.importorskip("chess")
    for number in range(1, 7):
        other = chess.Board()
        for length, each in enumerate(game(number), start=1):
            if isinstance(each.payload, MovePlayed):
                assert other.san(chess.Move.from_uci(each.payload.uci)) == each.payload.san
                other.push_uci(each.payload.uci)
            assert fen(Game.replay(game(number)[:length])) == other.fen(en_passant="xfen")


# --- the rules of moving ---


@pytest.mark.parametrize(
    ("moves", "position"),
    [
        ("", START),
        ("e2e4", "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1"),
        ("g1f3 g8f6 f3g1 f6g8", "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 4 3"),
    ],
)
def test_a_position_follows_from_the_moves(moves, position):
    assert fen(play(moves)) == position


def test_castling_moves_the_rook_too():
    short = play("e2e4 e7e5 g1f3 g8f6 f1c4 f8c5 e1g1 e8g8")
    assert fen(short) == "rnbq1rk1/pppp1ppp/5n2/2b1p3/2B1P3/5N2/PPPP1PPP/RNBQ1RK1 w - - 6 5"
    long = play("d2d4 d7d5 c1f4 c8f5 b1c3 b8c6 d1d2 d8d7 e1c1 e8c8")
    assert fen(long) == "2kr1bnr/pppqpppp/2n5/3p1b2/3P1B2/2N5/PPPQPPPP/2KR1BNR w - - 8 6"


@pytest.mark.parametrize(
    ("moves", "rights"),
    [
        ("h2h4 a7a5 h1h3 a8a6", "Qk"),
        ("e2e4 e7e5 e1e2 e8e7", ""),
        ("g2g3 b7b6 f1g2 c8b7 g2b7 e7e6 b7a8", "KQk"),  # a rook taken at home cannot castle either
    ],
)
def test_the_right_to_castle_is_lost(moves, rights):
    assert play(moves).castling == rights


def test_castling_without_the_right_is_refused():
    with pytest.raises(ImpossibleMove, match="white may not castle there any more"):
        play("e2e4 e7e5 g1f3 g8f6 f1e2 b8c6 h1g1 a7a6 g1h1 a6a5 e1g1")


def test_a_pawn_is_taken_in_passing():
    before, after = play("e2e4 a7a6 e4e5 d7d5"), play("e2e4 a7a6 e4e5 d7d5 e5d6")
    assert fen(before) == "rnbqkbnr/1pp1pppp/p7/3pP3/8/8/PPPP1PPP/RNBQKBNR w KQkq d6 0 3"
    assert fen(after) == "rnbqkbnr/1pp1pppp/p2P4/8/8/8/PPPP1PPP/RNBQKBNR b KQkq - 0 3"


def test_black_takes_in_passing_too():
    taken = play("a2a3 d7d5 a3a4 d5d4 e2e4 d4e3")
    assert fen(taken) == "rnbqkbnr/ppp1pppp/8/8/P7/4p3/1PPP1PPP/RNBQKBNR w KQkq - 0 4"


def test_the_passed_square_is_named_only_where_a_pawn_can_take():
    assert play("e2e4").en_passant == "-"
    assert play("e2e4 h7h6 e4e5 f7f5").en_passant == "f6"
    assert play("e2e4 h7h6 e4e5 f7f5 a2a3").en_passant == "-"


@pytest.mark.parametrize(("letter", "piece"), [("q", "♕"), ("n", "♘")])
def test_a_pawn_on_the_last_rank_becomes_what_the_move_says(letter, piece):
    promoted = play(f"a2a4 b7b5 a4b5 a7a6 b5a6 c8b7 a6b7 h7h6 b7a8{letter}")
    assert promoted.board["8"] == f"{piece} ♞ · ♛ ♚ ♝ ♞ ♜"
    assert promoted.castling == "KQk"


def test_black_promotes_to_a_black_piece():
    assert play("h2h3 a7a5 h3h4 a5a4 h4h5 a4a3 h5h6 a3b2 h6g7 b2a1r").board["1"] == "♜ ♘ ♗ ♕ ♔ ♗ ♘ ♖"


# --- what is refused ---


@pytest.mark.parametrize(
    ("moves", "why"),
    [
        ("e3e4", "found empty square on e3, and white is to move"),
        ("e7e5", "found black piece on e7, and white is to move"),
        ("e2e4 d2d4", "found white piece on d2, and black is to move"),
        ("a1a2", "white has a piece of its own on a2"),
        ("e2", "expected two squares"),
        ("e2e9", "expected two squares"),
        ("e2e4q", "only a pawn on the last rank becomes"),
        ("a2a4 b7b5 a4b5 a7a6 b5a6 c8b7 a6b7 h7h6 b7a8", "only a pawn on the last rank becomes"),
        ("a2a4 b7b5 a4b5 a7a6 b5a6 c8b7 a6b7 h7h6 b7a8k", "only a pawn on the last rank becomes"),
    ],
)
def test_an_impossible_move_is_refused(moves, why):
    with pytest.raises(ImpossibleMove, match=why):
        play(moves)


def test_the_refusal_says_which_move_and_holds_the_position():
    with pytest.raises(ImpossibleMove, match=r"move 1 of white, Ke2 \(e1e2\), is not possible") as refused:
        Game.replay(recorded(MovePlayed("Ke2", "e1e2")))
    assert refused.value.facts["fen"] == START


def test_nobody_moves_after_the_end():
    with pytest.raises(ImpossibleMove, match="the game has ended 1/2-1/2"):
        Game.replay(recorded(GameEnded("Ada", "Babbage", "1/2-1/2"), MovePlayed("e4", "e2e4")))


def test_a_timeline_goes_to_any_position_and_shows_where_a_list_of_moves_is_wrong():
    timeline = Timeline(game(6), Game)
    assert timeline[16].state.last_move == "Nxe6"
    assert fen(timeline[0].state) == START
    wrong = Timeline(recorded(GameStarted("Ada", "Babbage"), MovePlayed("Ke2", "e1e2")), Game)
    assert isinstance(wrong[2].error, ImpossibleMove)
    assert fen(wrong[2].state) == START


@pytest.mark.parametrize("state", [Game, MatchScore()])
def test_an_unknown_event_is_loud(state):
    with pytest.raises(UnhandledEvent, match="ClockStopped"):
        fold(recorded(ClockStopped("rain")), state)
