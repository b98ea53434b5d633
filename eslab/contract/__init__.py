"""The contract of a store as tests: whoever writes a store runs them, and knows what it may be trusted with.

    class TestMyStore(StoreContract):
        def open_store(self, **options):
            return MyStore(**options)

        def open_again(self, store):  # where two handles can have the same events, as two processes do
            return MyStore(store.address)

pytest runs that as it stands; `check_store(MyStore)` does without pytest. Each test has a sentence for a name, and
begins with a new, empty store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from eslab.contract.appends import Appends
from eslab.contract.chains import Chains
from eslab.contract.conditions import Conditions
from eslab.contract.copies import Copies
from eslab.contract.facts import Facts
from eslab.contract.queries import Queries
from eslab.contract.reads import Reads
from eslab.contract.several import Several
from eslab.contract.subscriptions import Subscriptions
from eslab.contract.threads import Threads
from eslab.store import Store

__all__ = ["StoreContract", "check_store"]


class StoreContract(Facts, Appends, Reads, Copies, Threads, Several, Queries, Conditions, Subscriptions, Chains):
    """What every store promises. Subclass it, and say in `open_store` how a new, empty store is made."""

    @classmethod
    def names(cls) -> list[str]:
        """The names of its tests, in the order in which they are written."""
        parts = cls.__mro__
        return list(dict.fromkeys(name for part in parts for name in vars(part) if name.startswith("test_")))


def check_store(
    open_store: Callable[..., Store], *, open_again: Callable[[Any], Store] | None = None,
    tests: Iterable[str] | None = None, patience: float = 60,
) -> dict[str, str]:  # fmt: skip
    """Run the contract against a store, without pytest; returns the tests that failed, each with what was found.

    `open_store(**options)` gives a new, empty store each time, and passes on `clock=` and `ids=`; `open_again(store)`
    gives another handle on the events of one, where there is such a thing. `tests` are the sentences of those to be run
    (all, if not given). A test that has not ended after `patience` seconds has failed.
    """
    found: dict[str, str] = {}
    wanted = None if tests is None else set(tests)
    for name in StoreContract.names():
        sentence = name.removeprefix("test_").replace("_", " ")
        if wanted is None or sentence in wanted:
            contract = StoreContract()
            contract.open_store = open_store  # type: ignore[method-assign]  # as a subclass would
            if open_again is not None:
                contract.open_again = open_again  # type: ignore[method-assign, assignment]
            if wrong := _wrong(getattr(contract, name), patience):
                found[sentence] = wrong
    return found


def _wrong(test: Callable[[], None], patience: float) -> str:
    """What a test finds; '' if nothing. It runs in a thread, so that a store that waits for ever is a finding too."""
    errors: list[str] = []

    def run() -> None:
        try:
            test()
        except Exception as error:  # whatever a wrong store raises is a finding
            errors.append(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(patience)
    if thread.is_alive():
        return f"the test did not end within {patience:g} seconds"
    return "".join(errors)
