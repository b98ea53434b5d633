"""Rows about logs from elsewhere: events a second of each reader, beside the tool that everybody has for the format."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pandas as pd
import pyarrow.parquet as pq
from lxml import etree

from eslab import readers
from eslab.events import Recorded
from tests.benchmarks.measure import Row, Side, Target, race
from tests.benchmarks.memory import Peak, rss
from tests.benchmarks.sizes import Files, Sizes
from tests.benchmarks.workers import Worker

CASES = 1_000
COLUMNS = {"stream": "case", "type": "activity", "occurred_at": "time"}
BEGAN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
decode = msgspec.json.Decoder().decode


class Payment(NamedTuple):
    """What the files hold: one a second, the cases in turn."""

    case: str
    activity: str
    time: str
    amount: int


def payments(length: int) -> Iterator[Payment]:
    for number in range(length):
        moment = BEGAN + dt.timedelta(seconds=number)
        yield Payment(f"c{number % CASES}", "paid", moment.isoformat(), number % 300)


# --- the files ------------------------------------------------------------------------------------------------------


def write_csv(path: Path, length: int) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(itertools.chain([Payment._fields], payments(length)))


def write_jsonl(path: Path, length: int) -> None:
    with path.open("wb") as file:
        file.writelines(msgspec.json.encode(one._asdict()) + b"\n" for one in payments(length))


def write_xes(path: Path, length: int) -> None:
    """The events of a case stand together, as this format asks for, so that a reader must sort them by time."""
    with path.open("w") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="2.0">\n')
        for case in range(CASES):
            file.write(f'<trace><string key="concept:name" value="c{case}"/>\n')
            for number in range(case, length, CASES):
                time = (BEGAN + dt.timedelta(seconds=number)).isoformat()
                file.write(
                    f'<event><string key="concept:name" value="paid"/><date key="time:timestamp" value="{time}"/>'
                    f'<int key="amount" value="{number % 300}"/></event>\n'
                )
            file.write("</trace>\n")
        file.write("</log>\n")


def write_parquet(path: Path, length: int) -> None:
    """In the layout of eslab itself."""
    readers.to_parquet(readers.frame(pd.DataFrame(payments(length)), **COLUMNS), path)


# --- the tools: each returns what was paid in all ---------------------------------------------------------------------


def _ours(events: Iterable[Recorded]) -> int:
    return sum(int(recorded.data["amount"]) for recorded in events)


def _csv_module(path: Path) -> int:
    with path.open(newline="") as file:
        return sum(int(row["amount"]) for row in csv.DictReader(file))


def _pandas(path: Path) -> int:
    return int(pd.read_csv(path, parse_dates=["time"])["amount"].sum())


def _msgspec(path: Path) -> int:
    return sum(one["amount"] for one in msgspec.json.Decoder().decode_lines(path.read_bytes()))


def _lxml(path: Path) -> int:
    total = 0
    for _, element in etree.iterparse(path, tag="event"):
        total += sum(int(child.get("value")) for child in element if child.get("key") == "amount")
        element.clear()
    return total


def _pyarrow(path: Path) -> int:
    batches = pq.ParquetFile(path).iter_batches(columns=["payload"])
    return sum(decode(text)["amount"] for batch in batches for text in batch["payload"].to_pylist())


class Format(NamedTuple):
    """A reader, what writes a file for it, and the tools that it is compared with."""

    write: Callable[[Path, int], None]
    read: Callable[[Path], Iterable[Recorded]]
    tools: dict[str, Callable[[Path], Any]]


FORMATS = {
    "csv": Format(write_csv, lambda path: readers.csv(path, **COLUMNS, progress=False),
                  {"the csv module, rows as dicts": _csv_module, "pandas.read_csv": _pandas}),
    "jsonl": Format(write_jsonl, lambda path: readers.jsonl(path, **COLUMNS, progress=False),
                    {"msgspec, decode_lines": _msgspec}),
    "xes": Format(write_xes, lambda path: readers.xes(path, progress=False), {"lxml, bare iterparse": _lxml}),
    "parquet": Format(write_parquet, lambda path: readers.parquet(path, progress=False),
                      {"pyarrow, payloads decoded": _pyarrow}),
}  # fmt: skip


def foreign(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Every event of a file as a recorded event, in the order of time; the tools stop at values of Python."""
    for name, (write, read, tools) in FORMATS.items():
        write(path := files.new().with_suffix(f".{name}"), sizes.foreign)
        others = [Side(tool, lambda _, run=run, path=path: run(path)) for tool, run in tools.items()]
        ours = Side("eslab", lambda _, read=read, path=path: _ours(read(path)))
        taken = race([ours, *others], runs=sizes.few)
        rates = {side: [sizes.foreign / seconds for seconds in runs] for side, runs in taken.items()}
        for tool in tools:
            row = f"readers.{name}: events of a file of {sizes.foreign:,}"
            yield Row(row, tool, rates["eslab"], rates[tool], Target("more"))
    if sizes.foreign_mb:
        yield _peak(sizes, files)


def _peak(sizes: Sizes, files: Files) -> Row:
    write_xes(path := files.new().with_suffix(".xes"), 10_000)
    write_xes(path, sizes.foreign_mb * 1_000_000 * 10_000 // path.stat().st_size)
    with Worker({"task": "read", "path": str(path)}) as reader:
        reader.tell(None)
        name = f"memory to read a XES file of {path.stat().st_size / 1e6:,.0f} MB, beyond what is imported"
        return Row(name, "-", [reader.hear()], None, Target("in MB", 100))


def peak_of(path: str) -> float:
    """The megabytes more that this process holds at most while it reads a file."""
    before = rss()
    with Peak() as peak:
        for _ in FORMATS["xes"].read(Path(path)):
            pass
    return (peak.bytes - before) / 1e6
