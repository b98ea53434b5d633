"""A file of a log is opened whatever it is packed in, read line by line, and written as a whole or not at all."""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path, PureWindowsPath
from typing import IO

from eslab.codec import MOST_BYTES
from eslab.errors import UnreadableLog

LONGEST_LINE = 5 * MOST_BYTES
"""The longest line that is read: 80 MiB, for the largest event there can be. Longer ones would fill the memory."""
UNPACKED = 2**28
"""What any packed file may hold: 256 MiB."""
PACKED = 300
"""How many times larger than its file more than that may be: events are packed to a tenth or a hundredth."""


@contextlib.contextmanager
def opened(path: str | PathLike[str], *, member: str | None = None, unpack: bool = True) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked if it is .gz or .zip, with a `member` of the .zip if it holds several files.

    With `unpack` False, as it stands. Nothing is unpacked onto the disk. Raises UnreadableLog if there is no such file,
    if it is empty, a directory or damaged, and if it unpacks to more than anybody can have meant.
    """
    place = Path(path)
    if place.is_dir():
        raise unreadable(place, "it is a directory, expected a file: name one of the files in it")
    try:
        if not place.stat().st_size:
            raise unreadable(place, "it is empty, expected events: was the export finished?")
        with place.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            if not unpack:
                yield file
            elif start[:2] == b"\x1f\x8b":
                with gzip.open(file) as unpacked:
                    yield _guarded(unpacked, place)
            elif start in (b"PK\x03\x04", b"PK\x05\x06"):
                with zipfile.ZipFile(file) as archive, _unlocked(archive, place, member) as unpacked:
                    yield _guarded(unpacked, place)
            else:
                yield file
    except (FileNotFoundError, NotADirectoryError):
        raise unreadable(place, f"there is no such file, expected one: the present folder is {Path.cwd().name!r}, "
                                f"so look at the spelling, or give the whole path") from None  # fmt: skip
    except (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise unreadable(place, f"it is damaged ({error}): fetch it again") from error
    except PermissionError as error:
        raise unreadable(place, f"it cannot be opened ({error.strerror}): ask for the right to read it") from error


def unreadable(path: Path | str, why: str, line: int | None = None) -> UnreadableLog:
    """The refusal of a file, or of a line of it."""
    name = Path(path).name or str(path)
    where = f"{name}, line {line:,}" if line else name
    return UnreadableLog(f"{where}: {why}", file=name, line=line)


def _unlocked(archive: zipfile.ZipFile, place: Path, member: str | None) -> IO[bytes]:
    name = _member(archive, place, member)
    try:
        return archive.open(name)
    except (RuntimeError, NotImplementedError) as error:  # a password, or a way of packing that Python does not know
        raise unreadable(place, f"{name} in it cannot be opened ({error}): unpack it first") from error


def _member(archive: zipfile.ZipFile, place: Path, wanted: str | None) -> str:
    names = [info.filename for info in archive.infolist() if not info.is_dir()]
    if "[Content_Types].xml" in names and wanted is None:
        raise unreadable(place, "it is a file of Excel or Word, expected text: for Excel take readers.excel")
    if climbing := [name for name in names if _climbs(PureWindowsPath(name))]:
        raise unreadable(place, f"it holds the path {climbing[0]!r}, which leads out of it: such a file was made to do "
                                f"harm, so do not use it")  # fmt: skip
    if wanted is not None and wanted not in names:
        raise unreadable(place, f"it holds no {wanted!r}, expected one of {', '.join(names[:10])}")
    if wanted is None and len(names) != 1:
        raise unreadable(
            place,
            f"it holds {len(names)} files, expected one: name it as member=, of {', '.join(names[:10]) or 'none'}",
        )
    return wanted or names[0]


def _climbs(name: PureWindowsPath) -> bool:
    """Whether it leads out of its folder; a Windows path may also be written with the slashes of the others."""
    return bool(name.anchor) or ".." in name.parts


def check_unpacked(place: Path, size: int) -> None:
    """Raise UnreadableLog for a file that unpacks to so many bytes that it may have been made to do harm."""
    if size > _most(place):
        raise unreadable(place, f"it unpacks to {size:,} bytes or more, which is {PACKED} times its size, so it may "
                                f"have been made to fill a disk: if you trust it, unpack it first")  # fmt: skip


def _most(place: Path) -> int:
    return max(UNPACKED, place.stat().st_size * PACKED)


def _guarded(stream: IO[bytes] | gzip.GzipFile, place: Path) -> IO[bytes]:
    return io.BufferedReader(_Guard(stream, place), 2**16)


class _Guard(io.RawIOBase):
    """A stream that ends in a refusal when it gives more than it may: a bomb is small, and unpacks to terabytes."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, place: Path) -> None:
        self._stream, self._place, self._most, self._size = stream, place, _most(place), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        self._size += len(data)
        if self._size > self._most:
            check_unpacked(self._place, self._size)
        buffer[: len(data)] = data
        return len(data)


