"""The command line: `eslab lab` opens the course, `check` runs it again, `copy` copies a store, `doctor` helps.

Exit codes: 0 all is well, 1 something differs or is missing, 2 a refusal (one message, no traceback).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from eslab.errors import EslabError


class _Verbs(click.Group):
    """Says a refusal as one message on stderr, instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EslabError as refusal:
            click.echo(f"eslab: {refusal}", err=True)
            ctx.exit(2)


@click.group(cls=_Verbs)
@click.version_option(package_name="eslab")
def main() -> None:
    """Learn event sourcing in JupyterLab."""


@main.command("lab", context_settings={"ignore_unknown_options": True})
@click.option("--update", is_flag=True, help="Add what is new and refresh what you have not changed.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[FOLDER] [JUPYTERLAB OPTIONS]...")
def _lab(update: bool, words: tuple[str, ...]) -> None:
    """Copy the course into FOLDER (default: ./eslab-course) and open it in JupyterLab.

    A file that you have changed is never written over, and a file that you have deleted comes back as new.
    Options that eslab does not know go to JupyterLab: --no-browser, --port=9000. Ctrl-C ends it.
    """
    from eslab.cli.lab import run, split

    folder, options = split(words)
    raise SystemExit(run(Path(folder or "eslab-course"), options, update=update))


@main.command("check")
@click.argument("notebooks", nargs=-1, metavar="[NOTEBOOK]...")
def _check(notebooks: tuple[str, ...]) -> None:
    """Run notebooks again and compare every output with the one that is saved.

    NOTEBOOK is a number (00), a file or a folder; without one, your whole copy of the course is run.
    Images are not compared. Exit code 1 if an output differs.
    """
    from eslab.cli.check import run

    raise SystemExit(run(notebooks))


@main.command("copy")
@click.argument("names", nargs=-1, metavar="SOURCE TARGET")
def _copy(names: tuple[str, ...]) -> None:
    """Copy every event of SOURCE into TARGET, and prove that nothing was lost or changed.

    Each is a file (bank.db) or a server (postgresql://user@host/database?schema=eslab). TARGET is made if it is not
    there, and may hold events of other streams. A copy that was ended in the middle goes on when it is run again.
    """
    from eslab.cli.copying import run

    if len(names) != 2:  # click's own message would print the names, and so a password in one
        raise click.UsageError(f"expected SOURCE and TARGET, found {len(names)} name{'s' * (len(names) != 1)}")
    raise SystemExit(run(*names))


@main.command("doctor")
def _doctor() -> None:
    """Say what is installed, what is missing, and the command that mends it."""
    from eslab.cli.doctor import run

    raise SystemExit(run())
