"""A timeline is a history with the state between every two events, so that you can stand at any moment of it.

States are not kept, they are folded again from the nearest one that is: every so many events a keyframe, and the
moments visited last. (Keyframes as in a film; Elm's debugger keeps one every 64 messages.)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, SupportsIndex

from eslab.aggregates import Fold, as_fold
from eslab.codec import stored_time
from eslab.errors import InvalidPosition
from eslab.events import History, Recorded
from eslab.show import table
from eslab.states import MISSING, Change, Order, copied, differences, follow, name, part, plain, tree

if TYPE_CHECKING:
    import pandas as pd

    from eslab.widgets import Player

KEYFRAMES = 512
"""How many keyframes there are at most: with a longer history they stand further apart."""
RECENT = 64
"""How many of the moments visited last are kept, so that a step back costs as little as a step on."""


class Step:
    """One moment of a timeline: the event that led to it, and the state after that event.

    `index` is how many events have happened, 0 = before the first. `error` is what the fold raised at this event, or
    None; the state is then the one before.
    """

    __slots__ = ("_state", "error", "index", "timeline")

    def __init__(self, timeline: Timeline, index: int, state: Any, error: Exception | None) -> None:
        self.timeline, self.index, self._state, self.error = timeline, index, state, error

    @property
    def event(self) -> Recorded | None:
        """The event that led here; None before the first."""
        return self.timeline.history[self.index - 1] if self.index else None

    @property
    def state(self) -> Any:
        """The state at this moment, a copy of its own: changing it changes no history."""
        return copied(self._state)

    @property
    def changes(self) -> list[Change]:
        """What this event changed."""
        return self.timeline.diff(self.index - 1, self.index) if self.index else []

    def __repr__(self) -> str:
        event = (
            f"{self.event.stream} v{self.event.version} {self.event.type}" if self.event else "before the first event"
        )
        failed = f", failed: {type(self.error).__name__}: {self.error}" if self.error else ""
        return f"<step {self.index} of {len(self.timeline) - 1}: {event}{failed}; state {self._state!r}>"

    def _repr_html_(self) -> str:
        rows = [(".".join(map(name, c.path)) or "state", repr(c.before), repr(c.after)) for c in self.changes]
        event = f"{self.event.type} in {self.event.stream}" if self.event else "before the first event"
        failed = f"The fold failed here: {type(self.error).__name__}: {self.error}" if self.error else ""
        caption = f"step {self.index} of {len(self.timeline) - 1}: {event}"
        return table(("what changed", "before", "after"), rows, caption=caption, note=failed)


class Timeline:
    """Every moment of a history under a fold: `timeline[i]` is the Step after i events, -1 the last.

    `history` is any iterable of recorded events: a store's `load` or `read`, a data set, a list. `fold` is an
    aggregate class, a Decider, or a projection. With `order="occurred"` the events are put in the order in which they
    happened, instead of that in which they were recorded. A fold that fails at an event leaves the state as it was,
    the step says so, and the timeline goes on.
    """

    def __init__(
        self, history: Iterable[Recorded], fold: Fold | type, *, order: str = "recorded", title: str = ""
    ) -> None:
        if order not in ("recorded", "occurred"):
            raise InvalidPosition(f"order is {order!r}, expected 'recorded' or 'occurred'", found=order)
        events = list(history)
        if wrong := [event for event in events if not isinstance(event, Recorded)]:
            raise InvalidPosition(
                f"a history holds {type(wrong[0]).__name__}, expected recorded events: take them from store.load(...) "
                f"or store.read(), or make them with record(...)", found=wrong[0],
            )  # fmt: skip
        if order == "occurred":
            events.sort(key=lambda recorded: recorded.occurred_text)
        self.history, self.order = History(events), order
        self.fold = as_fold(fold)
        self.title = title or _title(self.history)
        self._spacing = max(RECENT, -(-len(events) // KEYFRAMES))
        self._keyframes: dict[int, Any] = {0: self.fold.initial()}
        self._recent: dict[int, Any] = {}
        self._errors: dict[int, Exception] = {}
        self._cursor, self._live = 0, self.fold.initial()

    # --- moments ---

    def __len__(self) -> int:
        """How many moments there are: one more than events."""
        return len(self.history) + 1

    def __getitem__(self, index: SupportsIndex) -> Step:
        """The moment after `index` events; negative from the end. Raises InvalidPosition (an IndexError) outside."""
        i = index.__index__()
        i = i + len(self) if i < 0 else i
        if not 0 <= i < len(self):
            raise NoSuchStep(
                f"step {index} does not exist, expected 0 (before the first event) to {len(self) - 1}, or -1 (last)",
                found=index, last=len(self) - 1,
            )  # fmt: skip
        return self._step(i)

    def __iter__(self) -> Iterator[Step]:
        return (self[i] for i in range(len(self)))

    def at_version(self, version: int) -> Step:
        """The moment after the event of this version, in a history of one stream. Raises InvalidPosition."""
        if len({recorded.stream for recorded in self.history}) > 1:
            raise InvalidPosition("this history has several streams, each with versions of its own: use timeline[i]")
        for index, recorded in enumerate(self.history, 1):
            if recorded.version == version:
                return self[index]
        if version == 0:
            return self[0]
        raise InvalidPosition(f"version {version} is not in this history of {len(self.history)} events", found=version)

    def at(self, *, recorded_until: dt.datetime | None = None, occurred_until: dt.datetime | None = None) -> Step:
        """The state that follows from the events recorded, and those that occurred, up to a time (inclusive).

        With `recorded_until`: as it was known then. With `occurred_until`: what had happened by then, as it is known
        now. With both: what was known then about what had happened by then. The step belongs to a timeline of just
        these events. Raises InvalidTime for a naive time.
        """
        recorded = stored_time(recorded_until, "recorded_until") if recorded_until is not None else "~"
        occurred = stored_time(occurred_until, "occurred_until") if occurred_until is not None else "~"
        events = [e for e in self.history if e.recorded_text <= recorded and e.occurred_text <= occurred]
        if len(events) == len(self.history) or tuple(events) == self.history[: len(events)]:
            return self[len(events)]
        return Timeline(events, self.fold, order=self.order, title=self.title)[-1]

    def diff(self, before: int, after: int) -> list[Change]:
        """What is different at step `after` from step `before`; another order of the same keys is no difference."""
        states = self[before]._state, self[after]._state
        return [change for change in differences(*states) if isinstance(change, Change)]

    # --- other forms ---

    def to_frame(self) -> pd.DataFrame:
        """One row for each step, with both times and the state in columns: see `frames.states`."""
        from eslab import frames

        return frames.states(self)

    def player(self) -> Player:
        """The timeline with a slider, for a notebook: see `widgets.Player`."""
        from eslab.widgets import Player

        return Player(self)

    def trace(self) -> dict[str, Any]:
        """All of it as JSON, for the player: the events, the first state, and for each event a patch to the state.

        A patch is a list of operations: ["=", path, tree] sets or adds, ["-", path] removes, ["o", path, keys] puts
        the keys of a mapping in another order. A path is a list of keys and list indexes, [] the root.
        """
        self._seek(0)
        image = plain(self._live)
        start, patches = tree(image), []
        for index in range(1, len(self)):
            self._seek(index)
            patch = []
            for change in list(differences(image, self._live)):
                patch.append(_operation(change, image))
                image = follow(image, self._live, change)
            patches.append(patch)
        events = [_shown(recorded, self._errors.get(i)) for i, recorded in enumerate(self.history, 1)]
        return {"title": self.title, "events": events, "start": start, "patches": patches}

    def __repr__(self) -> str:
        return f"<Timeline {self.title!r}: {len(self.history):,} events>"

    def _repr_html_(self) -> str:
        return table(("event", "stream", "type"), [(i, e.stream, e.type) for i, e in enumerate(self.history[:5], 1)],
                     caption=f"Timeline {self.title!r}: {len(self.history):,} events", note=self._hint)  # fmt: skip

    @property
    def _hint(self) -> str:
        return "timeline[i] is the moment after i events, timeline.player() steps through them"

    # --- folding ---

    def _step(self, index: int) -> Step:
        if index not in self._recent:
            back = index < self._cursor
            self._seek(index, keep=RECENT - 1 if back else 1)
        return Step(self, index, self._recent[index], self._errors.get(index))

    def _seek(self, index: int, keep: int = 0) -> None:
        """Move the cursor to `index`, from where it is or from the nearest state known before it.

        The live state is the cursor's own, and a fold may change it in place; all that is kept are copies of it.
        Of the moments on the way the last `keep` are kept as visited, so that going on backwards is cheap.
        """
        start = index - index % self._spacing
        while start not in self._keyframes:
            start -= self._spacing
        if not start <= self._cursor <= index:
            self._cursor, self._live = start, copied(self._keyframes[start])
        if self._cursor == index and keep:
            self._remember(index)
        while self._cursor < index:
            self._advance()
            if self._cursor > index - keep:
                self._remember(self._cursor)

    def _advance(self) -> None:
        index = self._cursor + 1
        if index not in self._errors:
            try:
                self._live = self.fold.evolve(self._live, self.history[index - 1])
            except Exception as error:
                self._errors[index] = error
                self._go_back(index - 1)  # what the fold changed in place before it failed must not be seen
        self._cursor = index
        if index % self._spacing == 0 and index not in self._keyframes:
            self._keyframes[index] = copied(self._live)

    def _go_back(self, index: int) -> None:
        known = {**self._keyframes, **self._recent}
        start = max(i for i in known if i <= index)
        self._live = copied(known[start])
        for i in range(start + 1, index + 1):
            if i not in self._errors:
                self._live = self.fold.evolve(self._live, self.history[i - 1])
        self._remember(index)

    def _remember(self, index: int) -> None:
        self._recent.pop(index, None)
        self._recent[index] = copied(self._live)
        if len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]


class NoSuchStep(InvalidPosition, IndexError):
    """A step outside the timeline; an IndexError too, as Python expects of anything that has an index."""


def _operation(change: Change | Order, image: Any) -> list[Any]:
    path = []
    for key in change.path:
        path.append(key if isinstance(image, (list, tuple)) else name(key))
        image = part(image, key)
    if isinstance(change, Order):
        return ["o", path, list(map(name, change.keys))]
    return ["-", path] if change.after is MISSING else ["=", path, tree(change.after)]


def _shown(recorded: Recorded, error: Exception | None) -> dict[str, Any]:
    names = ("position", "stream", "version", "type", "id")
    shown: dict[str, Any] = {name: getattr(recorded, name) for name in names}
    shown["recorded_at"], shown["occurred_at"] = recorded.recorded_text, recorded.occurred_text
    shown["payload"], shown["metadata"] = tree(recorded.data), tree(recorded.metadata)
    shown["error"] = f"{type(error).__name__}: {error}" if error else None
    return shown


def _title(history: History) -> str:
    streams = list(dict.fromkeys(recorded.stream for recorded in history))
    return streams[0] if len(streams) == 1 else f"{len(streams):,} streams"
