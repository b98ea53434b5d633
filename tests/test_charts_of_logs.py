"""Charts of whole logs: streams side by side, queues, what follows what, when, and films of a replay."""

from __future__ import annotations

import datetime as dt
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.text import Text
from PIL import Image

from eslab import Timeline, charts, datasets, event, frames, record
from eslab.charts import films
from eslab.charts.heat import heat_colours
from eslab.charts.spans import spoken
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.domains.flights import FlightArrived, FlightDeparted, FlightDiverted, FlightScheduled
from eslab.domains.orders import Order
from eslab.drawing import in_style
from eslab.frames import InvalidFrame
from eslab.views import View

SMALL = (5, 3)


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Iterator[None]:
    with mpl.rc_context():
        plt.switch_backend("Agg")
        yield
    plt.close("all")


@event(name="mill.Brought")
class Brought:
    sacks: int = 1


@event(name="mill.Ground")
class Ground:
    sacks: int = 1


@event(name="mill.Fetched")
class Fetched:
    sacks: int = 1


def at(hour: float) -> dt.datetime:
    """Hours after Monday, 2 March 2026, 6:00 in UTC."""
    return dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC) + dt.timedelta(hours=hour)


def told(*happened: tuple[str, float, Any]) -> list[Any]:
    """A log of (stream, hour, payload), in the order given."""
    versions: dict[str, int] = {}
    log = []
    for position, (stream, hour, payload) in enumerate(happened, 1):
        versions[stream] = version = versions.get(stream, 0) + 1
        log.append(record(payload, stream=stream, version=version, position=position, recorded_at=at(hour)))
    return log


MILL = told(
    ("corn-1", 0, Brought()), ("corn-2", 1, Brought()), ("corn-1", 2, Ground()), ("corn-3", 3, Brought()),
    ("corn-1", 4, Fetched()), ("corn-2", 5, Ground()), ("corn-2", 8, Fetched()),
)  # fmt: skip
SAVED = told(
    ("account-1", 0, AccountOpened("Ada")), ("account-2", 1, AccountOpened("Bob")),
    ("account-1", 2, MoneyDeposited(90)), ("account-2", 3, MoneyDeposited(10)), ("account-1", 30, MoneyWithdrawn(40)),
)  # fmt: skip


def saved(history: list[Any] = SAVED) -> pd.DataFrame:
    return frames.states(history, Account)


def ada(history: list[Any] = SAVED) -> pd.DataFrame:
    return Timeline([one for one in history if one.stream == "account-1"], Account).to_frame()


DRAWN: dict[str, tuple[Callable[..., Axes], Callable[[list[Any]], Any], dict[str, Any]]] = {
    "many_streams": (charts.many_streams, saved, {"column": "state.balance", "ylabel": "euros"}),
    "branch": (charts.branch, ada, {"other": ada([*SAVED[:-1]]), "column": "state.balance", "ylabel": "euros"}),
    "lag": (charts.lag, lambda log: Timeline(log, {"slow": View(Account, every=2)}) if log else pd.DataFrame(), {}),
    "swimlanes": (charts.swimlanes, frames.events, {}),
    "arrivals": (charts.arrivals, frames.events, {"arrives": AccountOpened, "leaves": MoneyWithdrawn, "ylabel": "n"}),
    "funnel": (charts.funnel, frames.events, {"types": [AccountOpened, MoneyDeposited]}),
    "durations": (charts.durations, frames.durations, {}),
    "transitions": (charts.transitions, frames.transitions, {}),
    "calendar": (charts.calendar, frames.events, {}),
}


def drawn(name: str, log: list[Any] = SAVED, **options: Any) -> Axes:
    chart, frame, given = DRAWN[name]
    ax = options.pop("ax", None) or plt.subplots(figsize=SMALL)[1]
    return chart(frame(log), **given, **options, title="What there is to see", ax=ax)


def said(ax: Axes) -> list[str]:
    return [text.get_text().replace("\n", " ") for text in ax.texts if text.get_text()]


# --- every chart ---


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_draws_into_the_axes_it_is_given_and_changes_no_setting(name: str) -> None:
    _, ax = plt.subplots(figsize=SMALL)
    before = mpl.rcParams.copy()
    with charts.style("dark"):
        assert drawn(name, ax=ax) is ax
    assert mpl.rcParams == before
    assert plt.get_fignums() == [1]
    assert ax.get_title(loc="left") == "What there is to see"
    assert ax.get_xlabel()


