"""A gateway for your laptop: code written for Link IoT Edge runs unmodified, with `lecoresdk` as it is on the index.

`gateway` puts stand-ins for the gateway's own modules beside `lecoresdk`, and has fcall's local provider run the
functions, by the rules of a gateway: the event is bytes, and the context is a gateway's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from typing import Any

import fcall
from fcall_linkedge._emulated import Gateway, current
from fcall_linkedge._stand_ins import sdk_in_place

__all__ = ["gateway"]


@contextmanager
def gateway(
    config: str | PathLike[str] | Mapping[str, Any] | None = None, **local_options: Any
) -> Iterator[fcall.Client]:
    """Be a gateway while the context lasts.

    Within it ``import lecoresdk`` works, and so does the provider `linkedge`. Clients of the SDK that were made in an
    earlier gateway call the functions of this one, so a module may keep its client in a global. A gateway within a
    gateway hides the outer one; in several threads at once there can be only one. When the context ends, what was
    called Async has run.

    Args:
        config: which functions there are, as for `fcall.Client`; None for those registered with `fcall.local`.
        **local_options: options of the local provider, such as ``registry``. Functions run in this process:
            ``isolation="process"`` would run them where there is no gateway.

    Yields:
        The client that runs the functions. It calls one as the gateway itself would.

    Raises:
        ProviderNotInstalledError: `lecoresdk` is not installed.
        ConfigurationError: the configuration or an option is wrong.
    """
    options = {"runtime": "linkedge", **local_options}
    with sdk_in_place() as generation, fcall.Client(config, provider="local", **options) as functions:
        current.append(gateway := Gateway(functions, generation))
        try:
            yield functions
        finally:
            fcall.local.drain()  # before anything closes: an event may call a function, which may enqueue another
            current.remove(gateway)
