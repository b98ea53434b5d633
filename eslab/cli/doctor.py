"""`eslab doctor` says what is installed, what is missing, and the command that mends it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import click
from packaging.requirements import Requirement

from eslab.datasets import folder
from eslab.errors import UnknownName

EXTRAS = {
    "postgres": "extra: stores on PostgreSQL",
    "dask": "extra: folds on many machines",
    "test": "extra: the tests of eslab itself",
}
LAB_EXTENSIONS = {"anywidget": "anywidget", "@jupyter-widgets/jupyterlab-manager": "jupyterlab-widgets"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Finding:
    """One line of the report: `mend` is the command that helps, or None if all is well."""

    what: str
    found: str
    mend: str | None = None


def run() -> int:
    """Print the report; 1 if something is missing that the course needs, else 0."""
    click.echo(f"eslab {version('eslab')} on Python {sys.version.split()[0]} ({sys.executable})")
    needed = [*_packages(""), *_lab_extensions(), _kernel(), _course()]
    _show("needed", needed)
    for extra, title in EXTRAS.items():
        _show(title, [*_packages(extra), *([_browser()] if extra == "test" else [])])
    missing = [finding.what for finding in needed if finding.mend]
    click.echo()
    click.echo(f"Missing: {', '.join(missing)}." if missing else "Everything that the course needs is here.")
    return 1 if missing else 0


def _show(title: str, findings: list[Finding]) -> None:
    click.echo(f"\n{title}")
    for finding in findings:
        mark = "missing" if finding.mend else "ok"
        click.echo(f"  {mark:<8} {finding.what:<24} {finding.found}")
        if finding.mend:
            click.echo(f"{'':11}mend it: {finding.mend}")


def _packages(extra: str) -> Iterator[Finding]:
    """What pyproject.toml asks for: with `extra` empty what everybody needs, else what that extra adds."""
    for line in requires("eslab") or ():
        wanted = Requirement(line)
        if not _belongs(wanted, extra):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            found = "not installed"
        mend = None if found in wanted.specifier else _pip(wanted)
        yield Finding(wanted.name, found, mend)


def _belongs(wanted: Requirement, extra: str) -> bool:
    if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
        return extra == ""
    return extra != "" and wanted.marker.evaluate({"extra": extra})


def _pip(wanted: Requirement) -> str:
    extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
    return f"{sys.executable} -m pip install '{wanted.name}{extras}{wanted.specifier}'"


def _lab_extensions() -> Iterator[Finding]:
    """The halves of the widgets that live in JupyterLab: without them a player shows as plain text."""
    from jupyter_core.paths import jupyter_path

    places = [Path(place) for place in jupyter_path("labextensions")]
    for name, package in LAB_EXTENSIONS.items():
        there = any((place / name / "package.json").is_file() for place in places)
        mend = None if there else f"{sys.executable} -m pip install --force-reinstall --no-deps {package}"
        yield Finding(f"{package} in JupyterLab", "installed" if there else "not installed", mend)


def _kernel() -> Finding:
    """The kernel that the notebooks ask for has to be this Python, or `import eslab` fails in them."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    mend = f"{sys.executable} -m ipykernel install --sys-prefix"
    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return Finding("kernel python3", "not installed", mend)
    if program in ("python", "python3") or Path(program).resolve() == Path(sys.executable).resolve():
        return Finding("kernel python3", "this Python")
    return Finding("kernel python3", f"another Python, {program}", mend)


def _course() -> Finding:
    try:
        count = len(list(folder("notebooks").glob("[0-9]*.ipynb")))
    except UnknownName:
        count = 0
    mend = None if count else "install eslab again, from its wheel or its checkout"
    return Finding("notebooks", f"{count} of them", mend)


def _browser() -> Finding:
    found = next((name for name in BROWSERS if shutil.which(name)), None)
    return Finding("chromium", found or "not installed", None if found else "apt-get install chromium")
