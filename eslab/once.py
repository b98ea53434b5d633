"""A command that carries an id is recorded once, however often it is sent: a lost answer can be asked for again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from eslab.codec import REFUSALS, stored_name, stored_tags
from eslab.drafts import listed
from eslab.errors import DuplicateCommand, InvalidCommand
from eslab.events import History, NewEvent
from eslab.queries import AppendCondition, Query, QueryItem
from eslab.store import Store


class Once:
    """The id of a command, as a tag on its events: it is appended only if no event in the whole log has this tag.

    The events also carry a digest of the command, and nothing else of it, by which another command is told from it.
    Raises InvalidName or InvalidCommand if the id, or the command, cannot be kept like this.
    """

    def __init__(self, id: str, command: Any) -> None:
        self.id, self.kind = stored_name(id, "the id of a command"), type(command).__name__
        self.tag = stored_name(f"command:{id}", "the tag of a command")
        try:
            content = msgspec.json.encode(command, order="deterministic")
        except REFUSALS as error:
            raise InvalidCommand(
                f"{self.kind} cannot be told from another, because {error}: give its fields plain data, or no id",
                command=command,
            ) from error
        self.digest = hashlib.sha256(self.kind.encode() + content).hexdigest()[:32]

    def recorded(self, store: Store) -> History:
        """What was recorded the first time, nothing if it is new. Raises DuplicateCommand."""
        before = History(store.read(query=Query(QueryItem(tags=[self.tag]))))
        for recorded in before:
            if recorded.metadata.get("command_digest") != self.digest:
                other = recorded.metadata.get("command", "something that is no command")
                raise DuplicateCommand(
                    f"command id {self.id!r} is taken by {other}, at position {recorded.position}, and this "
                    f"{self.kind} is not the same command: give it an id of its own",
                    id=self.id, command=self.kind, position=recorded.position,
                )  # fmt: skip
        return before

    def marked(self, events: Iterable[Any]) -> list[NewEvent]:
        """The events with the tag and the digest."""
        new = [event if isinstance(event, NewEvent) else NewEvent(event) for event in listed(events)]
        digest = {"command_digest": self.digest}
        return [
            msgspec.structs.replace(
                one, tags=[*stored_tags(one.tags), self.tag], metadata={**(one.metadata or {}), **digest}
            )
            for one in new
        ]

    def condition(self, seen: AppendCondition | None) -> AppendCondition:
        """That no event has the tag, beside what the decision rests on."""
        mine = QueryItem(tags=[self.tag])
        if seen is None:
            return AppendCondition(Query(mine))
        return AppendCondition(Query(*seen.query.items, mine), seen.after) if seen.query.items else seen
