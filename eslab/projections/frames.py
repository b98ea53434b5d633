"""A frame projection keeps its view as a pandas frame, and is shown the events as a frame too, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from eslab.errors import ProjectionFailed
from eslab.events import Recorded
from eslab.projections.projection import Projection, evolved, failure
from eslab.projections.read_models import PythonState, ReadModel

if TYPE_CHECKING:
    import pandas as pd


class FrameProjection(Projection):
    """A projection whose read model is a frame: give it `initial()` and `evolve_frame(frame, events)`.

    `events` has one row for each event, as `frames.events` makes it. With `types` it has a column for each field of
    these types in every batch, of the same kind, missing where an event has no such field. How the log is cut into
    batches must not show in the frame: a batch of one is one step of a timeline. Each batch costs some milliseconds,
    whatever is in it: with 20,000 events it costs about as much as a plain fold, with 2,000 (the usual) twice that.
    """

    entrances = ("columns",)
    columns: ClassVar[tuple[str, ...] | None] = None
    """Which columns of the events it is shown, such as `("stream", "payload.amount")`: fewer are faster; None = all."""

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
        from eslab import frames

        events = frames.events(listed, self.types or (), self.columns)
        for row in events.index[events["error"].notna()]:
            _ = listed[row].payload  # raises
        return events

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
