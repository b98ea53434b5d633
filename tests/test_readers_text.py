"""CSV and JSON lines: what a cell or a key is, what is refused, and that what eslab writes comes back as it was."""

import codecs
import datetime as dt
import decimal
import json

import any_history
import msgspec
import pytest
from hypothesis import given, settings

from eslab import History, datasets, readers
from eslab.errors import InvalidName, InvalidPayload, InvalidPosition, UnreadableLog

HEAD = "case,activity,time"
ROW = "1,Opened,2026-05-03T09:30Z"
MAPPED = {"stream": "case", "type": "activity", "occurred_at": "time"}


@pytest.fixture
def written(tmp_path):
    def write(content, name="log.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def payloads(log):
    return [recorded.data for recorded in log]


# --- what a cell is ---


@pytest.mark.parametrize("text", ["007", "1e5", "NA", "null", "None", "nan", "1_000", " x ", "true", "=1+1", "\u202e"])
def test_text_stays_that_text_as_case_type_id_and_payload(written, text):
    path = written(f"{HEAD},id,note\n{text},{text},2026-05-03T09:30Z,{text},{text}\n")
    if not text.isprintable():
        path = written(f"{HEAD},id,note\nx,x,2026-05-03T09:30Z,x,{text}\n")
    (event,) = readers.csv(path, id="id", **MAPPED)
    assert event.data == {"note": text}
    assert {event.aggregate_id, event.type, event.id} == {text if text.isprintable() else "x"}


def test_a_column_is_what_kinds_says(written):
    cells = "7,1.5,12.50,yes,2026-05-03 09:30,2026-05-03,007"
    path = written(f"{HEAD},i,f,d,b,t,day,s\n{ROW},{cells}\n")
    kinds = {"i": int, "f": float, "d": decimal.Decimal, "b": bool, "t": dt.datetime, "day": dt.date, "s": str}
    (found,) = payloads(readers.csv(path, kinds=kinds, zone="Europe/Berlin", **MAPPED))
    assert found == {"i": 7, "f": 1.5, "d": "12.50", "b": True, "t": "2026-05-03T07:30:00.000000+00:00",
                     "day": "2026-05-03", "s": "007"}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "text"),
    [(int, "1.0"), (int, "1_000"), (int, "x"), (float, "nan"), (float, "1e999"), (float, "1_0"), (bool, "maybe"),
     (decimal.Decimal, "NaN"), (dt.date, "soon"), (dt.datetime, "2026-05-03")],
)  # fmt: skip
def test_a_cell_that_is_not_of_its_kind_is_refused(written, kind, text):
    log = readers.csv(written(f"{HEAD},x\n{ROW},{text}\n"), kinds={"x": kind}, **MAPPED)
    with pytest.raises(UnreadableLog, match=rf"log.csv, line 2: column 'x' holds '{text}'.*leave 'x' out of kinds="):
        log.history()


