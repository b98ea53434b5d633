"""What a notebook shows of an object is a small table, in which every text from data is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "", note: str = "") -> str:
    """An HTML table with a caption above and a note below; every cell is text, numbers stand to the right."""
    head = "".join(f'<th scope="col" style="text-align: left">{html.escape(name)}</th>' for name in heads)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    above = f'<caption style="text-align: left"><b>{html.escape(caption)}</b></caption>' if caption else ""
    below = f"<p>{html.escape(note)}</p>" if note else ""
    return f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def _cell(value: object) -> str:
    side = "right" if isinstance(value, (int, float)) and not isinstance(value, bool) else "left"
    return f'<td style="text-align: {side}">{html.escape(shortened(value))}</td>'


def shortened(value: object, most: int = 200) -> str:
    """A value as text of at most `most` characters, with the number of those left out."""
    text = value if isinstance(value, str) else f"{value:,}" if type(value) is int else repr(value)
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"
