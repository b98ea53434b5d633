"""The figures of a fault: how often it was made, how often it struck, and what became of the events."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

HEADS = ("fault", "store", "rounds", "landed", "acknowledged", "lost", "doubled", "noted")


@dataclasses.dataclass
class Figures:
    """One row of the table; `landed` counts the rounds in which the fault struck where it was aimed at."""

    fault: str
    store: str
    rounds: int = 0
    landed: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    noted: str = ""

    def __add__(self, other: Figures) -> Figures:
        counts = [getattr(self, name) + getattr(other, name) for name in HEADS[2:7]]
        return Figures(self.fault, self.store, *counts, noted=other.noted)

    @property
    def harmless(self) -> bool:
        return not self.lost and not self.doubled


def as_table(rows: Iterable[Figures]) -> str:
    """The rows in columns, with thousands separated."""
    lines = [HEADS, *(tuple(_cell(value) for value in dataclasses.astuple(row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(_aligned(cell, width, n) for n, (cell, width) in enumerate(zip(line, widths, strict=True))).rstrip()
        for line in lines
    )


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if 2 <= column <= 6 else cell.ljust(width)
