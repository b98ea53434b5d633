"""Two timelines are compared moment by moment: where they part, and how their states differ from there on."""

from __future__ import annotations

import functools
import html
import operator
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

from eslab.branches.lines import Row
from eslab.events import Recorded
from eslab.show import counted, table
from eslab.states import Change, differences
from eslab.timeline import NoSuchStep, Step, Timeline

if TYPE_CHECKING:
    import pandas as pd

    from eslab.branches.decisions import Refusal

SHOWN = 12


class Moment(NamedTuple):
    """A moment of two timelines at once: the row that led to it (None before anything), and a step of each."""

    row: Row | None
    before: Step
    after: Step

    @property
    def event(self) -> Recorded | None:
        """The event of the row, in whichever line it stands; None before anything."""
        if self.row is None:
            return None
        return self.before.event if self.row.kind == "-" else self.after.event

    @property
    def differences(self) -> list[Change]:
        """What is different in the second timeline's state; another order of the same keys is no difference."""
        return list(_changes(self.before, self.after))


class Comparison:
    """Two timelines side by side: `comparison[r]` is the Moment after r rows, -1 the last.

    `before` and `after` are the timelines, `rows` both lines read as one. `refusals` are the wishes that were refused,
    if `after` is a branch with other rules.
    """

    def __init__(
        self, before: Timeline, after: Timeline, rows: Iterable[Row], refusals: tuple[Refusal, ...] = ()
    ) -> None:
        self.before, self.after, self.rows, self.refusals = before, after, tuple(rows), refusals

    @functools.cached_property
    def position(self) -> int | None:
        """How many leading events both share: they part at the next. None if they never part."""
        return next((row.source - (row.kind == "-") for row in self.rows if row.kind != "="), None)

    @functools.cached_property
    def first_difference(self) -> int | None:
        """The first row (0 = before anything) after which the states differ; None if they never do."""
        alike = self.before.fold is self.after.fold
        shared = len(self.rows) if self.position is None else self.position
        for number in range(shared if alike else 0, len(self)):
            before, after = self._steps(number)
            if next(_changes(before, after), None) is not None:
                return number
        return None

    def __len__(self) -> int:
        """How many moments there are: one more than rows."""
        return len(self.rows) + 1

    def __getitem__(self, index: SupportsIndex) -> Moment:
        """The moment after `index` rows; negative from the end. Raises InvalidPosition (an IndexError) outside."""
        number = operator.index(index)
        number = number + len(self) if number < 0 else number
        if not 0 <= number < len(self):
            raise NoSuchStep(
                f"row {index} does not exist, expected 0 (before anything) to {len(self) - 1}, or -1 (last)",
                found=index, last=len(self) - 1,
            )  # fmt: skip
        return Moment(self.rows[number - 1] if number else None, *self._steps(number))

    def __iter__(self) -> Iterator[Moment]:
        return (self[number] for number in range(len(self)))

    def _steps(self, number: int) -> tuple[Step, Step]:
        row = self.rows[number - 1] if number else Row("=", 0, 0)
        return self.before[row.source], self.after[row.branch]

    def to_frame(self) -> pd.DataFrame:
        """One line for each row: its kind, the number of the event in each line, what it is, and how many differences
        there are between the states after it."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for moment in self:
            if moment.row is not None and moment.event is not None:
                kind, source, branch, says = moment.row
                number = source if kind != "+" else None, branch if kind != "-" else None
                event = moment.event.stream, moment.event.type
                rows.append(dict(zip(COLUMNS, (kind, *number, *event, says, len(moment.differences)), strict=True)))
        return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)

    def __repr__(self) -> str:
        return f"<comparison of {self.before.title!r} and {self.after.title!r}: {'; '.join(self._said())}>"

    def _said(self) -> list[str]:
        kinds = [row.kind for row in self.rows]
        if self.position is None:
            same = "the same events" + ", other code" * (self.before.fold is not self.after.fold)
            return [same, *self._said_of_refusals()]
        part = f"they part after {counted(self.position, 'event')}"
        alone = f"{kinds.count('-'):,} only in the first, {kinds.count('+'):,} only in the second"
        return [part, alone, *self._said_of_refusals()]

    def _said_of_refusals(self) -> list[str]:
        return [f"{len(self.refusals):,} refused"] if self.refusals else []

    def _repr_html_(self) -> str:
        parting = [n for n, row in enumerate(self.rows, 1) if row.kind != "="]
        shown = []
        for moment in (self[n] for n in parting[:SHOWN]):
            row, event = moment.row, moment.event
            if row and event:
                number = row.branch if row.kind == "+" else row.source
                shown.append((row.kind, str(number), event.stream, event.type, row.says))
        caption = f"{self.before.title} and {self.after.title}: {'; '.join(self._said())}"
        refused = [(repr(one.command), str(one.error)) for one in self.refusals[:SHOWN]]
        heads, note = ("", "event", "stream", "type", "says"), _more(len(parting))
        rows = table(heads, shown, caption=caption, note=note) if shown else f"<p><b>{html.escape(caption)}</b></p>"
        return rows + (table(("refused", "because"), refused, note=_more(len(self.refusals))) if refused else "")


COLUMNS = {
    "kind": "str", "before": "Int64", "after": "Int64", "stream": "str", "type": "str", "says": "str",
    "differences": "int64",
}  # fmt: skip


def _more(there: int) -> str:
    return f"… and {there - SHOWN:,} more" if there > SHOWN else ""


def _changes(before: Step, after: Step) -> Iterator[Change]:
    return (one for one in differences(before._state, after._state) if isinstance(one, Change))
