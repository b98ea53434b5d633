"""Many at once: eight processes that share accounts, clocks that disagree, subscribers beside killed writers."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from eslab.store import Store
from tests.faults.figures import Figures
from tests.faults.places import PROCESSES, Ended, InMemory, Place, batches_in, without_gaps
from tests.faults.work import commit_in_reverse, deposit, follow, opened, write_by_a_wrong_clock, write_some

EIGHT = 8
WITHIN_S = 100


class Worker:
    """A process, or for a store in memory a thread, and what it says."""

    leads = False
    """Whether it has said so, in the faults of which somebody leads."""

    def __init__(self, work: Callable[..., None], *given: Any, in_thread: bool = False) -> None:
        self.hear, say = PROCESSES.Pipe(duplex=False)
        start = threading.Thread if in_thread else PROCESSES.Process
        self.run = start(target=work, args=(*given, say), daemon=True)
        self.run.start()
        if not in_thread:
            say.close()

    def said(self) -> Any:
        """The next thing that it says. Raises EOFError if it has ended."""
        if not self.hear.poll(WITHIN_S):
            raise TimeoutError("a worker says nothing")
        return self.hear.recv()

    def all_said(self) -> list[Any]:
        """Everything up to its end, natural or not."""
        heard = []
        try:
            while (word := self.said()) != "end":
                heard.append(word)
        except EOFError:
            pass
        return heard

    def kill(self) -> None:
        self.run.kill()


def deposits_into_shared_accounts(place: Place, times: int, accounts: int = 3) -> Figures:
    """Eight processes decide on the versions they have read, and decide again after each conflict."""
    together = PROCESSES.Barrier(EIGHT)
    workers = [Worker(deposit, place, accounts, times, f"teller-{n}", together) for n in range(EIGHT)]
    said = [worker.said() for worker in workers]
    totals = [sum(column) for column in zip(*(totals for totals, _ in said), strict=True)]
    conflicts = sum(conflicts for _, conflicts in said)
    with place.open() as store:
        store.verify()
        histories = [store.load(f"account-{n}").payloads for n in range(accounts)]
        events = store.position
    for number, (history, total) in enumerate(zip(histories, totals, strict=True)):
        sums = list(itertools.accumulate(deposited.amount for deposited in history))
        assert sums[-1:] == [total], f"account {number} holds {sums[-1:]}, but {total} was deposited"
        assert [deposited.balance for deposited in history] == sums, f"account {number}: a deposit was overlooked"
    assert conflicts > 0, "nobody met anybody"
    noted = f"{conflicts:,} conflicts, totals exact"
    return Figures("eight processes, shared accounts", place.kind, EIGHT * times, conflicts, events, 0, 0, noted)


def clocks_that_disagree(place: Place, times: int) -> Figures:
    """Two processes whose clocks are ten hours apart, and set back now and then, write to one log."""
    with place.open() as store:
        store.chain()
    together = PROCESSES.Barrier(2)
    workers = [Worker(write_by_a_wrong_clock, place, hours, times, together) for hours in (5, -5)]
    written = sum(worker.said() for worker in workers)
    with place.open() as store:
        store.verify()
        log = list(store.read())
    moments = [recorded.recorded_at for recorded in log]
    back = sum(later < earlier for earlier, later in itertools.pairwise(moments))
    hands = sum(one.stream != two.stream for one, two in itertools.pairwise(log))
    assert hands >= times // 5, "one wrote after the other, expected both at once"
    noted = f"recorded_at went back {back} times; {hands} changes between the two clocks"
    return Figures("clocks ten hours apart", place.kind, 2, hands, written, written - len(log) + back, 0, noted)


def subscribers_beside_writers(place: Place | InMemory, batches: int, seed: int = 1) -> Figures:
    """Four subscribers from four positions, eight writers of which two are killed, and commits tried in reverse."""
    chance, in_thread = random.Random(seed), isinstance(place, InMemory)
    first = Worker(write_some, place, "first", 10, in_thread=in_thread)
    acknowledged = sum(first.all_said())
    with_end = opened(place)
    end = with_end.position
    starts = [(0, False), (end // 2, True), (end, False), (end, True)]
    followers = [Worker(follow, place, *start, in_thread=in_thread) for start in starts]
    writers = [Worker(write_some, place, f"w{n}", batches, in_thread=in_thread) for n in range(EIGHT)]
    rude = [] if in_thread else [Worker(commit_in_reverse, place, batches // 2) for _ in range(2)]
    for victim in [] if in_thread else writers[:2]:
        victim.hear.poll(WITHIN_S)
        time.sleep(chance.uniform(0, 0.02))
        victim.kill()
    acknowledged += sum(sum(writer.all_said()) for writer in writers)
    held, kept_out = (sum(column) for column in zip((0, 0), *(worker.said() for worker in rude), strict=True))
    with_end.append("end", [Ended()])
    lost, doubled = _compared(with_end, [(*start, f.said()) for start, f in zip(starts, followers, strict=True)])
    in_log = _sound(with_end)
    with_end.close()
    noted = "in threads" if in_thread else f"2 writers killed, {held} transactions held, {kept_out} overtakers kept out"
    return Figures(
        "4 subscribers, 8 writers", place.kind, 1, 0 if in_thread else 2 + kept_out, acknowledged,
        lost + max(0, acknowledged - in_log), doubled, noted,
    )  # fmt: skip


def _sound(store: Store) -> int:
    """How many events of whole batches there are."""
    log = list(store.read())
    assert without_gaps(log), "the log has gaps"
    assert all(whole and not twice for _, whole, twice in batches_in(log)), "a batch is there in part"
    return sum(recorded.type == "eslab.faults.Noted" for recorded in log)


def _compared(store: Store, seen: list[tuple[int, bool, list[tuple[int, str]]]]) -> tuple[int, int]:
    """How many events subscribers have missed, and how many they got twice; AssertionError if out of order."""
    lost = doubled = 0
    for after, filtered, got in seen:
        types = ["eslab.faults.Noted", "eslab.faults.Ended"] if filtered else None
        expected = {(recorded.position, recorded.id) for recorded in store.read(after=after, types=types)}
        assert [position for position, _ in got] == sorted(position for position, _ in got), "not in order of position"
        lost += len(expected - set(got))
        doubled += len(got) - len(set(got)) + len(set(got) - expected)
    return lost, doubled
