"""The story that every side plays: what happens to bank accounts, the same for the same seed."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from eslab.domains.bank import AccountEvent, AccountOpened, MoneyDeposited, MoneyWithdrawn

SEED = 20261123
Happening = tuple[str, int]


def story(length: int, seed: int) -> list[Happening]:
    """What follows the opening of one account: deposits, and withdrawals that are always covered."""
    chance, balance, told = random.Random(seed), 0, []
    for _ in range(length):
        amount = chance.randint(1, 300)
        verb = "withdraw" if amount <= balance and chance.random() < 0.4 else "deposit"
        balance += amount if verb == "deposit" else -amount
        told.append((verb, amount))
    return told


def as_events(told: list[Happening], owner: str = "Ada") -> list[AccountEvent]:
    """The story as events of eslab's bank, the opening included."""
    kinds: dict[str, type[MoneyDeposited | MoneyWithdrawn]] = {"deposit": MoneyDeposited, "withdraw": MoneyWithdrawn}
    return [AccountOpened(owner), *(kinds[verb](amount) for verb, amount in told)]


def interleaved(length: int, accounts: int) -> Iterator[tuple[str, int, AccountEvent]]:
    """Stream, version and event of so many accounts, each with a story of its own, the accounts in turn."""
    each = [as_events(story(length // accounts - 1, SEED + number)) for number in range(accounts)]
    for version, events in enumerate(zip(*each, strict=True), 1):
        yield from ((f"account-{number}", version, event) for number, event in enumerate(events))


def balance_of(told: list[Happening]) -> int:
    """What the account holds in the end: the answer that both sides must give."""
    return sum(amount if verb == "deposit" else -amount for verb, amount in told)


def spread_out(accounts: int) -> Iterator[tuple[str, int, AccountEvent]]:
    """Stream, version and event without end, the accounts in turn: their events lie far apart in the log."""
    streams = [f"account-{number}" for number in range(accounts)]
    yield from ((stream, 1, AccountOpened("Ada")) for stream in streams)
    deposits = [MoneyDeposited(amount) for amount in range(1, 301)]
    for version in itertools.count(2):
        for number, stream in enumerate(streams):
            yield stream, version, deposits[(number + version) % 300]
