"""Fixtures for every test: no test sees this machine's configuration, and none leaves a trace for the next."""

from __future__ import annotations

import contextlib
import gc
import inspect
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

import fcall
from fcall.cli import main

_OUR_VARIABLES = ("FCALL_CONFIG", "FCALL_ENV", "FCALL_PROVIDER", "FCALL_DISABLE_PLUGINS")
_PLUGIN_IS_INSTALLED = bool(metadata.entry_points(group="pytest11", name="fcall"))


def pytest_collection_finish() -> None:
    """Have the garbage collector leave alone what is there before the first test: seven thousand tests, mostly."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_trace() -> Iterator[None]:
    """No default client and no changed environment is left behind; it looks after monkeypatch has tidied up."""
    before = dict(os.environ)
    yield
    fcall.set_default_client(None)
    assert {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"} == {
        k: v for k, v in before.items() if k != "PYTEST_CURRENT_TEST"
    }


@pytest.fixture(autouse=True)
def _a_place_of_its_own(
    _no_trace: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty working directory, an empty home for configuration, none of our variables, no function registered."""
    monkeypatch.setattr(fcall.local._registry.DEFAULT, "_functions", {})
    for name in _OUR_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    if not _PLUGIN_IS_INSTALLED:  # a checkout that was installed before it had the entry point
        monkeypatch.setenv("PYTEST_PLUGINS", "fcall._pytest")
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))


@pytest.fixture
def registry() -> fcall.local.Registry:
    """Local functions that only this test sees."""
    return fcall.local.Registry()


@pytest.fixture
def client(registry: fcall.local.Registry) -> Iterator[fcall.Client]:
    """A client whose default provider is local and has this test's functions."""
    with fcall.Client(provider="local", registry=registry) as client:
        yield client


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that the test starts are not measured.

    Coverage has locks of its own: a child that is forked amid threads may find them held, and Ctrl-C that comes while
    one is held leaves it so, which hangs the program at its next line.
    """
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)


@pytest.fixture
def run_program(unmeasured: None) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs a program in a Python of its own and in this test's folder, for a minute at most."""

    def run(program: str) -> subprocess.CompletedProcess[str]:
        Path("program.py").write_text(textwrap.dedent(program))
        command = [sys.executable, "program.py"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def sample_plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH, into which pip installed every distribution of tests/distributions: good and bad."""
    build = pytest.importorskip("hatchling.build", reason="hatchling builds the sample plugins")
    wheels, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    for project in sorted((Path(__file__).parent / "distributions").glob("*/pyproject.toml")):
        with contextlib.chdir(project.parent):
            build.build_wheel(str(wheels))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(site)]
    subprocess.run([*pip, *map(str, wheels.iterdir())], check=True, timeout=120)
    return site


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, the bytes on standard output, the text on standard error."""

    code: int
    data: bytes
    err: str

    @property
    def out(self) -> str:
        """Standard output as text."""
        return self.data.decode()


@pytest.fixture
def run() -> Callable[..., Ended]:
    """Runs a command of fcall in this process: ``run("invoke", "local:app.py:hello", input="{}")``."""
    # Newer versions of click always keep the two streams apart.
    apart: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    runner = CliRunner(**apart)
    command: Any = SimpleNamespace(main=lambda args, prog_name: main(args))  # the whole of it, as the runner calls it

    def run(*arguments: str, input: str | bytes | None = None) -> Ended:
        result = runner.invoke(command, arguments, input, catch_exceptions=False, prog_name="fcall")
        return Ended(result.exit_code, result.stdout_bytes, result.stderr)

    return run


@pytest.fixture
def spawn() -> Callable[..., Ended]:
    """Runs a command of fcall in a process of its own, in the working directory of the test."""

    def spawn(*arguments: str, input: bytes = b"", **environ: str) -> Ended:
        finished = subprocess.run(
            [sys.executable, "-m", "fcall", *arguments],
            input=input,
            env={**os.environ, **environ},
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Ended(finished.returncode, finished.stdout, finished.stderr.decode())

    return spawn


@pytest.fixture
def serve(registry: fcall.local.Registry) -> Iterator[Callable[..., Any]]:
    """Starts servers of the toy API, which end with the test."""
    from toy_api import ToyApi

    from fcall.serve import Server

    servers: list[Server] = []

    def serve(*handlers: str, **settings: Any) -> Server:
        server = Server(*handlers, **{"registry": registry, "apis": [ToyApi()], **settings})
        servers.append(server)
        server.start()
        return server

    yield serve
    for server in servers:
        server.close()
