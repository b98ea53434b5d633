"""Stores that understand queries and conditions wrongly."""

import json
import time

import msgspec

from eslab import MemoryStore, NewEvent
from eslab.codec import stored_name
from eslab.drafts import ANY
from eslab.errors import EslabError
from eslab.events import PAGE
from eslab.queries import Query, QueryItem, check_condition

from .registry import Rewrites, caught_by, changed, for_each

# --- tags ---


@caught_by("the tags of an event come back in order and once each", "a copy keeps tags and they are found")
class LosesTags(Rewrites):
    def kept(self, row):
        if not row.tags:
            return row
        return changed(row, metadata_text=json.dumps({k: v for k, v in row.metadata.items() if k != "tags"}))


@caught_by("the tags of an event come back in order and once each")
class TurnsTagsAround(Rewrites):
    def kept(self, row):
        if not row.tags:
            return row
        return changed(row, metadata_text=json.dumps({**row.metadata, "tags": row.tags[::-1]}))


@caught_by("a tag that cannot be stored is refused")
class DropsBadTags(MemoryStore):
    def append(self, stream, events=None, **options):
        return super().append(*for_each(self.with_good_tags, stream, events), **options)

    def with_good_tags(self, event):
        if not isinstance(event, NewEvent) or isinstance(event.tags, str):
            return event
        return msgspec.structs.replace(event, tags=list(filter(self.good, event.tags)))

    def good(self, tag):
        try:
            return bool(stored_name(tag))
        except EslabError:
            return False


# --- queries ---


class Asks(MemoryStore):
    """A store that walks through the whole log for a query; `fits` says whether an event fits an item."""

    def fits(self, item, row):
        return item.matches(row)

    def _matching(self, query, after, until, limit):
        rows = self._rows[after:until]
        return [row for row in rows if any(self.fits(item, row) for item in query.items)][:limit]


@caught_by("a copy keeps tags and they are found")
class IndexesNoCopies(Asks):
    def copy(self, history):
        copied = super().copy(history)
        self.copied = {row.id for row in copied}
        return copied

    def fits(self, item, row):
        return item.matches(row) and row.id not in getattr(self, "copied", ())


@caught_by("odd tags are told apart to the letter")
class IgnoresTheCaseOfTags(Asks):
    def fits(self, item, row):
        tags = {tag.lower() for tag in row.tags}
        return (not item.types or row.type in item.types) and {tag.lower() for tag in item.tags} <= tags


@caught_by("odd tags are told apart to the letter")
class TakesAPrefixForATag(Asks):
    def fits(self, item, row):
        found = all(any(tag.startswith(wanted) for tag in row.tags) for wanted in item.tags)
        return (not item.types or row.type in item.types) and found


@caught_by("odd tags are told apart to the letter")
class JoinsTagsWithCommas(Asks):
    def fits(self, item, row):
        tags = ",".join(row.tags).split(",")
        return (not item.types or row.type in item.types) and all(tag in tags for tag in item.tags)


@caught_by("odd tags are told apart to the letter")
class TrimsTags(Asks):
    def fits(self, item, row):
        tags = {tag.strip() for tag in row.tags}
        return (not item.types or row.type in item.types) and {tag.strip() for tag in item.tags} <= tags


@caught_by("types of an item are alternatives")
class NeedsAllTypes(Asks):
    def fits(self, item, row):
        return item.matches(row) and item.types <= {row.type}


@caught_by("types of an item are alternatives")
class TakesTheLastWordForAType(Asks):
    def fits(self, item, row):
        types = {name.rpartition(".")[2].lower() for name in item.types}
        return (not types or row.type.rpartition(".")[2].lower() in types) and item.tags <= set(row.tags)


@caught_by("tags of an item are needed all")
class NeedsOneTag(Asks):
    def fits(self, item, row):
        return (not item.types or row.type in item.types) and (not item.tags or bool(item.tags & set(row.tags)))


@caught_by("tags of an item are needed all")
class LooksAtTwoTagsOnly(Asks):
    """At the first in alphabetical order; the second is looked at only if there is no third."""

    def fits(self, item, row):
        return (not item.types or row.type in item.types) and set(sorted(item.tags)[:1]) <= set(row.tags)


