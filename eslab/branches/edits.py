"""A history is edited on paper: events left out, put in, said otherwise or moved, each named by its number.

Numbers are those of the source's steps, whatever else is edited: event i led to step i, first = 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from eslab.branches.lines import FIELDS, InvalidBranch, Line, Rows, said
from eslab.events import History, NewEvent, Recorded


class Edits:
    """What is to be edited in a history. Raises InvalidBranch for numbers outside it and for contradictions."""

    def __init__(
        self, history: History, skip: Any, insert: Mapping[int, Any] | None,
        replace: Mapping[int, Any] | None, move: Mapping[int, int] | None,
    ) -> None:  # fmt: skip
        self.history = history
        if isinstance(skip, str) or not isinstance(skip, Iterable):
            raise InvalidBranch(f"skip is {skip!r}, expected numbers of events in a list: write skip=[17]", found=skip)
        self.skip = [self._number("skip", n) for n in skip]
        self.insert = {self._number("insert", n, 0): _listed(one) for n, one in _pairs("insert", insert)}
        self.replace = {self._number("replace", n): one for n, one in _pairs("replace", replace)}
        self.move = {self._number("move", n): self._number("move", to, 0) for n, to in _pairs("move", move)}
        for other, numbers in (("replaced", self.replace), ("moved", self.move)):
            if twice := set(self.skip) & set(numbers):
                raise InvalidBranch(
                    f"event {min(twice)} is skipped and {other}, expected one or the other: take it out of one of them",
                    number=min(twice),
                )  # fmt: skip

    def _number(self, edit: str, number: Any, first: int = 1) -> int:
        whole = number.__index__() if hasattr(number, "__index__") and not isinstance(number, bool) else -1
        if not first <= whole <= len(self.history):
            raise InvalidBranch(
                f"{edit} names event {number!r}, expected a number from {first} to {len(self.history)}: event i leads "
                f"to step i of the source" + " (0 is the start)" * (not first), found=number,
            )  # fmt: skip
        return whole

    def __bool__(self) -> bool:
        return any([self.skip, self.insert, self.replace, self.move])

    def merged(self) -> tuple[list[Recorded], Rows]:
        """The events of the branch, and both lines read as one.

        Behind an event stand first those inserted there, then those moved there, each in the order given.
        """
        line, rows, skipped = Line(self.history), Rows(), frozenset(self.skip)
        moved = {n: to for n, to in self.move.items() if to not in (n, n - 1)}  # else it stays where it is
        behind: dict[int, list[int]] = {}
        for number, to in moved.items():
            behind.setdefault(to, []).append(number)
        for number, event in enumerate((None, *self.history)):
            if event is None:
                self._insert(0, line, rows)
            elif number in skipped:
                rows.add("-", "skipped")
            elif number in moved:
                rows.add("-", f"moved to {moved[number]}")
            else:
                self._place(number, event, line, rows)
            if number and number in self.insert:
                self._insert(number, line, rows)
            for one in behind.get(number, ()):
                self._place(one, self.history[one - 1], line, rows, f"moved from {one}")
        return line.events, rows

    def _insert(self, number: int, line: Line, rows: Rows) -> None:
        beside = self.history[max(number, 1) - 1] if self.history else None
        for event in self.insert.get(number, ()):
            line.put(event, beside)
            rows.add("+", "inserted")

    def _place(self, number: int, event: Recorded, line: Line, rows: Rows, moved: str = "") -> None:
        """Put an event of the source next, said otherwise if that was asked."""
        if number not in self.replace:
            line.keep(event)
            rows.add("+" if moved else "=", moved)
            return
        new = line.replace(self.replace[number], event)
        if not moved and all(getattr(new, field) == getattr(event, field) for field in ("stream", *FIELDS)):
            rows.add("=")
            return
        if not moved:
            rows.add("-", "replaced")
        rows.add("+", f"{moved}; was: {said(event)}" if moved else f"was: {said(event)}")


def _pairs(edit: str, given: Any) -> Iterator[tuple[Any, Any]]:
    if given is not None and not isinstance(given, Mapping):
        raise InvalidBranch(
            f"{edit} is {given!r}, expected a dict by the number of an event: write {edit}={{5: ...}}", found=given
        )
    yield from (given or {}).items()


def _listed(given: Any) -> list[Any]:
    single = isinstance(given, (NewEvent, Recorded)) or hasattr(type(given), "__event_name__")
    return [given] if single or not isinstance(given, (list, tuple)) else list(given)
