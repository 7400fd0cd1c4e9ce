"""The fast lane: it answers where nobody else wants to, and stands aside everywhere else."""

from __future__ import annotations

import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import botocore.awsrequest
import botocore.httpsession
import fcall_aws
import pytest
from botocore.config import Config
from botocore.httpsession import URLLib3Session
from fcall_aws import _lane
from fcall_aws.testing import LambdaEndpoint

from fcall.errors import ConnectionFailedError, Executed, InvalidRequestError
from fcall.provider import Deadline, Invocation
from fcall.testing.faults import Fault

EVENTS = (
    "provide-client-params",
    "before-parameter-build",
    "before-call",
    "request-created",
    "choose-signer",
    "before-sign",
)
EVENTS += ("before-send", "response-received", "before-parse", "needs-retry", "after-call")


@pytest.fixture
def endpoint() -> Iterator[LambdaEndpoint]:
    """An endpoint with one function."""
    with LambdaEndpoint({"echo": lambda event, context: event}) as endpoint:
        yield endpoint


@pytest.fixture
def provider(endpoint: LambdaEndpoint) -> Iterator[Any]:
    """The provider, for that endpoint, whose client is made."""
    provider = fcall_aws.fcall_register_providers().create(fcall_aws.AwsOptions(endpoint_url=endpoint.url))
    provider._clients.get(None, Deadline.after(10))
    yield provider
    provider.close()


