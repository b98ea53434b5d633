"""A query says which events a decision rests on, whatever their streams; a condition holds an append to it.

That is a dynamic consistency boundary (Sara Pellegrini and Milan Savić, 2023): not a stream draws the line around what
must agree, but the question that was asked. The words and their meaning are those of the specification at dcb.events.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from eslab.codec import stored_tags
from eslab.errors import ConditionFailed, InvalidPosition, InvalidQuery
from eslab.events import Recorded, names_of


class QueryItem:
    """Matches an event that is of any of the `types` (classes or names) and has all of the `tags`.

    Without types, any type will do; without tags, any event of these types. Raises InvalidQuery if there is neither.
    """

    __slots__ = ("tags", "types")

    def __init__(self, *, types: Iterable[type[Any] | str] = (), tags: Iterable[str] = ()) -> None:
        if isinstance(types, (str, type)):
            raise InvalidQuery("types are a list: write types=[StudentSubscribed]", found=types)
        self.types = frozenset(names_of(types) or ())
        self.tags = frozenset(stored_tags(tags))
        if not self.types and not self.tags:
            raise InvalidQuery("a query item without types and tags says nothing: give it one, or use Query.all()")

    def matches(self, recorded: Recorded) -> bool:
        return (not self.types or recorded.type in self.types) and self.tags <= frozenset(recorded.tags)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QueryItem) and (self.types, self.tags) == (other.types, other.tags)

    def __hash__(self) -> int:
        return hash((self.types, self.tags))

    def __repr__(self) -> str:
        said = [f"{name}={sorted(some)}" for name, some in (("types", self.types), ("tags", self.tags)) if some]
        return f"QueryItem({', '.join(said)})"


class Query:
    """Matches an event that any of its items matches. Raises InvalidQuery without items: see `Query.all`."""

    __slots__ = ("items",)

    def __init__(self, *items: QueryItem) -> None:
        if not items or not all(isinstance(item, QueryItem) for item in items):
            raise InvalidQuery(
                f"a query has {', '.join(map(repr, items)) or 'no items'}, expected one QueryItem or more, for example "
                f"Query(QueryItem(tags=['course:c1'])); Query.all() matches every event", found=items,
            )  # fmt: skip
        self.items = tuple(dict.fromkeys(items))

    @classmethod
    def all(cls) -> Query:
        """The query that every event matches."""
        made = cls.__new__(cls)
        made.items = ()
        return made

    def matches(self, recorded: Recorded) -> bool:
        return not self.items or any(item.matches(recorded) for item in self.items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Query) and set(self.items) == set(other.items)

    def __hash__(self) -> int:
        return hash(frozenset(self.items))

    def __repr__(self) -> str:
        return f"Query({', '.join(map(repr, self.items))})" if self.items else "Query.all()"


@dataclasses.dataclass(frozen=True, slots=True)
class AppendCondition:
    """Append only if no event after position `after` (exclusive, 0 = the whole log) matches the query.

    `after` is the position of the last event that the writer has seen of this query, so that the append is refused
    exactly if there is one that it has not seen. Raises InvalidQuery or InvalidPosition for what is neither.
    """

    query: Query
    after: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.query, Query):
            raise InvalidQuery(
                f"the condition is about {self.query!r}, expected a Query, for example "
                f"AppendCondition(Query(QueryItem(tags=['course:c1'])), after=5)", found=self.query,
            )  # fmt: skip
        if type(self.after) is not int or self.after < 0:
            raise InvalidPosition(f"after is {self.after!r}, expected a position, 0 or more", found=self.after)


def check_condition(condition: AppendCondition, position: int, found: list[Recorded]) -> None:
    """Raise ConditionFailed if an event was found that came after what the writer saw."""
    if condition.after > position:
        raise InvalidPosition(
            f"the condition looks after position {condition.after}, but the log ends at {position}: take the position "
            f"of an event of this store", found=condition.after, position=position,
        )  # fmt: skip
    if found:
        first = found[0]
        raise ConditionFailed(
            f"{first.type} of stream {first.stream!r} at position {first.position} matches {condition.query!r} and "
            f"came after position {condition.after}: read again, decide again, then append",
            query=condition.query, after=condition.after, position=first.position, type=first.type,
            stream=first.stream,
        )  # fmt: skip
