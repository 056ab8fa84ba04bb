"""Inquiries: how they arrive, what staff do with them, how they are found and told of."""

from app.services.inquiries.arriving import (
           Arrival,
           Device,
           add,
           admit,
           is_known,
           is_sent,
           own_lead,
           place,
           remember,
           submit,
           use_proof,
)
from app.services.inquiries.working import (
           NOTE_MAX,
           convert,
           edit,
           known,
           merge,
           move,
           note,
           plan,
           remove,
           remove_note,
           restore,
           reveal,
)

__all__ = ["NOTE_MAX", "Arrival", "Device", "add", "admit", "convert", "edit", "is_known", "is_sent", "known", "merge", "move", "note", "own_lead",
           "place", "plan", "remember", "remove", "remove_note", "restore", "reveal", "submit", "use_proof"]
