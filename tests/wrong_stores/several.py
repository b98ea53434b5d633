"""Stores that take several streams for several appends."""

from eslab import MemoryStore
from eslab.drafts import ANY, NO_STREAM
from eslab.errors import WrongExpectedVersion
from eslab.events import History, NewEvent

from .registry import Rewrites, as_given, as_streams, caught_by, changed


@caught_by("an append to several streams records them in the order given")
class SortsTheStreams(MemoryStore):
    def append(self, stream, events=None, **options):
        streams = as_streams(stream, events)
        return super().append(*as_given(stream, dict(sorted(streams.items()))), **options)


@caught_by("the metadata of the append is that of every stream")
class GivesMetadataToTheFirstStreamOnly(Rewrites):
    def _insert(self, rows):
        super()._insert([r if r.stream == rows[0].stream else changed(r, metadata_text="{}") for r in rows])


def only(stream, expected):
    return ANY if expected is ANY else expected.get(stream, ANY)


@caught_by(
    "a bad event in one stream stores nothing in any",
    "every stream is held to the version expected of it",
)
class AppendsStreamByStream(MemoryStore):
    def append(self, stream, events=None, *, expected_version=ANY, **options):
        if isinstance(stream, str):
            return super().append(stream, events, expected_version=expected_version, **options)
        done = []
        for name, some in stream.items():
            done += super().append(name, some, expected_version=only(name, expected_version), **options)
        return History(done)


@caught_by("every stream is held to the version expected of it", "a refusal names the stream that was elsewhere")
class ChecksTheFirstStreamOnly(MemoryStore):
    def append(self, stream, events=None, *, expected_version=ANY, **options):
        if not isinstance(stream, str) and expected_version is not ANY:
            first = next(iter(stream))
            expected_version = {first: expected_version[first]} if first in expected_version else ANY
        return super().append(stream, events, expected_version=expected_version, **options)


@caught_by("a stream of which nothing is expected may be at any version")
class TakesTheUnnamedForNew(MemoryStore):
    def append(self, stream, events=None, *, expected_version=ANY, **options):
        if not isinstance(stream, str) and expected_version is not ANY:
            expected_version = {**dict.fromkeys(stream, NO_STREAM), **expected_version}
        return super().append(stream, events, expected_version=expected_version, **options)


@caught_by("a refusal names the stream that was elsewhere")
class BlamesTheFirstStream(MemoryStore):
    def append(self, stream, events=None, **options):
        try:
            return super().append(stream, events, **options)
        except WrongExpectedVersion as error:
            first = next(iter(as_streams(stream, events or ())))
            facts = {**error.facts, "stream": first}
            raise WrongExpectedVersion(str(error), **facts) from error


@caught_by("ids that come again elsewhere are refused")
class ComparesIdsAsASet(MemoryStore):
    def append(self, stream, events=None, **options):
        new = [event for some in as_streams(stream, events or ()).values() for event in some]
        ids = [event.id for event in new if isinstance(event, NewEvent) and event.id]
        there = self._with_ids(ids)
        if len(there) == len(set(ids)) == len(new) > 0 and {r.id for r in there} == set(ids):
            return History(there)
        return super().append(stream, events, **options)


@caught_by("the same append to several streams again returns what was recorded")
class KnowsRepeatsOfOneStreamOnly(MemoryStore):
    def append(self, stream, events=None, *, expected_version=ANY, **options):
        if not isinstance(stream, str) and expected_version is not ANY:
            for name, version in expected_version.items():
                if type(version) is int and version != self.version(name):
                    raise WrongExpectedVersion("stale", stream=name, expected=version, actual=self.version(name))
        return super().append(stream, events, expected_version=expected_version, **options)
