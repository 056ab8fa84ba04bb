"""A newcomer's way in: what they type is kept as they type it, and becomes a submission in one transaction (O1, O5)."""

from app.services.onboarding.standing import House, Price, Standing, prices, read
from app.services.onboarding.submitting import submit, tell_of_submission
from app.services.onboarding.typing import choose_bed, complete, keep

__all__ = ["House", "Price", "Standing", "choose_bed", "complete", "keep", "prices", "read", "submit", "tell_of_submission"]
