"""Calls: what is asked of Function Compute, and what comes back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import fcall_aliyun
import pytest
from fcall_aliyun.testing import FcEndpoint

import fcall
from fcall.errors import (
    ConflictError,
    Executed,
    InvalidParamsError,
    PayloadTooLargeError,
    ProviderNotInstalledError,
    UnsupportedFeatureError,
)
from fcall.testing.faults import Fault

BOTH = pytest.mark.parametrize("name", ["images/echo", "echo"], ids=["fc2", "fc3"])


@BOTH
def test_the_payload_is_sent_as_it_is(endpoint: FcEndpoint, client: Callable[..., fcall.Client], name: str) -> None:
    """Any bytes arrive, and so do none and many."""
    caller = client(endpoint)
    for payload in (b"", b"\x00\xff", "Grüße, 世界".encode(), b"a=1&b=2", b"x" * 3_000_000):
        assert caller.invoke(name, payload=payload).payload == payload


@BOTH
def test_a_result_says_what_is_known(endpoint: FcEndpoint, client: Callable[..., fcall.Client], name: str) -> None:
    """Status, request id and headers are in the result, with nothing secret."""
    result = client(endpoint).invoke(name, 1)

    assert (result.status_code, result.provider, len(result.attempts)) == (200, "aliyun", 1)
    assert result.request_id == result.headers["x-fc-request-id"]


@BOTH
def test_the_log_tail_is_decoded(endpoint: FcEndpoint, client: Callable[..., fcall.Client], name: str) -> None:
    """The end of the log is asked for, and comes as text, with a failure too."""
    caller = client(endpoint)
    with pytest.raises(fcall.errors.FunctionError) as raised:
        caller.invoke(name.replace("echo", "fail"), log_tail=True)

    assert "FC Invoke Start RequestId" in (caller.invoke(name, 1, log_tail=True).log_tail or "")
    assert "FC Invoke End RequestId" in (raised.value.log_tail or "")
    assert caller.invoke(name, 1).log_tail is None


@BOTH
def test_the_request_says_what_the_call_says(plain: FcEndpoint, client: Callable[..., fcall.Client], name: str) -> None:
    """Type, log type, trace id and qualifier are where the service reads them."""
    options = {"trace_id": "trace-1"}
    client(plain).invoke(name, 1, log_tail=True, qualifier="prod", options=options)
    client(plain).enqueue(name, 1)
    first, second = plain.requests

    assert [first.headers[f"x-fc-{part}"] for part in ("invocation-type", "log-type", "trace-id")] == [
        "Sync",
        "Tail",
        "trace-1",
    ]
    assert "prod" in first.target
    assert second.headers["x-fc-invocation-type"] == "Async"
    assert "x-fc-log-type" not in second.headers


@pytest.mark.parametrize(
    ("name", "header"),
    [("images/echo", "x-fc-stateful-async-invocation-id"), ("echo", "x-fc-async-task-id")],
    ids=["fc2", "fc3"],
)
class TestKeys:
    """An idempotency key is the id of an asynchronous task."""

    def test_it_is_sent(self, plain: FcEndpoint, client: Callable[..., fcall.Client], name: str, header: str) -> None:
        """Each API has its own header for it."""
        client(plain).enqueue(name, 1, idempotency_key=f"sent_{len(name)}")

        assert plain.requests[0].headers[header] == f"sent_{len(name)}"

    def test_a_doubtful_attempt_is_made_again(
        self, plain: FcEndpoint, client: Callable[..., fcall.Client], name: str, header: str
    ) -> None:
        """Where the first attempt was accepted and its answer lost, "already exists" means accepted."""
        plain.inject(Fault.RESET_BEFORE_ANSWER)
        acceptance = client(plain).enqueue(name, 1, idempotency_key=f"doubt_{len(name)}")

        assert acceptance.status_code == 202
        assert plain.received == 2

    def test_a_second_call_is_a_conflict(
        self, plain: FcEndpoint, client: Callable[..., fcall.Client], name: str, header: str
    ) -> None:
        """Another call with the key of an earlier one is told so: it was not accepted."""
        caller = client(plain)
        plain.inject(Fault.RESET_BEFORE_ANSWER)
        caller.enqueue(name, 1, idempotency_key=f"again_{len(name)}")
        with pytest.raises(ConflictError, match="an earlier call with this key was accepted") as raised:
            caller.enqueue(name, 2, idempotency_key=f"again_{len(name)}")

        assert raised.value.executed is Executed.NO
        assert raised.value.code == "StatefulAsyncInvocationAlreadyExists"


REFUSED = [
    {"invocationType": "DryRun"},
    {"invokerContext": {"custom": {"a": "1"}}},
    {"idempotencyKey": "key"},
    {"invocationType": "Async", "logTail": True},
]


@BOTH
@pytest.mark.parametrize("asked", REFUSED, ids=lambda asked: "-".join(asked))
def test_what_function_compute_lacks_is_refused(
    plain: FcEndpoint, client: Callable[..., fcall.Client], name: str, asked: dict[str, Any]
) -> None:
    """Dry runs, invoker contexts, keys on Sync calls and logs of Async ones have no place there."""
    service, _, function = name.rpartition("/")
    params = {"functionName": function, **({"serviceName": service} if service else {}), **asked}
    with pytest.raises(UnsupportedFeatureError):
        client(plain).invoke_function(params)

    assert plain.received == 0


@BOTH
def test_a_large_event_is_refused_early_on_async_only(
    plain: FcEndpoint, client: Callable[..., fcall.Client], name: str
) -> None:
    """128 KiB is the documented limit of an Async event; on Sync calls the service's own word counts."""
    payload = b"x" * 131_073
    with pytest.raises(PayloadTooLargeError):
        client(plain).enqueue(name, payload=payload)

    assert plain.received == 0
    assert client(plain).invoke(name, payload=payload).payload == payload


