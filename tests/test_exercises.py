"""Every exercise is proved: unsolved it is not passed, solved it is, each typical mistake gets its hint."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

from eslab.course.catalogue import exercises_of, notebooks
from eslab.course.exercises import Exercise, Mistake
from eslab.course.feedback import Feedback, Status
from eslab.course.judging import judge
from eslab.course.trying import Answer, expect, same, trying

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
PATIENT = 20.0  # seconds; a busy machine must not make a proof fail


# --- a notebook's worth of samples of every kind, for the proofs themselves ---


def _points(points: Answer) -> None:
    trying(points, []).gives(0, slips={IndexError: "no matches"}, otherwise="starts with a gift")
    matches = [("Arsenal", 2, 0), ("Arsenal", 1, 1), ("Arsenal", 0, 3)]
    trying(points, matches).gives(4, slips={3: "drawn", 6: "lost"}).unchanged(otherwise="uses up")


def _scored(cls: Answer) -> None:
    goal = trying(cls, minute=12, scorer="Giroud").result
    moved = trying(setattr, goal, "minute", 13, tried="goal.minute = 13")
    moved.raises(AttributeError, otherwise="not frozen")
    expect(goal.scorer, "Giroud", tried="goal.scorer")


def _match(events: Answer) -> None:
    expect(len(events), 2, slips={1: "one goal"}, tried="len(events)")


def _kept(store: Answer) -> None:
    expect(store.position, 2, slips={1: "one event"}, tried="store.position")


DECLARED = """
    from eslab.events import event
    from eslab.stores.memory import MemoryStore

    @event(name="samples.Kicked")
    class Kicked:
        minute: int

    store = MemoryStore()
"""
SAMPLES = (
    Exercise.prediction(
        "99.1",
        "Points of a season",
        answer=79,
        slips={75: "Is a draw worth nothing?", 82: "Count the last match again."},
        hints=("Three for a win.", "And one for a draw."),
        solution="prediction = 24 * 3 + 7",
        why="A table is a fold over results.",
        difficulty=1,
    ),
    Exercise(
        "99.2",
        "Points from results",
        kind="function",
        difficulty=2,
        start="""
            def points(matches):
                \"\"\"Say how many points these matches bring.\"\"\"
                ...
        """,
        check=_points,
        mistakes={
            "no matches": Mistake("Think of the first day.", "def points(matches):\n    return matches[0]"),
            "starts with a gift": Mistake("Where do you begin?", "def points(matches):\n    return 1"),
            "drawn": Mistake(
                "Even teams share.", "def points(matches):\n    return sum(3 for _, a, b in matches if a > b)"
            ),
            "lost": Mistake("Who lost?", "def points(matches):\n    return 3 * sum(a >= b for _, a, b in matches)"),
            "uses up": Mistake(
                "A list of facts is for reading.",
                """
                def points(matches):
                    total = 0
                    while matches:
                        _, ours, theirs = matches.pop()
                        total += 3 if ours > theirs else ours == theirs
                    return total
                """,
            ),
        },
        hints=("Go through the matches.",),
        solution="""
            def points(matches):
                return sum(3 if ours > theirs else int(ours == theirs) for _, ours, theirs in matches)
        """,
        why="Nothing is added up twice when it is made from the facts.",
    ),
    Exercise(
        "99.3",
        "A goal is a fact",
        kind="class",
        difficulty=2,
        start="class GoalScored:\n    minute: int\n",
        check=_scored,
        mistakes={
            "not frozen": Mistake(
                "Can a goal be moved to another minute?",
                """
                from dataclasses import dataclass
                @dataclass
                class GoalScored:
                    minute: int
                    scorer: str
                """,
            )
        },
        hints=("What does a goal need to be told again?",),
        solution="""
            from eslab.events import event

            @event(name="samples.GoalScored")
            class GoalScored:
                minute: int
                scorer: str
        """,
        why="What has happened does not change.",
    ),
    Exercise(
        "99.4",
        "A match as a list",
        kind="events",
        difficulty=3,
        start="events = []",
        check=_match,
        mistakes={"one goal": Mistake("Nobody saw the other?", "events = ['goal']")},
        hints=("Look again.",),
        solution="events = ['goal', 'another goal']",
        why="A history keeps both.",
    ),
    Exercise(
        "99.5",
        "Keep them",
        kind="store",
        difficulty=3,
        start=DECLARED,
        check=_kept,
        mistakes={"one event": Mistake("Both of them.", DECLARED + "    store.append('m-1', [Kicked(minute=1)])")},
        hints=("append takes a list.",),
        solution=DECLARED + "    store.append('m-1', [Kicked(minute=1), Kicked(minute=2)])",
        why="A store keeps them in order.",
    ),
)


class Agreeable:
    """Does whatever it is asked to, and is equal to everything."""

    def __getattr__(self, name: str) -> Agreeable:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_args: object, **_kwargs: object) -> Agreeable:
        return self

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


NONSENSE = {
    "a number": 42,
    "a negative number": -1.5,
    "text": "x",
    "a list": ["x"],
    "a dictionary": {"x": 1},
    "an object": object(),
    "a yes-sayer": Agreeable(),
    "a class of them": Agreeable,
    "a type": int,
    "a function that gives what it gets": lambda *args, **_kwargs: args[0] if args else 0,
    "a function that gives nothing": lambda *_args, **_kwargs: print("nothing"),
    "a function that fails": lambda *_args, **_kwargs: 1 // 0,
}

REGISTERED = [exercise for notebook in notebooks() for exercise in exercises_of(notebook).values()]
EVERY = [*SAMPLES, *REGISTERED]
MISTAKES = [(exercise, name) for exercise in EVERY for name in exercise.mistakes]
every_exercise = pytest.mark.parametrize("exercise", EVERY, ids=[exercise.number for exercise in EVERY])
every_mistake = pytest.mark.parametrize(
    ("exercise", "name"), MISTAKES, ids=[f"{exercise.number}-{name}" for exercise, name in MISTAKES]
)


def name_of_answer(exercise: Exercise) -> str:
    """The name that the starting code binds last."""
    for node in reversed(ast.parse(exercise.start).body):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            return node.name
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            return node.targets[0].id
    raise AssertionError(f"the start of {exercise.number} binds no name")


def answer_of(exercise: Exercise, code: str) -> Any:
    """What a learner who typed this code would hand to `check`."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(code, "<cell>", "exec", dont_inherit=True), namespace)  # a cell has no imports from __future__
    return namespace[name_of_answer(exercise)]