@pytest.fixture
def detours(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests that botocore's own session has sent, seen from below it."""
    sent: list[str] = []
    genuine = botocore.httpsession.PoolManager.connection_from_url
    monkeypatch.setattr(
        botocore.httpsession.PoolManager,
        "connection_from_url",
        lambda manager, url, **more: sent.append(url) or genuine(manager, url, **more),
    )
    return sent


def _call(provider: Any, payload: bytes = b"1") -> Any:
    return provider.invoke(Invocation("echo", payload=payload), Deadline.after(10))


def _client(provider: Any) -> Any:
    (client,) = provider._clients._made.values()
    return client


def test_the_lane_is_open(provider: Any, detours: list[str]) -> None:
    """By default every request goes by it: calls, streams and listings."""
    _call(provider)
    list(provider.stream(Invocation("echo", payload=b"1"), Deadline.after(10)))
    list(provider.list_functions(None, Deadline.after(10)))

    assert [] == detours


def test_every_event_still_fires(provider: Any) -> None:
    """Whoever listens to another event of the client's hears of the call as ever, and sees what botocore would show."""
    seen: dict[str, Any] = {}
    for event in EVENTS:
        if event != "before-send":
            _client(provider).meta.events.register(
                f"{event}.lambda", lambda event_name, **facts: seen.update({event_name.split(".")[0]: facts})
            )
    _call(provider, b'{"a": 1}')

    assert set(EVENTS) - {"before-send"} == set(seen)
    assert 200 == seen["after-call"]["http_response"].status_code
    assert "$LATEST" == seen["after-call"]["http_response"].headers["X-AMZ-Executed-Version"]


def test_it_stands_aside_for_another_listener(provider: Any, detours: list[str]) -> None:
    """Whoever listens to the event sees the request, and may answer it; when they go, the lane is open again."""
    heard: list[Any] = []

    def listen(request: Any, **_: Any) -> None:
        heard.append(request)

    events = _client(provider).meta.events
    events.register("before-send.lambda.Invoke", listen)
    _call(provider)
    events.unregister("before-send.lambda.Invoke", listen)
    _call(provider)

    assert 1 == len(heard)
    assert 1 == len(detours)


def test_another_listeners_answer_counts(provider: Any, endpoint: LambdaEndpoint) -> None:
    """A double that answers for Lambda is heard, and nothing leaves."""

    def answer(request: Any, **_: Any) -> Any:
        return botocore.awsrequest.AWSResponse(request.url, 200, {}, Body(b'"mine"'))

    _client(provider).meta.events.register("before-send", answer)

    assert "mine" == _call(provider).json()
    assert 0 == endpoint.server.connections


class Body(io.BytesIO):
    """A body as doubles make it: it has no socket, and nothing says how long it is."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """All of it."""
        yield self.read()


@pytest.mark.parametrize(
    ("owner", "name", "double"),
    [
        (URLLib3Session, "send", lambda genuine: lambda session, request: genuine(session, request)),
        (botocore.awsrequest.AWSHTTPConnectionPool, "ConnectionCls", lambda genuine: type("Recorder", (genuine,), {})),
        (botocore.awsrequest.AWSHTTPSConnectionPool, "ConnectionCls", lambda genuine: type("Recorder", (genuine,), {})),
        (
            botocore.awsrequest.AWSHTTPConnection,
            "request",
            lambda genuine: lambda connection, *args, **more: genuine(connection, *args, **more),
        ),
    ],
)
@pytest.mark.parametrize("before", [True, False], ids=["before the client is made", "afterwards"])
def test_it_stands_aside_for_a_recorder(
    before: bool,
    owner: Any,
    name: str,
    double: Any,
    endpoint: LambdaEndpoint,
    detours: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever puts something of their own in place of botocore's transport gets to see every request."""
    provider = fcall_aws.fcall_register_providers().create(fcall_aws.AwsOptions(endpoint_url=endpoint.url))
    if not before:
        _call(provider)
    monkeypatch.setattr(owner, name, double(getattr(owner, name)))
    _call(provider)

    assert 1 == len(detours)
    provider.close()


def test_it_stands_aside_for_a_proxy(endpoint: LambdaEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment gets the request, and what NO_PROXY excepts goes by the lane."""
    monkeypatch.setenv("HTTP_PROXY", endpoint.url)
    provider = fcall_aws.fcall_register_providers().create(fcall_aws.AwsOptions(endpoint_url="http://lambda.invalid"))
    with pytest.raises(InvalidRequestError):  # the endpoint is no proxy: it does not know the path
        _call(provider)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    direct = fcall_aws.fcall_register_providers().create(fcall_aws.AwsOptions(endpoint_url=endpoint.url))
    _call(direct)

    assert endpoint.server.requests[0].target.startswith("http://lambda.invalid/2015-03-31/")
    assert endpoint.server.requests[1].target.startswith("/2015-03-31/")
    for each in (provider, direct):
        each.close()


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_it_trusts_what_botocore_trusts(variable: str, detours: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An authority is named by the same variables; without one, a server of one's own is not trusted."""
    with LambdaEndpoint({"echo": lambda event, context: event}, tls=True) as endpoint:
        options = fcall_aws.AwsOptions(endpoint_url=endpoint.url)
        with pytest.raises(ConnectionFailedError, match="AWS_CA_BUNDLE") as caught:
            _call(fcall_aws.fcall_register_providers().create(options))
        monkeypatch.setenv(variable, str(endpoint.ca_file))
        provider = fcall_aws.fcall_register_providers().create(options)

        assert Executed.NO is caught.value.executed
        assert not caught.value.retryable
        assert 1 == _call(provider).json()
        assert [] == detours
        provider.close()


def test_a_bundle_that_is_not_there_is_botocores_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lane stays closed, and botocore's own session fails as it does."""
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere/ca.pem")
    with LambdaEndpoint({}, tls=True) as endpoint:
        provider = fcall_aws.fcall_register_providers().create(fcall_aws.AwsOptions(endpoint_url=endpoint.url))
        with pytest.raises(ConnectionFailedError):
            _call(provider)

        assert 0 == len(endpoint.server.requests)


@pytest.mark.parametrize("setting", [{"proxies": {"http": "http://127.0.0.1:1"}}, {"client_cert": "client.pem"}])
def test_it_stays_closed_for_settings_that_it_does_not_have(setting: dict[str, Any], provider: Any) -> None:
    """A proxy or a client's certificate in the client's own settings is botocore's affair."""
    meta = _client(provider).meta
    client = SimpleNamespace(
        meta=SimpleNamespace(endpoint_url=meta.endpoint_url, config=meta.config.merge(Config(**setting)))
    )

    assert _lane.connections_for(client, None, []) is None


@pytest.mark.parametrize("events", [object(), SimpleNamespace(_emitter=None), SimpleNamespace(_emitter=object())])
def test_an_emitter_of_unknown_shape_closes_it(events: Any) -> None:
    """Where nobody can tell who else listens, somebody may."""
    assert not _lane._is_only_listener(events, "before-send.lambda.Invoke", object())


def test_what_it_puts_on_the_wire_is_what_botocore_does(
    provider: Any, endpoint: LambdaEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same request line, headers and body; only what is different in every request differs."""
    body = b'{"a": "\xc3\xa9"}'
    _call(provider, body)
    monkeypatch.setattr(_lane, "_is_only_listener", lambda *_: False)
    _call(provider, body)
    ours, theirs = endpoint.server.requests

    assert (ours.method, ours.target, ours.body) == (theirs.method, theirs.target, theirs.body)
    assert _steady(ours) == _steady(theirs)


def _steady(request: Any) -> dict[str, str]:
    changing = ("amz-sdk-invocation-id", "x-amz-date", "authorization")
    return {name.lower(): value for name, value in request.headers.items() if name.lower() not in changing}


def test_a_call_by_anyone_else_is_left_alone(provider: Any, detours: list[str]) -> None:
    """The client may be used past fcall, which then knows no deadline for it."""
    _client(provider).invoke(FunctionName="echo")["Payload"].read()

    assert 1 == len(detours)


def test_a_large_request_that_does_not_leave_whole_did_not_run(provider: Any, endpoint: LambdaEndpoint) -> None:
    """The server hangs up amid a request that no buffer holds: nobody can have acted on half of it."""
    endpoint.server.inject(Fault.RESET_IN_REQUEST_BODY)
    with pytest.raises(ConnectionFailedError) as caught:
        _call(provider, b'"' + b"a" * 6_000_000 + b'"')

    assert Executed.NO is caught.value.executed
    assert 0 == endpoint.server.executions
