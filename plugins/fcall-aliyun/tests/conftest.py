"""What the tests of the provider share: endpoints on loopback and clients that call them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import fcall_aliyun
import pytest
from fcall_aliyun.testing import FcEndpoint

import fcall

KEY_NAMES = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")


def echo(event: bytes, context: Any) -> bytes:
    return event


def fail(event: bytes, context: Any) -> None:
    raise ValueError("the handler fails")


HANDLERS = {"echo": echo, "images/echo": echo, "fail": fail, "images/fail": fail}


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own credentials, proxies and configuration are no part of any test."""
    for name in (
        *KEY_NAMES,
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
        "FCALL_CONFIG",
        "FCALL_PROVIDER",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module", params=[False, True], ids=["http", "tls"])
def endpoint(request: pytest.FixtureRequest) -> Iterator[FcEndpoint]:
    """Function Compute on loopback, over plain HTTP and over TLS."""
    with FcEndpoint(HANDLERS, tls=request.param) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def plain() -> Iterator[FcEndpoint]:
    """Function Compute on loopback, over plain HTTP."""
    with FcEndpoint(HANDLERS) as endpoint:
        yield endpoint


class Awaiting:
    """A client for asyncio in place of one that blocks. Its event loop runs while a call does."""

    def __init__(self, client: fcall.AsyncClient) -> None:
        self._client = client
        self._runner = asyncio.Runner()

    def invoke(self, *given: Any, **more: Any) -> fcall.InvocationResult:
        return self._runner.run(self._client.invoke(*given, **more))

    def enqueue(self, *given: Any, **more: Any) -> fcall.Acceptance:
        return self._runner.run(self._client.enqueue(*given, **more))

    def close(self) -> None:
        self._runner.run(self._client.close())
        self._runner.close()


@pytest.fixture
def client() -> Iterator[Callable[..., Any]]:
    """Makes clients of the provider, and closes them: ``client(endpoint, awaited=True, max_concurrency=4)``."""
    made: list[Any] = []

    def make(there: FcEndpoint | None = None, /, *, awaited: bool = False, **options: Any) -> Any:
        options = {**({} if there is None else there.options), **options, "plugins": [fcall_aliyun]}
        made.append(
            Awaiting(fcall.AsyncClient(provider="aliyun", **options))
            if awaited
            else fcall.Client(provider="aliyun", **options)
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(autouse=True)
def _healed(request: pytest.FixtureRequest) -> Iterator[None]:
    """An endpoint that several tests share is whole again after each."""
    yield
    for name in ("endpoint", "plain"):
        if name in request.fixturenames:
            request.getfixturevalue(name).reset()