def reply(exercise: Exercise, code: str) -> Feedback:
    return judge(exercise, answer_of(exercise, code), seconds=PATIENT)


# --- one exercise ---


@every_exercise
def test_an_exercise_as_it_stands_in_the_notebook_is_not_attempted(exercise: Exercise) -> None:
    assert reply(exercise, exercise.start).status is Status.NOT_ATTEMPTED


@every_exercise
def test_the_solution_is_right_and_says_why_it_matters_each_time(exercise: Exercise) -> None:
    first, second = reply(exercise, exercise.solution), reply(exercise, exercise.solution)
    assert first.status is Status.RIGHT, first
    assert first.message == exercise.why
    assert repr(first) == repr(second)


@every_mistake
def test_a_typical_wrong_answer_gets_its_own_hint_and_no_other(exercise: Exercise, name: str) -> None:
    feedback = reply(exercise, exercise.mistakes[name].code)
    assert feedback.status is Status.NOT_YET
    assert feedback.mistake == name, feedback
    shown = " ".join(repr(feedback).split())
    hints = {other: " ".join(mistake.hint.split()) for other, mistake in exercise.mistakes.items()}
    assert {hint for hint in hints.values() if hint in shown} == {hints[name]}
    if exercise.kind not in ("value", "prediction"):  # two wrong values may come from the same thought
        assert len(set(hints.values())) == len(hints)
    assert repr(feedback) == repr(reply(exercise, exercise.mistakes[name].code))


@every_exercise
@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_never_right_and_never_raises(exercise: Exercise, nonsense: object) -> None:
    if exercise.kind in ("value", "prediction") and same(nonsense, answer_of(exercise, exercise.solution)):
        return
    feedback = judge(exercise, nonsense, seconds=PATIENT)
    assert feedback.status is not Status.RIGHT
    assert feedback.mistake is None or feedback.mistake in exercise.mistakes


@every_exercise
def test_no_hint_gives_the_answer_away(exercise: Exercise) -> None:
    told = [exercise.title, *exercise.hints, *(mistake.hint for mistake in exercise.mistakes.values())]
    assert exercise.hints
    assert exercise.mistakes
    assert all(told)
    for text in told:
        assert not [secret for secret in secrets(exercise) if re.search(secret, text)], text


