"""A causation tree shows which wish an event goes back to, and what else has followed from that wish."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from eslab.codec import stored_name
from eslab.errors import UnknownName
from eslab.events import History, Recorded
from eslab.queries import Query, QueryItem
from eslab.show import counted, shortened
from eslab.store import Store

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 100
"""So many lines of a tree are shown, those around what was asked for."""
DEEPEST = 12
"""From here on a tree is drawn no further to the right."""
_MEANS_SOMETHING = re.compile(r"[^A-Za-z0-9 ,.-]|^[,.-]|\.(?= |$)")


def causation(store: Store, event_or_id: Recorded | str) -> CausationTree:
    """The tree of all events that share their correlation id with this one; the log is read once.

    It may also be the id of an event, of a command, or a correlation id. Raises UnknownName if the log has none such.
    """
    id = event_or_id.id if isinstance(event_or_id, Recorded) else stored_name(event_or_id, "an event or its id")
    known = store._with_ids([id]) or list(store.read(query=Query(QueryItem(tags=[f"command:{id}"])), limit=1))
    story = (_text(known[0], "correlation_id") or known[0].id) if known else id
    found = [recorded for recorded in store.read() if _belongs(recorded, story)]
    if not found:
        raise UnknownName(
            f"no event of {store!r} has the id {id!r}, and none has it as correlation id, or as the id of its command: "
            f"take an event that this store has returned", found=id,
        )  # fmt: skip
    return CausationTree(found, id)


class Line(NamedTuple):
    """One line of a tree: an event, or a cause that is no event of this log, such as a command."""

    id: str
    event: Recorded | None
    above: int | None
    """Which line its cause has, the first = 0; None for a root."""
    depth: int
    """How many causes stand above it."""
    bars: str
    """What is drawn before it."""
    text: str


class CausationTree:
    """The events of one story, each below its cause: shows itself as text, also as a frame and a Mermaid diagram.

    `asked` is the id that was asked for, which is marked; `events` are in order of position. A cause that is not in
    the log stands as a root: the command that the events name, or an id. Where causes go in a circle, the earliest
    event stands on top.
    """

    def __init__(self, events: Iterable[Recorded], asked: str = "") -> None:
        self.events, self.asked = History(events), asked
        self._below: dict[str, list[Recorded]] = {}
        for recorded in self.events:
            self._below.setdefault(_cause(recorded), []).append(recorded)
        self.lines: list[Line] = []
        self._grow()

    def _grow(self) -> None:
        """Every root with all that follows from it; what is left then goes round in circles."""
        by_id, reached = {recorded.id: recorded for recorded in self.events}, set[str]()
        for recorded in self.events:
            cause = _cause(recorded)
            if not cause:
                self._add(recorded.id, recorded, reached)
            elif cause not in by_id and cause not in reached:
                self._add(cause, None, reached)
        for recorded in self.events:
            if recorded.id not in reached:
                first = _first_in_circle(recorded, by_id)
                self._add(first.id, first, reached, " (its causes go in a circle)")

    def _add(self, id: str, event: Recorded | None, reached: set[str], note: str = "") -> None:
        """A root, and below it what followed, in order of position; without recursion, as a story may be long."""
        waiting: list[tuple[str, Recorded | None, int | None, int, str, str]] = [(id, event, None, 0, "", "")]
        while waiting:
            id, event, above, depth, bars, indent = waiting.pop()
            reached.add(id)
            text = (_said(event, above, self.lines) if event else self._unseen(id)) + ("" if depth else note)
            here = len(self.lines)
            self.lines.append(Line(id, event, above, depth, bars, text))
            below = [one for one in self._below.get(id, ()) if one.id not in reached]
            for n, one in reversed(list(enumerate(below, 1))):
                branch, gap = ("└─ ", "   ") if n == len(below) else ("├─ ", "│  ")
                further = indent + gap if depth < DEEPEST else indent
                waiting.append((one.id, one, here, depth + 1, indent + branch, further))

    def _unseen(self, id: str) -> str:
        """What is known of a cause that is not in the log, from the events that name it."""
        commands = {_text(recorded, "command") for recorded in self._below[id]}
        if len(commands) > 1 or commands == {""}:
            return f"{_plain(id)}, which is not in this log"
        tagged = any(f"command:{id}" in recorded.tags for recorded in self._below[id])
        return f"command {_plain(commands.pop())}" + (f", id {_plain(id)}" if tagged else "")

    # --- what is seen of it ---

    def _shown(self, most: int) -> range:
        """The lines around what was asked for, at most so many."""
        place = next((n for n, line in enumerate(self.lines) if line.id == self.asked), 0)
        first = max(0, min(place - most // 2, len(self.lines) - most))
        return range(first, min(first + most, len(self.lines)))

    def _drawn(self) -> Iterator[tuple[str, bool]]:
        """What is written, line by line, and whether it was asked for."""
        yield self._title, False
        shown = self._shown(SHOWN)
        if shown.start:
            yield f"… {shown.start:,} lines above", False
        for line in (self.lines[n] for n in shown):
            deep = f"({line.depth} deep) " if line.depth > DEEPEST else ""
            asked = line.id == self.asked
            yield f"{line.bars}{deep}{line.text}" + ("  ← asked for" if asked else ""), asked
        if left := len(self.lines) - shown.stop:
            yield f"… {left:,} lines below", False

    @property
    def _title(self) -> str:
        roots = sum(line.depth == 0 for line in self.lines)
        return f"CausationTree of {counted(len(self), 'event')} from {counted(roots, 'cause')}"

    def to_frame(self) -> pd.DataFrame:
        """One row for each event, in the order of the tree; `depth` counts the causes above it, 0 = none is known."""
        import pandas as pd  # here, because importing it takes longer than importing eslab

        columns = ["depth", "position", "stream", "version", "type", "command", "id", "causation_id", "asked"]
        rows = [
            (line.depth, e.position, e.stream, e.version, e.type, _text(e, "command"), e.id, _cause(e),
             e.id == self.asked)
            for line in self.lines if (e := line.event) is not None
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def to_mermaid(self, most: int = 40) -> Mermaid:
        """A flow chart in the language of Mermaid, which JupyterLab draws: an arrow from each cause to what followed.

        It has at most `most` boxes, those around what was asked for, and says how many it leaves out.
        """
        shown = self._shown(most)
        drawn = ["flowchart TD"]
        for n in shown:
            line = self.lines[n]
            drawn.append(f"  n{n}[{_quoted(line.text)}]" if line.event else f"  n{n}([{_quoted(line.text)}])")
            if line.above is not None and line.above in shown:
                drawn.append(f"  n{line.above} --> n{n}")
            if line.id == self.asked:
                drawn.append(f"  style n{n} stroke-width:4px")
        if left := len(self.lines) - len(shown):
            drawn.append(f"  more[{_quoted(f'… and {left:,} more')}]")
        return Mermaid("\n".join(drawn))

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        return "\n".join(text for text, _ in self._drawn())

    def _repr_html_(self) -> str:
        lines = [(html.escape(text), asked) for text, asked in self._drawn()]
        return f"<pre>{chr(10).join(f'<b>{text}</b>' if asked else text for text, asked in lines)}</pre>"


class Mermaid(str):
    """A diagram as text in the language of Mermaid, which shows itself as a picture where it can be drawn."""

    __slots__ = ()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/vnd.mermaid": str(self)}


# --- texts --------------------------------------------------------------------------------------------------------


def _belongs(recorded: Recorded, story: str) -> bool:
    """Whether an event is of the story; its metadata are decoded only if they may say so."""
    text = recorded.metadata_text
    maybe = recorded.id == story or story in text or "\\" in text
    return maybe and story in (recorded.id, _text(recorded, "correlation_id"))


def _cause(recorded: Recorded) -> str:
    return _text(recorded, "causation_id")


def _text(recorded: Recorded, name: str) -> str:
    """A text in the metadata of an event, "" if there is none: those of another log may be anything."""
    try:
        value = recorded.metadata.get(name)
    except (ValueError, AttributeError):
        return ""
    return value if isinstance(value, str) else ""


def _first_in_circle(recorded: Recorded, by_id: Mapping[str, Recorded]) -> Recorded:
    """The earliest event of the circle that one comes to, going from cause to cause."""
    passed: dict[str, Recorded] = {}
    while recorded.id not in passed:
        passed[recorded.id] = recorded
        recorded = by_id[_cause(recorded)]
    circle = list(passed.values())[list(passed).index(recorded.id) :]
    return min(circle, key=lambda one: one.position)


def _said(event: Recorded, above: int | None, lines: list[Line]) -> str:
    """An event on one line; with its command, if its cause is an event and not that command."""
    command = _text(event, "command") if above is not None and lines[above].event else ""
    by = f", by {_plain(command)}" if command else ""
    return f"{event.position}: {_plain(event.stream)} v{event.version} {_plain(event.type)}{by}"


def _plain(text: str) -> str:
    """A text from data on one line."""
    return shortened(text if text.isprintable() else repr(text)[1:-1], 80)


def _quoted(text: str) -> str:
    """A text as a label of Mermaid: of a sign that could mean something there, only its code is written."""
    return '"' + _MEANS_SOMETHING.sub(lambda sign: f"#{ord(sign[0])};", text) + '"'
