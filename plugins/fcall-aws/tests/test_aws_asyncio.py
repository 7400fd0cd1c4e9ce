"""Calls that are awaited: on the wire they are botocore's, and where botocore is watched it makes them itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import string
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeVar

import botocore.auth
import botocore.awsrequest
import botocore.client
import botocore.session
import fcall_aws
import pytest
from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials
from botocore.httpsession import URLLib3Session
from botocore.stub import Stubber
from fcall_aws import _pattern, _way
from fcall_aws.testing import LambdaEndpoint, error_answer

import fcall
from fcall.errors import Executed, FunctionError, InvalidRequestError, ThrottledError
from fcall.http import is_available
from fcall.provider import Deadline, Invocation, InvocationResult

pytestmark = pytest.mark.skipif(not is_available(), reason="httptools is not installed: fcall-aws[asyncio]")

T = TypeVar("T")

EVENTS = (
    *(
        "provide-client-params",
        "before-parameter-build",
        "before-endpoint-resolution",
        "before-call",
        "request-created",
    ),
    *("choose-signer", "before-sign", "before-send", "response-received", "before-parse", "needs-retry", "after-call"),
    "after-call-error",
)
KNOWN = botocore.session.Session().get_service_model("lambda").operation_model("Invoke").input_shape.members
ECHO = Invocation("echo", payload=b'{"a": "\xc3\xa9"}')
CALLS = (
    ECHO,
    Invocation("echo"),
    Invocation("echo", payload=b"1", log_tail=True),
    Invocation("echo", payload=b"1", type="Async"),
    Invocation("echo", type="DryRun"),
    Invocation("echo", payload=b"1", invoker_context={"custom": {"name": "Grüße"}}),
    Invocation("echo", payload=b"1", qualifier="$LATEST"),
    Invocation("", function_id="000000000000:function:echo", payload=b"1"),
    pytest.param(
        Invocation("echo", payload=b"1", options=fcall_aws.AwsCallOptions(tenant_id="a  b / c=d")),
        marks=pytest.mark.skipif("TenantId" not in KNOWN, reason="this boto3 is too old"),
    ),
    pytest.param(
        Invocation("echo", payload=b"1", options=fcall_aws.AwsCallOptions(durable=True), idempotency_key="order-7"),
        marks=pytest.mark.skipif("DurableExecutionName" not in KNOWN, reason="this boto3 is too old"),
    ),
)


@pytest.fixture
def endpoint() -> Iterator[LambdaEndpoint]:
    """An endpoint with one function."""
    with LambdaEndpoint({"echo": lambda event, context: event}) as endpoint:
        yield endpoint


@pytest.fixture
def provider(endpoint: LambdaEndpoint) -> Iterator[Any]:
    """The provider, for that endpoint."""
    provider = made(endpoint_url=endpoint.url)
    yield provider
    provider.close()


def made(**options: Any) -> Any:
    """A provider with these options."""
    return fcall_aws.fcall_register_providers().create(fcall_aws.AwsOptions(**options))


async def attempt(provider: Any, invocation: Invocation = ECHO, seconds: float = 10) -> InvocationResult | None:
    """One attempt, awaited; None where it is to be made on a thread."""
    result: InvocationResult | None = await provider.invoke_asyncio(invocation, Deadline.after(seconds))
    return result


def run(*attempts: Awaitable[T]) -> list[T]:
    """The attempts one after the other, on one event loop."""

    async def main() -> list[T]:
        return [await each for each in attempts]

    return asyncio.run(main())


def way_of(provider: Any) -> Any:
    """The way that the provider's calls go."""
    (way,) = provider._asyncio._ways.values()
    return way


@pytest.mark.parametrize("invocation", CALLS, ids=range(len(CALLS)))
def test_what_it_puts_on_the_wire_is_what_botocore_does(
    invocation: Invocation, provider: Any, endpoint: LambdaEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same request line, headers and body, whatever the call; only what is new in every request differs."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "caller")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8")
    run(ended(attempt(provider, invocation)))
    with contextlib.suppress(fcall.FcallError):  # a tenant or a durable function that the endpoint does not have
        provider.invoke(invocation, Deadline.after(10))
    ours, theirs = endpoint.server.requests

    assert (ours.method, ours.target, ours.body) == (theirs.method, theirs.target, theirs.body)
    assert steady(ours) == steady(theirs)
    assert [*steady(ours)] == [*steady(theirs)]
    assert {*ours.headers} == {*theirs.headers}


