"""The server: functions of every kind of source, behind an API, whatever they and their callers do."""

from __future__ import annotations

import builtins
import http.client
import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import fcall
from fcall.errors import ConfigurationError, InvalidParamsError, ProviderNotInstalledError

for _module in ("uvicorn", "httptools"):
    pytest.importorskip(_module, reason=f"{_module} is not installed, which serving needs")

from toy_api import ToyApi  # noqa: E402 - it needs nothing, and nothing needs it where serving is skipped

from fcall.serve import Server  # noqa: E402

HANDLERS = """
import os, sys, time

def echo(event, context):
    return event

def service_of(event, context):
    return context.function_name

def boom(event, context):
    raise ValueError("no good")

def leave(event, context):
    sys.exit(3)

def crash(event, context):
    os._exit(3)

def flood(event, context):
    for _ in range(300):
        print("x" * 10_000)
        print("y" * 10_000, file=sys.stderr)
    return "flooded"

def hang(event, context):
    time.sleep(event)

def _private(event, context): ...
def too_few(event): ...
def too_many(event, context, more): ...
"""

Serve = Callable[..., Server]


@pytest.fixture
def serve(registry: fcall.local.Registry) -> Iterator[Serve]:
    """Starts servers of the toy API, which end with the test."""
    servers = []

    def serve(*handlers: str, **settings: Any) -> Server:
        server = Server(*handlers, **{"registry": registry, "apis": [ToyApi()], **settings})
        servers.append(server)
        server.start()
        return server

    yield serve
    for server in servers:
        server.close()


def _asked(
    server: Server, path: str, body: bytes | None = b"{}", method: str = "POST", **headers: str
) -> tuple[int, Any]:
    """Status and document of an answer."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        content = answer.read()
        is_json = answer.headers.get("Content-Type") == "application/json"
        return answer.status, json.loads(content) if is_json else content.decode()
    finally:
        connection.close()


def _listed(server: Server) -> list[str]:
    return _asked(server, "/toy/", None, "GET")[1]["names"]


def test_a_file_is_served_by_its_handlers(serve: Serve) -> None:
    """Public functions of a file that take an event and a context are served by their names; it is not run for that."""
    Path("app.py").write_text(HANDLERS + "\nraise SystemExit('was run')\n")

    server = serve("app.py")

    assert ["boom", "crash", "echo", "flood", "hang", "leave", "service_of"] == _listed(server)


def test_all_says_which_handlers_are_served(serve: Serve) -> None:
    """Where a file has ``__all__``, only what it lists is served."""
    Path("app.py").write_text(HANDLERS + '\n__all__ = ["echo", "_private"]\n')

    assert ["_private", "echo"] == _listed(serve("app.py"))


def test_registered_handlers_are_served_by_their_names(serve: Serve) -> None:
    """Where a file registers functions, these are served, each by the name and the service that it is registered by."""
    Path("app.py").write_text(
        "import fcall\n"
        "@fcall.local.function('images/resize')\ndef work(event, context): return context.function_name\n"
        "def other(event, context): ...\n"
    )
    server = serve("app.py")

    assert ["resize"] == _listed(server)
    assert (200, '"work"') == (
        _asked(server, "/toy/images/resize")[0],
        _asked(server, "/toy/images-resize")[1]["payload"],
    )
    assert 404 == _asked(server, "/toy/videos/resize")[0]


def test_a_single_function_is_served_by_a_name_of_choice(serve: Serve) -> None:
    """``service/name=path:function`` serves one function, by another name and in a service."""
    Path("app.py").write_text(HANDLERS)
    server = serve("say=app.py:echo", "images/say=app.py:boom")

    assert ["images-say", "say"] == _listed(server)
    assert '{"a": 1}' == _asked(server, "/toy/say", b'{"a": 1}')[1]["payload"]
    assert "ValueError" == _asked(server, "/toy/images-say")[1]["error"]
    assert "ValueError" == _asked(server, "/toy/images/say")[1]["error"]


@pytest.mark.parametrize(
    ("handlers", "said"),
    [
        (["absent.py"], "there is no file"),
        (["absent.py:function"], "there is no file"),
        (["empty.py"], "has no function that takes"),
        (["wrong.py"], "is not Python"),
        (["app.py:echo", "echo=app.py:boom"], "two functions are called 'echo'"),
        (["name=app.py"], "names no handler"),
        (["echo:prod=app.py:echo"], "is neither"),
    ],
)
def test_what_cannot_be_served_is_a_configuration_error(handlers: list[str], said: str) -> None:
    """A file that is missing, empty or wrong, and a name given twice, are told before anything listens."""
    Path("app.py").write_text(HANDLERS)
    Path("empty.py").write_text("x = 1\n")
    Path("wrong.py").write_text("def f(:\n")

    with pytest.raises(ConfigurationError, match=said):
        Server(*handlers, apis=[ToyApi()])


def test_local_services_of_the_configuration_are_served(serve: Serve) -> None:
    """Without handlers, the functions that local services name are served with their options; others are named."""
    Path("app.py").write_text(HANDLERS)
    Path("fcall.toml").write_text("""
