"""A repository made here, with every kind of change: what git shows of it is what the events say."""

import datetime as dt
import os
import subprocess

import pytest

from eslab import MemoryStore, Timeline, readers
from eslab.causation import causation
from eslab.errors import InvalidName, UnreadableLog
from eslab.projections import Projection

NOON = dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC)


class Repository:
    def __init__(self, path):
        self.path, self.minutes = path, 0
        path.mkdir()
        self.run("init", "-q", "-b", "main")

    def run(self, *words):
        at = (NOON + dt.timedelta(minutes=self.minutes)).isoformat()
        who = {"AUTHOR": "Zoë", "COMMITTER": "Otto"}
        names = {f"GIT_{role}_{what}": text for role, name in who.items()
                 for what, text in (("NAME", name), ("EMAIL", f"{role.lower()}@example.org"))}  # fmt: skip
        times = {"GIT_AUTHOR_DATE": "2026-05-03T10:00:00+02:00", "GIT_COMMITTER_DATE": at}
        environment = {**os.environ, **names, **times, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        done = subprocess.run(["git", "-C", self.path, *words], env=environment, capture_output=True, check=True)
        return done.stdout.decode()

    def commit(self, message, **files):
        self.minutes += 1
        for name, text in files.items():
            (self.path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        self.run("add", "-A")
        self.run("commit", "-q", "--allow-empty", "-m", message)
        return self.run("rev-parse", "HEAD").strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    made = Repository(tmp_path_factory.mktemp("git") / "garden")
    made.commit("Begin\n\nwith a body: 1\t2\tx", rose="red\n" * 9, mint="green\n")
    made.commit("<b>Paint</b>", rose="red\n" * 9 + "white\n", photo=b"\0\1\2")
    made.run("mv", "rose", "old rose\nin two lines")
    made.commit("Move")
    (made.path / "mint").unlink()
    made.commit("Weed")
    made.run("checkout", "-q", "-b", "side", "HEAD~1")
    made.commit("Aside", herb="thyme\n")
    made.run("checkout", "-q", "main")
    made.minutes += 1
    made.run("merge", "-q", "--no-ff", "-m", "Together", "side")
    return made


def kinds(log):
    return [(one.type, one.data.get("path", one.data.get("message"))) for one in log]


def test_each_commit_and_each_change_of_a_file_is_an_event(repository):
    log = readers.git(repository.path, on_error="collect")
    assert kinds(log) == [
        *(("Committed", "Begin\n\nwith a body: 1\t2\tx"), ("FileAdded", "mint"), ("FileAdded", "rose")),
        *(("Committed", "<b>Paint</b>"), ("FileAdded", "photo"), ("FileModified", "rose")),
        *(("Committed", "Move"),),
        *(("Committed", "Weed"), ("FileDeleted", "mint"), ("Committed", "Aside"), ("FileAdded", "herb")),
        ("Committed", "Together"),
    ]
    assert log.refused["why"].str.contains("printable").tolist() == [True]  # the name in two lines


def test_lines_are_counted_and_a_picture_has_none(repository):
    changes = {
        (one.data["path"], one.version): (one.data["lines_added"], one.data["lines_removed"])
        for one in readers.git(repository.path, on_error="collect") if one.category == "file"
    }  # fmt: skip
    assert (changes["rose", 1], changes["rose", 2], changes["photo", 1]) == ((9, 0), (1, 0), (None, None))


def test_it_occurred_when_it_was_written_and_was_recorded_when_it_was_committed(repository):
    first = next(iter(readers.git(repository.path)))
    assert first.occurred_at == dt.datetime(2026, 5, 3, 8, tzinfo=dt.UTC)
    assert first.recorded_at == NOON + dt.timedelta(minutes=1)
    assert (first.data["author"], first.data["committer_mail"]) == ("Zoë", "committer@example.org")


def test_a_rename_has_both_names(tmp_path):
    made = Repository(tmp_path / "moves")
    made.commit("one", a="text\n" * 20)
    made.run("mv", "a", "b")
    commit = made.commit("two")
    moved = readers.git(made.path).history()[-1]
    assert (moved.stream, moved.type) == ("file-b", "FileRenamed")
    assert moved.data == {"path": "b", "old_path": "a", "lines_added": 0, "lines_removed": 0, "commit": commit}


def test_the_main_line_has_what_a_merge_brought(repository):
    log = readers.git(repository.path, first_parent=True, on_error="collect")
    assert kinds(log)[-2:] == [("Committed", "Together"), ("FileAdded", "herb")]


class Files(Projection):
    """The files that are there."""

    def initial(self):
        return frozenset()

    def evolve(self, state, recorded):
        match recorded.type:
            case "FileAdded":
                return state | {recorded.payload["path"]}
            case "FileDeleted":
                return state - {recorded.payload["path"]}
        return state


def test_the_fold_of_a_history_is_what_lies_in_the_folder(tmp_path):
    made = Repository(tmp_path / "here")
    made.commit("one", a="a", b="b", c="c")
    (made.path / "b").unlink()
    made.commit("two", d="d")
    assert Timeline(readers.git(made.path), Files())[-1].state == frozenset(made.run("ls-files").split())


def test_a_repository_goes_into_a_store_once_and_says_what_a_commit_led_to(repository):
    store, log = MemoryStore(), readers.git(repository.path, on_error="collect")
    assert (log.into(store), log.into(store)) == (log.report.events, 0)
    commit = next(iter(store.read()))
    assert len(causation(store, commit).to_frame()) == 3


def test_the_events_are_the_same_at_each_reading(repository):
    log = readers.git(repository.path, on_error="collect")
    assert list(log) == list(log)


def test_what_is_no_repository_is_refused_with_the_words_of_git(tmp_path):
    with pytest.raises(UnreadableLog, match=r"nothing: git says .*not a git repository.*name its folder"):
        readers.git(_made(tmp_path / "nothing")).history()


def test_a_revision_that_is_not_there_is_refused(repository):
    with pytest.raises(UnreadableLog, match="git says"):
        readers.git(repository.path, "no-such-branch").history()


def test_a_revision_is_never_taken_for_an_option(repository, tmp_path):
    with pytest.raises(UnreadableLog, match="git says"):
        readers.git(repository.path, f"--output={tmp_path / 'stolen'}").history()
    assert not (tmp_path / "stolen").exists()


def test_no_revision_at_all_is_refused():
    with pytest.raises(InvalidName, match="expected a branch"):
        readers.git(".", "")


def test_programs_that_a_repository_names_are_not_started(tmp_path):
    made = Repository(tmp_path / "trap")
    for setting in ("diff.external", "core.pager", "gpg.program", "core.fsmonitor"):
        made.run("config", setting, f"touch {tmp_path / 'sprung'}; true")
    made.run("config", "log.showSignature", "true")
    (made.path / ".gitattributes").write_text("* diff=trap\n")
    made.run("config", "diff.trap.textconv", f"touch {tmp_path / 'sprung'}; cat")
    made.commit("one", a="a")
    (tmp_path / "sprung").unlink(missing_ok=True)
    assert len(readers.git(made.path).history()) == 3
    assert not (tmp_path / "sprung").exists()


def _made(path):
    path.mkdir()
    return path
