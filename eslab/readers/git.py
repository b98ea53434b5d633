"""A git repository is a log already: every commit, and every file that it changed, is an event."""

from __future__ import annotations

import io
import os
import subprocess
import tempfile
from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import IO

from eslab.errors import InvalidName
from eslab.readers.files import unreadable
from eslab.readers.log import Found, Log

CHANGES = {
    "A": "FileAdded", "M": "FileModified", "D": "FileDeleted", "R": "FileRenamed", "C": "FileCopied",
    "T": "FileTypeChanged",
}  # fmt: skip
HEAD = ("%H", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B")
"""Commit, parents, author (name, mail, time), committer (name, mail, time), message."""
QUIET = ("core.fsmonitor=false", "diff.external=", "log.showSignature=false", "i18n.logOutputEncoding=UTF-8",
         "log.showRoot=true")  # fmt: skip
"""Whatever else a repository's own settings may say, no program of its choice is started."""


def git(
    repository: str | PathLike[str] = ".", revision: str = "HEAD", *, first_parent: bool = False,
    on_error: str = "raise", order: str = "file", progress: bool | None = None,
) -> Log:  # fmt: skip
    """The history of a git repository, up to a branch, a tag or a commit.

    In the stream `commit-<hash>` stands one `Committed`: author and committer with mail, message, parents. In
    `file-<path>` stands what each commit did to the file: FileAdded, FileModified, FileDeleted, FileRenamed,
    FileCopied, FileTypeChanged, with the lines added and removed (None for a binary file) and, for one that was renamed
    or copied, `old_path`. It occurred when the author wrote it, and was recorded when it was committed. A file event
    has its commit as correlation and causation id.

    The order is that of git, parents first (`order="recorded"`: by the time of the commit, which clocks may have got
    wrong). A merge has no file events, since the commits that it merges have them; with `first_parent` only the main
    line is read, and a merge has all that it brought. `line` in a report counts events.

    Raises UnreadableLog, on reading, if git is not there, or finds no repository, revision or commit.
    """
    if not isinstance(revision, str) or not revision.strip():
        raise InvalidName(f"revision is {revision!r}, expected a branch, a tag or a commit, such as 'HEAD'",
                          found=revision)  # fmt: skip
    place = Path(fspath(repository))
    line = ["--first-parent", "--diff-merges=first-parent"] if first_parent else []
    return Log(
        f"git history of {place.resolve().name}", lambda: _told(place, [*line, "--end-of-options", revision]),
        on_error=on_error, order=order, progress=progress,
    )  # fmt: skip


def _told(repository: Path, what: list[str]) -> Iterator[Found]:
    tokens = _output(repository, what)
    number = 0
    changes: dict[str, _Change] = {}
    head: list[str] = []
    for token in tokens:
        token = token.lstrip("\n")
        if token.startswith(":"):
            change = _changed(token, tokens)
            changes[change.path] = change
        elif "\t" in token and head:
            _counted(token, tokens, changes)
        elif token:
            for found in _events(head, list(changes.values()), number):
                number = found.line
                yield found
            head, changes = [token, *(next(tokens, "") for _ in HEAD[1:])], {}
    yield from _events(head, list(changes.values()), number)


class _Change:
    """What one commit did to one file."""

    def __init__(self, kind: str, path: str, old_path: str | None) -> None:
        self.kind, self.path, self.old_path = kind, path, old_path
        self.lines: dict[str, int | None] = {"lines_added": None, "lines_removed": None}


def _changed(token: str, tokens: Iterator[str]) -> _Change:
    """A raw entry: `:100644 100644 1a2b3c 4d5e6f R086`, then the path; before it the old one, if there is one."""
    kind = token.rpartition(" ")[2][0]
    old_path = next(tokens, "") if kind in "RC" else None
    return _Change(kind, next(tokens, ""), old_path)


def _counted(token: str, tokens: Iterator[str], changes: dict[str, _Change]) -> None:
    """A count of lines: `3<tab>1<tab>path`, or without a path, and then the old and the new one; `-` for binary."""
    added, removed, path = token.split("\t", 2)
    if not path:
        _, path = next(tokens, ""), next(tokens, "")
    change = changes.get(path)
    if change is not None:
        change.lines = {"lines_added": _whole(added), "lines_removed": _whole(removed)}


def _whole(number: str) -> int | None:
    return None if number == "-" else int(number)


def _events(head: list[str], changes: list[_Change], number: int) -> Iterator[Found]:
    if not head:
        return
    commit, parents, author, author_mail, written, committer, committer_mail, committed, message = head
    payload = {
        "author": author, "author_mail": author_mail, "committer": committer, "committer_mail": committer_mail,
        "message": message.strip("\n"), "parents": parents.split(), "files": len(changes),
    }  # fmt: skip
    yield Found(number + 1, f"commit-{commit}", "Committed", written, payload, committed, commit)
    because = {"correlation_id": commit, "causation_id": commit}
    for place, change in enumerate(changes, 1):
        old = {} if change.old_path is None else {"old_path": change.old_path}
        yield Found(
            number + 1 + place, f"file-{change.path}", CHANGES.get(change.kind, f"File{change.kind}"), written,
            {"path": change.path, **old, **change.lines, "commit": commit}, committed, f"{commit}:{place}", because,
        )  # fmt: skip


# --- what git says ----------------------------------------------------------------------------------------------------


def _output(repository: Path, what: list[str]) -> Iterator[str]:
    """The parts of git's answer, which are separated by NUL. Raises UnreadableLog with git's own words if it fails."""
    command = [
        "git", "-C", str(repository), "--no-pager", *(word for setting in QUIET for word in ("-c", setting)), "log",
        "--reverse", "--topo-order", "-z", "--raw", "--numstat", "--find-renames", "--no-ext-diff", "--no-textconv",
        "--no-color", "--no-abbrev", f"--format=tformat:{'%x00'.join(HEAD)}%x00", *what,
    ]  # fmt: skip
    environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    with tempfile.TemporaryFile() as said:
        try:
            running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=environment)
        except FileNotFoundError:
            raise unreadable(repository.resolve(), "found no program git, which reads it: install git") from None
        with running:
            yield from _parts(running.stdout or io.BytesIO())
        if running.returncode:
            said.seek(0)
            words = said.read(2_000).decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise unreadable(repository.resolve(), f"git says {words[0]!r}, expected a repository with commits: name "
                                                   f"its folder, and a revision that it has")  # fmt: skip


def _parts(stream: IO[bytes], size: int = 2**16) -> Iterator[str]:
    left = b""
    while block := stream.read(size):
        *parts, left = (left + block).split(b"\0")
        yield from (part.decode(errors="backslashreplace") for part in parts)
    if left.strip():
        yield left.decode(errors="backslashreplace")
