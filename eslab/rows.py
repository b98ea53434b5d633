"""The rows of a store: the small methods that put them somewhere and find them again, and that a concrete store adds.

Every row is a `Recorded`, checked, encoded and with its place; what may be stored is decided in `eslab.store`.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack

from eslab.chain import links
from eslab.events import PAGE, Recorded
from eslab.queries import Query


class Rows(abc.ABC):
    """Where the rows of a log are kept."""

    _inline: Mapping[str, Callable[[list[Recorded]], AbstractContextManager[object]]] = {}
    """Views that change with the log: each is entered before rows are inserted, and left after that."""

    @abc.abstractmethod
    def _writing(self) -> AbstractContextManager[object]:
        """One writer at a time: what is inserted inside is kept, or dropped if this ends with an error."""

    @abc.abstractmethod
    def _insert(self, rows: list[Recorded]) -> None:
        """Put rows at the end of the log. Raises DuplicateEvent if an id is taken; then none is there."""

    @abc.abstractmethod
    def _end(self) -> tuple[int, str]:
        """The position and the recorded_text of the last event; 0 and '' if there is none."""

    @abc.abstractmethod
    def _version(self, stream: str) -> int:
        """The last version of a stream, 0 if none."""

    @abc.abstractmethod
    def _with_ids(self, ids: list[str]) -> list[Recorded]:
        """The events that have one of these ids, in order of position."""

    @abc.abstractmethod
    def _stream(
        self,
        stream: str,
        after: int,
        until: int | None,
        recorded_until: str | None,
        occurred_until: str | None,
    ) -> list[Recorded]:
        """The rows of a stream in order of version, at a cost that depends on that stream alone."""

    @abc.abstractmethod
    def _log(
        self, after: int, until: int, types: list[str] | None, categories: list[str] | None, limit: int
    ) -> list[Recorded]:
        """The first `limit` rows that pass the filters, in order of position."""

    @abc.abstractmethod
    def _matching(self, query: Query, after: int, until: int, limit: int) -> list[Recorded]:
        """The first `limit` rows that match the items of a query, in order of position, found by an index."""

    @abc.abstractmethod
    def _chain_end(self) -> bytes | None:
        """The last link; None if the log is not chained."""

    @abc.abstractmethod
    def _links(self, after: int, limit: int) -> list[bytes]:
        """The first `limit` links of the positions beyond `after`; position 0 has GENESIS."""

    @abc.abstractmethod
    def _add_links(self, first: int, digests: list[bytes]) -> None:
        """Keep the links of position `first` and those that follow."""

    def _wait(self, after: int, seconds: float) -> bool:
        """True when the log may be longer than `after`, False after so many seconds; better if it is woken."""
        until = time.monotonic() + seconds
        while (waiting := self._end()[0] <= after) and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.02))
        return not waiting

    def _inspect(self) -> str:
        """What is wrong with the place where the log is kept, beside what was read from it; '' if nothing."""
        return ""

    # --- made of these ---

    def _keep(self, rows: list[Recorded]) -> None:
        with ExitStack() as together:
            for view in self._inline.values():
                together.enter_context(view(rows))
            self._insert(rows)
            if rows and (before := self._chain_end()) is not None:
                self._add_links(rows[0].position, links(before, rows))

    def _find(self, query: Query, after: int, until: int, limit: int) -> list[Recorded]:
        """What a query matches; the query for everything needs no index."""
        if after >= until:
            return []
        return self._matching(query, after, until, limit) if query.items else self._log(after, until, None, None, limit)

    def _pages(
        self, rows: Callable[[int, int, int], list[Recorded]], after: int, until: int, limit: int | None
    ) -> Iterator[Recorded]:
        while (size := PAGE if limit is None else min(PAGE, limit)) and after < until:
            page = rows(after, until, size)
            yield from page
            if len(page) < size:
                return
            after = page[-1].position
            limit = None if limit is None else limit - size
