"""What a notebook shows of an object is a small table, in which every text from data is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

T = TypeVar("T")

SHOW_PROGRESS_FROM = 50_000
"""Work on fewer events than this is over before a progress bar could be read."""


def progress(total: int, what: str, shown: bool | None = None) -> Any:
    """A progress bar over so many events, for a `with`; it shows itself from 50,000 on, or as `shown` says."""
    from tqdm.auto import tqdm  # here, because importing it takes longer than importing eslab

    visible = total >= SHOW_PROGRESS_FROM if shown is None else shown
    return tqdm(total=total, desc=what, unit=" events", disable=not visible)


class Listing(tuple[T, ...], Generic[T]):
    """Things in order: a tuple that shows the first of them, as text and as a table, and how many more there are."""

    __slots__ = ()
    shown: ClassVar[int] = 12
    _called: ClassVar[str]
    """What one of them is called."""
    _heads: ClassVar[tuple[str, ...]]

    def _cells(self, one: T) -> Sequence[object]:
        """What the table says of one of them, a cell for each head."""
        raise TypeError(f"{type(self).__name__} has no table, expected one: give it _heads and _cells")

    @property
    def _title(self) -> str:
        return counted(len(self), self._called)

    @property
    def _more(self) -> str:
        return f"… and {len(self) - self.shown:,} more" if len(self) > self.shown else ""

    def __repr__(self) -> str:
        lines = [self._title, *(f"  {one!r}" for one in self[: self.shown])]
        return "\n".join(lines + [f"  {self._more}"] * bool(self._more))

    def _repr_html_(self) -> str:
        rows = [self._cells(one) for one in self[: self.shown]]
        return table(self._heads, rows, note=self._more) if self else f"<p>{self._title}</p>"


def counted(number: int, what: str) -> str:
    """A number of things in words: 1 event, 1,000 events."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "", note: str = "") -> str:
    """An HTML table with a caption above and a note below; every cell is text, numbers stand to the right."""
    head = "".join(f'<th scope="col" style="text-align: left">{html.escape(name)}</th>' for name in heads)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    above = f'<caption style="text-align: left"><b>{html.escape(caption)}</b></caption>' if caption else ""
    below = f"<p>{html.escape(note)}</p>" if note else ""
    return f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def _cell(value: object) -> str:
    side = "right" if isinstance(value, (int, float)) and not isinstance(value, bool) else "left"
    return f'<td style="text-align: {side}">{html.escape(shortened(value))}</td>'


def shortened(value: object, most: int = 200) -> str:
    """A value as text of at most `most` characters, with the number of those left out."""
    text = value if isinstance(value, str) else f"{value:,}" if type(value) is int else repr(value)
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"