@caught_by("types and tags of an item are needed both")
class ForgetsTypesWhereThereAreTags(Asks):
    def fits(self, item, row):
        return item.tags <= set(row.tags) if item.tags else row.type in item.types


@caught_by("types and tags of an item are needed both")
class NeedsTypesOrTags(Asks):
    def fits(self, item, row):
        return row.type in item.types or (bool(item.tags) and item.tags <= set(row.tags))


@caught_by(
    "items of a query are alternatives and each event comes once", "every query finds what the specification says"
)
class LooksAtTheFirstItemOnly(Asks):
    def _matching(self, query, after, until, limit):
        return super()._matching(Query(query.items[0]), after, until, limit)


@caught_by(
    "items of a query are alternatives and each event comes once", "every query finds what the specification says"
)
class MixesTheItems(Asks):
    """As a WHERE without brackets does: any of all types, and all tags of any item."""

    def _matching(self, query, after, until, limit):
        types = frozenset().union(*(item.types for item in query.items))
        rows = self._rows[after:until]
        wanted = [row for row in rows if any(item.tags <= set(row.tags) for item in query.items)]
        return [row for row in wanted if not types or row.type in types][:limit]


@caught_by("items of a query are alternatives and each event comes once")
class GivesAnEventOncePerItem(Asks):
    def _matching(self, query, after, until, limit):
        rows = self._rows[after:until]
        return [row for row in rows for item in query.items if item.matches(row)][:limit]


@caught_by("items of a query are alternatives and each event comes once")
class GivesItemAfterItem(Asks):
    def _matching(self, query, after, until, limit):
        found = {}
        for item in query.items:
            found.update((row.position, row) for row in super()._matching(Query(item), after, until, limit))
        return list(found.values())[:limit]


@caught_by("every query finds what the specification says")
class ConfusesThreeTagsWithTwo(Asks):
    """Counts the tags that are there: with a join per pair, the third was forgotten."""

    def fits(self, item, row):
        return (not item.types or row.type in item.types) and len(item.tags & set(row.tags)) >= min(len(item.tags), 2)


@caught_by("a query is narrowed by position and limit")
class LimitsBeforeItAsks(Asks):
    def _matching(self, query, after, until, limit):
        return [row for row in self._rows[after:until][:limit] if query.matches(row)]


@caught_by("a query is narrowed by position and limit")
class AsksBeyondTheEnd(Asks):
    def _matching(self, query, after, until, limit):
        return super()._matching(query, after, self.position, limit)


@caught_by("a query over a long log finds everything")
class LooksForQueriesInOnePage(Asks):
    def _matching(self, query, after, until, limit):
        return super()._matching(query, after, min(until, after + PAGE), limit)


@caught_by("a query that asks for nothing or twice is refused")
class PrefersTheQuery(MemoryStore):
    def read(self, *, query=None, types=None, categories=None, **bounds):
        if query is not None:
            return super().read(query=query, **bounds)
        return super().read(types=types, categories=categories, **bounds)


# --- conditions ---


class Decides(MemoryStore):
    """A store that holds an append to another condition than it was given."""

    def meant(self, condition):
        return condition

    def append(self, stream, events=None, *, condition=None, **options):
        condition = None if condition is None else self.meant(condition)
        return super().append(stream, events, condition=condition, **options)


@caught_by("every condition refuses what the specification says", "a boundary is not disturbed by what happens outside")
class ConditionIgnoresTypes(Decides):
    def meant(self, condition):
        items = [QueryItem(tags=item.tags) for item in condition.query.items if item.tags]
        return condition._replace(query=Query(*items)) if items else condition


@caught_by("every condition refuses what the specification says")
class ConditionIgnoresTags(Decides):
    def meant(self, condition):
        items = [QueryItem(types=item.types) if item.types else item for item in condition.query.items]
        return condition._replace(query=Query(*items)) if items else condition


