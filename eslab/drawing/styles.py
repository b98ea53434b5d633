"""A style is how charts look on a light or a dark page: sizes, and colours that every eye can tell apart."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes

from eslab.frames import InvalidFrame
from eslab.timeline import Timeline

P = ParamSpec("P")
STATIC = Path(__file__).parent.parent / "static"
STYLES = {"light": ("eslab",), "dark": ("eslab", "eslab-dark")}
DASHES = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)))
"""When there are more lines than colours, the colours come again with the next of these."""

_chosen = "light"


class Style(contextlib.AbstractContextManager["Style"]):
    """What `style` returns: nothing more to do with it, or a `with` block at whose end the style before comes back."""

    def __init__(self, name: str, before: str) -> None:
        self.name, self.before = name, before

    def __exit__(self, *error: object) -> None:
        style(self.before)

    def __repr__(self) -> str:
        return f"<charts are {self.name} from here on>"


def style(name: str) -> Style:
    """Draw the charts that follow "light" (as at the beginning) or "dark"; in a `with`, only those inside it.

    Raises InvalidFrame for another name.
    """
    global _chosen
    if name not in STYLES:
        raise InvalidFrame(f"style is {name!r}, expected 'light' or 'dark'", found=name)
    before, _chosen = _chosen, name
    return Style(name, before)


@contextlib.contextmanager
def in_style() -> Iterator[None]:
    """Draw in the chosen style, and leave matplotlib's settings as they were; a refusal leaves no figure."""
    figures = plt.get_fignums()
    with plt.style.context([STATIC / f"{name}.mplstyle" for name in STYLES[_chosen]]):
        try:
            yield
        except BaseException:
            for begun in set(plt.get_fignums()) - set(figures):
                plt.close(begun)
            raise


def styled(draw: Callable[Concatenate[pd.DataFrame, P], Axes]) -> Callable[Concatenate[Any, P], Axes]:
    """Draw a frame in the chosen style; a timeline is taken as the frame of its states."""

    @functools.wraps(draw)
    def drawn(frame: Any, /, *args: P.args, **kwargs: P.kwargs) -> Axes:
        frame = as_frame(frame)
        with in_style():
            return draw(frame, *args, **kwargs)

    return drawn


def as_frame(given: Any) -> pd.DataFrame:
    """A frame as it is, a timeline as the frame of its states. Raises InvalidFrame for anything else."""
    frame = given.to_frame() if isinstance(given, Timeline) else given
    if not isinstance(frame, pd.DataFrame):
        raise InvalidFrame(
            f"a chart was given {type(frame).__name__}, expected a frame: make one with frames.events(history), "
            f"frames.counts(history) or timeline.to_frame()", found=frame,
        )  # fmt: skip
    return frame


def colours_of() -> list[str]:
    """The colours of the chosen style, the first one first."""
    colours: list[str] = rcParams["axes.prop_cycle"].by_key()["color"]
    return colours


def looks() -> Iterator[dict[str, Any]]:
    """Colours in order, then the same with dashes."""
    for dash in itertools.cycle(DASHES):
        for colour in colours_of():
            yield {"color": colour, "linestyle": dash, "zorder": 3}
