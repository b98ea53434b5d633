"""What is stored reads back exactly as it was given, or is refused."""

import datetime as dt
import decimal
import string
import uuid
import zoneinfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eslab.codec import same, stored_metadata, stored_name, stored_time
from eslab.contract.examples import Address, Colour, Noted, Parcel
from eslab.errors import InvalidName, InvalidPayload, InvalidTime
from eslab.events import event_type

NOTED = event_type(Noted)
text = st.text(st.characters(exclude_categories=["Cs"]))
zones = st.timezones() | st.builds(dt.timezone, st.timedeltas(dt.timedelta(hours=-12), dt.timedelta(hours=12)))
then, later = dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)  # noqa: DTZ001 - Hypothesis adds the zones
NAIVE = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - that is the point
addresses = st.builds(Address, text, st.integers(-(2**63), 2**63 - 1))
FIELDS = {
    "text": text,
    "number": st.integers(-(2**63), 2**64 - 1),
    "ratio": st.floats(allow_nan=False, allow_infinity=False),
    "price": st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12),
    "moment": st.datetimes(then, later, timezones=st.just(dt.UTC)).map(lambda moment: moment.replace(fold=0)),
    "day": st.dates(),
    "took": st.timedeltas(dt.timedelta(days=-9999), dt.timedelta(days=9999)),
    "key": st.uuids(),
    "colour": st.sampled_from(Colour),
    "raw": st.binary(),
    "parcel": st.none() | st.builds(Parcel, addresses, st.lists(addresses, max_size=3)),
    "words": st.lists(text, max_size=4),
    "pair": st.tuples(st.integers(-9, 9), text),
    "unique": st.sets(st.integers(-(2**63), 2**63)),
    "by_number": st.dictionaries(st.integers(-99, 99), st.just(decimal.Decimal("1.10")), max_size=4),
    "deep": st.dictionaries(text, st.lists(st.tuples(st.integers(0, 9), st.dates()), max_size=3), max_size=3),
}


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional=FIELDS))
def test_whatever_is_accepted_comes_back_exactly(values):
    given_event = Noted(**values)
    back = NOTED.decoder.decode(NOTED.encode(given_event))
    assert same(given_event, back)
    assert {name: repr(getattr(back, name)) for name in values if name != "unique"} == {
        name: repr(getattr(given_event, name)) for name in values if name != "unique"
    }


@settings(deadline=None)
@given(st.datetimes(then, later, timezones=zones))
def test_a_moment_in_any_zone_comes_back_as_the_same_moment_or_is_refused(moment):
    try:
        back = NOTED.decoder.decode(NOTED.encode(Noted(moment=moment))).moment
    except InvalidPayload:
        assert moment.utcoffset() % dt.timedelta(minutes=1)  # only an offset with seconds in it cannot be written
    else:
        assert (back.astimezone(dt.UTC), back.utcoffset()) == (moment.astimezone(dt.UTC), moment.utcoffset())


@pytest.mark.parametrize("fold", [0, 1])
def test_both_of_the_hours_that_come_twice_in_october_are_told_apart(fold):
    moment = dt.datetime(2026, 10, 25, 2, 30, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"), fold=fold)
    back = NOTED.decoder.decode(NOTED.encode(Noted(moment=moment))).moment
    assert back.astimezone(dt.UTC) == dt.datetime(2026, 10, 25, fold, 30, tzinfo=dt.UTC)


@settings(deadline=None)
@given(st.lists(st.datetimes(timezones=st.just(dt.UTC)), min_size=2))
def test_stored_times_sort_as_the_times_do(moments):
    texts = sorted(map(stored_time, moments))
    assert texts == [stored_time(moment) for moment in sorted(moments)]
    assert {len(one) for one in texts} == {32}
    assert [dt.datetime.fromisoformat(one) for one in texts] == sorted(moments)


@pytest.mark.parametrize(
    ("given_value", "read"),
    [
        (1, True), (1, 1.0), ("1", 1), ([1], (1,)), ([1, True], [1, 1]), ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1: "a"}, {"1": "a"}), ({1}, frozenset({1})), ({1}, {True}),
        (Address("Dorset Street", 1), Address("Dorset Street", 1.0)),
        (Address("Dorset Street", 1), Parcel(Address("Dorset Street", 1), [])), ("green", Colour.GREEN), (None, ""),
        (NAIVE, NAIVE),
        (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.date(2026, 1, 1)),
        (dt.datetime(2026, 1, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2))), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    ],
    ids=repr,
)  # fmt: skip
def test_what_only_looks_equal_is_not_the_same(given_value, read):
    assert not same(given_value, read)


@pytest.mark.parametrize("value", [1, "a", None, [1, [2]], {"a": {1: (2,)}}, {1, 2}, uuid.UUID(int=5), Colour.GREY])
def test_what_is_equal_in_all_its_parts_is_the_same(value):
    assert same(value, value)


def test_a_refused_payload_says_what_it_would_have_become_and_what_to_do():
    with pytest.raises(InvalidPayload) as refusal:
        NOTED.encode(Noted(pair=[1, "one"]))
    assert "eslab.contract.Noted cannot be stored exactly: pair=[1, 'one'] would be read back as (1, 'one')" in str(
        refusal.value
    )
    assert "correct the event, then append it again" in str(refusal.value)
    assert refusal.value.payload == Noted(pair=[1, "one"])


def test_a_number_that_json_does_not_have_is_named():
    with pytest.raises(InvalidPayload, match="ratio=nan is not a number that JSON has"):
        NOTED.encode(Noted(ratio=float("nan")))


def test_an_object_that_holds_itself_is_refused():
    words: list = []
    words.append(words)
    with pytest.raises(InvalidPayload):
        NOTED.encode(Noted(words=words))


@pytest.mark.parametrize("name", ["", "a\nb", "\x00", None, 3, "x" * 256])
def test_a_name_that_cannot_be_stored_is_refused_with_an_example(name):
    with pytest.raises(InvalidName, match="expected 1 to 255 printable characters, for example 'account-1'"):
        stored_name(name)


@settings(deadline=None)
@given(st.text(string.printable.strip() + " ", min_size=1, max_size=255))
def test_a_printable_name_is_kept_as_it_is(name):
    assert stored_name(name) == name


def test_a_naive_time_is_refused_with_an_example():
    with pytest.raises(
        InvalidTime, match=r"recorded_until is datetime.datetime\(2026.*expected a datetime with a zone"
    ):
        stored_time(NAIVE, "recorded_until")


def test_metadata_is_plain_json_or_refused():
    assert stored_metadata({}) == "{}"
    assert stored_metadata({"by": "Ada", "tags": [1, None, {"a": 0.5}]}) == '{"by":"Ada","tags":[1,null,{"a":0.5}]}'
    with pytest.raises(InvalidPayload, match=r"""{"pair":\[1,2\]}. Expected text"""):
        stored_metadata({"pair": (1, 2)})
