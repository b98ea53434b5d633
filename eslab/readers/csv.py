"""A CSV file has a record a line, in cells, and a head line that names them; every cell is text."""

from __future__ import annotations

import contextlib
import csv as cells
import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from eslab.errors import InvalidName
from eslab.events import Recorded
from eslab.readers.files import LONGEST_LINE, lines, opened, replacing, unreadable
from eslab.readers.log import Found, Log, Refused
from eslab.readers.own import ENVELOPE, as_told, is_own, read_back
from eslab.readers.places import rising
from eslab.readers.tables import Columns, check_head, with_columns

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = ",;\t|"


@with_columns
def csv(
    path: str | PathLike[str], *, delimiter: str | None = None, quotechar: str = '"', encoding: str = "utf-8",
    member: str | None = None, **columns: Any,
) -> Log:  # fmt: skip
    """The events of a CSV file, plain, .gz or .zip (with a `member`, if it holds several files): a row an event.

        readers.csv("tickets.csv", stream="case", type="activity", occurred_at="time", category="ticket",
                    zone="Europe/Berlin", kinds={"amount": Decimal})

    What the columns mean is said as in `readers.Columns`. Without a `delimiter`, the one of , ; tab | is taken that
    divides the head line into most cells (`log.about` says which). Text stays text, also 007, 1e5 and NA, unless
    `kinds` says what it is; an empty cell is left out. What `to_csv` has written needs no columns.

    Raises UnreadableLog if the file cannot be opened or has no such columns, and on reading for a row that is no event.
    """
    table = _Table(Path(path), delimiter, quotechar, encoding, member, Columns(**columns))
    with table.rows() as (head, _, delimiter):
        about = {"columns": head, "delimiter": delimiter}
    return table.columns.log(table.path.name, table.records, about)


def to_csv(history: Iterable[Recorded], path: str | PathLike[str]) -> int:
    """Write events to a CSV file that `csv` reads back as they were, and say how many; an older file is replaced.

    The columns are the ten fields of a recorded event; payload and metadata are JSON. Raises InvalidPosition if the
    events do not come in the order of their positions.
    """
    events = 0
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = cells.writer(file)
        writer.writerow(ENVELOPE)
        for recorded in rising(history):
            writer.writerow(as_told(recorded).values())
            events += 1
    return events


@dataclasses.dataclass(frozen=True)
class _Table:
    """A CSV file, and how it is to be read."""

    path: Path
    delimiter: str | None
    quotechar: str
    encoding: str
    member: str | None
    columns: Columns

    @contextlib.contextmanager
    def rows(self) -> Iterator[tuple[list[str], Iterator[Row], str]]:
        """The names of the columns, the rows below, and the delimiter. Raises UnreadableLog if a column is missing."""
        with opened(self.path, member=self.member) as stream:
            text = (line for _, line in lines(stream, self.path, self.encoding))
            first = next(text, "")
            delimiter = self.delimiter or ","
            try:
                delimiter = self.delimiter or _delimiter(first, self.quotechar)
                rows = _rows(self._reader(itertools.chain([first], text), delimiter), self.path)
            except TypeError as error:
                raise InvalidName(f"delimiter is {delimiter!r} and quotechar {self.quotechar!r}, expected one "
                                  f"character for each", found=delimiter) from error  # fmt: skip
            except cells.Error as error:
                raise unreadable(self.path, f"the line that names the columns cannot be read ({error}): correct it, or "
                                            f"save the file with the line ends of today", 1) from error  # fmt: skip
            head = next(rows, None)
            if head is None or head.wrong:
                raise unreadable(self.path, f"found {head.wrong if head else 'no text'}, expected a line that names "
                                            f"the columns: add it", head.line if head else 1)  # fmt: skip
            if not self._is_own(head.cells):
                check_head(head.cells, self.columns, self.path.name, head.line, f" (split at {delimiter!r})")
            yield head.cells, rows, delimiter

    def records(self) -> Iterator[Found | Recorded | Refused]:
        with self.rows() as (head, rows, _):
            own = self._is_own(head)
            for line, row, wrong in rows:
                if wrong or len(row) != len(head):
                    why = wrong or f"found {len(row)} cells, expected {len(head)}"
                    yield Refused(line, f"{why}: correct the row; a cell that holds the delimiter, a line end or a "
                                        f"quote stands in quotes", row)  # fmt: skip
                elif own:
                    yield read_back(line, dict(zip(head, row, strict=True)))
                else:
                    yield self.columns.event(line, {name: cell for name, cell in zip(head, row, strict=True) if cell})

    def _is_own(self, head: list[str]) -> bool:
        return self.columns.as_eslab_has_them and is_own(head, self.path.name)

    def _reader(self, text: Iterator[str], delimiter: str) -> Reader:
        cells.field_size_limit(max(cells.field_size_limit(), LONGEST_LINE))  # it holds for the whole program
        return cells.reader(text, delimiter=delimiter, quotechar=self.quotechar, strict=True)


class Row(NamedTuple):
    """The cells of a row that begins on this line, or what is wrong with it."""

    line: int
    cells: list[str]
    wrong: str = ""


def _rows(reader: Reader, path: Path) -> Iterator[Row]:
    """Each row that is not empty."""
    while True:
        before = reader.line_num
        try:
            row = next(reader)
        except StopIteration:
            return
        except cells.Error as error:
            if reader.line_num > before + 1:
                raise unreadable(path, f"a quote is opened here and not closed as it should be ({error}), so where the "
                                       f"next row begins is not known: correct it", before + 1) from error  # fmt: skip
            yield Row(before + 1, [], f"the row cannot be read ({error})")
        else:
            if row:
                yield Row(before + 1, row)


def _delimiter(head: str, quotechar: str) -> str:
    """The one that divides the head line into most cells."""
    return max(DELIMITERS, key=lambda one: len(next(cells.reader([head], delimiter=one, quotechar=quotechar), [])))