@pytest.mark.parametrize("name", [name for name in DRAWN if name != "branch"])
def test_no_events_is_said_and_not_left_blank(name: str) -> None:
    assert said(drawn(name, [])) == ["no events"]


def test_two_histories_without_events_have_nothing_to_compare() -> None:
    assert said(charts.branch(ada([]), ada([]), "state.balance", title="Nothing", ylabel="euros")) == ["no events"]


@pytest.mark.parametrize("name", ["many_streams", "swimlanes", "transitions"])
def test_names_from_a_log_are_never_read_as_formulas(name: str) -> None:
    odd = told((r"till-$\frac$", 0, AccountOpened("x")), (r"till-$\frac$", 1, MoneyDeposited(1)))
    ax = drawn(name, odd)
    ax.figure.draw_without_rendering()
    texts = [text.get_text() for one in (ax, *ax.child_axes) for text in one.findobj(Text)]
    assert name == "transitions" or any(r"$\frac$" in text for text in texts)


REFUSED = {
    "a column that is not there": (lambda: drawn("many_streams", by="country"), "no column 'country', expected one of"),
    "lanes of nothing": (lambda: drawn("swimlanes", most=0), "most is 0, expected 1 or more"),
    "lanes aligned by version": (lambda: drawn("swimlanes", aligned=True, x="version"), "expected times, if lanes are"),
    "a type nobody has heard of": (
        lambda: charts.funnel(frames.events(MILL), ["mill.Brougth"], title="x"),
        "no event of type 'mill.Brougth', expected some of: mill.Brought",
    ),
    "no types": (lambda: charts.funnel(frames.events(MILL), [], title="x"), "found no type, expected some of"),
    "durations of versions": (lambda: charts.durations(ada(), column="version", title="x"), "expected spans of time"),
    "transitions of events": (lambda: charts.transitions(frames.events(MILL), title="x"), r"expected \['from', 'to'\]"),
    "a zone that is none": (lambda: drawn("calendar", zone="Mars/Olympus"), "zone is 'Mars/Olympus', expected an IANA"),
    "a region": (lambda: drawn("calendar", zone="Europe"), "zone is 'Europe', expected an IANA name such as"),
    "a clock without times": (lambda: drawn("calendar", clock="version"), "holds int64, expected times with a zone"),
    "a branch of a list": (
        lambda: charts.branch(ada(), SAVED, "state.balance", title="x", ylabel="y"), "given list, expected a frame",
    ),
    "a lag that is a name": (lambda: charts.lag(frames.events(SAVED), title="x"), "holds str, expected numbers"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused(what: str) -> None:
    draw, message = REFUSED[what]
    with pytest.raises(InvalidFrame, match=message):
        draw()


@pytest.mark.parametrize("name", ["swimlanes", "calendar"])
def test_the_first_and_the_last_year_have_their_place(name: str) -> None:
    ends = [dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)]
    log = [record(Brought(), stream="corn-1", version=n, position=n, recorded_at=end) for n, end in enumerate(ends, 1)]
    drawn(name, log).figure.draw_without_rendering()


# --- streams side by side ---


def test_many_streams_have_a_panel_each_with_the_same_axes() -> None:
    ax = drawn("many_streams")
    panels = charts.panels_of(ax)
    assert [panel.get_title(loc="left") for panel in panels] == ["account-1", "account-2"]
    assert [list(panel.lines[0].get_ydata()) for panel in panels] == [[0, 90, 50, 50], [0, 10, 10]]
    assert panels[0].get_xlim() == panels[1].get_xlim()
    assert panels[0].get_ylim() == panels[1].get_ylim()


def test_panels_stand_apart_and_beside_their_labels() -> None:
    ax = drawn("many_streams")
    ax.figure.draw_without_rendering()
    left, right = (panel.get_window_extent() for panel in charts.panels_of(ax))
    assert left.x1 < right.x0
    numbers = charts.panels_of(ax)[0].get_yticklabels()
    assert ax.yaxis.label.get_window_extent().x1 < min(one.get_window_extent().x0 for one in numbers if one.get_text())


def test_what_is_left_out_is_said() -> None:
    assert "1 of 3 streams: those with the most events" in said(drawn("swimlanes", MILL, most=1))
    assert "1 of 2 streams: those with the most events" in said(drawn("many_streams", most=1))


def test_a_panel_marks_the_event_on_which_the_fold_failed() -> None:
    frame = saved()
    frame.loc[2, "error"] = "it broke"
    first, second = charts.panels_of(charts.many_streams(frame, "state.balance", title="x", ylabel="y"))
    assert [line.get_marker() for line in first.lines][-1] == "x"
    assert "x" not in [line.get_marker() for line in second.lines]


def test_along_versions_all_streams_begin_at_the_left() -> None:
    panels = charts.panels_of(drawn("many_streams", x="version"))
    assert [panel.lines[0].get_xdata()[0] for panel in panels] == [1, 1]


def test_a_lane_goes_from_the_first_event_of_its_stream_to_the_last() -> None:
    ax = drawn("swimlanes", MILL, x="position")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["corn-1", "corn-2", "corn-3"]
    assert [tuple(lane.get_segments()[0][:, 0]) for lane in ax.collections] == [(1, 5), (2, 7), (4, 4)]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Brought (3)", "Ground (2)", "Fetched (2)"]


def test_lanes_are_those_with_the_most_events_in_the_order_of_their_first() -> None:
    log = told(
        *((stream, hour, Brought()) for hour, stream in enumerate(["rye-1", "oats-1", "bran-1", "oats-1", "rye-1"]))
    )
    ax = drawn("swimlanes", [*log, *told(("oats-1", 9, Brought()))], most=2)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["rye-1", "oats-1"]


def test_aligned_lanes_all_begin_at_the_left() -> None:
    ax = drawn("swimlanes", MILL, aligned=True)
    assert [tuple(lane.get_segments()[0][:, 0] / 3600) for lane in ax.collections] == [(0, 4), (0, 7), (0, 0)]
    assert "2 h" in [label.get_text() for label in ax.get_xticklabels()]


def test_rare_types_share_a_mark_when_there_are_too_many() -> None:
    frame = frames.events(MILL * 3).assign(type=[f"t{n}" for n in range(21)])
    ax = charts.swimlanes(frame, title="Everything is rare", x="position")
    assert ax.get_legend().get_texts()[0].get_text() == "9 other types"


# --- a branch, and what lags ---


def test_a_branch_has_a_line_of_its_own_from_where_it_parts() -> None:
    ax = drawn("branch")
    source, branched = ax.lines
    assert list(source.get_ydata()) == [0, 90, 50, 50]
    assert list(branched.get_ydata()) == [90, 90, 90]
    assert "They part on 3 Mar 2026, 12:00 UTC; at the end they are 40 apart." in said(ax)
    assert {"as it was", "what if"} <= set(said(ax))


def test_a_branch_that_changes_nothing_never_parts() -> None:
    ax = charts.branch(ada(), ada(), "state.balance", title="The same", ylabel="euros")
    assert said(ax) == ["as it was = what if", "They never part."]


def test_views_lag_behind_the_timeline_that_they_stand_in() -> None:
    slow = Timeline(SAVED, {"slow": View(Account, every=2), "stopped": View(Account, until=1)})
    ax = charts.lag(slow, title="One is slow, one has stopped")
    assert [list(line.get_ydata()[:-1]) for line in ax.lines] == [[0, 1, 0, 1, 0, 1], [0, 0, 1, 2, 3, 4]]
    assert list(ax.lines[0].get_xdata()[:-1]) == [0, 1, 2, 3, 4, 5]


def test_where_positions_go_back_views_lag_along_the_steps() -> None:
    ax = charts.lag(Timeline(SAVED[::-1], {"slow": View(Account, every=2)}), title="The last event happened first")
    assert ax.get_xlabel() == "step (events so far)"
    assert list(ax.lines[0].get_xdata()[:-1]) == [0, 1, 2, 3, 4, 5]


def test_a_lag_that_was_looked_at_now_and_then_runs_along_time() -> None:
    looks = {at(0): {"board": 0, "mails": 3}, at(1): {"board": 1, "mails": 9}}
    ax = charts.lag(pd.DataFrame.from_dict(looks, orient="index"), title="The mails do not keep up")
    assert ax.get_xlabel() == "time (UTC)"
    assert list(ax.lines[1].get_ydata()) == [3, 9, 9]


# --- queues ---


def test_the_gap_between_what_came_and_what_went_is_the_backlog() -> None:
    ax = charts.arrivals(frames.events(MILL), Brought, Fetched, title="Corn waits", ylabel="loads")
    came, went = ax.lines
    assert list(came.get_ydata()[:-1]) == [1, 2, 3, 3, 3]
    assert list(went.get_ydata()[:-1]) == [0, 0, 0, 1, 2]
    assert "The gap is largest on 2 Mar 2026, 09:00 UTC: 3; at the end it is 1." in said(ax)


def test_a_stream_comes_as_far_as_its_types_come_in_order() -> None:
    swapped = told(("corn-9", 0, Ground()), ("corn-9", 1, Brought()))
    ax = charts.funnel(frames.events([*MILL, *swapped]), [Brought, Ground, Fetched], title="Corn", ylabel="loads")
    assert [bar.get_width() for bar in ax.patches] == [4, 4, 2, 4, 2, 2]
    assert said(ax) == ["4  (100%)", "2  (50%)", "2  (50%)"]


# --- how long, and what next ---


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0"), (2.5e-7, "0.25 µs"), (0.25, "250 ms"), (1.5, "1 s 500 ms"), (59.9999, "1 min"), (90, "1 min 30 s"),
     (12_000, "3 h 20 min"), (86_400, "1 day"), (187_200, "2 days 4 h"), (12.4 * 86_400, "12 days"),
     (800 * 86_400, "2 years 70 days"), (-90, "-1 min 30 s")],
)  # fmt: skip
def test_a_span_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert spoken(seconds) == text


