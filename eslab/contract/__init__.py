"""The contract of a store as tests: whoever writes a store runs them, and knows what it may be trusted with.

    class TestMyStore(StoreContract):
        def open_store(self, **options):
            return MyStore(**options)

pytest runs that as it stands; `check_store(MyStore)` does without pytest. Each test has a sentence for a name, and
begins with a new, empty store.
"""

from __future__ import annotations

from collections.abc import Callable

from eslab.contract.appends import Appends
from eslab.contract.copies import Copies
from eslab.contract.facts import Facts
from eslab.contract.reads import Reads
from eslab.contract.threads import Threads
from eslab.store import Store

__all__ = ["StoreContract", "check_store"]


class StoreContract(Facts, Appends, Reads, Copies, Threads):
    """What every store promises. Subclass it, and say in `open_store` how a new, empty store is made."""

    @classmethod
    def names(cls) -> list[str]:
        """The names of its tests, in the order in which they are written."""
        parts = cls.__mro__
        return list(dict.fromkeys(name for part in parts for name in vars(part) if name.startswith("test_")))


def check_store(open_store: Callable[..., Store]) -> dict[str, str]:
    """Run the contract against a store, without pytest; returns the tests that failed, each with what was found.

    `open_store(**options)` gives a new, empty store each time, and passes on `clock=` and `ids=`.
    """
    found: dict[str, str] = {}
    for name in StoreContract.names():
        contract = StoreContract()
        contract.open_store = open_store  # type: ignore[method-assign]  # as a subclass would
        try:
            getattr(contract, name)()
        except Exception as error:  # whatever a wrong store raises is a finding
            found[name.removeprefix("test_").replace("_", " ")] = f"{type(error).__name__}: {error}"
    return found
