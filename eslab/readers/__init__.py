"""A reader takes a log from elsewhere as events: one function a format, and for exchange one that writes it."""

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
