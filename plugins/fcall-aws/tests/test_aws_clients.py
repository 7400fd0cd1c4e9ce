"""boto3's clients: when they are made, of what, and that they never try twice."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import fcall_aws
import fcall_aws.testing
import pytest
from botocore.config import Config
from fcall_aws import _clients
from fcall_aws.testing import LambdaEndpoint, error_answer

import fcall
from fcall import errors
from fcall.errors import Executed
from fcall.provider import Deadline, Invocation
from fcall.testing.faults import Fault

ONE_ATTEMPT = {"mode": "standard", "total_max_attempts": 1}


@pytest.fixture
def endpoint() -> Iterator[LambdaEndpoint]:
    """An endpoint with one function."""
    with LambdaEndpoint({"echo": lambda event, context: event}) as endpoint:
        yield endpoint


def _provider(endpoint: LambdaEndpoint | None = None, **options: Any) -> Any:
    if endpoint is not None:
        options["endpoint_url"] = endpoint.url
    return fcall_aws.fcall_register_providers().create(fcall_aws.AwsOptions(**options))


def _call(provider: Any, seconds: float = 10.0, **more: Any) -> Any:
    return provider.invoke(Invocation("echo", **more), Deadline.after(seconds))


def test_nothing_is_imported_before_the_first_call() -> None:
    """Neither the plugin nor a client of fcall nor a provider brings boto3 in; the first call does."""
    program = """
import sys, fcall, fcall_aws
client = fcall.Client(plugins=[fcall_aws], provider="aws", region="eu-west-1")
fcall_aws.fcall_register_providers().create(fcall_aws.AwsOptions())
loaded = {"boto3", "botocore", "urllib3", "http.client", "ssl"} & set(sys.modules)
sys.exit(", ".join(loaded) or None)
"""
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)

    assert (0, "") == (finished.returncode, finished.stderr)


def test_fifty_threads_make_one_client(endpoint: LambdaEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes first makes it, and the others wait for it."""
    made = []
    genuine = boto3.Session.client
    monkeypatch.setattr(boto3.Session, "client", lambda *args, **more: made.append(1) or genuine(*args, **more))
    provider, together = _provider(endpoint), threading.Barrier(50)

    def first_call(number: int) -> bool:
        together.wait()
        return b"%d" % number == _call(provider, payload=b"%d" % number).payload

    with ThreadPoolExecutor(50) as pool:
        assert all(pool.map(first_call, range(50)))

    assert [1] == made
    provider.close()


def test_who_waits_for_a_client_waits_no_longer_than_its_deadline(endpoint: LambdaEndpoint) -> None:
    """While another thread makes the client, a call's own deadline runs, and nothing was sent."""
    provider = _provider(endpoint)
    with provider._clients._lock, pytest.raises(errors.InvocationTimeoutError) as caught:
        _call(provider, 0.05)

    assert Executed.NO is caught.value.executed


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_one_attempt_whatever_the_environment_says(
    mode: str, endpoint: LambdaEndpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither variables nor the configuration file bring the SDK's own retries back."""
    config = tmp_path / "config"
    config.write_text(f"[default]\nretry_mode = {mode}\nmax_attempts = 5\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_RETRY_MODE", mode)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "7")
    monkeypatch.setenv("AWS_NEW_RETRIES_2026", "true")
    provider = _provider(endpoint)
    for answer in (error_answer("ServiceException"), error_answer("TooManyRequestsException")):
        endpoint.answer_next(answer)
        with pytest.raises(errors.FcallError):
            _call(provider)
    endpoint.server.inject(Fault.CLOSE_BEFORE_ANSWER)
    with pytest.raises(errors.ConnectionFailedError):
        _call(provider)

    assert 3 == len(endpoint.server.requests)
    provider.close()


def test_clients_are_few(endpoint: LambdaEndpoint) -> None:
    """A client serves every time-out of its class; there are at most a handful, whatever callers ask for."""
    provider = _provider(endpoint)
    for seconds in (0.9, 3, 5, 10, 15, 30, 60, 100, 200, 500, 905):
        _call(provider, seconds, type="DryRun")

    assert {1, 4, 16, 64, 256, 1024} == {seconds for _, seconds in provider._clients._made}
    provider.close()


def test_the_client_has_what_the_options_say(endpoint: LambdaEndpoint) -> None:
    """The pool follows max_concurrency, the wait for an answer the call, and the region and endpoint are the given."""
    provider = _provider(endpoint, region="eu-north-1", max_concurrency=7)
    _call(provider, 905)
    (client,) = provider._clients._made.values()
    config = client.meta.config

    assert ("eu-north-1", endpoint.url) == (client.meta.region_name, client.meta.endpoint_url)
    assert (7, 1024, 10) == (config.max_pool_connections, config.read_timeout, config.connect_timeout)
    assert {"mode": "standard", "total_max_attempts": 1} == config.retries
    provider.close()


