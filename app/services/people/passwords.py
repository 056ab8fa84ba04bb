"""Hashing of passwords, in the same time whether there is an account or not."""

from __future__ import annotations

import secrets
from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

METHOD = "scrypt:32768:8:1"  # OWASP Password Storage Cheat Sheet: N=2^15, r=8; some 60 ms and 32 MB


def hash_password(password: str) -> str:
    """A salted hash that names its method, so that the method can change."""
    return generate_password_hash(password, METHOD)


def is_password(stored: str | None, password: str) -> bool:
    """Whether it is the password; without a stored hash a made-up one is compared, which takes as long."""
    return check_password_hash(stored or _nobodys(), password) and stored is not None


@cache
def _nobodys() -> str:
    return hash_password(secrets.token_urlsafe(16))
