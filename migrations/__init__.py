"""Schema migrations: one head, run as the owner."""
