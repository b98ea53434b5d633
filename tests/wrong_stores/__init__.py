"""Stores that are wrong, each in one way, and the tests of the contract that notice each."""

from . import appends, chains, facts, queries, reads, several, subscriptions
from .registry import CAUGHT, check

__all__ = ["CAUGHT", "appends", "chains", "check", "facts", "queries", "reads", "several", "subscriptions"]
