"""Heat is a table whose cells are the darker the more is in them, so that a pattern is seen before a number is read."""

from __future__ import annotations

import calendar as weekdays
import zoneinfo
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm, to_hex, to_rgb
from matplotlib.ticker import MaxNLocator, PercentFormatter

from eslab.charts.columns import clock_of, day_of, numbers_of, short
from eslab.drawing import begin, colours_of, figure_of, finish, styled, tall
from eslab.frames import InvalidFrame

SHORT, LONG = pd.Timedelta(days=14), pd.Timedelta(days=2 * 366)
"""A calendar has hours below the first span, weeks up to the second, months beyond."""
SMALL = 9
"""The smallest number that is still written into a cell, in points."""


@styled
def transitions(frame: pd.DataFrame, *, title: str, ax: Axes | None = None) -> Axes:
    """What follows what: in the row of a type, how often each type came next in the same stream.

    `frame` is that of `frames.transitions`. The number in a cell is how often; its colour is the share of its row, so
    that the usual next step is seen for rare types too. "(begin)" stands before the first event of a stream, and
    "(end)" after its last so far.
    """
    if list(frame.index.names) != ["from", "to"]:
        raise InvalidFrame(
            f"the index is {list(frame.index.names)}, expected ['from', 'to']: make the frame with "
            f"frames.transitions(history)", found=frame,
        )  # fmt: skip
    numbers_of(frame, "events")
    pairs = frame["events"].astype("float64").groupby(level=["from", "to"], sort=False).sum().unstack(fill_value=0)
    order = _order(pairs)
    rows = [name for name in ["", *order] if name in pairs.index]
    columns = [name for name in [*order, ""] if name in pairs.columns]
    table = pairs.reindex(index=rows, columns=columns, fill_value=0).to_numpy()
    ax = begin(ax, title, "… came next", "after …", size=tall(round(1.4 * len(rows)) + 3))
    if not len(rows):
        return finish(ax, empty=True)
    _heat(ax, table / np.maximum(table.sum(axis=1, keepdims=True), 1), table, "share of its row", shares=True)
    ax.set_yticks(range(len(rows)), _named(rows, "(begin)"), parse_math=False)
    names = _named(columns, "(end)")
    ax.set_xticks(range(len(columns)), names, parse_math=False)
    room = ax.get_window_extent().width / figure_of(ax).dpi * 72 / len(names)
    if max(map(len, names)) * rcParams["xtick.labelsize"] * 0.62 > room:
        for label in ax.get_xticklabels():
            label.set(rotation=30, ha="right", rotation_mode="anchor")
    return finish(ax)


def _order(pairs: pd.DataFrame) -> list[str]:
    """The types in the order in which most streams come to them, so that the usual way is a diagonal."""
    order: list[str] = []
    waiting = [*reversed([*pairs.index, *pairs.columns]), ""]
    while waiting:
        name = waiting.pop()
        if name in order:
            continue
        order.append(name)
        if name in pairs.index:
            after = pairs.loc[name]
            waiting += [one for one in after[after > 0].sort_values(kind="stable").index if one != ""]
    return [name for name in order if name != ""]


def _named(names: Sequence[str], none: str) -> list[str]:
    told = iter(short([name for name in names if name != ""]))
    return [none if name == "" else next(told) for name in names]


@styled
def calendar(
    frame: pd.DataFrame, *, title: str, clock: str = "occurred_at", zone: str = "UTC", ax: Axes | None = None
) -> Axes:
    """How much happened when: the events of each day, a column for each week from Monday down to Sunday.

    A log shorter than two weeks has a row for each day and a column for each hour; one longer than two years a row for
    each year and a column for each month. Days and hours are those of `zone`, an IANA name such as "Europe/Berlin".

    Raises InvalidFrame for a `clock` that is no column of times, and for an unknown zone.
    """
    try:
        times = clock_of(frame, clock).tz_convert(zoneinfo.ZoneInfo(zone)).tz_localize(None)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a region, as "Europe"
        raise InvalidFrame(f"zone is {zone!r}, expected an IANA name such as 'Europe/Berlin'", found=zone) from error
    span = times.max() - times.min() if len(times) else SHORT
    kind, draw = ("hours", _hours) if span < SHORT else ("months", _months) if span > LONG else ("weeks", _weeks)
    return draw(begin(ax, title, f"{kind} · {clock.replace('_', ' ')} ({zone}){_years(times)}", ""), times)


def _weeks(ax: Axes, times: pd.DatetimeIndex) -> Axes:
    if not len(times):
        return finish(ax, empty=True)
    first, last = times.min().normalize(), times.max().normalize()
    monday = first - pd.Timedelta(days=first.weekday())
    weeks = pd.date_range(monday, last, freq="7D")
    table = _counted((times - monday).days, len(weeks) * 7).reshape(-1, 7).T
    _heat(ax, table, table, "events a day")
    ax.set_yticks(range(7), list(weekdays.day_abbr))
    if len(weeks) > 26:
        every = next(step for step in (1, 2, 3) if len(weeks) / 4.35 / step <= 13 or step == 3)
        months = [n for n, day in enumerate(weeks) if day.day <= 7 and (day.month - 1) % every == 0]
        ax.set_xticks(months, [f"{weeks[n]:%b\n%Y}" if weeks[n].month == 1 else f"{weeks[n]:%b}" for n in months])
    else:
        shown = _few(range(len(weeks)), 8)
        ax.set_xticks(shown, [day_of(weeks[n]) for n in shown])
    return finish(ax)


