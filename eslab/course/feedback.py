"""Feedback is what a learner reads: how the answer stands, and the one thing to think about next."""

from __future__ import annotations

import html
import re
import textwrap
from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """How an answer stands."""

    NOT_ATTEMPTED = "not attempted"
    NOT_YET = "not yet"
    RIGHT = "right"


# mark, colour (readable on light and on dark) and line: never the colour alone
_LOOKS = {
    Status.NOT_ATTEMPTED: ("○", "#808080", "dotted"),
    Status.NOT_YET: ("◐", "#c9822b", "dashed"),
    Status.RIGHT: ("✓", "#2e9e5b", "solid"),
}
_HELP = ("#4a7fc1", "solid")


@dataclass(frozen=True, repr=False)
class Feedback:
    """The answer to a check; true if the exercise is solved."""

    number: str
    title: str
    status: Status
    message: str
    mistake: str | None = None  # the name of the typical mistake that the answer shows
    details: tuple[tuple[str, str], ...] = ()  # what was tried, what came out, what was printed

    def __bool__(self) -> bool:
        return self.status is Status.RIGHT

    def __repr__(self) -> str:
        mark = _LOOKS[self.status][0]
        lines = [f"{mark} {self.number} {self.title}: {self.status.value}", _wrapped(self.message)]
        width = max((len(label) for label, _ in self.details), default=0)
        below = "\n" + " " * (width + 4)
        lines += [f"  {label:<{width}}  {text.replace(chr(10), below)}" for label, text in self.details]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        mark, colour, line = _LOOKS[self.status]
        head = _head(f"{mark} {self.status.value}", f"{self.number} {self.title}")
        return _box(colour, line, head, self.message, self.details)


@dataclass(frozen=True, repr=False)
class Hint:
    """One hint of an exercise; they are numbered from 1."""

    number: str
    place: int
    of: int
    text: str

    def __repr__(self) -> str:
        return f"{self.number} hint {self.place} of {self.of}\n{_wrapped(self.text)}"

    def _repr_html_(self) -> str:
        return _box(*_HELP, _head(f"hint {self.place} of {self.of}", self.number), self.text)


@dataclass(frozen=True, repr=False)
class Solution:
    """The code that solves an exercise, and why the exercise is there."""

    number: str
    title: str
    code: str
    why: str

    def __repr__(self) -> str:
        code = textwrap.indent(self.code, "    ")
        return f"{self.number} {self.title}: a solution\n\n{code}\n\n{_wrapped(self.why)}"

    def _repr_html_(self) -> str:
        code = f'<pre style="overflow-x:auto"><code>{html.escape(self.code)}</code></pre>'
        return _box(*_HELP, _head("a solution", f"{self.number} {self.title}") + code, self.why)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _head(what: str, which: str) -> str:
    return f"<strong>{html.escape(what)}</strong> · {html.escape(which)}"


def _box(colour: str, line: str, head: str, message: str, details: tuple[tuple[str, str], ...] = ()) -> str:
    code = "white-space:pre-wrap;overflow-wrap:anywhere;background:none;color:inherit"
    rows = "".join(
        '<div style="display:flex;gap:1em">'
        f'<span style="opacity:.75;min-width:6.5em">{html.escape(label)}</span>'
        f'<code style="{code}">{html.escape(text)}</code></div>'
        for label, text in details
    )
    return (
        f'<div style="border-left:5px {line} {colour};padding:.3em .9em;margin:.3em 0;color:inherit">'
        f'<div>{head}</div><div style="margin:.3em 0">{_with_code(message)}</div>{rows}</div>'
    )


def _with_code(message: str) -> str:
    """Escape a message; what stands in `backticks` becomes code."""
    plain = r'<code style="background:none;color:inherit">\1</code>'
    return re.sub(r"`([^`]+)`", plain, html.escape(message, quote=False))
