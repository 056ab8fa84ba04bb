"""Doors for programs. The first is app/api/realtime."""
