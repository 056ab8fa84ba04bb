"""Private object storage: the bytes of files, addressed by key, on a local disk or behind the S3 protocol.

Keys are relative paths of plain ASCII segments (`residents/0198…/aadhaar.jpg`). Nothing here is reachable by a
URL: tables keep keys, and the console streams a file to a person whose signed link it has read. What kind of file
it is stands in the table too; the content type given to `put` serves whoever looks into the bucket.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from app.rules.errors import DomainError, Invalid, NotFound

KEY_LENGTH = 512  # S3 allows 1024 bytes; half leaves room for a prefix and for the folder's own path
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._=-]{0,199}")
_MISSING = {"NoSuchKey", "404", "NotFound"}
_TEMPORARY = {"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "TooManyRequests", "429"}


class ObjectMissing(NotFound):
    """Permanent: there is no object of this key."""

    code = "object_missing"


class UnsafeKey(Invalid):
    """Permanent: the key could leave the store's folder, or collides with a folder of other keys."""

    code = "unsafe_key"


class StoreRefused(DomainError):
    """Permanent until somebody changes the settings: wrong credentials, no such bucket, a full disk."""

    code = "store_refused"
    status = 500


class StoreUnavailable(DomainError):
    """Temporary: the store does not answer; the same call may work in a moment."""

    code = "store_unavailable"
    status = 503


class ObjectStore(Protocol):
    """What services may ask of a store; every implementation passes tests/gateways/test_objects_contract.py."""

    def put(self, key: str, content: bytes | BinaryIO, content_type: str) -> None:
        """Store `content` (a stream is read to its end) whole or not at all, replacing what was there."""

    def open(self, key: str) -> BinaryIO:
        """A stream of the bytes, which the caller closes; `ObjectMissing` if there are none."""

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens if it is gone already."""

    def exists(self, key: str) -> bool:
        """Whether there is an object of this key."""

    def list(self, prefix: str = "") -> Iterator[str]:
        """The keys that start with `prefix`, in the order of their bytes."""

    def check(self) -> None:
        """Raise unless the store can be used right now."""


def safe_key(key: str) -> str:
    """The key itself, if it cannot mean anything but a place inside the store."""
    if len(key) > KEY_LENGTH or not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise UnsafeKey("This is not the name of a stored file.")
    return key


class LocalStore:
    """Objects as files (0600) of one folder (0700); a crash leaves the old file or the new one, never a half."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._unfinished = folder / ".unfinished"  # no key starts with a dot, so no listing meets it
        with _local_errors():
            _make_folder(self._unfinished)

    def put(self, key: str, content: bytes | BinaryIO, content_type: str) -> None:  # noqa: ARG002 - tables know it
        target = self._path(key)
        with _local_errors():
            _make_folder(target.parent)
            descriptor, name = tempfile.mkstemp(dir=self._unfinished)  # 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                _copy(content, file)
                with _local_errors():
                    file.flush()
                    os.fsync(file.fileno())
            with _local_errors():
                Path(name).replace(target)
                _sync_folder(target.parent)
        finally:
            Path(name).unlink(missing_ok=True)

    def open(self, key: str) -> BinaryIO:
        with _local_errors():
            return self._path(key).open("rb")

    def delete(self, key: str) -> None:
        with contextlib.suppress(ObjectMissing), _local_errors():
            self._path(key).unlink()

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def list(self, prefix: str = "") -> Iterator[str]:
        files = (path for path in self._root.rglob("*") if path.is_file())
        keys = (path.relative_to(self._root).as_posix() for path in files)
        yield from sorted(key for key in keys if key.startswith(prefix) and not key.startswith("."))

    def check(self) -> None:
        with _local_errors(), tempfile.TemporaryFile(dir=self._unfinished):
            pass

    def _path(self, key: str) -> Path:
        return self._root / safe_key(key)


class S3Store:
    """Objects of one bucket of anything that speaks S3: AWS, MinIO, Ceph, Garage, R2.

    boto3, because signatures, multipart uploads, retries and the dialects' quirks are a decade of other people's
    work. Path style (`endpoint/bucket/key`), because self-hosted stores have no DNS name per bucket. Checksum
    trailers only where an operation requires them: older stores refuse what boto3 sends by default since 1.36.
    Nothing is ever given an ACL: a bucket is private unless somebody opens it on purpose.
    """

    def __init__(self, endpoint: str, bucket: str, access_key: str, secret_key: str, region: str) -> None:
        self._bucket = bucket
        self._client = boto3.session.Session().client(  # the default session is not safe to share
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            region_name=region,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                retries={"mode": "standard", "total_max_attempts": 3},
                connect_timeout=3,
                read_timeout=20,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        self._transfer = TransferConfig(use_threads=False)  # parts one after the other: workers are processes

    def put(self, key: str, content: bytes | BinaryIO, content_type: str) -> None:
        stream = io.BytesIO(content) if isinstance(content, bytes) else content
        options = {"ExtraArgs": {"ContentType": content_type}, "Config": self._transfer}
        with _s3_errors():
            self._client.upload_fileobj(stream, self._bucket, safe_key(key), **options)

    def open(self, key: str) -> BinaryIO:
        with _s3_errors():
            answer = self._client.get_object(Bucket=self._bucket, Key=safe_key(key))
        return io.BufferedReader(_S3Body(answer["Body"]))

    def delete(self, key: str) -> None:
        with _s3_errors():
            self._client.delete_object(Bucket=self._bucket, Key=safe_key(key))

    def exists(self, key: str) -> bool:
        try:
            with _s3_errors():
                self._client.head_object(Bucket=self._bucket, Key=safe_key(key))
        except ObjectMissing:
            return False
        return True

    def list(self, prefix: str = "") -> Iterator[str]:
        with _s3_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", ()))

    def check(self) -> None:
        try:
            with _s3_errors():
                self._client.head_bucket(Bucket=self._bucket)
        except ObjectMissing as error:
            raise StoreRefused("The file store has no such bucket.") from error


class _S3Body(io.RawIOBase):
    """An answer's body as a raw stream whose failures are ours."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _s3_errors():
            piece = self._body.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._body.close()
        super().close()


def _copy(content: bytes | BinaryIO, file: BinaryIO) -> None:
    if isinstance(content, bytes):
        with _local_errors():
            file.write(content)
        return
    while piece := content.read(1 << 20):  # whose errors are the caller's own, unlike those of writing
        with _local_errors():
            file.write(piece)


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents, each known to the disk before anything is put into it."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _local_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing("This file is no longer stored.") from error
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise UnsafeKey("A stored file and a folder of files cannot share a name.") from error
    except OSError as error:
        raise StoreRefused("The file store cannot be written or read; the health page says why.") from error


@contextlib.contextmanager
def _s3_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _MISSING:
            raise ObjectMissing("This file is no longer stored.") from error
        if code in _TEMPORARY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise StoreUnavailable("The file store is busy; try again in a moment.") from error
        raise StoreRefused("The file store refuses the console; the health page says why.") from error
    except (BotoCoreError, HTTPError) as error:
        raise StoreUnavailable("The file store does not answer; try again in a moment.") from error
