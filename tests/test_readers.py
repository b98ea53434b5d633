"""A log from elsewhere: its order, its times, its ids, its report, and what becomes of records that are no events."""

import datetime as dt
import decimal
import heapq
import io
import random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eslab import MemoryStore, Timeline, datasets, frames, readers
from eslab.errors import DuplicateEvent, InvalidName, InvalidPosition, InvalidTime, UnreadableLog
from eslab.events import History
from eslab.readers import Found, Log, Refused, sorting
from eslab.readers.times import Times, UnreadableTime

TICKETS = """case,activity,time,who
8,Opened,2026-05-03T09:31+02:00,ada
007,Opened,2026-05-03T09:30+02:00,bob
007,Closed,2026-05-03T09:31+02:00,NA
"""
MAPPED = {"stream": "case", "type": "activity", "occurred_at": "time", "category": "ticket"}
AT_NINE = dt.datetime(2026, 5, 3, 9, tzinfo=dt.UTC)


@pytest.fixture
def written(tmp_path):
    """A function that writes a text to a file, and gives its path."""

    def write(text, name="tickets.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_text(text, encoding=encoding, newline="")
        return path

    return write


@pytest.fixture
def tickets(written):
    return readers.csv(written(TICKETS), **MAPPED)


def told(*events, **options):
    """A log that tells these events, each on a line of its own."""
    return Log("a test", lambda: iter(events), **options)


def happened(line=1, stream="ticket-1", kind="Opened", at=AT_NINE, payload=None, **more):
    return Found(line, stream, kind, at, payload or {}, **more)


# --- order and numbers ---


def test_events_come_in_the_order_of_their_times_and_equal_times_in_that_of_the_file(tickets):
    assert [(r.position, r.stream, r.version, r.type) for r in tickets] == [
        (1, "ticket-007", 1, "Opened"),
        (2, "ticket-8", 1, "Opened"),
        (3, "ticket-007", 2, "Closed"),
    ]


def test_the_order_of_the_file_is_kept_where_it_is_asked_for(written):
    log = readers.csv(written(TICKETS), order="file", **MAPPED)
    assert [r.stream for r in log] == ["ticket-8", "ticket-007", "ticket-007"]


def test_a_log_can_be_read_again_and_again_and_half(tickets):
    half = next(iter(tickets))
    assert list(tickets) == list(tickets)
    assert tickets.history()[0] == half


def test_an_event_without_an_id_gets_one_that_is_the_same_each_time(tickets, bank):
    from eslab.events import record

    assert len({r.id for r in tickets}) == 3
    made = record(bank[0].payload, stream="ticket-8", version=1, position=1, recorded_at=AT_NINE)
    assert tickets.history()[1].id == made.id


def test_what_is_told_has_no_class_until_one_is_declared(tickets):
    assert [r.schema_version for r in tickets] == [0, 0, 0]
    assert [r.payload["who"] for r in tickets] == ["bob", "ada", "NA"]


def test_more_than_memory_holds_is_sorted_in_pieces_on_the_disk(monkeypatch, written, tmp_path):
    rows = [f"{n % 7},Moved,2026-05-03T09:{n % 60:02}Z,{n}" for n in range(1_000)]
    random.Random(6).shuffle(rows)
    path = written("\n".join(["case,activity,time,n", *rows]))
    at_once = readers.csv(path, **MAPPED).history()
    monkeypatch.setattr(sorting, "PIECE", 7)
    monkeypatch.setattr(sorting, "AT_ONCE", 5)
    merged, merge = [], heapq.merge
    monkeypatch.setattr(sorting.heapq, "merge", lambda *pieces: merged.append(len(pieces)) or merge(*pieces))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert readers.csv(path, **MAPPED).history() == at_once
    assert (max(merged), len(merged)) == (5, 29 + 6 + 2 + 1)
    assert [path.name for path in tmp_path.iterdir()] == ["tickets.csv"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3))))
def test_sorting_in_pieces_is_a_stable_sort(monkeypatch_module, moments):
    events = [happened(n, f"ticket-{s}", at=AT_NINE + dt.timedelta(hours=h)) for n, (h, s) in enumerate(moments, 1)]
    monkeypatch_module.setattr(sorting, "PIECE", 3)
    found = [r.stream for r in told(*(one._replace(payload={"n": one.line}) for one in events))]
    assert found == [one.stream for one in sorted(events, key=lambda one: one.occurred_at)]


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


# --- times ---


