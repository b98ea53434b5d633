"""eslab: event sourcing, step by step.

An event-sourced system keeps every change as an event and never changes one. The tour, which the tests run:

>>> from eslab import MemoryStore, Timeline, event
>>> from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn

Facts go into a store, in streams:

>>> store = MemoryStore()
>>> store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30)])
History of 3 events
  <1: account-1 v1 bank.AccountOpened {"owner":"Ada"}>
  <2: account-1 v2 bank.MoneyDeposited {"amount":100}>
  <3: account-1 v3 bank.MoneyWithdrawn {"amount":30}>

State is what you get by applying them in order:

>>> Account.replay(store.load("account-1"))
Account(owner='Ada', balance=70, status='open') at version 3

So every moment of the past is still there:

>>> timeline = Timeline(store.load("account-1"), Account)
>>> timeline[2].state.balance
100
>>> timeline[3].changes
[balance: 100 → 70]

And so are the moments that never were:

>>> timeline.branch(skip=[3])[-1].state.balance
100

In a notebook, `timeline.player()` is all of this to step through.
"""

from eslab.aggregates import Aggregate, Decider, Repository, fold, unhandled
from eslab.commands import CommandBus, CommandHandler, command
from eslab.drafts import ANY, NO_STREAM, STREAM_EXISTS
from eslab.errors import CommandRefused, EslabError, InvalidCommand
from eslab.events import History, NewEvent, Recorded, caused_by, event, record, upcaster
from eslab.projections import Projection, Projector, SqliteProjection
from eslab.queries import AppendCondition, Query, QueryItem
from eslab.stores import connect
from eslab.stores.memory import MemoryStore
from eslab.timeline import Timeline

__version__ = "0.1.0"
__all__ = [
    "ANY", "NO_STREAM", "STREAM_EXISTS", "Aggregate", "AppendCondition", "CommandBus", "CommandHandler",
    "CommandRefused", "Decider", "EslabError", "History", "InvalidCommand", "MemoryStore", "NewEvent", "Projection",
    "Projector", "Query", "QueryItem", "Recorded", "Repository", "SqliteProjection", "Timeline", "caused_by",
    "command", "connect", "event", "fold", "record", "unhandled", "upcaster",
]  # fmt: skip
