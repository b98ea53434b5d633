"""Files that are no log, or were made to do harm: each is refused with file, line and next step, in bounded memory."""

import contextlib
import gzip
import io
import tracemalloc
import warnings
import zipfile

import pytest

from eslab import readers
from eslab.errors import UnreadableLog
from eslab.readers import files

TEXT = b"case,activity,time\n1,Opened,2026-05-03T09:30Z\n"
MAPPED = {"stream": "case", "type": "activity", "occurred_at": "time"}
MIB = 2**20


def zipped(*members):
    """A .zip of these members, each a name and its bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings(action="ignore"):
        for name, content in members:
            archive.writestr(name, content)
    return made.getvalue()


def locked():
    """A .zip whose member is marked as having a password."""
    made = bytearray(zipped(("log.csv", TEXT)))
    made[6] |= 1
    made[made.index(b"PK\x01\x02") + 8] |= 1
    return bytes(made)


FILES = {
    "empty": (b"", "log.csv: it is empty, expected events: was the export finished?"),
    "blank": (b"\n\n", "log.csv, line 1: found no text, expected a line that names the columns: add it"),
    "latin": (b"case,activity,time\n1,Caf\xe9,x\n", r"log.csv, line 2: it is no utf-8 text .*say what it is.*'cp1252'"),
    "utf16": ("case".encode("utf-16"), "log.csv, line 1: it begins as UTF-16 does, .*say encoding='utf-16'"),
    "binary": (b"\x00\xff" * 99, "log.csv, line 1: it is no utf-8 text"),
    "bad gzip": (gzip.compress(TEXT)[:-9], "log.csv: it is damaged .*fetch it again"),
    "gzip with other checksum": (gzip.compress(TEXT)[:-8] + bytes(8), "log.csv: it is damaged .*CRC"),
    "bad zip": (zipped(("log.csv", TEXT))[:-30], "log.csv: it is damaged .*fetch it again"),
    "climbing": (zipped(("../../etc/cron.d/x", TEXT)), r"it holds the path '\.\./\.\./etc/cron.d/x', which leads out"),
    "absolute": (zipped(("/etc/passwd", TEXT)), "it holds the path '/etc/passwd', which leads out of it"),
    "windows": (zipped((r"..\..\x.csv", TEXT)), "which leads out of it"),
    "several": (zipped(("a.csv", TEXT), ("b.csv", TEXT)), "expected one: name it as member=, of a.csv, b.csv"),
    "none": (zipped(), "log.csv: it holds 0 files, expected one"),
    "locked": (locked(), r"log.csv in it cannot be opened .*password.*: unpack it first"),
    "office": (zipped(("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"")), "for Excel take readers.excel"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_a_log_is_refused_with_the_next_step(tmp_path, name):
    content, says = FILES[name]
    (tmp_path / "log.csv").write_bytes(content)
    with pytest.raises(UnreadableLog, match=says) as refusal:
        readers.csv(tmp_path / "log.csv", **MAPPED).history()
    assert refusal.value.file == "log.csv"


def test_a_file_that_is_not_there_or_a_directory_or_forbidden_is_refused(tmp_path):
    with pytest.raises(UnreadableLog, match=r"lgo.csv: there is no such file, .*look at the spelling"):
        readers.csv(tmp_path / "lgo.csv", **MAPPED)
    with pytest.raises(UnreadableLog, match="it is a directory, expected a file: name one of the files in it"):
        readers.csv(tmp_path, **MAPPED)


@pytest.mark.parametrize("packed", [TEXT, gzip.compress(TEXT), zipped(("folder/log.csv", TEXT))])
def test_a_packed_file_is_read_as_a_plain_one(tmp_path, packed):
    (tmp_path / "log.csv").write_bytes(packed)
    assert [r.type for r in readers.csv(tmp_path / "log.csv", **MAPPED)] == ["Opened"]


def test_a_member_of_a_zip_is_named(tmp_path):
    (tmp_path / "log.zip").write_bytes(zipped(("a.csv", b"x"), ("b.csv", TEXT)))
    assert len(readers.csv(tmp_path / "log.zip", member="b.csv", **MAPPED).history()) == 1
    with pytest.raises(UnreadableLog, match=r"it holds no 'c.csv', expected one of a.csv, b.csv"):
        readers.csv(tmp_path / "log.zip", member="c.csv", **MAPPED)


class Endless(io.RawIOBase):
    """A file that is one line of `size` bytes, which are made when they are read."""

    def __init__(self, size):
        self.left = size

    def readable(self):
        return True

    def readinto(self, buffer):
        count = min(len(buffer), self.left)
        buffer[:count] = b"a" * count
        self.left -= count
        return count


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_line_of_a_gigabyte_is_refused_before_it_fills_the_memory(encoding):
    tracemalloc.start()
    try:
        endless = io.BufferedReader(Endless(2**30))
        with pytest.raises(UnreadableLog, match=r"log.csv, line 1: the line is longer than 83,886,080 bytes"):
            next(files.lines(endless, "log.csv", encoding))
        assert tracemalloc.get_traced_memory()[1] < 5 * files.LONGEST_LINE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("pack", [gzip.compress, lambda text: zipped(("log.csv", text))])
def test_a_file_that_unpacks_to_more_than_it_may_is_refused(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(files, "UNPACKED", MIB // 8)
    monkeypatch.setattr(files, "PACKED", 9)
    (tmp_path / "log.csv").write_bytes(pack(TEXT + b"1,Opened,2026-05-03T09:30Z\n" * 9_000))
    with pytest.raises(
        UnreadableLog,
        match=r"it unpacks to 1\d\d,\d+ bytes or more, which is 9 times its size, .*: if you trust it",
    ):
        readers.csv(tmp_path / "log.csv", on_error="collect", **MAPPED).history()


def test_a_file_is_closed_when_only_a_part_was_read(tmp_path, recwarn):
    (tmp_path / "log.csv").write_bytes(TEXT)
    with contextlib.closing(iter(readers.csv(tmp_path / "log.csv", order="file", **MAPPED))) as events:
        next(events)
    assert not list(recwarn)


def test_an_encoding_that_nobody_knows_is_refused(tmp_path):
    (tmp_path / "log.csv").write_bytes(TEXT)
    with pytest.raises(UnreadableLog, match="there is no encoding 'klingon', expected one such as"):
        readers.csv(tmp_path / "log.csv", encoding="klingon", **MAPPED)


def test_a_file_takes_its_place_when_it_is_whole(tmp_path):
    place = tmp_path / "log.csv"
    with files.replacing(place) as beside:
        beside.write_text("new")
        assert not place.exists()
    assert (place.read_text(), place.stat().st_mode & 0o777) == ("new", 0o666 & ~files._umask())
