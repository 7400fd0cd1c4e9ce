"""The default client: there when it is needed, one for everybody, and replaceable."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall.errors import ConfigurationError


def test_it_is_made_at_its_first_use() -> None:
    """Nothing is read before, and the configuration that counts is the one that is found then."""
    Path("fcall.toml").write_text("[services.greetings]\nprovider = 'nobody'")
    with pytest.raises(ConfigurationError, match="no provider is named 'nobody'"):
        fcall.invoke_function({"serviceName": "greetings", "functionName": "hello"})


def test_it_stays_the_same() -> None:
    """It is made once, and `invoke_function` of the module calls with it."""
    client = fcall.default_client()

    assert client is fcall.default_client()


def test_a_configuration_that_cannot_be_read_is_tried_again() -> None:
    """A client that could not be made is not kept."""
    Path("fcall.toml").write_text("nonsense")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="is not TOML"):
            fcall.default_client()
    Path("fcall.toml").write_text("[defaults]\nprovider = 'local'")

    assert isinstance(fcall.default_client(), fcall.Client)


def test_sixteen_threads_get_the_same_one() -> None:
    """However many need it first, one client is made."""
    together = threading.Barrier(16)

    def needed() -> Any:
        together.wait(10)
        return fcall.default_client()

    with ThreadPoolExecutor(16) as pool:
        clients = {made.result(10) for made in [pool.submit(needed) for _ in range(16)]}

    assert 1 == len(clients)


def test_another_one_can_take_its_place(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """`invoke_function` calls with the client that was set, and with a new one once that is taken away."""
    registry.function("greetings/hello")(lambda event, context: "set")
    fcall.set_default_client(client)

    assert client is fcall.default_client()
    assert b'"set"' == fcall.invoke_function({"serviceName": "greetings", "functionName": "hello"})["payload"]
    fcall.set_default_client(None)
    assert client is not fcall.default_client()


@pytest.mark.parametrize("other", ["local", 5, fcall.Client])
def test_only_a_client_can_take_its_place(other: Any) -> None:
    """What is no client is refused when it is set, not when it is used."""
    with pytest.raises(ConfigurationError, match="the default client is a Client or None"):
        fcall.set_default_client(other)