@pytest.mark.parametrize("bad", ["", " ", "a\nb", "a\r\nX-Evil: 1", "é", "a" * 257, " a", "a\x00"])
def test_a_trace_id_that_no_header_carries_is_refused(
    plain: FcEndpoint, client: Callable[..., fcall.Client], bad: str
) -> None:
    """A trace id is checked before it becomes a header."""
    with pytest.raises(InvalidParamsError):
        client(plain).invoke("images/echo", options={"trace_id": bad})

    assert plain.received == 0


class TestApi:
    """Which API is spoken follows the binding."""

    def test_a_binding_with_a_service_is_fc2(self, plain: FcEndpoint) -> None:
        """`service` in the configuration means FC 2.0, its absence FC 3.0, whatever the application's service is."""
        options = {"provider": "aliyun", **{name: value for name, value in plain.options.items() if name == "endpoint"}}
        services = {"pictures": {**options, "service": "images"}, "texts": options}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", plain.options["access_key_id"])
            patch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", plain.options["access_key_secret"])
            with fcall.Client({"services": services}, plugins=[fcall_aliyun]) as caller:
                assert [caller.invoke(f"{name}/echo", 1).json() for name in services] == [1, 1]

        assert [request.target for request in plain.requests] == [
            "/2016-08-15/services/images/functions/echo/invocations",
            "/2023-03-30/functions/echo/invocations",
        ]

    @pytest.mark.parametrize(
        ("target", "path"),
        [
            ("aliyun:images/echo", "/2016-08-15/services/images/functions/echo/invocations"),
            ("aliyun:images/echo:prod", "/2016-08-15/services/images.prod/functions/echo/invocations"),
            ("aliyun:echo", "/2023-03-30/functions/echo/invocations"),
            ("aliyun:echo:prod", "/2023-03-30/functions/echo/invocations?qualifier=prod"),
            ("acs:fc:::services/images/functions/echo", "/2016-08-15/services/images/functions/echo/invocations"),
            ("acs:fc:::functions/echo", "/2023-03-30/functions/echo/invocations"),
        ],
    )
    def test_a_target_says_which(
        self, plain: FcEndpoint, client: Callable[..., fcall.Client], target: str, path: str
    ) -> None:
        """A direct target or an ARN with a service is FC 2.0, one without is FC 3.0."""
        client(plain).invoke(target, 1)

        assert [path] == [request.target for request in plain.requests]


