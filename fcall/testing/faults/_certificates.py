"""Certificates for loopback, made when they are asked for."""

from __future__ import annotations

import ssl
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

__all__ = ["Certificates"]

_NAMES = ("localhost", "127.0.0.1", "::1")


class Certificates:
    """An authority of its own, and contexts with certificates that it signed, or should have.

    Raises:
        ImportError: `trustme` is not installed.
    """

    def __init__(self) -> None:
        try:
            import trustme
        except ImportError as error:
            raise ImportError(
                "a FaultServer with TLS makes its certificates with trustme: pip install 'fcall-core[testing]'"
            ) from error
        self._authority: Any = trustme.CA()
        self._stranger: Any = trustme.CA()
        self._folder = tempfile.TemporaryDirectory(prefix="fcall-faults-")
        self._lock = threading.Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._authority.cert_pem.write_to_path(self.ca_file)
        self.context("good")

    @property
    def ca_file(self) -> str:
        """The path of the certificate to trust, PEM."""
        return str(Path(self._folder.name, "ca.pem"))

    def context(self, kind: str) -> ssl.SSLContext:
        """A context that shows a certificate of this kind."""
        with self._lock:
            if kind not in self._contexts:
                self._contexts[kind] = self._made(kind)
            return self._contexts[kind]

    def _made(self, kind: str) -> ssl.SSLContext:
        authority = self._stranger if kind == "untrusted" else self._authority
        names = ("elsewhere.invalid",) if kind == "misnamed" else _NAMES
        yesterday = datetime.now(UTC) - timedelta(days=1)
        dates = {"not_before": yesterday - timedelta(days=1), "not_after": yesterday} if kind == "expired" else {}
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        authority.issue_cert(*names, **dates).configure_cert(context)
        return context

    def close(self) -> None:
        """Remove the file."""
        self._folder.cleanup()