[services.images]
provider = "local"
functions = { say = "app.py:echo", wait = "app.py:hang?function_timeout=0.1", "*" = "{function}" }

[services.videos]
provider = "aws"
region = "eu-west-1"
""")
    server = serve()

    assert ["say", "wait"] == _listed(server)
    assert ("videos",) == server.skipped
    assert "[1]" == _asked(server, "/toy/images/say", b"[1]")[1]["payload"]
    assert "Sandbox.Timedout" == _asked(server, "/toy/wait", b"0.3")[1]["error"]


def test_options_go_before_what_the_configuration_says(serve: Serve) -> None:
    """An option that the server is given holds for the configured services too."""
    Path("app.py").write_text(HANDLERS)
    config = {"services": {"images": {"provider": "local", "functions": {"wait": "app.py:hang"}}}}
    server = serve(config=config, function_timeout=0.1)

    assert "Sandbox.Timedout" == _asked(server, "/toy/wait", b"0.3")[1]["error"]


def test_what_is_registered_later_is_served_at_once(serve: Serve, registry: fcall.local.Registry) -> None:
    """A function that this process registers after the start is served from then on."""
    server = serve()
    before = _asked(server, "/toy/images/late")[0]
    registry.function("images/late")(lambda event, context: "here")

    assert 404 == before
    assert '"here"' == _asked(server, "/toy/images/late")[1]["payload"]


def test_each_kind_of_call_has_its_answer(serve: Serve) -> None:
    """A result, a failure, a version that is missing, an accepted event and a dry run are told apart."""
    Path("app.py").write_text(HANDLERS)
    server = serve("app.py", aliases={"live": "3"}, async_retries=0)

    assert "[1]" == _asked(server, "/toy/echo", b"[1]")[1]["payload"]
    assert "ValueError" == _asked(server, "/toy/boom")[1]["error"]
    assert [200, 404] == [_asked(server, f"/toy/echo?version={name}")[0] for name in ("live", "dead")]
    assert [202, 200] == [_asked(server, f"/toy/boom?type={type_}")[0] for type_ in ("Async", "DryRun")]


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_no_function_ends_the_server(serve: Serve, isolation: str, capfd: pytest.CaptureFixture[str]) -> None:
    """After functions that leave, hang and flood, and in a process of their own crash, the next call is answered."""
    Path("app.py").write_text(HANDLERS)
    server = serve("app.py", isolation=isolation, function_timeout=2)
    ends = {name: _asked(server, f"/toy/{name}", b"30")[1] for name in ("leave", "hang", "flood", "boom")}
    if isolation == "process":
        ends["crash"] = _asked(server, "/toy/crash")[1]

    assert "Runtime.ExitError" == ends["leave"]["error"]
    assert "Sandbox.Timedout" == ends["hang"]["error"]
    assert '"flooded"' == ends["flood"]["payload"]
    assert "Runtime.ExitError" == ends.get("crash", ends["leave"])["error"]
    assert "[1]" == _asked(server, "/toy/echo", b"[1]")[1]["payload"]


def test_a_function_that_hangs_is_told_of_once(serve: Serve, registry: fcall.local.Registry) -> None:
    """A function in this process that cannot be stopped is answered at its limit, and its late end changes nothing."""
    told, go_on, returned = [], threading.Event(), threading.Event()

    @registry.function("hang")
    def hang(event: object, context: object) -> None:
        go_on.wait(60)
        returned.set()

    server = serve(function_timeout=0.2, tell=told.append)
    answer = _asked(server, "/toy/hang")[1]
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
    logs = [_asked(quiet, "/toy/fail")[1]["log"], _asked(quiet, "/toy/fail?log=1")[1]["log"]]
    _asked(loud, "/toy/fail")

    assert logs[0] is None
    assert "said\n" in logs[1]
    assert "said\n" in told[-1].log_tail


def test_a_call_is_one_readable_line(serve: Serve) -> None:
    """A line says API, function, type, outcome, time and request id, and nothing of the payload."""
    Path("app.py").write_text(HANDLERS)
    lines: list[str] = []
    server = serve("images/work=app.py:boom", tell=lambda entry: lines.append(str(entry)))
    request_id = _asked(server, "/toy/images/work", b'"secret"')[1]["id"]
    moment, api, function, type_, outcome, took, shown_id = lines[0].split("  ")

    assert ["toy", "images/work", "Sync", "200 FunctionError (ValueError)"] == [api, function, type_, outcome]
    assert took.endswith(" ms")
    assert (request_id, 2) == (shown_id, moment.count(":"))


def test_the_state_holds_what_was_called_and_no_payload(serve: Serve) -> None:
    """Functions, recent calls and the async queue are there as JSON, without payloads."""
    Path("app.py").write_text(HANDLERS)
    fcall.local.forget_calls()
    server = serve("app.py", async_retries=1)
    accepted = _asked(server, "/toy/boom?type=Async", b'"secret"')[1]["id"]
    _asked(server, "/toy/echo", b'"secret"')
    assert fcall.local.drain(60)
    status, state = _asked(server, "/_fcall/state", None, "GET")
    page = _asked(server, "/", None, "GET")

    assert 200 == status
    assert "secret" not in json.dumps(state)
    assert {"name": "echo", "service": None, "function": "echo", "handler": "app.py:echo"} in state["functions"]
    assert ["echo", "boom"] == [call["function"] for call in state["calls"]]
    assert [(accepted, 2, "failed"), (accepted, 1, "failed")] == [
        (each["requestId"], each["attempt"], each["outcome"]) for each in state["queue"]["attempts"]
    ]
    assert 0 == state["queue"]["waiting"]
    assert (200, True) == (page[0], page[1].startswith("<!doctype html>"))
    assert [404, 405] == [_asked(server, "/x", None, "GET")[0], _asked(server, "/")[0]]


@pytest.fixture(scope="module")
def gated() -> Iterator[Server]:
    """A server with a name of its own."""
    with Server(apis=[ToyApi()], registry=fcall.local.Registry(), allow_hosts=["build-box"]) as server:
        yield server


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:9700"}, 200),
        ({"Host": "app.localhost"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "Build-Box:80"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "evil@localhost"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "localhost:1", "Origin": "http://localhost:1"}, 200),
        ({"Host": "localhost:1", "Origin": "http://localhost:2"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-origin"}, 200),
    ],
)
def test_pages_of_other_sites_are_kept_out(gated: Server, headers: dict[str, str], status: int) -> None:
    """A request that a browser sends for another site is refused by its Host or Origin, names of our own are not."""
    assert status == _asked(gated, "/toy/", None, "GET", **headers)[0]


def test_with_verify_nothing_unsigned_comes_in(serve: Serve) -> None:
    """A request that none of the keys signed is refused in the API's own words."""
    Path("app.py").write_text(HANDLERS)
    server = serve("app.py", verify={"me": "secret"})

    assert (403, {"error": "unsigned"}) == _asked(server, "/toy/echo")
    assert 200 == _asked(server, "/toy/echo", X_Key="me:secret")[0]


