"""`python -m tests.faults [--quick]` makes every fault and prints what became of the events."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.faults.every import QUICK, Scene, Sizes, every
from tests.faults.figures import as_table
from tests.faults.server import a_server


def main() -> None:
    quick = "--quick" in sys.argv[1:]
    rows = []
    with tempfile.TemporaryDirectory(prefix="eslab-faults-") as folder, a_server() as server:
        for figures in every(Scene(Path(folder), server.place, server), QUICK if quick else Sizes()):
            print(f"{figures.fault}, {figures.store} …", file=sys.stderr, flush=True)
            rows.append(figures)
    print(as_table(rows))
    if not all(row.harmless for row in rows):
        sys.exit("events were lost, or stored twice")


if __name__ == "__main__":
    main()
