"""Tables, constraints, policies and functions; importing this package declares all of them."""

from app.models import (  # noqa: F401  (declaring is the point)
    audit,
    beds,
    figures,
    files,
    health,
    imports,
    inquiries,
    lifecycles,
    maintenance,
    notifications,
    organizations,
    people,
    permissions,
    personal,
    progress,
    realtime,
    residents,
    rooms,
    saved_views,
    work,
)
