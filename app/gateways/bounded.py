"""Requests to others whose answers are read whole, up to a size and a moment: one that drips must not hold a process."""

from __future__ import annotations

import time
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter


class TooLong(requests.RequestException):
    """An answer that does not end where sensible ones do."""


class Bounded(HTTPAdapter):
    """All answers of a session within one deadline, each of a limited size."""

    def __init__(self, deadline: float, pause: float, largest: int) -> None:
        self._deadline = deadline
        self._pause = pause  # seconds without a byte
        self._largest = largest
        super().__init__()

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        pause = min(self._pause, self._left())
        response = super().send(request, **{**options, "stream": True, "timeout": (pause, pause)})
        body = bytearray()
        try:
            while part := response.raw.read1(self._largest, decode_content=True):
                body += part
                if len(body) > self._largest:
                    raise TooLong
                self._left()
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError from error
        finally:
            response.close()
        response._content = bytes(body)  # noqa: SLF001 - what requests itself does after reading
        return response

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise requests.Timeout
        return left
