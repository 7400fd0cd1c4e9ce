"""Function Compute for the benchmark, in a process of its own: it answers every request with one and the same bytes."""

from __future__ import annotations

import socket
import ssl
import sys
import tempfile
import threading
from pathlib import Path

_BODY = b'{"name": "Ada"}'
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nX-Fc-Request-Id: 5f0c8a52-3a0e-4a53-9c0c-0d1d3c1f9b0e\r\nX-Fc-Invocation-Duration: 1\r\n"
    b"X-Fc-Max-Memory-Usage: 8.5\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n%b"
    % (len(_BODY), _BODY)
)


def main(scheme: str) -> None:
    """Print the URL and the file to trust, or ``-``; serve until standard input ends."""
    with tempfile.TemporaryDirectory() as folder:
        ca_file, context = _tls(Path(folder)) if scheme == "tls" else ("-", None)
        listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        url = f"https://localhost:{_port(listener)}" if context else f"http://127.0.0.1:{_port(listener)}"
        print(url, ca_file, flush=True)
        threading.Thread(target=_accept, args=(listener, context), daemon=True).start()
        sys.stdin.read()


def _port(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def _tls(folder: Path) -> tuple[str, ssl.SSLContext]:
    import trustme

    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return str(folder / "ca.pem"), context


def _accept(listener: socket.socket, context: ssl.SSLContext | None) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(connection, context), daemon=True).start()


def _serve(connection: socket.socket, context: ssl.SSLContext | None) -> None:
    try:
        with context.wrap_socket(connection, server_side=True) if context else connection as stream:
            received = b""
            while piece := stream.recv(65_536):
                received += piece
                head, mark, body = received.partition(b"\r\n\r\n")
                if mark and len(body) >= _length(head):
                    stream.sendall(_ANSWER)
                    received = b""
    except OSError:
        pass  # the client has left


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)


if __name__ == "__main__":
    main(sys.argv[1])
