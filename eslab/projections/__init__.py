"""A projection folds the whole log into a read model: a view for one question, thrown away and rebuilt at will.

A read model remembers its checkpoint, the position of the last event in it. View and checkpoint change together, so
that a crash between two batches neither loses an event nor counts it twice.
"""

from eslab.projections.frames import FrameProjection
from eslab.projections.inline import inline
from eslab.projections.letters import DeadLetter, DeadLetters
from eslab.projections.projection import Projection, evolved, live
from eslab.projections.projector import Projector
from eslab.projections.read_models import Mark, PythonState, ReadModel
from eslab.projections.sqlite import SqliteProjection

__all__ = [
    "DeadLetter", "DeadLetters", "FrameProjection", "Mark", "Projection", "Projector", "PythonState", "ReadModel",
    "SqliteProjection", "evolved", "inline", "live",
]  # fmt: skip
