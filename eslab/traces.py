"""A trace is a timeline written down for a browser: every event, the first state, and what each event changed in it.

It is JSON lines. The first line, the head, says what is there, with what a picture of the whole history needs, in
columns. Then a line for each event, `[position, version, id, payload, metadata]`, and after them a line for the patch
of each. So a page reads only the lines that it shows. States, payloads and metadata are trees, see `states.tree`.

A patch is a list of operations: ["=", path, tree] sets or adds, ["-", path] removes, ["o", path, keys] puts the keys
of a mapping in another order. A path is a list of keys and list indexes (first = 0), [] the root.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from eslab.branches import Branch
from eslab.events import Recorded
from eslab.states import MISSING, Change, Order, differences, follow, name, part, plain, tree
from eslab.timeline import Timeline
from eslab.views import ONE

Head = dict[str, Any]
MILLISECOND = dt.timedelta(milliseconds=1)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def trace(timeline: Timeline) -> bytes:
    """All of a timeline, as UTF-8 JSON lines."""
    patches = list(_patches(timeline, 0))
    lines = [msgspec.json.encode(_head(timeline))]
    lines += map(_event, timeline.history)
    lines += patches
    return b"\n".join(lines)


def branch_trace(branch: Branch) -> bytes:
    """What a branch has that its source has not, as a trace that is read beside that of the source.

    Its head says also how many leading events (`sharedEvents`) and patches (`sharedPatches`) are those of the source,
    and stand only there, and in `rows` the merged line, in runs: [kind, count] and [kind, 1, what it says].
    """
    events = branch.position
    patches = events if branch.fold is branch.source.fold else 0
    found = list(_patches(branch, patches))
    rows = _rows(branch)
    shared = {"sharedEvents": events, "sharedPatches": patches, "rows": rows, "skippable": "decide" not in branch.edits}
    head = _head(branch) | shared
    lines = [msgspec.json.encode(head)]
    lines += map(_event, branch.history[events:])
    lines += found
    return b"\n".join(lines)


def _rows(branch: Branch) -> list[list[Any]]:
    runs: list[list[Any]] = []
    for row in branch.rows:
        if row.says:
            runs.append([row.kind, 1, row.says])
        elif runs and runs[-1][0] == row.kind and len(runs[-1]) == 2:
            runs[-1][1] += 1
        else:
            runs.append([row.kind, 1])
    return runs


# --- the head -----------------------------------------------------------------------------------------------------


def _head(timeline: Timeline) -> Head:
    history = timeline.history
    types, streams = _Numbers(), _Numbers()
    recorded = [_milliseconds(one.recorded_text) for one in history]
    occurred = [_milliseconds(one.occurred_text) for one in history]
    causes, wishes = _links(history)
    views = [
        {"name": name, "every": view.every, "stop": None if view.stop == len(history) else view.stop}
        for name, view in timeline._views.items()
    ]
    errors: dict[int, str] = {}
    for (view, number), error in sorted(timeline._errors.items(), key=lambda item: item[0][1]):
        said = f"{view}: " * (view != ONE) + f"{type(error).__name__}: {error}"
        errors[number] = f"{errors[number]}; {said}" if number in errors else said
    return {
        "title": timeline.title,
        "order": timeline.order,
        "type": [types[one.type] for one in history],
        "types": list(types),
        "stream": [streams[one.stream] for one in history],
        "streams": list(streams),
        "recorded": _steps(recorded),
        "lag": [] if recorded == occurred else [r - o for r, o in zip(recorded, occurred, strict=True)],
        "causes": causes,
        "wishes": wishes,
        "errors": errors,
        "views": [] if ONE in timeline._views else views,
        "start": tree(_shown(timeline._initial())),
    }


class _Numbers(dict[str, int]):
    """Texts numbered as they come, first = 0."""

    def __missing__(self, text: str) -> int:
        self[text] = len(self)
        return self[text]


def _milliseconds(text: str) -> int:
    return (dt.datetime.fromisoformat(text) - EPOCH) // MILLISECOND


def _steps(numbers: list[int]) -> list[int]:
    """Each number less the one before it: short to write."""
    return [b - a for a, b in zip([0, *numbers], numbers, strict=False)]


def _links(history: tuple[Recorded, ...]) -> tuple[dict[int, int], dict[int, int]]:
    """The event that caused an event, by number (first = 1); and the wish, numbered, of those that share one."""
    about = {n: recorded.metadata for n, recorded in enumerate(history, 1) if recorded.metadata_text != "{}"}
    if not about:
        return {}, {}
    numbers = {recorded.id: n for n, recorded in enumerate(history, 1)}
    cause = {n: numbers.get(str(said.get("causation_id"))) for n, said in about.items()}
    shared = Counter(str(said["correlation_id"]) for said in about.values() if "correlation_id" in said)
    groups = _Numbers()
    wishes = {
        n: groups[str(said["correlation_id"])]
        for n, said in about.items()
        if "correlation_id" in said and shared[str(said["correlation_id"])] > 1
    }
    return {n: number for n, number in cause.items() if number}, wishes


# --- the lines ----------------------------------------------------------------------------------------------------


def payload_tree(recorded: Recorded) -> Any:
    """The payload as stored, as a tree; its text, where that is not even JSON."""
    try:
        return tree(recorded.data)
    except msgspec.DecodeError:
        return recorded.payload_text


def _event(recorded: Recorded) -> bytes:
    metadata = tree(recorded.metadata) if recorded.metadata_text != "{}" else None
    return msgspec.json.encode((recorded.position, recorded.version, recorded.id, payload_tree(recorded), metadata))


def _patches(timeline: Timeline, after: int) -> Iterator[bytes]:
    """The patch of each event after `after`, as JSON."""
    timeline._seek(after)
    image = plain(_shown(timeline._live))
    for index in range(after + 1, len(timeline)):
        timeline._seek(index)
        live, patch = _shown(timeline._live), []
        for change in list(differences(image, live)):
            patch.append(_operation(change, image))
            image = follow(image, live, change)
        yield msgspec.json.encode(patch)


def _shown(values: dict[str, Any]) -> Any:
    return values.get(ONE, values)


def _operation(change: Change | Order, image: Any) -> list[Any]:
    path = []
    for key in change.path:
        path.append(key if isinstance(image, (list, tuple)) else name(key))
        image = part(image, key)
    if isinstance(change, Order):
        return ["o", path, list(map(name, change.keys))]
    return ["-", path] if change.after is MISSING else ["=", path, tree(change.after)]
