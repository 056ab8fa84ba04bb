"""Live updates: what the realtime process itself must hear of, and the one function it may call.

Tables whose rows people follow are declared where they are, by `protect(…, published=…)`.
"""

from __future__ import annotations

from app.models.declare import Published, functions, publish
from app.models.people import AccessVersion, UserSession

functions("realtime")

# What somebody may see, and whether they are signed in at all, changes in the same stream as the rows: a capability
# that was taken away before a change was committed is gone when the change is told.
publish(AccessVersion.__table__, Published(key=("subject",), columns=("subject", "version"), inside=True))
publish(UserSession.__table__, Published(key=("id",), columns=("id", "user_id", "ended_at"), inside=True))