@pytest.mark.parametrize(
    ("zone", "written_as", "in_utc"),
    [
        ("Europe/Berlin", "2026-05-03 09:30", "2026-05-03T07:30:00.000000+00:00"),
        ("Europe/Berlin", "2026-01-03 09:30", "2026-01-03T08:30:00.000000+00:00"),
        ("Europe/Berlin", "2026-05-03T09:30:00-05:00", "2026-05-03T14:30:00.000000+00:00"),
        ("Asia/Kolkata", "2026-05-03", "2026-05-02T18:30:00.000000+00:00"),
        ("Europe/Berlin", "1893-03-31 23:59:59", "1893-03-31T23:06:31.000000+00:00"),
        ("Australia/Lord_Howe", "2026-04-05 01:29:59", "2026-04-04T14:29:59.000000+00:00"),
        ("UTC", "0001-01-01", "0001-01-01T00:00:00.000000+00:00"),
        ("UTC", "9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999+00:00"),
        (None, "2026-05-03T09:30:00Z", "2026-05-03T09:30:00.000000+00:00"),
    ],
)
def test_a_time_is_read_in_its_own_zone_or_in_that_which_was_named(zone, written_as, in_utc):
    assert Times(zone).stored(written_as) == (in_utc, False)


@pytest.mark.parametrize(("which", "hour"), [("first", 0), ("second", 1)])
def test_the_hour_that_comes_twice_is_the_one_that_was_named(which, hour):
    text, _ = Times("Europe/Berlin", which).stored("2026-10-25 02:30")
    assert text == f"2026-10-25T0{hour}:30:00.000000+00:00"


@pytest.mark.parametrize(
    ("zone", "value", "says"),
    [
        (None, "2026-05-03 09:30", "has no zone: say in which one it stands, for example zone='Europe/Berlin'"),
        ("Europe/Berlin", "2026-10-25 02:30", "came twice in Europe/Berlin.*say repeated_hour='first' or 'second'"),
        ("Europe/Berlin", "2026-03-29 02:30", "never was in Europe/Berlin: the clocks went forward over it"),
        ("UTC", "0000-01-01", "found the time '0000-01-01'.*expected ISO 8601"),
        ("UTC", "10000-01-01", "expected ISO 8601"),
        (None, "9999-12-31T23:59:59-01:00", "is outside of the years 1 to 9999 in UTC"),
        ("Pacific/Auckland", "0001-01-01", "is outside of the years 1 to 9999 in UTC"),
        ("UTC", "03.05.2026", "say time_format='%d.%m.%Y %H:%M' or alike"),
        ("UTC", "", "found nothing where a time should be"),
        ("UTC", None, "found nothing where a time should be"),
        ("UTC", b"2026", "found b'2026' where a time should be"),
        ("UTC", 46000.5, "found 46000.5 where a time should be"),
    ],
)
def test_a_time_that_could_mean_two_things_or_none_is_refused(zone, value, says):
    with pytest.raises(UnreadableTime, match=says):
        Times(zone).stored(value)


@pytest.mark.parametrize(
    ("form", "value", "in_utc", "cut"),
    [
        ("%d.%m.%Y %H:%M", "03.05.2026 09:30", "2026-05-03T09:30:00.000000+00:00", False),
        ("unix", "1777800600", "2026-05-03T09:30:00.000000+00:00", False),
        ("unix", 1777800600.25, "2026-05-03T09:30:00.250000+00:00", False),
        ("unix", "1777800600.123456", "2026-05-03T09:30:00.123456+00:00", False),
        ("unix ms", 1777800600001, "2026-05-03T09:30:00.001000+00:00", False),
        ("unix us", -1, "1969-12-31T23:59:59.999999+00:00", False),
        ("unix us", "0.5", "1970-01-01T00:00:00.000000+00:00", True),
        (None, "2026-05-03T09:30:00.123456789Z", "2026-05-03T09:30:00.123456+00:00", True),
        (None, "2026-05-03T09:30:00.123456000Z", "2026-05-03T09:30:00.123456+00:00", False),
    ],
)
def test_a_time_is_read_as_its_format_says_and_what_is_cut_is_told(form, value, in_utc, cut):
    assert Times("UTC", form=form).stored(value) == (in_utc, cut)


@pytest.mark.parametrize("value", ["", "soon", "1e400", "nan", None, "99999999999999"])
def test_a_number_that_is_no_time_is_refused(value):
    with pytest.raises(UnreadableTime, match="found"):
        Times(form="unix").stored(value)


