"""The player in a real browser: from a key press to the changed page, beside a slider that asks the kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import Row, Seconds, Target, p95
from tests.benchmarks.sizes import Files, Sizes

if TYPE_CHECKING:
    from tests.browser import Lab, Notebook

SLIDER = "ipywidgets slider + Output"
OPENED = 10_000
"""How many events a player is opened on, to see how long that takes."""
MAKE = """
import itertools, time, ipywidgets
from IPython.display import clear_output
from eslab.domains.bank import Balances
from eslab.timeline import Timeline
from tests.benchmarks import by_hand
from tests.benchmarks.story import spread_out
timeline = Timeline(by_hand.recorded(itertools.islice(spread_out({keys}), {length})), Balances, title="Accounts")
timeline[-1]
"""
PLAYER = "player = timeline.player(); player.position = {start}; player"
BESIDE = """
slider, out = ipywidgets.IntSlider(max={length}, value={start}), ipywidgets.Output()
def show(change):
    with out:
        clear_output(wait=True)
        display(timeline[change["new"]], timeline[change["new"]].state)
slider.observe(show, "value")
show({{"new": {start}}})
ipywidgets.VBox([slider, out])
"""
PRESS = """async ([cell, handle, watched, count]) => {
  const root = document.querySelectorAll(".jp-Notebook .jp-Cell")[cell];
  const taken = [];
  for (let n = 0; n < count; n += 1) {
    await new Promise((done) => setTimeout(done, 30));
    const place = root.querySelector(watched);
    const changed = new Promise((done) => {
      const seen = new MutationObserver(() => { if (place.innerText !== before) { seen.disconnect(); done(); } });
      seen.observe(place, { childList: true, subtree: true, characterData: true });
    });
    const before = place.innerText;
    const began = performance.now();
    const key = { key: "ArrowRight", code: "ArrowRight", keyCode: 39, which: 39, bubbles: true, cancelable: true };
    root.querySelector(handle).dispatchEvent(new KeyboardEvent("keydown", key));
    await changed;
    document.body.offsetHeight; // lay the page out again
    taken.push((performance.now() - began) / 1000);
  }
  return taken;
}"""
OPEN = """async (cell) => {
  const began = performance.now();
  window.jupyterapp.shell.currentWidget.content.activeCellIndex = cell;
  window.jupyterapp.commands.execute("notebook:run-cell");
  const root = document.querySelectorAll(".jp-Notebook .jp-Cell")[cell];
  while (!root.querySelector(".eslab-player .eslab-event")) await new Promise(requestAnimationFrame);
  return (performance.now() - began) / 1000;
}"""


def player(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Step with the arrow key in the player and in a slider of the same notebook; open a player; look at its memory."""
    from tests.browser import lab_in  # late, as all other rows do without it

    with lab_in(Path(files.folder) / "lab") as lab:
        for length in sizes.played:
            notebook = _opened(lab, length, sizes.keys)
            ours, theirs = _raced(notebook, sizes.presses)
            name = f"key press to changed page, {length:,} events, {sizes.keys:,} keys"
            yield Row(name, SLIDER, ours, theirs, Target("faster", 10))
            yield Row(f"{name}, p95", "a frame of 16 ms", [p95(ours)], None, Target("in seconds", 0.016))
            heap = f"browser heap with a player on {length:,} events, all of JupyterLab"
            yield Row(heap, "-", [_heap(notebook)], None, Target("in MB", 200))
            if length == min(OPENED, max(sizes.played)):
                opened = [notebook.page.evaluate(OPEN, 3)]
                yield Row(f"open a player on {length:,} events", "-", opened, None, Target("in seconds", 2))
            notebook.page.close()


def _heap(notebook: Notebook) -> float:
    """Megabytes of JavaScript heap in use after a garbage collection, buffers included."""
    session = notebook.page.context.new_cdp_session(notebook.page)
    session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    return float(usage["usedSize"] + usage.get("backingStorageSize", 0)) / 1e6


def _opened(lab: Lab, length: int, keys: int) -> Notebook:
    facts: dict[str, Any] = {"length": length, "keys": keys, "start": length // 2}
    cells = [cell.format(**facts) for cell in (MAKE, PLAYER, BESIDE)]
    notebook = lab.open(f"player-{length}", [*cells, "timeline.player()"])
    for cell in range(3):
        notebook.page.evaluate(
            "cell => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = cell; }", cell
        )
        notebook.page.evaluate("window.jupyterapp.commands.execute('notebook:run-cell')")
    notebook.player(1).wait_for()
    notebook.cell(2).locator(".noUi-handle").wait_for()
    notebook.page.wait_for_timeout(3_000)  # the keyframes are made in idle time
    return notebook


def _raced(notebook: Notebook, presses: int) -> tuple[Seconds, Seconds]:
    """The seconds of each press: the player's and the slider's in turn, after a few to warm up."""
    taken: dict[str, Seconds] = {"player": [], "slider": []}
    places = {"player": [1, ".eslab-slider", ".eslab-state"], "slider": [2, ".noUi-handle", ".widget-output"]}
    counts = {"player": presses // 4, "slider": presses // 20}
    for turn in range(5):
        for side, place in places.items():
            seconds = notebook.page.evaluate(PRESS, [*place, counts[side] if turn else 5])
            taken[side] += seconds if turn else []
    return taken["player"], taken["slider"]
