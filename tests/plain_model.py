"""What a store promises, written once more with plain lists and dicts: the log is a list, an event is a dict."""

import datetime as dt

from eslab import ANY, NO_STREAM, STREAM_EXISTS
from eslab.contract.materials import Deposited, Withdrawn

KINDS = {"Deposited": Deposited, "Withdrawn": Withdrawn}


class Refusal(Exception):
    """The class of the error that a store must raise, and the facts that it must have."""

    def __init__(self, kind, **facts):
        super().__init__(kind, facts)
        self.kind, self.facts = kind, facts


def text_of(time):
    return time.astimezone(dt.UTC).isoformat(timespec="microseconds")


def matches(row, query):
    """Any item: any of its types, if it has some, and all of its tags."""
    return any((not types or row["type"] in types) and all(tag in row["tags"] for tag in tags) for types, tags in query)


NAMES = {cls.__event_name__: kind for kind, cls in KINDS.items()}


class Model:
    def __init__(self):
        self.log, self.chained, self.made = [], False, 0

    def of(self, stream):
        return [row for row in self.log if row["stream"] == stream]

    def refuse(self, refusal):
        raise refusal

    # --- writing ---

    def append(self, streams, expected, asked, metadata, now):
        """`asked` is a query and the position after which nothing may match it, or None."""
        new = [(stream, event) for stream, some in streams.items() for event in some]
        if (again := self.repeated(new)) is not None:
            return again
        for stream in streams:
            self.check(stream, expected.get(stream, ANY))
        if asked is not None:
            self.hold(*asked)
        recorded = max(text_of(now), self.log[-1]["recorded_text"] if self.log else "")
        return [self.add(stream, event, recorded, metadata) for stream, event in new]

    def repeated(self, new):
        ids = [event["id"] for _, event in new if event["id"]]
        if len(ids) != len(set(ids)):
            raise Refusal("DuplicateEvent")
        there = [row for row in self.log if row["id"] in ids]
        if not there:
            return None
        known = [(r["id"], r["stream"], NAMES.get(r["type"]), r["payload_text"].get("amount")) for r in there]
        if known != [(event["id"], stream, event["kind"], event["amount"]) for stream, event in new]:
            first = there[0]
            raise Refusal("DuplicateEvent", id=first["id"], stream=first["stream"], version=first["version"])
        return there

    def check(self, stream, expected):
        actual = len(self.of(stream))
        right = {ANY: True, NO_STREAM: actual == 0, STREAM_EXISTS: actual > 0}.get(expected, expected == actual)
        if not right:
            raise Refusal("WrongExpectedVersion", stream=stream, expected=expected, actual=actual)

    def hold(self, query, after):
        for row in self.log[after:]:
            if matches(row, query):
                raise Refusal(
                    "ConditionFailed", after=after, position=row["position"], type=row["type"], stream=row["stream"]
                )

    def add(self, stream, event, recorded, metadata):
        id = event["id"]
        if id is None:
            self.made += 1
            id = f"auto-{self.made}"
        tags = sorted(event["tags"])
        row = {
            "position": len(self.log) + 1, "stream": stream, "version": len(self.of(stream)) + 1,
            "type": KINDS[event["kind"]].__event_name__, "schema_version": 1, "id": id, "recorded_text": recorded,
            "occurred_text": text_of(event["occurred"]) if event["occurred"] is not None else recorded,
            "payload_text": {"amount": event["amount"]},
            "metadata_text": {**metadata, **({"tags": tags} if tags else {})}, "tags": tags,
        }  # fmt: skip
        self.log.append(row)
        return row

    def copy(self, rows):
        log, added = list(self.log), []
        for row in rows:
            there = next((one for one in log if one["id"] == row["id"]), None)
            if there is not None and {**there, "position": 0} != {**row, "position": 0}:
                raise Refusal("DuplicateEvent", id=there["id"], stream=there["stream"], version=there["version"])
            if there is None:
                version = sum(one["stream"] == row["stream"] for one in log)
                if row["version"] != version + 1:
                    raise Refusal("VersionGap", stream=row["stream"], expected=version + 1, actual=row["version"])
                added.append({**row, "position": len(log) + 1})
                log.append(added[-1])
        self.log = log
        return added

    # --- reading ---

    def load(self, stream, after, until, recorded_until=None, occurred_until=None):
        return [
            row for row in self.of(stream)[after:until]
            if (recorded_until is None or row["recorded_text"] <= text_of(recorded_until))
            and (occurred_until is None or row["occurred_text"] <= text_of(occurred_until))
        ]  # fmt: skip

    def read(self, after=0, until=None, types=None, categories=None, query=None, limit=None):
        found = [
            row for row in self.log[after:until]
            if (types is None or row["type"] in types)
            and (categories is None or row["stream"].split("-")[0] in categories)
            and (query is None or matches(row, query))
        ]  # fmt: skip
        return found[:limit]

    def subscribe(self, after, types):
        if after > len(self.log):
            raise Refusal("InvalidPosition", found=after, position=len(self.log))
        return self.read(after=after, types=types)
