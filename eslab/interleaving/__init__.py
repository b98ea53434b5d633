"""The interleaving lab runs a few concurrent actors in every order there is, and shows the orders that break a rule."""

from eslab.interleaving.actors import CannotExplore, Outcome, crash, wait
from eslab.interleaving.case import Case
from eslab.interleaving.exploring import explore
from eslab.interleaving.inside import stepping, switch, threaded
from eslab.interleaving.readers import CRASH_AFTER_CHECKPOINT, CRASH_AFTER_VIEW, REDELIVERY, TWO_PROJECTORS
from eslab.interleaving.schedules import Schedule, Schedules, Step
from eslab.interleaving.writers import CHECK_THEN_ACT, COMMIT_ORDER_GAP, LOST_UPDATE

CASES = (
    LOST_UPDATE, CHECK_THEN_ACT, COMMIT_ORDER_GAP, REDELIVERY, CRASH_AFTER_VIEW, CRASH_AFTER_CHECKPOINT, TWO_PROJECTORS
)  # fmt: skip
"""The ways in which concurrent actors go wrong that everybody meets, each with its cure."""

__all__ = [
    "CASES", "CHECK_THEN_ACT", "COMMIT_ORDER_GAP", "CRASH_AFTER_CHECKPOINT", "CRASH_AFTER_VIEW", "LOST_UPDATE",
    "REDELIVERY", "TWO_PROJECTORS", "CannotExplore", "Case", "Outcome", "Schedule", "Schedules", "Step", "crash",
    "explore", "stepping", "switch", "threaded", "wait",
]  # fmt: skip
