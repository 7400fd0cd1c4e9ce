"""The server that real clients call: a function for every outcome, over the APIs of one vendor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from serve_clients.node import FUNCTIONS

import fcall

if TYPE_CHECKING:
    from fcall.serve import Api, Server

__all__ = ["server_of_outcomes"]


def server_of_outcomes(notes: Path, *apis: Api) -> Server:
    """A server of every kind of function, in processes of their own, that looks at signatures.

    Args:
        notes: the file in which functions note that they ran.
        *apis: what it speaks.
    """
    from fcall.serve import Server  # where serving is skipped, what it needs is not there

    return Server(
        "outcomes.py",
        "broken=broken.py:handler",
        root=str(FUNCTIONS),
        isolation="process",
        environment={"NOTES": str(notes)},
        function_timeout=2,
        verify={"key": "secret"},
        aliases={"live": "3"},
        apis=apis,
        registry=fcall.local.Registry(),
    )