def test_an_empty_cell_is_left_out_and_an_empty_line_is_no_row(written):
    log = readers.csv(written(f"{HEAD},who,note\n{ROW},,x\n\n{ROW},ada,\n"), **MAPPED)
    assert payloads(log) == [{"note": "x"}, {"who": "ada"}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_and_said(written, delimiter):
    log = readers.csv(written(f"{HEAD}\n{ROW}\n".replace(",", delimiter)), **MAPPED)
    assert (len(log.history()), log.about["delimiter"]) == (1, delimiter)


def test_a_line_number_is_that_of_the_file_where_a_cell_holds_line_ends(written):
    log = readers.csv(written(f'{HEAD},note\r\n{ROW},"a\r\nb"\r\n1,Opened,soon,x\r\n'), on_error="collect", **MAPPED)
    assert payloads(log) == [{"note": "a\r\nb"}]
    assert list(log.refused["line"]) == [4]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_is_read_in_its_encoding_and_its_mark_taken_off(written, encoding, ends):
    path = written(ends.join([f"{HEAD},who", f"{ROW},Zoë", ""]).encode(encoding))
    log = readers.csv(path, encoding=encoding.removesuffix("-sig"), **MAPPED)
    assert payloads(log) == [{"who": "Zoë"}]


# --- what columns mean ---


def test_case_type_and_time_may_be_made_of_several_columns(written):
    path = written("day,hour,home,away\n2026-05-03,09:30,Ada,Ben\n")
    log = readers.csv(path, stream=["home", "away"], type=lambda row: "Played", category="match",
                      occurred_at=lambda row: f"{row['day']} {row['hour']}", zone="UTC")  # fmt: skip
    (event,) = log
    assert (event.stream, event.type, event.occurred_at.hour) == ("match-Ada-Ben", "Played", 9)
    assert event.data == {"day": "2026-05-03", "hour": "09:30", "home": "Ada", "away": "Ben"}


def test_columns_become_tags_and_metadata(written):
    path = written(f"{HEAD},course,user\n{ROW},c1,ada\n{ROW},,\n")
    first, second = readers.csv(path, tags=["course"], metadata=["user"], **MAPPED)
    assert (first.tags, first.metadata["user"], first.data) == (("course:c1",), "ada", {"course": "c1"})
    assert (second.tags, second.data) == ((), {})


def test_a_function_that_fails_on_a_row_is_a_refusal_of_that_row(written):
    log = readers.csv(written(f"{HEAD},who\n{ROW},\n"), **MAPPED | {"type": lambda row: row["who"]})
    with pytest.raises(UnreadableLog, match="line 2: the function for type raised KeyError: 'who'"):
        log.history()


def test_a_row_without_a_time_of_recording_is_refused_where_the_others_have_one(written):
    log = readers.csv(written(f"{HEAD},told\n{ROW},\n"), recorded_at="told", **MAPPED)
    with pytest.raises(UnreadableLog, match="line 2: found nothing in 'told' where the recorded_at should be"):
        log.history()


def test_a_tag_that_cannot_be_stored_is_a_refusal_of_its_row(written):
    log = readers.csv(written(f'{HEAD},about\n{ROW},"a\tb"\n'), tags=["about"], **MAPPED)
    with pytest.raises(UnreadableLog, match=r"line 2: a tag is 'about:a\\tb', expected 1 to 255 printable"):
        log.history()


def test_whole_names_of_streams_are_kept_without_a_category(written):
    (event,) = readers.csv(written(f"{HEAD}\nticket-7,Opened,2026-05-03T09:30Z\n"), category=None, **MAPPED)
    assert event.stream == "ticket-7"


@pytest.mark.parametrize(
    ("head", "mapped", "says"),
    [
        (
            "Case,activity,time",
            MAPPED,
            r"log.csv, line 1: there is no column 'case', found 'Case'.*did you mean 'Case'\?",
        ),
        ("a,b,c", MAPPED, "there is no column 'case'.*split at ','.*say which columns are meant, with stream="),
        ("case,activity,time,time", MAPPED, "two columns are called 'time'"),
        ("case,activity,time,", MAPPED, "column 4 has the name ''.*index=False"),
        (HEAD, MAPPED | {"tags": ["who"]}, "there is no column 'who'"),
        (HEAD, MAPPED | {"kinds": {"amount": int}}, "there is no column 'amount'"),
        (HEAD, MAPPED | {"stream": ["case", "line"]}, "there is no column 'line'"),
        ('case,"acti', MAPPED, "log.csv, line 1: a quote is opened here and not closed"),
    ],
)
def test_a_head_that_is_not_the_one_that_is_meant_is_refused_before_anything_is_read(written, head, mapped, says):
    with pytest.raises(UnreadableLog, match=says) as refusal:
        readers.csv(written(f"{head}\n{ROW}\n"), **mapped)
    assert (refusal.value.file, refusal.value.line) == ("log.csv", 1)


@pytest.mark.parametrize(
    ("mapped", "says"),
    [
        ({"stream": "case", "type": "case"}, "the column 'case' is given two places"),
        ({"tags": "course"}, r"write tags=\['course'\]"),
        ({"kinds": {"x": list}}, "the kind of 'x' is <class 'list'>, expected one of int, float, Decimal, bool"),
        ({"category": "my-ticket"}, "expected a word without a hyphen"),
        ({"delimiter": ";;"}, "expected one character"),
        ({"tags": ["case"], "metadata": ["tags"]}, "the metadata have the tags already as 'tags'"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_at_once(written, mapped, says):
    with pytest.raises(InvalidName, match=says):
        readers.csv(written(f"{HEAD}\n{ROW}\n"), **MAPPED | mapped)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("1,Opened", "found 2 cells, expected 3: correct the row; a cell that holds the delimiter"),
        (f"{ROW},x", "found 4 cells, expected 3"),
        (f'"1"2{ROW}', "the row cannot be read .*expected after"),
        (",Opened,2026-05-03T09:30Z", "found nothing in 'case' where the stream should be; the row has activity, time"),
        ("1,,2026-05-03T09:30Z", "found nothing in 'activity' where the type should be"),
        ("1,Opened,", "found nothing in 'time' where the occurred_at should be"),
    ],
)
def test_a_row_that_is_no_event_is_refused_with_its_line(written, row, says):
    log = readers.csv(written(f"{HEAD}\n{ROW}\n{row}\n{ROW}\n"), **MAPPED)
    with pytest.raises(UnreadableLog, match=f"log.csv, line 3: {says}"):
        log.history()


def test_a_quote_that_is_never_closed_stops_the_reading_whatever_is_collected(written):
    log = readers.csv(written(f'{HEAD}\n1,"Opened\n{ROW}\n{ROW}\n'), on_error="collect", **MAPPED)
    with pytest.raises(UnreadableLog, match=r"log.csv, line 2: a quote is opened here and not closed"):
        log.history()


def test_a_reader_says_all_of_its_keywords():
    import inspect

    assert {"path", "delimiter", "stream", "zone", "on_error"} <= set(inspect.signature(readers.csv).parameters)
    with pytest.raises(TypeError, match="unexpected keyword argument 'steam'"):
        readers.csv("log.csv", steam="case")


# --- JSON lines ---

LINE = '{"case": {"id": "007"}, "what": "Opened", "at": "2026-05-03T09:30Z", "price": 1.10, "n": null, "big": %d}'
KEYS = {"stream": "case.id", "type": "what", "occurred_at": "at"}


def test_a_key_inside_of_an_object_is_named_with_a_dot(written):
    (event,) = readers.jsonl(written(LINE % 2**80, "log.jsonl"), **KEYS)
    assert (event.stream, event.type) == ("case-007", "Opened")
    assert event.data == {"case": {}, "price": 1.1, "n": None, "big": 2**80}


def test_a_key_that_has_a_dot_in_it_is_taken_as_it_stands(written):
    (event,) = readers.jsonl(written('{"case.id": "7", "what": "X", "at": "2026-05-03T09:30Z"}', "log.jsonl"), **KEYS)
    assert event.stream == "case-7"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "it is no JSON object"),
        ("[1]", "found list, expected a JSON object"),
        ('{"a": 1, "a": 2}', "the key 'a' comes twice"),
        ('{"x": {"a": 1, "a": 2}}', "the key 'a' comes twice"),
        ('{"x": NaN}', "NaN is no number that JSON has"),
        ('{"x": 1e999}', "1e999 is no number that JSON has"),
        ("[" * 100_000, "it is no JSON object"),
        ('{"x": ' + "1" * 5_000 + "}", "it is no JSON object"),
        ('{"what": "X", "at": "2026-05-03T09:30Z", "cas": 1}', "found nothing in 'case.id' where the stream should be"),
        ('{"case": {"id": {"a": 1}}, "what": "X", "at": "2026-05-03T09:30Z"}', "expected a text or a number"),
    ],
)
def test_a_line_that_is_no_event_is_refused_with_its_number(written, line, says):
    log = readers.jsonl(written(f"{LINE % 1}\n\n{line}\n", "log.jsonl"), **KEYS)
    with pytest.raises(UnreadableLog, match=rf"log.jsonl, line 3: (|.*){says}"):
        log.history()


