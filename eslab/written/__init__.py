"""A value can be written as the Python that makes it, with the imports that this Python needs.

So what was done by hand in a notebook, a branch or a moment of a timeline, can be taken away as code or as a test.
"""

from __future__ import annotations

from typing import Any

from eslab.states import branches, is_leaf
from eslab.written.layout import Call, Expression, laid_out
from eslab.written.names import Unwritable
from eslab.written.writer import Writer

__all__ = ["Call", "Expression", "Unwritable", "Writer", "as_data", "laid_out", "written"]


def written(value: Any) -> tuple[str, str]:
    """The Python that makes an equal value, and the lines of import that it needs. Raises Unwritable.

    >>> from decimal import Decimal
    >>> import datetime as dt
    >>> print(written([Decimal("4.90"), dt.date(2026, 5, 3)])[0])
    [Decimal("4.90"), dt.date(2026, 5, 3)]
    """
    writer = Writer()
    text = laid_out(writer.expression(value))
    return text, writer.imports


def as_data(value: Any) -> Any:
    """A value as dicts, lists, sets and what cannot be taken apart, so that no class is needed to write it."""
    if isinstance(value, (set, frozenset)):
        return set(value)
    if is_leaf(value):
        return value
    if isinstance(value, (list, tuple)):
        return list(map(as_data, value))
    return {key: as_data(one) for key, one in branches(value).items()}
