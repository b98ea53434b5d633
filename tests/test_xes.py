"""A log in XES is read event by event, with all that it says, and is written so that it comes back as it was."""

import gzip
import resource
import zipfile
from pathlib import Path

import msgspec
import pytest
from any_history import AWKWARD, histories
from hypothesis import given, settings

from eslab import History, MemoryStore, readers
from eslab.errors import InvalidPayload, InvalidPosition, UnreadableLog
from eslab.events import Recorded

HOSPITAL = """<?xml version="1.0" encoding="UTF-8"?>
<log xmlns="http://www.xes-standard.org/" xes.version="2.0" xes.features="nested-attributes">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="event"><string key="concept:name" value="unknown"/></global>
  <classifier name="Activity" keys="concept:name lifecycle:transition"/>
  <string key="concept:name" value="Ward 7"/>
  <trace>
    <string key="concept:name" value="ada"/>
    <int key="age" value="36"/>
    <event>
      <string key="concept:name" value="admitted"/><string key="lifecycle:transition" value="complete"/>
      <date key="time:timestamp" value="2026-05-03T09:30:00.000+02:00"/>
      <string key="org:resource" value="007"/><float key="fever" value="38.5"/><boolean key="urgent" value="true"/>
    </event>
    <event>
      <date key="time:timestamp" value="2026-05-03T11:00:00.000+02:00"/><string key="concept:name" value="discharged"/>
    </event>
  </trace>
  <trace>
    <string key="concept:name" value="grace"/>
    <event>
      <string key="concept:name" value="admitted"/><date key="time:timestamp" value="2026-05-03T08:00:00Z"/>
    </event>
  </trace>
</log>
"""


def written(tmp_path: Path, text: str | bytes, name: str = "ward.xes") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def one_event(tmp_path: Path, attributes: str) -> Recorded:
    """The event of a log in which it stands alone."""
    head = '<string key="concept:name" value="seen"/><date key="time:timestamp" value="2026-05-03T08:00:00Z"/>'
    trace = f'<trace><string key="concept:name" value="1"/><event>{head}{attributes}</event></trace>'
    (recorded,) = readers.xes(written(tmp_path, f"<log>{trace}</log>"))
    return recorded


A = '<event><string key="concept:name" value="a"/><date key="time:timestamp" value="2026-05-03T08:00:00Z"/></event>'

# --- reading ---


def test_a_trace_is_a_stream_and_its_events_come_in_the_order_of_their_time(tmp_path: Path) -> None:
    log = readers.xes(written(tmp_path, HOSPITAL), category="patient")
    assert [(one.position, one.stream, one.version, one.type) for one in log] == [
        (1, "patient-ada", 1, "admitted"), (2, "patient-grace", 1, "admitted"), (3, "patient-ada", 2, "discharged"),
    ]  # fmt: skip
    assert log.history()[0].occurred_text == "2026-05-03T07:30:00.000000+00:00"
    assert all(one.schema_version == 0 for one in log)


def test_attributes_of_an_event_are_its_payload_and_those_of_its_trace_its_case(tmp_path: Path) -> None:
    first = readers.xes(written(tmp_path, HOSPITAL)).history()[0]
    assert first.payload == {
        "lifecycle:transition": "complete", "org:resource": "007", "fever": 38.5, "urgent": True,
    }  # fmt: skip
    assert first.metadata == {"case": {"age": 36}}


def test_what_a_log_says_of_itself_is_kept(tmp_path: Path) -> None:
    log = readers.xes(
        written(tmp_path, HOSPITAL.replace("</log>", '<trace><id key="concept:name" value="nobody"/></trace></log>'))
    )
    assert log.report.streams == 2
    assert log.about["attributes"] == {"concept:name": "Ward 7"}
    assert log.about["classifiers"] == [{"name": "Activity", "keys": "concept:name lifecycle:transition"}]
    assert log.about["globals"] == [{"scope": "event", "concept:name": "unknown"}]
    assert log.about["extensions"][0]["prefix"] == "concept"
    assert log.about["traces without events"] == [{"concept:name": "nobody"}]


