"""boto3 clients: made once, under a lock, and never shared with a forked child."""

from __future__ import annotations

import logging
import os
import socket
import threading
import weakref
from typing import TYPE_CHECKING, Any

from fcall.errors import (
    ConfigurationError,
    Executed,
    InvalidParamsError,
    InvocationTimeoutError,
    ProviderNotInstalledError,
)
from fcall.provider import Deadline, forget_in_child
from fcall_aws import _underway
from fcall_aws._errors import creation_error
from fcall_aws._options import AwsOptions

if TYPE_CHECKING:
    from botocore.session import Session

    from fcall_aws._connections import Connections
    from fcall_aws._lane import Lane

__all__ = ["Clients"]

_CONNECT_TIMEOUT = 10.0
_LONGEST_IDLE = 60
_OLD_ENOUGH = 60.0

_logger = logging.getLogger("fcall.aws")
_owners: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
"""The process in which each client of the application's own was first seen."""
_warned_of: weakref.WeakSet[Any] = weakref.WeakSet()


class Clients:
    """The clients of one provider, one for each process, region and time-out class.

    A client waits as long for an answer as its class says. That is at most four times what the call may take, and the
    call's own deadline holds wherever boto3 lets it.

    Args:
        options: what the clients are made with.
    """

    def __init__(self, options: AwsOptions) -> None:
        self._options = options
        self.after_fork_in_child()
        forget_in_child(self)
        if options.client is not None:
            _owners.setdefault(options.client, os.getpid())

    def after_fork_in_child(self) -> None:
        """Begin anew: the lock may be held, and the connections are the parent's."""
        self._lock = threading.Lock()
        self._made: dict[tuple[str | None, int], Any] = {}
        self._connections: dict[str, Connections | None] = {}
        self._lanes: dict[Any, Lane] = {}
        self._session: Session | None = None
        self._session_made_at = 0.0

    def get(self, region: str | None, deadline: Deadline) -> Any:
        """The client for a call.

        Args:
            region: the region that the function's own name says, or None.
            deadline: the call's.

        Raises:
            ConfigurationError, AuthenticationError: boto3 cannot make it.
            InvocationTimeoutError: the deadline passed meanwhile.
        """
        if self._options.client is not None:
            return self._own(region)
        key = (region, _timeout_class(deadline.remaining()))
        client = self._made.get(key)
        if client is None:
            client = self._make_once(key, deadline)
        return client

    def renew(self, deadline: Deadline) -> bool:
        """Forget clients whose credentials have expired; whether new ones may do better.

        They do not where the credentials were read only just now.
        """
        if self._options.client is not None:
            return False
        with self._lock:
            if deadline.clock() - self._session_made_at < _OLD_ENOUGH:
                return False
            self._made, self._session, self._lanes = {}, None, {}
        return True

    def lane(self, client: Any) -> Lane | None:
        """The lane that a client is on, or None where it is on none, or is not in use any more."""
        return self._lanes.get(client)

    def credentials(self) -> Any:
        """What the clients sign with, or None. It may take its time."""
        session = self._session
        return None if session is None else session.get_credentials()

    def close(self) -> None:
        """Close the connections of every client that was made here."""
        with self._lock:
            made, self._made, self._session, self._lanes = self._made, {}, None, {}
            kept, self._connections = self._connections, {}
        for thing in (*made.values(), *kept.values()):
            if thing is not None and thing is not self._options.client:
                thing.close()

    def _own(self, region: str | None) -> Any:
        client = self._options.client
        if region is not None and region != client.meta.region_name:
            raise InvalidParamsError(
                f"the function's name says the region {region} and the client was made for {client.meta.region_name}; "
                "leave the region out, or give a client of that region"
            )
        if _owners.get(client, os.getpid()) != os.getpid():
            raise ConfigurationError(
                "the boto3 client was made before this process was forked, and would mix up answers; make it after"
            )
        with self._lock:
            if not self._made:
                self._made[None, 0] = client
                _underway.limit(client)
                _underway.mark(client)
                _warn_of_retries(client)
        return client

    def _make_once(self, key: tuple[str | None, int], deadline: Deadline) -> Any:
        if not self._lock.acquire(timeout=min(deadline.remaining(), threading.TIMEOUT_MAX)):
            raise InvocationTimeoutError(
                "the time-out passed before boto3's client was made; raise timeout", executed=Executed.NO
            )
        try:
            if key not in self._made:
                self._made[key] = self._make(*key, deadline)
            return self._made[key]
        finally:
            self._lock.release()

    def _make(self, region: str | None, seconds: int, deadline: Deadline) -> Any:
        try:
            import boto3
        except ImportError as error:
            raise ProviderNotInstalledError("boto3 is not installed; install it with: pip install fcall-aws") from error
        try:
            if self._session is None:
                self._session = _session(self._options)
                self._session_made_at = deadline.clock()
            client = boto3.Session(botocore_session=self._session).client(
                "lambda",
                region_name=region or self._options.region,
                endpoint_url=self._options.endpoint_url,
                config=_config(seconds, self._options.max_concurrency),
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it has its row
            failure = creation_error(error)
            raise failure from failure.__cause__
        self._put_on_lane(client)
        _probe_idle_connections(client)
        return client

    def _put_on_lane(self, client: Any) -> None:
        """Have a client use connections of ours, which all clients for the same endpoint share."""
        from fcall_aws._lane import Lane, connections_for

        _underway.limit(client)
        endpoint = client.meta.endpoint_url
        if endpoint not in self._connections:
            self._connections[endpoint] = connections_for(client, self._session, idle_probes())
        connections = self._connections[endpoint]
        if connections is None:
            _underway.mark(client)
        else:
            self._lanes[client] = Lane(client, connections)


def _timeout_class(seconds: float) -> int:
    """The next power of four, in whole seconds."""
    longest = 1
    while longest < seconds:
        longest *= 4
    return longest


def _session(options: AwsOptions) -> Session:
    from botocore.session import Session

    session = Session(profile=options.profile)
    if options.role_arn is not None:
        from fcall_aws._role import assume

        assume(session, options.role_arn, options.region)
    return session


def _config(seconds: int, connections: int) -> Any:
    import boto3
    import botocore
    from botocore.config import Config

    import fcall_aws

    return Config(
        # Both keys: with either alone, AWS_MAX_ATTEMPTS or AWS_RETRY_MODE would still count.
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=min(_CONNECT_TIMEOUT, seconds),
        read_timeout=seconds,
        max_pool_connections=connections,
        tcp_keepalive=True,
        # A user agent of its own, because botocore builds the default one twice for every call.
        user_agent=f"fcall-aws/{fcall_aws.__version__} Boto3/{boto3.__version__} Botocore/{botocore.__version__}",
        disable_request_compression=True,  # Lambda takes none, and looking costs time
    )


def idle_probes() -> list[tuple[int, int, int]]:
    """Socket options that have the kernel probe a connection after a minute of silence.

    What stands between, such as a NAT gateway, forgets a connection after 350 s without a packet, and says nothing.
    """
    names = (
        ("TCP_KEEPIDLE", _LONGEST_IDLE),
        ("TCP_KEEPALIVE", _LONGEST_IDLE),
        ("TCP_KEEPINTVL", 15),
        ("TCP_KEEPCNT", 4),
    )
    return [(socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in names if hasattr(socket, name)]


def _probe_idle_connections(client: Any) -> None:
    """Add the probes to what botocore's own session sets on its sockets; where its shape is unknown, do without.

    ``tcp_keepalive`` alone leaves the kernel's two hours, and botocore has no setting for less (1.44.5).
    """
    try:
        client._endpoint.http_session._socket_options.extend(idle_probes())
    except AttributeError:
        _logger.debug("this botocore does not show its socket options; idle connections are not probed")


def _warn_of_retries(client: Any) -> None:
    retries = client.meta.config.retries or {}
    if retries.get("total_max_attempts") != 1 and client not in _warned_of:
        _warned_of.add(client)
        _logger.warning(
            "the boto3 client that was given retries on its own, so one attempt may run a function several times; make "
            "it with Config(retries={'mode': 'standard', 'total_max_attempts': 1})"
        )
