"""A delivery carries out what reactors have asked for: in the cell or in the background, now or when it is due."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Self

from eslab.commands import CommandBus
from eslab.errors import EslabError, InvalidPosition, MissingHandler, NotCaughtUp, ProjectionFailed, StillRunning
from eslab.processes.courier import Courier, Receiver, Retries
from eslab.processes.outbox import Delivered, Outbox, Outgoing, Outgoings
from eslab.processes.reactors import Reactor
from eslab.projections import Projector
from eslab.projections.tables import Tables
from eslab.projections.worker import Worker
from eslab.store import Clock

ROLE = "delivery"
"""What a process leads in that delivers; another may lead in running the reactor."""
LOOK = 0.05
"""Seconds between two looks into the outbox, in the background."""
SECOND = dt.timedelta(seconds=1)
MOST_ROUNDS = 1_000
"""How often one thing may lead to the next in a single `deliver`, before it is taken for a circle."""


class Delivery:
    """Delivers what the reactors of a projector ask for, each message at least once, always with the same key.

    `receivers` is a literal by message class: `{SendMail: post.send}`. A receiver is given the message and its key, and
    does nothing if it has seen that key before; a command that it returns is its answer. Commands go to the `bus`, with
    the key as their id, so that they take effect once. What comes of it has the event as its cause.

    A message that fails is tried again after `pause`, and then after twice as long each time; after so many `attempts`
    it is parked, until `retry` or `skip`. The later messages of its stream to the same receiver wait for it; all else
    goes on. A command that the rules refuse is settled. `clock` (the store's, if none is given) says what is due.

    Where several processes have a delivery on one outbox, one works and the others stand by.
    Raises MissingHandler unless each message that a reactor sends has a receiver, or a handler, and not both.
    """

    def __init__(
        self, projector: Projector, receivers: Mapping[type, Receiver], *, bus: CommandBus | None = None,
        clock: Clock | None = None, attempts: int = 5, pause: dt.timedelta = SECOND,
    ) -> None:  # fmt: skip
        self.projector, self.store, self.bus = projector, projector.store, bus
        retries = Retries(attempts, pause)
        self._couriers = [
            Courier(
                self.store, Outbox(run.projection, run.read_model), receivers, bus, clock or self.store.clock, retries
            )
            for run in projector.runs
            if isinstance(run.projection, Reactor) and isinstance(run.read_model, Tables)
        ]
        if not self._couriers:
            raise MissingHandler(
                f"there is no reactor among {', '.join(run.name for run in projector.runs)}, expected one or more: "
                f"only reactors ask for something to be delivered", projector=projector,
            )  # fmt: skip
        self._turn = threading.RLock()
        self._worker = Worker(self._keep_delivering, self._busy)
        self.error: EslabError | None = None
        """What is in the way of the background at present; None = nothing is."""

    # --- in the cell ---

    def deliver(self) -> Delivered:
        """Let the projector catch up and deliver what is due; and again, until nothing more follows from it.

        Raises StoreUnavailable if the store or an outbox cannot be used; StillRunning if it goes round in a circle;
        ProjectionFailed, when all else is done, if a reactor could not handle an event, which is parked.
        """
        done: dict[str, Outgoing] = {}
        failed: ProjectionFailed | None = None
        with self._turn:
            try:
                for _ in range(MOST_ROUNDS):
                    before = self.store.position
                    failed = failed or self._let_catch_up(before)
                    new = self._round()
                    done.update((one.key, one) for one in new)
                    if not new and self.store.position == before:
                        break
                else:
                    raise self._circle(new)
            finally:
                self._release()
        if failed is not None:
            raise failed
        counts = self._counts()
        return Delivered(Outgoings(done.values()), counts["waiting"] + counts["parked"])

    @property
    def outbox(self) -> Outgoings:
        """Every message that was ever asked for, and what became of it, in the order of reactor and event."""
        return Outgoings(one for courier in self._couriers for one in courier.outbox.every())

    @property
    def parked(self) -> Outgoings:
        """The messages that failed too often, and wait for `retry` or `skip`."""
        return Outgoings(one for _, one in self._unsettled() if one.status == "parked")

    def retry(self, stream: str | None = None) -> int:
        """Let the parked messages be tried again, all or those from one stream; returns how many these are."""
        return sum(
            courier.outbox.note(one.now("waiting", attempts=0, again_at=""))
            for courier, one in self._unsettled()
            if one.status == "parked" and stream in (None, one.stream)
        )

    def skip(self, key: str, reason: str) -> None:
        """Never deliver a message that waits or is parked; `reason` is kept.

        Raises InvalidPosition if there is none, or without a reason.
        """
        if not reason.strip():
            raise InvalidPosition("a message is skipped for a reason, which is kept: write it down", key=key)
        for courier, one in self._unsettled():
            if one.key == key:
                courier.outbox.note(one.now("skipped", reason=reason))
                return
        raise InvalidPosition(
            f"no message with the key {key!r} waits here: take the .key of one that .outbox shows as waiting or parked",
            key=key,
        )

    # --- in the background ---

    @property
    def running(self) -> bool:
        """Whether it delivers in the background."""
        return self._worker.running

    def start(self) -> Self:
        """Deliver in a thread what is due, until `stop` or the end of the program; the projector is started apart."""
        self._worker.start()
        return self

    def stop(self, timeout: float = 10) -> None:
        """End the background after the message at hand. Raises StillRunning if its receiver takes longer than `timeout`
        seconds."""
        try:
            self._worker.stop(timeout)
        finally:
            self._release()

    def wait(self, timeout: float = 10) -> None:
        """Return when the reactors have seen the whole log, and nothing that is due is left to be tried now.

        Raises NotCaughtUp when the time (in seconds) is over.
        """
        until = time.monotonic() + timeout
        while not self._quiet(until - time.monotonic()):
            if time.monotonic() > until:
                raise NotCaughtUp(
                    f"the delivery is not done after {timeout:g} seconds, expected that nothing is due any more: is it "
                    f"running, and its projector? What is in its way is in .error and .outbox", timeout=timeout,
                ) from self.error  # fmt: skip
            time.sleep(LOOK / 2)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        names = ", ".join(courier.outbox.reactor.name for courier in self._couriers)
        said = (
            ", ".join(f"{count:,} {fate}" for fate, count in sorted(self._counts().items())) or "nothing was asked for"
        )
        return f"<delivery of {names}: {said}>"

    def _repr_html_(self) -> str:
        return self.outbox._repr_html_()

    # --- small steps ---

    def _unsettled(self) -> list[tuple[Courier, Outgoing]]:
        return [(courier, one) for courier in self._couriers for one in courier.outbox.unsettled()]

    def _counts(self) -> Counter[str]:
        return sum((Counter(courier.outbox.counts()) for courier in self._couriers), Counter[str]())

    def _let_catch_up(self, position: int) -> ProjectionFailed | None:
        try:
            if self.projector.running:
                self.projector.wait_for(position)
            else:
                self.projector.catch_up()
        except ProjectionFailed as failed:
            return failed
        return None

    def _circle(self, last: list[Outgoing]) -> StillRunning:
        asked = ", ".join(sorted({f"{one.reactor}: {one.message}" for one in last})) or "events"
        return StillRunning(
            f"what was delivered led to more, {MOST_ROUNDS:,} times over, at last to {asked}: does a reactor act on "
            f"what follows from its own messages? The rest waits in .outbox; correct the reactor, then deliver()",
            messages=tuple(last),
        )

    def _round(self) -> list[Outgoing]:
        """Carry what is due now, from the outboxes in which this process leads."""
        with self._turn:
            leading = [courier for courier in self._couriers if courier.outbox.model.lead(ROLE)]
            return [one for courier in leading for one in courier.carry(lambda: self._worker.told_to_stop)]

    def _release(self) -> None:
        if not self.running:
            for courier in self._couriers:
                courier.outbox.model.release(ROLE)

    def _quiet(self, seconds: float) -> bool:
        if not self._turn.acquire(timeout=max(seconds, 0)):
            return False
        try:
            end = self.store.position
            seen = all(self.projector[one.outbox.reactor.name].has_come(end) for one in self._couriers)
            return seen and all(courier.idle() for courier in self._couriers) and end == self.store.position
        finally:
            self._turn.release()

    # --- what the thread does ---

    def _keep_delivering(self) -> None:
        try:
            done, self.error = self._round(), None
        except EslabError as error:
            done, self.error = [], error
        if not done:
            self._worker.pause(LOOK)

    def _busy(self) -> str:
        return ", ".join(f"the receiver of {one.carrying}" for one in self._couriers if one.carrying) or "the outbox"
