"""moto as a server: an emulator in a process of its own, which the lane reaches as it reaches the service."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from urllib.request import Request, urlopen

import boto3
import fcall_aws
import pytest

import fcall
from fcall import errors
from fcall.errors import Executed

# Not imported: moto listens to every client that is made afterwards, which closes the lane.
pytestmark = pytest.mark.skipif(not (find_spec("flask") and find_spec("moto")), reason="moto's server is what is asked")

SERVER = """
import sys
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where it listens, with one function."""
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin
        assert server.stdout
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        try:
            _create(url, "echo")
            yield url
        finally:
            server.stdin.close()


def _create(url: str, name: str) -> None:
    role = boto3.client("iam", endpoint_url=url).create_role(RoleName="runner", AssumeRolePolicyDocument="{}")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as file:
        file.writestr("app.py", "def handler(event, context): return event")
    boto3.client("lambda", endpoint_url=url).create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="app.handler",
        Code={"ZipFile": code.getvalue()},
    )


@pytest.fixture
def client(url: str) -> Iterator[fcall.Client]:
    """A client of fcall."""
    with fcall.Client(plugins=[fcall_aws], provider="aws", endpoint_url=url) as client:
        yield client


def _answer_without_docker(url: str, yes: bool) -> None:
    """moto then answers for every function, also for those that it does not know."""
    body = json.dumps({"lambda": {"use_docker": not yes}}).encode()
    request = Request(f"{url}/moto-api/config", body, {"Content-Type": "application/json"})
    urlopen(request, timeout=10).close()


def test_its_calls_are_answered(url: str, client: fcall.Client) -> None:
    """A call, an event and a dry run."""
    _answer_without_docker(url, True)
    client.check("echo")

    assert 200 == client.invoke("echo", {"a": 1}).status_code
    assert 202 == client.enqueue("echo", {"a": 1}).status_code
    _answer_without_docker(url, False)


def test_its_functions_are_listed(client: fcall.Client) -> None:
    """moto's server says that its listing is HTML; it is one all the same."""
    assert ["echo"] == [function.name for function in client.list_functions()]


def test_a_function_that_it_does_not_know_is_missing(client: fcall.Client) -> None:
    """As with the service."""
    for call in (client.invoke, client.enqueue, client.check):
        with pytest.raises(errors.FunctionNotFoundError) as caught:
            call("nobody", {})

        assert (Executed.NO, "ResourceNotFoundException") == (caught.value.executed, caught.value.code)