@caught_by("every condition refuses what the specification says")
class ConditionSeesTheFirstItemOnly(Decides):
    def meant(self, condition):
        return condition._replace(query=Query(condition.query.items[0])) if condition.query.items else condition


@caught_by(
    "what was decided without the newest events is refused", "a condition sees only what comes after its position"
)
class ConditionTakesAfterAsInclusive(Decides):
    def meant(self, condition):
        return condition._replace(after=max(condition.after - 1, 0))


@caught_by(
    "a condition sees only what comes after its position", "what was decided without the newest events is refused"
)
class ConditionSkipsTheNext(Decides):
    def meant(self, condition):
        return condition._replace(after=min(condition.after + 1, self.position))


@caught_by(
    "what was decided without the newest events is refused", "every condition refuses what the specification says"
)
class ConditionForgetsItsPosition(Decides):
    def meant(self, condition):
        return condition._replace(after=0)


@caught_by("a boundary is not disturbed by what happens outside")
class ConditionRefusesEverythingNew(Decides):
    def meant(self, condition):
        return condition._replace(query=Query.all())


@caught_by("what was decided without the newest events is refused", "one of many threads wins a boundary")
class ForgetsConditions(Decides):
    def meant(self, condition):
        return None


@caught_by("a condition sees only what comes after its position")
class TakesTheFutureForGranted(Decides):
    def meant(self, condition):
        return condition._replace(after=min(condition.after, self.position))


@caught_by("one of many threads wins a boundary", "threads that decide on a query never go over the limit")
class ChecksTheConditionOutsideTheLock(MemoryStore):
    def append(self, stream, events=None, *, condition=None, **options):
        if condition is not None:
            end = self.position
            check_condition(condition, end, self._find(condition.query, condition.after, end, 1))
            time.sleep(0.003)
        return super().append(stream, events, **options)


@caught_by("events of one append do not refuse each other", "a refused condition stores nothing in any stream")
class ChecksTheConditionTooLate(MemoryStore):
    def append(self, stream, events=None, *, condition=None, **options):
        recorded = super().append(stream, events, **options)
        if condition is not None:
            end = self.position
            check_condition(condition, end, self._find(condition.query, condition.after, end, 1))
        return recorded


@caught_by("a refused condition stores nothing in any stream")
class RefusesTheStreamsOneByOne(MemoryStore):
    def append(self, stream, events=None, *, condition=None, **options):
        if isinstance(stream, str) or condition is None:
            return super().append(stream, events, condition=condition, **options)
        first, *rest = stream.items()
        done = [*super().append(*first, **options)]
        return type(self.load("none"))([*done, *super().append(dict(rest), condition=condition, **options)])


@caught_by("a condition and an expected version must both hold")
class ForgetsVersionsUnderACondition(MemoryStore):
    def append(self, stream, events=None, *, expected_version=ANY, condition=None, **options):
        expected = expected_version if condition is None else ANY
        return super().append(stream, events, expected_version=expected, condition=condition, **options)


@caught_by("a condition and an expected version must both hold")
class ForgetsTheConditionOnTheRightVersion(MemoryStore):
    def append(self, stream, events=None, *, expected_version=ANY, condition=None, **options):
        held = None if type(expected_version) is int else condition
        return super().append(stream, events, expected_version=expected_version, condition=held, **options)


@caught_by("the same append again is no breach of its own condition")
class ChecksTheConditionBeforeRepeats(MemoryStore):
    def append(self, stream, events=None, *, condition=None, **options):
        with self._writing():
            if condition is not None:
                end = self.position
                check_condition(condition, end, self._find(condition.query, condition.after, end, 1))
            return super().append(stream, events, **options)


@caught_by(
    "what was decided without the newest events is refused", "every condition refuses what the specification says"
)
class LooksInItsOwnStreamOnly(MemoryStore):
    def append(self, stream, events=None, *, condition=None, **options):
        self.here = None if condition is None else stream
        return super().append(stream, events, condition=condition, **options)

    def _find(self, query, after, until, limit):
        rows = super()._find(query, after, until, 999)
        return [row for row in rows if getattr(self, "here", None) in (None, row.stream)][:limit]
