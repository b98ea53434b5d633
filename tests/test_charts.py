"""Charts: honest lines, labels that can be read, and nobody else's settings touched."""

from __future__ import annotations

import datetime as dt
import functools
import io
import itertools
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Annotation, Text

from eslab import Decider, MemoryStore, Timeline, charts, datasets, frames, record
from eslab.domains import bank, league
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.frames import InvalidFrame

UTC = dt.UTC
LARGE = [(9.6, 5.4), (14, 8)]


@pytest.fixture(autouse=True)
def _no_figure_stays_open() -> Iterator[None]:
    with mpl.rc_context():
        plt.switch_backend("Agg")
        yield
    plt.close("all")


def moment(minute: int) -> dt.datetime:
    return dt.datetime(2026, 3, 2, 9, minute, tzinfo=UTC)


ADA = [
    record(payload, stream="account-1", version=i, position=i, recorded_at=moment(10 * i))
    for i, payload in enumerate([AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30)], 1)
]


def ada() -> pd.DataFrame:
    return Timeline(ADA, Account).to_frame()


def points(order: str = "occurred") -> pd.DataFrame:
    timeline = Timeline(datasets.load("league"), league.LeagueTable(), order=order)
    return frames.states(timeline, view=lambda table: {club: row.points for club, row in table.items()})


def balances() -> pd.DataFrame:
    return Timeline(datasets.load("bank"), bank.Balances()).to_frame()


def line_of(frame: pd.DataFrame, columns: Any = "state.balance", **options: Any) -> Axes:
    return charts.state_over_time(frame, columns, title="Ada saves", ylabel="balance (euros)", **options)


def names(ax: Axes) -> list[Annotation]:
    return [text for text in ax.texts if isinstance(text, Annotation)]


def boxes(ax: Axes) -> list[Any]:
    ax.figure.draw_without_rendering()
    return [Text.get_window_extent(one) for one in names(ax)]


DRAWN = {
    "state_over_time": lambda **options: line_of(ada(), **options),
    "event_strip": lambda **options: charts.event_strip(frames.events(ADA), title="Three things happened", **options),
    "counts": lambda **options: charts.counts(frames.counts(ADA), title="One of each", **options),
    "counts along time": lambda **options: charts.counts(frames.counts(ADA, "hour"), title="In an hour", **options),
    "two_clocks": lambda **options: charts.two_clocks(frames.events(ADA), title="All known at once", **options),
}


# --- every chart ---


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_has_a_title_and_a_label_on_its_axis(name: str) -> None:
    ax = DRAWN[name]()
    assert len(ax.get_title(loc="left")) > 5
    assert ax.get_xlabel()


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_draws_into_the_axes_it_is_given(name: str) -> None:
    _, ax = plt.subplots()
    assert DRAWN[name](ax=ax) is ax
    assert plt.get_fignums() == [1]


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_changes_no_setting_of_matplotlib(name: str) -> None:
    before = mpl.rcParams.copy()
    with charts.style("dark"):
        DRAWN[name]()
    assert mpl.rcParams == before


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_frame_gives_the_same_picture(name: str) -> None:
    pictures = []
    for _ in range(2):
        file = io.BytesIO()
        DRAWN[name]().figure.savefig(file, format="png")
        pictures.append(file.getvalue())
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize(("style", "background"), [("light", "#ffffff"), ("dark", "#16181d")])
def test_a_chart_brings_its_own_opaque_background(name: str, style: str, background: str) -> None:
    with charts.style(style):
        fresh = DRAWN[name]()
        given = DRAWN[name](ax=plt.subplots()[1])
    for ax in (fresh, given):
        assert to_hex(ax.figure.get_facecolor(), keep_alpha=True) == background + "ff"
        assert to_hex(ax.get_facecolor(), keep_alpha=True) == background + "ff"


@pytest.mark.parametrize("given", [False, True])
def test_a_long_title_is_broken_where_it_fits(given: bool) -> None:
    text = "Ada saves a hundred euros and takes thirty of them out again before the month is over, as she always does"
    ax = charts.event_strip(frames.events(ADA), title=text, ax=plt.subplots()[1] if given else None)
    ax.figure.draw_without_rendering()
    title = next(one for one in ax.get_children() if isinstance(one, Text) and one.get_text().startswith("Ada saves"))
    assert title.get_text().replace("\n", " ") == text
    assert title.get_window_extent().x1 <= ax.figure.bbox.x1


