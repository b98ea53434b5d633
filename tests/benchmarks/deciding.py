"""Rows about append conditions: what one costs must not grow with the log."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator

from eslab.domains.courses import (
    CourseCapacityChanged,
    StudentRegistered,
    StudentSubscribed,
    StudentUnsubscribed,
    tagged,
)
from eslab.events import NewEvent, Recorded
from eslab.queries import AppendCondition, Query, QueryItem
from eslab.store import Store
from eslab.stores import connect
from tests.benchmarks.measure import Row, Side, Target, race
from tests.benchmarks.places import PLACES, fill, places
from tests.benchmarks.sizes import FLAT, Files, Sizes
from tests.benchmarks.story import SEED

Wish = tuple[NewEvent, AppendCondition]
HOT = "campus:north"
"""A tag on every tenth event, so that those who have it grow with the log."""
AT = "2026-09-01T08:00:00.000000+00:00"


def conditions(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Append one event under a condition that holds, durably, in a large log and in a small one."""
    with places(files) as somewhere:
        for place in PLACES:
            with connect(somewhere.address(place)) as large, connect(somewhere.address(place)) as small:
                fill(large, subscribed(sizes.large))
                fill(small, subscribed(sizes.small))
                for kind in KINDS:
                    yield _flat(place, kind, large, small, sizes)


def _flat(place: str, kind: str, large: Store, small: Store, sizes: Sizes) -> Row:
    many, few = KINDS[kind](sizes.large), KINDS[kind](sizes.small)
    taken = race([
        Side("large", lambda wishes: _append(large, wishes), lambda: list(itertools.islice(many, sizes.conditions))),
        Side("small", lambda wishes: _append(small, wishes), lambda: list(itertools.islice(few, sizes.conditions))),
    ], runs=sizes.runs, per=sizes.conditions)  # fmt: skip
    name = f"{place}: append on condition of {kind}, in a log of {sizes.large:,}"
    return Row(name, f"the same in {sizes.small:,}", taken["large"], taken["small"], Target("within", FLAT))


def _append(store: Store, wishes: list[Wish]) -> int:
    return sum(len(store.append("school-1", [event], condition=condition)) for event, condition in wishes)


def subscribed(length: int) -> Iterator[Recorded]:
    """So many subscriptions: every course and every student has ten, far apart, and no pair comes twice."""
    for position in range(1, length + 1):
        course, student = _pair(position, length)
        tags = [HOT] * (position % 10 == 0) + [f"course:{course}", f"student:{student}"]
        yield Recorded(
            position, f"course-{course}", (position - 1) // (length // 10) + 1, StudentSubscribed.__event_name__, 1,
            f"event-{position:08}", AT, AT, json.dumps({"course": course, "student": student}),
            json.dumps({"tags": tags}, separators=(",", ":")),
        )  # fmt: skip


def _pair(position: int, length: int) -> tuple[str, str]:
    return f"c{(position - 1) % (length // 10)}", f"s{(position - 1) % (length // 10 + 1)}"


# --- the conditions: each holds, also after what was appended before ------------------------------------------------


def _seen(length: int) -> Iterator[Wish]:
    for position in random.Random(SEED).sample(range(1, length + 1), length):
        course, student = _pair(position, length)
        item = QueryItem(
            types=[StudentSubscribed, StudentUnsubscribed], tags=[f"course:{course}", f"student:{student}"]
        )
        yield tagged(StudentUnsubscribed(course, student)), AppendCondition(Query(item), after=position)


def _crowded(length: int) -> Iterator[Wish]:
    for number in itertools.count():
        query = Query(QueryItem(types=[StudentUnsubscribed], tags=[HOT, f"student:new-{number}"]))
        yield tagged(StudentSubscribed("c0", f"new-{number}")), AppendCondition(query)


def _free_name(length: int) -> Iterator[Wish]:
    for number in itertools.count():
        query = Query(QueryItem(types=[StudentRegistered], tags=[f"username:ada-{number}"]))
        yield tagged(StudentRegistered(f"ada-{number}", f"ada-{number}")), AppendCondition(query)


def _type_only(length: int) -> Iterator[Wish]:
    condition = AppendCondition(Query(QueryItem(types=[CourseCapacityChanged])))
    return ((tagged(StudentSubscribed("c0", f"later-{number}")), condition) for number in itertools.count())


KINDS: dict[str, Callable[[int], Iterator[Wish]]] = {
    "types and two tags after the last seen": _seen, "two tags, of which one is common, after 0": _crowded,
    "a name that is free, after 0": _free_name, "a type that never came, after 0": _type_only,
}  # fmt: skip
