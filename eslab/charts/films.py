"""A film is a replay as a file: one picture for each step, drawn by any chart, with axes that stand still."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.animation import FFMpegWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from tqdm.auto import tqdm

from eslab.charts.panels import panels_of
from eslab.drawing import as_frame, figure_of, in_style
from eslab.frames import InvalidFrame

MOST = 120
"""How many pictures a film has, if it is not said: every so many steps, the first and the last among them."""
SHORT = 60
"""Up to how many pictures there is no progress to be shown."""
MARGIN = 0.025
"""The share of the width that is left free for names that stand further out than in the whole."""
REST = 2.0
"""Seconds for which the last picture stays."""
BITEXACT = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-threads", "1"]
"""So that the same film is the same file."""


def animate(
    frame: Any, draw: Callable[[pd.DataFrame, Axes], Any], path: str | os.PathLike[str], *,
    steps: Sequence[int] | None = None, fps: float = 10,
) -> Path:  # fmt: skip
    """Write a film of a replay, a GIF or an MP4 as the path ends, and return the path.

    `frame` is a timeline, as the frame of its states, or any frame with a row for each step; `draw(so_far, ax)` draws
    its rows up to a step, with whatever chart: `lambda so_far, ax: charts.counts(..., ax=ax)`. The axes are those of
    the whole from the first picture on; of panels, the axis of numbers. `steps` are the rows to be seen, by number from
    0; without them about 120, at even distances. `fps` is pictures a second. The file is written beside its place and
    put there when it is whole; the same frame gives the same file. An MP4 needs ffmpeg, on the PATH or from the package
    imageio-ffmpeg.

    Raises InvalidFrame for another ending, a missing ffmpeg, a frame without rows, and a step that does not exist.
    """
    from eslab.readers.files import replacing  # here, because who draws one picture need not wait for all readers

    path, frame = Path(path), as_frame(frame)
    shown = _steps(frame, steps)
    if path.suffix.lower() not in (".gif", ".mp4") or not path.parent.is_dir() or not 0 < fps <= 50:
        raise InvalidFrame(
            f"the film is {str(path)!r} with fps={fps}, expected a folder that is there, a name that ends in .gif or "
            f".mp4, and more than 0, at most 50 pictures a second", found=path,
        )  # fmt: skip
    film = _gif if path.suffix.lower() == ".gif" else _mp4
    with in_style(), replacing(path) as part:
        figure, ax = plt.subplots()
        try:
            film(figure, _pictures(frame, draw, ax, shown), part, fps)
        finally:
            plt.close(figure)
    return path


def _steps(frame: pd.DataFrame, steps: Sequence[int] | None) -> list[int]:
    last = len(frame) - 1
    if steps is None:
        steps = np.unique(np.linspace(0, last, min(max(last + 1, 0), MOST)).round().astype(int)).tolist()
    if not len(steps) or not all(0 <= step <= last for step in steps):
        raise InvalidFrame(
            f"the steps are {list(steps)[:10]}, expected some from 0 to {last}, the rows of the frame", found=steps
        )
    return list(steps)


def _pictures(
    frame: pd.DataFrame, draw: Callable[[pd.DataFrame, Axes], Any], ax: Axes, steps: Sequence[int]
) -> Iterator[None]:
    """Draw one picture after the other into the same axes, with the limits and the place that the whole needs."""
    draw(frame, ax)
    figure_of(ax).draw_without_rendering()
    limits = {"xlim": ax.get_xlim(), "ylim": ax.get_ylim()}
    numbers = [panel.get_ylim() for panel in panels_of(ax)]
    left, bottom, width, height = ax.get_position().bounds
    ax.set_position((left, bottom, width - MARGIN, height))  # from now on it is not laid out again
    for step in tqdm(steps, desc="film", unit=" pictures", disable=len(steps) <= SHORT):
        ax.clear()
        ax.set(**limits)  # before it is drawn, as labels stand where the limits put them
        draw(frame.iloc[: step + 1], ax)
        ax.set(**limits)
        for panel, limit in zip(panels_of(ax), numbers, strict=False):
            panel.set_ylim(limit)
        yield


def _gif(figure: Figure, pictures: Iterator[None], path: Path, fps: float) -> None:
    def images() -> Iterator[Image.Image]:
        for _ in pictures:
            figure.canvas.draw()
            picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba()))  # type: ignore[attr-defined]
            yield picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)

    first, *others = images()
    milliseconds = [round(1000 / fps)] * len(others) + [round(1000 * REST)]
    first.save(path, format="GIF", save_all=True, append_images=others, duration=milliseconds, loop=0, optimize=False)


def _mp4(figure: Figure, pictures: Iterator[None], path: Path, fps: float) -> None:
    rcParams["animation.ffmpeg_path"] = _ffmpeg()
    writer = FFMpegWriter(fps=fps, codec="h264", extra_args=["-pix_fmt", "yuv420p", "-f", "mp4", *BITEXACT])  # type: ignore[arg-type]
    with writer.saving(figure, str(path), dpi=figure.dpi):
        for _ in pictures:
            writer.grab_frame()
        for _ in range(round(REST * fps)):
            writer.grab_frame()


def _ffmpeg() -> str:
    if found := shutil.which("ffmpeg"):
        return found
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        raise InvalidFrame(
            "an .mp4 needs ffmpeg, and there is none on the PATH: install it, or run pip install imageio-ffmpeg, or "
            "give a path that ends in .gif", found=None,
        )  # fmt: skip
    return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
