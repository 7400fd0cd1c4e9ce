"""moto, for what it does truly: no connection leaves while it is on, and its refusals are told as Lambda's are."""

from __future__ import annotations

import io
import socket
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import fcall_aws
import pytest

import fcall
from fcall import errors
from fcall.errors import Executed
from fcall.provider import Deadline, Invocation

SIMPLE = {"lambda": {"use_docker": False}}


@pytest.fixture(autouse=True)
def moto() -> Iterator[Any]:
    """moto, for one test: its import has every client of the process listen, which would close the lane for good."""
    moto = pytest.importorskip("moto", reason="moto stands in for the whole service")
    from botocore.handlers import BUILTIN_HANDLERS
    from moto.core.models import botocore_stubber

    listener = ("before-send", botocore_stubber)
    if listener not in BUILTIN_HANDLERS:
        BUILTIN_HANDLERS.append(listener)
    yield moto
    BUILTIN_HANDLERS.remove(listener)


@pytest.fixture(autouse=True)
def _no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to connect fails the test."""

    def refuse(*_: Any) -> None:
        pytest.fail("a connection was to be made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture
def mocked(moto: Any) -> Iterator[None]:
    """moto is on."""
    with moto.mock_aws(config=SIMPLE):
        yield


def _create(*names: str) -> None:
    """Functions, as moto keeps them."""
    role = boto3.client("iam").create_role(RoleName="runner", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as file:
        file.writestr("app.py", "def handler(event, context): return event")
    for name in names:
        boto3.client("lambda").create_function(
            FunctionName=name, Runtime="python3.13", Role=role, Handler="app.handler", Code={"ZipFile": code.getvalue()}
        )


@pytest.fixture
def client() -> Iterator[fcall.Client]:
    """A client of fcall."""
    with fcall.Client(plugins=[fcall_aws], provider="aws", region="us-east-1") as client:
        yield client


def test_a_missing_function_is_missing(moto: Any, client: fcall.Client) -> None:
    """On a call, an event and a dry run."""
    for call in (client.invoke, client.enqueue, client.check):
        with moto.mock_aws(), pytest.raises(errors.FunctionNotFoundError) as caught:
            call("nobody", {})

        assert Executed.NO is caught.value.executed
        assert "ResourceNotFoundException" == caught.value.code


@pytest.mark.usefixtures("mocked")
def test_functions_are_listed_over_pages(client: fcall.Client) -> None:
    """All of them, by name."""
    names = [f"function-{number:03}" for number in range(60)]
    _create(*names)

    assert names == sorted(function.name for function in client.list_functions())


@pytest.mark.usefixtures("mocked")
def test_calls_are_answered(client: fcall.Client) -> None:
    """A dry run, an event and a call of a function that moto knows."""
    _create("known")
    client.check("known")

    assert 202 == client.enqueue("known", {}).status_code
    assert 200 == client.invoke("known", {}).status_code


def test_a_client_that_was_made_before_is_mocked_too(moto: Any) -> None:
    """moto listens to clients that were made after it was imported, whether or not it was on then."""
    provider = fcall_aws.fcall_register_providers().create(fcall_aws.AwsOptions(region="us-east-1"))
    provider._clients.get(None, Deadline.after(10))
    with moto.mock_aws(config=SIMPLE):
        _create("known")
        result = provider.invoke(Invocation("known", payload=b"{}"), Deadline.after(10))

    assert 200 == result.status_code
    provider.close()
