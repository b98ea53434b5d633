"""A reader takes a log from elsewhere as events: one function a format, and for exchange one that writes it.

A table says in its columns what happened to whom, and when. What is not named is the payload:

>>> import pandas as pd
>>> from eslab import readers
>>> calls = pd.DataFrame({
...     "case": ["007", "8", "007"],
...     "activity": ["Opened", "Opened", "Closed"],
...     "time": ["2026-05-03 09:31", "2026-05-03 09:30", "2026-05-03 09:45"],
...     "who": ["Ada", "Ben", "Ada"],
... })
>>> said = {"stream": "case", "type": "activity", "occurred_at": "time"}
>>> log = readers.frame(calls, **said, category="ticket", zone="Europe/Berlin")
>>> log.history()
History of 3 events
  <1: ticket-8 v1 Opened {"who":"Ben"}>
  <2: ticket-007 v1 Opened {"who":"Ada"}>
  <3: ticket-007 v2 Closed {"who":"Ada"}>

The report says what was found, also what is odd:

>>> log.report
<report of frame>
  events: 3
  streams: 2
  types: Opened (2), Closed (1)
  first: 2026-05-03 07:30:00 UTC
  last: 2026-05-03 07:45:00 UTC
  earlier than the event before: 1

`csv`, `excel`, `jsonl`, `parquet` and `database` take the same words; `xes`, `ocel`, `cloudevents` and `git` know
theirs. What `to_csv` and its like have written comes back as it was.
"""

from __future__ import annotations

from eslab.readers.cloudevents import cloudevents, to_cloudevents
from eslab.readers.csv import csv, to_csv
from eslab.readers.database import database
from eslab.readers.excel import excel
from eslab.readers.frame import frame
from eslab.readers.git import git
from eslab.readers.jsonl import jsonl, to_jsonl
from eslab.readers.log import Found, Log, Refused
from eslab.readers.ocel import ocel, to_ocel
from eslab.readers.parquet import parquet, to_parquet
from eslab.readers.report import Report
from eslab.readers.tables import Columns
from eslab.readers.xes import xes
from eslab.readers.xes_own import to_xes

__all__ = [
    "Columns",
    "Found",
    "Log",
    "Refused",
    "Report",
    "cloudevents",
    "csv",
    "database",
    "excel",
    "frame",
    "git",
    "jsonl",
    "ocel",
    "parquet",
    "to_cloudevents",
    "to_csv",
    "to_jsonl",
    "to_ocel",
    "to_parquet",
    "to_xes",
    "xes",
]