def test_the_type_may_be_that_of_a_classifier(tmp_path: Path) -> None:
    log = readers.xes(written(tmp_path, HOSPITAL), type=["concept:name", "lifecycle:transition"], on_error="collect")
    assert [one.type for one in log] == ["admitted+complete"]
    assert log.refused.line.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ('<string key="a" value="1e5"/>', "1e5"), ('<string key="a" value=""/>', ""), ('<int key="a" value="-7"/>', -7),
        ('<date key="a" value="2026-05-03"/>', "2026-05-03"), ('<float key="a" value="NaN"/>', "NaN"),
        ('<boolean key="a" value="0"/>', False), ('<id key="a" value="x"/>', "x"), ('<container key="a"/>', {}),
        ('<list key="a"><values><int key="a" value="1"/><int key="a" value="2"/></values></list>', [1, 2]),
        ('<list key="a"><values><int key="b" value="1"/></values></list>', [{"b": 1}]),
        ('<list key="a"><int key="b" value="1"/></list>', [{"b": 1}]),
        ('<container key="a"><int key="b" value="1"/></container>', {"b": 1}),
        ('<int key="a" value="1"><string key="unit" value="m"/></int>', {"value": 1, "attributes": {"unit": "m"}}),
        ('<string key="a" value="&lt;script&gt; &#10;&amp;"/>', "<script> \n&"),
        ('<!-- a note --><?run me?><string key="a" value="x"/>', "x"),
    ],
)  # fmt: skip
def test_every_attribute_is_kept_with_its_type(tmp_path: Path, attribute: str, value: object) -> None:
    found = one_event(tmp_path, attribute).payload["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        (
            '<int key="a" value="1_000"/>',
            r"event 1: the attribute 'a' has the value '1_000', expected one of the type int",
        ),
        ('<int key="a"/>', r"the attribute 'a' has the value None"),
        ('<boolean key="a" value="maybe"/>', r"'maybe', expected one of the type boolean"),
        ('<string value="1"/>', r"found <string> with the key None, expected an attribute with a key"),
        ('<money key="a" value="1"/>', r"found <money> .*expected an attribute with a key, one of string, date, int"),
        ('<int key="a" value="1"/><int key="a" value="2"/>', r"the attribute 'a' twice, expected each key once"),
    ],
)
def test_an_attribute_that_is_none_is_refused_with_its_key(tmp_path: Path, attributes: str, why: str) -> None:
    with pytest.raises(UnreadableLog, match=why):
        one_event(tmp_path, attributes)


def test_an_event_keeps_the_id_and_the_notes_that_its_log_gives_it(tmp_path: Path) -> None:
    recorded = one_event(tmp_path, '<id key="identity:id" value="x-7"><string key="by" value="ward"/></id>')
    assert recorded.id == "x-7"
    assert recorded.payload == {"identity:id": {"value": "x-7", "attributes": {"by": "ward"}}}
    assert one_event(tmp_path, '<id key="identity:id" value="x-8"/>').payload == {}


def test_events_without_a_name_a_time_or_a_case_are_refused_and_counted(tmp_path: Path) -> None:
    nameless = '<event><date key="time:timestamp" value="2026-05-03T08:00:00Z"/></event>'
    timeless = '<event><string key="concept:name" value="seen"/></event>'
    traces = (
        f'<event/><trace>{nameless}</trace><trace><string key="concept:name" value="1"/>{nameless}{timeless}</trace>'
    )
    log = readers.xes(written(tmp_path, f"<log>{traces}</log>"), on_error="collect")
    assert list(log) == []
    assert log.refused.line.tolist() == [1, 2, 3, 4]
    for why, expected in zip(
        log.refused.why, ["stands in no trace", "name", "'concept:name'", "'time:timestamp'"], strict=True
    ):
        assert expected in why


def test_events_of_a_trace_without_a_name_are_refused_with_the_next_step(tmp_path: Path) -> None:
    path = written(tmp_path, HOSPITAL.replace('<string key="concept:name" value="grace"/>', ""))
    with pytest.raises(UnreadableLog, match=r"the trace of the event has no 'concept:name'.*say stream=") as caught:
        readers.xes(path).history()
    assert (caught.value.file, caught.value.line) == ("ward.xes", 3)
    assert str(caught.value).startswith("ward.xes, event 3: ")