@pytest.mark.parametrize("wrong", [{"zone": "Berlin"}, {"zone": "../etc"}, {"repeated_hour": "both"}, {"form": "iso"}])
def test_a_wrong_word_about_times_is_refused_at_once(wrong):
    with pytest.raises(InvalidTime, match="expected"):
        Times(**wrong)


# --- ids ---


def test_the_same_event_under_the_same_id_is_a_duplicate_left_out_and_counted():
    log = told(happened(1, id="a"), happened(2, id="b"), happened(3, id="a"))
    assert ([r.id for r in log], log.report.duplicates) == (["a", "b"], 1)


def test_an_id_that_is_taken_by_another_event_is_refused():
    log = told(happened(1, id="a"), happened(2, id="a", kind="Closed"))
    with pytest.raises(UnreadableLog, match="a test, line 2: the id 'a' is taken by another event") as refusal:
        log.history()
    assert (refusal.value.file, refusal.value.line) == ("a test", 2)


def test_events_that_are_alike_but_have_no_id_are_kept_and_counted():
    log = told(happened(1), happened(2), happened(3, kind="Closed"), happened(4), happened(5, stream="ticket-2"))
    assert ([r.version for r in log], log.report.alike) == ([1, 2, 3, 4, 1], 2)


# --- both times ---


def test_an_event_is_recorded_when_its_log_says_so_else_when_it_occurred():
    late = happened(1, recorded_at=AT_NINE + dt.timedelta(hours=3))
    first, second = told(late, happened(2, at=AT_NINE + dt.timedelta(hours=1)))
    assert (first.recorded_at, second.recorded_at - second.occurred_at) == (
        AT_NINE.replace(hour=10),
        dt.timedelta(hours=3),
    )


# --- what is refused ---


def test_a_record_that_is_no_event_stops_the_reading_and_says_where(written):
    log = readers.csv(written(TICKETS + "9,Opened,soon,ada\n"), **MAPPED)
    with pytest.raises(UnreadableLog, match=r"tickets.csv, line 5: found the time 'soon'.*on_error='collect'") as no:
        log.history()
    assert (no.value.file, no.value.line) == ("tickets.csv", 5)


def test_what_is_collected_is_a_frame_with_line_reason_and_record(written):
    log = readers.csv(written(TICKETS + "9,Opened,soon,ada\n10,Opened\n"), on_error="collect", **MAPPED)
    assert (len(log.history()), list(log.refused["line"])) == (3, [5, 6])
    assert log.refused["why"][1].startswith("found 2 cells, expected 4")
    assert "'10', 'Opened'" in log.refused["found"][1]


def test_a_log_without_refusals_has_an_empty_frame_of_the_same_columns(tickets):
    assert dict(tickets.refused.dtypes.astype(str)) == {"line": "int64", "why": "str", "found": "str"}


ODD = st.sampled_from(["Opened", "soon", "", "x\ty", "2026-05-03T09:30Z", "2026-05-03T09:31Z", "a", "b"])


@settings(max_examples=40)
@given(st.lists(st.lists(ODD, min_size=3, max_size=5)))
def test_every_record_is_an_event_a_duplicate_or_refused(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("odd") / "odd.csv"
    path.write_text("\n".join(["case,activity,time,id", *map(",".join, rows)]))
    log = readers.csv(path, id="id", on_error="collect", **MAPPED)
    assert len(log.history()) + log.report.duplicates + len(log.refused) == len(rows)
    assert sum(log.report.refused.values()) == len(log.refused)


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (happened(payload={"x": float("nan")}), "cannot be stored exactly"),
        (happened(payload={"x": [{"y": float("inf")}]}), "cannot be stored exactly"),
        (happened(payload={"x": object()}), "object"),
        (happened(payload={"x": "\ud800"}), "surrogates not allowed"),
        (happened(stream="ticket-\n"), "a stream name is 'ticket-\\\\n'"),
        (happened(kind=""), "an event type is ''"),
        (happened(id="x" * 300), "an event id is"),
        (happened(at=None), "found nothing where a time should be"),
        (happened(payload={"x": "y" * 2**24}), "bytes as text, expected at most 16,777,216"),
    ],
)
def test_what_a_store_could_not_keep_is_refused(one, says):
    with pytest.raises(UnreadableLog, match=says):
        told(one).history()


def test_what_json_has_not_is_kept_as_text_and_whole_numbers_of_any_size_stay():
    payload = {
        "cost": decimal.Decimal("12.50"),
        "raw": b"\x00\xff",
        "big": 2**70,
        "at": AT_NINE,
        "none": None,
        5: "five",
    }
    (event,) = told(happened(payload=payload))
    assert event.payload == {"cost": "12.50", "raw": "AP8=", "big": 2**70, "at": "2026-05-03T09:00:00Z", "none": None,
                             "5": "five"}  # fmt: skip


