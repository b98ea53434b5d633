"""A chart answers one question about a frame: frame in, axes out.

Each takes a frame from `eslab.frames` (or a timeline, as the frame of its states), a `title` that says what is to be
seen, and `ax=` to draw into axes that are there already. The style is eslab's own and leaves matplotlib's settings as
they were; `style("dark")` is for dark pages, and `plt.style.use("eslab.static.eslab")` for charts of one's own.

| question | chart |
|---|---|
| what was the state at every moment, of one, of many? | `state_over_time`, `many_streams` |
| what would have been? | `branch` |
| what happened when, stream by stream? | `event_strip`, `swimlanes` |
| how much, and on which days? | `counts`, `calendar` |
| how many came how far, and how many are waiting? | `funnel`, `arrivals` |
| how long does it take, and what comes next? | `durations`, `transitions` |
| when was it known? | `two_clocks` |
| which projection is behind? | `lag` |
| may I see it run? | `animate` |
"""

from eslab.charts.bars import counts, funnel
from eslab.charts.clocks import arrivals, two_clocks
from eslab.charts.columns import AXIS
from eslab.charts.films import animate
from eslab.charts.heat import calendar, transitions
from eslab.charts.lanes import event_strip, swimlanes
from eslab.charts.lines import branch, lag, state_over_time
from eslab.charts.panels import many_streams, panels_of
from eslab.charts.spans import durations
from eslab.drawing import style

__all__ = [
    "AXIS", "animate", "arrivals", "branch", "calendar", "counts", "durations", "event_strip", "funnel", "lag",
    "many_streams", "panels_of", "state_over_time", "style", "swimlanes", "transitions", "two_clocks",
]  # fmt: skip