@pytest.mark.parametrize("settings", [{}, {"allow_remote": True}, {"token": "a token of some length"}])
def test_other_machines_take_a_flag_and_a_token(settings: dict[str, Any]) -> None:
    """Nothing listens at an address that other machines reach unless both are given."""
    with pytest.raises(InvalidParamsError, match="--allow-remote and give a --token"):
        Server(apis=[ToyApi()], host="0.0.0.0", **settings)


def test_a_token_is_long() -> None:
    """A token that could be guessed is refused."""
    with pytest.raises(InvalidParamsError, match="at least 16 characters"):
        Server(apis=[ToyApi()], token="short")


def test_a_token_is_a_secret_key_over_an_api_and_a_password_for_people(serve: Serve) -> None:
    """With a token, API requests are signed with it as the key ``fcall``, and people show it."""
    token = "a token of some length"
    server = serve(host="0.0.0.0", allow_remote=True, token=token)
    basic = "Basic OmEgdG9rZW4gb2Ygc29tZSBsZW5ndGg="  # nobody's name, and the token

    assert "http://127.0.0.1:" in server.url
    assert [403, 200] == [_asked(server, "/toy/", None, "GET", X_Key=key)[0] for key in ("x:y", f"fcall:{token}")]
    assert [401, 401, 401, 200, 200] == [
        _asked(server, "/_fcall/state", None, "GET", Authorization=shown)[0]
        for shown in ("", "Bearer x", "Basic x", f"Bearer {token}", basic)
    ]


