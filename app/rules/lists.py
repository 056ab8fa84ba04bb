"""Limits of lists: how much a person may keep, take out or change at once."""

from __future__ import annotations

VIEW_NAME_MAX = 60
VIEW_QUERY_MAX = 2000  # characters; a link of this length still fits into a request line
VIEWS_PER_SCREEN = 50
"""Views that one person keeps of one screen."""
EXPORT_MAX = 10_000
"""Rows of one file: about ten seconds of a web process, which does nothing else meanwhile."""
BULK_MAX = 1000
"""Rows that one action is taken on."""
