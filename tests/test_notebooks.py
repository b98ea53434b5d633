"""A lesson keeps its shape, was run from top to bottom, says nothing that is true on one machine only, and travels."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import nbformat
import pytest

from eslab.cli.folder import copy_course, course_files
from eslab.datasets import names as data_sets

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
LESSONS = (
    "00_start_here", "01_record_facts", "02_keep_them", "03_rebuild_state", "04_decide", "05_step_through_time",
    "06_build_views", "07_run_views_in_the_background", "08_chart_state_over_time", "09_test_the_history",
    "10_write_at_the_same_time",
    "11_change_the_shape", "12_keep_two_clocks", "13_ask_what_if", "14_go_faster", "15_act_on_events",
    "16_forget_a_person", "17_decide_across_streams", "18_leave_the_lab",
)  # fmt: skip
TITLE = re.compile(r"# (\d\d) · ([A-Z].*)")
FACTS = re.compile(r"\*(\d+) minutes · before: (.+) · data: ([\w, -]+)\*")
LINK = re.compile(r"\]\(([^)\s]+)\)")
ONE_MACHINE_ONLY = re.compile(
    r"\bat 0x[0-9a-f]+|(?<![\w.:/])/(?:tmp|home|root|usr|var|opt|work|private|Users|content)/|\b[A-Z]:\\"
    r"|\b127\.0\.0\.1\b|localhost|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
)
CHECK = [sys.executable, "-c", "from eslab.cli import main; main(prog_name='eslab')", "check"]


# --- what a lesson is made of ---


@dataclass
class Lesson:
    """A notebook, its file name without the ending, and those of the whole course in order."""

    stem: str
    cells: list[Any]
    course: list[str]
    metadata: dict[str, Any]

    @property
    def number(self) -> str:
        return self.stem[:2]

    @property
    def code(self) -> list[Any]:
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def headings(self) -> list[str]:
        return [heading for heading, _ in self.sections()]

    def sections(self) -> list[tuple[str, list[Any]]]:
        """Each `## heading` with the cells that stand under it; a prose cell is cut at the headings in it."""
        found: list[tuple[str, list[Any]]] = []
        for cell in self.cells:
            parts = re.split(r"^(?=## )", cell.source, flags=re.MULTILINE) if cell.cell_type == "markdown" else [cell]
            for part in parts:
                if isinstance(part, str):
                    heading, _, text = part.partition("\n") if part.startswith("## ") else ("", "", part)
                    found += [(heading, [])] if heading else []
                    part = nbformat.v4.new_markdown_cell(text)
                if found:
                    found[-1][1].append(part)
        return found

    def section(self, start: str) -> list[Any]:
        return next((cells for heading, cells in self.sections() if heading.startswith(start)), [])

    def text(self, start: str) -> str:
        return "\n".join(cell.source for cell in self.section(start) if cell.cell_type == "markdown")

    def outputs(self) -> Iterator[tuple[int, Any]]:
        return ((cell.execution_count or 0, output) for cell in self.code for output in cell.outputs)


def read(path: Path, course: list[str]) -> Lesson:
    notebook: Any = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return Lesson(path.stem, notebook.cells, course, notebook.metadata)


def link_to(stem: str) -> str:
    return f"[{stem[:2]} · {stem[3:].replace('_', ' ').capitalize()}]({stem}.ipynb)"


def neighbours(lesson: Lesson) -> tuple[str, str]:
    """The links to the lesson before and the one after; empty where there is none."""
    place = lesson.course.index(lesson.stem)
    before, after = lesson.course[:place][-1:], lesson.course[place + 1 :][:1]
    return "".join(map(link_to, before)), "".join(map(link_to, after))


def calls(cell: Any, name: str) -> list[ast.Call]:
    if cell.cell_type != "code":
        return []
    nodes = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
    return [node for node in nodes if isinstance(node.func, ast.Name) and node.func.id == name]


def words_in(output: Any) -> str:
    """All of an output that is compared when a notebook is run again; pictures and widgets are not."""
    if output.output_type == "stream":
        return str(output.text)
    data = output.get("data", {})
    return "\n".join(str(data[kind]) for kind in data if kind.startswith("text/") or kind == "application/json")


# --- the rules: each gives what is wrong with a lesson, nothing if all is well ---

Rule = Callable[[Lesson], Iterator[str]]
RULES: dict[str, Rule] = {}


def rule(check: Rule) -> Rule:
    RULES[check.__name__.replace("_", " ")] = check
    return check


@rule
def title_and_number_are_those_of_the_file(lesson: Lesson) -> Iterator[str]:
    first = lesson.cells[0].source.partition("\n")[0]
    found = TITLE.fullmatch(first)
    if not found or f"{found[1]}_{found[2].lower().replace(' ', '_')}" != lesson.stem:
        yield f"the first line is {first!r}, expected the name of the file, {lesson.stem}"


@rule
def the_second_line_says_how_long_what_before_and_which_data(lesson: Lesson) -> Iterator[str]:
    found = FACTS.search(lesson.cells[0].source)
    before, _ = neighbours(lesson)
    if not found:
        yield "there is no line *25 minutes · before: … · data: …*"
        return
    if not 10 <= int(found[1]) <= 45:
        yield f"{found[1]} minutes"
    if before not in found[2] or bool(before) != ("](" in found[2]):
        yield f"before is {found[2]!r}, expected {before or 'no link'!r}"
    if unknown := set(found[3].split(", ")) - set(data_sets()):
        yield f"no such data: {unknown}"


@rule
def three_or_four_objectives_begin_it(lesson: Lesson) -> Iterator[str]:
    _, heading, rest = lesson.cells[0].source.partition("\n**You will be able to**\n\n")
    bullets = [line for line in rest.splitlines() if line.startswith("- ")]
    if lesson.cells[0].cell_type != "markdown" or not heading or not 3 <= len(bullets) <= 4:
        yield f"{len(bullets)} objectives under **You will be able to**"


@rule
def the_parts_come_once_and_in_order(lesson: Lesson) -> Iterator[str]:
    parts = ("## Predict", "## Break it", "## Exercises", "## Key points", "## Five questions to answer aloud")
    whole = parts[2:]
    found = [part for heading in lesson.headings for part in parts
             if (heading == part if part in whole else heading.startswith(part))]  # fmt: skip
    if found != list(parts):
        yield f"the parts are {found}, expected {parts}"
    if not any(heading.startswith("## Predict") for heading in lesson.headings[:5]):
        yield "no prediction among the first five sections"


@rule
def a_prediction_is_made_before_the_answer_is_shown(lesson: Lesson) -> Iterator[str]:
    checks = [call for cell in lesson.section("## Predict") for call in calls(cell, "check")]
    if not any(keyword.arg == "reveal" for call in checks for keyword in call.keywords):
        yield "the section ## Predict has no check(…, prediction, reveal=…)"


@rule
def one_error_is_caught_and_then_read_aloud(lesson: Lesson) -> Iterator[str]:
    cells = lesson.section("## Break it")
    catching = [place for place, cell in enumerate(cells) if cell.cell_type == "code" and caught(cell.source)]
    if not catching:
        yield "the section ## Break it catches no error of its own kind"
    for place in catching[:1]:
        if not any(words_in(output).strip() for output in cells[place].outputs):
            yield "what was caught is not shown"
        if place + 1 == len(cells) or cells[place + 1].cell_type != "markdown" or not cells[place + 1].source.strip():
            yield "nothing is said after the cell that catches the error"


def caught(source: str) -> list[str]:
    """The classes that are caught; one that would catch anything does not count."""
    handlers = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ExceptHandler)]
    kinds = [ast.unparse(node.type) for node in handlers if node.type]
    return [kind for kind in kinds if kind not in ("Exception", "BaseException")]


@rule
def three_exercises_or_more_each_after_its_task(lesson: Lesson) -> Iterator[str]:
    cells = lesson.section("## Exercises")
    asking = [place for place, cell in enumerate(cells) if calls(cell, "check")]
    if len(asking) < 3:
        yield f"{len(asking)} exercises"
    for place in asking:
        number = ast.literal_eval(calls(cells[place], "check")[0].args[0])
        if place == 0 or cells[place - 1].cell_type != "markdown" or f"**{number}" not in cells[place - 1].source:
            yield f"there is no task **{number}** before its cell"


@rule
def hints_and_solutions_are_left_to_the_learner(lesson: Lesson) -> Iterator[str]:
    for cell in lesson.code:
        yield from (f"{verb}(…) is called" for verb in ("hint", "solution") if calls(cell, verb))


@rule
def three_to_five_key_points(lesson: Lesson) -> Iterator[str]:
    points = re.findall(r"^- ", lesson.text("## Key points"), flags=re.MULTILINE)
    if not 3 <= len(points) <= 5:
        yield f"{len(points)} key points"


@rule
def five_numbered_questions(lesson: Lesson) -> Iterator[str]:
    numbered = re.findall(r"^(\d+)\. (.*)$", lesson.text("## Five questions"), flags=re.MULTILINE)
    if [number for number, _ in numbered] != list("12345"):
        yield f"the questions are numbered {[number for number, _ in numbered]}"
    yield from (f"no question: {text!r}" for _, text in numbered if "?" not in text)


@rule
def the_last_cell_leads_to_both_neighbours(lesson: Lesson) -> Iterator[str]:
    before, after = neighbours(lesson)
    onwards = f"{after} →" if after else "more notebooks follow"
    wanted = f"← {before} · {onwards}" if before else onwards
    last = lesson.cells[-1]
    if last.cell_type != "markdown" or last.source.strip() != wanted:
        yield f"the last cell is {last.source!r}, expected {wanted!r}"


@rule
def links_lead_somewhere(lesson: Lesson) -> Iterator[str]:
    prose = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    for link in LINK.findall(prose):
        file = link.partition("#")[0]
        there = file.removesuffix(".ipynb") in lesson.course or (NOTEBOOKS / file).is_file()
        if "://" not in link and (not there or file.startswith((".", "/"))):
            yield f"{link} leads nowhere, or out of the folder that a learner has"


@rule
def it_was_run_once_from_top_to_bottom(lesson: Lesson) -> Iterator[str]:
    counts = [cell.execution_count for cell in lesson.code]
    if counts != list(range(1, len(counts) + 1)):
        yield f"the cells were run in the order {counts}"
    yield from ("a code cell is empty" for cell in lesson.code if not cell.source.strip())


@rule
def no_cell_ended_with_an_error(lesson: Lesson) -> Iterator[str]:
    yield from (f"[{n}] {output.ename}" for n, output in lesson.outputs() if output.output_type == "error")


@rule
def nothing_was_written_to_stderr(lesson: Lesson) -> Iterator[str]:
    yield from (f"[{n}] {output.text!r}" for n, output in lesson.outputs() if output.get("name") == "stderr")


@rule
def nothing_shown_is_true_on_one_machine_only(lesson: Lesson) -> Iterator[str]:
    for n, output in lesson.outputs():
        yield from (f"[{n}] shows {found!r}" for found in ONE_MACHINE_ONLY.findall(words_in(output)))


@rule
def never_more_than_two_code_cells_in_a_row(lesson: Lesson) -> Iterator[str]:
    for kind, run in groupby(lesson.cells, key=lambda cell: cell.cell_type):
        row = list(run)
        if kind == "code" and len(row) > 2:
            yield f"{len(row)} code cells in a row, from {row[0].source.splitlines()[0]!r}"


@rule
def nothing_depends_on_metadata(lesson: Lesson) -> Iterator[str]:
    yield from (f"a cell has metadata {dict(cell.metadata)}" for cell in lesson.cells if cell.metadata)
    if set(lesson.metadata) - {"kernelspec", "language_info"} or lesson.metadata["kernelspec"]["name"] != "python3":
        yield f"the notebook has metadata {dict(lesson.metadata)}"


# --- the course as it stands ---

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
STEMS = [path.stem for path in PATHS]
every_notebook = pytest.mark.parametrize("path", PATHS, ids=STEMS)


def test_the_course_has_these_lessons_in_this_order() -> None:
    assert tuple(STEMS) == LESSONS
    assert len({stem[:2] for stem in STEMS}) == len(STEMS)


@every_notebook
@pytest.mark.parametrize("name", RULES)
def test_a_lesson_keeps_its_shape(path: Path, name: str) -> None:
    assert list(RULES[name](read(path, STEMS))) == []


@pytest.mark.slow
def test_every_lesson_says_the_same_in_a_learners_copy(tmp_path: Path) -> None:
    course = copy_course(course_files(), tmp_path / "my own course").folder
    result = subprocess.run([*CHECK, str(course)], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == f"{len(PATHS)} notebooks: all as saved"


@pytest.mark.slow
def test_a_lesson_that_needs_its_place_is_found_out_by_a_copy(tmp_path: Path) -> None:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "points.txt").write_text("79")
    (tmp_path / "copy").mkdir()
    notebook: Any = planted(code="print(open('datasets/points.txt').read())", said="79\n")
    for folder in (tmp_path, tmp_path / "copy"):
        nbformat.write(notebook, folder / "lesson.ipynb")
    both = [subprocess.run([*CHECK, "lesson.ipynb"], cwd=place, capture_output=True).returncode
            for place in (tmp_path, tmp_path / "copy")]  # fmt: skip
    assert both == [0, 1]


# --- each rule can fail: a small lesson that keeps them all, and one edit for each way to break it ---

LESSON = """
# 01 · Count bells