# --- there and back ---

FORMATS = {"log.csv": (readers.to_csv, readers.csv), "log.jsonl": (readers.to_jsonl, readers.jsonl)}


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=30)
@given(history=any_history.histories())
def test_what_is_written_is_read_again_as_it_was(tmp_path_factory, name, history):
    path = tmp_path_factory.mktemp("back") / name
    write, read = FORMATS[name]
    assert write(iter(history), path) == len(history)
    assert read(path).history() == history


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("data", ["league", "courses", "orders"])
def test_a_shipped_history_comes_back_as_it_was_and_a_part_of_it_too(tmp_path, name, data):
    history, (write, read) = datasets.load(data), FORMATS[name]
    for part in (history, history[100:200:3]):
        write(part, tmp_path / name)
        assert read(tmp_path / name).history() == part


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_the_largest_event_comes_back(tmp_path, bank, name):
    large = msgspec.structs.replace(bank[0], payload_text=json.dumps({"x": '"' * (2**23 - 9)}))
    write, read = FORMATS[name]
    write([large], tmp_path / name)
    assert read(tmp_path / name).history() == History([large])


@pytest.mark.parametrize("name", FORMATS)
def test_what_eslab_has_written_and_somebody_has_changed_is_refused(tmp_path, bank, name):
    write, read = FORMATS[name]
    write(bank, tmp_path / name)
    text = (tmp_path / name).read_text(encoding="utf-8")
    for old, new in (("bank.MoneyDeposited", ""), ("account-1,2", "account-1,two"), ('version":2', 'version":0')):
        if old in text:
            (tmp_path / name).write_text(text.replace(old, new), encoding="utf-8")
            with pytest.raises(UnreadableLog, match=r"line \d: it is not as eslab wrote it .*take the file from"):
                read(tmp_path / name).history()


