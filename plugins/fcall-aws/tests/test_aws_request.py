"""What is checked before anything is sent, and what then stands on the wire."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import fcall_aws
import pytest
from fcall_aws import _request
from fcall_aws._provider import AwsProvider
from fcall_aws.testing import LambdaEndpoint, result

import fcall
from fcall import errors
from fcall.errors import Executed, FcallError


@pytest.fixture
def endpoint() -> Iterator[LambdaEndpoint]:
    """An endpoint whose functions answer with what they were given."""
    handlers = {
        "echo": lambda event, context: event,
        "about": lambda event, context: [
            name for name, value in vars(context.client_context).items() if value is not None
        ],
    }
    with LambdaEndpoint(handlers, aliases={"prod": "7"}) as endpoint:
        yield endpoint


@pytest.fixture
def client(endpoint: LambdaEndpoint) -> Iterator[fcall.Client]:
    """A client for that endpoint."""
    with fcall.Client(plugins=[fcall_aws], provider="aws", endpoint_url=endpoint.url) as client:
        yield client


def _refused(endpoint: LambdaEndpoint, expected: type[FcallError], call: Any) -> FcallError:
    with pytest.raises(FcallError) as caught:
        call()

    assert expected is type(caught.value)
    assert Executed.NO is caught.value.executed
    assert 0 == endpoint.server.connections
    return caught.value


@pytest.mark.parametrize(
    "payload",
    [
        *(
            b"{",
            b" ",
            b"NaN",
            b"[Infinity]",
            b"{'a': 1}",
            b"\xff",
            b"a=1",
            b"{}{}",
            b'"\n"',
            b"\xef\xbb\xbf",
            b"[" * 50_000,
        ),
        *(
            b'{"a": ' + b"1" * 70_000,
            b"x" * 100_000,
            b"<" * 100_000,
            b"{a" + b" " * 100_000 + b"}",
            b'{"' + b"a" * 99_999,
        ),
    ],
    ids=lambda payload: f"{payload[:10]!r}-{len(payload)}",
)
def test_a_payload_that_is_no_json_is_refused(payload: bytes, client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """Lambda would refuse it after it was sent, and in words that repeat it."""
    error = _refused(endpoint, errors.InvalidPayloadError, lambda: client.invoke("echo", payload=payload))

    assert error.__cause__ is None


@pytest.mark.parametrize(
    "payload",
    [
        *(
            b"null",
            b"0",
            b"-1.5e3",
            b'"a"',
            b" [1, 2] \n",
            b'{"a": {"b": []}}',
            b"9" * 5_000,
            b'"\xf0\x9f\x99\x82"',
            b" {}",
        ),
        *(b'"\\ud800"', b'"' + b"a" * 100_000 + b'"', b" [ 1" + b", 2" * 50_000 + b" ]\n", b"1" * 70_000),
        b'{ "a": "' + b"b" * 100_000 + b'"}',
    ],
    ids=lambda payload: f"{payload[:10]!r}-{len(payload)}",
)
def test_json_is_sent_as_it_is(payload: bytes, client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """Whatever JSON it is, and however large its numbers, the bytes arrive untouched."""
    endpoint.answer_next(result(b"1"))
    client.invoke("echo", payload=payload)

    assert payload == endpoint.server.requests[0].body


def test_the_wire_says_what_the_call_said(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """Qualifier, log tail and context each stand where Lambda reads them, and only where they were asked for."""
    client.invoke("echo", {}, qualifier="prod", log_tail=True, context={"custom": {"a": "é"}})
    client.invoke("echo")
    full, bare = endpoint.server.requests
    context = base64.b64decode(full.headers["X-Amz-Client-Context"])

    assert "/2015-03-31/functions/echo/invocations?Qualifier=prod" == full.target
    assert "Tail" == full.headers["X-Amz-Log-Type"]
    assert {"custom": {"a": "é"}} == json.loads(context)
    assert "/2015-03-31/functions/echo/invocations" == bare.target
    assert not {"x-amz-log-type", "x-amz-client-context", "x-amz-tenant-id", "content-type"} & {
        name.lower() for name, _ in bare.headers.items()
    }
    assert bare.headers["amz-sdk-request"].startswith("attempt=1")


def test_the_log_tail_is_text(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """The last 4 KB are decoded, and a character that was cut in two does no harm."""
    endpoint.answer_next(result(b"1", log="é" * 3_000 + "end"))
    tail = client.invoke("echo", log_tail=True).log_tail

    assert tail is not None
    assert tail.endswith("éend")
    assert "\ufffd" == tail[0]


@pytest.mark.parametrize("key", ["custom", "env", "client"])
def test_the_context_reaches_the_function(key: str, client: fcall.Client) -> None:
    """Every part of it that the runtimes read."""
    assert [key] == client.invoke("about", context={key: {"a": "1"}}).json()


def test_the_largest_context_is_sent_and_a_larger_one_refused(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """3,583 bytes of base64, which is 2,687 bytes of JSON."""
    frame = len(json.dumps({"custom": {"a": ""}}, separators=(",", ":")))
    largest, larger = ({"custom": {"a": "x" * (size - frame)}} for size in (2_685, 2_688))

    assert 2_685 == AwsProvider.capabilities.invoker_context_limit
    assert len(_request.client_context(largest)) <= 3_583
    _refused(endpoint, errors.InvalidParamsError, lambda: client.invoke("echo", context=larger))


@pytest.mark.parametrize("context", [{"custom": None, "env": [1]}, {"client": "a text"}, {"env": "x"}])
def test_a_context_of_the_wrong_shape_is_refused(context: Any, client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """The runtime would fail on it before the handler."""
    _refused(endpoint, errors.InvalidParamsError, lambda: client.invoke("echo", context=context))


def test_what_would_be_dropped_is_refused(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """A context on an Async call, and keys that no runtime reads."""
    _refused(endpoint, errors.UnsupportedFeatureError, lambda: client.enqueue("echo", context={"custom": {}}))
    _refused(endpoint, errors.UnsupportedFeatureError, lambda: client.invoke("echo", context={"mine": {}}))
    _refused(endpoint, errors.UnsupportedFeatureError, lambda: client.enqueue("echo", log_tail=True))


def test_sizes_are_checked_by_type(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """6 MB for a Sync call, 1 MB for an Async one, and one byte more is refused."""
    sync, queued = b"1" * 6_291_457, b"1" * 1_048_577

    _refused(endpoint, errors.PayloadTooLargeError, lambda: client.invoke("echo", payload=sync))
    _refused(endpoint, errors.PayloadTooLargeError, lambda: client.enqueue("echo", payload=queued))
    endpoint.answer_next(result(b"1"))
    client.invoke("echo", payload=sync[1:])
    client.enqueue("echo", payload=b'"' + b"1" * 1_048_574 + b'"')


@pytest.mark.parametrize("tenant", ["", "a\r\nX: y", "é", "a" * 257, "a\tb", "a;b"])
def test_a_tenant_that_no_header_carries_is_refused(
    tenant: str, client: fcall.Client, endpoint: LambdaEndpoint
) -> None:
    """The tenant becomes a header's value, so it is checked by the model's own pattern."""
    _refused(endpoint, errors.InvalidParamsError, lambda: client.invoke("echo", options={"tenant_id": tenant}))


KNOWN = botocore.session.Session().get_service_model("lambda").operation_model("Invoke").input_shape.members


@pytest.mark.skipif("TenantId" not in KNOWN, reason="this boto3 is too old")
def test_a_tenant_is_a_header(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """On a call and on a stream."""
    client.invoke("echo", options={"tenant_id": "blue: 42"})
    list(client.stream("echo", options={"tenant_id": "blue: 42"}))

    assert ["blue: 42"] * 2 == [request.headers["X-Amz-Tenant-Id"] for request in endpoint.server.requests]


@pytest.mark.skipif("DurableExecutionName" not in KNOWN, reason="this boto3 is too old")
def test_a_key_names_a_durable_execution(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """With `durable` the key is sent, and its name is found in the answer's headers."""
    answer = client.invoke("echo", 1, idempotency_key="order-7", options={"durable": True})

    assert "order-7" == endpoint.server.requests[0].headers["X-Amz-Durable-Execution-Name"]
    assert "order-7" in answer.headers["x-amz-durable-execution-arn"]


