"""All laws that apply to a fold are tried on one history, and what was found is a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from eslab.aggregates import as_fold
from eslab.events import Recorded
from eslab.laws.folds import prefix, pure
from eslab.laws.read_models import redelivery
from eslab.laws.said import LawBroken, called
from eslab.laws.schemas import is_old, upcast_then_fold
from eslab.projections import FrameProjection, Projection, Projector
from eslab.projections.tables import TableProjection
from eslab.show import table


class Finding(NamedTuple):
    """What came of one law: kept, broken, or why it does not apply."""

    law: str
    result: str
    said: str


class Findings(tuple[Finding, ...]):
    """What came of every law; `broken` lists those that were."""

    __slots__ = ()

    @property
    def broken(self) -> list[Finding]:
        return [one for one in self if one.result == "broken"]

    def __repr__(self) -> str:
        return "\n".join(f"{one.law:18} {one.result:15} {one.said}" for one in self)

    def _repr_html_(self) -> str:
        return table(("law", "result", "what was found"), self)


def check_laws(fold: Any, history: Iterable[Recorded]) -> Findings:
    """Try every law of folds on a history; nothing is raised for a broken one.

    An aggregate class or a Decider is given the events of one stream.
    """
    history = list(history)
    given = fold.projection if isinstance(fold, Projector) else fold
    made = as_fold(given)
    old = any(map(is_old, history))
    tables = "its state is tables of a database" * isinstance(made, TableProjection)
    frame = "its state is a frame, of which no snapshot is made" * isinstance(made, FrameProjection)
    return Findings(
        _found(law, lambda test=test: test(given, history), because)  # type: ignore[misc]
        for law, test, because in [
            ("prefix law", prefix, tables or frame),
            ("purity", pure, tables),
            ("redelivery", redelivery, "" if isinstance(made, Projection) else f"{called(given)} has no checkpoint"),
            ("upcast, then fold", upcast_then_fold, tables or "" if old else "no event is of an older schema"),
        ]
    )


def _found(law: str, test: Callable[[], Any], because: str) -> Finding:
    if because:
        return Finding(law, "does not apply", because)
    try:
        return Finding(law, "kept", test().said)
    except LawBroken as error:
        return Finding(law, "broken", str(error).partition(": ")[2])
