"""Events of the houses: planned and published by staff, answered by residents, told of, and taken into calendars."""

from app.services.events import feeds, planning, replying, telling

__all__ = ["feeds", "planning", "replying", "telling"]
