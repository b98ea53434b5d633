"""A frame is a history, or every state of it, as a pandas table: one row for each event, or for each step.

Frames are made column by column, and keep what they show exactly. Whole numbers that may be missing are `Int64`,
times are UTC, types are categories. What pandas has no kind for (Decimal, dates, lists, whole numbers beyond 64 bits)
stays a Python object, and `frame.attrs["notes"]` says so, one sentence for each such column.
"""

from eslab.frames.envelopes import InvalidFrame
from eslab.frames.facts import columns_of, events
from eslab.frames.law import agree
from eslab.frames.moments import at
from eslab.frames.querying import sql
from eslab.frames.steps import states
from eslab.frames.tallies import PERIODS, counts
from eslab.frames.times import durations, transitions

__all__ = [
    "PERIODS", "InvalidFrame", "agree", "at", "columns_of", "counts", "durations", "events", "sql", "states",
    "transitions",
]  # fmt: skip