def secrets(exercise: Exercise) -> list[str]:
    """Patterns of what must not be said before it is solved: the value, or a line of the solution."""
    if exercise.kind in ("value", "prediction"):
        value = answer_of(exercise, exercise.solution)
        bare = [str(value)] if len(str(value)) > 1 or not isinstance(value, str) else []
        return [rf"(?<![\w.]){re.escape(text)}(?![\w])" for text in (repr(value), *bare)]
    lines = {line.strip() for line in exercise.solution.splitlines()} - set(exercise.start.split("\n"))
    plain = ("#", "import ", "from ", "def ", "class ", "@")
    return [re.escape(line) for line in lines if len(line) > 15 and not line.startswith(plain)]


# --- one notebook ---


def lessons() -> dict[str, tuple[Exercise, ...]]:
    registered = {notebook: tuple(exercises_of(notebook).values()) for notebook in notebooks()}
    return {"99": SAMPLES, **registered}


@pytest.mark.parametrize("notebook", lessons())
def test_a_notebook_has_three_exercises_or_more_in_rising_difficulty_and_a_prediction(notebook: str) -> None:
    exercises = lessons()[notebook]
    levels = [exercise.difficulty for exercise in exercises]
    assert [exercise.number for exercise in exercises] == [f"{notebook}.{n + 1}" for n in range(len(exercises))]
    assert len(exercises) >= 3
    assert levels == sorted(levels)
    assert 1 <= levels[0] < levels[-1] <= 5
    assert "prediction" in {exercise.kind for exercise in exercises}


@pytest.mark.parametrize("notebook", notebooks())
def test_every_mistake_that_a_check_names_is_described(notebook: str) -> None:
    source = inspect.getsource(importlib.import_module(notebooks()[notebook]))
    described = {name for exercise in exercises_of(notebook).values() for name in exercise.mistakes}
    assert named_mistakes(source) <= described


def named_mistakes(source: str) -> set[str]:
    """The names that checks in this source give to mistakes: in `otherwise`, in `slips`, and to NotYet."""
    found: list[ast.expr] = []
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        if "answer" in keywords:
            continue  # the slips of a value: here the hints themselves
        found += [keywords["otherwise"]] if "otherwise" in keywords else []
        slips = keywords.get("slips")
        found += slips.values if isinstance(slips, ast.Dict) else []
        found += call.args[:1] if getattr(call.func, "id", "") == "NotYet" else []
    return {node.value for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_the_names_of_mistakes_are_found_in_a_source() -> None:
    check = 'trying(f).gives(1, slips={2: "two"}, otherwise="else")\nraise NotYet("no")\n'
    assert named_mistakes(check + 'value(answer=1, slips={2: "a hint"})') == {"two", "else", "no"}


def cells_of(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


PATHS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
every_notebook = pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])


@every_notebook
def test_a_notebook_uses_each_of_its_exercises_and_no_other(path: Path) -> None:
    code = "\n".join("".join(cell["source"]) for cell in cells_of(path))
    exercises = exercises_of(path.name[:2])
    asked = dict(re.findall(r"\bcheck\(\s*[\"']([\d.]+)[\"']\s*,\s*(\w+)", code))
    assert asked == {number: name_of_answer(exercise) for number, exercise in exercises.items()}
    assert set(re.findall(r"\b(?:check|hint|solution)\(\s*[\"']([\d.]+)", code)) == set(exercises)


@every_notebook
def test_a_notebook_holds_the_start_of_each_exercise_unsolved(path: Path) -> None:
    code = "\n".join("".join(cell["source"]) for cell in cells_of(path))
    for exercise in exercises_of(path.name[:2]).values():
        lines = [line.strip() for line in exercise.start.splitlines() if not line.strip().startswith("#")]
        assert [line for line in lines if line not in code] == [], exercise.number
    checks = [cell for cell in cells_of(path) if "check(" in "".join(cell["source"])]
    assert [cell["source"] for cell in checks if "not attempted" not in json.dumps(cell["outputs"])] == []


@pytest.mark.parametrize("notebook", notebooks())
def test_the_exercises_of_a_notebook_have_a_notebook(notebook: str) -> None:
    assert list(NOTEBOOKS.glob(f"{notebook}_*.ipynb"))