# --- lines ----------------------------------------------------------------------------------------------------------


def lines(stream: IO[bytes], path: str | PathLike[str], encoding: str = "utf-8") -> Iterator[tuple[int, str]]:
    """Each line with its number, first = 1, with its end; a byte order mark is taken off.

    Raises UnreadableLog for bytes that are no text in this encoding, and for a line of more than 80 MiB.
    """
    place = Path(path)
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        yield from _lines_of_bytes(stream, place)
        return
    try:
        opened_text = io.TextIOWrapper(stream, encoding, newline="")
    except LookupError:
        raise unreadable(
            place, f"there is no encoding {encoding!r}, expected one such as 'utf-8' or 'cp1252'"
        ) from None
    with opened_text as text:
        for number in itertools.count(1):
            try:
                line = text.readline(LONGEST_LINE + 1)
            except UnicodeError as error:
                raise unreadable(place, _not_text(error, encoding), number) from error
            if not line:
                return
            _check_length(len(line), place, number)
            yield number, line.removeprefix("\ufeff") if number == 1 else line


def _lines_of_bytes(stream: IO[bytes], place: Path) -> Iterator[tuple[int, str]]:
    for number in itertools.count(1):
        line = stream.readline(LONGEST_LINE + 1)
        if not line:
            return
        _check_length(len(line), place, number)
        if number == 1:
            if line.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise unreadable(place, "it begins as UTF-16 does, expected UTF-8: say encoding='utf-16'", 1)
            line = line.removeprefix(b"\xef\xbb\xbf")
        try:
            yield number, line.decode()
        except UnicodeError as error:
            raise unreadable(place, _not_text(error, "utf-8"), number) from error


def _check_length(length: int, place: Path, number: int) -> None:
    if length > LONGEST_LINE:
        raise unreadable(place, f"the line is longer than {LONGEST_LINE:,} bytes, expected one record a line: does the "
                                f"file have other line ends, or is it no text?", number)  # fmt: skip


def _not_text(error: UnicodeError, encoding: str) -> str:
    return f"it is no {encoding} text ({error}): say what it is, for example encoding='cp1252' or 'utf-16'"


# --- writing --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def replacing(path: str | PathLike[str]) -> Iterator[Path]:
    """A path beside `path` to write to; at the end of the `with` it takes the place of `path`, if nothing was raised.

    So a reader finds the old file or the new one, and never half of one. Raises UnreadableLog if there is no such
    folder.
    """
    place = Path(fspath(path))
    if not place.parent.is_dir():
        raise unreadable(place, f"there is no folder {place.parent.name!r} to write it to: make it first")
    number, beside = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}-", suffix=place.suffix)
    os.close(number)
    try:
        yield Path(beside)
        with open(beside, "rb") as written:
            os.fsync(written.fileno())
        os.chmod(beside, 0o666 & ~_umask())
        os.replace(beside, place)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