def test_text_from_data_is_never_read_as_a_formula() -> None:
    told = [record(AccountOpened("x"), stream=r"shop-$\frac$", version=1, position=1, recorded_at=moment(1))]
    for ax in (None, plt.subplots()[1]):
        strip = charts.event_strip(frames.events(told), title=r"Costs $5 and $\oops", lanes="stream", ax=ax)
        clocks = charts.two_clocks(frames.events(told), title="$", by="stream")
        strip.figure.draw_without_rendering()
        assert strip.get_yticklabels()[0].get_text() == r"shop-$\frac$  (1)"
        assert clocks.get_legend().get_texts()[0].get_text() == r"shop-$\frac$ (1)"


@pytest.mark.parametrize("name", ["state_over_time", "event_strip", "counts", "two_clocks"])
def test_no_events_is_said_and_not_left_blank(name: str) -> None:
    nothing = {
        "state_over_time": lambda: line_of(Timeline([], Account).to_frame()),
        "event_strip": lambda: charts.event_strip(frames.events([]), title="Nothing"),
        "counts": lambda: charts.counts(frames.counts([], "day"), title="Nothing"),
        "two_clocks": lambda: charts.two_clocks(frames.events([]), title="Nothing"),
    }
    assert [text.get_text() for text in nothing[name]().texts if not isinstance(text, Annotation)] == ["no events"]


# --- state over time ---


def test_state_stands_still_between_events() -> None:
    (line,) = line_of(ada()).lines
    assert line.get_drawstyle() == "steps-post"
    assert list(line.get_ydata()) == [0, 100, 70, 70]
    assert list(line.get_xdata()[:3]) == [np.datetime64(moment(m).replace(tzinfo=None)) for m in (10, 20, 30)]


def test_the_last_state_holds_on_so_that_it_can_be_seen() -> None:
    ax = line_of(ada())
    moments = ax.lines[0].get_xdata()
    assert moments[-1] - moments[-2] == np.timedelta64(24, "s")
    assert ax.get_xlim()[1] == pytest.approx(mpl.dates.date2num(moments[-1]))


def test_along_steps_the_empty_state_is_the_first() -> None:
    (line,) = line_of(ada(), x="step").lines
    assert list(line.get_xdata()[:4]) == [0, 1, 2, 3]
    assert list(line.get_ydata()[:4]) == [0, 0, 100, 70]


def test_a_line_is_broken_where_the_column_is_missing() -> None:
    (line,) = line_of(points(), "state.Arsenal", x="occurred_at").lines
    frame = points().iloc[1:]
    assert np.isnan(line.get_ydata()[:-1]).sum() == frame["state.Arsenal"].isna().sum() > 0


def test_the_axis_of_numbers_includes_nought() -> None:
    frame = ada()
    assert line_of(frame).get_ylim()[0] == 0
    frame["state.balance"] = [-5, -6, -7, -8]
    assert line_of(frame).get_ylim()[1] == 0
    frame["state.balance"] = [-5, 6, -7, 8]
    low, high = line_of(frame).get_ylim()
    assert low < -7 < 8 < high


def test_a_pattern_names_many_columns_and_labels_say_what_differs() -> None:
    ax = line_of(balances(), "state.account-*")
    assert sorted(text.get_text() for text in names(ax)) == [f"account-{i}" for i in range(1, 9)]
    full = Timeline(datasets.load("league"), league.LeagueTable()).to_frame()
    ax = line_of(full, ["state.Arsenal.points", "state.Hull City.points"], x="step")
    assert [text.get_text() for text in names(ax)] == ["Arsenal", "Hull City"]


def test_labels_can_be_given() -> None:
    assert [text.get_text() for text in names(line_of(ada(), {"state.balance": "Ada"}))] == ["Ada"]


def test_a_line_that_goes_to_infinity_has_its_name_where_it_was_last_seen() -> None:
    ax = line_of(ada().assign(**{"state.mean": [*range(len(ada()) - 1), float("inf")]}), "state.mean")
    ax.figure.draw_without_rendering()
    assert [text.xy[1] for text in names(ax)] == [len(ada()) - 2]


@pytest.mark.parametrize("size", [(6, 5), *(pytest.param(s, marks=pytest.mark.slow) for s in (None, *LARGE))])
def test_labels_at_line_ends_never_overlap_and_stay_in_the_picture(size: tuple[float, float] | None) -> None:
    ax = line_of(points(), "state.*", x="occurred_at", ax=plt.subplots(figsize=size)[1] if size else None)
    found = boxes(ax)
    assert len(found) == 20
    assert not [pair for pair in itertools.combinations(found, 2) if pair[0].overlaps(pair[1])]
    assert all(box.x0 > ax.get_window_extent().x1 and box.x1 <= ax.figure.bbox.x1 for box in found)


