"""Made-up companies, people and repairs: what a first start shows."""

from __future__ import annotations

from app.services.demo import announcements, canteen, events, inventory, meals
from app.services.demo.cast import COMPANIES, logins
from app.services.demo.gateways import take_money
from app.services.demo.leads import ask
from app.services.demo.loading import fill, found, set_passwords
from app.services.demo.money import propose
from app.services.demo.newcomers import correct, newcomers, register, review

__all__ = ["COMPANIES", "announcements", "ask", "canteen", "correct", "events", "fill", "found", "inventory", "logins", "meals", "newcomers", "propose", "register", "review", "set_passwords", "take_money"]
