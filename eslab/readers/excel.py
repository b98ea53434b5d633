"""An Excel sheet has a record a row, below a row that names the columns; a cell is text, number, time or yes or no."""

from __future__ import annotations

import contextlib
import itertools
import zipfile
import zlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import IO, Any

import openpyxl
from openpyxl.cell.read_only import EMPTY_CELL

from eslab.readers.files import check_unpacked, opened, unreadable
from eslab.readers.log import Found, Log, Refused
from eslab.readers.tables import Columns, check_head, with_columns

Cells = tuple[Any, ...]
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, LookupError, ValueError, TypeError, AttributeError,
           SyntaxError)  # fmt: skip
"""What reading a damaged file raises: it is XML in a .zip."""


@with_columns
def excel(path: str | PathLike[str], sheet: str | None = None, **columns: Any) -> Log:
    """The events of a sheet of an Excel file (.xlsx): a row an event, `line` its number in the sheet.

        readers.excel("tickets.xlsx", "2026", stream="Case", type="Activity", occurred_at="Time", zone="Europe/Berlin")

    What the columns mean is said as in `readers.Columns`; the first row that is not empty names them. Whole numbers
    stay whole; Excel's times have no zone, so `zone` says which one is meant. Of a formula the value is taken that
    Excel has kept. An empty row, and an empty cell, is left out.

    Raises UnreadableLog if the file cannot be opened, has several sheets and none is named, or has no such columns; and
    on reading for a row with an error (#REF!) or a formula without value in it, and for one that is no event.
    """
    place, mapped = Path(path), Columns(**columns)
    with _rows(place, sheet) as (name, rows):
        line, head = _head(rows, place, mapped)

    def records() -> Iterator[Found | Refused]:
        with _rows(place, name) as (_, rows), _Formulas(place, name) as formulas:
            for number, row in itertools.islice(rows, line, None):
                why = _wrong(row, len(head)) or formulas.without_value(number, row)
                values = {name: cell.value for name, cell in zip(head, row, strict=False) if cell.value is not None}
                if why:
                    yield Refused(number, why, values)
                elif values:
                    yield mapped.event(number, values)

    return mapped.log(f"{place.name}, sheet {name}", records, {"columns": head, "sheet": name}, "row")


# --- rows -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _rows(path: Path, sheet: str | None, *, values: bool = True) -> Iterator[tuple[str, Iterator[tuple[int, Cells]]]]:
    """The name of the sheet, and its rows with their numbers; a cell has its value, or else its formula."""
    with opened(path, unpack=False) as file:
        try:
            _check(file, path)
            book = openpyxl.load_workbook(file, read_only=True, data_only=values)
            name = _sheet(book.sheetnames, sheet, path)
            book[name].reset_dimensions()  # programs write a size that is not that of the sheet
            yield name, enumerate(book[name].iter_rows(), 1)
        except DAMAGED as error:
            raise unreadable(path, f"it is no whole Excel file ({type(error).__name__}: {error}), expected .xlsx: open "
                                   f"it in Excel and save it anew, or as CSV") from error  # fmt: skip


def _check(file: IO[bytes], path: Path) -> None:
    start = file.read(4)
    if start == b"\xd0\xcf\x11\xe0":
        raise unreadable(path, "it is an Excel file of before 2007, or has a password, expected .xlsx without one: "
                               "save it as that in Excel")  # fmt: skip
    if start != b"PK\x03\x04":
        raise unreadable(path, "it is no Excel file, expected .xlsx: is it CSV? Then take readers.csv")
    with zipfile.ZipFile(file) as archive:
        check_unpacked(path, sum(info.file_size for info in archive.infolist()))
    file.seek(0)


def _sheet(names: list[str], wanted: str | None, path: Path) -> str:
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted in names:
        return wanted
    found = "several sheets" if wanted is None else f"no sheet {wanted!r}"
    raise unreadable(path, f"it has {found}, expected sheet= one of {', '.join(map(repr, names))}")


def _head(rows: Iterator[tuple[int, Cells]], path: Path, columns: Columns) -> tuple[int, list[str]]:
    """The first row that is not empty: its number, and the names that it gives to the columns."""
    for number, row in rows:
        names = [cell.value for cell in row]
        while names and names[-1] is None:
            names.pop()
        if names:
            check_head(names, columns, path.name, number)
            return number, names
    raise unreadable(path, "the sheet is empty, expected a row that names the columns: was the right one named?")


def _wrong(row: Cells, width: int) -> str:
    """What is wrong with a row, "" if nothing."""
    for cell in row:
        if cell.data_type == "e":
            return f"found the error {cell.value} in {cell.coordinate}, expected a value: correct it in Excel"
    beyond = [cell for cell in row[width:] if cell.value is not None]
    if beyond:
        return (
            f"found {beyond[0].value!r} in {beyond[0].coordinate}, where no column has a name: name it in the first row"
        )
    return ""


class _Formulas:
    """The formulas of a sheet; they are read only if a cell has no value, and might have had one."""

    def __init__(self, path: Path, sheet: str) -> None:
        self._open = contextlib.ExitStack()
        self._place, self._number, self._row = (path, sheet), 0, Cells()
        self._rows: Iterator[tuple[int, Cells]] | None = None

    def without_value(self, number: int, row: Cells) -> str:
        """What is wrong with a row that has a formula of which Excel has kept no value, "" if it has none."""
        empty = [place for place, cell in enumerate(row) if cell.value is None and cell is not EMPTY_CELL]
        if not empty:
            return ""
        if self._rows is None:
            self._rows = self._open.enter_context(_rows(*self._place, values=False))[1]
        while self._number < number:
            self._number, self._row = next(self._rows)
        for place in empty:
            if self._row[place].data_type == "f":
                return (f"the formula in {self._row[place].coordinate} has no value, since the file was written by a "
                        f"program that does not calculate: open it in Excel, and save it")  # fmt: skip
        return ""

    def __enter__(self) -> _Formulas:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