# --- the report ---


def test_the_report_says_what_pandas_counts_on_the_quakes(tmp_path):
    history = datasets.load("quakes")
    path = tmp_path / "quakes.csv"
    frame = frames.events(history)[["stream", "type", "occurred_at", "recorded_at", "payload.magnitude"]]
    frame.sample(frac=1, random_state=6).to_csv(path, index=False)
    report = readers.csv(path, recorded_at="recorded_at", category=None).report
    shuffled = pd.read_csv(path, parse_dates=["recorded_at", "occurred_at"], date_format="ISO8601")
    assert (report.events, report.streams) == (len(shuffled), shuffled["stream"].nunique())
    assert report.types == shuffled["type"].value_counts().to_dict()
    assert (report.first, report.last) == (shuffled["occurred_at"].min(), shuffled["occurred_at"].max())
    assert report.out_of_order == (shuffled["recorded_at"].diff() < pd.Timedelta(0)).sum()
    of_streams = shuffled.groupby("stream")["recorded_at"].diff() < pd.Timedelta(0)
    assert report.out_of_order_in_streams == of_streams.sum()


def test_the_report_is_read_for_if_nobody_has_read_the_log_and_shows_itself(tickets):
    assert repr(tickets) == "<log tickets.csv: not read yet>"
    assert (tickets.report.events, tickets.report.out_of_order) == (3, 1)
    assert repr(tickets) == "<log tickets.csv: 3 events, 2 streams>"
    assert "earlier than the event before: 1" in repr(tickets.report)
    assert "2026-05-03 07:30:00 UTC" in tickets.report._repr_html_()


def test_what_a_report_shows_of_a_log_is_escaped(written):
    log = readers.csv(written(TICKETS.replace("Opened", "<b>Opened</b>"), "<i>.csv"), **MAPPED)
    assert "not read yet" in log._repr_html_()
    assert "<b>Opened" not in log.report._repr_html_()
    assert "<i>" not in log._repr_html_()


def test_a_report_of_no_events_has_no_times(written):
    report = readers.csv(written("case,activity,time\n"), **MAPPED).report
    assert (report.events, report.first, report.last, report.types) == (0, None, None, {})
    assert "types: none" in repr(report)


# --- what to do with a log ---


def test_a_log_is_copied_into_a_store_and_a_second_time_adds_nothing(tickets, store):
    assert (tickets.into(store, batch=2), tickets.into(store, batch=2)) == (3, 0)
    assert History(store.read()) == tickets.history()


def test_another_log_of_the_same_streams_is_refused_by_the_store(tickets, written):
    store = MemoryStore()
    tickets.into(store)
    other = readers.csv(written(TICKETS.replace("bob", "eve"), "other.csv"), **MAPPED)
    with pytest.raises(DuplicateEvent):
        other.into(store)
    assert store.position == 3


@pytest.mark.parametrize("batch", [0, True, 1.5])
def test_a_batch_is_a_number_of_events(tickets, batch):
    with pytest.raises(InvalidPosition, match="batch is"):
        tickets.into(MemoryStore(), batch=batch)


def test_a_log_is_stepped_and_framed_as_any_history_is(tickets):
    class Open:
        def initial(self):
            return 0

        def evolve(self, state, recorded):
            return state + {"Opened": 1, "Closed": -1}[recorded.type]

    assert [step.state for step in Timeline(tickets, Open())] == [0, 1, 2, 1]
    assert list(frames.events(tickets)["payload.who"]) == ["bob", "ada", "NA"]


@pytest.mark.parametrize("wrong", [{"on_error": "ignore"}, {"order": "time"}])
def test_a_wrong_word_about_the_log_is_refused_at_once(written, wrong):
    with pytest.raises(InvalidName, match="expected"):
        readers.csv(written(TICKETS), **MAPPED, **wrong)


def test_a_long_log_shows_its_progress_when_asked(written, capsys):
    log = readers.csv(written(TICKETS), progress=True, **MAPPED)
    assert len(log.history()) == 3
    assert "tickets.csv: 3 events" in capsys.readouterr().err


def test_a_reader_of_another_format_says_what_it_refuses_and_where():
    log = told(Refused(4, "it is no event: correct it", {"odd": io}), happened(5), on_error="collect")
    assert (len(log.history()), list(log.refused["line"])) == (1, [4])
