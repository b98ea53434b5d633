"""A run shows one projection the log: it parks what cannot be handled, and stops where going on would be wrong."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from eslab.errors import EslabError, OtherLog, ProjectionChanged, ProjectionFailed, ReadModelAltered, StoreUnavailable
from eslab.events import Recorded
from eslab.projections.letters import DeadLetter
from eslab.projections.projection import Projection, code_of
from eslab.projections.read_models import Mark, ReadModel
from eslab.projections.reading import Page
from eslab.projections.statuses import Rate, State, Status
from eslab.retrying import again
from eslab.store import Store

MOST_PARKED = 100
"""Streams that may be parked; with more of them it is the projection that is wrong, and not the events."""
IN_A_ROW = 10
"""Events that may be parked one after the other, with none handled between them; the same."""
HALTED: dict[type[EslabError], State] = {
    ProjectionChanged: "changed",
    ReadModelAltered: "altered",
    StoreUnavailable: "waiting for the store",
}


class Run:
    """One projection, the store whose log it is shown, and the read model that it keeps."""

    def __init__(
        self, store: Store, projection: Projection, *, attempts: int, pause: float, model: ReadModel | None = None
    ) -> None:  # fmt: skip
        self.store, self.projection, self.attempts, self.pause = store, projection, attempts, pause
        self.read_model = projection.read_model() if model is None else model
        self.halted: State | None = None
        """Why it handles nothing at present; None = nothing is in its way."""
        self.error: EslabError | None = None
        """What went wrong last, until nothing is wrong any more."""
        self.failures: list[ProjectionFailed] = []
        """Of the events that it has parked since `begin`."""
        self.busy: tuple[int, int] | None = None
        """The first and the last position of the events that it is handling just now."""
        self.rate = Rate()
        self.look_at = 0.0
        """When, by time.monotonic, the background looks again whether what was in its way is gone."""
        self._leads = False
        self._code = code_of(projection)
        self._parked: dict[str, int] = {}
        self._lettered: set[int] = set()
        self._skipped: set[int] = set()
        self._in_a_row = 0
        self._seen = (0, 0, 0)

    # --- how it stands ---

    @property
    def name(self) -> str:
        return self.projection.name

    @property
    def checkpoint(self) -> int:
        """The position of the last event handled; 0 before the first."""
        return self.read_model.mark.checkpoint

    @property
    def lag(self) -> int:
        """How many events of the log it has not handled yet."""
        return self.store.position - self.checkpoint

    @property
    def state(self) -> Any:
        """Its read model, as it is at this moment."""
        return self.read_model.state

    def status(self, otherwise: State, ended: BaseException | None = None) -> Status:
        """How it stands; `otherwise` is its state if nothing is in its way, `ended` what has ended the background.

        If store or view cannot be asked, the numbers are those of the last time.
        """
        error = str(self.error or "") if ended is None else f"{type(ended).__name__}: {ended}"
        state = self.halted or otherwise
        try:
            checkpoint = self.checkpoint
            self._seen = checkpoint, self.store.position - checkpoint, len(self.read_model.letters())
        except StoreUnavailable as refusal:
            state, error = "waiting for the store", str(refusal)
        return Status(self.name, state, *self._seen, error, self.rate.a_second)

    def has_come(self, position: int) -> bool:
        """Whether the view has been run, up to this position. Raises what `check` raises."""
        self.check()
        mark = self.read_model.mark
        return bool(mark.made_by) and mark.checkpoint >= position

    # --- who may work, and whether the view is fit for it ---

    @property
    def leading(self) -> bool:
        return self._leads

    def lead(self) -> bool:
        """Whether this is the one that works on the view; others, in whatever process, stand by."""
        self._leads = self.read_model.lead()  # asked anew each time, as it may have been lost with the line
        return self._leads

    def release(self) -> None:
        """Let another lead."""
        if self._leads:
            self._leads = False
            self.read_model.release()

    @property
    def stuck(self) -> bool:
        """Whether somebody must look at it before it goes on."""
        return self.halted in ("failed", "changed", "altered")

    def begin(self) -> bool:
        """Make ready; whether it may handle events now. If not, `halted` and `error` say why."""
        self.halted, self.failures = None, []
        try:
            if not self.lead():
                self.halted = "standing by"
                return False
            self.check()
            self.read_model.check()
            if not self.read_model.mark.made_by or not self.projection.replayable:
                self.accept()
            self.look_at_letters()
        except EslabError as error:
            self.halt(error)
        return self.halted is None

    def go_on(self) -> bool:
        """After `begin`, look what others have settled meanwhile; whether it may handle events still."""
        try:
            self.look_at_letters()
        except EslabError as error:
            self.halt(error)
        return self.halted is None

    def halt(self, error: EslabError) -> None:
        """Handle nothing more until somebody has looked at this error, or the store is there again."""
        self.error, self.halted = error, HALTED.get(type(error), "failed")

    def check(self) -> None:
        """Raise ProjectionChanged if other code has made the view, OtherLog if it was made of another log."""
        mark, end = self.read_model.mark, self.store.position
        if mark.made_by not in ("", self._code) and self.projection.replayable:
            raise ProjectionChanged(
                f"the code of projection {self.name} is {self._code}, but its view was made by {mark.made_by}: the "
                f"projection, or an event that it names, has changed since. rebuild() makes the view anew; accept() "
                f"goes on with it as it is", then=mark.made_by, now=self._code,
            )  # fmt: skip
        if mark.checkpoint > end:
            raise OtherLog(
                f"projection {self.name} has handled position {mark.checkpoint}, but the log ends at {end}: it "
                f"belongs to another store, or the store was restored from an older copy; {self._anew}",
                checkpoint=mark.checkpoint, position=end,
            )  # fmt: skip
        for there in self.store.read(after=mark.position - 1, until=mark.position) if mark.position else ():
            if there.id != mark.event_id:
                raise OtherLog(
                    f"projection {self.name} has handled event {mark.event_id!r} at position {mark.position}, where "
                    f"this log has {there.id!r}: it belongs to another store; {self._anew}",
                    checkpoint=mark.checkpoint, position=mark.position,
                )  # fmt: skip

    @property
    def _anew(self) -> str:
        return "rebuild() it" if self.projection.replayable else "give it another place, where it begins at the end"

    def look_at_letters(self) -> None:
        """Know again which streams are parked, which events are to be passed over, and whether anything is wrong."""
        waiting = self.read_model.letters()
        self._lettered = {letter.position for letter in waiting}
        self._parked = {letter.stream: letter.position for letter in reversed(waiting)}
        self._skipped = {one.position for one in self.read_model.letters(settled=True) if one.status == "skipped"}
        if not waiting or not isinstance(self.error, ProjectionFailed):
            self.error = None

    def pass_over(self, positions: set[int]) -> None:
        """Leave out these events."""
        self._skipped |= positions

    def accept(self) -> None:
        """Take the view, or the place where it is to be, as one that the code of today has made."""
        mark = self.read_model.mark
        begins = mark.checkpoint if mark.made_by else self.projection.begins(self.store)
        self.read_model.apply([], mark.checkpoint, mark._replace(checkpoint=begins, made_by=self._code))

    # --- handling events ---

    def take(self, page: Page) -> None:
        """Handle what a page holds for this projection; an event that cannot be handled is parked."""
        began, after = time.monotonic(), self.checkpoint
        if after < page.after:  # it has begun anew meanwhile
            return
        events = page.wanted(self.projection, after)
        try:
            while after < page.until:
                after = self._step(events, after, page.until)
                events = [recorded for recorded in events if recorded.position > after]
        except EslabError as error:
            self.halt(error)
        finally:
            self.busy = None
        self.rate.add(len(page.events), began)

    def _step(self, events: list[Recorded], after: int, until: int) -> int:
        """Handle events up to the first that fails, or see to that one; how far the log is done with."""
        while True:
            try:
                self._apply(events, after, until)
                return until
            except ProjectionFailed as failed:
                if self.checkpoint != after:  # the state has begun anew, and so must the reading
                    return until
                before = [recorded for recorded in events if recorded.position < failed.position]
                if not before:
                    break
                events, until = before, failed.position - 1
        self._alone(events[0], after)
        return events[0].position

    def _apply(self, events: list[Recorded], after: int, until: int, letter: DeadLetter | None = None) -> None:
        """Handle events, and move the checkpoint; unless another process was faster, which is as good."""
        letters = [] if letter is None else [letter]
        if self._parked or self._skipped:
            behind = [one for one in events if one.position >= self._parked.get(one.stream, one.position + 1)]
            letters += [self._behind(one) for one in behind if one.position not in self._lettered]
            left_out = self._skipped.union(one.position for one in behind)
            shown = [one for one in events if one.position not in left_out]
        else:
            shown = events
        self.busy = (shown[0].position, shown[-1].position) if shown else None
        if self.read_model.apply(shown, after, self._mark(events, until), letters):
            self._lettered.update(one.position for one in letters)
            self._in_a_row = 0 if shown else self._in_a_row

    def _mark(self, events: Sequence[Recorded], until: int) -> Mark:
        position, id = (events[-1].position, events[-1].id) if events else self.read_model.mark[1:3]
        return Mark(until, position, id, self._code)

    def _behind(self, recorded: Recorded) -> DeadLetter:
        return DeadLetter.of(self.name, recorded, f"it waits behind position {self._parked[recorded.stream]}")

    def _alone(self, recorded: Recorded, after: int) -> None:
        """Try one event a few times more, and park it if it cannot be handled."""
        try:
            for attempt in again(ProjectionFailed, self.attempts, self.pause):
                with attempt:
                    self._apply([recorded], after, recorded.position)
        except ProjectionFailed as failed:
            self._park(recorded, after, failed)

    def _park(self, recorded: Recorded, after: int, failed: ProjectionFailed) -> None:
        self.read_model.check()  # before an event is blamed
        if self._in_a_row >= IN_A_ROW or len(self._parked) >= MOST_PARKED:
            raise ProjectionFailed(
                f"projection {self.name} has parked {len(self._parked)} streams and goes no further, as so many events "
                f"cannot all be wrong: {failed}", **failed.facts,
            ) from failed  # fmt: skip
        self._in_a_row += 1
        letter = DeadLetter.of(self.name, recorded, cause_of(failed), self.attempts)
        self._apply([], after, recorded.position, letter)
        self._parked[recorded.stream] = recorded.position
        self._lettered.add(recorded.position)
        self.error = ProjectionFailed(
            f"{failed}. It waits as a dead letter, and so will the later ones of its stream; all others are handled. "
            f"If it was not the projection that was wrong, retry()", **failed.facts,
        )  # fmt: skip
        self.error.__cause__ = failed.__cause__
        self.failures.append(self.error)


def cause_of(failed: ProjectionFailed) -> str:
    """The error of the code, in one line."""
    return f"{type(failed.__cause__).__name__}: {failed.__cause__}"
