"""An answer while it is read: httptools says what comes, and here it is judged and kept."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fcall.http._answer import Answer, BrokenAnswerError, MalformedAnswerError

__all__ = ["Reading"]

_LONGEST_HEAD = 128 * 1024
_MOST_HEADERS = 200


@lru_cache(maxsize=256)
def _lower(name: bytes) -> str:
    """A header's name: answer after answer has the same ones, and shares them."""
    return name.decode("ascii").lower()


class Reading:
    """One answer.

    Args:
        largest: the most bytes of the body that are taken.

    Attributes:
        complete: it is read to its end.
        status: the status, or 0 where the head has not come.
        headers: the headers so far.
        keep: it ended by itself, and its connection serves again.
    """

    def __init__(self, largest: int) -> None:
        from httptools import HttpResponseParser

        self._parser: Any = HttpResponseParser(self)
        self._largest, self._size, self._body = largest, 0, bytearray()
        self.status, self.headers = 0, dict[str, str]()
        self.complete = self.keep = self._followed = False
        self._framed = True

    def feed(self, data: bytes) -> None:
        """Take what came; nothing means that the server has closed its side, which may be the end.

        Raises:
            BrokenAnswerError: it was not.
            MalformedAnswerError: what came is no answer of HTTP/1.1.
        """
        if not data:
            if not self.status or self._framed:
                raise BrokenAnswerError("the connection was closed before the answer's end")
            self.complete = True
            return
        try:
            self._parser.feed_data(data)
        except Exception as error:  # noqa: BLE001 - httptools' own, or what a callback raised in it
            self._parser, cause = None, error.__context__
            if isinstance(cause, MalformedAnswerError):
                raise cause from None
            raise MalformedAnswerError("the answer is not HTTP/1.1") from None
        self._size += len(data)
        if not self.status and self._size > _LONGEST_HEAD:
            raise MalformedAnswerError("the answer's head is too long")

    def answer(self) -> Answer:
        """The answer, once it is complete."""
        self._parser = None  # they hold on to each other
        cut = len(self._body) > self._largest
        body = bytes(self._body[: self._largest] if cut else self._body)
        return Answer(self.status, self.headers, body, self._framed, cut, self._followed)

    # What httptools calls

    def on_message_begin(self) -> None:
        self._followed = self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.status:  # a trailer
            return
        headers, key, text = self.headers, _lower(name), value.decode("latin-1").strip(" \t")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
        if len(headers) > _MOST_HEADERS:
            raise MalformedAnswerError("the answer has too many headers")

    def on_headers_complete(self) -> None:
        if self.complete:
            return
        status, headers = self._parser.get_status_code(), self.headers
        if not 100 <= status < 600 or status == 101 or self._parser.get_http_version() not in ("1.1", "1.0"):
            raise MalformedAnswerError("the answer speaks another protocol")
        if status < 200:
            self.headers = {}
            return
        coding = headers.get("transfer-encoding")
        if coding is not None and (coding.lower() != "chunked" or "content-length" in headers):
            raise MalformedAnswerError("the answer's length is said in two ways")
        self.status = status
        self._framed = coding is not None or "content-length" in headers or status in (204, 304)

    def on_body(self, data: bytes) -> None:
        if not self.complete:
            self._body += data
            self.complete = len(self._body) > self._largest

    def on_message_complete(self) -> None:
        if self.status and not self.complete:
            self.keep = self._parser.should_keep_alive()
            self.complete = True
