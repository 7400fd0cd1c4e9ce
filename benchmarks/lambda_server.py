"""Lambda's wire format on loopback, in a process of its own: every call is answered with its own payload.

It takes one argument, ``plain`` or ``tls``, prints its address and its certificate authority, and ends with its input.
"""

from __future__ import annotations

import sys

from fcall_aws.testing import result

from fcall.testing.faults import FaultServer, Request, Response


def echo(request: Request) -> Response:
    answer = result(request.body)
    return Response(
        answer.status, (("x-amzn-RequestId", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"), *answer.headers), answer.body
    )


def main() -> None:
    with FaultServer(echo, tls=sys.argv[1] == "tls") as server:
        print(server.url, server.ca_file or "-", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
