"""Tables, constraints, policies and functions; importing this package declares all of them."""

from app.models import (  # noqa: F401  (declaring is the point)
    audit,
    figures,
    files,
    health,
    imports,
    lifecycles,
    maintenance,
    notifications,
    organizations,
    people,
    permissions,
    progress,
    realtime,
    rooms,
    saved_views,
    work,
)
