"""What is asked of a log as SQL, for the stores on databases: found by an index, and no further than is asked for."""

from __future__ import annotations

import itertools

from eslab.queries import Query, QueryItem

ENOUGH = 1_000
"""A tag with more events than this, beyond where the search begins, is common; how many more is not counted."""


def of_stream(
    stream: str, after: int, until: int | None, recorded_until: str | None, occurred_until: str | None, mark: str = "?"
) -> tuple[str, list[object]]:
    """Which rows of a stream are asked for, as a condition, and the values in it; `mark` is as in `as_sql`."""
    bounds = [
        ("stream =", stream), ("version >", after), ("version <=", until),
        ("recorded_at <=", recorded_until), ("occurred_at <=", occurred_until),
    ]  # fmt: skip
    given = [(bound, value) for bound, value in bounds if value is not None]
    return " AND ".join(f"{bound} {mark}" for bound, _ in given), [value for _, value in given]


def as_sql(query: Query, after: int, until: int, limit: int, mark: str = "?") -> tuple[str, list[object]]:
    """A SELECT of the positions that match, at least the first `limit` of them, and the values in it.

    `mark` is what stands for a value: `?` in SQLite, `%s` in PostgreSQL.
    """
    items = [_item(part, after, mark) for item in query.items for part in _parts(item)]
    places = f" AND e.position > {mark} AND e.position <= {mark} ORDER BY e.position LIMIT {mark}"
    sql = " UNION ".join(f"SELECT position FROM ({found}{places}) AS found" for found, _ in items)
    return sql, list(itertools.chain.from_iterable((*values, after, until, limit) for _, values in items))


def _parts(item: QueryItem) -> list[QueryItem]:
    """An item without tags as one for each of its types, so that each is found in order and none is sorted."""
    return [item] if item.tags else [QueryItem(types=[name]) for name in item.types]


def _item(item: QueryItem, after: int, mark: str) -> tuple[str, list[object]]:
    types, tags = sorted(item.types), sorted(item.tags)
    of_these_types = f"type IN ({', '.join([mark] * len(types))})"
    if not tags:
        return f"SELECT e.position FROM events e WHERE e.{of_these_types}", [*types]
    sql, values = f"SELECT e.position FROM tags e WHERE e.tag = {mark}", list[object](tags)
    if len(tags) > 1:
        rarest, values = _rarest(tags, after, mark)
        sql, values = f"SELECT e.position FROM tags e WHERE e.tag = ({rarest})", [*values, *tags]
        for _ in tags:
            sql += f" AND EXISTS (SELECT 1 FROM tags t WHERE t.tag = {mark} AND t.position = e.position)"
    if types:
        sql += f" AND EXISTS (SELECT 1 FROM events t WHERE t.position = e.position AND t.{of_these_types})"
    return sql, [*values, *types]


def _rarest(tags: list[str], after: int, mark: str) -> tuple[str, list[object]]:
    """A SELECT of the tag that fewest events have, so that a common one beside it costs nothing."""
    given = " UNION ALL ".join([f"SELECT {mark} AS tag"] * len(tags))
    found = f"SELECT 1 FROM tags t WHERE t.tag = g.tag AND t.position > {mark} LIMIT {ENOUGH}"
    return f"SELECT tag FROM ({given}) AS g ORDER BY (SELECT count(*) FROM ({found}) AS number) LIMIT 1", [*tags, after]
