"""What can go wrong for a reason that a person understands."""

from __future__ import annotations


class DomainError(Exception):
    """A refusal with a code for programs, a status for HTTP and a sentence for people."""

    code = "refused"
    status = 422

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(DomainError):
    """The thing does not exist, or belongs to somebody else: the two look alike on purpose."""

    code = "not_found"
    status = 404


class Forbidden(DomainError):
    """The caller is known, and may not do this."""

    code = "forbidden"
    status = 403


class Conflict(DomainError):
    """Somebody else got there first, or the thing is no longer in the state the caller saw."""

    code = "conflict"
    status = 409


class Invalid(DomainError):
    """The input cannot be accepted as it is; `field` names the form field where there is one."""

    code = "invalid"
    status = 422

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class LimitReached(DomainError):
    """A limit of the plan, or of the day, stands in the way; the message names it."""

    code = "limit_reached"
    status = 429
