"""The listener: an ASGI application on a port, served by uvicorn on a thread of its own."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from fcall._wording import quoted
from fcall.errors import ConfigurationError, ProviderNotInstalledError

__all__ = ["Listener", "is_loopback"]

_PATIENCE = 30.0
_IDLE = 75


class Listener:
    """Serves an application on a port from `start` to `stop`.

    Args:
        app: the ASGI application.
        host: the address to listen at.
        port: the port, or 0 for a free one.

    Raises:
        ProviderNotInstalledError: uvicorn or httptools is missing.
        ConfigurationError: nothing can listen there.
    """

    def __init__(self, app: Callable[..., Any], host: str, port: int) -> None:
        uvicorn, protocol = _imported()
        config = uvicorn.Config(
            app,
            http=protocol,
            loop="asyncio",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_keep_alive=_IDLE,
        )
        self._uvicorn = _quiet(uvicorn)(config)
        self._socket = _bound(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="fcall-serve", daemon=True)

    def start(self) -> None:
        """Listen; when this returns, a client is answered.

        Raises:
            ConfigurationError: it could not be started.
        """
        self._thread.start()
        while not self._uvicorn.started:
            if not self._thread.is_alive():
                raise ConfigurationError("the server could not be started; see what it logged")
            self._uvicorn.ready.wait(0.05)

    def stop(self, patience: float | None = _PATIENCE) -> None:
        """Take no more connections, let what is being answered be answered, and end.

        Args:
            patience: seconds that answers are waited for.
        """
        if self._thread.is_alive():
            self._uvicorn.should_exit = True
            self._thread.join(patience)
            self._uvicorn.force_exit = True
            self._thread.join(5.0)
        self._socket.close()

    def _serve(self) -> None:
        self._uvicorn.run(sockets=[self._socket])


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _imported() -> tuple[Any, Any]:
    try:
        import httptools as httptools
        import uvicorn

        from fcall.serve._protocol import BoundedProtocol
    except ImportError as error:
        raise ProviderNotInstalledError(
            f"serving needs {error.name or 'uvicorn'}; install it with: pip install 'fcall-core[serve]'"
        ) from error
    return uvicorn, BoundedProtocol


def _quiet(uvicorn: Any) -> Any:
    """A server that says when it is ready, and leaves signals to whoever runs it."""

    class Quiet(uvicorn.Server):  # type: ignore[misc]
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.ready = threading.Event()

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets=sockets)
            self.ready.set()

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    return Quiet


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, proto)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except BaseException:
            bound.close()
            raise
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"nothing can listen at {quoted(host, 100)} port {port}: {reason}; choose another with --port"
        ) from error
    return bound
