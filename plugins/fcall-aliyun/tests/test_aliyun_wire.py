"""The wire format from the service's side, and its signatures: pure functions that a server is made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from fcall_aliyun import signatures, wire
from fcall_aliyun._credentials import Credentials
from fcall_aliyun._exchange import Request
from fcall_aliyun._names import Address
from hypothesis import given, settings
from hypothesis import strategies as st

KEYS = {"key-id": "key-secret"}


@pytest.mark.parametrize(
    ("target", "headers", "expected"),
    [
        (
            "/2016-08-15/services/images.prod/functions/resize/invocations",
            {"X-Fc-Invocation-Type": "Async", "x-fc-stateful-async-invocation-id": "t1", "x-fc-trace-id": "trace"},
            wire.Call("2.0", "invoke", "images", "resize", "prod", "Async", False, "t1", "trace", b"1"),
        ),
        (
            "/2023-03-30/functions/resize/invocations?qualifier=prod",
            {"X-Fc-Log-Type": "Tail", "x-fc-async-task-id": "t1"},
            wire.Call("3.0", "invoke", None, "resize", "prod", "Sync", True, "t1", None, b"1"),
        ),
        (
            "/2023-03-30/functions/a%2Fb/invocations",
            {},
            wire.Call("3.0", "invoke", None, "a/b", None, "Sync", False, None, None, b"1"),
        ),
    ],
)
def test_an_invocation_is_read(target: str, headers: Mapping[str, str], expected: wire.Call) -> None:
    """Names, qualifier, type, log type and ids are read from where each API has them."""
    assert wire.read("POST", target, headers, b"1") == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/2016-08-15/services/images/functions?limit=5&nextToken=f5&prefix=f", ("2.0", "images", 5, "f5", "f")),
        ("/2016-08-15/services/images.prod/functions", ("2.0", "images", 100, None, "")),
        ("/2023-03-30/functions?limit=500", ("3.0", None, 100, None, "")),
    ],
)
def test_a_listing_is_read(target: str, expected: tuple[Any, ...]) -> None:
    """Service, page size, token and prefix are read."""
    call = wire.read("GET", target, {}, b"")

    assert call.operation == "list"
    assert (call.api, call.service, call.limit, call.token, call.prefix) == expected


@pytest.mark.parametrize(
    ("method", "target", "headers", "status", "code"),
    [
        ("GET", "/2016-08-15/services/a/functions/b/invocations", {}, 405, "MethodNotAllowed"),
        ("POST", "/2023-03-30/functions", {}, 405, "MethodNotAllowed"),
        ("POST", "/", {}, 400, "PathNotSupported"),
        ("POST", "/2016-08-15/services/a/b/functions/c/invocations", {}, 400, "PathNotSupported"),
        ("POST", "/2023-03-30/functions/a/invocations", {"x-fc-invocation-type": "sync"}, 400, "InvalidArgument"),
        ("POST", "/2023-03-30/functions/a/invocations", {"x-fc-async-task-id": "1"}, 400, "InvalidArgument"),
        ("GET", "/2023-03-30/functions?limit=0", {}, 400, "InvalidArgument"),
        ("GET", "/2023-03-30/functions?limit=x", {}, 400, "InvalidArgument"),
    ],
)
def test_what_the_service_does_not_offer_is_refused(
    method: str, target: str, headers: Mapping[str, str], status: int, code: str
) -> None:
    """Each refusal has the status and the code to answer with."""
    with pytest.raises(wire.WireError) as raised:
        wire.read(method, target, headers, b"")

    assert (raised.value.status, raised.value.code) == (status, code)


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(method=st.sampled_from(["GET", "POST", "PUT", ""]), target=st.text(max_size=60), body=st.binary(max_size=9))
def test_any_request_is_read_or_refused(method: str, target: str, body: bytes) -> None:
    """Nothing that may be sent brings out another exception."""
    for prefix in ("", "/2016-08-15/services/", "/2023-03-30/functions/", "/2023-03-30/functions?"):
        statuses = set()
        try:
            wire.read(method, prefix + target, {"x-fc-async-task-id": target}, body)
        except wire.WireError as error:
            statuses.add(error.status)
        try:
            signatures.check(method, prefix + target, {"authorization": target, "date": target}, body, KEYS)
        except signatures.SignatureError as error:
            statuses.add(error.status)

        assert statuses <= {400, 401, 403, 405}


def test_errors_are_spelt_as_their_api_does() -> None:
    """FC 2.0 says ErrorCode, FC 3.0 says Code."""
    bodies = [json.loads(wire.refused("r", api, 404, "FunctionNotFound", "m").body) for api in ("2.0", "3.0")]

    assert bodies == [
        {"ErrorCode": "FunctionNotFound", "ErrorMessage": "m"},
        {"Code": "FunctionNotFound", "Message": "m", "RequestId": "r"},
    ]


def test_a_log_is_its_last_four_kilobytes() -> None:
    """The service sends no more of a log than that."""
    import base64

    reply = wire.answered("r", b"1", log="a" + "b" * 4_096)

    assert base64.b64decode(dict(reply.headers)["X-Fc-Log-Result"]) == b"b" * 4_096


def _signed(api: str, token: str = "") -> Request:
    """A request that the SDK signed."""
    credentials = Credentials("key-id", "key-secret", token)
    headers = {"x-fc-invocation-type": "Sync", "x-fc-trace-id": "trace 1"}
    if api == "2.0":
        from fcall_aliyun._fc2 import Fc2

        return Fc2("https://fc.example").invocation(Address("2.0", "s", "f", "q"), b"{}", headers, None, credentials)
    from fcall_aliyun._fc3 import Fc3

    return Fc3("https://fc.example").invocation(Address("3.0", None, "f", "q"), b"{}", headers, "t1", credentials)


APIS = pytest.mark.parametrize("api", ["2.0", "3.0"])


@APIS
@pytest.mark.parametrize("token", ["", "token-1"])
def test_what_the_sdk_signs_is_accepted(api: str, token: str) -> None:
    """The documentation and the SDK agree."""
    request = _signed(api, token)
    signatures.check(request.method, request.target, request.headers, request.body, KEYS)


@APIS
@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"target": "/2016-08-15/services/s.q/functions/g/invocations"},
        {"target": "/2023-03-30/functions/f/invocations?qualifier=other"},
        {"headers": {"x-fc-security-token": "token-2", "x-acs-security-token": "token-2"}},
        {"headers": {"x-fc-trace-id": "another", "x-acs-action": "Another"}},
        {"headers": {"content-type": "text/plain"}},
        {"headers": {"authorization": ""}},
        {"headers": {"date": "Thu, 01 Jan 1970 00:00:00 GMT", "x-acs-date": "1970-01-01T00:00:00Z"}},
        {"headers": {"date": "never", "x-acs-date": "never"}},
        {"keys": {"key-id": "another"}},
        {"keys": {}},
    ],
    ids=str,
)
def test_what_was_changed_is_refused(api: str, change: dict[str, Any]) -> None:
    """Method, path, query, token, headers, date and key are all under the signature."""
    request = _signed(api, "token-1")
    asked: dict[str, Any] = {"method": request.method, "target": request.target, "keys": KEYS}
    asked |= {**change, "headers": {**request.headers, **change.get("headers", {})}}
    with pytest.raises(signatures.SignatureError):
        signatures.check(body=request.body, **asked)


def test_the_body_is_signed_on_fc3() -> None:
    """FC 3.0 signs the body's hash, which has to be the body's."""
    request = _signed("3.0")
    for headers in ({}, {"x-acs-content-sha256": hashlib.sha256(b"another").hexdigest()}):
        with pytest.raises(signatures.SignatureError):
            signatures.check("POST", request.target, {**request.headers, **headers}, b"another", KEYS)


@APIS
@pytest.mark.parametrize(("skew", "accepted"), [(-901.5, False), (-890, True), (890, True), (901.5, False)])
def test_the_clocks_may_differ_by_a_quarter_of_an_hour(api: str, skew: float, accepted: bool) -> None:
    """A date that is more than 15 minutes off is refused."""
    import time

    request = _signed(api)
    now = time.time() + skew
    try:
        signatures.check(request.method, request.target, request.headers, request.body, KEYS, now=now)
    except signatures.SignatureError:
        assert not accepted
    else:
        assert accepted


def test_a_documented_example_of_fc3() -> None:
    """A signature made by hand, step by step as the documentation says, is accepted."""
    import hmac

    digest = hashlib.sha256(b"").hexdigest()
    signed = {
        "host": "fc.example",
        "x-acs-action": "ListFunctions",
        "x-acs-content-sha256": digest,
        "x-acs-date": "2024-05-06T07:08:09Z",
        "x-acs-signature-nonce": "n",
        "x-acs-version": "2023-03-30",
    }
    lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
    names = ";".join(signed)
    canonical = f"GET\n/2023-03-30/functions\nlimit=5&prefix=a%20b\n{lines}\n{names}\n{digest}"
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(b"key-secret", text.encode(), "sha256").hexdigest()
    headers = {
        **signed,
        "Authorization": f"ACS3-HMAC-SHA256 Credential=key-id,SignedHeaders={names},Signature={signature}",
    }
    signatures.check("GET", "/2023-03-30/functions?prefix=a%20b&limit=5", headers, b"", KEYS, now=1714979289.0)


def test_a_documented_example_of_fc2() -> None:
    """A signature made by hand, step by step as the documentation says, is accepted."""
    import base64
    import hmac

    date = "Mon, 06 May 2024 07:08:09 GMT"
    text = f"POST\n\napplication/json\n{date}\nx-fc-a:1\nx-fc-b:2\n/2016-08-15/services/s/functions/a b/invocations"
    signature = base64.b64encode(hmac.new(b"key-secret", text.encode(), "sha256").digest()).decode()
    headers = {
        "X-Fc-B": "2",
        "x-fc-a": "1",
        "Date": date,
        "Content-Type": "application/json",
        "Authorization": f"FC key-id:{signature}",
    }
    target = "/2016-08-15/services/s/functions/a%20b/invocations"
    signatures.check("POST", target, headers, b"anything", KEYS, now=1714979289.0)


def test_the_quiet_signature_is_the_sdks() -> None:
    """What is signed without aliyun-fc2's logging is what it signs itself."""
    from fc2.auth import Auth
    from fcall_aliyun._fc2 import _QuietAuth

    headers = {"date": "d", "content-type": "application/json", "x-fc-b": "2", "x-fc-a": "1", "content-md5": "m"}
    for path in ("/", "/2016-08-15/services/s/functions/f/invocations"):
        assert _QuietAuth("id", "secret", "t").sign_request("POST", path, headers) == Auth(
            "id", "secret", "t"
        ).sign_request("POST", path, headers)