def test_half_of_the_spans_is_marked_and_said() -> None:
    lasted = pd.DataFrame({"lasted": pd.to_timedelta([1, 2, 3, 9], unit="h")})
    ax = charts.durations(lasted, title="Most are quick")
    assert "half within 2 h" in said(ax)
    assert list(ax.lines[0].get_ydata()) == [0, 0.25, 0.5, 0.75, 1, 1]


def test_what_has_not_ended_belongs_to_the_whole() -> None:
    ax = charts.durations(frames.durations(MILL, Brought, Fetched), title="One load is still there")
    assert ax.lines[0].get_ydata()[-1] == pytest.approx(2 / 3)
    assert {"1 of 3 have not ended.", "half within 7 h"} <= set(said(ax))


def test_very_different_spans_have_an_axis_that_grows_by_factors() -> None:
    lasted = pd.to_timedelta([0, 1, 2, 60, 3600, 86_400, 86_400 * 30], unit="s")
    ax = charts.durations(pd.DataFrame({"lasted": lasted}), title="From a second to a month")
    assert ax.get_xscale() == "log"
    assert [label.get_text() for label in ax.get_xticklabels()][:3] == ["1 s", "10 s", "1 min"]
    assert ax.lines[0].get_ydata()[0] == pytest.approx(1 / 7)