@pytest.mark.skipif("DurableExecutionName" in KNOWN, reason="this boto3 is new enough")
def test_an_old_boto3_says_what_it_lacks(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """What this boto3 does not know is refused with the version that does."""
    durable: dict[str, Any] = {"idempotency_key": "order-7", "options": {"durable": True}}
    error = _refused(endpoint, errors.UnsupportedFeatureError, lambda: client.invoke("echo", **durable))

    assert "1.42.1" in str(error)


def test_a_key_that_nobody_enforces_is_refused(client: fcall.Client, endpoint: LambdaEndpoint) -> None:
    """Without `durable`, on a stream or on a dry run, a key would promise what Lambda does not keep."""
    durable: dict[str, Any] = {"idempotency_key": "order-7", "options": {"durable": True}}

    _refused(endpoint, errors.UnsupportedFeatureError, lambda: client.invoke("echo", idempotency_key="order-7"))
    _refused(endpoint, errors.UnsupportedFeatureError, lambda: list(client.stream("echo", **durable)))
    _refused(endpoint, errors.UnsupportedFeatureError, lambda: client.check("echo", **durable))
    _refused(
        endpoint,
        errors.InvalidParamsError,
        lambda: client.invoke("echo", idempotency_key="a.b", options={"durable": True}),
    )


@pytest.mark.parametrize(
    "options",
    [
        *({"region": "eu-west-1/evil.example"}, {"region": "EU"}, {"account": "12"}, {"account": "x" * 12}),
        *({"role_arn": "arn:aws:s3:::bucket"}, {"client": "a text"}, {"client": object()}, {"max_concurrency": 0}),
        {"endpoint": "http://127.0.0.1"},
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any]) -> None:
    """When the provider is made, and not when Lambda or a name server hears of it."""
    client = fcall.Client(plugins=[fcall_aws], provider="aws", **options)

    with pytest.raises(errors.ConfigurationError):
        client.invoke("echo")
