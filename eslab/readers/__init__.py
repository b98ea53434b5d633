"""A reader takes a log from elsewhere as events: one function a format, and for exchange one that writes it."""

from __future__ import annotations

from eslab.readers.git import git
from eslab.readers.log import Found, Log, Refused
from eslab.readers.report import Report

__all__ = ["Found", "Log", "Refused", "Report", "git"]
