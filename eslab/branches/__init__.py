"""A branch is a history that might have been: the same events edited, or the same commands under other rules.

    branch = timeline.branch(skip=[17])
    branch.compare()

What was is never touched. `edits` puts events in another order, `decisions` asks other `rules`, `comparison` reads two
`lines` side by side, `code` writes a branch down as Python, and `moments` a moment as a test.
"""

from __future__ import annotations

from eslab.branches.comparison import Comparison, Moment
from eslab.branches.decisions import Refusal
from eslab.branches.lines import InvalidBranch, Row
from eslab.branches.moments import to_test
from eslab.branches.whatif import Branch, branch, compare

__all__ = ["Branch", "Comparison", "InvalidBranch", "Moment", "Refusal", "Row", "branch", "compare", "to_test"]