async def ended(awaitable: Awaitable[Any]) -> None:
    """Wait for the end, whatever it is."""
    with contextlib.suppress(fcall.FcallError):
        assert await awaitable is not None


def steady(request: Any) -> dict[str, str]:
    """The headers that are the same from one request to the next."""
    changing = ("amz-sdk-invocation-id", "x-amz-date", "authorization")
    return {name.lower(): value for name, value in sorted(request.headers.items()) if name.lower() not in changing}


@pytest.mark.parametrize("invocation", CALLS, ids=range(len(CALLS)))
@pytest.mark.parametrize("token", [None, "a/new+token=="])
def test_it_signs_as_botocore_does(
    token: str | None, invocation: Invocation, provider: Any, endpoint: LambdaEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pattern that was learnt from one call signs another one, on another day with other keys, as botocore would."""
    if token is None:
        monkeypatch.delenv("AWS_SESSION_TOKEN")
    run(ended(attempt(provider, invocation)))
    (pattern,) = way_of(provider).patterns.values()
    monkeypatch.setattr(_pattern.time, "time", lambda: 2_000_000_000.0)
    given = dict(provider._given(invocation)[1])
    given |= {"ClientContext": "e30=", "TenantId": " x  y ", "DurableExecutionName": "other"}
    body = b'{"another": "payload"}' if "Payload" in given else b""
    keys = ReadOnlyCredentials("AKIDOTHER", "other/secret", token)
    head = pattern.head(given, body, keys, {}).decode()
    (line, *lines) = head.removesuffix("\r\n\r\n").split("\r\n")
    headers = dict(each.split(": ", 1) for each in lines)

    request = botocore.awsrequest.AWSRequest(
        method="POST", url=f"{endpoint.url}{line.split(' ')[1]}", data=body, headers=signed(headers)
    )
    request.context["timestamp"] = "20330518T033320Z"
    signer = botocore.auth.SigV4Auth(keys, "lambda", "us-east-1")
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)

    assert "20330518T033320Z" == headers["X-Amz-Date"]
    assert headers["Authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIDOTHER/20330518/us-east-1/lambda/aws4_re"
    )
    assert headers["Authorization"].endswith(f"Signature={expected}")
    assert str(len(body)) == headers["Content-Length"]


def signed(headers: dict[str, str]) -> dict[str, str]:
    """The headers that the signature is over."""
    names = headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    return {name: value for name, value in headers.items() if name.lower() in names}


def test_every_request_has_an_id_of_its_own(provider: Any, endpoint: LambdaEndpoint) -> None:
    """They look as botocore's do."""
    run(*(attempt(provider) for _ in range(3)))
    ids = {request.headers["amz-sdk-invocation-id"] for request in endpoint.server.requests}

    assert 3 == len(ids)
    assert {(8, 4, 4, 4, 12)} == {tuple(map(len, each.split("-"))) for each in ids}
    assert set("".join(ids)) <= set(string.hexdigits + "-")


def test_a_thousand_at_once_take_as_many_connections_as_there_may_be(endpoint: LambdaEndpoint) -> None:
    """A function is learnt once, no thread is started for a call, and the answers are not mixed up."""
    before = threading.active_count()

    async def main() -> list[Any]:
        async with fcall.AsyncClient(
            provider="aws", endpoint_url=endpoint.url, plugins=[fcall_aws], max_concurrency=8
        ) as client:
            results = await asyncio.gather(*(client.invoke("echo", number) for number in range(200)))
            mapped = [result.json() async for result in client.map("echo", range(200), concurrency=50)]
            threads = threading.active_count() - before
            return [[result.json() for result in results], mapped, threads]

    gathered, mapped, threads = asyncio.run(main())

    assert [*range(200)] == gathered == mapped
    assert 8 == endpoint.server.connections
    assert threads <= endpoint.server.connections + 2  # the endpoint's own, and one or two to learn on


@pytest.mark.parametrize("event", EVENTS)
def test_it_stands_aside_for_a_listener(event: str, provider: Any) -> None:
    """Whoever listens to anything of the client's hears of the call as ever; when they go, calls are awaited again."""
    heard: list[str] = []

    def listen(event_name: str, **_: Any) -> None:
        heard.append(event_name)

    first, *_ = run(attempt(provider))
    events = way_of(provider).client.meta.events
    events.register(f"{event}.lambda", listen)
    (second,) = run(attempt(provider))
    events.unregister(f"{event}.lambda", listen)
    (third,) = run(attempt(provider))

    assert first is not None
    assert second is None
    assert third is not None
    assert [] == heard


def test_a_call_that_stands_aside_is_made_on_a_thread(endpoint: LambdaEndpoint) -> None:
    """It is the same call, by way of boto3 with all its events."""
    heard: list[str] = []

    def listen(event_name: str, **_: Any) -> None:
        heard.append(threading.current_thread().name)

    async def main() -> Any:
        provider = made(endpoint_url=endpoint.url)
        async with fcall.AsyncClient(providers={"mine": provider}) as client:
            await client.invoke("echo", 1)
            way_of(provider).client.meta.events.register("before-call.lambda", listen)
            return (await client.invoke("echo", {"a": 2})).json()

    assert {"a": 2} == asyncio.run(main())
    assert 1 == len(heard)
    assert threading.current_thread().name not in heard


def _wrapped(genuine: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given, **more: genuine(*given, **more)


@pytest.mark.parametrize(
    ("owner", "name", "double"),
    [
        (botocore.client.BaseClient, "_make_api_call", _wrapped),
        (URLLib3Session, "send", _wrapped),
        (botocore.awsrequest.AWSHTTPConnection, "request", _wrapped),
        (botocore.awsrequest.AWSHTTPConnectionPool, "ConnectionCls", lambda genuine: type("Recorder", (genuine,), {})),
    ],
)
def test_it_stands_aside_for_a_double(
    owner: Any, name: str, double: Any, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever puts something of their own in place of botocore's gets to see every call."""
    first, *_ = run(attempt(provider))
    monkeypatch.setattr(owner, name, double(getattr(owner, name)))

    assert first is not None
    assert [None] == run(attempt(provider))


def test_it_stands_aside_for_a_stubber(provider: Any) -> None:
    """botocore's own test double answers for Lambda."""
    run(attempt(provider))
    with Stubber(way_of(provider).client):
        assert [None] == run(attempt(provider))


def test_it_stands_aside_for_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore sends what a proxy of the environment gets."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    provider = made(endpoint_url="http://lambda.invalid")

    assert [None] == run(attempt(provider))
    provider.close()


def test_a_client_of_ones_own_is_called_on_threads(endpoint: LambdaEndpoint, bare: Callable[..., Any]) -> None:
    """Nothing is known of what it was made for."""
    assert not hasattr(made(client=bare(SimpleNamespace(url=endpoint.url, ca_file=None))), "invoke_asyncio")


def test_without_httptools_calls_are_made_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is one, and no more than that."""
    monkeypatch.setattr("fcall.http.find_spec", lambda name: None)

    assert not hasattr(made(endpoint_url="http://127.0.0.1:1"), "invoke_asyncio")


def test_another_way_of_signing_is_botocores(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where our signature is not the one that botocore gave, nothing is sent with ours, and soon nothing is tried."""
    learnt: list[str] = []

    def disagree(*_: Any) -> None:
        learnt.append("tried")
        raise ValueError

    monkeypatch.setattr(_way, "Pattern", disagree)

    assert [None] * 5 == run(*(attempt(provider) for _ in range(5)))
    assert 3 == len(learnt)


def test_what_is_no_header_is_botocores_to_tell(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token with a line break in it is not put on the wire."""
    run(attempt(provider))
    way_of(provider).credentials.token = "token\r\nX-Injected: 1"

    assert [None] == run(attempt(provider))


def test_credentials_are_renewed_on_a_thread(provider: Any, endpoint: LambdaEndpoint) -> None:
    """Once for all calls that wait for them, and the event loop goes on meanwhile."""
    renewed: list[str] = []
    may = threading.Event()

    def renew() -> dict[str, str]:
        assert may.wait(10)  # set by the event loop, which would stand still if this were its thread
        renewed.append(threading.current_thread().name)
        return {"access_key": "AKIDNEW", "secret_key": "new", "token": "t", "expiry_time": soon(60)}

    def soon(minutes: int) -> str:
        return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()

    async def main() -> list[Any]:
        await attempt(provider)
        way = way_of(provider)
        way.credentials = RefreshableCredentials("AKIDOLD", "old", "t", datetime.now(UTC), renew, "test")
        way.is_renewed = True
        attempts = [asyncio.ensure_future(attempt(provider)) for _ in range(5)]
        await asyncio.sleep(0)
        may.set()
        return await asyncio.gather(*attempts)

    results = asyncio.run(main())

    assert all(result is not None for result in results)
    assert "Credential=AKIDNEW/" in endpoint.server.requests[-1].headers["authorization"]
    assert 1 == len(renewed)
    assert threading.current_thread().name not in renewed


def test_errors_are_read_as_botocore_reads_them(provider: Any, endpoint: LambdaEndpoint) -> None:
    """The service's code, its words and what it says of trying again are there, and a connection is kept."""
    endpoint.answer_next(error_answer("TooManyRequestsException", "Rate Exceeded.", retry_after=7))

    async def main() -> Any:
        with pytest.raises(ThrottledError) as caught:
            await attempt(provider)
        await attempt(provider)
        return caught.value

    error = asyncio.run(main())

    assert ("TooManyRequestsException", 429, 7.0) == (error.code, error.status_code, error.retry_after)
    assert "Rate Exceeded." in str(error)
    assert error.request_id is not None
    assert 1 == endpoint.server.connections


def test_expired_credentials_are_looked_for_again(
    provider: Any, endpoint: LambdaEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a client that has served for a minute; the next attempt has a client of its own."""
    run(attempt(provider))
    before = way_of(provider).client
    monkeypatch.setattr(provider._clients, "_session_made_at", -1000.0)
    endpoint.answer_next(error_answer("ExpiredTokenException", "The security token included in the request is expired"))

    async def main() -> Any:
        with pytest.raises(fcall.FcallError) as caught:
            await attempt(provider)
        await attempt(provider)
        return caught.value

    error = asyncio.run(main())

    assert error.retryable
    assert way_of(provider).client is not before


def test_a_failed_function_is_told_with_its_log() -> None:
    """What the headers say of the answer is there: the version, the log, the failure."""

    def fail(event: Any, context: Any) -> None:
        raise KeyError("gone")

    with LambdaEndpoint({"fail": fail}) as endpoint:
        provider = made(endpoint_url=endpoint.url)
        with pytest.raises(FunctionError) as caught:
            run(attempt(provider, Invocation("fail", payload=b"{}", log_tail=True)))
        provider.close()

    assert "KeyError" == caught.value.error_type
    assert (caught.value.log_tail or "").startswith("START RequestId: ")
    assert Executed.YES is caught.value.executed
    assert "$LATEST" == caught.value.result.executed_version


def test_what_is_wrong_with_a_call_is_told_before_anything_is_sent(provider: Any, endpoint: LambdaEndpoint) -> None:
    """As without asyncio."""
    with pytest.raises(fcall.FcallError) as caught:
        run(attempt(provider, Invocation("echo", payload=b"no JSON")))

    assert Executed.NO is caught.value.executed
    assert 0 == len(endpoint.server.requests)


def test_a_function_that_does_not_exist(provider: Any) -> None:
    """The endpoint's own answer, in the words of botocore's parser."""
    with pytest.raises(fcall.FcallError) as caught:
        run(attempt(provider, Invocation("missing")))

    assert "ResourceNotFoundException" == caught.value.code
    assert not isinstance(caught.value, InvalidRequestError)


def test_cancelling_a_call_ends_it_at_once(endpoint: LambdaEndpoint) -> None:
    """The note says that it may have run, and the next call is well."""
    stalls, go = threading.Event(), threading.Event()

    def stall(event: Any, context: Any) -> Any:
        stalls.set()
        go.wait(10)
        return event

    async def main(endpoint: LambdaEndpoint) -> Any:
        async with fcall.AsyncClient(
            provider="aws", endpoint_url=endpoint.url, plugins=[fcall_aws], max_concurrency=1
        ) as client:
            task = asyncio.ensure_future(client.invoke("stall", 1))
            assert await asyncio.to_thread(stalls.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            go.set()
            return caught.value, (await client.invoke("echo", [1])).json()

    with LambdaEndpoint({"stall": stall, "echo": lambda event, context: event}) as slow:
        cancelled, answer = asyncio.run(main(slow))

    assert ["fcall: interrupted while stall was being called; it may have run (executed: MAYBE)"] == cancelled.__notes__
    assert [1] == answer


def test_nothing_of_a_call_is_in_the_pattern(provider: Any) -> None:
    """A pattern is kept for long: it has no payload, no token and no signature in it."""
    run(attempt(provider, Invocation("echo", payload=json.dumps({"canary": "CANARYPAYLOAD"}).encode())))
    (pattern,) = way_of(provider).patterns.values()
    kept = repr({name: value for name, value in vars(pattern).items() if name != "_key"})

    assert "CANARY" not in kept