def test_each_kind_of_span_has_its_line() -> None:
    ax = charts.durations(frames.durations(MILL), by="to", title="Grinding is quicker")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "Ground (2)\nhalf within 2 h", "Fetched (2)\nhalf within 2 h",
    ]  # fmt: skip


def heat_of(ax: Axes) -> np.ndarray:
    (mesh,) = (one for one in ax.collections if isinstance(one, QuadMesh))
    return np.ma.filled(mesh.get_array().astype(float), np.nan).reshape(mesh.get_coordinates().shape[0] - 1, -1)


def test_what_follows_what_is_a_table_whose_usual_way_is_a_diagonal() -> None:
    ax = drawn("transitions", MILL)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["(begin)", "Brought", "Ground", "Fetched"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["Brought", "Ground", "Fetched", "(end)"]
    assert heat_of(ax).round(2).tolist() == [[1, 0, 0, 0], [0, 0.67, 0, 0.33], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert said(ax) == ["3", "2", "1", "2", "2"]


# --- the calendar ---


def days(*hours: float) -> pd.DataFrame:
    return frames.events(told(*((f"corn-{n}", hour, Brought()) for n, hour in enumerate(hours))))


def test_a_short_log_has_a_row_for_each_day_and_a_column_for_each_hour() -> None:
    ax = charts.calendar(days(0, 0.5, 26), title="Two days")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Mon 2 Mar", "Tue 3 Mar"]
    heat = heat_of(ax)
    assert heat.shape == (2, 24)
    assert (heat[0, 6], heat[0, 7], heat[1, 8]) == (2, 0, 1)
    assert np.isnan(heat[0, 5])
    assert np.isnan(heat[1, 9])


def test_hours_are_those_of_the_zone() -> None:
    heat = heat_of(charts.calendar(days(0, 20), title="In Tokyo", zone="Asia/Tokyo"))
    assert (heat[0, 15], heat[1, 11]) == (1, 1)


def test_a_longer_log_has_a_column_for_each_week() -> None:
    ax = charts.calendar(days(0, 24 * 7, 24 * 7 + 1, 24 * 20), title="Three weeks")
    heat = heat_of(ax)
    assert heat.shape == (7, 3)
    assert (heat[0, 0], heat[0, 1], heat[6, 2]) == (1, 2, 1)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2 Mar", "9 Mar", "16 Mar"]


def test_a_log_of_years_has_a_column_for_each_month() -> None:
    heat = heat_of(charts.calendar(days(0, 24 * 365 * 3), title="Three years"))
    assert heat.shape == (4, 12)
    assert (heat[0, 2], heat[3, 2], np.nansum(heat)) == (1, 1, 2)


@pytest.mark.parametrize("style", ["light", "dark"])
def test_more_is_further_from_the_page_all_the_way(style: str) -> None:
    with charts.style(style), in_style():
        colours = heat_colours()(np.linspace(0, 1, 50))[:, :3]
        page = np.array(mpl.colors.to_rgb(mpl.rcParams["axes.facecolor"]))
    light = (colours**2.2) @ [0.2126, 0.7152, 0.0722]  # with no red, green or blue cones too, as it is one hue
    steps = np.diff(light)
    assert (steps < 0).all() if page.mean() > 0.5 else (steps > 0).all()


# --- films ---


def test_who_draws_no_film_waits_for_no_reader() -> None:
    code = "import sys, eslab.charts; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "eslab.charts.films" in loaded
    assert [name for name in ("eslab.readers", "sqlalchemy", "openpyxl", "lxml", "duckdb") if name in loaded] == []


def grows(so_far: pd.DataFrame, ax: Axes) -> None:
    charts.state_over_time(so_far, "state.balance", title="Ada saves", ylabel="euros", x="step", ax=ax)


def test_a_film_has_a_picture_for_each_step_and_rests_on_the_last(tmp_path: Path) -> None:
    path = charts.animate(ada(), grows, tmp_path / "ada.gif", fps=5)
    with Image.open(path) as film:
        lasts = []
        for number in range(film.n_frames):
            film.seek(number)
            lasts.append(film.info["duration"])
    assert lasts == [200, 200, 200, 2000]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_the_same_replay_gives_the_same_film(tmp_path: Path) -> None:
    one, other = (charts.animate(ada(), grows, tmp_path / f"{n}.gif", steps=[1, 3]) for n in range(2))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_the_axes_of_a_film_stand_still(tmp_path: Path) -> None:
    limits = []

    def draw(so_far: pd.DataFrame, ax: Axes) -> None:
        grows(so_far, ax)
        ax.set_ylabel("euros\n" * len(so_far))  # which would press the axes together
        ax.figure.draw_without_rendering()
        limits.append((ax.get_xlim(), ax.get_ylim(), tuple(ax.get_position().bounds)))

    charts.animate(ada(), draw, tmp_path / "ada.gif", steps=[1, 2, 3])
    assert len(set(limits[1:])) == 1
    assert limits[0][:2] == limits[1][:2]


def test_a_film_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "ada.gif").write_text("the film before")

    def draw(so_far: pd.DataFrame, ax: Axes) -> None:
        if len(so_far) == 2:
            raise RuntimeError("no more colour")

    with pytest.raises(RuntimeError, match="no more colour"):
        charts.animate(ada(), draw, tmp_path / "ada.gif")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["the film before"]
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "ada.avi"}, r"'ada.avi' with fps=10, expected .* a name that ends in .gif or .mp4"),
        ({"path": "ada.gif", "fps": 0}, "expected .* more than 0, at most 50 pictures a second"),
        ({"path": "ada.gif", "steps": [4]}, r"the steps are \[4\], expected some from 0 to 3"),
        ({"path": "no/such/folder/ada.gif"}, "expected a folder that is there"),
    ],
)
def test_a_film_that_cannot_be_made_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidFrame, match=message):
        charts.animate(ada(), grows, **options)


