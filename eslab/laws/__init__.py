"""A law of folds is a sentence that must hold for every history, and that a wrong fold breaks at some event.

Each law does something else with a history than folding it twice alike: it goes on from what was stored, changes
clock and chance, delivers an event again, or rewrites it. It returns a `Kept`, or raises `LawBroken` with the first
event at which it shows. (Laws as properties that are tested: Koen Claessen and John Hughes, QuickCheck, 2000.)
"""

from eslab.laws.checking import check_laws
from eslab.laws.decisions import pure_decision
from eslab.laws.folds import prefix, pure
from eslab.laws.read_models import redelivery
from eslab.laws.said import Kept, LawBroken
from eslab.laws.schemas import upcast_then_fold

__all__ = ["Kept", "LawBroken", "check_laws", "prefix", "pure", "pure_decision", "redelivery", "upcast_then_fold"]
