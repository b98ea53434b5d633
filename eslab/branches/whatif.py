"""A branch is a timeline that knows where it came from, and can be kept in a store when that is asked."""

from __future__ import annotations

import functools
import itertools
import types
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from eslab.branches import lines
from eslab.branches.comparison import Comparison
from eslab.branches.decisions import COMMANDS, Refusal, decided_again
from eslab.branches.edits import Edits
from eslab.branches.lines import InvalidBranch, Row, rows_between
from eslab.events import History, Recorded
from eslab.store import Store
from eslab.timeline import Timeline
from eslab.views import ONE, View


class Branch(Timeline):
    """A timeline of what would have been; `timeline.branch(...)` makes it, and leaves the timeline as it is.

    `source` is where it came from, `rows` both lines read as one, `refusals` the wishes that other rules refused.
    Its positions and versions count from 1 without gaps; events that are also in the source keep ids and times.
    """

    def __init__(
        self, source: Timeline, events: Iterable[Recorded], rows: Iterable[Row], *, edits: Mapping[str, Any], fold: Any,
        title: str = "", refusals: tuple[Refusal, ...] = (),
    ) -> None:  # fmt: skip
        super().__init__(events, fold, title=title or named(source, edits))
        self.order = source.order  # the events are in their order already, and stay in it where one was moved
        self.source, self.rows, self.refusals = source, tuple(rows), refusals
        self.edits: Mapping[str, Any] = types.MappingProxyType(dict(edits))

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams of the source, in the order in which they begin."""
        return tuple(dict.fromkeys(event.stream for event in self.source.history))

    @functools.cached_property
    def position(self) -> int:
        """How many leading events both lines share; they part at the next."""
        alike = itertools.takewhile(lambda row: row.kind == "=", self.rows)
        return sum(1 for _ in alike)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 over the source's history, as 64 hex digits; see `lines.digest` for what goes into it."""
        return lines.digest(self.source.history)

    def compare(self, other: Timeline | None = None) -> Comparison:
        """This branch beside its source, which comes first; or before another timeline."""
        return compare(self, other) if other is not None else compare(self.source, self)

    def to_code(self) -> str:
        """Python that makes this branch again from a variable `timeline`, its source. Raises InvalidBranch if
        something in it has no name that could be imported, as a lambda has none."""
        from eslab.branches import code

        return code.to_code(self)

    def save(self, store: Store, prefix: str = "whatif-") -> History:
        """Record the events of this branch in new streams, `prefix` before the name of each: all of them or none.

        Times and versions are those of the branch, ids are new. Metadata says `branched_from`: the stream of the
        source, the position after which the branch parts from it, and the digest of the source. Saving the same again
        records nothing twice. Returned is what is recorded. A projection that names no categories will see these
        events too. Raises InvalidBranch if such a stream holds something else, or would lie among the source's.
        """
        events = [self._saved(event, prefix) for event in self.history]
        self._check(store, events, prefix)
        store.copy(events)
        streams = dict.fromkeys(event.stream for event in events)
        recorded = itertools.chain.from_iterable(store.load(stream) for stream in streams)
        return History(sorted(recorded, key=lambda event: event.position))

    def _saved(self, event: Recorded, prefix: str) -> Recorded:
        stream = f"{prefix}{event.stream}"
        name = f"eslab:{self.digest}/{stream}/{event.version}/{event.id}/{event.payload_text}"
        origin = {"stream": event.stream, "position": self.position, "digest": self.digest}
        return msgspec.structs.replace(
            event, stream=stream, id=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            metadata_text=msgspec.json.encode({**event.metadata, "branched_from": origin}).decode(),
        )  # fmt: skip

    def _check(self, store: Store, events: list[Recorded], prefix: str) -> None:
        own = {event.category for event in self.source.history}
        if mixed := sorted({event.category for event in events} & own):
            raise InvalidBranch(
                f"prefix {prefix!r} would put what never happened into category {mixed[0]!r}, among what did: "
                f"choose another, for example 'whatif-'", prefix=prefix,
            )  # fmt: skip
        ids: dict[str, list[str]] = {}
        for event in events:
            ids.setdefault(event.stream, []).append(event.id)
        for stream in ids:
            there = [event.id for event in store.load(stream)]
            if there and there != ids[stream]:
                raise InvalidBranch(
                    f"stream {stream!r} is there already, with {len(there)} events that are not those of this branch: "
                    f"save it with another prefix than {prefix!r}", stream=stream, prefix=prefix,
                )  # fmt: skip

    def _repr_html_(self) -> str:
        return self.compare()._repr_html_()

    def __repr__(self) -> str:
        return f"<Branch {self.title!r}: {len(self.history):,} events, {self.position:,} shared with its source>"