def test_without_ffmpeg_an_mp4_is_refused_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films.shutil, "which", lambda name: None)
    monkeypatch.setattr(films.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InvalidFrame, match=r"needs ffmpeg, .*pip install imageio-ffmpeg, or give .*\.gif"):
        charts.animate(ada(), grows, tmp_path / "ada.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_mp4_is_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("imageio_ffmpeg")
    one, other = (charts.animate(ada(), grows, tmp_path / f"{n}.mp4", fps=4) for n in range(2))
    assert one.read_bytes() == other.read_bytes()
    assert one.read_bytes()[4:8] == b"ftyp"


# --- how they look ---


def test_days_on_an_axis_are_evenly_apart_across_the_end_of_a_month() -> None:
    frame = days(*range(24 * 28, 24 * 38, 12)).assign(**{"state.n": 1.0})  # 30 March to 9 April
    ax = charts.state_over_time(frame, "state.n", title="Ten days", ylabel="loads")
    ax.figure.draw_without_rendering()
    gaps = np.diff(ax.get_xticks())
    assert gaps.min() > 0.6 * gaps.max()


def real(name: str) -> Axes:
    """A chart of a shipped log, as in a lesson."""
    log = datasets.load("flights" if "flight" in name else "orders")
    facts, states = frames.events(log), {"title": "As large as in a lesson", "ylabel": "cents or flights"}
    charts_of = {
        "many orders": lambda: charts.many_streams(frames.states(log, Order), "state.total_cents", **states),
        "lanes of flights": lambda: charts.swimlanes(facts, title="Thirty flights", most=30),
        "lanes of orders": lambda: charts.swimlanes(facts, title="Twenty orders", aligned=True),
        "flights in the air": lambda: charts.arrivals(facts, FlightDeparted, [FlightArrived, FlightDiverted], **states),
        "how long orders take": lambda: charts.durations(frames.durations(log), by="to", title="To each event"),
        "what follows in orders": lambda: charts.transitions(frames.transitions(log), title="What comes next"),
        "days of orders": lambda: charts.calendar(facts, title="Two years of orders"),
        "hours of flights": lambda: charts.calendar(facts, title="Two days of flights", zone="America/New_York"),
        "how far flights come": lambda: charts.funnel(facts, [FlightScheduled, FlightDeparted], title="Half of them"),
    }
    ax: Axes = charts_of[name]()
    ax.figure.draw_without_rendering()
    return ax


@pytest.mark.slow
@pytest.mark.parametrize("style", ["light", "dark"])
@pytest.mark.parametrize("name", [
    "many orders", "lanes of flights", "lanes of orders", "flights in the air", "how long orders take",
    "what follows in orders", "days of orders", "hours of flights", "how far flights come",
])  # fmt: skip
def test_nothing_is_cut_off_and_no_labels_overlap(name: str, style: str) -> None:
    with charts.style(style):
        ax = real(name)
    everything, (width, height) = ax.figure.get_tightbbox(), ax.figure.get_size_inches()
    assert min(everything.x0, everything.y0, width - everything.x1, height - everything.y1) > 0
    for one in (ax, *ax.child_axes):
        across = [label for label in one.get_xticklabels() if label.get_text() and not label.get_rotation()]
        ends = [label.get_window_extent() for label in across if label.get_visible()]
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(ends))


@pytest.mark.slow
def test_a_million_events_are_drawn_in_seconds() -> None:
    rows = 1_000_000
    streams = pd.array([f"case-{n % 5_003}" for n in range(rows)], dtype="str")
    moments = pd.date_range("2024-01-01", periods=rows, freq="min", tz="UTC")
    types = pd.Categorical.from_codes(np.arange(rows) % 7, list("abcdefg"))
    frame = pd.DataFrame({"stream": streams, "type": types, "recorded_at": moments, "occurred_at": moments})
    frame["version"], frame["state.sum"] = np.arange(rows) // 5_003 + 1, np.arange(rows) % 999
    began = time.perf_counter()
    charts.swimlanes(frame, title="Twenty of many", lanes="type").figure.draw_without_rendering()
    charts.many_streams(frame, "state.sum", title="Twelve of many", ylabel="sum").figure.draw_without_rendering()
    charts.arrivals(frame, "a", "b", title="In and out", ylabel="events").figure.draw_without_rendering()
    charts.funnel(frame, ["a", "b", "c"], title="How far").figure.draw_without_rendering()
    charts.calendar(frame, title="When").figure.draw_without_rendering()
    assert time.perf_counter() - began < 60
