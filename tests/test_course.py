"""The exercise engine answers back, whatever a learner hands to it."""

from __future__ import annotations

import builtins
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import nbformat
import pytest
from nbclient import NotebookClient

import eslab.course
import eslab.store
from eslab.course import check, hint, solution
from eslab.course.attempts import untouched
from eslab.course.catalogue import exercises_of
from eslab.course.exercises import Exercise, Mistake
from eslab.course.feedback import Feedback, Status
from eslab.course.guard import guarded
from eslab.course.judging import judge
from eslab.course.trying import Answer, NotYet, expect, same, short, trying
from eslab.errors import UnknownName
from eslab.projections import Projection
from eslab.stores.memory import MemoryStore

LESSON = '''
"""The exercises of notebook 98, a lesson of the tests."""
from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import trying

def _total(total):
    trying(total, [50, -20]).gives(30, slips={70: "signs"})

EXERCISES = (
    Exercise.prediction(
        "98.1", "The <balance>", answer=30, slips={70: "Which way does `-20` go?"}, difficulty=1,
        hints=("Add.", "Carefully."), solution="prediction = 50 - 20", why="Facts make the sum.",
    ),
    Exercise(
        "98.2", "The total", kind="function", difficulty=2, start="def total(amounts):\\n    ...",
        check=_total, mistakes={"signs": Mistake("Mind the sign.", "")}, hints=("Add.",),
        solution="def total(amounts):\\n    return sum(amounts)", why="A fold.",
    ),
)
'''


