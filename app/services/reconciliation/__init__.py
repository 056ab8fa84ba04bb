"""Reconciliation: statements are kept, their lines matched and booked, and what does not agree is decided on. The database's functions write."""

from app.services.reconciliation.breaks import (
    Candidate,
    candidates,
    find,
    freeze_for,
    match_by_hand,
    propose,
    resolve,
    tell_of_break,
)
from app.services.reconciliation.matching import check_clearing, match_account
from app.services.reconciliation.statements import accounts, add, digest, fetch, keep_file, read_file

__all__ = ["Candidate", "accounts", "add", "candidates", "check_clearing", "digest", "fetch", "find", "freeze_for", "keep_file", "match_account", "match_by_hand",
           "propose", "read_file", "resolve", "tell_of_break"]
