"""The command line, as a learner meets it: on a laptop, in a container, with work of their own in the folder."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from eslab.cli import doctor, lab, main
from eslab.cli.folder import MANIFEST, UnusableFolder, copy_course, course_files
from eslab.errors import UnknownName

ESLAB = [sys.executable, "-c", "from eslab.cli import main; main()"]


def run(*words: str):
    return CliRunner().invoke(main, words)


@pytest.fixture
def course(tmp_path):
    """A course of two notebooks and a picture, as if eslab had brought it."""
    shipped = {}
    for name in ("00_start_here.ipynb", "01_record_facts.ipynb", "images/player.png"):
        shipped[name] = tmp_path / "shipped" / name
        shipped[name].parent.mkdir(parents=True, exist_ok=True)
        shipped[name].write_text(f"{name}, first edition")
    return shipped


@pytest.fixture
def mine(tmp_path, course):
    """A learner's copy of it."""
    copy_course(course, tmp_path / "mine")
    return tmp_path / "mine"


# --- the learner's folder ---


def test_the_first_copy_brings_everything(course, tmp_path):
    copied = copy_course(course, tmp_path / "mine")
    assert copied.added == list(course)
    assert (tmp_path / "mine/images/player.png").read_text() == "images/player.png, first edition"
    assert not list((tmp_path / "mine").rglob("*.part"))


def test_what_the_learner_changed_is_kept_and_named(course, mine):
    (mine / "01_record_facts.ipynb").write_text("my answers")
    course["01_record_facts.ipynb"].write_text("second edition")
    copied = copy_course(course, mine, update=True)
    assert copied.kept == ["01_record_facts.ipynb"]
    assert (mine / "01_record_facts.ipynb").read_text() == "my answers"


def test_a_file_of_the_learner_that_was_there_before_the_course_is_kept(course, tmp_path):
    (tmp_path / "00_start_here.ipynb").write_text("my own")
    assert copy_course(course, tmp_path, update=True).kept == ["00_start_here.ipynb"]
    assert copy_course(course, tmp_path, update=True).kept == ["00_start_here.ipynb"]


def test_an_untouched_file_is_refreshed_by_an_update_only(course, mine):
    course["00_start_here.ipynb"].write_text("second edition")
    assert copy_course(course, mine).outdated == ["00_start_here.ipynb"]
    assert (mine / "00_start_here.ipynb").read_text() == "00_start_here.ipynb, first edition"
    assert copy_course(course, mine, update=True).refreshed == ["00_start_here.ipynb"]
    assert (mine / "00_start_here.ipynb").read_text() == "second edition"


def test_a_new_notebook_comes_with_an_update_only(course, mine, tmp_path):
    course["02_keep_them.ipynb"] = tmp_path / "shipped/02_keep_them.ipynb"
    course["02_keep_them.ipynb"].write_text("brand new")
    assert copy_course(course, mine).waiting == ["02_keep_them.ipynb"]
    assert not (mine / "02_keep_them.ipynb").exists()
    assert copy_course(course, mine, update=True).added == ["02_keep_them.ipynb"]


def test_a_deleted_or_renamed_file_comes_back_fresh(course, mine):
    (mine / "00_start_here.ipynb").rename(mine / "00_my_answers.ipynb")
    assert copy_course(course, mine).added == ["00_start_here.ipynb"]


def test_an_update_that_the_learner_already_has_is_no_change_of_theirs(course, mine):
    course["00_start_here.ipynb"].write_text("second edition")
    (mine / "00_start_here.ipynb").write_text("second edition")
    assert copy_course(course, mine).kept == []
    course["00_start_here.ipynb"].write_text("third edition")
    assert copy_course(course, mine, update=True).refreshed == ["00_start_here.ipynb"]


