"""A server that other machines reach: by which addresses it may be called."""

from __future__ import annotations

import pytest

from fcall.serve._gate import Gate


@pytest.mark.parametrize(
    ("hosts", "host", "is_ours"),
    [
        (["0.0.0.0"], "192.0.2.7:9700", True),
        (["0.0.0.0"], "[2001:db8::7]:9700", True),
        (["::"], "192.0.2.7", True),
        (["0.0.0.0"], "evil.example", False),
        (["0.0.0.0"], "192.0.2.7.evil.example", False),
        (["192.0.2.7"], "192.0.2.7:9700", True),
        (["192.0.2.7"], "192.0.2.8", False),
        (["2001:db8::7"], "[2001:DB8::7]:9700", True),
        (["[2001:db8::7]"], "[2001:db8::7]", True),
        (["127.0.0.1"], "192.0.2.7", False),
    ],
)
def test_an_address_is_no_name_that_was_made_to_lead_here(hosts: list[str], host: str, is_ours: bool) -> None:
    """A server on every interface may be called by any address and by no name, another by its own address."""
    assert is_ours == (Gate(hosts).refusal({"host": host}) is None)
