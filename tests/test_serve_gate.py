"""Who is let in: by Host and Origin, by signature, by token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall.errors import InvalidParamsError

for _module in ("uvicorn", "httptools"):
    pytest.importorskip(_module, reason=f"{_module} is not installed, which serving needs")

from toy_api import HANDLERS, ToyApi, asked  # noqa: E402 - it needs what may not be installed

from fcall.serve import Server  # noqa: E402

Serve = Callable[..., Server]


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
    assert status == asked(gated, "/toy/", None, "GET", **headers)[0]


def test_with_verify_nothing_unsigned_comes_in(serve: Serve) -> None:
    """A request that none of the keys signed is refused in the API's own words."""
    Path("app.py").write_text(HANDLERS)
    server = serve("app.py", verify={"me": "secret"})

    assert (403, {"error": "unsigned"}) == asked(server, "/toy/echo")
    assert 200 == asked(server, "/toy/echo", X_Key="me:secret")[0]


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
    assert [403, 200] == [asked(server, "/toy/", None, "GET", X_Key=key)[0] for key in ("x:y", f"fcall:{token}")]
    assert [401, 401, 401, 200, 200] == [
        asked(server, "/_fcall/state", None, "GET", Authorization=shown)[0]
        for shown in ("", "Bearer x", "Basic x", f"Bearer {token}", basic)
    ]