def test_a_time_without_a_zone_needs_one_that_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, HOSPITAL.replace("09:30:00.000+02:00", "09:30:00"))
    with pytest.raises(UnreadableLog, match="has no zone: say in which one it stands"):
        readers.xes(path).history()
    assert readers.xes(path, zone="Europe/Berlin").history()[0].occurred_text.startswith("2026-05-03T07:30")


def test_events_of_equal_time_keep_the_order_of_the_file_in_any_number_on_one_line(tmp_path: Path) -> None:
    events = "".join(A.replace('"a"', f'"step {number}"') for number in range(300))
    log = readers.xes(written(tmp_path, f'<log><trace><string key="concept:name" value="1"/>{events}</trace></log>'))
    assert [one.type for one in log] == [f"step {number}" for number in range(300)]


def test_packed_files_are_read_as_they_are(tmp_path: Path) -> None:
    plain = readers.xes(written(tmp_path, HOSPITAL)).history()
    packed = written(tmp_path, gzip.compress(HOSPITAL.encode()), "ward.xes.gz")
    with zipfile.ZipFile(tmp_path / "ward.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ward.xes", HOSPITAL)
    assert readers.xes(packed).history() == readers.xes(tmp_path / "ward.zip").history() == plain


# --- bad input ---

BOMB = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (HOSPITAL[:900], r"ward.xes, line \d+: it is not well-formed XML .*: fetch or export it again"),
        (HOSPITAL.replace("<event>", "<event", 1), r"ward.xes, line \d+: it is not well-formed XML"),
        (f'<!DOCTYPE log [<!ENTITY l0 "lol">{BOMB}]><log><string key="a" value="&l9;"/></log>', "ward.xes, line 1: it"),
        (
            '<!DOCTYPE log [<!ENTITY x SYSTEM "file:///etc/passwd">]><log>&x;</log>',
            r"line 1: it declares entities .DOCTYPE",
        ),
        (
            '<!DOCTYPE log SYSTEM "http://127.0.0.1:9/log.dtd"><log/>',
            r"line 1: it declares entities .DOCTYPE.*take the decl",
        ),
        ("<html><body/></html>", "its root is <html>, expected <log>"),
        ("case;activity;time\n1;a;2026", "line 1: it is not well-formed XML"),
        (b'<?xml version="1.0" encoding="UTF-8"?><log><string key="a" value="\xe4"/></log>', "not well-formed XML"),
        ('<log><string value="x"/></log>', "what the log says of itself cannot be read: found <string>"),
        (
            '<log><trace><event/><int key="a" value="1"/></trace></log>',
            "stands behind one of its events, expected it before",
        ),
        ("<log>" + '<container key="a">' * 300 + "</container>" * 300 + "</log>", "not well-formed XML .*depth"),
        ("", "ward.xes: it is empty, expected events"),
    ],
)
def test_a_file_that_is_no_xes_is_refused_with_file_line_and_next_step(
    tmp_path: Path, text: str | bytes, why: str
) -> None:
    with pytest.raises(UnreadableLog, match=why) as caught:
        list(readers.xes(written(tmp_path, text), on_error="collect"))
    assert caught.value.file == "ward.xes"


def test_no_entity_is_ever_looked_up(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    path = written(
        tmp_path, f'<!DOCTYPE log [<!ENTITY x SYSTEM "{secret.as_uri()}">]>{HOSPITAL[39:]}'.replace("Ward 7", "&x;")
    )
    with pytest.raises(UnreadableLog) as caught:
        readers.xes(path).history()
    assert "s3cret" not in str(caught.value)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read as Linux tells it")
def test_memory_is_bounded_while_a_long_trace_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, f'<log><trace><string key="concept:name" value="1"/>{A * 10_000}</trace></log>')
    sizes = [resident() for number, _ in enumerate(readers.xes(path, order="file")) if number in (2_000, 9_999)]
    assert sizes[1] - sizes[0] < 4e6


