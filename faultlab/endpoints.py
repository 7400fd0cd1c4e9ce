"""The clouds' endpoints on loopback, each in a process of its own, so that the client has this one to itself."""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection
from typing import Any, Self

from fcall.testing.faults import FAULTS, Fault, FaultServer, Stage

__all__ = ["CLOUDS", "Endpoint", "faults_of"]

_AWS_REFUSALS = ("TooManyRequestsException", "ResourceNotFoundException", "ResourceNotReadyException")
_FC_REFUSALS = ((429, "ResourceExhausted"), (404, "FunctionNotFound"), (403, "AccessDenied"))


def _echo(event: Any, context: Any) -> Any:
    return event


def _aws() -> tuple[AbstractContextManager[Any], FaultServer]:
    from fcall_aws.testing import LambdaEndpoint

    endpoint = LambdaEndpoint({"echo": _echo}, tls=True)
    return endpoint, endpoint.server


def _fc() -> tuple[AbstractContextManager[Any], FaultServer]:
    from fcall_aliyun.testing import FcEndpoint

    endpoint = FcEndpoint({"echo": _echo, "images/echo": _echo}, tls=True)
    return endpoint, endpoint


CLOUDS: Mapping[str, Callable[[], tuple[AbstractContextManager[Any], FaultServer]]] = {
    "aws": _aws,
    "fc2": _fc,
    "fc3": _fc,
}
"""What makes each cloud's endpoint, to be entered, and the fault server beneath it."""


def faults_of(cloud: str) -> dict[str, Fault]:
    """Every fault by its name: the ready-made ones, and the refusals and failures that the cloud's model has."""
    ready = {fault.name: fault for fault in FAULTS}
    return ready | (_aws_answers() if cloud == "aws" else _fc_answers(cloud))


def _aws_answers() -> dict[str, Fault]:
    from fcall_aws.testing import error_answer

    answers = {code: (error_answer(code, "refused"), False) for code in _AWS_REFUSALS}
    answers["ServiceException"] = error_answer("ServiceException", "failed"), False
    answers["ServiceException_AFTER_RUN"] = error_answer("ServiceException", "failed"), True
    return {name: _named(name, answer, runs) for name, (answer, runs) in answers.items()}


def _fc_answers(cloud: str) -> dict[str, Fault]:
    from fcall_aliyun import wire

    api: Any = "2.0" if cloud == "fc2" else "3.0"
    answers = {code: (wire.refused("id", api, status, code, "refused"), False) for status, code in _FC_REFUSALS}
    failure = wire.refused("id", api, 500, "InternalServerError", "failed")
    answers |= {"InternalServerError": (failure, False), "InternalServerError_AFTER_RUN": (failure, True)}
    return {name: _named(name, answer, runs) for name, (answer, runs) in answers.items()}


def _named(name: str, answer: Any, runs: bool) -> Fault:
    return dataclasses.replace(Fault.status(answer.status, answer.body, answer.headers, runs), name=name)


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
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(cloud, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self.url, self.ca_file = self._pipe.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.send(None)
        self._process.join(10)
        self._pipe.close()

    def strike(self, fault: str, always: bool = True) -> None:
        """Forget all counts, and fail from now on, or once."""
        self._ask("strike", fault, always)

    def heal(self) -> None:
        """Be well again, and forget all counts."""
        self._ask("heal")

    def runs(self, fault: str) -> int:
        """How often the function ran since then, by what the fault does to a request that was received whole.

        Every fault but those of the answer keeps a request from being whole: one that came through was let pass, as
        the first one on each connection is by a fault of reuse.
        """
        received, executions = self._ask("count")
        struck = self._faults[fault]
        runs = received if struck.executes or struck.stage is not Stage.ANSWER else 0
        assert runs == executions, f"{fault}: {received} whole requests, {executions} runs"
        return int(runs)

    def executions(self) -> int:
        """How often the function ran since the counts were forgotten."""
        return int(self._ask("count")[1])

    def _ask(self, *command: Any) -> Any:
        self._pipe.send(command)
        return self._pipe.recv()


def _serve(cloud: str, pipe: Connection) -> None:
    """Serve until the other end says that it is enough, or is gone."""
    faults = faults_of(cloud)
    entered, server = CLOUDS[cloud]()
    with entered:
        pipe.send((server.url, server.ca_file))
        try:
            while (command := pipe.recv()) is not None:
                pipe.send(_done(server, faults, *command))
        except EOFError:
            pass


def _done(server: FaultServer, faults: Mapping[str, Fault], command: str, *arguments: Any) -> Any:
    if command == "count":
        server.heal()
        server.settle(2.0)
        return server.received, server.executions
    server.reset()
    if command == "strike":
        name, always = arguments
        server.inject(faults[name], always=always)
    return None
