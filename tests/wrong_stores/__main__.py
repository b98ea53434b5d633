"""Print which test of the contract caught which wrong store; with `--all`, run the whole contract on each."""

import sys
from collections import Counter

from eslab.contract import StoreContract

from . import CAUGHT, check


def sentences() -> list[str]:
    return [name.removeprefix("test_").replace("_", " ") for name in StoreContract.names()]


def print_tables(whole: bool) -> int:
    """Two tables: by wrong store and by test. Returns how many wrong stores were not caught by each test named."""
    missed, caught = 0, Counter()
    width = max(len(wrong.__name__) for wrong in CAUGHT)
    print(f"{'wrong store':{width}}  caught by")
    for wrong, named in CAUGHT.items():
        found = check(wrong, None if whole else named)
        caught.update(found.keys())
        missed += not set(named) <= set(found)
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        print(f"{wrong.__name__:{width}}  {named[0] if named[0] in found else 'NOTHING'}{more}", flush=True)
    width = max(map(len, sentences()))
    print(f"\n{'test of the contract':{width}}  fails on")
    for sentence in sentences():
        names = [wrong.__name__ for wrong, named in CAUGHT.items() if sentence in named]
        more = f" and {caught[sentence] - 1} more" if caught[sentence] > 1 else ""
        print(f"{sentence:{width}}  {names[0] if caught[sentence] else 'NOTHING'}{more}")
    print(
        f"\n{len(CAUGHT) - missed} of {len(CAUGHT)} wrong stores were caught, each by the tests that are named for it"
    )
    return missed


if __name__ == "__main__":
    sys.exit(bool(print_tables(whole="--all" in sys.argv)))
