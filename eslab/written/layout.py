"""Python too long for one line is broken where a pair of brackets opens, with each part on a line of its own."""

from __future__ import annotations

from typing import NamedTuple

WIDTH = 120
"""How many characters a line of the text has at most, where it can be broken at all."""


class Call(NamedTuple):
    """Python that can be broken over lines: what opens it, its parts, each with a label before it, and what closes it.

    With `comma` there is one behind the last part on a single line too, as a tuple of one needs it.
    """

    opens: str
    parts: tuple[tuple[str, Expression], ...]
    closes: str
    comma: bool = False


Expression = str | Call


def laid_out(expression: Expression, indent: int = 0, column: int | None = None) -> str:
    """An expression as text: on one line if it fits behind `column`, else its parts on a line, else each on its own."""
    line = flat(expression)
    if isinstance(expression, str) or not expression.parts or _fits(line, indent if column is None else column):
        return line
    inner = indent + 4
    within = line[len(expression.opens) : len(line) - len(expression.closes)]
    lines = [" " * inner + within]
    if len(lines[0]) > WIDTH:
        lines = [f"{' ' * inner}{label}{laid_out(one, inner, inner + len(label))}," for label, one in expression.parts]
    return "\n".join([expression.opens, *lines, " " * indent + expression.closes])


def _fits(text: str, column: int) -> bool:
    return column + len(text) < WIDTH  # with room for the comma behind it


def flat(expression: Expression) -> str:
    if isinstance(expression, str):
        return expression
    parts = ", ".join(label + flat(part) for label, part in expression.parts)
    return f"{expression.opens}{parts}{',' * expression.comma}{expression.closes}"