def test_a_folder_that_is_a_file_is_refused(course, tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(UnusableFolder, match=r"notes is not a folder: name another place"):
        copy_course(course, tmp_path / "notes")
    assert (tmp_path / "notes").read_text() == "mine"


def test_a_folder_inside_a_file_is_refused(course, tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(UnusableFolder, match=r"cannot be used \(Not a directory\): name a folder"):
        copy_course(course, tmp_path / "notes/course")


def test_a_folder_that_may_not_be_written_is_refused(course):
    with tempfile.TemporaryDirectory() as place, as_nobody(place, *course.values()):
        Path(place).chmod(0o555)
        with pytest.raises(UnusableFolder, match=r"cannot be used \(Permission denied\)"):
            copy_course(course, Path(place))
        Path(place).chmod(0o755)


@contextmanager
def as_nobody(place, *readable):
    """As a user without rights, since root may write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    for path in readable:
        for parent in (path, *path.parents[:4]):
            parent.chmod(0o755)
    os.chown(place, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("link", ["images", "00_start_here.ipynb", MANIFEST])
def test_a_link_that_leads_out_of_the_folder_is_refused_before_anything_is_copied(course, tmp_path, link):
    (tmp_path / "mine").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mine" / link).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnusableFolder, match=r"leads out of the folder, to .*elsewhere.*: remove that symbolic link"):
        copy_course(course, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [link]
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_folder_of_the_course_itself_is_refused(course, tmp_path):
    with pytest.raises(UnusableFolder, match="where the course itself lives"):
        copy_course(course, tmp_path / "shipped")
    assert not (tmp_path / "shipped" / MANIFEST).exists()


def test_a_damaged_list_of_copied_files_is_refused(course, mine):
    (mine / MANIFEST).write_text("[")
    with pytest.raises(UnusableFolder, match=r"delete it and run `eslab lab` again; your own files stay"):
        copy_course(course, mine)


def test_the_shipped_course_is_notebooks_pictures_and_the_origin_of_the_data():
    names = list(course_files())
    assert "00_start_here.ipynb" in names
    assert "datasets/README.md" in names
    assert [name for name in names if "checkpoint" in name or "__pycache__" in name] == []


# --- eslab lab ---


@pytest.mark.parametrize(
    ("words", "folder", "options"),
    [
        ("", None, ""),
        ("week-1", "week-1", ""),
        ("week-1 --no-browser --port=9000", "week-1", "--no-browser --port=9000"),
        ("--no-browser week-1", "week-1", "--no-browser"),
        ("--port 9000", None, "--port 9000"),
        ("--port 9000 week-1", "week-1", "--port 9000"),
        ("--port=9000 week-1", "week-1", "--port=9000"),
    ],
)
def test_a_bare_word_is_the_folder_unless_it_is_the_value_of_an_option(words, folder, options):
    assert lab.split(words.split()) == (folder, options.split())


def test_two_folders_are_refused():
    result = run("lab", "week-1", "week-2")
    assert (result.exit_code, result.output) == (2, "eslab: 'week-1' and 'week-2' are two folders: name one\n")


def test_a_refusal_is_one_message_without_a_traceback(tmp_path):
    (tmp_path / "notes").write_text("mine")
    result = run("lab", str(tmp_path / "notes"))
    assert result.exit_code == 2
    assert result.output == f"eslab: {tmp_path / 'notes'} is not a folder: name another place\n"


@pytest.fixture
def started(monkeypatch, tmp_path):
    """What would be started, and where, instead of starting it."""
    calls = []
    monkeypatch.setattr(lab, "_serve", lambda command, folder, port: calls.append((command, folder, port)) or 0)
    monkeypatch.chdir(tmp_path)
    return calls


def test_without_a_folder_the_course_goes_to_eslab_course(started, tmp_path):
    result = run("lab")
    assert result.exit_code == 0
    assert f"The course is in {tmp_path / 'eslab-course'} (files copied: {len(course_files())})." in result.output
    assert (tmp_path / "eslab-course/00_start_here.ipynb").is_file()


def test_what_was_kept_and_what_waits_is_said(started, tmp_path):
    run("lab")
    (tmp_path / "eslab-course/00_start_here.ipynb").write_text("my answers")
    known = json.loads((tmp_path / "eslab-course" / MANIFEST).read_text())
    (tmp_path / "eslab-course" / MANIFEST).write_text(json.dumps(known | {"00_start_here.ipynb": "0" * 64}))
    (tmp_path / "eslab-course/datasets/README.md").unlink()
    del known["datasets/README.md"]
    (tmp_path / "eslab-course" / MANIFEST).write_text(json.dumps(known))
    result = run("lab")
    assert "Kept, because they hold your changes: 00_start_here.ipynb." in result.output
    assert "This eslab brings more (new: 1, newer: 0): add --update to get it" in result.output
    assert "files copied: 1" in run("lab", "--update").output


def test_options_of_jupyterlab_come_after_ours_and_so_win(started):
    run("lab", "--port", "9000", "--ServerApp.base_url=/class/")
    command, _, port = started[0]
    assert command[-3:] == ["--port", "9000", "--ServerApp.base_url=/class/"]
    assert port == 9000


def test_root_listens_on_this_machine_only_and_says_so(started, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "Started as root: only this machine can reach it" in run("lab").output
    assert {"--allow-root", "--ip=127.0.0.1"} <= set(started[0][0])
    run("lab", "--ip=0.0.0.0")
    assert "--ip=127.0.0.1" not in started[1][0]


def test_anybody_else_is_not_made_root(started, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "Started as root" not in run("lab").output
    assert "--allow-root" not in started[0][0]


@pytest.mark.parametrize(("display", "alone"), [("", True), (":0", False)])
def test_a_browser_is_opened_only_where_one_can_be_seen(started, monkeypatch, display, alone):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("webbrowser.get", lambda: "a browser")
    for name in ("WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", display)
    assert ("No browser was found here" in run("lab").output) is alone
    assert ("--no-browser" in started[0][0]) is alone


def test_a_missing_jupyterlab_is_said_with_the_command_that_brings_it(monkeypatch):
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    result = run("lab")
    assert result.exit_code == 2
    assert f"JupyterLab is not installed: run `{sys.executable} -m pip install jupyterlab`" in result.output


@contextmanager
def a_lab(tmp_path, *words):
    """A real `eslab lab`, once it has said that Ctrl-C ends it: the process, and the lines it wrote."""
    own = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind.lower()) for kind in ("RUNTIME", "CONFIG", "DATA")}
    env = os.environ | own
    process = subprocess.Popen([*ESLAB, "lab", *words], cwd=tmp_path, env=env, stdout=subprocess.PIPE, text=True)
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith("Ctrl-C"):
                break
        yield process, lines
    finally:
        process.terminate()  # never kill: JupyterLab would live on
        process.wait(30)
        process.stdout.close()


def test_the_lab_opens_on_the_first_notebook_and_ends_with_ctrl_c(tmp_path):
    with a_lab(tmp_path, "week-1", "--no-browser", "--port=18461") as (process, lines):
        address = next(line for line in lines if line.startswith("JupyterLab: ")).removeprefix("JupyterLab: ")
        assert address.startswith("http://127.0.0.1:18461/lab/tree/00_start_here.ipynb?token=")
        token = address.partition("?token=")[2]
        url = f"http://127.0.0.1:18461/api/contents/00_start_here.ipynb?content=0&token={token}"
        with urllib.request.urlopen(url) as answer:
            assert json.load(answer)["name"] == "00_start_here.ipynb"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url)


@pytest.mark.slow
def test_a_taken_port_is_said_and_the_next_one_used(tmp_path):
    words = ("--no-browser", "--port", "18471")
    with socket.create_server(("127.0.0.1", 18471)), a_lab(tmp_path, *words) as (process, lines):
        said = next(line for line in lines if line.startswith("Port 18471 is taken, so JupyterLab uses "))
        port = said.split()[-1].removesuffix(".")
        assert any(line.startswith(f"JupyterLab: http://127.0.0.1:{port}/lab/") for line in lines)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.slow
def test_a_jupyterlab_that_cannot_start_passes_its_exit_code_on(tmp_path):
    words = ("--no-browser", "--port=18481", "--ServerApp.port_retries=0")
    with socket.create_server(("127.0.0.1", 18481)), a_lab(tmp_path, *words) as (process, lines):
        assert process.wait(30) == 1
        assert not [line for line in lines if line.startswith("JupyterLab: ")]


def test_ctrl_c_while_it_starts_is_an_ordinary_end_too(tmp_path):
    slow = "import time; print('starting', flush=True); time.sleep(60)"
    code = f"import sys; from eslab.cli import lab; sys.exit(lab._serve([sys.executable, '-c', {slow!r}], '.', 1))"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "starting\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


# --- eslab check ---


def a_notebook(path: Path, **cells: str | None) -> Path:
    """A notebook of code cells, each with the text that it is said to have printed; None: it was never run."""
    notebook = nbformat.v4.new_notebook()
    for number, (source, said) in enumerate(cells.items(), 1):
        outputs = [] if said is None else [nbformat.v4.new_output("stream", name="stdout", text=said)]
        count = None if said is None else number
        notebook.cells.append(
            nbformat.v4.new_code_cell(source, outputs=outputs, execution_count=count, id=f"cell-{number}")
        )
    nbformat.write(notebook, path)
    return path


def check(*words, cwd):
    return subprocess.run([*ESLAB, "check", *map(str, words)], cwd=cwd, capture_output=True, text=True)


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """One check of two notebooks by their paths and of one by its number: what was said, and the folder."""
    folder = tmp_path_factory.mktemp("checked")
    a_notebook(folder / "mine.ipynb", **{"print(1 + 1)": "2\n", "print('after')": "after\n"})
    a_notebook(folder / "empty.ipynb", **{"print(1)": None})
    (folder / "eslab-course").mkdir()
    (folder / "eslab-course" / MANIFEST).write_text("{}")
    a_notebook(folder / "eslab-course/03_rebuild_state.ipynb", **{"print(3)": "3\n"})
    return check("mine.ipynb", "empty.ipynb", "03", cwd=folder), folder


def test_a_notebook_that_still_says_what_it_said_is_well(checked):
    result, folder = checked
    assert result.returncode == 0
    assert result.stdout.splitlines()[-1] == "3 notebooks: all as saved"
    assert "2 cells, as saved" in result.stdout
    assert sorted(os.listdir(folder)) == ["empty.ipynb", "eslab-course", "mine.ipynb"]


def test_a_difference_is_told_cell_by_cell(tmp_path):
    cells = {"print('a\\nb\\nc')": "a\nb\nd\n", "print('same')": "same\n", "1 / 0": "fine\n"}
    a_notebook(tmp_path / "wrong.ipynb", **cells)
    a_notebook(tmp_path / "right.ipynb", **{"print(1)": "1\n"})
    result = check(".", cwd=tmp_path)
    assert result.returncode == 1
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert lines[0].startswith("ok")
    assert lines[1].startswith("DIFFERS  wrong.ipynb")
    assert "2 of 3 cells differ" in lines[1]
    assert lines[2:7] == [
        *("cell [1]  print('a\\nb\\nc')", "the notebook says after 2 equal lines:", "d"),
        *("came out now after 2 equal lines:", "c"),
    ]
    assert lines[7:12] == [
        *("cell [3]  1 / 0", "the notebook says:", "fine", "came out now:", "ZeroDivisionError: division by zero"),
    ]
    assert lines[-1] == "2 notebooks: 1 differ"


def test_a_notebook_without_outputs_is_not_called_as_saved(checked):
    assert "1 cells, no saved outputs to compare with" in checked[0].stdout


def test_a_number_names_a_notebook_of_the_learners_copy(checked):
    assert [line for line in checked[0].stdout.splitlines() if line.startswith("ok       03_rebuild_state.ipynb")]


def test_a_notebook_that_is_not_there_is_refused_with_those_that_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("check", "99")
    assert result.exit_code == 2
    assert result.stderr.startswith("eslab: '99' names no notebook; the course holds 00_start_here")
    assert "Traceback" not in result.stderr


def test_a_file_that_is_no_notebook_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.ipynb").write_text("just words")
    result = run("check", "notes.ipynb")
    assert result.exit_code == 2
    assert "notes.ipynb cannot be run as a notebook: " in result.stderr
    assert "NotJSONError" in result.stderr
    assert "Traceback" not in result.stderr


# --- eslab doctor ---


def test_the_doctor_finds_everything_that_the_course_needs():
    result = run("doctor")
    needed = result.output.partition("extra:")[0]
    assert result.exit_code == 0
    assert result.output.endswith("Everything that the course needs is here.\n")
    assert "missing" not in needed
    for what in ("jupyterlab", "nbval", "anywidget in JupyterLab", "kernel python3", "notebooks"):
        assert what in needed


def test_the_doctor_names_what_is_missing_and_the_command_that_mends_it(monkeypatch):
    installed = doctor.version

    def without_nbval(name):
        if name == "nbval":
            raise PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(doctor, "version", without_nbval)
    result = run("doctor")
    assert result.exit_code == 1
    assert f"mend it: {sys.executable} -m pip install 'nbval>=0.11'" in result.output
    assert result.output.endswith("Missing: nbval.\n")


def test_the_doctor_sees_a_version_that_is_too_old(monkeypatch):
    installed = doctor.version
    monkeypatch.setattr(doctor, "version", lambda name: "2.2.3" if name == "pandas" else installed(name))
    assert run("doctor").output.endswith("Missing: pandas.\n")


def test_the_doctor_sees_a_kernel_of_another_python(monkeypatch, tmp_path):
    (tmp_path / "kernels/python3").mkdir(parents=True)
    spec = {"argv": ["/usr/bin/other-python", "-m", "ipykernel"], "display_name": "Python 3", "language": "python"}
    (tmp_path / "kernels/python3/kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    result = run("doctor")
    assert result.exit_code == 1
    assert "another Python, /usr/bin/other-python" in result.output
    assert "-m ipykernel install --sys-prefix" in result.output


def test_the_doctor_sees_a_jupyterlab_without_its_half_of_the_widgets(monkeypatch):
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: [])
    result = run("doctor")
    assert result.exit_code == 1
    assert "pip install --force-reinstall --no-deps anywidget" in result.output


def test_the_doctor_sees_that_the_notebooks_are_missing(monkeypatch):
    def nowhere(kind):
        raise UnknownName(f"no {kind}")

    monkeypatch.setattr(doctor, "folder", nowhere)
    assert run("doctor").output.endswith("Missing: notebooks.\n")


def test_a_missing_extra_is_no_illness(monkeypatch):
    installed = doctor.version

    def without_dask(name):
        if name == "dask":
            raise PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(doctor, "version", without_dask)
    result = run("doctor")
    assert result.exit_code == 0
    assert "pip install 'dask[distributed]>=2025.1'" in result.output


def test_the_doctor_tells_no_secrets(monkeypatch):
    monkeypatch.setenv("JUPYTER_TOKEN", "hunter2")
    assert "hunter2" not in run("doctor").output
