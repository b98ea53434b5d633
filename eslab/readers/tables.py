"""A table is taken as events by its columns: which one says when, which one what, and which one to whom."""

from __future__ import annotations

import dataclasses
import datetime as dt
import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from eslab.codec import stored_tags
from eslab.errors import EslabError, InvalidName, UnreadableLog
from eslab.events import Recorded
from eslab.readers.kinds import KINDS, Kind
from eslab.readers.log import NOTHING, Found, Log, Refused, in_category
from eslab.readers.times import Times

Row = Mapping[str, Any]
Pick = str | Sequence[str] | Callable[[Row], Any]
"""Where a value stands: in a column, in several (joined by "-"), or in what a function makes of the row, a dict."""
Reader = TypeVar("Reader", bound=Callable[..., Log])
PICKED = ("stream", "type", "occurred_at", "recorded_at", "id")
MEANT = "say which columns are meant, with stream=, type= and occurred_at="


@dataclasses.dataclass(frozen=True, kw_only=True)
class Columns:
    """What the columns of a log mean; these are keywords of every reader of tables.

    A column that is named as `stream`, `type`, `occurred_at`, `recorded_at`, `id` or in `metadata` stands in the
    envelope, all others in the payload, under their own names. What several columns or a function are used for stays
    in the payload as well. An empty cell is left out.
    """

    stream: Pick = "stream"
    """The case: its stream is `category-case`."""
    type: Pick = "type"
    occurred_at: Pick = "occurred_at"
    recorded_at: Pick | None = None
    """None where the log has one time only: then it was recorded when it occurred."""
    id: Pick | None = None
    tags: Sequence[str] = ()
    """Columns that say what else an event is about: the tag is `column:value`, and the payload has them as well."""
    metadata: Sequence[str] = ()
    kinds: Mapping[str, Kind] = dataclasses.field(default_factory=dict)
    """What a column of texts is: int, float, Decimal, bool, datetime or date; text stays text, "007" too.

    Decimals and times are checked, and kept as text, as JSON has none; a declared event class gives them back.
    """
    category: str | None = "case"
    """None where the column has whole names of streams already, such as `ticket-17`."""
    zone: str | None = None
    """The IANA name of the zone of times that name none; without it they are refused."""
    repeated_hour: str | None = None
    """Which one is meant, "first" or "second", where the clocks go back and an hour comes twice."""
    time_format: str | None = None
    """None for ISO 8601, else a pattern of `strptime`, or "unix", "unix ms", "unix us"."""
    on_error: str = "raise"
    """Or "collect": what cannot be taken is in `log.refused`."""
    order: str = "recorded"
    """Or "file": not sorted by time."""
    progress: bool | None = None
    """Whether a progress bar is shown; None from 50,000 events on."""

    def __post_init__(self) -> None:
        if self.category is not None:
            in_category(self.category)
        for name in ("tags", "metadata"):
            if isinstance(getattr(self, name), str):
                raise InvalidName(f"{name} is {getattr(self, name)!r}, expected a list of columns: "
                                  f"write {name}=[{getattr(self, name)!r}]", found=getattr(self, name))  # fmt: skip
        if self.tags and "tags" in self.metadata:
            raise InvalidName("the metadata have the tags already as 'tags', found a column of this name for them too: "
                              "rename it", found="tags")  # fmt: skip
        for column, kind in self.kinds.items():
            if kind not in KINDS:
                expected = ", ".join(one.__name__ for one in KINDS)
                raise InvalidName(f"the kind of {column!r} is {kind!r}, expected one of {expected}", found=kind)
        twice = [name for name, uses in self._uses().items() if uses > 1]
        if twice:
            raise InvalidName(f"the column {twice[0]!r} is given two places in the envelope, expected one: leave one "
                              f"out, or use a function of the row", found=twice[0])  # fmt: skip

    def _uses(self) -> dict[str, int]:
        """The columns that leave the payload, and how often each is named."""
        used = [getattr(self, name) for name in PICKED if isinstance(getattr(self, name), str)] + [*self.metadata]
        return {name: used.count(name) for name in used}

    @property
    def as_eslab_has_them(self) -> bool:
        """Whether nothing was said: a file that eslab has written needs no mapping."""
        plain = Columns()
        return all(getattr(self, name) == getattr(plain, name) for name in (*PICKED, "tags", "metadata", "category"))

    @property
    def named(self) -> list[str]:
        """Every column that is named anywhere."""
        picked = [getattr(self, name) for name in PICKED]
        several = [name for pick in picked if isinstance(pick, (list, tuple)) for name in pick]
        return [*self._uses(), *several, *self.tags, *self.kinds]

    @functools.cached_property
    def times(self) -> Times:
        return Times(self.zone, self.repeated_hour, self.time_format)

    def log(
        self, source: str, tell: Callable[[], Iterable[Found | Recorded | Refused]], about: Row = NOTHING,
        unit: str = "line",
    ) -> Log:  # fmt: skip
        """The log that these columns make of what is told; `unit` is what its records are counted in."""
        return Log(source, tell, times=self.times, on_error=self.on_error, order=self.order, progress=self.progress,
                   about=about, unit=unit)  # fmt: skip

    # --- one record ---

    def event(self, line: int, row: Row) -> Found | Refused:
        """The event that a row tells; a cell that is missing there is left out."""
        try:
            return self._event(line, row)
        except (EslabError, ValueError, TypeError, ArithmeticError) as error:
            return Refused(line, str(error), dict(row))

    def _event(self, line: int, row: Row) -> Found:
        if self.kinds:
            row = {**row, **{name: self._of_kind(name, row[name]) for name in self.kinds if row.get(name) is not None}}
        left = dict(row)
        case, kind = self._name("stream", row, left), self._name("type", row, left)
        occurred = self._time("occurred_at", row, left)
        recorded = None if self.recorded_at is None else self._time("recorded_at", row, left)
        id = None if self.id is None else self._name("id", row, left)
        metadata = {name: left.pop(name) for name in self.metadata if name in left} if self.metadata else NOTHING
        if self.tags:
            tags = stored_tags(f"{name}:{row[name]}" for name in self.tags if name in row)
            metadata = {**metadata, "tags": tags}
        stream = case if self.category is None else f"{self.category}-{case}"
        return Found(line, stream, kind, occurred, left, recorded, id, metadata)

    def _name(self, what: str, row: Row, left: dict[str, Any]) -> str:
        """What is picked for this field, as text. Raises ValueError or TypeError if it is nothing, or no such thing."""
        value = self._taken(what, row, left)
        if type(value) is str and value:
            return value
        if value is None or value == "":
            raise self._nothing(what, row)
        if isinstance(value, (list, tuple, dict, set)):
            raise TypeError(f"found {value!r} where the {what} should be, expected a text or a number: say which part "
                            f"of it is meant, or name another column as {what}=")  # fmt: skip
        return str(value)

    def _time(self, what: str, row: Row, left: dict[str, Any]) -> Any:
        value = self._taken(what, row, left)
        if value is None:
            raise self._nothing(what, row)
        return value

    def _nothing(self, what: str, row: Row) -> ValueError:
        where = "" if callable(getattr(self, what)) else f" in {getattr(self, what)!r}"
        return ValueError(
            f"found nothing{where} where the {what} should be; the row has {', '.join(row) or 'nothing'}: name the "
            f"column as {what}=, or correct the row"
        )

    def _taken(self, what: str, row: Row, left: dict[str, Any]) -> Any:
        """What is picked; a column that is named by itself is taken out of what is left."""
        pick = getattr(self, what)
        if isinstance(pick, str):
            return left.pop(pick) if pick in left else _inside(left, pick)
        if callable(pick):
            try:
                return pick(row)
            except Exception as error:
                raise ValueError(f"the function for {what} raised {type(error).__name__}: {error}; expected a value "
                                 f"for each row: correct it") from error  # fmt: skip
        return None if any(one not in row for one in pick) else "-".join(str(row[one]) for one in pick)

    def _of_kind(self, name: str, value: Any) -> Any:
        kind = self.kinds[name]
        try:
            if kind is not dt.datetime:
                return KINDS[kind](value)
            moment, cut = self.times.stored(value)
            if cut:
                raise ValueError("which is finer than a microsecond, as fine as a time is kept")
            return moment
        except (ValueError, TypeError, ArithmeticError) as error:
            why = str(error) if kind is dt.datetime else f"expected {kind.__name__}"
            raise ValueError(f"column {name!r} holds {value!r}, {why}: correct the row, or leave {name!r} out of "
                             f"kinds=") from error  # fmt: skip


