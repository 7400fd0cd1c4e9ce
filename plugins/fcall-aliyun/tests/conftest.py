"""What the tests of the provider share: endpoints on loopback and clients that call them."""

from __future__ import annotations

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


@pytest.fixture
def client() -> Iterator[Callable[..., fcall.Client]]:
    """Makes clients of the provider, and closes them: ``client(endpoint, max_concurrency=4)``."""
    made: list[fcall.Client] = []

    def make(there: FcEndpoint | None = None, /, **options: Any) -> fcall.Client:
        reached = {} if there is None else there.options
        made.append(fcall.Client(provider="aliyun", plugins=[fcall_aliyun], **{**reached, **options}))
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