def test_labels_stand_in_the_order_of_the_last_values() -> None:
    ax = line_of(points(), "state.*", x="occurred_at")
    heights = {text.get_text(): box.y0 for text, box in zip(names(ax), boxes(ax), strict=True)}
    last = points().iloc[-1]
    for upper, lower in itertools.combinations(sorted(heights, key=heights.__getitem__, reverse=True), 2):
        assert last[f"state.{upper}"] >= last[f"state.{lower}"]


def test_a_lone_label_stands_beside_its_line() -> None:
    ax = line_of(ada())
    (box,) = boxes(ax)
    end = ax.transData.transform((0, 70))[1]
    assert abs((box.y0 + box.y1) / 2 - end) < box.height / 2


def test_highlighted_lines_have_colours_and_names_and_the_rest_is_grey() -> None:
    ax = line_of(points(), "state.*", x="occurred_at", highlight=["Manchester City", "Liverpool"])
    assert [text.get_text() for text in names(ax)] == ["Manchester City", "Liverpool"]
    colours = [line.get_color() for line in ax.lines]
    assert len(set(colours[:18])) == 1
    assert len({*colours}) == 3


def test_more_names_than_there_is_room_for_are_refused_and_leave_no_figure() -> None:
    frame = ada().assign(**{f"state.{i}": i for i in range(60)})
    with pytest.raises(InvalidFrame, match=r"60 lines have no room for their names, expected at most 2\d: choose"):
        line_of(frame, "state.[0-9]*")
    assert plt.get_fignums() == []


def test_a_time_that_goes_back_is_refused() -> None:
    with pytest.raises(InvalidFrame, match=r"occurred_at goes back after row \d+.*use x='step', or a Timeline"):
        line_of(points("recorded"), "state.*", x="occurred_at")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("state.blance", "no column 'state.blance', expected one of: .*state.balance"),
        ("state.owner", "column 'state.owner' holds str, expected numbers"),
        ([], "no column was named"),
    ],
)
def test_a_column_that_cannot_be_drawn_is_refused(column: Any, message: str) -> None:
    with pytest.raises(InvalidFrame, match=message):
        line_of(ada(), column)


def test_an_unknown_highlight_is_refused() -> None:
    with pytest.raises(InvalidFrame, match="highlight has \\['Bayern'\\], expected some of"):
        line_of(points(), "state.*", x="occurred_at", highlight=["Bayern"])


def test_an_event_on_which_the_fold_failed_is_marked() -> None:
    def evolve(total: int, happened: Any) -> int:
        return total + happened.amount  # an AccountOpened has none

    ax = line_of(Timeline(ADA, Decider(initial_state=0, decide=lambda c, s: [], evolve=evolve)).to_frame(), "state")
    assert ax.lines[1].get_marker() == "x"
    assert len(ax.lines[1].get_xdata()) == 1
    assert ax.get_legend().get_texts()[0].get_text() == "the fold failed here"


# --- the others ---


def test_each_type_has_its_lane_with_its_ticks() -> None:
    told = datasets.load("bank")
    ax = charts.event_strip(frames.events(told), title="A month at the bank")
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["AccountOpened  (8)", "MoneyDeposited  (137)", "MoneyWithdrawn  (55)"]
    assert [len(lane.get_segments()) for lane in ax.collections] == [8, 137, 55]
    assert ax.yaxis_inverted()


def test_a_bar_is_as_long_as_its_count_and_begins_at_nought() -> None:
    ax = charts.counts(frames.counts(datasets.load("bank")), title="Mostly deposits")
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [(0, 137), (0, 55), (0, 8)]
    assert [text.get_text() for text in ax.texts] == ["137", "55", "8"]
    assert ax.get_xlim()[0] == 0


def test_along_time_every_period_has_its_bar() -> None:
    told = [
        record(
            MoneyDeposited(1), stream="a-1", version=i, position=i, recorded_at=dt.datetime(2026, 3, day, tzinfo=UTC)
        )
        for i, day in enumerate([2, 2, 4], 1)
    ]
    ax = charts.counts(frames.counts(told, "day"), title="Nothing on Tuesday")
    assert [bar.get_height() for bar in ax.patches] == [2, 0, 1]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([0.92] * 3)
    assert ax.get_ylim()[0] == 0


