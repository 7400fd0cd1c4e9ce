"""Fixtures for every test: AWS settings of this machine are out of reach, and everything stays on loopback."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import fcall_aws
import pytest
from fcall_aws.testing import LambdaEndpoint

import fcall
from fcall.errors import FcallError

_OURS = ("FCALL_CONFIG", "FCALL_ENV", "FCALL_PROVIDER", "FCALL_DISABLE_PLUGINS")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


HANGS = 25.0
"""Seconds after which a test is taken to hang."""

SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYCANARYKEY"
SESSION_TOKEN = "FwoGZXIvYXdzEBYaDCANARYTOKEN"


def pytest_collection_finish() -> None:
    """Have the garbage collector leave alone what is there before the first test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _aws_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Made-up credentials, a region, empty configuration files, and no address to ask for more."""
    nothing = tmp_path_factory.mktemp("aws") / "empty"
    nothing.touch()
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.startswith("AWS_") or name.upper() in _PROXIES or name in _OURS:
                patch.delenv(name)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, str(nothing))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        patch.setenv("AWS_SESSION_TOKEN", SESSION_TOKEN)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(autouse=True)
def _a_place_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty working directory, and no default client left behind."""
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))
    yield
    fcall.set_default_client(None)


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """A test that hangs fails; what it hangs in is interrupted."""

    def fail(*_: Any) -> None:
        pytest.fail("the test hangs")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, HANGS)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def bare() -> Iterator[Callable[..., Any]]:
    """Makes a plain boto3 client for an endpoint: ``bare(endpoint, read_timeout=1)``. One attempt unless told."""
    from boto3 import Session
    from botocore.config import Config

    clients = []

    def make(endpoint: Any, **settings: Any) -> Any:
        settings.setdefault("retries", {"mode": "standard", "total_max_attempts": 1})
        client = Session().client(
            "lambda", endpoint_url=endpoint.url, verify=endpoint.ca_file, config=Config(**settings)
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@dataclass(frozen=True)
class Outcome:
    """What came of one call through fcall.

    Attributes:
        value: the answer, or None.
        error: what it raised, or None.
        runs: how often the function ran for it.
        seconds: how long it took.
    """

    value: Any
    error: FcallError | None
    runs: int
    seconds: float


@contextmanager
def _watched() -> Iterator[None]:
    """Somebody wraps what boto3 sends its requests with, as recorders do."""
    from botocore.httpsession import URLLib3Session

    genuine = URLLib3Session.send
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(URLLib3Session, "send", lambda session, request: genuine(session, request))
        yield


@contextmanager
def _logged() -> Iterator[None]:
    """Somebody wants botocore's own account of every call, so that it makes each of them."""
    logger = logging.getLogger("botocore")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logger, "propagate", False)
        logger.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            logger.setLevel(logging.NOTSET)


class Awaiting:
    """A client for asyncio, whose calls are awaited on an event loop in a thread, in place of one that blocks."""

    def __init__(self, client: fcall.AsyncClient) -> None:
        self._client = client
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Awaiting:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        return lambda *given, **more: asyncio.run_coroutine_threadsafe(
            getattr(self._client, verb)(*given, **more), self._loop
        ).result()


class Line:
    """An endpoint with functions that count, and an fcall client of it. An exception that is not ours passes.

    With `watched`, somebody wraps what boto3 sends its requests with, so that they are sent through that; with
    `logged`, botocore makes every request, and the lane sends it; with `awaited` the client is one for asyncio.
    """

    def __init__(
        self,
        stack: ExitStack,
        *,
        tls: bool = False,
        watched: bool = False,
        logged: bool = False,
        awaited: bool = False,
        **options: Any,
    ) -> None:
        self.ran: list[Any] = []
        self.endpoint = stack.enter_context(LambdaEndpoint({"echo": self._echo, "fail": self._fail}, tls=tls))
        self.server = self.endpoint.server
        if tls:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setenv("AWS_CA_BUNDLE", str(self.endpoint.ca_file))
        self._around = _watched if watched else _logged if logged else nullcontext
        options |= {"provider": "aws", "endpoint_url": self.endpoint.url, "plugins": [fcall_aws]}
        self.client: Any = stack.enter_context(
            Awaiting(fcall.AsyncClient(**options)) if awaited else fcall.Client(**options)
        )

    def sync(self, event: Any, timeout: float = 10.0, **more: Any) -> Outcome:
        """Invoke."""
        return self._outcome(lambda: self.client.invoke("echo", event, timeout=timeout, **more).payload)

    def queue(self, event: Any, timeout: float = 10.0, **more: Any) -> Outcome:
        """Enqueue, and wait for what was accepted."""
        return self._outcome(lambda: self.client.enqueue("echo", event, timeout=timeout, **more))

    def dry(self, event: Any, timeout: float = 10.0, **more: Any) -> Outcome:
        """Check."""
        return self._outcome(lambda: self.client.check("echo", event, timeout=timeout, **more))

    def stream(self, event: Any, timeout: float = 10.0, **more: Any) -> Outcome:
        """Stream, all of it."""
        return self._outcome(lambda: b"".join(self.client.stream("echo", event, timeout=timeout, **more)))

    def _outcome(self, call: Callable[[], Any]) -> Outcome:
        before, value, error = len(self.ran), None, None
        begun = time.monotonic()
        try:
            with self._around():
                value = call()
        except FcallError as raised:
            error = raised
        seconds = time.monotonic() - begun
        self.endpoint.settle()
        return Outcome(value, error, len(self.ran) - before, seconds)

    def _echo(self, event: Any, context: Any) -> Any:
        self.ran.append(event)
        return event

    def _fail(self, event: Any, context: Any) -> Any:
        self.ran.append(event)
        raise ValueError("it fails")


@pytest.fixture
def line() -> Iterator[Callable[..., Line]]:
    """Makes an endpoint and a client of it: ``line(tls=True, max_concurrency=4)``."""
    with ExitStack() as stack:
        yield lambda **options: Line(stack, **options)


@pytest.fixture(scope="module")
def lines() -> Iterator[Callable[[str], Line]]:
    """The one line of a module by its way, such as ``plain`` or ``watched-tls``: a fault meets what others left."""
    made: dict[str, Line] = {}
    with ExitStack() as stack:

        def get(way: str) -> Line:
            if way not in made:
                kinds = {kind: kind in way for kind in ("tls", "watched", "logged", "awaited")}
                made[way] = Line(stack, **kinds)
                assert all(made[way].sync("warm").error is None for _ in range(3))
            return made[way]

        yield get