def test_idle_connections_are_probed() -> None:
    """On botocore's own sockets, too: the kernel asks after a minute, and small packets are not held back."""
    provider = _provider(region="eu-west-1")
    client = provider._clients.get(None, Deadline.after(10))
    options = client._endpoint.http_session._manager.connection_pool_kw["socket_options"]

    assert (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) in options
    assert (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) in options
    assert set(_clients.idle_probes()) <= set(options)
    idle = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None))
    assert all(value <= 120 for _, name, value in options if name == idle)


def test_no_more_calls_than_allowed_are_under_way(endpoint: LambdaEndpoint) -> None:
    """One more waits, and when its time has passed it says that nothing ran and what to raise."""
    provider = _provider(endpoint, max_concurrency=1)
    _call(provider)
    slot = provider._slots.take(Deadline.after(1))
    with pytest.raises(errors.InvocationTimeoutError, match="max_concurrency") as caught:
        _call(provider, 0.05)
    slot.release()

    assert Executed.NO is caught.value.executed
    assert 200 == _call(provider).status_code
    provider.close()


def _boto3_client(endpoint: LambdaEndpoint, **config: Any) -> Any:
    return boto3.client("lambda", endpoint_url=endpoint.url, config=Config(**config))


def test_a_client_of_the_applications_own(endpoint: LambdaEndpoint, caplog: pytest.LogCaptureFixture) -> None:
    """It is used as it is, its events fire, it stays open, and one attempt is one request."""
    seen: list[str] = []
    own = _boto3_client(endpoint, retries=ONE_ATTEMPT)
    own.meta.events.register("before-send.lambda", lambda event_name, **_: seen.append(event_name))
    with fcall.Client(plugins=[fcall_aws], provider="aws", client=own) as client:
        assert 1 == client.invoke("echo", 1).json()
    own.invoke(FunctionName="echo")["Payload"].read()

    assert ["before-send.lambda.Invoke"] * 2 == seen
    assert [] == caplog.records


def test_a_client_that_retries_is_warned_about_once(endpoint: LambdaEndpoint, caplog: pytest.LogCaptureFixture) -> None:
    """It may run a function several times in one attempt, and fcall would not know."""
    own = _boto3_client(endpoint, read_timeout=5)
    for provider in [_provider(client=own)] * 2 + [_provider(client=own, account="000000000000")]:
        _call(provider)

    assert ["fcall.aws"] == [record.name for record in caplog.records if record.levelno >= logging.WARNING]
    assert "total_max_attempts" in caplog.text


def test_an_own_client_takes_no_options_that_it_has_itself(endpoint: LambdaEndpoint) -> None:
    """Which of the two would hold is nobody's guess."""
    own = _boto3_client(endpoint)
    client = fcall.Client(plugins=[fcall_aws], provider="aws", client=own, region="eu-west-1")
    with client, pytest.raises(errors.InvalidParamsError, match="leave them out"):
        client.invoke("echo")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_an_own_client_calls_its_own_region(endpoint: LambdaEndpoint) -> None:
    """An ARN of another region is refused, before anything is sent where the function is not."""
    provider = _provider(client=_boto3_client(endpoint, retries=ONE_ATTEMPT))
    arn = "arn:aws:lambda:{}:000000000000:function:echo"
    with pytest.raises(errors.InvalidParamsError, match=r"eu-west-1.*us-east-1"):
        provider.invoke(Invocation("", function_id=arn.format("eu-west-1")), Deadline.after(5))

    assert 0 == endpoint.server.connections
    assert 200 == provider.invoke(Invocation("", function_id=arn.format("us-east-1")), Deadline.after(5)).status_code


def test_an_own_client_does_not_cross_a_fork(endpoint: LambdaEndpoint, in_child: Callable[..., str]) -> None:
    """Parent and child would get each other's answers, so the child is told to make its own."""
    own = _boto3_client(endpoint, retries=ONE_ATTEMPT)
    provider = _provider(client=own)
    _call(provider)

    def call_in_child() -> str:
        try:
            _call(_provider(client=own))
        except errors.ConfigurationError as error:
            return str(error)
        return "it was called"

    assert "before this process was forked" in in_child(call_in_child)


