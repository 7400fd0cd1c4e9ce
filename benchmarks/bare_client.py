"""A client of the Runtime API that asks and answers and does nothing else: what loopback and the server cost."""

from __future__ import annotations

import os
import socket

_NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: localhost\r\n\r\n"
_ANSWER = (
    b"POST /2018-06-01/runtime/invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd/response HTTP/1.1\r\n"
    b"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
)


def main() -> None:
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = _NEXT
        while True:
            connection.sendall(request)
            if not connection.recv(65536):
                return
            request = _ANSWER if request is _NEXT else _NEXT


if __name__ == "__main__":
    main()
