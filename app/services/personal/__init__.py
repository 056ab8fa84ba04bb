"""Personal data: values under a key per person, documents, rotation of keys, export and erasure (O2, O3, O12)."""

from app.services.personal.values import find, masked, own_drafts, put, readings, remove, reveal, reveal_all

__all__ = ["find", "masked", "own_drafts", "put", "readings", "remove", "reveal", "reveal_all"]
