"""The embedded PostgreSQL asks every login for its password, keeps its data, and stops a server left behind."""

import shutil
from pathlib import Path

import psutil
import psycopg2
import pytest

from app.local.places import open_data_folder, private_folder
from app.local.postgres import Postgres, remove
from app.local.process import LocalError


@pytest.fixture
def cluster(tmp_path: Path):
    folder = open_data_folder(tmp_path)
    private_folder(folder.sockets, 0o711)
    found = Postgres(folder.postgres, folder.sockets / "pg", tmp_path / "log", "right & / @", durable=False)
    found.start()
    yield found
    found.stop()
    remove(found.folder)
    shutil.rmtree(folder.sockets)


def test_data_survives_a_stop_and_a_kill(cluster: Postgres):
    cluster.execute("CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1)", "CHECKPOINT")
    cluster.stop()
    cluster.start()
    cluster.process.kill()
    cluster.process.wait()
    cluster.start()
    assert cluster.query("SELECT n FROM kept") == [(1,)]


def test_a_wrong_password_is_refused_to_the_superuser_too(cluster: Postgres):
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(cluster.url("postgres", password="wrong"))
    cluster.password = "wrong"
    with pytest.raises(LocalError, match="another password"):
        cluster.answers()


def test_its_change_stream_is_logical_and_it_hears_no_network(cluster: Postgres):
    assert cluster.query("SHOW wal_level") == [("logical",)]
    assert cluster.query("SHOW listen_addresses") == [("",)]


def test_names_sort_alike_on_every_machine(cluster: Postgres):
    names = "SELECT string_agg(n, ' ' ORDER BY n) FROM unnest(ARRAY['é', 'a', 'Z', 'b']) n"
    assert cluster.query(names) == [("Z a b é",)]


def test_a_server_left_behind_is_stopped_before_a_new_one_starts(cluster: Postgres):
    left = psutil.Process(cluster.process.pid)
    again = Postgres(cluster.folder, cluster.sockets, cluster.log, cluster.password, durable=False)
    again.start()
    assert cluster.process.wait(10) is not None
    assert not left.is_running()
    assert again.answers()
    again.stop()


def test_nobody_else_may_enter_its_socket_folder(cluster: Postgres):
    assert cluster.sockets.stat().st_mode & 0o077 == 0


def test_a_squatters_socket_folder_is_refused(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(LocalError, match="belongs to somebody else"):
        private_folder(tmp_path / "link")


def test_a_cluster_that_cannot_start_says_why(cluster: Postgres):
    cluster.stop()
    (cluster.folder.resolve() / "global" / "pg_control").write_bytes(b"broken")
    with pytest.raises(LocalError, match=r"PostgreSQL did not start: .*pg_control"):
        cluster.start()
