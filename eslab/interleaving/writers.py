"""Writers that are right alone go wrong together: each decides on a past that the other is just changing."""

from __future__ import annotations

from collections.abc import Generator

from eslab.errors import ConditionFailed, WrongExpectedVersion
from eslab.events import History, NewEvent, event
from eslab.interleaving.actors import Announcement, wait
from eslab.interleaving.case import Case
from eslab.queries import AppendCondition, Query, QueryItem
from eslab.stores.memory import MemoryStore

Steps = Generator[Announcement, None, str]


@event(name="interleaving.MoneyDeposited")
class MoneyDeposited:
    amount: int


@event(name="interleaving.MoneyWithdrawn")
class MoneyWithdrawn:
    amount: int


@event(name="interleaving.NameTaken")
class NameTaken:
    name: str


# --- the lost update --------------------------------------------------------------------------------------------------


def account_of_100() -> MemoryStore:
    store = MemoryStore()
    store.append("account-1", [MoneyDeposited(100)])
    return store


def balance(history: History) -> int:
    return sum(one.amount if isinstance(one, MoneyDeposited) else -one.amount for one in history.payloads)


def withdraw_70(store: MemoryStore) -> Steps:
    """Look whether the money is there, and take it, whatever has come in between."""
    yield "load"
    history = store.load("account-1")
    if balance(history) < 70:
        return "refused"
    yield "append"
    store.append("account-1", [MoneyWithdrawn(70)])
    return "paid"


def withdraw_70_as_seen(store: MemoryStore) -> Steps:
    """Take it only if the account is as it was when that was decided; else load and decide again."""
    while True:
        yield "load"
        history = store.load("account-1")
        if balance(history) < 70:
            return "refused"
        yield "append"
        try:
            store.append("account-1", [MoneyWithdrawn(70)], expected_version=len(history))
        except WrongExpectedVersion:
            continue
        return "paid"


def never_below_0(store: MemoryStore) -> None:
    left = balance(store.load("account-1"))
    if left < 0:
        raise AssertionError(f"the balance is {left}, expected 0 or more")


LOST_UPDATE = Case(
    name="the lost update",
    about="two decide on the same balance, and the second does not see what the first has done",
    cure="the expected version, and deciding again",
    start=account_of_100,
    wrong={"Ada": withdraw_70, "Bob": withdraw_70},
    cured={"Ada": withdraw_70_as_seen, "Bob": withdraw_70_as_seen},
    invariant=never_below_0,
    watch=lambda store: f"balance {balance(store.load('account-1'))}",
)

# --- check, then act ------------------------------------------------------------------------------------------------

LOVELACE = Query(QueryItem(tags=["name:lovelace"]))


def taken(store: MemoryStore) -> int:
    return len(list(store.read(query=LOVELACE)))


def register(store: MemoryStore, stream: str) -> Steps:
    """Look whether the name is free, then take it: each in a stream of its own, so no version can conflict."""
    yield "look"
    if taken(store):
        return "refused"
    yield "append"
    store.append(stream, [NewEvent(NameTaken("lovelace"), tags=["name:lovelace"])], expected_version=0)
    return "taken"


def register_if_free(store: MemoryStore, stream: str) -> Steps:
    """Look and take in one: the append holds only if nobody has the name."""
    yield "append"
    mine = NewEvent(NameTaken("lovelace"), tags=["name:lovelace"])
    try:
        store.append(stream, [mine], expected_version=0, condition=AppendCondition(LOVELACE))
    except ConditionFailed:
        return "refused"
    return "taken"


def one_has_the_name(store: MemoryStore) -> None:
    if taken(store) != 1:
        raise AssertionError(f"{taken(store)} have the name, expected one")


CHECK_THEN_ACT = Case(
    name="check, then act",
    about="both find the name free, and both take it, each in a stream of their own",
    cure="an append condition",
    start=MemoryStore,
    wrong={"Ada": lambda store: register(store, "user-1"), "Bob": lambda store: register(store, "user-2")},
    cured={"Ada": lambda store: register_if_free(store, "user-1"),
           "Bob": lambda store: register_if_free(store, "user-2")},
    invariant=one_has_the_name,
    watch=lambda store: f"{taken(store)} have it",
)  # fmt: skip

# --- the commit-order gap -------------------------------------------------------------------------------------------


class EarlyPositions:
    """A log, as many databases are one: a row has its position at once, and is seen only when it is committed."""

    def __init__(self) -> None:
        self.given, self.committed, self.writing = 0, set[int](), ""
        self.checkpoint, self.seen = 0, list[int]()

    def take_position(self) -> int:
        self.given += 1
        return self.given

    def follow(self) -> None:
        """The subscriber: everything beyond its checkpoint that can be seen now."""
        for position in sorted(one for one in self.committed if one > self.checkpoint):
            self.seen.append(position)
            self.checkpoint = position


def write(log: EarlyPositions) -> Steps:
    """Insert, then commit: others may do both in between."""
    yield "insert"
    position = log.take_position()
    yield "commit"
    log.committed.add(position)
    return f"position {position}"


def write_alone(log: EarlyPositions) -> Steps:
    """One writer at a time, from before its position until after its commit."""
    yield wait(lambda: not log.writing, "lock, insert")
    log.writing, position = "somebody", log.take_position()
    yield "commit, unlock"
    log.committed.add(position)
    log.writing = ""
    return f"position {position}"


def subscribe(log: EarlyPositions) -> Steps:
    """Look twice: once somewhere on the way, and once when all is committed."""
    yield "look"
    log.follow()
    yield wait(lambda: len(log.committed) == 2, "look again")
    log.follow()
    return f"saw {', '.join(map(str, log.seen))}"


def nothing_skipped(log: EarlyPositions) -> None:
    skipped = sorted(log.committed - set(log.seen))
    if skipped:
        raise AssertionError(f"position {skipped[0]} was never seen: the checkpoint was {log.checkpoint} already")


COMMIT_ORDER_GAP = Case(
    name="the commit-order gap",
    about="position 2 is committed before position 1, and who has seen 2 never looks for 1 again",
    cure="one writer at a time, to the end of the commit",
    start=EarlyPositions,
    wrong={"Ada": write, "Bob": write, "subscriber": subscribe},
    cured={"Ada": write_alone, "Bob": write_alone, "subscriber": subscribe},
    invariant=nothing_skipped,
    watch=lambda log: f"visible {', '.join(map(str, sorted(log.committed))) or 'nothing'}",
)
