"""``fcall serve``: a command from its banner to its last accepted event."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

for _module in ("uvicorn", "httptools"):
    pytest.importorskip(_module, reason=f"{_module} is not installed, which serving needs")

pytestmark = pytest.mark.usefixtures("unmeasured")

TOKEN = "a token of some length"


class Served:
    """A command that serves, in a process of its own; what it says is read line by line."""

    def __init__(self, *arguments: str, **environ: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fcall", "serve", *arguments],
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = ""
        self.url = ""

    def until(self, pattern: str) -> str:
        """Read what it says until a line has the pattern; that line."""
        assert self._process.stderr is not None
        guard = threading.Timer(60, self._process.kill)
        guard.start()
        try:
            for line in self._process.stderr:
                self.said += line
                if re.search(pattern, line):
                    return line
        finally:
            guard.cancel()
        raise AssertionError(f"it never said {pattern!r}, but: {self.said}")

    def ready(self) -> str:
        """Wait for the banner; the URL."""
        self.until("Ctrl-C ends it")
        self.url = re.search(r"on (http://\S+)", self.said)[1]  # type: ignore[index]
        return self.url

    def call(self, path: str, body: bytes = b"{}", **headers: str) -> bytes:
        request = urllib.request.Request(self.url + path, body, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            content: bytes = answer.read()
            return content

    def tell(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """Wait for its end; the exit code."""
        _, rest = self._process.communicate(timeout=60)
        self.said += rest
        return self._process.returncode

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Starts commands on a machine where a plugin brings the toy API; they end with the test."""
    site = tmp_path_factory.mktemp("site")
    facts = site / "toy-1.0.dist-info"
    facts.mkdir()
    facts.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    facts.joinpath("entry_points.txt").write_text("[fcall.apis]\ntoy = toy_api:ToyApi\n")
    path = os.pathsep.join([str(site), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    commands = []

    def serve(*arguments: str, **environ: str) -> Served:
        command = Served("--port", "0", *arguments, **{"PYTHONPATH": path, **environ})
        commands.append(command)
        return command

    yield serve
    for command in commands:
        command.kill()


def _written(source: str) -> None:
    Path("app.py").write_text(textwrap.dedent(source))


def test_the_banner_says_what_there_is_and_how_to_call_it(serve: Callable[..., Served]) -> None:
    """The banner names APIs, functions, the page, and lines to paste; a call is a line; Ctrl-C ends it with 0."""
    _written("def say(event, context):\n    print('to the log')\n    return event\n")
    server = serve("app.py")
    url = server.ready()
    banner = server.said
    answer = server.call("/toy/say", b"[1]")
    line = server.until("toy  say")
    server.tell(signal.SIGINT)

    assert "Toy" in banner
    assert "  say  app.py:say\n" in banner
    assert f"curl --data '{{}}' {url}/toy/say\n" in banner
    assert b'"[1]"' in answer
    assert re.fullmatch(r"\d\d:\d\d:\d\d  toy  say  Sync  200 ok  \d+\.\d ms  [0-9a-f-]{36}\n", line)
    assert 0 == server.end()
    assert "to the log" not in server.said


def test_verbose_shows_logs(serve: Callable[..., Served]) -> None:
    """With -v the end of a call's log follows its line."""
    _written("def say(event, context):\n    print('to the log')\n")
    server = serve("app.py", "-v")
    server.ready()
    server.call("/toy/say")

    assert "    to the log\n" == server.until("to the log")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_accepted_runs_before_the_end(serve: Callable[..., Served], number: int) -> None:
    """Told to stop, the command runs what it accepted, and then ends well."""
    _written(
        """
        import pathlib, time
        def work(event, context):
            pathlib.Path("begun").touch()
            while not pathlib.Path("go").exists():
                time.sleep(0.01)
            pathlib.Path("done").touch()
        """
    )
    server = serve("app.py", "--timeout", "60")
    server.ready()
    server.call("/toy/work?type=Async")
    server.tell(number)
    server.until("What was accepted runs first")
    Path("go").touch()

    assert 0 == server.end()
    assert Path("done").exists()


def test_a_second_interrupt_gives_up(serve: Callable[..., Served]) -> None:
    """A second Ctrl-C does not wait for what was accepted, says so, and ends with 130."""
    _written("import time\ndef work(event, context):\n    time.sleep(600)\n")
    server = serve("app.py", "--timeout", "900")
    server.ready()
    server.call("/toy/work?type=Async")
    server.tell(signal.SIGINT)
    server.until("What was accepted runs first")
    server.tell(signal.SIGINT)

    assert 130 == server.end()
    assert "given up. What was accepted may have run in part, or not at all (executed: MAYBE)." in server.said


def test_a_durable_queue_keeps_what_does_not_run_in_time(serve: Callable[..., Served]) -> None:
    """With --durable, a stop leaves events that wait for long to the next start, which runs them."""
    _written(
        """
        import pathlib
        def work(event, context):
            if not pathlib.Path("go").exists():
                raise OSError
            pathlib.Path("done").touch()
        """
    )
    queue = ("--durable", "queue.db", "--option", "async_pause=3600")
    first = serve("app.py", *queue, "--grace", "0.1")
    first.ready()
    first.call("/toy/work?type=Async")
    first.tell(signal.SIGINT)
    first_code = first.end()
    Path("go").touch()
    second = serve("app.py", *queue)
    second.ready()
    second.tell(signal.SIGINT)

    assert 0 == first_code
    assert re.search(r"kept in \S+queue\.db for the next start", first.said)
    assert 0 == second.end()
    assert Path("done").exists()


def test_reload_serves_what_is_there_now(serve: Callable[..., Served]) -> None:
    """With --reload a changed file is served as it is now."""
    _written("def say(event, context): return 1\n")
    server = serve("app.py", "--reload")
    server.ready()
    _written("def say(event, context): return 22\n")

    for _ in iter(lambda: b'"22"' in server.call("/toy/say"), True):
        server.until("toy  say")


def test_other_machines_are_let_in_with_a_token(serve: Callable[..., Served]) -> None:
    """At another address, with the flag and a token from the environment, signed requests are answered."""
    _written("def say(event, context): return 1\n")
    server = serve("app.py", "--host", "0.0.0.0", "--allow-remote", FCALL_SERVE_TOKEN=TOKEN)
    server.ready()

    assert b'"1"' in server.call("/toy/say", **{"X-Key": f"fcall:{TOKEN}"})
    assert TOKEN not in server.said
    assert "access key id fcall" in server.said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 3, "there is nothing to serve"),
        (["absent.py"], 3, "there is no file"),
        (["app.py", "--host", "0.0.0.0"], 3, "--allow-remote and give a --token"),
        (["app.py", "--verify", "x"], 2, "--verify is written ID:SECRET."),
        (["app.py", "--alias", "x"], 2, "--alias is written NAME=VERSION."),
        (["app.py", "--option", "nope=1"], 3, "have no 'nope'"),
        (["app.py", "--option", "isolation=inline"], 3, "--option takes no 'isolation'"),
        (["app.py", "--alias", "prod=new"], 3, "the alias 'prod' is of version 'new'"),
        (["app.py", "--timeout", "0"], 3, "function_timeout is over 0"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_paragraph(
    serve: Callable[..., Served], arguments: list[str], code: int, said: str
) -> None:
    """A command that cannot serve says why, and ends with the exit code that scripts know."""
    _written("def say(event, context): return 1\n")
    server = serve(*arguments)

    assert code == server.end()
    assert said in " ".join(server.said.split())


def test_without_a_plugin_there_is_no_api(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no plugin brings an API, the command says which ones do."""
    monkeypatch.setenv("FCALL_DISABLE_PLUGINS", "*")
    _written("def say(event, context): return 1\n")
    ended = run("serve", "app.py", "--port", "0")

    assert 3 == ended.code
    assert "pip install fcall-aws, or fcall-aliyun" in ended.err
