"""Histories as they may come: any JSON, any text, any time, some events of a log only."""

import datetime as dt
import uuid

import msgspec
from hypothesis import strategies as st

from eslab import History
from eslab.codec import stored_time
from eslab.events import Recorded

NAMES = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=12)
TEXTS = st.text() | st.sampled_from(
    ["007", "NA", "1e5", "null", "", " a ", "a\tb\r\nc", "\x00", "\ufffe", "\x85", "<&\"'>", "{"]
)
KEYS = TEXTS | st.sampled_from(
    ["amount", "case", "value", "attributes", "concept:name", "time:timestamp", "eslab:payload", "AMOUNT", "ocel_id"]
)
NUMBERS = st.integers() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8,
)  # fmt: skip
OBJECTS = st.dictionaries(KEYS, JSON, max_size=4).map(lambda one: msgspec.json.encode(one).decode())
SPACED = OBJECTS.map(lambda text: f" {msgspec.json.format(text, indent=1)}\n")
METADATA = st.fixed_dictionaries(
    {}, optional={"tags": st.lists(st.sampled_from(["order:o1", "item:7", "seen"]), max_size=2), "case": JSON,
                  "correlation_id": TEXTS, "causation_id": NAMES, "who": JSON},
).map(lambda one: msgspec.json.encode(one).decode())  # fmt: skip
TIMES = st.datetimes(timezones=st.just(dt.UTC)) | st.sampled_from(
    [dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC)]
)


@st.composite
def histories(draw: st.DrawFn, payloads: st.SearchStrategy[str] = OBJECTS | SPACED) -> History:
    """Events of some streams, told one among the other; of the log that they are from not all are there."""
    streams = draw(st.lists(NAMES | st.sampled_from(["order-o1", "item-7", "a-b-c"]), min_size=1, max_size=3))
    events, position, versions = [], 0, dict.fromkeys(streams, 0)
    for stream in draw(st.lists(st.sampled_from(streams), max_size=6)):
        position += draw(st.integers(1, 3))
        versions[stream] += draw(st.integers(1, 2))
        recorded, occurred = draw(TIMES), draw(TIMES)
        events.append(Recorded(
            position, stream, versions[stream], draw(NAMES), draw(st.integers(0, 3)),
            str(uuid.uuid5(uuid.NAMESPACE_OID, str(position))), stored_time(recorded), stored_time(occurred),
            draw(payloads), draw(METADATA),
        ))  # fmt: skip
    return History(events)


AWKWARD = History(
    Recorded(number, "order-o1", number, "Told", 1, f"id {number}", *["2026-05-03T00:00:00.000000+00:00"] * 2, payload,
             metadata)
    for number, (payload, metadata) in enumerate(
        [
            *((payload, "{}") for payload in (
                '{"amount":1}', '{"amount":"one"}', '{"amount":1.0}', '{"AMOUNT":2}', '{"ok":true}', '{"ok":1}',
                '{"ocel_id":"x","OCEL_time":"y"}', '{"eslab_position":9,"eslab_payload":"{}"}',
                '{"n":18446744073709551616}', '{"n":-9223372036854775809}', '{"a":null}', '{"":1}', '{"a b\\n":1}',
                '{"a":"\\u0000"}', '{"a":"\ufffe"}',
                '{"concept:name":"x","eslab:position":7}', '{"a":1,"a":2}', f'{{"deep":{"[" * 200}{"]" * 200}}}',
            )),
            ('{"a":1}', '{"correlation_id":"a\\nb"}'), ('{"a":1}', '{"correlation_id":7,"causation_id":""}'),
            ('{"a":1}', '{"tags":["order:o1",7],"qualifiers":[1]}'), ('{"a":1}', '{"case":{"concept:name":"x"}}'),
        ],
        1,
    )
)  # fmt: skip
"""What a format has no word for, one event after the other."""