def _hours(ax: Axes, times: pd.DatetimeIndex) -> Axes:
    days = pd.date_range(times.min().normalize(), times.max().normalize(), freq="D")
    table = _counted((times - days[0]) // pd.Timedelta(hours=1), len(days) * 24).reshape(-1, 24)
    _heat(ax, table, table, "events an hour")
    ax.set_yticks(range(len(days)), [f"{weekdays.day_abbr[day.weekday()]} {day_of(day)}" for day in days])
    ax.set_xticks(range(0, 24, 3), [f"{hour}:00" for hour in range(0, 24, 3)])
    return finish(ax)


def _months(ax: Axes, times: pd.DatetimeIndex) -> Axes:
    years = np.arange(times.year.min(), times.year.max() + 1)
    table = _counted((times.year - years[0]) * 12 + times.month - 1, len(years) * 12).reshape(-1, 12)
    _heat(ax, table, table, "events a month")
    shown = _few(range(len(years)), 14)
    ax.set_yticks(shown, [str(years[n]) for n in shown])
    ax.set_xticks(range(12), list(weekdays.month_abbr)[1:])
    return finish(ax)


def _counted(periods: pd.Index, length: int) -> np.ndarray:
    """How many events each period has; missing, not 0, before the first event and after the last."""
    numbers = np.bincount(periods.to_numpy(), minlength=length).astype("float64")
    numbers[: periods.min()] = np.nan
    numbers[periods.max() + 1 :] = np.nan
    return numbers


def _few(marks: Sequence[int], most: int) -> Sequence[int]:
    return marks[:: max(-(-len(marks) // most), 1)]


def _years(times: pd.DatetimeIndex) -> str:
    years = sorted({times.year.min(), times.year.max()}) if len(times) else []
    return "".join([" · ", " to ".join(map(str, years))]) if years else ""


# --- cells ------------------------------------------------------------------------------------------------------------


def heat_colours() -> LinearSegmentedColormap:
    """From a pale first colour to the full one, and next to nothing for 0: more stands out more, on any page."""
    page, ink, full = rcParams["axes.facecolor"], rcParams["text.color"], colours_of()[0]
    marks = [(0.0, _mixed(page, ink, 0.05)), (1e-6, _mixed(page, full, 0.17)), (1.0, full)]
    return LinearSegmentedColormap.from_list("eslab", marks, N=4096)


def _mixed(page: str, ink: str, share: float) -> str:
    red, green, blue = np.array(to_rgb(page)) * (1 - share) + np.array(to_rgb(ink)) * share
    return to_hex((red, green, blue))


def _heat(ax: Axes, heat: np.ndarray, numbers: np.ndarray, label: str, *, shares: bool = False) -> None:
    """A coloured cell for each number, which is written into it if there is room for all, beside a scale if not.

    Colours grow with the square root, so that one crowded day does not leave all others pale.
    """
    height, width = heat.shape
    colours, norm = heat_colours(), PowerNorm(1 if shares else 0.5, 0, 1 if shares else max(np.nanmax(heat), 1))
    room, point = ax.get_window_extent(), figure_of(ax).dpi / 72
    cell = min(room.width / width, room.height / height) / point
    mesh = ax.pcolormesh(
        np.arange(width + 1) - 0.5, np.arange(height + 1) - 0.5, heat, cmap=colours, norm=norm,
        edgecolor=rcParams["axes.facecolor"], linewidth=1.2 if cell > 9 else 0.4 if cell > 3 else 0,
    )  # fmt: skip
    ax.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    ax.tick_params(length=0)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    written = _written(ax, numbers, colours(norm(heat)))
    if shares or not written:
        scale = figure_of(ax).colorbar(mesh, cax=ax.inset_axes((1.015, 0, 0.022, 1)), label=label)
        scale.outline.set_visible(False)
        scale.ax.tick_params(length=0, labelsize=11)
        scale.locator = MaxNLocator(4, integer=not shares)
        if shares:
            scale.formatter = PercentFormatter(1)


def _written(ax: Axes, numbers: np.ndarray, grounds: np.ndarray) -> bool:
    """Write the numbers into their cells, if all of them fit."""
    height, width = numbers.shape
    room, points = ax.get_window_extent(), 72 / figure_of(ax).dpi
    letters = len(f"{np.nanmax(numbers):,.0f}")
    size = min(room.width * points / width / letters / 0.8, room.height * points / height / 1.5, 13)
    if size < SMALL:
        return False
    inks = np.array([to_rgb(rcParams["text.color"]), to_rgb(rcParams["axes.facecolor"])])
    for row, column in np.argwhere(numbers > 0):
        ground = _light(grounds[row, column, :3])
        contrasts = [(max(ground, ink) + 0.05) / (min(ground, ink) + 0.05) for ink in map(_light, inks)]
        ax.text(column, row, f"{numbers[row, column]:,.0f}", ha="center", va="center", size=size,
                color=tuple(inks[int(np.argmax(contrasts))]))  # fmt: skip
    return True


def _light(colour: np.ndarray) -> float:
    """How bright a colour is, 0 to 1 (WCAG's relative luminance)."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
