"""How the installation is: ids and logs of requests, the probes for machines, the checks behind them."""

from __future__ import annotations

from app.health.probes import init_app
from app.health.requests import init_requests

__all__ = ["init_app", "init_requests"]
