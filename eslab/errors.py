"""A refusal says what was found, what was expected and what to do next.

Every error that eslab raises on purpose is an `EslabError`. The facts are attributes, so that a program can act
on them; the message is for a person. The form of the messages is that of message-db's conflict error.
"""

from __future__ import annotations

import typing


class EslabError(Exception):
    """The one base class of every refusal; `facts` holds what the message was made from."""

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.facts = facts
        for name, value in facts.items():
            setattr(self, name, value)


# Events: declaring them, and turning them into stored text and back.


class InvalidEventClass(EslabError):
    """An event class cannot be registered: its name is taken, or a step in its chain of upcasters is missing."""


class InvalidPayload(EslabError):
    """An event is refused on append, because what would be read back is not exactly what was given."""


class UnreadablePayload(EslabError):
    """A stored event cannot be turned into its class: unknown type, a version from the future, or a misfit."""


# Stores.


class InvalidName(EslabError):
    """A stream name, a type or an id is not a text that a store can keep."""


class InvalidTime(EslabError):
    """A time is naive, or not a datetime at all."""


class WrongExpectedVersion(EslabError):
    """The stream is not at the version on which the writer decided."""


class VersionGap(EslabError):
    """The versions of a stream do not follow each other: an event is missing, or out of its place."""


class DuplicateEvent(EslabError):
    """An event id is taken by another event: an id may come again only with the same event."""


class InvalidQuery(EslabError):
    """A query that says nothing, or that is not made of query items."""


class ConditionFailed(EslabError):
    """Since the writer looked, an event has come that the decision should have known of."""


class BrokenLog(EslabError):
    """The log is not what was recorded: at `position` something is missing, altered or out of its place."""

    position: int


class StoreUnavailable(EslabError):
    """The place where events are kept cannot be used: not a store, damaged, read-only, full, or busy for too long."""


class OtherLog(StoreUnavailable):
    """A view holds events that this log does not have: it is of another store, or the log is an older copy."""


class BrokenSeal(UnreadablePayload):
    """Sealed text cannot be opened, and not because it was forgotten: another key ring, moved, or damaged."""


class UnknownSubject(EslabError):
    """The key ring has never had a key for this subject."""


# Aggregates, commands, projections, timelines.


class StateSetOutsideApply(EslabError):
    """State was changed without an event, so the next replay would not know of it."""


class EmitDuringApply(EslabError):
    """An event was emitted while an event was being applied, so every replay would emit it again."""


class UnhandledEvent(EslabError):
    """A fold met an event for which it has no case."""


class InvalidCommand(EslabError):
    """A command is malformed: it can be refused without looking at any state."""


class CommandRefused(EslabError):
    """A well-formed command that the rules do not allow in the present state."""


class MissingHandler(EslabError):
    """No handler, or more than one, is wired to a command."""


class DuplicateCommand(EslabError):
    """The id of a command is taken by another command: an id may come again only with the same command."""


class UnstorableState(EslabError):
    """A state cannot be kept as a snapshot, because what would be read back is not exactly what was given."""


class ProjectionFailed(EslabError):
    """A projection could not handle the event at `position`, and nothing of that event is in its read model."""

    position: int
    event: typing.Any
    """The recorded event."""


class ProjectionChanged(EslabError):
    """A view was made by other code than that of the projection today, and must not be a mixture of both."""


class ReadModelAltered(EslabError):
    """The tables of a view are not as its projection makes them: somebody else has changed them."""


class NotCaughtUp(EslabError):
    """A projection has not come as far as somebody waited for, in the time that they gave it."""


class StillRunning(EslabError):
    """A projection was told to stop, and the code that handles an event does not return."""


class EffectOnReplay(EslabError):
    """A reactor was given events that are replayed: it acts on new ones only, or the world would see them twice."""


class InvalidPosition(EslabError):
    """A position, a version or a step that does not exist."""


# Other people's logs.


class UnreadableLog(EslabError):
    """A file, a table or one record of it cannot be taken as events: nothing was kept of it, nothing passed over."""

    file: str
    line: int | None
    """Where in the file: line, row or event, first = 1; None for the file as a whole."""


# Lessons.


class UnknownName(EslabError):
    """No data set, exercise, notebook or event has this name or id."""