def branch(
    source: Timeline, *, skip: Iterable[int] = (), insert: Mapping[int, Any] | None = None,
    replace: Mapping[int, Any] | None = None, move: Mapping[int, int] | None = None, fold: Any = None,
    decide: Any = None, commands: Any = None, title: str = "",
) -> Branch:  # fmt: skip
    """What would have been, had events been others (re-fold) or had the rules been others (re-decide).

    Event i leads to step i of the source, first = 1. `skip=[17]` leaves events out; `insert={5: event}`, or a list of
    them, puts new ones behind event 5, 0 is the start; `replace={9: event}` changes what an event says and keeps its
    envelope; `move={12: 3}` puts event 12 behind event 3. An event is a payload, a NewEvent or a recorded one. `fold`
    folds with other code.

    `decide` is handlers, a Decider or a function of command and state, and `commands` the commands in order; or a
    function that gives for a recorded event of the source its command, None if it came with the event before, or the
    event itself if it is a fact from outside that stays.

    Raises InvalidBranch for numbers outside, for contradictions, and if nothing is asked.
    """
    given = {"skip": _kept(skip), "insert": insert, "replace": replace, "move": move, "fold": fold, "decide": decide,
             "commands": _kept(commands)}  # fmt: skip
    edits = Edits(source.history, given["skip"], insert, replace, move)
    given["skip"] = tuple(edits.skip)
    asked = {name: one for name, one in given.items() if one is not None and (one or name not in EDITS)}
    _check(asked, bool(edits))
    by = _carried(source) if fold is None else fold
    refusals: tuple[Refusal, ...] = ()
    if decide is None:
        events, rows = edits.merged()
    else:
        events, rows, refusals = decided_again(source.history, by, decide, given["commands"])
    return Branch(source, events, rows, edits=asked, fold=by, title=title, refusals=refusals)


def compare(before: Timeline, after: Timeline) -> Comparison:
    """Two timelines side by side. A branch and its source are compared by the branch's own rows, any others by what
    their events say: stream, type and payload. Raises InvalidBranch for what is no timeline."""
    if not isinstance(after, Timeline):
        raise InvalidBranch(f"a timeline is compared with {after!r}, expected another timeline", found=after)
    if isinstance(after, Branch) and after.source is before:
        return Comparison(before, after, after.rows, after.refusals)
    return Comparison(before, after, rows_between(before.history, after.history))


EDITS = ("skip", "insert", "replace", "move")


def _kept(given: Any) -> Any:
    """What can be read once only is read now; a mapping or a text is left to be refused."""
    once = isinstance(given, Iterable) and not isinstance(given, (str, Mapping)) and not callable(given)
    return tuple(given) if once else given


def _check(asked: Mapping[str, Any], edited: bool) -> None:
    if not asked:
        raise InvalidBranch(
            "nothing is asked, expected one of skip=, insert=, replace=, move=, fold=, or decide= with commands=: "
            "say what should be otherwise, for example timeline.branch(skip=[17])"
        )
    if ("decide" in asked) != ("commands" in asked):
        there, missing = ("decide", "commands") if "decide" in asked else ("commands", "decide")
        raise InvalidBranch(f"{there} is given without {missing}: give both; {COMMANDS}", missing=missing)
    if "decide" in asked and edited:
        raise InvalidBranch(
            "events are edited and decided again at once: edit them first, then branch from that branch with decide=",
            found=sorted(asked),
        )


def _carried(source: Timeline) -> Any:
    """The fold of the source. A view that has stopped at a position does so after as many events of the branch."""
    views = source._views
    numbered = all(event.position == number for number, event in enumerate(source.history, 1))
    if numbered or all(view.stop == len(source.history) for view in views.values()):
        return source.fold
    stopped = {name: View(view.fold, every=view.every, until=view.stop) for name, view in views.items()}
    return stopped.get(ONE, stopped)


def named(source: Timeline, edits: Mapping[str, Any]) -> str:
    """The title of a branch that is given none: the edits in a few words."""
    said = [source.title]
    if "skip" in edits:
        numbers = ", ".join(map(str, edits["skip"][:SHOWN])) + ", …" * (len(edits["skip"]) > SHOWN)
        said.append(f"without event {numbers}")
    said += [f"{len(edits[edit])} {words}" for edit, words in WORDS.items() if edit in edits]
    return ", ".join(said + [words for edit, words in OTHERS.items() if edit in edits])


SHOWN = 5
WORDS = {"insert": "more", "replace": "replaced", "move": "moved"}
OTHERS = {"fold": "folded by other code", "decide": "by other rules"}
