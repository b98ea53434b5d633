"""`python -m tests.benchmarks [--json FILE] [--quick] [--largest] [ROW …]` prints one table of ratios.

It fails if two sides come to different results.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import Row, Seconds, scaled
from tests.benchmarks.rows import ROWS
from tests.benchmarks.sizes import QUICK, Files, Sizes
from tests.benchmarks.story import SEED

LIBRARIES = (
    "eslab", "eventsourcing", "msgspec", "psycopg", "uuid-utils", "numpy", "pandas", "pyarrow", "duckdb", "polars",
    "lxml", "dask", "distributed",
)  # fmt: skip
HEAD = ("row", "yardstick", "ours", "theirs", "ratio", "target", "met")


def measured(names: list[str], sizes: Sizes) -> Iterator[Row]:
    """The rows in order, each as soon as it is measured; their files are gone afterwards."""
    for name in names:
        with tempfile.TemporaryDirectory(prefix="eslab-benchmark-") as folder:
            print(f"{name} …", file=sys.stderr, flush=True)
            yield from ROWS[name](sizes, Files(Path(folder)))


def machine(sizes: Sizes) -> dict[str, Any]:
    """What the numbers depend on: machine, versions, sizes, seed."""
    return {
        "machine": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count(),
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(), "sqlite": sqlite3.sqlite_version,
        "durability": "on every side: journal_mode=WAL, synchronous=FULL; fsync, synchronous_commit",
        "versions": {name: version(name) for name in LIBRARIES}, "seed": SEED, "sizes": vars(sizes),
    }  # fmt: skip


def as_table(rows: list[Row]) -> str:
    """The rows in columns; behind each median the lowest and the highest of its runs."""
    lines = [HEAD, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    facts = row.as_json()
    ratio = "-" if facts["ratio"] is None else f"{facts['ratio']:.2f} x{_span(facts['spread']['ratio'], 1, '.2f')}"
    ours, theirs = (_amount(facts[side], facts["spread"][side], row.target.unit) for side in ("ours", "theirs"))
    met = {True: "yes", False: "NO", None: "-"}[facts["met"]]
    return row.row, row.yardstick, ours, theirs, ratio, facts["target"], met


def _amount(median: float | None, spread: Seconds | None, unit: str) -> str:
    if median is None:
        return "-"
    if unit != "s":
        form = ".2f" if not unit else ",.0f" if median >= 100 else ".3g"
        return f"{median:{form}}{unit and ' '}{unit}{_span(spread, 1, form)}"
    factor, unit = scaled(median)
    return f"{median * factor:.3g} {unit}{_span(spread, factor, '.3g')}"


def _span(spread: Seconds | None, factor: float, form: str) -> str:
    return " [{}…{}]".format(*(format(value * factor, form) for value in spread)) if spread else ""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"which to measure, of {', '.join(ROWS)}; all if none")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too, times in seconds")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs; no number means much")
    parser.add_argument(
        "--largest",
        action="store_true",
        help="let `growth` go on to 10,000,000 events; all that takes long is done once",
    )
    given = parser.parse_args()
    if unknown := [name for name in given.rows if name not in ROWS]:
        parser.error(f"no row {', '.join(unknown)}, expected some of {', '.join(ROWS)}")
    return given


def sizes_of(given: argparse.Namespace) -> Sizes:
    """How much work is asked for."""
    sizes = QUICK if given.quick else Sizes()
    return replace(sizes, growth=(*sizes.growth, 10 * sizes.growth[-1]), few=1) if given.largest else sizes


def main() -> None:
    given = arguments()
    sizes = sizes_of(given)
    facts = machine(sizes)
    rows = list(measured(given.rows or list(ROWS), sizes))
    print(as_table(rows))
    if given.json:
        report = {**facts, "rows": [row.as_json() for row in rows]}
        given.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