@pytest.mark.parametrize("name", FORMATS)
def test_what_eslab_has_written_and_somebody_has_sorted_anew_is_refused(tmp_path, bank, name):
    write, read = FORMATS[name]
    write(bank, tmp_path / name)
    head, *lines = (tmp_path / name).read_text(encoding="utf-8").splitlines()
    (tmp_path / name).write_text("\n".join([head, *reversed(lines)]), encoding="utf-8")
    with pytest.raises(
        UnreadableLog, match=r"after position \d stands \d, expected the events of one log in its order"
    ):
        read(tmp_path / name).history()


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_whose_writing_fails_is_left_as_it_was(tmp_path, bank, name):
    write, read = FORMATS[name]
    write(bank, tmp_path / name)

    def breaking():
        yield bank[0]
        raise InvalidPayload("in the middle")

    with pytest.raises(InvalidPayload):
        write(breaking(), tmp_path / name)
    assert read(tmp_path / name).history() == bank
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("text", [' {"a":1}', '{"a":1} ', '{"a":\n1}', '{"a":"\\n"}', "{}\r\n"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_payload_comes_back_to_the_letter(tmp_path, bank, name, text):
    write, read = FORMATS[name]
    odd = History([msgspec.structs.replace(bank[0], payload_text=text, metadata_text=text)])
    write(odd, tmp_path / name)
    assert read(tmp_path / name).history() == odd


@pytest.mark.parametrize("write", [readers.to_csv, readers.to_jsonl])
def test_events_in_another_order_are_not_written(tmp_path, bank, write):
    with pytest.raises(InvalidPosition, match="found position 1 after 3, expected events in the order of their pos"):
        write([bank[2], bank[0]], tmp_path / "log")
    assert list(tmp_path.iterdir()) == []


def test_a_log_in_our_own_columns_may_still_be_read_as_another_log(tmp_path, bank):
    readers.to_csv(bank, tmp_path / "log.csv")
    log = readers.csv(tmp_path / "log.csv", category=None)
    assert [r.schema_version for r in log] == [0, 0, 0]
    assert log.history()[0].data["payload"] == bank[0].payload_text


def test_a_byte_order_mark_is_taken_off_json_lines_too(written):
    (event,) = readers.jsonl(written(codecs.BOM_UTF8 + (LINE % 1).encode(), "log.jsonl"), **KEYS)
    assert event.type == "Opened"
