"""A person who was forgotten in the log may live on in what was made from it; to forget, one must know where."""

from __future__ import annotations

import collections
import html
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from eslab.codec import stored_name
from eslab.errors import InvalidName
from eslab.show import counted, shortened, table
from eslab.store import Store
from eslab.trust.keys import SEALED
from eslab.trust.looking import Looker
from eslab.trust.private import FORGOTTEN, personal_texts, subject_of

SHORT = 3
"""A name of so few characters is looked for as a whole word: `Ada`, but not `Canada`."""
AROUND = 20
"""How many characters are shown before and after what was found."""
SHOWN = 20


class Found(NamedTuple):
    """One place where something of a person stands."""

    place: str
    where: str
    what: str
    """`personal` for a text about the person, `id` for the id of the subject, which by itself should say nothing."""
    text: str
    """What stands there, shortened; the first, if there are more."""
    times: int


def where_is(subject: str, *places: Any, values: Iterable[str] = (), **named: Any) -> Whereabouts:
    """Look through places for a person, and say where something of them can still be read; nothing is changed.

    A place is a store, a projector, snapshots, a SQLite connection, a frame, any Python value, or a file, SQLite or
    text (as a str or a Path); give them names to know them by: `where_is("account-1", log=store, view=projector)`.
    What is looked for is the subject's id, and its personal texts: those that the stores among the places give while
    the key is there, and `values`. Case, accents, and how a text is escaped do not matter. What is compressed or
    encrypted in a place, and what only a function knows, cannot be found.

    Raises InvalidName if there is no place, and StoreUnavailable for a file that cannot be looked through.
    """
    all_places = {**_labelled(places), **named}
    if not all_places or isinstance(values, str):
        raise InvalidName(
            f"where_is was given {len(all_places)} places and values={values!r}, expected at least one place, such as "
            f"a store, and a list of texts", found=values,
        )  # fmt: skip
    known = list(dict.fromkeys([*values, *_values_in(stored_name(subject, "a subject"), all_places.values())]))
    wanted = [("id", _id_pattern(subject)), *(("personal", _pattern(value)) for value in known if value.strip())]
    found: dict[tuple[str, str, str], tuple[str, int]] = {}
    looker, looked = Looker(), collections.Counter[str]()
    for place, thing in all_places.items():
        looked[place] = 0
        for where, text in looker.texts(Path(thing) if isinstance(thing, str) else thing):
            looked[place] += 1
            for what, excerpt in _matches(text, wanted):
                line = (place, where, what)
                first, times = found.get(line, (excerpt, 0))
                found[line] = first, times + 1
    rows = [Found(*key, *value) for key, value in found.items()]
    return Whereabouts(subject, rows, looked, len(wanted) - 1, sorted(looker.closed))


def _labelled(places: Iterable[Any]) -> dict[str, Any]:
    labelled: dict[str, Any] = {}
    for place in places:
        name = Path(place).name if isinstance(place, str | os.PathLike) else _label(place)
        number = sum(label.partition(" #")[0] == name for label in labelled)
        labelled[f"{name} #{number + 1}" if number else name] = place
    return labelled


def _label(place: Any) -> str:
    projection = getattr(place, "projection", None)
    return type(place).__name__ if projection is None else str(getattr(projection, "name", projection))


def _values_in(subject: str, places: Iterable[Any]) -> list[str]:
    """The personal texts of a subject that the stores among the places give."""
    rows = (row for place in places if isinstance(place, Store) for row in place.read())
    texts = [text for row in rows if subject_of(row) == subject for text in personal_texts(row)]
    return [text for text in texts if text != FORGOTTEN and not text.startswith(SEALED)]


# --- finding --------------------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """A text without case, accents and double blanks, so that two ways to write it are found to be one."""
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        text = "".join(part for part in parts if not unicodedata.combining(part))
    return " ".join(text.casefold().split())


def _pattern(value: str) -> re.Pattern[str]:
    inside = re.escape(plain(value))
    return re.compile(rf"(?<!\w){inside}(?!\w)" if len(value.strip()) <= SHORT else inside)


def _id_pattern(subject: str) -> re.Pattern[str]:
    """An id is looked for as a whole: account-1, but not account-12."""
    return re.compile(rf"(?<![\w-]){re.escape(plain(subject))}(?![\w-])")


def _matches(text: str, wanted: list[tuple[str, re.Pattern[str]]]) -> Iterable[tuple[str, str]]:
    """What was found in a text, each with the words around it."""
    readings = [plain(text)]
    if "\\" in text or "&" in text:  # as JSON, or as HTML, it may be written with escapes
        unescaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), text)
        readings.append(plain(html.unescape(unescaped)))
    found: dict[str, str] = {}
    for reading in readings:
        for what, pattern in wanted:
            if what not in found and (match := pattern.search(reading)):
                same = pattern.search(text.casefold()) if len(text.casefold()) == len(text) else None
                found[what] = _excerpt(text, *same.span()) if same else _excerpt(reading, *match.span())
    return found.items()


def _excerpt(text: str, start: int, end: int) -> str:
    """The words around a match; a short text whole."""
    if len(text) <= 3 * AROUND:
        return text
    before, after = max(start - AROUND, 0), end + AROUND
    return "…" * (before > 0) + shortened(text[before:after]) + "…" * (after < len(text))


# --- the report -----------------------------------------------------------------------------------------------------


class Whereabouts:
    """What `where_is` found: `found` line by line, `readable` only the personal texts; it shows itself as a table."""

    def __init__(
        self, subject: str, found: list[Found], looked: collections.Counter[str], values: int, closed: list[str]
    ) -> None:
        self.subject, self.found, self.values = subject, found, values
        self.places, self.texts = len(looked), looked.total()
        self.closed = closed
        """Kinds of things that could not be looked into."""

    @property
    def readable(self) -> list[Found]:
        """The lines about personal texts, without those about the id."""
        return [line for line in self.found if line.what == "personal"]

    @property
    def _said(self) -> list[str]:
        places, looked = counted(self.places, "place"), f"({counted(self.texts, 'value')} looked through)"
        there = {line.place for line in self.found if line.what == "id"}
        if not self.values:
            known = f"no personal text of {self.subject} is known, so only its id was looked for"
            said = [f"{known} in {places} {looked}: give values=[...]"]
        elif self.readable:
            said = [
                f"{self.subject} can still be read in {len({one.place for one in self.readable})} of {places} {looked}"
            ]
        else:
            said = [f"nothing personal of {self.subject} was found in {places} {looked}"]
        said += [f"its id stands in {counted(len(there), 'place')}"] * bool(there)
        return said + [f"could not look into {', '.join(self.closed)}"] * bool(self.closed)

    def _lines(self) -> list[Found]:
        first = sorted(self.found, key=lambda line: line.what == "id")  # what is personal first
        return first[:SHOWN]

    @property
    def _more(self) -> list[str]:
        left = len(self.found) - SHOWN
        return [f"… and {counted(left, 'more line')}"] if left > 0 else []

    def __repr__(self) -> str:
        lines = [f"{line.place}, {line.where or 'itself'}: {line.what} {line.text!r}, {counted(line.times, 'time')}"
                 for line in self._lines()]  # fmt: skip
        return "\n  ".join(["; ".join(self._said), *lines, *self._more])

    def _repr_html_(self) -> str:
        said = f"<p><b>{html.escape('; '.join(self._said))}</b></p>"  # above the table: a caption is no wider than it
        heads = ("place", "where in it", "what", "found", "times")
        return said + (table(heads, self._lines(), note="; ".join(self._more)) if self.found else "")