*25 minutes · before: [00 · Ring bells](00_ring_bells.ipynb) · data: bank*

**You will be able to**

- ring
- count
- explain why
%%
## Predict the bells
A bell rings three times.
%% python
check("01.1", prediction, reveal=3)
%%
## Break it: ring no bell
It refuses.
%% python says: no bell
try:
    ring(None)
except EslabError as refusal:
    print(refusal)
%%
Read it aloud.
%%
## Exercises
**01.2** First.
%% python
check("01.2", answer)
%%
**01.3** Second.
%% python
check("01.3", answer)
%%
**01.4** Third, with `hint("01.4")`.
%% python
check("01.4", answer)
%%
## Key points
- One
- Two
- Three

## Five questions to answer aloud
1. Who?
2. What?
3. When?
4. Where?
5. Why?
%%
← [00 · Ring bells](00_ring_bells.ipynb) · [02 · Hear bells](02_hear_bells.ipynb) →
"""
COURSE = ["00_ring_bells", "01_count_bells", "02_hear_bells"]


def planted(text: str = "", *, code: str = "", said: str = "") -> Any:
    """A notebook written as in LESSON, or one of a single code cell; code cells are run in order and say this."""
    notebook: Any = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    for part in text.split("\n%%") if text else [f" python says: {said}\n{code}"]:
        head, _, source = part.partition("\n")
        if "python" not in head:
            notebook.cells.append(nbformat.v4.new_markdown_cell(source))
            continue
        told = said or head.partition("says: ")[2]
        outputs = [nbformat.v4.new_output("stream", name="stdout", text=told)] if told else []
        count = 1 + sum(cell.cell_type == "code" for cell in notebook.cells)
        notebook.cells.append(nbformat.v4.new_code_cell(source, outputs=outputs, execution_count=count))
    return notebook


def lesson_of(text: str) -> Lesson:
    notebook = planted(text)
    return Lesson("01_count_bells", notebook.cells, COURSE, notebook.metadata)


def swap(old: str, new: str) -> Callable[[], Lesson]:
    """The lesson with other words in one place."""
    assert LESSON.count(old) == 1, old
    return lambda: lesson_of(LESSON.replace(old, new))


def altered(change: Callable[[Lesson], object]) -> Callable[[], Lesson]:
    """The lesson with something done to it that cannot be written as text."""

    def make() -> Lesson:
        lesson = lesson_of(LESSON)
        change(lesson)
        return lesson

    return make


def shows(kind: str, **facts: Any) -> Callable[[], Lesson]:
    return altered(lambda lesson: lesson.code[0].outputs.append(nbformat.v4.new_output(kind, **facts)))


def says(text: str) -> Callable[[], Lesson]:
    return shows("display_data", data={"text/html": f"<b>{text}</b>"})


THIRD_CHECK = '%% python\ncheck("01.4", answer)\n'
BREAKS: dict[Rule, list[Callable[[], Lesson]]] = {
    title_and_number_are_those_of_the_file: [swap("01 · Count", "02 · Count"), swap("Count bells", "Hear bells")],
    the_second_line_says_how_long_what_before_and_which_data: [
        swap("*25 minutes ·", "25 minutes ·"), swap("*25", "*90"), swap("data: bank", "data: bells"),
        swap("before: [00 · Ring bells](00_ring_bells.ipynb)", "before: nothing"),
        swap("before: [00 · Ring bells](00_ring_bells.ipynb)", "before: [02 · Hear bells](02_hear_bells.ipynb)"),
    ],
    three_or_four_objectives_begin_it: [
        swap("- ring\n", ""), swap("- ring\n", "- a\n- b\n- c\n"), swap("**You will be able to**", "You will")
    ],
    the_parts_come_once_and_in_order: [
        swap("## Key points", "## Points"), swap("## Predict the bells", "## Guess the bells"),
        swap("## Break it: ring no bell", "## Predict it again"), swap("## Exercises", "## Exercises for you"),
        swap("## Predict the bells", "## A\n## B\n## C\n## D\n## E\n## Predict the bells"),
    ],
    a_prediction_is_made_before_the_answer_is_shown: [
        swap(", reveal=3", ""), swap('check("01.1", prediction, reveal=3)', "3")
    ],
    one_error_is_caught_and_then_read_aloud: [
        swap("except EslabError as refusal", "except Exception as refusal"), swap("Read it aloud.", ""),
        swap("Read it aloud.", "## And on"), swap(" says: no bell", ""),
        swap("%%\nRead it aloud.\n", "%% python\nring(1)\n"),
    ],
    three_exercises_or_more_each_after_its_task: [
        swap(THIRD_CHECK, ""), swap("**01.3** Second.", "Second."), swap("%%\n**01.3** Second.\n", "")
    ],
    hints_and_solutions_are_left_to_the_learner: [
        swap(THIRD_CHECK, THIRD_CHECK + 'hint("01.4")\n'), swap(THIRD_CHECK, THIRD_CHECK + 'solution("01.4")\n')
    ],
    three_to_five_key_points: [swap("- One\n", ""), swap("- One\n", "- a\n- b\n- c\n- d\n")],
    five_numbered_questions: [swap("5. Why?", ""), swap("5. Why?", "6. Why?"), swap("5. Why?", "5. Because.")],
    the_last_cell_leads_to_both_neighbours: [
        swap("← [00 · Ring bells](00_ring_bells.ipynb) · ", ""), swap("02_hear_bells", "03_hear_bells"),
        swap("[02 · Hear bells](02_hear_bells.ipynb) →", "more notebooks follow"),
        altered(lambda lesson: lesson.cells.append(nbformat.v4.new_markdown_cell("The end."))),
    ],
    links_lead_somewhere: [
        swap("Read it aloud.", "Read [it](it.ipynb) aloud."), swap("Read it aloud.", "Read [it](../README.md) aloud."),
    ],
    it_was_run_once_from_top_to_bottom: [
        altered(lambda lesson: lesson.code[0].update(execution_count=2)),
        altered(lambda lesson: lesson.code[-1].update(execution_count=None)), swap(THIRD_CHECK, "%% python\n"),
    ],
    no_cell_ended_with_an_error: [shows("error", ename="ZeroDivisionError", evalue="", traceback=[])],
    nothing_was_written_to_stderr: [shows("stream", name="stderr", text="a warning")],
    nothing_shown_is_true_on_one_machine_only: [
        says("<object at 0x7f3a>"), says("/tmp/abc/events.db"), says("(/home/ada/x)"), says("C:\\Users\\ada"),
        says("http://127.0.0.1:8888"), says("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        swap("no bell\ntry", "/root/x\ntry"),
    ],
    never_more_than_two_code_cells_in_a_row: [swap(THIRD_CHECK, THIRD_CHECK + "%% python\n1\n%% python\n2\n")],
    nothing_depends_on_metadata: [
        altered(lambda lesson: lesson.cells[0].metadata.update(tags=["solution"])),
        altered(lambda lesson: lesson.metadata.update(widgets={})),
        altered(lambda lesson: lesson.metadata["kernelspec"].update(name="venv")),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_a_good_lesson_keeps_every_rule(name: str) -> None:
    assert list(RULES[name](lesson_of(LESSON))) == []


@pytest.mark.parametrize("check", RULES.values(), ids=RULES)
def test_a_lesson_that_breaks_a_rule_is_found_out(check: Rule) -> None:
    assert [place for place, make in enumerate(BREAKS[check]) if not list(check(make()))] == []
    assert BREAKS[check]


def test_the_first_and_the_last_lesson_have_one_neighbour_each() -> None:
    ends = {"00_ring_bells": "[01 · Count bells](01_count_bells.ipynb) →",
            "02_hear_bells": "← [01 · Count bells](01_count_bells.ipynb) · more notebooks follow"}  # fmt: skip
    for stem, last in ends.items():
        lesson = Lesson(stem, [nbformat.v4.new_markdown_cell(last)], COURSE, {})
        assert list(the_last_cell_leads_to_both_neighbours(lesson)) == []


# --- the page for teachers ---

TEACHERS = NOTEBOOKS / "INSTRUCTORS.md"


def minutes_of(path: Path) -> int:
    found = FACTS.search(read(path, STEMS).cells[0].source)
    assert found
    return int(found[1])


def test_the_timing_table_for_teachers_is_that_of_the_lessons() -> None:
    rows = re.findall(r"^\| (\[.+\]\(.+\)) \| (\d+) \|", TEACHERS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert rows == [(link_to(path.stem), str(minutes_of(path))) for path in PATHS]


def test_the_page_for_teachers_is_one_page_and_names_only_what_is_there() -> None:
    text = TEACHERS.read_text(encoding="utf-8")
    assert len([word for word in text.split() if word != "|"]) <= 1_000
    assert [link for link in LINK.findall(text) if not (NOTEBOOKS / link).is_file()] == []
    last_columns = re.findall(r"\| (\d\d(?:, \d\d)*) \|$", text, flags=re.MULTILINE)
    assert len(last_columns) > 10
    assert {number for column in last_columns for number in column.split(", ")} == {stem[:2] for stem in STEMS}
