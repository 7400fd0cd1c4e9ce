"""Requests that no client should send: hostile to HTTP, to the APIs, or to both."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable, Iterator
from random import Random

__all__ = ["requests", "status_of"]

_PATHS = [
    "/2015-03-31/functions/{name}/invocations",
    "/2021-11-15/functions/{name}/response-streaming-invocations",
    "/2014-11-13/functions/{name}/invoke-async/",
    "/2015-03-31/functions/{name}",
    "/2015-03-31/functions",
    "/2016-08-15/services/{name}/functions/{name}/invocations",
    "/2016-08-15/services/{name}/functions",
    "/2023-03-30/functions/{name}/invocations",
    "/2023-03-30/functions",
    "/toy/{name}",
    "/_fcall/state",
    "/",
    "/{name}",
]
_NAMES = [
    *("echo", "absent", "..", "../../etc/passwd", "%2e%2e%2f", "echo%00", "%", "%zz", "%ff%fe", "é", "a" * 300),
    *("echo:7", "echo:$LATEST", "echo:nope", "arn:aws:lambda:eu-west-1:000000000000:function:echo", "arn:::::", "::"),
    *("echo?", "echo#x", "echo;x", "", " ", "local:app.py:main", "app.py:main", "svc.live", "svc.", "[::1]", "{}"),
]
_QUERIES = [
    *("", "?Qualifier=7", "?Qualifier=" + "q" * 200, "?Qualifier=%00", "?MaxItems=0", "?MaxItems=x", "?limit=-1"),
    *("?Marker=%F0%9F", "?nextToken=nope", "?limit=99999999999999999999", "?=&=&&", "?" + "&".join("a" * 50), "??"),
    *("?qualifier=" + "é", "?type=Nope", "?version=%"),
]
_HEADERS = [
    *("X-Amz-Invocation-Type: Nope", "X-Amz-Invocation-Type: Event", "X-Amz-Invocation-Type: DryRun"),
    *("X-Amz-Log-Type: Head", "X-Amz-Client-Context: %%%", "X-Amz-Client-Context: " + "A" * 5_000),
    "X-Amz-Client-Context: " + base64.b64encode(b"[1, 2]").decode(),
    "X-Amz-Client-Context: " + base64.b64encode(b'{"custom": 3, "client": "x"}').decode(),
    *("X-Amz-Tenant-Id: " + "t" * 500, "X-Amz-Durable-Execution-Name: x", "X-Fc-Invocation-Type: Nope"),
    *("X-Fc-Invocation-Type: Async", "X-Fc-Stateful-Async-Invocation-Id: 1 2", "X-Fc-Async-Task-Id: same"),
    *("X-Fc-Log-Type: Tail", "Authorization: AWS4-HMAC-SHA256 Credential=////", "Authorization: FC :", "Expect: x"),
    *("Authorization: ACS3-HMAC-SHA256 x", "Connection: upgrade\r\nUpgrade: websocket", "Content-Type: text/xml"),
    *(
        "Origin: http://evil.example",
        "Host: evil.example",
        "Content-Encoding: gzip",
        "X: \xe9\xff",
        "Cookie: " + "c" * 9_000,
    ),
    *("X-Amz-Date: yesterday", "Content-MD5: no", "Range: bytes=9-1", "Transfer-Encoding: gzip"),
]
_BODIES = [
    *(b"", b"{}", b"{", b"null", b"NaN", b'{"a": Infinity}', b"\xff\xfe", b'"\xed\xa0\x80"', b"[" * 100_000),
    *(
        b"{" * 50_000,
        b'{"a":' * 20_000,
        b"1" * 5_000,
        b"1e999",
        b'"' + b"x" * 200_000 + b'"',
        b"\x00" * 100,
        b"\xef\xbb\xbf{}",
    ),
    *(json.dumps({"a": {"b": [1] * 1_000}}).encode(), b"break" * 3, b"x=1&y=2", b"%PDF-1.4", b"\r\n\r\n"),
]
_METHODS = ["POST"] * 8 + [
    "GET",
    "PUT",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "CONNECT",
    "BREW",
    "post",
    "GET ",
]


def requests(random: Random, number: int) -> Iterator[bytes]:
    """So many requests, as they go on the wire."""
    for _ in range(number):
        damage = random.choice(_DAMAGES)
        yield damage(_request(random), random)


def status_of(address: tuple[str, int], request: bytes) -> int:
    """The first status that a request is answered with, or 0 where the connection is closed without one.

    Raises:
        TimeoutError: the server neither answers nor closes.
    """
    with socket.create_connection(address, timeout=30) as connection:
        answer = b""
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65_536):
                answer += piece if len(answer) < 100 else b""
        except TimeoutError:
            raise
        except OSError:  # it was refused before it was sent whole
            pass
    while answer.startswith(b"HTTP/1.1 100"):
        answer = answer.partition(b"\r\n\r\n")[2]
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def _request(random: Random) -> bytes:
    """A request whose framing is right."""
    target = random.choice(_PATHS).replace("{name}", random.choice(_NAMES)) + random.choice(_QUERIES)
    lines = [f"{random.choice(_METHODS)} {target} HTTP/1.1"]
    headers = random.sample(_HEADERS, random.randrange(4))
    body = random.choice(_BODIES)
    if not any(header.startswith("Host") for header in headers):
        lines.append("Host: localhost")
    if random.random() < 0.2:
        lines.append("Transfer-Encoding: chunked")
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    else:
        lines.append(f"Content-Length: {len(body)}")
    random.shuffle(headers)
    return "\r\n".join([*lines, *headers, "Connection: close", "", ""]).encode("latin-1", "replace") + body


def _as_it_is(request: bytes, random: Random) -> bytes:
    return request


def _cut(request: bytes, random: Random) -> bytes:
    return request[: random.randrange(len(request))]


def _spoilt(request: bytes, random: Random) -> bytes:
    spoilt = bytearray(request)
    for _ in range(random.randrange(1, 20)):
        spoilt[random.randrange(min(len(spoilt), 300))] = random.randrange(256)
    return bytes(spoilt)


def _wrong_length(request: bytes, random: Random) -> bytes:
    wrong = random.choice([b"-1", b"0x10", b"1e3", b"99999999999999999999", b"5, 6", b"", b"0"])
    return request.replace(b"Content-Length: ", b"Content-Length: " + wrong + b"\r\nX: ", 1)


def _wrong_chunk(request: bytes, random: Random) -> bytes:
    head, _, body = request.partition(b"\r\n\r\n")
    head = head.replace(b"Content-Length:", b"X:") + b"\r\nTransfer-Encoding: chunked"
    return (
        head + b"\r\n\r\n" + random.choice([b"zz\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"5\r\nabc", b""]) + body
    )


def _doubled(request: bytes, random: Random) -> bytes:
    return request.replace(b"Connection: close", b"X: y", 1) + request


def _noise(request: bytes, random: Random) -> bytes:
    return random.randbytes(random.randrange(1, 2_000))


_DAMAGES: list[Callable[[bytes, Random], bytes]] = [
    *(_as_it_is,) * 8,
    *(_cut, _spoilt, _wrong_length, _wrong_chunk, _doubled, _noise),
]
