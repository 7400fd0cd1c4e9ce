"""The provider: one attempt at one function of Function Compute."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TypeAlias

from fcall.errors import (
    AuthenticationError,
    ConflictError,
    Executed,
    FcallError,
    InvalidParamsError,
    ProviderNotInstalledError,
)
from fcall.provider import Capabilities, Deadline, FunctionInfo, Invocation, InvocationResult
from fcall_aliyun._answers import result_of
from fcall_aliyun._credentials import Credentials, CredentialsSource, Environment, Fixed, Renewed
from fcall_aliyun._doubts import Doubts
from fcall_aliyun._errors import ALREADY_EXISTS
from fcall_aliyun._exchange import Answer, Request
from fcall_aliyun._listing import functions_of
from fcall_aliyun._names import Address, address_of, checked_name, checked_task_id
from fcall_aliyun._options import AliyunCallOptions, AliyunOptions, Api
from fcall_aliyun._process import PerProcess
from fcall_aliyun._transport import Transport

if TYPE_CHECKING:
    from fcall_aliyun._asyncio import AsyncioTransport

__all__ = ["AliyunProvider", "AwaitedAliyunProvider"]

_Call: TypeAlias = tuple[Address, str | None]

_BUILDERS: dict[Api, tuple[str, str, str]] = {
    "2.0": ("fcall_aliyun._fc2", "Fc2", "pip install fcall-aliyun"),
    "3.0": ("fcall_aliyun._fc3", "Fc3", "pip install 'fcall-aliyun[fc3]'"),
}

# The service's limit on Async payloads is 128 KiB unless a ticket raised it; on Sync ones it is the service's to say.
_CAPABILITIES = Capabilities(
    qualifier=True,
    log_tail=True,
    listing=True,
    idempotency=frozenset({"Async"}),
    payload_limits={"Async": 131_072},
    sync_timeout=605.0,
)


class Builder(Protocol):
    """Builds the signed requests of one API."""

    def invocation(
        self, address: Address, payload: bytes, headers: dict[str, str], task_id: str | None, credentials: Credentials
    ) -> Request: ...

    def listing(self, service: str | None, token: str | None, credentials: Credentials) -> Request: ...


class AliyunProvider:
    """Functions on Alibaba Cloud Function Compute.

    Args:
        options: where, and with which credentials.

    Raises:
        ConfigurationError: the options do not say where to call.
    """

    capabilities = _CAPABILITIES

    def __init__(self, options: AliyunOptions) -> None:
        self._options = options
        self._transport = Transport(options)
        self._credentials = _source(options)
        self._builders: dict[Api, Builder] = {}
        self._doubts = Doubts()
        self._address = lru_cache(maxsize=1024)(partial(address_of, options))

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        """Make one attempt."""
        call = self._call(invocation)
        credentials = self._credentials.get(deadline)
        request = _request(self._builder(call[0].api), invocation, call, credentials)
        try:
            return result_of(self._transport.send(request, deadline), invocation.type)
        except FcallError as error:
            return self._settled(error, call, deadline)

    def list_functions(
        self, service: str | None, deadline: Deadline, configured: Collection[str] = ()
    ) -> Iterator[FunctionInfo]:
        """The functions of a service of FC 2.0, or, without a service, all of FC 3.0 in the region."""
        api: Api = self._options.api or ("3.0" if service is None else "2.0")
        if (api == "2.0") != (service is not None):
            raise InvalidParamsError("FC 2.0 lists the functions of a service, and FC 3.0 has none; correct `service`")
        if service is not None:
            checked_name("service name", service)

        def page(token: str | None) -> Answer:
            request = self._builder(api).listing(service, token, self._credentials.get(deadline))
            return self._transport.send(request, deadline)

        return functions_of(page)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _call(self, invocation: Invocation) -> _Call:
        """The function, and the id of the task where there is a key; both checked."""
        address = self._address(invocation.service, invocation.function, invocation.function_id, invocation.qualifier)
        key = invocation.idempotency_key
        return address, None if key is None else checked_task_id(key)

    def _settled(self, error: FcallError, call: _Call, deadline: Deadline) -> InvocationResult:
        """What a failed attempt means: most often the error.

        Where an earlier attempt of the same call was in doubt, "already exists" says that it was accepted after all.
        """
        if isinstance(error, AuthenticationError):
            self._credentials.forget()
        if call[1] is None:
            raise error
        if isinstance(error, ConflictError) and error.code == ALREADY_EXISTS and self._doubts.had(call, deadline):
            return InvocationResult(status_code=202, request_id=error.request_id)
        if error.executed is Executed.MAYBE:
            self._doubts.add(call, deadline)
        raise error

    def _builder(self, api: Api) -> Builder:
        """What builds the requests of an API; its SDK is imported now if it was not yet.

        Raises:
            ProviderNotInstalledError: the SDK is not installed.
        """
        builder = self._builders.get(api)
        if builder is None:
            module, name, install = _BUILDERS[api]
            try:
                made: Builder = getattr(import_module(module), name)(self._options.url)
            except ImportError as error:
                raise ProviderNotInstalledError(f"the SDK of FC {api} is not installed; run: {install}") from error
            builder = self._builders.setdefault(api, made)
        return builder


class AwaitedAliyunProvider(AliyunProvider):
    """The same, which can also be awaited. Nothing of asyncio is imported before it is."""

    def __init__(self, options: AliyunOptions) -> None:
        super().__init__(options)
        self._awaited: PerProcess[AsyncioTransport] = PerProcess(self._made)

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        """Make one attempt, awaited."""
        from fcall_aliyun._asyncio import waited

        call = self._call(invocation)
        api = call[0].api
        credentials = self._credentials.ready()
        if credentials is None:
            credentials = await waited(self._credentials.get, deadline, deadline=deadline)
        builder, transport = self._builders.get(api), self._awaited.known()
        if builder is None or transport is None:
            builder = await waited(self._builder, api, deadline=deadline)
            transport = await waited(self._awaited.get, deadline=deadline)
        sending = transport.send(_request(builder, invocation, call, credentials), deadline)
        try:
            return result_of(await sending, invocation.type)
        except FcallError as error:
            return self._settled(error, call, deadline)

    def close(self) -> None:
        """Close the connections."""
        super().close()
        awaited = self._awaited.known()
        if awaited is not None:
            awaited.close()

    def _made(self) -> AsyncioTransport:
        from fcall_aliyun._asyncio import AsyncioTransport

        self._transport.check_open()
        return AsyncioTransport(self._options)


def _request(builder: Builder, invocation: Invocation, call: _Call, credentials: Credentials) -> Request:
    return builder.invocation(call[0], invocation.payload, _headers(invocation), call[1], credentials)


def _headers(invocation: Invocation) -> dict[str, str]:
    headers: dict[str, str] = {"x-fc-invocation-type": invocation.type}
    if invocation.log_tail:
        headers["x-fc-log-type"] = "Tail"
    options = invocation.options
    if isinstance(options, AliyunCallOptions) and options.trace_id is not None:
        headers["x-fc-trace-id"] = options.trace_id
    return headers


def _source(options: AliyunOptions) -> CredentialsSource:
    if options.credentials is not None:
        return Renewed(options.credentials)
    if options.access_key_id is not None and options.access_key_secret is not None:
        return Fixed(Credentials(options.access_key_id, options.access_key_secret, options.security_token or ""))
    return Environment()
