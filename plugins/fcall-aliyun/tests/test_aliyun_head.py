"""The head of an answer: read as the standard library reads it where it is well-formed, and refused where it is not."""

from __future__ import annotations

import io
from http.client import HTTPException, HTTPResponse, RemoteDisconnected
from typing import Any

import pytest
from fcall_aliyun._head import StrictResponse
from hypothesis import given, settings
from hypothesis import strategies as st


class _Wire:
    """As much of a socket as an answer is read from."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self.data)


def _read(data: bytes, kind: type[HTTPResponse] = StrictResponse) -> HTTPResponse:
    response = kind(_Wire(data))  # type: ignore[arg-type]
    response.begin()
    return response


def _seen(response: HTTPResponse) -> tuple[Any, ...]:
    framing = (response.chunked, response.length, response.will_close)
    return (response.status, response.version, response.reason, response.getheaders(), framing, response.read())


GOOD = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Fc-Request-Id: 1\r\n\r\nab",
    b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nab",
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
    b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 9\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\na",
    b"HTTP/1.1 200 OK\r\n\r\nab",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nab",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
    b"HTTP/1.1 200 OK\r\nA:  padded\r\nB:\r\nC: \xe9\r\nA: again\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n",
]


@pytest.mark.parametrize("data", GOOD)
def test_a_good_head_is_read_as_ever(data: bytes) -> None:
    """Status, headers, framing and body are those that the standard library reads."""
    assert _seen(_read(data)) == _seen(_read(data, HTTPResponse))


def test_blanks_around_a_value_are_no_part_of_it() -> None:
    """The standard library leaves those behind it; RFC 9110 does not."""
    assert _read(b"HTTP/1.1 200 OK\r\nA: \t 1 \t \r\n\r\n").getheader("a") == "1"


def test_interim_answers_are_passed_over() -> None:
    """Early hints and the like are no answer."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    response = _read(hints + b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")

    assert (response.status, response.getheader("link"), response.read()) == (200, None, b"a")


BAD = [
    b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA : 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: 1\rB: 2\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
    b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"A: 1\r\n" * 101 + b"\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 101,
    b"HTTP/2 200 OK\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
    b"nonsense\r\n\r\n",
]


@pytest.mark.parametrize("data", BAD, ids=lambda data: repr(data[:40]))
def test_a_bad_head_is_refused(data: bytes) -> None:
    """What is no head is never half of one."""
    with pytest.raises(HTTPException):
        _read(data)


def test_nothing_is_a_closed_connection() -> None:
    """An answer without a byte is the other side's leaving."""
    with pytest.raises(RemoteDisconnected):
        _read(b"")


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(st.binary(max_size=80), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nA: 1\r\n"]))
def test_any_bytes_are_read_or_refused(data: bytes, before: bytes) -> None:
    """Nothing else comes out than an answer or the exception that says there is none."""
    try:
        response = _read(before + data)
    except HTTPException:
        return

    assert 100 <= response.status <= 999