@pytest.fixture
def in_child() -> Callable[[Callable[[], str]], str]:
    """Runs a function in a forked child, and gives back what it returns."""

    def run(function: Callable[[], str]) -> str:
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            os.write(writing, function().encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            said = pipe.read()
        os.waitpid(child, 0)
        return said

    return run


@pytest.mark.parametrize(
    ("settings", "options", "expected"),
    [
        ({"AWS_ACCESS_KEY_ID": None}, {}, errors.AuthenticationError),
        ({"AWS_SECRET_ACCESS_KEY": None}, {}, errors.AuthenticationError),
        ({}, {"profile": "nobody"}, errors.ConfigurationError),
        ({"AWS_PROFILE": "nobody"}, {}, errors.ConfigurationError),
        ({"AWS_DEFAULT_REGION": None}, {}, errors.ConfigurationError),
        ({"AWS_DEFAULT_REGION": "not a region"}, {}, errors.ConfigurationError),
        ({"AWS_RETRY_MODE": "nonsense"}, {}, None),
        ({}, {"endpoint_url": "http://a..b"}, errors.ConfigurationError),
        ({"AWS_ENDPOINT_URL_LAMBDA": "not a url"}, {}, errors.ConfigurationError),
    ],
)
def test_settings_that_do_not_work(
    settings: dict[str, str | None],
    options: dict[str, Any],
    expected: type[errors.FcallError] | None,
    endpoint: LambdaEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What boto3 cannot work with is a ConfigurationError or an AuthenticationError, and nothing ran."""
    for name, value in settings.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
        if name == "AWS_ACCESS_KEY_ID":
            monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    if "endpoint_url" not in options and "AWS_ENDPOINT_URL_LAMBDA" not in settings:
        options["endpoint_url"] = endpoint.url
    provider = _provider(**options)
    if expected is None:
        assert 200 == _call(provider).status_code
        return
    with pytest.raises(errors.FcallError) as caught:
        _call(provider)

    assert expected is type(caught.value)
    assert Executed.NO is caught.value.executed
    assert 0 == endpoint.server.connections


@pytest.mark.parametrize(
    "url", ["localhost:4566", "ftp://localhost", "http://user:CANARY@localhost", "http://", "http://localhost?x=CANARY"]
)
def test_an_endpoint_is_a_plain_address(url: str) -> None:
    """A URL with a password in it would be in boto3's messages; the error does not repeat it."""
    with pytest.raises(ValueError, match="endpoint_url is written") as caught:
        fcall_aws.AwsOptions(endpoint_url=url)

    assert "CANARY" not in str(caught.value)


def test_the_endpoint_variable_is_heeded(endpoint: LambdaEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """What boto3 takes from the environment, it takes here."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint.url)

    assert 200 == _call(_provider(region="us-east-1")).status_code


def test_a_role_is_assumed(endpoint: LambdaEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call is signed with the role's credentials, which are fetched once, with those of the environment."""
    answer = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/r/s
</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>"""
    with LambdaEndpoint({}) as sts:
        sts.answer_next(fcall_aws.testing.Answer(200, (("Content-Type", "text/xml"),), answer))
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        provider = _provider(endpoint, role_arn="arn:aws:iam::123456789012:role/r", region="us-east-1")
        for _ in range(3):
            _call(provider)
        asked = sts.server.requests

    assert 1 == len(asked)
    assert b"Action=AssumeRole" in asked[0].body
    assert all("ASIAROLE" in request.headers["Authorization"] for request in endpoint.server.requests)


def test_a_role_that_may_not_be_assumed(endpoint: LambdaEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is about credentials, and nothing ran."""
    with LambdaEndpoint({}) as sts:
        refusal = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>may not</Message></Error></ErrorResponse>"
        sts.answer_next(fcall_aws.testing.Answer(403, (("Content-Type", "text/xml"),), refusal))
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        provider = _provider(endpoint, role_arn="arn:aws:iam::123456789012:role/r", region="us-east-1")
        with pytest.raises(errors.AuthenticationError) as caught:
            _call(provider)

    assert Executed.NO is caught.value.executed
    assert 0 == endpoint.server.connections


def test_expired_credentials_are_looked_up_anew(endpoint: LambdaEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that has served for a while is replaced, and the next attempt has the credentials of now."""
    clock = Clock()
    provider = _provider(endpoint)
    invocation = Invocation("echo")
    provider.invoke(invocation, Deadline.after(10, clock))
    clock.now += 3600
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFRESH")
    endpoint.answer_next(error_answer("ExpiredTokenException", "expired", status=403))
    with pytest.raises(errors.AuthenticationError) as caught:
        provider.invoke(invocation, Deadline.after(10, clock))
    provider.invoke(invocation, Deadline.after(10, clock))

    assert caught.value.retryable
    assert "AKIAFRESH" in endpoint.server.requests[-1].headers["Authorization"]
    provider.close()


class Clock:
    """A clock that is set by hand, but runs."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now + time.monotonic()


def test_closing_lets_go_of_every_connection(endpoint: LambdaEndpoint) -> None:
    """And a provider that is called again after that connects again."""
    provider = _provider(endpoint)
    _call(provider)
    provider.close()
    _call(provider)

    assert 2 == endpoint.server.connections
    provider.close()