def _inside(left: dict[str, Any], path: str) -> Any:
    """What stands at `order.id` inside of objects, and is taken from there; None if nothing does."""
    first, dot, rest = path.partition(".")
    inner = left.get(first)
    if not dot or not isinstance(inner, dict):
        return None
    inner = left[first] = dict(inner)
    return inner.pop(rest) if rest in inner else _inside(inner, rest)


# --- what a table has -----------------------------------------------------------------------------------------------


def check_head(head: Sequence[Any], columns: Columns, source: str, line: int | None = None, hint: str = "") -> None:
    """Raise UnreadableLog unless each column has a name of its own, and those that are meant are there."""
    for place, name in enumerate(head, 1):
        if not isinstance(name, str) or not name.strip():
            raise _wrong_head(source, line, f"column {place} has the name {name!r}, expected a text: name it there (a "
                                            f"frame is best written with index=False)", name)  # fmt: skip
        if name in head[: place - 1]:
            raise _wrong_head(source, line, f"two columns are called {name!r}, expected a name for each: rename one",
                              name)  # fmt: skip
    for wanted in columns.named:
        if wanted not in head:
            found = ", ".join(map(repr, head[:40]))
            raise _wrong_head(source, line, f"there is no column {wanted!r}, found {found}{hint}: "
                                            f"{closest(wanted, head, MEANT)}", wanted)  # fmt: skip


def _wrong_head(source: str, line: int | None, why: str, found: object) -> UnreadableLog:
    where = source if line is None else f"{source}, line {line}"
    return UnreadableLog(f"{where}: {why}", file=source, line=line, found=found)


def closest(wanted: str, names: Iterable[str], otherwise: str) -> str:
    """What to write instead: the name that is most like it, if there is one."""
    by_lower = {name.lower(): name for name in names}
    alike = difflib.get_close_matches(wanted.lower(), by_lower, n=1)
    return f"did you mean {by_lower[alike[0]]!r}?" if alike else otherwise


def with_columns(reader: Reader) -> Reader:
    """A reader that takes the keywords of `Columns`, and that says so when it is asked for its signature."""
    own = inspect.signature(reader)
    kept = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    more = inspect.signature(Columns).parameters.values()
    reader.__signature__ = own.replace(parameters=[*kept, *more])  # type: ignore[attr-defined]
    return reader
