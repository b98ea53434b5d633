"""A view as a frame: the same as the fold event by event, whatever the batches, and never half of one."""

import datetime as dt
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eslab import MemoryStore, Projector, Timeline, datasets, event
from eslab.aggregates import fold
from eslab.domains.flights import DepartureHours, FlightArrived, FlightCancelled, FlightDeparted
from eslab.errors import ProjectionFailed, UnreadablePayload
from eslab.events import record
from eslab.frames import columns_of
from eslab.projections.frames import FrameProjection
from eslab.projections.projection import evolved
from eslab.snapshots import fingerprint

SAME = pd.testing.assert_frame_equal
NOON = dt.datetime(2013, 2, 8, 12, tzinfo=dt.UTC)
AIRPORTS = ("EWR", "JFK", "LGA")


@event(name="test_frame_projections.Weighed")
class Weighed:
    grams: int
    by: str | None = None


@event(name="test_frame_projections.Renamed")
class Renamed:
    name: str


class Weights(FrameProjection):
    """The sum of the grams by stream; 13 grams cannot be handled."""

    types = (Weighed, Renamed)

    def initial(self):
        return pd.DataFrame({"grams": pd.Series(dtype="int64")}, index=pd.Index([], dtype="str", name="stream"))

    def evolve_frame(self, frame, events):
        frame.loc[:, "grams"] += 0  # writes into what it was given
        for stream, grams in events.groupby("stream", observed=True)["payload.grams"].sum().items():
            frame.loc[stream, "grams"] = frame["grams"].get(stream, 0) + grams
        if (events["payload.grams"] == 13).any():
            raise ValueError("13 grams")
        return frame.astype("int64")


def facts(*payloads, streams=()):
    versions = Counter()
    for position, (payload, stream) in enumerate(zip(payloads, streams or ["bag-1"] * len(payloads), strict=True), 1):
        versions[stream] += 1
        yield record(
            payload, stream=stream, position=position, version=versions[stream], occurred_at=NOON, recorded_at=NOON
        )


def grams(*weights):
    return [Weighed(weight) for weight in weights]


@pytest.fixture(scope="module")
def departures():
    return [
        one for one in datasets.load("flights") if one.type in ("flights.FlightDeparted", "flights.FlightCancelled")
    ]


def by_hand(history):
    rows = {}
    for recorded in history:
        hour = recorded.occurred_at.replace(minute=0, second=0, microsecond=0)
        row = rows.setdefault((recorded.payload.origin, hour), [0, 0, 0])
        match recorded.payload:
            case FlightDeparted(delay_min=delay):
                row[:] = row[0] + 1, row[1], row[2] + delay
            case FlightCancelled():
                row[1] += 1
    return rows


def test_the_frame_of_the_blizzard_is_what_a_loop_counts(departures):
    frame = evolved(DepartureHours(), DepartureHours().initial(), departures)
    assert dict(zip(frame.index, frame.to_numpy().tolist(), strict=True)) == by_hand(departures)
    assert (frame["cancelled"].sum(), frame["departed"].sum()) == (865, 749)


def test_one_batch_is_the_same_as_one_event_at_a_time(departures):
    few = departures[200:240]
    SAME(evolved(DepartureHours(), DepartureHours().initial(), few), fold(few, DepartureHours()))


events_of_flights = st.tuples(
    st.one_of(
        st.builds(FlightDeparted, st.sampled_from(AIRPORTS), st.integers(-30, 900)),
        st.builds(FlightCancelled, st.sampled_from(AIRPORTS)),
    ),
    st.integers(0, 10_000),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(events_of_flights, min_size=1, max_size=12), st.data())
def test_how_the_log_is_cut_into_batches_does_not_show(payloads, data):
    history = [
        record(payload, stream=f"flight-{n}", position=n, version=1, recorded_at=NOON + dt.timedelta(minutes=late))
        for n, (payload, late) in enumerate(payloads, 1)
    ]
    cut = data.draw(st.integers(0, len(history)))
    view = DepartureHours()
    halves = evolved(view, evolved(view, view.initial(), history[:cut]), history[cut:])
    whole = evolved(view, view.initial(), history)
    SAME(halves, whole)
    assert dict(zip(whole.index, whole.to_numpy().tolist(), strict=True)) == by_hand(history)


# --- what a projection is shown ---


class Shown(FrameProjection):
    """Keeps the frames that it was shown."""

    types = (Weighed, Renamed)

    def __init__(self):
        self.frames = []

    def evolve_frame(self, frame, events):
        self.frames.append(events)
        return frame


def test_every_batch_has_the_same_columns_of_the_same_kinds():
    shown, history = Shown(), list(facts(Weighed(5), Renamed("bag"), Weighed(7, "Ada")))
    evolved(shown, shown.initial(), history)
    for recorded in history:
        shown.evolve(shown.initial(), recorded)
    kinds = [frame.dtypes.drop("type").to_dict() for frame in shown.frames]
    assert len(kinds) == 4
    assert all(kind == kinds[0] for kind in kinds)
    assert list(shown.frames[2])[-3:] == ["payload.grams", "payload.by", "payload.name"]


def test_it_may_ask_for_some_columns_alone():
    class Chosen(Shown):
        pass

    before = fingerprint(Chosen())
    Chosen.columns = ("stream", "payload.grams")
    assert fingerprint(Chosen()) != before
    shown = Chosen()
    evolved(shown, shown.initial(), list(facts(Weighed(5), Renamed("bag"))))
    assert list(shown.frames[0]) == ["stream", "error", "payload.grams"]


