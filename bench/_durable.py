"""Servers that keep what is committed, as in production: tests run on a cluster without fsync, and would flatter us."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.local import places
from app.local.postgres import Postgres, remove
from app.local.redis import Redis
from tests.servers import Servers


@contextmanager
def durable_servers() -> Iterator[Servers]:
    """A PostgreSQL with fsync and synchronous commits, and a Redis, for one measurement."""
    with tempfile.TemporaryDirectory(prefix="viramah-bench-") as name:
        folder = places.open_data_folder(Path(name))
        places.private_folder(folder.sockets, 0o711)
        cluster = Postgres(folder.postgres, folder.sockets / "pg", folder.logs / "postgres.log", "bench", trust=True)
        redis = Redis(folder.sockets / "redis", folder.logs / "redis.log")
        try:
            cluster.start()
            redis.start()
            yield Servers(cluster, redis)
        finally:
            redis.stop()
            cluster.stop()
            remove(folder.postgres)
