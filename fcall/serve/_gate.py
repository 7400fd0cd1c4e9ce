"""The gate: which requests are let in at all, by what a browser or a stranger could have made of them."""

from __future__ import annotations

import base64
import hmac
import ipaddress
import re
from collections.abc import Iterable, Mapping

from fcall.serve._api import Answer

__all__ = ["Gate", "refused"]

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_LOOPBACK = re.compile(r"localhost|[a-z0-9-]+\.localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|::1")
_EVERY_INTERFACE = ("0.0.0.0", "::")  # noqa: S104 - they are compared


class Gate:
    """Lets requests in by their headers.

    A page of the web cannot send one that passes: a browser names the page's own site in ``Origin``, and the name that
    it looked up in ``Host``, even where that name was made to lead here (DNS rebinding).

    Args:
        hosts: names, beside those of loopback, by which this server may be called. Where the address of every interface
            is among them, so is every address: it was looked up nowhere, so nobody can have made it lead here.
        token: what a person has to show, or None. Over an API a signature shows it.
    """

    def __init__(self, hosts: Iterable[str] = (), token: str | None = None) -> None:
        self._hosts = frozenset(host.lower().strip("[]") for host in hosts)
        self._takes_addresses = not self._hosts.isdisjoint(_EVERY_INTERFACE)
        self._token = token

    def refusal(self, headers: Mapping[str, str]) -> Answer | None:
        """The answer to a request that is not let in, or None.

        Args:
            headers: by lower-case name.
        """
        host = headers.get("host", "")
        found = _HOST.fullmatch(host)
        if found is None or not self._is_ours(found["name"].lower()):
            return refused(403, "the Host header names no address of this server; allow the name with --allow-host")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}"):
            return refused(403, "the request comes from a page of another site")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return refused(403, "the request comes from a page of another site")
        return None

    def person_refusal(self, headers: Mapping[str, str]) -> Answer | None:
        """The answer to somebody who has not shown the token, or None; a browser asks for it as a password."""
        if self._token is None or hmac.compare_digest(_shown(headers).encode(), self._token.encode()):
            return None
        answer = refused(401, "show the token, as a bearer token or as a password")
        return Answer(401, (*answer.headers, ("WWW-Authenticate", 'Basic realm="fcall serve"')), answer.body)

    def _is_ours(self, name: str) -> bool:
        name = name.strip("[]")
        if name in self._hosts or _LOOPBACK.fullmatch(name):
            return True
        return self._takes_addresses and _is_address(name)


def refused(status: int, message: str) -> Answer:
    """An answer of the server itself, in no API's spelling."""
    return Answer(status, (("Content-Type", "text/plain; charset=utf-8"),), f"fcall serve: {message}\n".encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _shown(headers: Mapping[str, str]) -> str:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
