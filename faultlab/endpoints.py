"""The clouds' endpoints on loopback, each in a process of its own, so that the client has this one to itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Self

from fcall.testing.faults import FAULTS, Fault, FaultProcess, Stage

__all__ = ["CLOUDS", "Endpoint", "faults_of"]

_ONCE_CONNECTING = 0.02
"""Seconds for which no connection can be made, where that is to happen once: nobody can count such attempts."""


def _echo(event: Any, context: Any) -> Any:
    return event


def _aws() -> AbstractContextManager[Any]:
    from fcall_aws.testing import LambdaEndpoint

    return LambdaEndpoint({"echo": _echo}, tls=True)


def _fc() -> AbstractContextManager[Any]:
    from fcall_aliyun.testing import FcEndpoint

    return FcEndpoint({"echo": _echo, "images/echo": _echo}, tls=True)


CLOUDS: Mapping[str, Callable[[], AbstractContextManager[Any]]] = {"aws": _aws, "fc2": _fc, "fc3": _fc}
"""What makes each cloud's endpoint, in its process."""


def faults_of(cloud: str) -> dict[str, Fault]:
    """Every fault by its name: the ready-made ones, and the errors that the cloud's API has."""
    return {fault.name: fault for fault in (*FAULTS, *_errors(cloud))}


def _errors(cloud: str) -> tuple[Fault, ...]:
    if cloud == "aws":
        import fcall_aws.testing

        return fcall_aws.testing.error_faults()
    import fcall_aliyun.testing

    return fcall_aliyun.testing.error_faults("2.0" if cloud == "fc2" else "3.0")


class Endpoint:
    """A cloud's endpoint over TLS, until the end of its ``with`` block.

    Args:
        cloud: one of `CLOUDS`.

    Attributes:
        url: where it is.
        ca_file: the authority to trust.
    """

    def __init__(self, cloud: str) -> None:
        self._faults = faults_of(cloud)
        self._server = FaultProcess(CLOUDS[cloud])
        self._always = True
        self.url, self.ca_file = self._server.url, self._server.ca_file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def strike(self, fault: str, always: bool = True) -> None:
        """Forget all counts, and fail from now on, or once."""
        struck, self._always = self._faults[fault], always
        if struck.stage is Stage.CONNECT and not always:
            struck = struck.with_pace(_ONCE_CONNECTING)
        self.heal()
        self._server.inject(struck, always=always)

    def heal(self) -> None:
        """Be well again, and forget all counts."""
        self._server.reset()

    def runs(self, fault: str) -> int:
        """How often the function ran since then, by what the fault does to a request that was received whole.

        Every fault but those of the answer keeps a request from being whole: one that came through was let pass, as
        the first one on each connection is by a fault of reuse.
        """
        executions, received = self._counts()
        struck = self._faults[fault]
        lost = 0 if struck.executes or struck.stage is not Stage.ANSWER else received if self._always else 1
        runs = max(0, received - lost)
        assert runs == executions, f"{fault}: {received} whole requests, {executions} runs"
        return runs

    def executions(self) -> int:
        """How often the function ran since the counts were forgotten."""
        return self._counts()[0]

    def _counts(self) -> tuple[int, int]:
        """The runs and the whole requests, once nothing is under way; only then does the fault end."""
        self._server.settle(5.0)
        counts = self._server.executions, self._server.received
        self._server.heal()
        return counts