def test_a_column_is_declared_by_the_field_it_comes_from():
    assert dict(columns_of((Weighed, Renamed))) == {
        "payload.grams": "Int64",
        "payload.by": "str",
        "payload.name": "str",
    }
    assert dict(columns_of((FlightArrived,))) == {"payload.dest": "str", "payload.delay_min": "Int64"}


def test_without_types_a_batch_has_the_columns_of_its_own_events():
    class Anything(Shown):
        types = None

    shown = Anything()
    evolved(shown, shown.initial(), list(facts(Renamed("bag"))))
    assert "payload.name" in shown.frames[0]
    assert "payload.grams" not in shown.frames[0]


# --- what fails ---


def test_the_event_that_fails_in_a_batch_is_named():
    history = list(facts(*grams(*[1] * 40, 13, *[1] * 20)))
    with pytest.raises(ProjectionFailed, match=r"could not handle position 41, .*ValueError: 13 grams") as refused:
        evolved(Weights(), Weights().initial(), history)
    assert refused.value.position == 41


def test_an_event_that_cannot_be_read_is_no_missing_value():
    broken = record(Weighed(1), stream="bag-1", position=2, version=2, recorded_at=NOON)
    broken = type(broken)(**{f: getattr(broken, f) for f in broken.__struct_fields__} | {"payload_text": "{}"})
    with pytest.raises(ProjectionFailed, match="position 2, ") as refused:
        evolved(Weights(), Weights().initial(), [*facts(Weighed(5)), broken])
    assert isinstance(refused.value.__cause__, UnreadablePayload)


def test_a_forgotten_return_is_said():
    class Forgetful(FrameProjection):
        def evolve_frame(self, frame, events):
            frame["n"] = 1

    with pytest.raises(ProjectionFailed, match="returned NoneType, expected a DataFrame: end it with `return frame`"):
        evolved(Forgetful(), Forgetful().initial(), list(facts(Weighed(5))))


def test_a_projection_without_evolve_frame_is_told_what_it_lacks():
    with pytest.raises(ProjectionFailed, match=r"give it a method evolve_frame\(frame, events\)"):
        evolved(FrameProjection(), FrameProjection().initial(), list(facts(Weighed(5))))


def test_a_frame_that_was_changed_in_place_before_it_failed_is_as_it_was():
    before = evolved(Weights(), Weights().initial(), list(facts(Weighed(5))))
    kept = before.copy(deep=True)
    with pytest.raises(ValueError, match="13 grams"):
        Weights().evolve(before, next(facts(Weighed(13))))
    SAME(before, kept)


# --- run over a store ---


def store_of(*weights):
    store = MemoryStore()
    for number, one in enumerate(grams(*weights)):
        store.append(f"bag-{number % 3}", [one])
    return store


def test_a_projector_keeps_a_frame_up_to_date():
    store = store_of(1, 2, 3, 4)
    view = Projector(store, Weights())
    view.catch_up(batch=3)
    assert view.state["grams"].to_dict() == {"bag-0": 5, "bag-1": 2, "bag-2": 3}
    assert (view.checkpoint, view.lag) == (4, 0)


def test_who_writes_into_the_frame_that_is_shown_changes_nothing():
    view = Projector(store_of(1, 2, 3), Weights())
    view.catch_up()
    shown = view.state
    shown["grams"] = 0
    shown.loc["bag-9"] = 9
    assert view.state["grams"].to_dict() == {"bag-0": 1, "bag-1": 2, "bag-2": 3}


def test_a_poison_event_parks_its_stream_and_the_frame_has_the_others():
    view = Projector(store_of(1, 13, 3, 4, 5, 6), Weights(), attempts=1)
    with pytest.raises(ProjectionFailed, match="position 2, "):
        view.catch_up()
    assert view.state["grams"].to_dict() == {"bag-0": 5, "bag-2": 9}
    assert [letter.position for letter in view.dead_letters] == [2, 5]


def test_another_evolve_frame_makes_another_view():
    class Halves(Weights):
        def evolve_frame(self, frame, events):
            return frame / 2

    assert fingerprint(Halves()) != fingerprint(Weights())
    assert fingerprint(Weights()) == fingerprint(Weights())


def test_a_frame_can_be_made_again():
    store = store_of(1, 2, 3)
    view = Projector(store, Weights())
    view.catch_up()
    before = view.state
    view.rebuild()
    SAME(view.state, before)


def test_a_timeline_steps_through_a_frame():
    timeline = Timeline(list(facts(*grams(5, 7), streams=["bag-1", "bag-2"])), {"weights": Weights()})
    assert [repr(change) for change in timeline[2].changes] == ["weights.bag-2: nothing → {'grams': 7}"]
    assert timeline[1].state["weights"]["grams"].to_dict() == {"bag-1": 5}
    assert "bag-2" in timeline[2]._repr_html_()
    assert " at 0x" not in timeline[1]._repr_html_()


def test_who_writes_into_the_frame_of_a_step_changes_no_step():
    timeline = Timeline(list(facts(*grams(5, 7))), Weights())
    shown = timeline[1].state
    shown.loc["bag-9"] = 9
    assert timeline[1].state["grams"].to_dict() == {"bag-1": 5}
    assert [repr(change) for change in timeline[2].changes] == ["bag-1.grams: 5 → 12"]


@pytest.mark.slow
@pytest.mark.parametrize("batch", [500, 2_000, 50_000])
def test_a_month_of_departures_is_what_a_loop_counts_in_any_batch(batch):
    store = MemoryStore()
    store.copy(datasets.load("flights-month"))
    view = Projector(store, DepartureHours())
    view.catch_up(batch=batch)
    expected = by_hand(store.read(types=DepartureHours.types))
    assert dict(zip(view.state.index, view.state.to_numpy().tolist(), strict=True)) == expected
