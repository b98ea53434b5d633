"""`eslab lab` copies the course into the learner's folder and serves that folder with JupyterLab."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import click
import msgspec

from eslab.cli.folder import Copied, copy_course, course_files
from eslab.errors import EslabError

FIRST = "00_start_here.ipynb"
DEFAULT_PORT = 8888
ALONE = {"--no-browser", "--allow-root", "--debug", "--dev-mode", "--core-mode", "--autoreload", "-y"}


class UnusableWords(EslabError):
    """The words after `eslab lab` are not one folder and options of JupyterLab."""


class MissingTool(EslabError):
    """A program that eslab starts is not installed."""


class Server(msgspec.Struct):
    """What a running JupyterLab writes about itself."""

    url: str
    port: int
    token: str = ""


def split(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """The folder, if one is named, and the options that are JupyterLab's.

    A bare word is a folder, unless it follows an option that takes a value (`--port 9000`). Raises
    `UnusableWords` for a second folder.
    """
    folder: str | None = None
    options: list[str] = []
    for before, word in zip(("", *words), words, strict=False):
        if word.startswith("-") or (before.startswith("-") and "=" not in before and before not in ALONE):
            options.append(word)
        elif folder is None:
            folder = word
        else:
            raise UnusableWords(f"{folder!r} and {word!r} are two folders: name one", folders=(folder, word))
    return folder, options


def run(folder: Path, options: Sequence[str], *, update: bool) -> int:
    """Copy, start, say where, and wait until it ends; the exit code is 0 after Ctrl-C, else JupyterLab's own.

    Raises `UnusableFolder` and `MissingTool`.
    """
    if find_spec("jupyterlab") is None:
        raise MissingTool(
            f"JupyterLab is not installed: run `{sys.executable} -m pip install jupyterlab`",
            tool="jupyterlab",
        )
    _say_copied(copy_course(course_files(), folder, update=update))
    return _serve(_command(folder, options), folder, _wanted_port(options))


def _say_copied(copied: Copied) -> None:
    news = [f"files copied: {len(copied.added)}"] if copied.added else []
    news += [f"refreshed: {len(copied.refreshed)}"] if copied.refreshed else []
    click.echo(f"The course is in {copied.folder.resolve()}" + (f" ({', '.join(news)})." if news else "."))
    if copied.kept:
        click.echo(f"Kept, because they hold your changes: {', '.join(copied.kept)}.")
        click.echo("For a fresh copy of one, rename yours and start again.")
    if copied.waiting or copied.outdated:
        click.echo(
            f"This eslab brings more (new: {len(copied.waiting)}, newer: {len(copied.outdated)}): "
            "add --update to get it; your changes stay."
        )


def _command(folder: Path, options: Sequence[str]) -> list[str]:
    """The words that start JupyterLab; the learner's options come last, and so win."""
    ours = [f"--ServerApp.root_dir={folder.resolve()}", f"--LabApp.default_url=/lab/tree/{FIRST}"]
    ours += ["--log-level=WARN", "--LabApp.log_level=WARN"]  # what goes wrong, and one address
    if getattr(os, "geteuid", lambda: -1)() == 0:
        ours += ["--allow-root"]
        if not any(word.startswith(("--ip", "--ServerApp.ip")) for word in options):
            ours += ["--ip=127.0.0.1"]
            click.echo("Started as root: only this machine can reach it (127.0.0.1; --ip=0.0.0.0 opens it).")
    if "--no-browser" not in options and not _browser_here():
        ours += ["--no-browser"]
        click.echo("No browser was found here: open the address below in yours.")
    return [sys.executable, "-m", "jupyterlab", *ours, *options]


def _browser_here() -> bool:
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER")
    if sys.platform.startswith("linux") and not shown:
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _wanted_port(options: Sequence[str]) -> int:
    for word, after in zip(options, [*options[1:], ""], strict=False):
        name, _, value = word.partition("=")
        if name in ("--port", "--ServerApp.port"):
            return int(value or after) if (value or after).isdigit() else DEFAULT_PORT
    return DEFAULT_PORT


def _serve(command: Sequence[str], folder: Path, wanted: int) -> int:
    taken = _answers(wanted)
    asked: list[int] = []
    # A session of its own: Ctrl-C reaches this process alone, which then ends JupyterLab in order.
    environment = {"JUPYTER_TOKEN": secrets.token_hex(24), **os.environ}
    lab = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)

    def stop(number: int, _frame: object) -> None:
        asked.append(number)
        lab.terminate() if len(asked) == 1 else lab.kill()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    _announce(lab, wanted, taken=taken)
    code = lab.wait()
    return 0 if asked else code


def _announce(lab: subprocess.Popen[bytes], wanted: int, *, taken: bool) -> None:
    """Wait until JupyterLab has written where it listens, and say it."""
    from jupyter_core.paths import jupyter_runtime_dir

    place = Path(jupyter_runtime_dir()) / f"jpserver-{lab.pid}.json"
    while lab.poll() is None:
        try:
            server = msgspec.json.decode(place.read_bytes(), type=Server)
        except (FileNotFoundError, msgspec.MsgspecError):  # not there yet, or half written
            time.sleep(0.1)
            continue
        if taken and server.port != wanted:
            click.echo(f"Port {wanted} is taken, so JupyterLab uses {server.port}.")
        token = f"?token={quote(server.token)}" if server.token else ""
        click.echo(f"JupyterLab: {server.url}lab/tree/{FIRST}{token}")
        click.echo("Ctrl-C here ends it.")
        return


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
