"""A frame projection keeps its view as a pandas frame, and is shown the events as a frame too, a batch at a time."""

from __future__ import annotations

import dataclasses
import datetime as dt
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from eslab.errors import ProjectionFailed
from eslab.events import Recorded, event_type, names_of
from eslab.projections.projection import Projection, evolved, failure
from eslab.projections.read_models import PythonState, ReadModel

if TYPE_CHECKING:
    import pandas as pd

KINDS = {
    int: "Int64", float: "float64", bool: "boolean", str: "str", dt.timedelta: "timedelta64[us]",
    dt.datetime: "datetime64[us, UTC]",
}  # fmt: skip
"""The kind of column in which a field of this type stands, whether or not each event of a batch has it."""


class FrameProjection(Projection):
    """A projection whose read model is a frame: give it `initial()` and `evolve_frame(frame, events)`.

    `events` has one row for each event, as `frames.events` makes it. With `types` it has a column for each field of
    these types in every batch, of the same kind, missing where an event has no such field. How the log is cut into
    batches must not show in the frame: a batch of one is one step of a timeline. A batch of 2,000 costs about three
    times a plain fold, for the making of the frames; a batch of one costs as much as a thousand plain steps.
    """

    def initial(self) -> pd.DataFrame:
        """The empty frame, with the columns and the index that it will have."""
        import pandas as pd

        return pd.DataFrame()

    def evolve_frame(self, frame: pd.DataFrame, events: pd.DataFrame, /) -> pd.DataFrame:
        """The frame after these events. Both are its own copies: what it changes in place is seen nowhere else."""
        raise ProjectionFailed(
            f"projection {self.name} does nothing with events: give it a method evolve_frame(frame, events)"
        )

    def evolve(self, state: pd.DataFrame, recorded: Recorded, /) -> pd.DataFrame:
        return self._after(state, [recorded])

    def evolve_all(self, state: pd.DataFrame, events: Sequence[Recorded], /) -> pd.DataFrame:
        """The frame after a batch. If the batch fails, its halves are tried, down to the event that is the reason."""
        try:
            return self._after(state, events) if events else state
        except Exception as error:
            if len(events) == 1:
                raise failure(self, events[0], error) from error
        half = len(events) // 2
        return self.evolve_all(self.evolve_all(state, events[:half]), events[half:])

    def _after(self, state: pd.DataFrame, events: Sequence[Recorded]) -> pd.DataFrame:
        import pandas as pd

        from eslab.frames import InvalidFrame

        made: object = self.evolve_frame(state.copy(deep=False), self._frame(events))
        if isinstance(made, pd.DataFrame):
            return made
        raise InvalidFrame(
            f"evolve_frame of projection {self.name} returned {type(made).__name__}, expected a DataFrame: end it "
            f"with `return frame`", found=made,
        )  # fmt: skip

    def _frame(self, listed: Sequence[Recorded]) -> pd.DataFrame:
        """The events as a frame. Raises UnreadablePayload: what is left out of a view is left out by no accident."""
        import pandas as pd

        from eslab import frames

        events = frames.events(listed)
        for row in events.index[events["error"].notna()]:
            _ = listed[row].payload  # raises
        envelope = len(events.columns) if not self.types else list(events.columns).index("error") + 1
        declared = dict(columns_of(self.types or ()))
        for name, kind in declared.items():
            if name not in events or events[name].isna().all():
                events[name] = pd.Series(pd.NA if kind == "object" else None, index=events.index, dtype=kind)
            elif events[name].dtype in ("int64", "bool") and kind != "object":
                events[name] = events[name].astype(kind)
        order = dict.fromkeys([*events.columns[:envelope], *declared, *events.columns])
        return events[list(order)]

    def read_model(self) -> ReadModel:
        return FrameState(self)


class FrameState(PythonState):
    """A frame in memory: whoever asks gets a copy of their own, made only when they write into it."""

    @property
    def state(self) -> Any:
        return self._state.copy(deep=False)

    def seen(self) -> Any:
        return self.state

    def _evolve(self, events: Sequence[Recorded]) -> None:
        """Change the frame, or leave it: no projection writes into the frame itself, so nothing is ever half done."""
        self._state = evolved(self.projection, self._state, events)


def columns_of(types: Iterable[type | str]) -> Iterator[tuple[str, str]]:
    """The payload columns of events of these types, each with its kind; "object" where two types do not agree."""
    found: dict[str, str] = {}
    for name in names_of(types) or ():
        for column, kind in _fields(event_type(name).cls, "payload"):
            found[column] = kind if found.get(column, kind) == kind else "object"
    return iter(found.items())


def _fields(cls: type, path: str) -> Iterator[tuple[str, str]]:
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        hint = _without_none(hints[field.name])
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from _fields(hint, f"{path}.{field.name}")
        elif typing.get_origin(hint) is not dict and hint is not dict:  # the columns of a dict are its keys
            yield f"{path}.{field.name}", KINDS.get(hint, "object")


def _without_none(hint: Any) -> Any:
    """`str` for `str | None`."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint
    left = [part for part in typing.get_args(hint) if part is not type(None)]
    return left[0] if len(left) == 1 else hint
