"""A cursor over a chart: it stands where the chart has drawn the event."""

import base64
import datetime as dt

import matplotlib.pyplot as plt
import numpy as np
import pytest

from eslab import Timeline, charts, record
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited
from eslab.frames import InvalidFrame

START = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


@pytest.fixture
def ada():
    """Four events, the last of them after a gap of nine days."""
    events = [AccountOpened("Ada"), MoneyDeposited(10), MoneyDeposited(20), MoneyDeposited(30)]
    days = [0, 1, 1, 10]
    history = [
        record(event, stream="account-1", version=n, position=n, recorded_at=START + dt.timedelta(days[n - 1]))
        for n, event in enumerate(events, 1)
    ]
    return Timeline(history, Account, title="Ada")


def drawn(timeline, x):
    return charts.state_over_time(timeline, "state.balance", title="Ada saves", ylabel="euros", x=x)


def places(cursor):
    """Where the line stands at each position, from 0 at the left of the axes to 1 at the last event."""
    found = np.frombuffer(cursor._places, "<f4")
    return (found - found[0]) / (found[-1] - found[0])


def test_along_steps_the_line_moves_by_the_same_amount_each_time(ada):
    cursor = ada.player().follow(drawn(ada, "step"))
    assert places(cursor) == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=1e-4)


def test_along_time_the_line_stands_at_the_time_of_the_event(ada):
    cursor = ada.player().follow(drawn(ada, "recorded_at"))
    assert places(cursor) == pytest.approx([0, 0, 0.1, 0.1, 1], abs=1e-4)


def test_the_line_stays_within_the_axes(ada):
    cursor = ada.player().follow(drawn(ada, "step"))
    left, right, top, bottom = cursor._box
    found = np.frombuffer(cursor._places, "<f4")
    assert 0 < left <= found[0] + 1e-4
    assert found[-1] <= right < 1
    assert 0 < top < bottom < 1


def test_what_lies_before_the_first_value_stands_at_the_edge(ada):
    late = drawn(ada, "step")
    late.set_xlim(2, 4)
    cursor = ada.player().follow(late)
    assert np.frombuffer(cursor._places, "<f4")[:3] == pytest.approx([cursor._box[0]] * 3)


def test_it_begins_where_the_player_stands_and_leaves_no_figure_open(ada):
    cursor = ada.player(position=3).follow(drawn(ada, "step"))
    assert repr(cursor) == "Cursor('Ada saves', position 3)"
    assert plt.get_fignums() == []


def test_beside_a_branch_a_position_is_a_row_of_both_lines(ada):
    player = ada.branch(insert={1: [MoneyDeposited(1), MoneyDeposited(2)]}).player()
    cursor = player.follow(drawn(ada, "step"))
    assert len(player) == 6
    assert places(cursor) == pytest.approx([0, 0.25, 0.25, 0.25, 0.5, 0.75, 1], abs=1e-4)


def test_a_page_without_widgets_has_the_picture(ada):
    data, _ = ada.player().follow(drawn(ada, "step"))._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")


def test_a_chart_of_ones_own_says_what_it_has_along_x(ada):
    _, ax = plt.subplots()
    ax.plot([0, 1, 2, 3, 4], [0, 0, 10, 30, 60])
    with pytest.raises(InvalidFrame, match="say x='step'"):
        ada.player().follow(ax)
    assert places(ada.player().follow(ax, x="step")) == pytest.approx([0, 0.25, 0.5, 0.75, 1], abs=1e-4)


def test_an_unknown_x_is_refused(ada):
    with pytest.raises(InvalidFrame, match="expected one of step, position, recorded_at, occurred_at"):
        ada.player().follow(drawn(ada, "step"), x="month")
    plt.close("all")
