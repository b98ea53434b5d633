"""CloudEvents come one, many, or one a line, and what eslab writes as CloudEvents comes back as it was."""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from any_history import AWKWARD, OBJECTS, histories
from hypothesis import given, settings

from eslab import History, readers
from eslab.errors import InvalidPayload, UnreadableLog

PAID: dict[str, Any] = {
    "specversion": "1.0", "id": "7", "source": "https://shop.example/orders", "type": "order.paid", "subject": "o1",
    "time": "2026-05-03T09:30:00+02:00", "data": {"amount": 30, "coupon": "007"},
}  # fmt: skip


def told(**changes: Any) -> dict[str, Any]:
    """The payment, told otherwise; None leaves an attribute out."""
    return {name: value for name, value in (PAID | changes).items() if value is not None}


def written(tmp_path: Path, *events: Any, name: str = "events.jsonl") -> Path:
    path = tmp_path / name
    lines = "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in events)
    path.write_text(json.dumps(events, indent=2) if name.endswith(".json") else lines)
    return path


# --- reading ---


def test_an_event_belongs_to_its_subject_and_its_data_are_its_payload(tmp_path: Path) -> None:
    (recorded,) = readers.cloudevents(written(tmp_path, PAID), category="order")
    assert (recorded.stream, recorded.type, recorded.version) == ("order-o1", "order.paid", 1)
    assert recorded.payload == {"amount": 30, "coupon": "007"}
    assert recorded.occurred_text == recorded.recorded_text == "2026-05-03T07:30:00.000000+00:00"
    assert recorded.id == "https://shop.example/orders#7"


def test_all_other_attributes_are_metadata_and_an_event_may_have_two_clocks(tmp_path: Path) -> None:
    event = told(
        recordedtime="2026-05-04T00:00:00Z", sequence="12", sequencetype="Integer", correlationid="c", causationid="d",
        dataschema="urn:x", partitionkey="p",
    )  # fmt: skip
    (recorded,) = readers.cloudevents(written(tmp_path, event))
    assert recorded.recorded_text == "2026-05-04T00:00:00.000000+00:00"
    assert (recorded.correlation_id, recorded.causation_id) == ("c", "d")
    assert recorded.metadata == {
        "source": "https://shop.example/orders", "sequence": "12", "sequencetype": "Integer", "correlation_id": "c",
        "causation_id": "d", "dataschema": "urn:x", "partitionkey": "p",
    }  # fmt: skip


def test_an_event_without_a_subject_belongs_to_its_source_or_to_another_attribute(tmp_path: Path) -> None:
    path = written(tmp_path, told(subject=None, partitionkey="p"))
    assert readers.cloudevents(path).history()[0].stream == "case-https://shop.example/orders"
    assert readers.cloudevents(path, stream="partitionkey").history()[0].stream == "case-p"


@pytest.mark.parametrize(
    ("changes", "payload"),
    [
        ({"data": None}, {}), ({"data": "007"}, {"data": "007"}), ({"data": [1, None]}, {"data": [1, None]}),
        ({"data": None, "data_base64": "AAE="}, {"data_base64": "AAE="}),
    ],
)  # fmt: skip
def test_data_that_are_no_object_keep_their_name(tmp_path: Path, changes: dict[str, Any], payload: object) -> None:
    assert readers.cloudevents(written(tmp_path, told(**changes))).history()[0].payload == payload


def test_one_event_a_batch_and_lines_are_read_alike(tmp_path: Path) -> None:
    lines = readers.cloudevents(written(tmp_path, PAID, "", told(id="8"))).history()
    (tmp_path / "one.json").write_text("\ufeff" + json.dumps(PAID, indent=2))
    (tmp_path / "batch.gz").write_bytes(
        gzip.compress(written(tmp_path, PAID, told(id="8"), name="batch.json").read_bytes())
    )
    assert readers.cloudevents(tmp_path / "batch.gz").history() == lines
    assert readers.cloudevents(tmp_path / "one.json").history() == lines[:1]
    (tmp_path / "bom.json").write_text("\ufeff" + json.dumps([PAID]))
    assert readers.cloudevents(tmp_path / "bom.json").history() == lines[:1]


def test_the_same_id_of_the_same_source_is_told_twice_and_of_another_is_another(tmp_path: Path) -> None:
    log = readers.cloudevents(
        written(tmp_path, PAID, PAID, told(source="/elsewhere"), told(type="order.sent")), on_error="collect"
    )
    assert [one.id for one in log] == ["https://shop.example/orders#7", "/elsewhere#7"]
    assert log.report.duplicates == 1
    assert "is taken by another event" in log.refused.why[0]


