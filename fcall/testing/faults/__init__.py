"""A server on loopback that fails as told, and counts what ran. It knows no vendor: the healthy service is a function.

::

    with FaultServer(answer) as server:
        server.inject(Fault.RESET_BEFORE_ANSWER)
        ...  # call the service at server.url
        assert server.executions == 1

`FaultProcess` has the server in a process of its own. `FaultContract` has the hard cases for a provider of one's own.
The server needs nothing that fcall does not bring; with ``tls=True`` it needs the extra ``testing``.
"""

from __future__ import annotations

from fcall.testing.faults._catalogue import FAULTS
from fcall.testing.faults._contract import FaultContract
from fcall.testing.faults._fault import End, Fault, Stage
from fcall.testing.faults._process import FaultProcess
from fcall.testing.faults._request import Headers, Request
from fcall.testing.faults._response import Response
from fcall.testing.faults._server import FaultServer

__all__ = [  # noqa: RUF022 - sorted()
    "End",
    "FAULTS",
    "Fault",
    "FaultContract",
    "FaultProcess",
    "FaultServer",
    "Headers",
    "Request",
    "Response",
    "Stage",
]
