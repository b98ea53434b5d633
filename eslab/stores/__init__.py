"""Stores on real databases, each with the same contract as the one in memory."""
