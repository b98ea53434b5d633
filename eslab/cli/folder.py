"""The learner's folder is a copy of the course that keeps whatever the learner has changed.

A small file in the folder, `.eslab-course.json`, remembers the SHA-256 of each file as it was copied. A file
that still has it is untouched; any other is the learner's own work, and nothing here writes over it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from eslab.datasets import folder as shipped_folder
from eslab.errors import EslabError

MANIFEST = ".eslab-course.json"


class UnusableFolder(EslabError):
    """The course cannot be copied into the folder that was named."""


@dataclass
class Copied:
    """What a copy did, as names relative to the folder.

    `added` are now there, `refreshed` were untouched and are now newer, `kept` are the learner's own;
    `waiting` are new in this eslab and `outdated` untouched but older: both wait for an update.
    """

    folder: Path
    added: list[str] = field(default_factory=list)
    refreshed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)


def course_files() -> dict[str, Path]:
    """Every file of the course: the name it gets in a learner's folder, and where it is now."""
    notebooks, data = shipped_folder("notebooks"), shipped_folder("datasets")
    found = {path.relative_to(notebooks): path for path in sorted(notebooks.rglob("*")) if path.is_file()}
    files = {name.as_posix(): path for name, path in found.items() if not any(p[0] in "._" for p in name.parts)}
    return files | {f"datasets/{path.name}": path for path in data.glob("README.md")}


def copy_course(files: Mapping[str, Path], folder: Path, *, update: bool = False) -> Copied:
    """Copy `files` into `folder`, which is made if need be; with `update`, also bring what is new or newer.

    Raises `UnusableFolder`, before anything is copied, for a folder that is a file, that cannot be written,
    that is where the course itself lives, or in which a symbolic link leads out of it.
    """
    _refuse_unusable(files, folder)
    known = read_manifest(folder)
    result = Copied(folder)
    after = dict(known or {})
    for name, source in files.items():
        fresh = _digest(source)
        if _place(result, name, folder / name, fresh, known, update=update):
            after[name] = fresh
    try:
        for name in result.added + result.refreshed:
            _write(folder / name, files[name])
        _write_manifest(folder, after)
    except OSError as error:
        raise _cannot(folder, error) from error
    return result


def _place(
    result: Copied, name: str, target: Path, fresh: str, known: Mapping[str, str] | None, *, update: bool
) -> bool:
    """Put `name` in the list of what happens to it; true if the folder will then hold the shipped file."""
    was = None if known is None else known.get(name)
    if not target.exists():
        wanted = update or known is None or was is not None
        (result.added if wanted else result.waiting).append(name)
        return wanted
    now = _digest(target)
    if now == fresh:
        return True
    if now != was:
        result.kept.append(name)
        return False
    (result.refreshed if update else result.outdated).append(name)
    return update


def read_manifest(folder: Path) -> dict[str, str] | None:
    """The digests of what was copied into `folder`, by name; None if no course was copied there."""
    path = folder / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise UnusableFolder(
            f"{path} should list the files that eslab copied, and cannot be read ({error}): delete it and "
            "run `eslab lab` again; your own files stay as they are",
            path=path,
        ) from error


def _refuse_unusable(files: Mapping[str, Path], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        root = folder.resolve(strict=True)
    except FileExistsError as error:
        raise _unusable(folder, "is not a folder: name another place") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: a circle of symbolic links
        raise _cannot(folder, error) from error
    if any((root / name).resolve() == source.resolve() for name, source in files.items()):
        raise _unusable(folder, "is where the course itself lives: name another place")
    for name in (*files, MANIFEST):
        _refuse_way_out(root, folder / name)


def _refuse_way_out(root: Path, target: Path) -> None:
    end = target.resolve()
    if not end.is_relative_to(root):
        raise _unusable(target, f"leads out of the folder, to {end}: remove that symbolic link")
    if target.is_dir():
        raise _unusable(target, "is a folder, where a file of the course belongs: move it away")


def _unusable(path: Path, why: str) -> UnusableFolder:
    return UnusableFolder(f"{path} {why}", path=path)


def _cannot(folder: Path, error: Exception) -> UnusableFolder:
    reason = getattr(error, "strerror", None) or str(error)
    return _unusable(folder, f"cannot be used ({reason}): name a folder that you may write to")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(target: Path, source: Path) -> None:
    """Copy in one step, so that a full disk never leaves half a notebook."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(source, part)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _write_manifest(folder: Path, digests: Mapping[str, str]) -> None:
    part = folder / f"{MANIFEST}.part"
    part.write_bytes(msgspec.json.format(msgspec.json.encode(dict(sorted(digests.items()))), indent=1))
    os.replace(part, folder / MANIFEST)
