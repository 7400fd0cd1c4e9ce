"""Ctrl-C in the middle of a call: it gets through at once, and what was half read is nobody's answer."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import fcall_aws
import pytest
from fcall_aws.testing import LambdaEndpoint

import fcall

WAYS = pytest.mark.parametrize("watched", [False, True], ids=["own", "boto3"])


class Interrupting:
    """Functions of which one interrupts its caller while that waits for the answer."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def echo(self, event: Any, context: Any) -> Any:
        return event

    def interrupt(self, event: Any, context: Any) -> Any:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        self.go_on.wait(5)
        return "late"


@pytest.fixture
def sigint() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where a shell has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("sigint")
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@WAYS
def test_the_next_call_gets_its_own_answer(watched: bool, tls: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that Ctrl-C ended gives its connection up; the pool stays usable and the late answer reaches nobody."""
    functions = Interrupting()
    with ExitStack() as stack:
        handlers = {"echo": functions.echo, "interrupt": functions.interrupt}
        endpoint = stack.enter_context(LambdaEndpoint(handlers, tls=tls, function_timeout=10))
        stack.callback(functions.go_on.set)
        if endpoint.ca_file:
            monkeypatch.setenv("AWS_CA_BUNDLE", endpoint.ca_file)
        if watched:
            from botocore.httpsession import URLLib3Session

            genuine = URLLib3Session.send
            monkeypatch.setattr(URLLib3Session, "send", lambda session, request: genuine(session, request))
        client = stack.enter_context(
            fcall.Client(provider="aws", endpoint_url=endpoint.url, plugins=[fcall_aws], max_concurrency=1)
        )
        assert client.invoke("echo", "before", timeout=20).json() == "before"
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            client.invoke("interrupt", "x", timeout=20)
        seconds = time.monotonic() - begun
        functions.go_on.set()
        answers = [client.invoke("echo", number, timeout=20).json() for number in range(5)]

    assert seconds < 2
    assert [0, 1, 2, 3, 4] == answers
    assert endpoint.server.connections <= 2


@pytest.mark.usefixtures("sigint")
def test_a_stream_that_is_left_gives_its_connection_up(line: Callable[..., Any]) -> None:
    """A stream of which only the first piece was taken frees its slot, and the next call gets its own answer."""
    it = line(max_concurrency=1)
    pieces = it.client.stream("echo", "x" * 100_000)
    next(pieces)
    pieces.close()

    assert it.client.invoke("echo", "next", timeout=5).json() == "next"
