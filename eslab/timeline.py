"""A timeline is a history with the state between every two events, so that you can stand at any moment of it.

States are not kept, they are folded again from the nearest one that is: every so many events a keyframe, and the
moments visited last. (Keyframes as in a film; Elm's debugger keeps one every 64 messages.)
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, SupportsIndex

from eslab.aggregates import Fold
from eslab.codec import stored_time
from eslab.errors import InvalidPosition
from eslab.events import History, Recorded
from eslab.show import table
from eslab.states import Change, copied, differences, name
from eslab.views import ONE, Running, Standing, View, as_views

if TYPE_CHECKING:
    import pandas as pd

    from eslab.branches import Branch, Comparison
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

    __slots__ = ("_values", "error", "index", "timeline")

    def __init__(self, timeline: Timeline, index: int, values: dict[str, Any], error: Exception | None) -> None:
        self.timeline, self.index, self._values, self.error = timeline, index, values, error

    @property
    def _state(self) -> Any:
        return self._values.get(ONE, self._values)

    @property
    def event(self) -> Recorded | None:
        """The event that led here; None before the first."""
        return self.timeline.history[self.index - 1] if self.index else None

    @property
    def state(self) -> Any:
        """The state at this moment, a copy of its own: changing it changes no history."""
        return copied(self._state)

    @property
    def views(self) -> dict[str, Standing]:
        """Each view at this moment, by name: its value, its checkpoint, and its lag; one named "" for a single fold."""
        return {view: self.timeline._standing(view, value, self.index) for view, value in self._values.items()}

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
        if not rows:
            note = failed or ("nothing changed" if self.index else "")
            return "".join(f"<p>{html.escape(text)}</p>" for text in (caption, note) if text)
        return table(("what changed", "before", "after"), rows, caption=caption, note=failed)


class Timeline:
    """Every moment of a history under a fold: `timeline[i]` is the Step after i events, -1 the last.

    `history` is any iterable of recorded events: a store's `load` or `read`, a data set, a list. `fold` is an
    aggregate class, a Decider, or a projection; or several of them by name, `{"table": Table, "goals": Goals}`, and a
    state is then a dict by name. One that lags behind is a `View`, or the Projector that runs it.

    With `order="occurred"` the events are put in the order in which they happened, instead of that in which they were
    recorded. A fold that fails at an event leaves its state as it was, the step says so, and the timeline goes on.
    Raises InvalidPosition for what is no history, and InvalidFold for what folds nothing.
    """

    def __init__(
        self, history: Iterable[Recorded], fold: Fold | type | View | Mapping[str, Any], *, order: str = "recorded",
        title: str = "",
    ) -> None:  # fmt: skip
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
        self.history, self.order, self.fold = History(events), order, fold
        self.title = title or _title(self.history)
        self._views = {name: Running(view, self.history) for name, view in as_views(fold).items()}
        self._spacing = max(RECENT, -(-len(events) // KEYFRAMES))
        self._keyframes: dict[int, dict[str, Any]] = {0: self._initial()}
        self._recent: dict[int, dict[str, Any]] = {}
        self._errors: dict[tuple[str, int], Exception] = {}
        self._cursor, self._live = 0, self._initial()

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
        then = Timeline(events, self.fold, title=self.title)
        then.order = self.order  # which they are in already
        return then[-1]

    def diff(self, before: int, after: int) -> list[Change]:
        """What is different at step `after` from step `before`; another order of the same keys is no difference."""
        states = self[before]._state, self[after]._state
        return [change for change in differences(*states) if isinstance(change, Change)]

    # --- what if ---

    def branch(
        self, *, skip: Iterable[int] = (), insert: Mapping[int, Any] | None = None,
        replace: Mapping[int, Any] | None = None, move: Mapping[int, int] | None = None, fold: Any = None,
        decide: Any = None, commands: Any = None, title: str = "",
    ) -> Branch:  # fmt: skip
        """What would have been: a timeline of its own, with other events, another fold or other rules; see `Branch`."""
        from eslab import branches

        return branches.branch(
            self, skip=skip, insert=insert, replace=replace, move=move, fold=fold, decide=decide, commands=commands,
            title=title,
        )  # fmt: skip

    def compare(self, other: Timeline) -> Comparison:
        """This timeline and another, moment by moment: where they part, and how the states differ."""
        from eslab import branches

        return branches.compare(self, other)

    def to_test(self, index: int, *, rules: Any = None, commands: Callable[[Recorded], Any] | None = None) -> str:
        """A test, as Python, of the moment after `index` events; see `branches.to_test`."""
        from eslab import branches

        return branches.to_test(self, index, rules=rules, commands=commands)

    # --- other forms ---

    def to_frame(self) -> pd.DataFrame:
        """One row for each step, with both times and the state in columns: see `frames.states`."""
        from eslab import frames

        return frames.states(self)

    def player(self, *, position: int = 0, notes: Mapping[int, str] | None = None) -> Player:
        """The timeline with a slider, for a notebook: see `widgets.Player`."""
        from eslab.widgets import Player

        return Player(self, position=position, notes=notes)

    def to_html(self, path: str | PathLike[str], *, position: int = 0, notes: Mapping[int, str] | None = None) -> None:
        """Write the player as one page that needs neither kernel nor network: see `Player.to_html`."""
        self.player(position=position, notes=notes).to_html(path)

    def __repr__(self) -> str:
        return f"<Timeline {self.title!r}: {len(self.history):,} events>"

    def _repr_html_(self) -> str:
        return table(("event", "stream", "type"), [(i, e.stream, e.type) for i, e in enumerate(self.history[:5], 1)],
                     caption=f"Timeline {self.title!r}: {len(self.history):,} events", note=self._hint)  # fmt: skip

    @property
    def _hint(self) -> str:
        return "timeline[i] is the moment after i events, timeline.player() steps through them"

    # --- folding ---

    def _initial(self) -> dict[str, Any]:
        return {key: view.fold.initial() for key, view in self._views.items()}

    def _standing(self, key: str, value: Any, index: int) -> Standing:
        handled = self._views[key].handled(index)
        return Standing(copied(value), self.history[handled - 1].position if handled else 0, index - handled)

    def _error(self, index: int) -> Exception | None:
        """What the fold raised at an event; with several views, the first of them that failed there."""
        return next((self._errors[key, index] for key in self._views if (key, index) in self._errors), None)

    def _step(self, index: int) -> Step:
        if index not in self._recent:
            back = 0 < self._cursor - index < RECENT  # a step back, likely to be followed by more of them
            self._seek(index, keep=RECENT - 1 if back else 1)
        return Step(self, index, self._recent[index], self._error(index))

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
        for key, view in self._views.items():
            if view.at_once:
                self._handle(key, view, index)
            else:
                for number in range(view.handled(index - 1) + 1, view.handled(index) + 1):
                    self._handle(key, view, number)
        self._cursor = index
        if index % self._spacing == 0 and index not in self._keyframes:
            self._keyframes[index] = copied(self._live)

    def _handle(self, key: str, view: Running, number: int) -> None:
        if (key, number) in self._errors:
            return
        try:
            self._live[key] = view.evolve(self._live[key], self.history[number - 1])
        except Exception as error:
            self._errors[key, number] = error
            self._go_back(key, view, number - 1)  # what was changed in place before it failed must not be seen

    def _go_back(self, key: str, view: Running, number: int) -> None:
        """Make one view of the live state anew, as it was after event `number`."""
        if self._cursor in self._recent and view.handled(self._cursor) == number:
            self._live[key] = copied(self._recent[self._cursor][key])
            return
        start = max(i for i in (*self._keyframes, *self._recent) if i <= self._cursor)
        self._live[key] = copied((self._recent.get(start) or self._keyframes[start])[key])
        for i in range(view.handled(start) + 1, number + 1):
            if (key, i) not in self._errors:
                self._live[key] = view.evolve(self._live[key], self.history[i - 1])
        if len(self._views) == 1 and view.handled(self._cursor) == number:
            self._remember(self._cursor)

    def _remember(self, index: int) -> None:
        self._recent.pop(index, None)
        self._recent[index] = copied(self._live)
        if len(self._recent) > RECENT:
            del self._recent[next(iter(self._recent))]


class NoSuchStep(InvalidPosition, IndexError):
    """A step outside the timeline; an IndexError too, as Python expects of anything that has an index."""


def _title(history: History) -> str:
    streams = list(dict.fromkeys(recorded.stream for recorded in history))
    return streams[0] if len(streams) == 1 else f"{len(streams):,} streams"