def test_a_broken_api_is_answered_for(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """What an API raises is logged and answered with status 500, and the server goes on."""
    Path("app.py").write_text(HANDLERS)
    server = serve("app.py")

    with caplog.at_level(logging.ERROR, "fcall"):
        assert 500 == _asked(server, "/toy/echo", b"break the API")[0]
    assert "the API toy could not answer a request" in caplog.text
    assert 200 == _asked(server, "/toy/echo")[0]


def test_more_requests_than_allowed_are_refused(serve: Serve, registry: fcall.local.Registry) -> None:
    """Beyond the number of requests that are answered at once, the next one is told so, and later ones are answered."""
    running, go_on = threading.Event(), threading.Event()

    @registry.function("wait")
    def wait(event: object, context: object) -> None:
        running.set()
        go_on.wait(60)

    server = serve(concurrency=1, function_timeout=60)
    first = threading.Thread(target=_asked, args=(server, "/toy/wait"))
    first.start()
    assert running.wait(60)
    refused = _asked(server, "/toy/wait")[0]
    go_on.set()
    first.join()

    assert 429 == refused
    assert 200 == _asked(server, "/toy/wait")[0]


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
    assert 202 == _asked(server, "/toy/wait?type=Async", b'"event"')[0]
    caller = threading.Thread(target=lambda: answers.append(_asked(server, "/toy/wait", b'"call"')[1]["payload"]))
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
        _asked(server, "/toy/wait")


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


def test_a_file_may_register_what_it_is_served_for(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that registers its functions when a call imports it is served as before."""
    monkeypatch.setattr(fcall.local._registry.DEFAULT, "_functions", {})
    Path("app.py").write_text(
        "import fcall\n@fcall.local.function('images/resize')\ndef resize(event, context): return event\n"
    )
    server = serve("app.py", registry=None)

    assert ["[1]", "[1]"] == [_asked(server, "/toy/images/resize", b"[1]")[1]["payload"] for _ in range(2)]
    assert ["resize"] == _listed(server)


def test_whoever_is_shown_calls_changes_no_answer(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A function that is shown every call and raises is logged, and the call is answered."""
    Path("app.py").write_text(HANDLERS)
    server = serve("app.py", tell=lambda entry: 1 / 0)

    assert "[1]" == _asked(server, "/toy/echo", b"[1]")[1]["payload"]
    assert "a call could not be shown" in caplog.text


def test_a_reload_lets_what_is_under_way_end(serve: Serve, registry: fcall.local.Registry) -> None:
    """A call that is under way while functions are served anew has its answer from those that were."""
    running, go_on, answers = threading.Event(), threading.Event(), []

    @registry.function("wait")
    def wait(event: object, context: object) -> str:
        running.set()
        go_on.wait(60)
        return "answered"

    server = serve(function_timeout=60)
    caller = threading.Thread(target=lambda: answers.append(_asked(server, "/toy/wait")[1]["payload"]))
    caller.start()
    assert running.wait(60)
    old = server._app.stage
    server.reload()
    go_on.set()
    caller.join(60)

    assert old is not server._app.stage
    assert ['"answered"', '"answered"'] == [*answers, _asked(server, "/toy/wait")[1]["payload"]]


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_a_changed_file_is_served_anew(serve: Serve, isolation: str) -> None:
    """With reload, a changed handler, a changed module that it imports and a new handler are served as they are now."""
    Path("app.py").write_text("import words_of_reload as words\ndef say(event, context): return words.WORD\n")
    Path("words_of_reload.py").write_text("WORD = 'old'\n")
    server = serve("app.py", isolation=isolation, reload=True)
    before = _asked(server, "/toy/say")[1]["payload"]
    Path("words_of_reload.py").write_text("WORD = 'changed'\n")
    Path("app.py").write_text(Path("app.py").read_text() + "def new(event, context): return 'new'\n")
    server._watcher.check()
    after = [_asked(server, f"/toy/{name}")[1]["payload"] for name in ("say", "new")]

    assert '"old"' == before
    assert ['"changed"', '"new"'] == after


def test_a_file_that_is_wrong_for_a_while_fails_its_calls_only(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """While a changed file is not Python its calls fail as they would in the cloud; the next change mends them."""
    Path("app.py").write_text("def say(event, context): return 1\n")
    server = serve("app.py", isolation="process", reload=True)
    Path("app.py").write_text("def say(event, context: return 1\n")
    server._watcher.check()
    while_wrong = _asked(server, "/toy/say")[1]["error"]
    Path("app.py").write_text("def say(event, context): return 22\n")
    server._watcher.check()

    assert "Runtime.UserCodeSyntaxError" == while_wrong
    assert "the functions stay those that were" in caplog.text
    assert "22" == _asked(server, "/toy/say")[1]["payload"]


def test_a_change_is_seen_without_being_asked(serve: Serve) -> None:
    """The watcher looks by itself; a file that did not change is not served anew."""
    Path("app.py").write_text("def say(event, context): return 1\n")
    server = serve("app.py", reload=True)
    unchanged = server._watcher.check()
    Path("app.py").write_text("def say(event, context): return 22\n")
    before_it_is_seen = [*iter(lambda: _asked(server, "/toy/say")[1]["payload"], "22")]

    assert unchanged is False
    assert {"1"} >= {*before_it_is_seen}


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
