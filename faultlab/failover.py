"""Failover between two clouds: a fault at the first one, and the second one is well."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from clouds import environment, fcall_client, options
from endpoints import Endpoint, faults_of
from outcome import OK, Outcome, observed

import fcall
from fcall.errors import FcallError
from fcall.testing.faults import Stage

__all__ = ["REFUSALS", "Served", "figures", "is_refused"]

_TIMEOUT = 2.0
REFUSALS = ("TooManyRequestsException", "ResourceNotReadyException", "ResourceExhausted")
"""Answers by which a cloud says that it did not run the function, and may run it later."""


@dataclass(slots=True)
class Served:
    """What became of the calls.

    Attributes:
        calls: how many there were.
        both: how many ran in both clouds.
        twice: how many ran more than once, wherever.
        first: how many the first cloud served.
        other: how many the other cloud served.
        failed: how many failed.
        refused: how many met a fault after which the first cloud certainly did not run them, and said so.
        refused_other: how many of these the other cloud served.
        refused_served: how many of these either cloud served.
        wrong: how many told something of the runs that is not so.
    """

    calls: int = 0
    both: int = 0
    twice: int = 0
    first: int = 0
    other: int = 0
    failed: int = 0
    refused: int = 0
    refused_other: int = 0
    refused_served: int = 0
    wrong: int = 0

    def add(self, outcome: Outcome, here: int, there: int, refused: bool) -> None:
        """Count a call that ran so many times in each cloud."""
        self.calls += 1
        self.both += bool(here and there)
        self.twice += here + there > 1
        served = outcome.told == OK
        self.failed += not served
        self.first += served and not there
        self.other += served and bool(there)
        self.refused += refused
        self.refused_other += refused and served and bool(there)
        self.refused_served += refused and served
        self.wrong += outcome.is_wrong(here + there)


def is_refused(cloud: str, name: str) -> bool:
    """Whether nothing is sent, or the cloud says that it may run the call later; by what the fault does.

    Over TLS nothing is sent before the handshake is through, so a fault of accepting is one of connecting too. A hang
    does not count: it may take all of the caller's time. Nor does a certificate that is not trusted, which does not
    pass: that is the configuration's to mend.
    """
    fault = faults_of(cloud)[name]
    if name in REFUSALS:
        return True
    early = fault.stage in (Stage.CONNECT, Stage.ACCEPT, Stage.HANDSHAKE)
    hangs = fault.end.name == "HANG"
    return early and not fault.delivers and not hangs and fault.certificate == "good"


def figures(first: str, other: str, calls: int, faults: Sequence[str] = (), *, always: bool) -> Served:
    """Every fault at the first cloud, once in each call or for good, and the other one well.

    A fault that strikes once meets the default policy, which tries the first cloud again before it goes on. One that is
    there for good meets a policy of one attempt.
    """
    served = Served()
    with _clouds(first, other) as endpoints:
        for name in faults_of(first):
            for _ in range(calls if not faults or name in faults else 0):
                with _client(first, other, endpoints, attempts=1 if always else 3) as client:
                    _warm(client, endpoints)
                    endpoints[first].strike(name, always=always)
                    outcome = observed(lambda: client.invoke("first/echo", payload=b"{}", timeout=_TIMEOUT), FcallError)
                here, there = endpoints[first].executions(), endpoints[other].executions()
                served.add(outcome, here, there, is_refused(first, name))
    return served


def _warm(client: fcall.Client, endpoints: Mapping[str, Endpoint]) -> None:
    """See that both are well, and leave a connection to each."""
    for endpoint in endpoints.values():
        endpoint.heal()
    for service in ("first", "other"):
        client.invoke(f"{service}/echo", payload=b"{}", timeout=10, idempotent=True)
    for endpoint in endpoints.values():
        endpoint.heal()


@contextlib.contextmanager
def _clouds(*clouds: str) -> Iterator[Mapping[str, Endpoint]]:
    with ExitStack() as stack:
        endpoints = {cloud: stack.enter_context(Endpoint(cloud)) for cloud in clouds}
        stack.enter_context(environment(AWS_CA_BUNDLE=str(endpoints["aws"].ca_file)))
        yield endpoints


def _client(first: str, other: str, endpoints: Mapping[str, Endpoint], attempts: int) -> fcall.Client:
    services = {"first": _service(first, endpoints[first]), "other": _service(other, endpoints[other])}
    services["first"] |= {"failover": ["other"], "attempts": attempts}
    return fcall_client(config={"services": services})


def _service(cloud: str, endpoint: Endpoint) -> dict[str, Any]:
    table = options(cloud, endpoint)
    return table | ({"service": "images"} if cloud == "fc2" else {})
