"""The server: functions behind an API, whatever they and their callers do."""

from __future__ import annotations

import builtins
import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall.errors import ConfigurationError, ProviderNotInstalledError

for _module in ("uvicorn", "httptools"):
    pytest.importorskip(_module, reason=f"{_module} is not installed, which serving needs")

from toy_api import HANDLERS, ToyApi, asked  # noqa: E402 - it needs what may not be installed

from fcall.serve import Server  # noqa: E402

Serve = Callable[..., Server]


def test_each_kind_of_call_has_its_answer(serve: Serve) -> None:
    """A result, a failure, a version that is missing, an accepted event and a dry run are told apart."""
    Path("app.py").write_text(HANDLERS)
    server = serve("app.py", aliases={"live": "3"}, async_retries=0)

    assert "[1]" == asked(server, "/toy/echo", b"[1]")[1]["payload"]
    assert "ValueError" == asked(server, "/toy/boom")[1]["error"]
    assert [200, 404] == [asked(server, f"/toy/echo?version={name}")[0] for name in ("live", "dead")]
    assert [202, 200] == [asked(server, f"/toy/boom?type={type_}")[0] for type_ in ("Async", "DryRun")]


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_no_function_ends_the_server(serve: Serve, isolation: str, capfd: pytest.CaptureFixture[str]) -> None:
    """After functions that leave, hang and flood, and in a process of their own crash, the next call is answered."""
    Path("app.py").write_text(HANDLERS)
    server = serve("app.py", isolation=isolation, function_timeout=2)
    ends = {name: asked(server, f"/toy/{name}", b"30")[1] for name in ("leave", "hang", "flood", "boom")}
    if isolation == "process":
        ends["crash"] = asked(server, "/toy/crash")[1]

    assert "Runtime.ExitError" == ends["leave"]["error"]
    assert "Sandbox.Timedout" == ends["hang"]["error"]
    assert '"flooded"' == ends["flood"]["payload"]
    assert "Runtime.ExitError" == ends.get("crash", ends["leave"])["error"]
    assert "[1]" == asked(server, "/toy/echo", b"[1]")[1]["payload"]


def test_a_function_that_hangs_is_told_of_once(serve: Serve, registry: fcall.local.Registry) -> None:
    """A function in this process that cannot be stopped is answered at its limit, and its late end changes nothing."""
    told, go_on, returned = [], threading.Event(), threading.Event()

    @registry.function("hang")
    def hang(event: object, context: object) -> None:
        go_on.wait(60)
        returned.set()

    server = serve(function_timeout=0.2, tell=told.append)
    answer = asked(server, "/toy/hang")[1]
    go_on.set()
    assert returned.wait(60)
    server.close()

    assert "Sandbox.Timedout" == answer["error"]
    assert ["FunctionTimeoutError"] == [entry.outcome for entry in told]


def test_a_log_is_brought_where_it_is_asked_for(serve: Serve) -> None:
    """The end of a log comes with the answer, or with every entry of the journal."""
    Path("app.py").write_text("def fail(event, context):\n    print('said')\n    return 1 / 0\n")
    told: list[Any] = []
    quiet, loud = (
        serve("app.py", isolation="process", wants_log=wants_log, tell=told.append) for wants_log in (False, True)
    )
    logs = [asked(quiet, "/toy/fail")[1]["log"], asked(quiet, "/toy/fail?log=1")[1]["log"]]
    asked(loud, "/toy/fail")

    assert logs[0] is None
    assert "said\n" in logs[1]
    assert "said\n" in told[-1].log_tail


def test_a_call_is_one_readable_line(serve: Serve) -> None:
    """A line says API, function, type, outcome, time and request id, and nothing of the payload."""
    Path("app.py").write_text(HANDLERS)
    lines: list[str] = []
    server = serve("images/work=app.py:boom", tell=lambda entry: lines.append(str(entry)))
    request_id = asked(server, "/toy/images/work", b'"secret"')[1]["id"]
    moment, api, function, type_, outcome, took, shown_id = lines[0].split("  ")

    assert ["toy", "images/work", "Sync", "200 FunctionError (ValueError)"] == [api, function, type_, outcome]
    assert took.endswith(" ms")
    assert (request_id, 2) == (shown_id, moment.count(":"))


def test_the_state_holds_what_was_called_and_no_payload(serve: Serve) -> None:
    """Functions, recent calls and the async queue are there as JSON, without payloads."""
    Path("app.py").write_text(HANDLERS)
    fcall.local.forget_calls()
    server = serve("app.py", async_retries=1)
    accepted = asked(server, "/toy/boom?type=Async", b'"secret"')[1]["id"]
    asked(server, "/toy/echo", b'"secret"')
    assert fcall.local.drain(60)
    status, state = asked(server, "/_fcall/state", None, "GET")
    page = asked(server, "/", None, "GET")

    assert 200 == status
    assert "secret" not in json.dumps(state)
    assert {"name": "echo", "service": None, "function": "echo", "handler": "app.py:echo"} in state["functions"]
    assert ["echo", "boom"] == [call["function"] for call in state["calls"]]
    assert [(accepted, 2, "failed"), (accepted, 1, "failed")] == [
        (each["requestId"], each["attempt"], each["outcome"]) for each in state["queue"]["attempts"]
    ]
    assert 0 == state["queue"]["waiting"]
    assert (200, True) == (page[0], page[1].startswith("<!doctype html>"))
    assert [404, 405] == [asked(server, "/x", None, "GET")[0], asked(server, "/")[0]]