# --- writing ---


@settings(max_examples=15, deadline=None)
@given(history=histories())
def test_any_history_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, history: History) -> None:
    path = tmp_path_factory.mktemp("xes") / "log.xes"
    assert readers.to_xes(history, path) == len(history)
    assert readers.xes(path).history() == history


def test_what_xes_has_no_word_for_comes_back_too_and_is_no_broken_xes(tmp_path: Path) -> None:
    readers.to_xes(AWKWARD, tmp_path / "odd.xes")
    assert readers.xes(tmp_path / "odd.xes").history() == AWKWARD
    assert 'key="n"' not in (tmp_path / "odd.xes").read_text()  # larger than an int of XES


def test_a_foreign_log_is_written_with_its_own_attributes_and_comes_back(tmp_path: Path) -> None:
    history = readers.xes(written(tmp_path, HOSPITAL)).history()
    readers.to_xes(history, tmp_path / "again.xes.gz")
    text = gzip.decompress((tmp_path / "again.xes.gz").read_bytes()).decode()
    assert '<float key="fever" value="38.5"/>' in text
    assert '<int key="age" value="36"/>' in text
    assert "eslab:payload" not in text
    assert "eslab:metadata" not in text
    assert readers.xes(tmp_path / "again.xes.gz").history() == history


def test_a_log_that_another_program_has_changed_is_not_taken_for_ours(tmp_path: Path, bank: History) -> None:
    odd = History([msgspec.structs.replace(one, payload_text='{"amount":7,"who":null}') for one in bank])
    readers.to_xes(odd, tmp_path / "bank.xes")
    text = (tmp_path / "bank.xes").read_text()
    changed = written(tmp_path, text.replace('key="amount" value="7"', 'key="amount" value="8"', 1))
    with pytest.raises(UnreadableLog, match="do not say the same, so another program has changed one of them: take"):
        readers.xes(changed).history()
    assert readers.xes(written(tmp_path, text)).history() == odd


def test_an_event_that_stands_in_a_log_twice_is_refused(tmp_path: Path, bank: History) -> None:
    readers.to_xes(bank, tmp_path / "bank.xes")
    text = (tmp_path / "bank.xes").read_text()
    event = text[text.index("<event>") : text.index("</event>") + len("</event>")]
    with pytest.raises(UnreadableLog, match="after position 1 stands 1, expected the events of one log in its order"):
        readers.xes(written(tmp_path, text.replace(event, event + event.replace("Ada", "Bob")))).history()


def test_events_in_a_wrong_order_and_texts_too_long_are_not_written(tmp_path: Path, bank: History) -> None:
    path = tmp_path / "bank.xes"
    path.write_text("the old one")
    with pytest.raises(InvalidPosition, match="found position 1 after 3, expected events in the order"):
        readers.to_xes([*bank, bank[0]], path)
    long = msgspec.structs.replace(bank[0], payload_text=f'{{"owner":"{"A" * 10_000_001}"}}')
    with pytest.raises(InvalidPayload, match="more than 9,999,999 bytes, which no XML reader takes"):
        readers.to_xes([long], path)
    assert path.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_store_takes_a_log_once(tmp_path: Path) -> None:
    log, store = readers.xes(written(tmp_path, HOSPITAL)), MemoryStore()
    assert (log.into(store), log.into(store)) == (3, 0)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read as Linux tells it")
def test_two_hundred_megabytes_are_read_in_little_memory(tmp_path: Path) -> None:
    event = A.replace("</event>", "".join(f'<string key="{n}" value="{"x" * 90}"/>' for n in range(4)) + "</event>")
    path = tmp_path / "long.xes"
    with path.open("w") as file:
        file.write("<log>")
        file.writelines(f'<trace><string key="concept:name" value="{n}"/>{event * 100}</trace>' for n in range(3_500))
        file.write("</log>")
    assert path.stat().st_size > 200e6
    before = resident()
    assert (
        max(resident() for number, _ in enumerate(readers.xes(path, progress=False)) if number % 10_000 == 0)
        < before + 150e6
    )


def resident() -> int:
    """The memory that this process has now, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