@pytest.fixture
def lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of exercises as an author writes it, beside those of the course."""
    (tmp_path / "e98_lesson.py").write_text(LESSON, encoding="utf-8")
    monkeypatch.setattr(eslab.course, "__path__", [*eslab.course.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "eslab.course.e98_lesson", raising=False)
    exercises_of.cache_clear()


def _balance(balance: Answer) -> None:
    trying(balance, []).gives(0, slips={IndexError: "empty"}, otherwise="start")
    trying(balance, AMOUNTS).gives(30, slips={70: "signs"}).unchanged(otherwise="empties")


AMOUNTS = [50, -20]
BALANCE = Exercise(
    "97.1",
    "A balance",
    kind="function",
    difficulty=2,
    start="def balance(amounts):\n    ...",
    check=_balance,
    mistakes={name: Mistake(f"hint for {name}", "") for name in ("empty", "start", "signs", "empties")},
    hints=("Add.",),
    solution="def balance(amounts):\n    return sum(amounts)",
    why="A fold.",
    seconds=0.4,
)


def answered(answer: object) -> Feedback:
    return judge(BALANCE, answer)


# --- the three verbs ---


@pytest.mark.usefixtures("lesson")
def test_an_answer_is_not_attempted_then_not_yet_then_right() -> None:
    assert check("98.2").status is Status.NOT_ATTEMPTED
    assert check("98.2", lambda amounts: 70).message == "Mind the sign."
    assert check("98.2", sum).message == "A fold."
    assert [bool(check("98.2", answer)) for answer in (..., abs, sum)] == [False, False, True]


@pytest.mark.usefixtures("lesson")
def test_hints_come_one_by_one_and_then_there_is_the_solution() -> None:
    assert repr(hint("98.1")) == "98.1 hint 1 of 2\nAdd."
    assert hint("98.1", 2).text == "Carefully."
    with pytest.raises(UnknownName, match=r"has no hint 3: expected 1 to 2.*solution\(\"98.1\"\)"):
        hint("98.1", 3)
    assert "    prediction = 50 - 20\n\nFacts make the sum." in repr(solution("98.1"))


@pytest.mark.usefixtures("lesson")
def test_an_unknown_number_lists_those_of_its_notebook() -> None:
    with pytest.raises(UnknownName, match=r"'98.7' does not exist: notebook 98 has 98.1, 98.2") as refusal:
        check("98.7", 1)
    assert refusal.value.facts["known"] == ("98.1", "98.2")


@pytest.mark.usefixtures("lesson")
@pytest.mark.parametrize("number", ["96.1", "4.2", 4.2, "the second", ""])
def test_a_number_of_no_notebook_lists_the_notebooks(number: Any) -> None:
    with pytest.raises(UnknownName, match=r"expected.*98"):
        check(number, 1)


# --- predictions ---


@pytest.mark.usefixtures("lesson")
def test_nothing_is_revealed_before_it_is_predicted() -> None:
    opened: list[str] = []
    for no_prediction in (..., None, "thirty", print):
        feedback = check("98.1", no_prediction, reveal=lambda: opened.append("seen"))
        assert "in fact" not in repr(feedback)
    assert opened == []
    assert "secret" not in repr(check("98.1", reveal="secret"))


@pytest.mark.usefixtures("lesson")
def test_a_prediction_is_shown_beside_what_happens() -> None:
    assert check("98.1", 70, reveal=lambda: 50 - 20).details == (("predicted", "70"), ("in fact", "30"))
    assert check("98.1", 30, reveal=30).message == "Facts make the sum."
    assert "differently" in check("98.1", 31, reveal=30).message
    assert "raised ZeroDivisionError" in repr(check("98.1", 30, reveal=lambda: 1 / 0))


# --- what counts as an attempt ---


def blank(amounts: object) -> None:
    """Add them."""


def unfinished(amounts: object) -> NoReturn:
    raise NotImplementedError("later")


class Account:
    """An account."""

    def __init__(self) -> None: ...

    def apply(self, event: object) -> None:
        """Change the balance."""
        raise NotImplementedError


class Opened(Account):
    def apply(self, event: object) -> None:
        self.balance = 0


@dataclass(frozen=True)
class Deposited:
    amount: int


@pytest.mark.parametrize("answer", [..., None, blank, unfinished, lambda x: ..., Account, [..., 1], {"a": ...}])
def test_an_answer_without_content_is_no_attempt(answer: object) -> None:
    assert untouched(answer, "answer = ...")


@pytest.mark.parametrize("answer", [0, "", [], False, sum, abs, lambda x: x, Opened, Deposited, int, [1]])
def test_an_answer_with_content_is_an_attempt(answer: object) -> None:
    assert not untouched(answer, "answer = ...")


def made(code: str) -> Any:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(code, "<cell>", "exec"), namespace)
    return namespace["Deposited"]


def test_what_the_start_makes_is_no_attempt() -> None:
    start = "class Deposited:\n    amount: int\n    def twice(self):\n        return self.amount"
    changed = start.replace("return self.amount", "return self.amount * 2")
    assert untouched(made(start), start)
    assert not untouched(made(changed), start)
    assert not untouched(made(start.replace("amount", "cents")), start)
    assert untouched([3], "answer = [3]")
    assert not untouched([4], "answer = [3]")


def test_a_projection_that_is_named_after_its_class_was_not_touched() -> None:
    start = "class Takings(Projection):\n    def evolve(self, state, recorded):\n        ..."
    names: dict[str, Any] = {"__name__": "__main__", "Projection": Projection}
    exec(start, names)
    assert untouched(names["Takings"], start)
    names["Takings"].name = "takings"
    assert not untouched(names["Takings"], start)


# --- what is told ---


def test_the_learner_reads_what_was_tried_and_what_came_out_but_not_what_should_have() -> None:
    feedback = answered(lambda amounts: sum(map(abs, amounts)))
    assert feedback.mistake == "signs"
    assert feedback.details == (("tried", "<lambda>([50, -20])"), ("gave", "70"))
    assert "30" not in repr(feedback)


def test_a_forgotten_return_is_pointed_out() -> None:
    assert "Is a `return` missing?" in answered(lambda amounts: print(sum(amounts))).message


def test_an_exception_is_told_with_the_line_of_the_learner() -> None:
    def balance(amounts: Any) -> Any:
        return amounts["all"]

    feedback = answered(balance)
    assert feedback.message.startswith("Your code stopped with TypeError: list indices must be")
    assert 'return amounts["all"]' in repr(feedback)


def test_an_exception_can_be_a_typical_mistake() -> None:
    assert answered(lambda amounts: amounts[0]).mistake == "empty"


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        ("function", 30, "expected a function"),
        ("class", Deposited(5), "expected a class"),
        ("value", blank, "expected a value"),
        ("events", 5, "expected a list of events"),
        ("store", [5], "expected a store"),
    ],
)
def test_an_answer_of_the_wrong_sort_is_told_what_is_expected(kind: Any, answer: object, expected: str) -> None:
    exercise = Exercise(
        "97.2", "Sorts", kind=kind, difficulty=1, start="answer = 0", check=lambda _: None, solution="",
        why="", hints=(), mistakes={}, attempted=lambda _: True,
    )  # fmt: skip
    feedback = judge(exercise, (lambda: 1) if answer is blank else answer)
    assert expected in feedback.message


def test_what_was_printed_is_shown_shortened() -> None:
    def balance(amounts: list[int]) -> int:
        print("amounts", amounts, "x" * 10_000)
        return sum(amounts)

    printed = dict(answered(balance).details)["printed"]
    assert printed.startswith("amounts [] xxx")
    assert printed.endswith("more characters")
    assert len(printed) < 500


# --- what is not suffered ---


def forever(_amounts: object) -> None:
    while True:
        pass


def stubborn(_amounts: object) -> None:
    while True:
        try:  # noqa: SIM105  # as learners write it
            forever(_amounts)
        except:  # noqa: E722  # as learners write it
            pass


@pytest.mark.parametrize("endless", [forever, stubborn])
def test_an_endless_loop_is_ended_and_leaves_no_thread(endless: Answer) -> None:
    threads, begun = threading.active_count(), time.perf_counter()
    feedback = answered(endless)
    assert feedback.message.startswith("It did not finish within 0.4 seconds.")
    assert dict(feedback.details)["tried"] == f"{endless.__name__}([])"
    assert threading.active_count() == threads
    assert time.perf_counter() - begun < 5


def test_an_endless_loop_ends_when_checked_from_another_thread() -> None:
    replies: list[Feedback] = []
    caller = threading.Thread(target=lambda: replies.append(answered(forever)))
    caller.start()
    caller.join(10)
    assert "did not finish" in replies[0].message


def test_two_checks_at_once_leave_the_process_as_it_was() -> None:
    before = (sys.stdout, builtins.input, sys.breakpointhook)
    callers = [threading.Thread(target=lambda: guarded(lambda: time.sleep(0.2), 2)) for _ in range(2)]
    for caller in callers:
        caller.start()
        time.sleep(0.1)
    for caller in callers:
        caller.join()
    assert (sys.stdout, builtins.input, sys.breakpointhook) == before


def test_a_call_that_cannot_be_ended_is_said_to_run_on() -> None:
    run = guarded(lambda: time.sleep(2.5), 0.1)
    assert (run.out_of_time, run.still_running) == (True, True)


def deeper(amounts: Any) -> Any:
    return deeper(amounts)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (deeper, "RecursionError"),
        (lambda _: sys.exit("bye"), "SystemExit: bye"),
        (lambda _: input("how much?"), "nobody can type"),
        (lambda _: breakpoint() or {}["a"], "KeyError"),
    ],
    ids=["endless recursion", "exit", "input", "breakpoint"],
)
def test_what_would_stop_a_kernel_is_told(answer: Answer, told: str) -> None:
    assert told in answered(answer).message


def test_a_case_that_a_learner_changes_is_whole_again_next_time() -> None:
    def balance(amounts: list[int]) -> int:
        total = 0
        while amounts:
            total += amounts.pop()
        return total

    assert answered(balance).mistake == answered(balance).mistake == "empties"
    assert AMOUNTS == [50, -20]


def test_what_an_answer_replaces_is_put_back_and_told() -> None:
    append, add = MemoryStore.append, builtins.sum

    def balance(_amounts: object) -> int:
        builtins.sum = lambda *_: 30  # type: ignore[assignment]
        MemoryStore.append = None  # type: ignore[assignment,method-assign]
        sys.setrecursionlimit(50_000)
        return 0

    depth = sys.getrecursionlimit()
    feedback = answered(balance)
    assert "builtins.sum, MemoryStore.append" in dict(feedback.details)["put back"]
    assert (MemoryStore.append, builtins.sum, sys.getrecursionlimit()) == (append, add, depth)


def test_a_value_whose_text_fails_or_never_ends_is_no_trouble() -> None:
    class Silent:
        def __repr__(self) -> str:
            raise RuntimeError("no text")

    class Endless(Exception):
        def __str__(self) -> str:
            forever(0)
            return ""

    def fails(_amounts: object) -> NoReturn:
        raise Endless

    assert dict(answered(lambda _: Silent()).details)["gave"].startswith("<Silent instance")
    assert "Endless: (its text cannot be made)" in answered(fails).message


# --- the words of a check ---


def test_values_are_the_same_to_a_teacher() -> None:
    assert same((1, [2.0]), [1, (2,)])
    assert same(" Draw ", "draw")
    assert same(0.1 + 0.2, 0.3)
    assert same({"a": [1]}, {"a": (1,)})
    assert not same(True, 1)
    assert not same("1", 1)
    assert not same({"a": 1}, {"a": 1, "b": 2})


def test_an_expectation_names_the_mistake() -> None:
    with pytest.raises(NotYet) as raised:
        expect(7, 8, slips={7: "off by one"}, otherwise="else", tried="len(history)")
    assert (raised.value.mistake, raised.value.found, raised.value.tried) == (
        "off by one",
        "7",
        "len(history)",
    )
    with pytest.raises(NotYet, match="else"):
        expect(1, 8, slips={7: "off by one"}, otherwise="else")


def test_a_refusal_can_be_expected() -> None:
    trying(int, "x").raises(ValueError)
    with pytest.raises(NotYet, match="accepts"):
        trying(int, "7").raises(ValueError, otherwise="accepts")
    with pytest.raises(NotYet, match="wrong error"):
        trying(int, "x").raises(KeyError, slips={ValueError: "wrong error"})


def test_a_long_value_is_shortened_and_has_no_address() -> None:
    assert len(short(list(range(1000)))) < 100
    assert short(object()) == "<object object>"


# --- how it looks ---


@pytest.mark.usefixtures("lesson")
def test_feedback_in_a_notebook_is_escaped_and_says_its_status_in_words() -> None:
    page = check("98.1", "<script>alert(1)</script>")._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "The &lt;balance&gt;" in page
    assert "not yet</strong>" in page
    assert "id=" not in page
    assert "<code" in check("98.1", 70)._repr_html_()
    assert "<b>" not in check("98.2", lambda _: {}["<b>"])._repr_html_()


@pytest.mark.usefixtures("lesson")
def test_feedback_as_text_is_stable() -> None:
    assert repr(check("98.1", 70, reveal=30)) == (
        "◐ 98.1 The <balance>: not yet\nWhich way does `-20` go?\n  predicted  70\n  in fact    30"
    )


# --- where it runs ---


def test_the_course_is_imported_without_pandas_matplotlib_or_any_exercise() -> None:
    seen = "import sys, eslab.course; print(*[m for m in sys.modules if m in ('pandas', 'matplotlib', 'ipywidgets')"
    code = seen + " or m.startswith('eslab.course.e0')])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "\n"


CELLS = [
    (
        "from eslab.course.exercises import Exercise\nfrom eslab.course.judging import judge\n"
        "from eslab.course.trying import trying\n"
        "ex = Exercise('97.1', 'Sum', kind='function', difficulty=1, start='def total(x): ...', solution='', why='.',\n"
        "    hints=(), mistakes={}, check=lambda f: trying(f, [1, 2]).gives(3), seconds=0.5)"
    ),
    "def total(x):\n    while True:\n        pass\njudge(ex, total)",
    "def total(x):\n    return input('?')\njudge(ex, total)",
    "def total(x):\n    seen = 1\n    return x['no']\njudge(ex, total)",
    "import sys\njudge(ex, lambda x: sys.exit(1))",
    "def total(x):\n    print('adding')\n    return sum(x)\njudge(ex, total)",
]


def test_a_kernel_goes_on_after_every_kind_of_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(eslab.course.__file__).parents[2]))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    texts = [cell.outputs[0]["data"]["text/plain"] for cell in notebook.cells[1:]]
    tellings = [
        "did not finish within 0.5",
        "nobody can type",
        "your line 3  return x['no']",
        "SystemExit",
        "adding",
    ]
    assert [telling for telling, text in zip(tellings, texts, strict=True) if telling not in text] == []
