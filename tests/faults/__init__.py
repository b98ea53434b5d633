"""Faults made on purpose, with a count of what was lost: `python -m tests.faults` prints the figures as a table."""
