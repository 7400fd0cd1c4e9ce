"""The pytest plugin: the fixtures `fcall_mock` and `fcall_server`, and the markers `fcall_env` and `fcall_serve`.

pytest loads it in every run on a machine that has fcall, so it imports nothing of fcall before a test asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fcall.testing import FcallMock

__all__ = ["fcall_mock", "fcall_server", "pytest_configure", "pytest_runtest_protocol"]

_MARKERS = (
    "fcall_env(name): run the test in this environment of the fcall configuration, as with FCALL_ENV=name",
    "fcall_serve(*handlers, **settings): what the fixture fcall_server serves; fcall.serve.Server takes the same",
)


def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Set the environment around the whole test, its fixtures included."""
    marker = item.get_closest_marker("fcall_env")
    if marker is None:
        return (yield)
    if len(marker.args) != 1 or not isinstance(marker.args[0], str) or marker.kwargs:
        raise pytest.UsageError(
            f"{item.nodeid}: fcall_env takes the name of an environment: @pytest.mark.fcall_env('dev')"
        )
    before = os.environ.get("FCALL_ENV")
    _switch(marker.args[0])
    try:
        return (yield)
    finally:
        _switch(before)


def _switch(env: str | None) -> None:
    """Have default clients read this environment from now on."""
    import fcall

    if env is None:
        os.environ.pop("FCALL_ENV", None)
    else:
        os.environ["FCALL_ENV"] = env
    fcall.set_default_client(None)


@pytest.fixture
def fcall_mock() -> Iterator[FcallMock]:
    """Answers every fcall call of the test by routes that it is given, and fails on any other call and unused route."""
    from fcall.testing import FcallMock

    mock = FcallMock()
    with mock.active():
        yield mock
    faults = mock.faults()
    if faults:
        pytest.fail("fcall_mock: " + "; ".join(faults), pytrace=False)


@pytest.fixture
def fcall_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The endpoint URL of a server that has local functions behind the clouds' APIs, for the time of the test.

    It serves what the marker `fcall_serve` names, else the local services of the configuration, and what is registered
    with ``@fcall.local.function``, in this process unless the marker says ``isolation="process"``.
    """
    from fcall.serve import Server

    marker = request.node.get_closest_marker("fcall_serve")
    handlers, settings = ((), {}) if marker is None else (marker.args, marker.kwargs)
    with Server(*handlers, **settings) as server:
        yield server.url
