"""Fixtures for every test: no test sees this machine's configuration, and none leaves a trace for the next."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import fcall

_OUR_VARIABLES = ("FCALL_CONFIG", "FCALL_ENV", "FCALL_PROVIDER", "FCALL_DISABLE_PLUGINS")


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
    """An empty working directory, an empty home for configuration, none of our variables."""
    for name in _OUR_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
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