def test_on_two_clocks_every_event_is_a_dot_and_the_line_is_where_they_agree() -> None:
    frame = frames.events(datasets.load("league"))
    ax = charts.two_clocks(frame, title="Four results were corrected six years later")
    recorded, corrected = (dots.get_offsets() for dots in ax.collections)
    assert (len(recorded), len(corrected)) == (380, 4)
    occurred, known = np.concatenate([recorded, corrected]).T
    assert (known >= occurred).all()
    (line,) = ax.lines
    assert list(line.get_xdata()) == list(line.get_ydata())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "ResultRecorded (380)", "ResultCorrected (4)", "recorded at once",
    ]  # fmt: skip


@pytest.mark.parametrize("size", [(5, 3), pytest.param(LARGE[0], marks=pytest.mark.slow)])
def test_the_dates_on_the_axis_do_not_overlap(size: tuple[float, float]) -> None:
    for days in (0.02, 1, 5, 26, 100, 700, 4000):
        told = [
            record(MoneyDeposited(1), stream="a-1", version=i, position=i,
                   recorded_at=moment(0) + dt.timedelta(days=days * i / 20)) for i in range(1, 21)
        ]  # fmt: skip
        ax = line_of(Timeline(told, bank.Account).to_frame(), ax=plt.subplots(figsize=size)[1])
        ax.figure.draw_without_rendering()
        shown = [label.get_window_extent() for label in ax.get_xticklabels() if label.get_text()]
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(shown)), (days, size)
        plt.close(ax.figure)


# --- style ---


def test_a_style_holds_until_the_end_of_its_block_or_until_the_next() -> None:
    with charts.style("dark"):
        dark = line_of(ada()).get_facecolor()
    light = line_of(ada()).get_facecolor()
    assert dark != light
    assert repr(charts.style("light")) == "<charts are light from here on>"
    with pytest.raises(InvalidFrame, match="style is 'pink', expected 'light' or 'dark'"):
        charts.style("pink")


def luminance(colour: Any) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def linear(colour: Any) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Björn Ottosson's space, in which distance is difference as seen; 2020."""
    lms = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.63]]) @ rgb.clip(0, 1)
    to_lab = [[0.2105, 0.7936, -0.0041], [1.978, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]
    return np.array(to_lab) @ np.cbrt(lms)


# how people without red, green or blue cones see (Machado, Oliveira and Fernandes, 2009)
SIGHT = {
    "all": np.eye(3),
    "no red": np.array([[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.052]]),
    "no green": np.array([[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.969]]),
    "no blue": np.array([[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]]),
}


@functools.cache
def drawn_colours(style: str) -> tuple[Any, list[Any]]:
    """That of the page, and those of the lines."""
    with charts.style(style):
        ax = line_of(balances(), "state.*")
    return ax.get_facecolor(), list(dict.fromkeys(line.get_color() for line in ax.lines))


@pytest.mark.parametrize("style", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHT)
def test_colours_stand_out_from_the_page_and_from_each_other_for_every_eye(style: str, sight: str) -> None:
    ground, colours = drawn_colours(style)
    page = luminance(ground)
    for colour in colours:
        low, high = sorted([luminance(colour), page])
        assert (high + 0.05) / (low + 0.05) > 3
    seen = [oklab(SIGHT[sight] @ linear(colour)) for colour in colours]
    assert len(seen) == 7
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > 0.06


def test_the_style_is_there_for_charts_of_ones_own() -> None:
    with plt.style.context(["eslab.static.eslab", "eslab.static.eslab-dark"]):
        assert to_hex(mpl.rcParams["figure.facecolor"]) == "#16181d"


def test_a_store_is_no_frame() -> None:
    with pytest.raises(InvalidFrame, match="expected a frame"):
        charts.event_strip(MemoryStore(), title="Not this way")


def test_bars_of_hours_are_an_hour_wide_whether_or_not_all_hours_are_there() -> None:
    hours = pd.DatetimeIndex(["2013-02-08 10:00", "2013-02-08 11:00", "2013-02-08 15:00"], tz="UTC")
    ax = charts.counts(pd.DataFrame({"departed": [3, 5, 2]}, index=hours), title="Departures by the hour")
    assert [round(bar.get_width() * 24, 2) for bar in ax.patches] == [0.92] * 3
