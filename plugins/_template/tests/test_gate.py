"""What the exam cannot know: the gate's own codes, headers and options."""

from __future__ import annotations

from collections.abc import Iterator

import fcall_gate
import pytest
from fcall_gate.testing import GateEndpoint

import fcall
from fcall.errors import AccessDeniedError, ConfigurationError, ProviderUnavailableError
from fcall.testing.faults import Fault


@pytest.fixture
def endpoint() -> Iterator[GateEndpoint]:
    with GateEndpoint({"echo": lambda event, context: event}) as endpoint:
        yield endpoint


def test_a_file_configures_it(endpoint: GateEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """The options of a configuration file reach the gate, the token from the environment."""
    monkeypatch.setenv("GATE_TOKEN", "a-token")
    service = {"provider": "gate", "address": endpoint.address, "token": "env:GATE_TOKEN"}
    with fcall.Client({"services": {"images": service}}, plugins=[fcall_gate]) as client:
        result = client.invoke("images/echo", {"width": 3})

    assert {"width": 3} == result.json()
    assert "Bearer a-token" == endpoint.requests[0].headers["Authorization"]


def test_a_token_is_not_for_files(endpoint: GateEndpoint) -> None:
    """A file that has the token itself in it is refused, and the message does not repeat it."""
    service = {"provider": "gate", "address": endpoint.address, "token": "a-token"}
    with (
        fcall.Client({"services": {"images": service}}, plugins=[fcall_gate]) as client,
        pytest.raises(ConfigurationError, match="env:") as raised,
    ):
        client.invoke("images/echo")

    assert "a-token" not in str(raised.value)


def test_a_refusal_keeps_what_the_gate_said(endpoint: GateEndpoint) -> None:
    """The code, the status and the request id of a refusal are in the error, for logs and for the gate's support."""
    endpoint.inject(Fault.status(403, b'{"code": "NotAllowed"}', {"Request-Id": "id-7"}))
    with (
        fcall.Client(plugins=[fcall_gate], provider="gate", address=endpoint.address) as client,
        pytest.raises(AccessDeniedError) as raised,
    ):
        client.invoke("echo")

    assert ("NotAllowed", 403, "id-7") == (raised.value.code, raised.value.status_code, raised.value.request_id)


def test_a_failure_of_the_gate_is_in_doubt(endpoint: GateEndpoint) -> None:
    """A 500 of the gate itself, with a code that no document has, may have come after the function ran."""
    endpoint.inject(Fault.status(500, b'{"code": "Oops"}', {"Request-Id": "id-7"}))
    with (
        fcall.Client(plugins=[fcall_gate], provider="gate", address=endpoint.address) as client,
        pytest.raises(ProviderUnavailableError) as raised,
    ):
        client.invoke("echo")

    assert fcall.Executed.MAYBE is raised.value.executed