class TestListing:
    """All functions, page by page."""

    @pytest.mark.parametrize("service", ["images", None], ids=["fc2", "fc3"])
    def test_all_pages_are_read(self, client: Callable[..., fcall.Client], service: str | None) -> None:
        """Every function is listed once, in as many requests as there are pages."""
        names = [f"f{number:02}" for number in range(7)]
        handlers = {f"{service}/{name}" if service else name: lambda event, context: event for name in names}
        with FcEndpoint(handlers, page=3) as endpoint:
            listed = list(client(endpoint).list_functions(service))

        assert [info.name for info in listed] == names
        assert (listed[0].runtime, listed[0].last_modified) == ("python3.10", "2024-01-01T00:00:00Z")
        assert len(endpoint.requests) == 3

    def test_it_is_lazy(self, client: Callable[..., fcall.Client]) -> None:
        """A page is asked for when the one before it is used up."""
        handlers = {name: lambda event, context: event for name in ("a", "b", "c")}
        with FcEndpoint(handlers, page=1) as endpoint:
            listing = client(endpoint).list_functions()
            assert next(listing).name == "a"

            assert endpoint.received == 1

    @pytest.mark.parametrize(
        "body",
        [
            b"[]",
            b"null",
            b"<html>",
            b"",
            b'{"functions": 1}',
            b'{"functions": [{}]}',
            b'{"functions": [1]}',
            b'{"functions": [], "nextToken": 5}',
        ],
    )
    @pytest.mark.parametrize("service", ["images", None], ids=["fc2", "fc3"])
    def test_an_answer_that_is_no_list(
        self, plain: FcEndpoint, client: Callable[..., fcall.Client], service: str | None, body: bytes
    ) -> None:
        """Anything but a list of functions is the service's failure."""
        plain.inject(Fault.status(200, body, {"X-Fc-Request-Id": "1"}))
        with pytest.raises(fcall.errors.ProviderUnavailableError):
            list(client(plain).list_functions(service))

    def test_a_listing_that_goes_in_circles_ends(self, plain: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
        """A page that names itself as the next one is an error, not a loop."""
        page = Fault.status(200, b'{"functions": [{"functionName": "a"}], "nextToken": "a"}')
        plain.inject(page, always=True)
        with pytest.raises(fcall.errors.ProviderUnavailableError, match="circles"):
            list(client(plain).list_functions("images"))

        assert plain.received == 2

    def test_the_service_has_to_be_said(self, plain: FcEndpoint, client: Callable[..., fcall.Client]) -> None:
        """FC 2.0 lists a service, and FC 3.0 has none."""
        with pytest.raises(InvalidParamsError):
            list(client(plain, api="2.0").list_functions())
        with pytest.raises(InvalidParamsError):
            list(client(plain, api="3.0").list_functions("images"))


@pytest.mark.parametrize(
    ("module", "name", "install"),
    [
        ("fc2", "images/echo", "pip install fcall-aliyun"),
        ("alibabacloud_fc20230330", "echo", "pip install 'fcall-aliyun[fc3]'"),
    ],
)
def test_a_missing_sdk_says_what_to_install(module: str, name: str, install: str, tmp_path: Any) -> None:
    """Without the SDK of an API its calls are a ProviderNotInstalledError, and the other API still works."""
    program = """
import sys
sys.modules[sys.argv[1]] = None
import fcall, fcall_aliyun
from fcall_aliyun.testing import FcEndpoint
echo = lambda event, context: event
with FcEndpoint({"echo": echo, "images/echo": echo}) as endpoint:
    with fcall.Client(provider="aliyun", plugins=[fcall_aliyun], **endpoint.options) as client:
        print(sorted(["images/echo", "echo"], key=sys.argv[2].__ne__)[1], end=": ")
        print(client.invoke(sorted(["images/echo", "echo"], key=sys.argv[2].__ne__)[1], 1).text)
        try:
            client.invoke(sys.argv[2], 1)
        except fcall.errors.ProviderNotInstalledError as error:
            print(error)
"""
    command = [sys.executable, "-c", program, module, name]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert ": 1\n" in finished.stdout, finished.stderr
    assert install in finished.stdout
    assert issubclass(ProviderNotInstalledError, ImportError)