# --- bad input ---


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (told(id=None), r"events.jsonl, line 2: 'id' is None, expected a text, as CloudEvents has it: add it"),
        (told(source=""), r"line 2: 'source' is '', expected a text"),
        (told(type=7), r"line 2: 'type' is 7, expected a text"),
        (told(time=None), r"line 2: 'time' is None, expected a text"),
        (told(specversion="0.3"), r"'specversion' is '0.3', expected '1.0': have the event sent in that version"),
        (told(data_base64="AAE="), r"found both 'data' and 'data_base64', expected one of them: take one out"),
        (told(correlationid="c", correlation_id="d"), r"found both 'correlationid' and 'correlation_id', expected one"),
        (told(time="yesterday"), r"line 2: found the time 'yesterday'"),
        (told(time="2026-05-03T09:30:00"), r"has no zone: say in which one it stands"),
        (told(type="a\nb"), r"an event type is 'a\\nb', expected 1 to 255 printable characters"),
        ('{"specversion": "1.0", ', r"line 2: it is no JSON object"),
        ("[]", r"line 2: found list, expected a JSON object in {}, expected a CloudEvent: correct it"),
        ('{"data": NaN}', r"line 2: it is no JSON object"),
        ("{}", r"line 2: 'specversion' is None"),
        ('{"id": "1", "id": "2"}', r"line 2: it is no JSON object .*'id' .*twice"),
        ("[" * 5_000, r"line 2: it is no JSON object"),
    ],
)
def test_what_is_no_cloudevent_is_refused_with_its_line_and_the_rest_is_kept(
    tmp_path: Path, event: Any, why: str
) -> None:
    path = written(tmp_path, PAID, event, told(id="8"))
    with pytest.raises(UnreadableLog, match=why):
        readers.cloudevents(path).history()
    log = readers.cloudevents(path, on_error="collect")
    assert len(log.history()) == 2
    assert log.refused.line.tolist() == [2]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[\n{"id": 1},\n{"id": ', r"events.jsonl, line 3: it is no JSON .*was it written to its end"),
        ("", "events.jsonl: it is empty"), ("\n{\n", "line 2: it is no JSON object"),
    ],
)  # fmt: skip
def test_a_file_that_breaks_off_is_refused_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(text)
    with pytest.raises(UnreadableLog, match=why):
        readers.cloudevents(path).history()


def test_a_batch_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["eslab.readers.cloudevents"], "MOST", 100)
    with pytest.raises(UnreadableLog, match=r"a batch of more than 100 bytes.*write one event a line"):
        readers.cloudevents(written(tmp_path, PAID, name="batch.json")).history()


# --- writing ---


@settings(max_examples=15, deadline=None)
@given(history=histories(OBJECTS))
@pytest.mark.parametrize("name", ["log.json", "log.jsonl"])
def test_any_history_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, name: str, history: History
) -> None:
    path = tmp_path_factory.mktemp("cloudevents") / name
    assert readers.to_cloudevents(history, path) == len(history)
    assert readers.cloudevents(path).history() == history


@pytest.mark.parametrize("name", ["odd.json", "odd.jsonl"])
def test_what_cloudevents_has_no_word_for_comes_back_too(tmp_path: Path, name: str) -> None:
    history = History(one for one in AWKWARD if '"a":1,"a":2' not in one.payload_text)
    readers.to_cloudevents(history, tmp_path / name)
    assert readers.cloudevents(tmp_path / name).history() == history
    assert '"correlationid"' not in (tmp_path / name).read_text()  # no text of one line


def test_every_program_can_read_what_is_written(tmp_path: Path, bank: History) -> None:
    readers.to_cloudevents(bank, tmp_path / "bank.json", source="https://bank.example")
    batch = json.loads((tmp_path / "bank.json").read_text())
    assert [one["data"] for one in batch] == [one.data for one in bank]
    assert [(one["specversion"], one["source"], one["subject"]) for one in batch] == [
        ("1.0", "https://bank.example", "account-1")
    ] * 3
    for one in batch:
        assert all(name.isalnum() and name.islower() for name in one)
        assert set(map(type, one.values())) == {str, dict}
    assert [one["sequence"] for one in batch] == sorted(one["sequence"] for one in batch)
    assert readers.cloudevents(tmp_path / "bank.json").history() == bank


def test_correlation_and_causation_are_attributes_of_their_own(tmp_path: Path, bank: History) -> None:
    caused = History([msgspec.structs.replace(bank[0], metadata_text='{"correlation_id":"c","causation_id":"d"}')])
    readers.to_cloudevents(caused, tmp_path / "bank.jsonl")
    event = json.loads((tmp_path / "bank.jsonl").read_text())
    assert (event["correlationid"], event["causationid"], "eslabmetadata" in event) == ("c", "d", False)
    assert readers.cloudevents(tmp_path / "bank.jsonl").history() == caused


def test_an_event_that_lost_its_data_on_the_way_is_refused(tmp_path: Path, bank: History) -> None:
    readers.to_cloudevents(bank, tmp_path / "bank.jsonl")
    first, *others = map(json.loads, (tmp_path / "bank.jsonl").read_text().splitlines())
    del first["data"]
    log = readers.cloudevents(written(tmp_path, first, *others), on_error="collect")
    assert [one.position for one in log] == [2, 3]
    assert "it is not as eslab wrote it (Object missing required field `data`)" in log.refused.why.item()


def test_a_payload_that_a_line_cannot_hold_is_not_written(tmp_path: Path, bank: History) -> None:
    with pytest.raises(InvalidPayload, match="at position 1 has blanks or line ends around or between"):
        readers.to_cloudevents(
            [msgspec.structs.replace(bank[0], payload_text='{\n"owner":"Ada"}')], tmp_path / "bank.jsonl"
        )
    assert not list(tmp_path.iterdir())
