"""Fixtures: a gateway whose replies a test dictates, with either generation of the SDK, and a client that calls it."""

from __future__ import annotations

import base64
import importlib.util
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fcall_linkedge
import pytest
from fcall_linkedge import _emulated
from fcall_linkedge._stand_ins import sdk_in_place

import fcall

SDK_1_1 = Path(__file__).parent / "lecoresdk-1.1"


@pytest.fixture(autouse=True)
def _a_place_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty working directory, none of our variables, no configuration of this machine, and no trace in it."""
    for name in ("FCALL_CONFIG", "FCALL_ENV", "FCALL_PROVIDER", "FCALL_DISABLE_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-config"))
    monkeypatch.chdir(tmp_path)
    yield
    fcall.set_default_client(None)
    assert [] == _emulated.current
    assert "lecoresdk" not in sys.modules


@pytest.fixture
def true_sdk() -> None:
    """The SDK is lecoresdk 1.0, as it is on the package index."""
    if importlib.util.find_spec("lecoresdk") is None:
        pytest.skip("lecoresdk is not installed")


@pytest.fixture
def sdk_1_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK is one in the shape of lecoresdk 1.1."""
    monkeypatch.syspath_prepend(SDK_1_1)


@pytest.fixture(params=["1.0", "1.1"])
def generation(request: pytest.FixtureRequest) -> str:
    """Each generation of the SDK in turn."""
    request.getfixturevalue("true_sdk" if request.param == "1.0" else "sdk_1_1")
    return str(request.param)


class Scripted:
    """A gateway that replies as a test dictates.

    Attributes:
        task: the reply to a task; an exception is raised.
        result: the reply to a question for a result, which 1.0 asks.
        asked: the arguments of every task.
    """

    def __init__(self) -> None:
        self.task: Any = None
        self.result: Any = None
        self.asked: list[tuple[Any, ...]] = []

    def invoke_task(self, *arguments: Any) -> Any:
        self.asked.append(arguments)
        return _said(self.task)

    def task_result(self, invocation_id: str) -> Any:
        return _said(self.result)

    def answer(self, status: Any = 200, body: Any = b"", said: Any = None) -> None:
        """Reply to both questions with this status, this body and this function error."""
        headers = {"X-Fc-Invocation-Id": "id-1", **({} if said is None else {"X-Fc-Error-Type": said})}
        body = base64.standard_b64encode(body).decode() if isinstance(body, bytes) else body
        self.task = self.result = {"state": True, "msg": {"statusCode": status, "headers": headers, "body": body}}


def _said(reply: Any) -> Any:
    if isinstance(reply, BaseException):
        raise reply
    return reply


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A gateway that replies as the test dictates. Ask for a generation of the SDK before it."""
    gateway: Any = Scripted()
    with sdk_in_place():
        _emulated.current.append(gateway)
        yield gateway
        _emulated.current.remove(gateway)


@pytest.fixture
def client() -> Iterator[fcall.Client]:
    """A client that calls functions of the gateway."""
    with fcall.Client(plugins=[fcall_linkedge], provider="linkedge") as client:
        yield client


@pytest.fixture
def run_program(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program in a Python of its own, in the test's folder, for a minute at most."""

    def run(program: str) -> subprocess.CompletedProcess[str]:
        Path("program.py").write_text(textwrap.dedent(program))
        return subprocess.run([sys.executable, "program.py"], capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).parents[3]
