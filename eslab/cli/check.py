"""`eslab check` runs notebooks again and says which cells come out otherwise than they were saved."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import click
import nbformat
import pytest

from eslab.cli.folder import MANIFEST
from eslab.datasets import folder as shipped_folder
from eslab.errors import EslabError, UnknownName

CELL_TIMEOUT_S = 120
FINISHED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
LINES_SHOWN = 6
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
KINDS = ("text/plain", "text/markdown", "text/html", "application/json")


class UnreadableNotebook(EslabError):
    """A file is not a notebook, or could not be run at all."""


@dataclass(frozen=True)
class Difference:
    """A cell that came out otherwise; `number` is the one in its brackets, or else its place, from 1."""

    number: int
    source: str
    saved: str
    now: str


class _Watcher:
    """A pytest plugin that keeps what nbval finds, since its own report is for developers."""

    def __init__(self) -> None:
        self.cells = 0
        self.differences: list[Difference] = []
        self.problem: str | None = None

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        if call.when == "call":
            self.cells += 1
        if call.excinfo is None or call.excinfo.errisinstance(pytest.skip.Exception):
            return
        error = call.excinfo.value
        if call.when != "call":
            self.problem = str(error)
        elif not item.parent.timed_out or str(error).startswith("Timeout"):  # later cells tell nothing
            self.differences.append(_difference(item, error))

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.problem = report.longreprtext.splitlines()[-1].lstrip("E ")


def run(words: Sequence[str]) -> int:
    """Check each notebook and print one line for it; 1 if an output differs, else 0.

    Raises `UnknownName` for a notebook that is not there, and `UnreadableNotebook`.
    """
    with _notebooks(words) as notebooks:
        wrong = [path.name for path in notebooks if not _check(path)]
    total = f"{len(notebooks)} notebook{'s' if len(notebooks) != 1 else ''}"
    click.echo(f"{total}: " + (f"{len(wrong)} differ" if wrong else "all as saved"))
    return 1 if wrong else 0


def _check(path: Path) -> bool:
    started = time.monotonic()
    watcher = _watch(path)
    seconds = time.monotonic() - started
    count = len(watcher.differences)
    told = f"{count} of {watcher.cells} cells differ" if count else f"{watcher.cells} cells, as saved"
    if not count and not _has_outputs(path):
        told = f"{watcher.cells} cells, no saved outputs to compare with"
    click.echo(f"{'DIFFERS' if count else 'ok':<8} {path.name:<36} {told}, {seconds:.0f} s")
    for difference in watcher.differences:
        _show(difference)
    return not count


def _watch(path: Path) -> _Watcher:
    watcher, output = _Watcher(), io.StringIO()
    options = ["-c", os.devnull, "--rootdir", str(path.parent), "--noconftest", "--color=no", "-q"]
    options += ["-p", "no:cacheprovider", "-p", "nbval.plugin", "--nbval", "--nbval-current-env"]
    options += [f"--nbval-cell-timeout={CELL_TIMEOUT_S}", str(path)]
    with _environment(PYTEST_ADDOPTS="", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"), redirect_stdout(output):
        code = pytest.main(options, plugins=[watcher])
    if watcher.problem is None and code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if watcher.problem or code not in FINISHED:
        last_line = output.getvalue().strip().rpartition("\n")[2]
        reason = watcher.problem or last_line or f"pytest ended with {code!r}"
        raise UnreadableNotebook(f"{path} cannot be run as a notebook: {reason}", path=path)
    return watcher


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _difference(item: Any, error: BaseException) -> Difference:
    """Both outcomes, told by the first kind of text in which they differ."""
    before, after = item.cell.outputs, item.test_outputs or []
    told = ((_told(before, kind), _told(after, kind)) for kind in KINDS)
    saved, now = next((pair for pair in told if pair[0] != pair[1]), (_told(before, KINDS[0]), str(error)))
    if str(error).startswith("Timeout"):
        now = f"{now}\n{error}".strip()
    return Difference(item.cell.execution_count or item.cell_num + 1, item.cell.source, saved, now)


def _told(outputs: Iterable[Any], kind: str) -> str:
    """The outputs as text: of those that come in several kinds the one asked for, or the list of kinds."""
    parts = []
    for output in outputs:
        if output["output_type"] == "stream":
            parts.append(output["text"])
        elif output["output_type"] == "error":
            parts.append(f"{output['ename']}: {output['evalue']}")
        else:
            data = output["data"]
            parts.append(str(data.get(kind, f"({', '.join(sorted(data))})")))
    return COLOUR.sub("", "\n".join(part.rstrip("\n") for part in parts))


def _show(difference: Difference) -> None:
    first = next((line for line in difference.source.splitlines() if line.strip()), "")
    click.echo(f"    cell [{difference.number}]  {first[:90]}")
    saved, now = difference.saved.splitlines(), difference.now.splitlines()
    same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(saved, now, strict=False))))
    for title, lines in (("the notebook says", saved), ("came out now", now)):
        rest = lines[same : same + LINES_SHOWN] or ["(nothing)" if not lines else "(no more lines)"]
        after = f" after {same} equal lines" if same else ""
        click.echo(f"      {title}{after}:")
        for line in rest:
            click.echo(f"        {line[:160]}")
        if len(lines) > same + LINES_SHOWN:
            click.echo(f"        … {len(lines) - same - LINES_SHOWN} more lines")


def _has_outputs(path: Path) -> bool:
    notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return any(cell.cell_type == "code" and cell.outputs for cell in notebook.cells)


@contextlib.contextmanager
def _notebooks(words: Sequence[str]) -> Iterator[list[Path]]:
    """The notebooks that the words name; without a learner's copy, a temporary copy of the shipped ones."""
    by_number = not words or any(not Path(word).exists() for word in words)
    with contextlib.ExitStack() as stack:
        places = (Path(), Path("eslab-course"))
        course = next((place for place in places if (place / MANIFEST).is_file()), None)
        if course is None and by_number:
            click.echo("No copy of the course is here: checking the notebooks that eslab brought.")
            course = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "course"
            shutil.copytree(shipped_folder("notebooks"), course)
        yield [path for word in words or [str(course)] for path in _named(word, course or Path())]


def _named(word: str, course: Path) -> list[Path]:
    """The notebooks that one word names: a folder's, a file, or those of the course whose name begins so."""
    place = Path(word)
    if place.is_file():
        return [place.resolve()]
    every = sorted((place if place.is_dir() else course).resolve().glob("*.ipynb"))
    found = every if place.is_dir() else [path for path in every if path.name.startswith(word)]
    if found:
        return found
    there = ", ".join(path.stem for path in every) or "no notebook at all"
    raise UnknownName(
        f"{word!r} names no notebook; {place.resolve() if place.is_dir() else 'the course'} holds {there}: "
        "name one by its number or its path",
        name=word,
    )