def test_a_broken_api_is_answered_for(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """What an API raises is logged and answered with status 500, and the server goes on."""
    Path("app.py").write_text(HANDLERS)
    server = serve("app.py")

    with caplog.at_level(logging.ERROR, "fcall"):
        assert 500 == asked(server, "/toy/echo", b"break the API")[0]
    assert "the API toy could not answer a request" in caplog.text
    assert 200 == asked(server, "/toy/echo")[0]


def test_more_requests_than_allowed_are_refused(serve: Serve, registry: fcall.local.Registry) -> None:
    """Beyond the number of requests that are answered at once, the next one is told so, and later ones are answered."""
    running, go_on = threading.Event(), threading.Event()

    @registry.function("wait")
    def wait(event: object, context: object) -> None:
        running.set()
        go_on.wait(60)

    server = serve(concurrency=1, function_timeout=60)
    first = threading.Thread(target=asked, args=(server, "/toy/wait"))
    first.start()
    assert running.wait(60)
    refused = asked(server, "/toy/wait")[0]
    go_on.set()
    first.join()

    assert 429 == refused
    assert 200 == asked(server, "/toy/wait")[0]


def test_what_is_under_way_is_answered_at_the_end(serve: Serve, registry: fcall.local.Registry) -> None:
    """A stop lets the calls under way be answered, and a close returns when accepted events have run."""
    running, go_on, ran, answers = threading.Semaphore(0), threading.Event(), [], []

    @registry.function("wait")
    def wait(event: object, context: object) -> str:
        running.release()
        go_on.wait(60)
        ran.append(event)
        return "answered"

    server = serve(function_timeout=60)
    assert 202 == asked(server, "/toy/wait?type=Async", b'"event"')[0]
    caller = threading.Thread(target=lambda: answers.append(asked(server, "/toy/wait", b'"call"')[1]["payload"]))
    caller.start()
    assert running.acquire(timeout=60)
    assert running.acquire(timeout=60)
    closing = threading.Thread(target=server.close)
    closing.start()
    go_on.set()
    closing.join(60)
    caller.join(60)

    assert not closing.is_alive()
    assert ['"answered"'] == answers
    assert ["call", "event"] == sorted(map(str, ran))
    with pytest.raises(OSError, match="refused"):
        asked(server, "/toy/wait")


def test_what_a_durable_queue_kept_runs_at_the_next_start(serve: Serve, tmp_path: Path) -> None:
    """Events that an earlier process accepted and did not run are run when the server starts, called or not."""
    Path("app.py").write_text(
        "import pathlib\ndef note(event, context):\n    pathlib.Path('ran').write_text(str(event))\n"
    )
    durable = str(tmp_path / "queue.db")
    _leave_an_event(durable)

    serve("app.py", durable=durable)
    assert fcall.local.drain(60)

    assert "left" == Path("ran").read_text()


def _leave_an_event(durable: str) -> None:
    """Have a process accept an event and end before it runs, since another one occupies its only worker."""
    program = (
        "import fcall, os\n"
        f"client = fcall.Client(provider='local', durable={durable!r}, workers=1)\n"
        "client.enqueue('local:slow.py:wait', 'first')\n"
        "client.enqueue('local:app.py:note', 'left')\n"
        "os._exit(0)\n"
    )
    Path("slow.py").write_text("import time\ndef wait(event, context):\n    time.sleep(60)\n")
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    Path("slow.py").write_text("def wait(event, context):\n    return None\n")


def test_whoever_is_shown_calls_changes_no_answer(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A function that is shown every call and raises is logged, and the call is answered."""
    Path("app.py").write_text(HANDLERS)
    server = serve("app.py", tell=lambda entry: 1 / 0)

    assert "[1]" == asked(server, "/toy/echo", b"[1]")[1]["payload"]
    assert "a call could not be shown" in caplog.text


def test_serving_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where uvicorn is missing, the error says what to install."""
    real = builtins.__import__

    def without(name: str, *arguments: Any, **settings: Any) -> Any:
        if name == "uvicorn":
            raise ImportError("No module named 'uvicorn'", name="uvicorn")
        return real(name, *arguments, **settings)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ProviderNotInstalledError, match=r"serving needs uvicorn; .* 'fcall-core\[serve\]'"):
        Server(apis=[ToyApi()])


def test_serving_needs_an_api() -> None:
    """Where no plugin brings an API, the error says which ones do."""
    with pytest.raises(ConfigurationError, match="pip install fcall-aws, or fcall-aliyun"):
        Server(apis=[])


def test_a_port_that_is_taken_is_told() -> None:
    """A port that something else listens at is a configuration error that says so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"nothing can listen at 127.0.0.1 port {port}: "):
            Server(apis=[ToyApi()], port=port)
