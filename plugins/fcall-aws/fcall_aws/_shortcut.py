"""The shortcut of calls that nobody watches: botocore says once how a request looks, and we make the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fcall.errors import FcallError
from fcall.provider import Deadline, InvocationResult, InvocationType, forget_in_child
from fcall_aws._answers import Head
from fcall_aws._clients import Clients
from fcall_aws._errors import check_time
from fcall_aws._way import Way, kind_of, way_of

__all__ = ["Shortcut"]


class Shortcut:
    """Makes the calls of one provider without botocore's pipeline, on the lane's connections.

    It is open where nobody listens to any of the client's events, since it tells of none. A kind of call is made by the
    client once, and shown by it the second time; so who calls once pays for nothing else.

    Args:
        clients: the provider's clients.
        on_refusal: hears of each error that Lambda answers with, and the call's deadline.
    """

    def __init__(self, clients: Clients, on_refusal: Callable[[FcallError, Deadline], None]) -> None:
        self._clients = clients
        self._on_refusal = on_refusal
        self.after_fork_in_child()
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """Begin anew: the clients are made anew too."""
        self._ways: dict[Any, Way | None] = {}

    def invoke(
        self, client: Any, given: dict[str, Any], kind: InvocationType, deadline: Deadline
    ) -> InvocationResult | None:
        """Make one attempt, or answer None where the client is to make it: nothing was sent then.

        Raises:
            FcallError: the call failed.
        """
        ways = self._ways  # another thread may put others in their place
        way = ways[client] if client in ways else self._way(client)
        if way is None or not way.is_open():
            return None
        head = self._head(way, given, deadline)
        if head is None:
            return None
        check_time(deadline)
        exchange, raw = way.lane.exchanged(head, given.get("Payload", b""), deadline)
        body = b"".join(raw.stream()) if raw.whole is None else raw.whole
        return way.result(Head(exchange.status, exchange.headers), body, kind, deadline)

    def _way(self, client: Any) -> Way | None:
        """A client's way, if it has one. Those of clients that are not used any more are forgotten."""
        way = way_of(self._clients, client, self._on_refusal)
        self._ways = {known: its for known, its in self._ways.items() if self._clients.lane(known) is not None}
        self._ways[client] = way
        return way

    def _head(self, way: Way, given: dict[str, Any], deadline: Deadline) -> bytes | None:
        """The head of a call's request; None where botocore has to make it, and to say what is wrong with it."""
        try:
            keys = way.credentials.get_frozen_credentials()
            return way.head(given, keys) or self._learned(way, given, keys, deadline)
        except Exception:  # noqa: BLE001 - it will be raised again where the client makes the call
            return None

    def _learned(self, way: Way, given: dict[str, Any], keys: Any, deadline: Deadline) -> bytes | None:
        kind = kind_of(given, keys)
        if kind in way.patterns or way.is_new(kind):
            return None
        way.learn(given, keys, deadline)
        return way.head(given, keys)
