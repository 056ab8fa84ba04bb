"""Amenities: their hours and slots, bookings and lines, what is free, who is told, how they are used."""

from __future__ import annotations

from app.services.amenities import booking, calendar, hours, telling, usage

__all__ = ["booking", "calendar", "hours", "telling", "usage"]
