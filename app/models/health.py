"""The functions that tell how the installation is; they have no table of their own."""

from __future__ import annotations

from app.models.declare import functions

functions("health")
