"""A branch is taken away as Python: the code that makes it again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from eslab.branches.lines import InvalidBranch
from eslab.written import Unwritable, Writer, laid_out

if TYPE_CHECKING:
    from eslab.branches.whatif import Branch


def to_code(branch: Branch) -> str:
    """See `Branch.to_code`."""
    from eslab.branches.whatif import Branch

    chain = [branch]
    while isinstance(chain[0].source, Branch):
        chain.insert(0, chain[0].source)
    writer = Writer(taken=("timeline", "branch"))
    with written_or_refused("the branch cannot be written as code"):
        lines = [_made(one, "branch" if number else "timeline", writer) for number, one in enumerate(chain)]
    return "\n".join([*([writer.imports, ""] if writer.imports else []), *lines, ""])


def _made(branch: Branch, source: str, writer: Writer) -> str:
    from eslab.branches.whatif import named

    given = {name: list(one) if isinstance(one, tuple) else one for name, one in branch.edits.items()}
    if branch.title != named(branch.source, branch.edits):
        given["title"] = branch.title
    return "branch = " + laid_out(writer.call(f"{source}.branch", **given), column=len("branch = "))


@contextlib.contextmanager
def written_or_refused(what: str) -> Iterator[None]:
    try:
        yield
    except Unwritable as error:
        raise InvalidBranch(f"{what}: {error}", **error.facts) from error
