"""What every object store does, asked of the local one and of S3 through a real HTTP server."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from app.gateways.objects import (
    LocalStore,
    ObjectMissing,
    ObjectStore,
    S3Store,
    StoreRefused,
    StoreUnavailable,
    UnsafeKey,
)

JPEG = "image/jpeg"
CREDENTIALS = ("test-access", "test-secret", "ap-south-1")


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_store(s3_endpoint: str, request: pytest.FixtureRequest) -> S3Store:
    bucket = f"files-{abs(hash(request.node.nodeid))}"
    made = S3Store(s3_endpoint, bucket, *CREDENTIALS)
    made._client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": CREDENTIALS[2]})
    return made


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "local":
        return LocalStore(tmp_path / "files")
    made: S3Store = request.getfixturevalue("s3_store")
    return made


def contents(store: ObjectStore, key: str) -> bytes:
    with store.open(key) as stream:
        return stream.read()


class Breaking(io.RawIOBase):
    """A stream that gives some bytes and then fails, as a browser that goes away does."""

    def __init__(self) -> None:
        self.pieces = [b"x" * 1000]

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if not self.pieces:
            raise ConnectionResetError("the browser went away")
        return self.pieces.pop()


def test_what_was_put_is_read_back(store: ObjectStore) -> None:
    store.put("requests/1/leak.jpg", b"\xff\xd8 water", JPEG)
    assert contents(store, "requests/1/leak.jpg") == b"\xff\xd8 water"


def test_a_stream_larger_than_one_part_is_read_back(store: ObjectStore) -> None:
    large = bytes(range(256)) * 4 * 1024 * 9  # 9 MiB: two parts of a multipart upload
    store.put("exports/large.bin", io.BytesIO(large), "application/octet-stream")
    assert contents(store, "exports/large.bin") == large


def test_an_object_is_read_in_pieces(store: ObjectStore) -> None:
    store.put("a.txt", b"0123456789", "text/plain")
    with store.open("a.txt") as stream:
        assert [stream.read(4), stream.read(4), stream.read(4), stream.read(4)] == [
            b"0123",
            b"4567",
            b"89",
            b"",
        ]


def test_an_empty_object_exists(store: ObjectStore) -> None:
    store.put("empty", b"", "text/plain")
    assert store.exists("empty")
    assert contents(store, "empty") == b""


def test_putting_again_replaces(store: ObjectStore) -> None:
    store.put("a.txt", b"a longer first version", "text/plain")
    store.put("a.txt", b"second", "text/plain")
    assert contents(store, "a.txt") == b"second"


def test_a_stream_that_breaks_off_leaves_the_old_object(store: ObjectStore) -> None:
    store.put("a.txt", b"old", "text/plain")
    with pytest.raises(ConnectionResetError):
        store.put("a.txt", Breaking(), "text/plain")  # type: ignore[arg-type]
    assert contents(store, "a.txt") == b"old"
    assert list(store.list()) == ["a.txt"]


def test_opening_a_missing_object_says_so(store: ObjectStore) -> None:
    with pytest.raises(ObjectMissing):
        store.open("nowhere/a.txt")


def test_a_deleted_object_is_gone_and_deleting_twice_is_the_same_as_once(store: ObjectStore) -> None:
    store.put("a/b.txt", b"x", "text/plain")
    store.delete("a/b.txt")
    store.delete("a/b.txt")
    assert not store.exists("a/b.txt")


def test_a_folder_of_keys_is_not_an_object(store: ObjectStore) -> None:
    store.put("a/b.txt", b"x", "text/plain")
    assert not store.exists("a")
    with pytest.raises((ObjectMissing, UnsafeKey)):
        store.open("a")


def test_keys_are_listed_by_prefix_in_order(store: ObjectStore) -> None:
    for key in ("org1/b.txt", "org1/a/z.txt", "org10/a.txt", "org2/a.txt", "org1/B.txt"):
        store.put(key, b"x", "text/plain")
    assert list(store.list("org1")) == ["org1/B.txt", "org1/a/z.txt", "org1/b.txt", "org10/a.txt"]
    assert list(store.list("org1/")) == ["org1/B.txt", "org1/a/z.txt", "org1/b.txt"]
    assert list(store.list("org3")) == []


def test_more_keys_than_one_page_are_all_listed(store: ObjectStore) -> None:
    if isinstance(store, S3Store):
        store._client.meta.events.register("before-parameter-build.s3.ListObjectsV2", small_pages)
    for number in range(7):
        store.put(f"n/{number}", b"x", "text/plain")
    assert list(store.list("n/")) == [f"n/{number}" for number in range(7)]


def small_pages(params: dict[str, object], **_: object) -> None:
    params["MaxKeys"] = 3


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../secret",
        "a/../../b",
        "a//b",
        "a/",
        ".hidden",
        "a/.b",
        "a\\b",
        "a\0b",
        "a b",
        "ä",
        "a" * 513,
    ],
)
def test_a_key_that_could_leave_the_store_is_refused(store: ObjectStore, key: str) -> None:
    for use in (store.open, store.delete, store.exists):
        with pytest.raises(UnsafeKey):
            use(key)
    with pytest.raises(UnsafeKey):
        store.put(key, b"x", "text/plain")


def test_a_working_store_passes_its_check(store: ObjectStore) -> None:
    store.check()


def test_local_files_are_private(tmp_path: Path) -> None:
    LocalStore(tmp_path / "files").put("a/b.txt", b"x", "text/plain")
    assert (tmp_path / "files/a/b.txt").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "files/a").stat().st_mode & 0o777 == 0o700


def test_a_local_folder_that_cannot_be_used_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where the folder should be")
    with pytest.raises((StoreRefused, UnsafeKey)):
        LocalStore(tmp_path / "files")


def test_a_local_file_and_a_folder_cannot_share_a_name(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("a/b", b"x", "text/plain")
    with pytest.raises(UnsafeKey):
        store.put("a", b"x", "text/plain")
    with pytest.raises(UnsafeKey):
        store.put("a/b/c", b"x", "text/plain")


def test_s3_keeps_the_content_type(s3_store: S3Store) -> None:
    s3_store.put("a.jpg", b"x", JPEG)
    assert s3_store._client.head_object(Bucket=s3_store._bucket, Key="a.jpg")["ContentType"] == JPEG


def test_a_bucket_that_is_not_there_is_a_matter_of_settings(s3_endpoint: str) -> None:
    store = S3Store(s3_endpoint, "no-such-bucket", *CREDENTIALS)
    with pytest.raises(StoreRefused):
        store.put("a", b"x", "text/plain")
    with pytest.raises(StoreRefused):
        store.check()


def test_an_s3_that_does_not_answer_is_temporary(closed_port: int) -> None:
    store = S3Store(f"http://127.0.0.1:{closed_port}", "files", *CREDENTIALS)
    with pytest.raises(StoreUnavailable):
        store.exists("a")
