"""The provider: one attempt at a time, through a genuine boto3 client."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from fcall.errors import Executed, FcallError, UnsupportedFeatureError
from fcall.provider import Capabilities, Deadline, FunctionInfo, Invocation, InvocationResult
from fcall_aws._answers import result_of
from fcall_aws._arn import referenced
from fcall_aws._clients import Clients
from fcall_aws._errors import EXPIRED, call_error, check_time
from fcall_aws._listing import listed
from fcall_aws._options import AwsOptions
from fcall_aws._request import CONTEXT_KEYS, LONGEST_CONTEXT, parameters
from fcall_aws._slots import Slots
from fcall_aws._stream import streamed
from fcall_aws._underway import underway

if TYPE_CHECKING:
    from fcall_aws._asyncio_lane import AsyncioLane
    from fcall_aws._shortcut import Shortcut

__all__ = ["AwaitedAwsProvider", "AwsProvider"]

_ASYNC_LIMIT = 1_048_576
_SYNC_LIMIT = 6_291_456

CAPABILITIES = Capabilities(
    types=frozenset({"Sync", "Async", "DryRun"}),
    qualifier=True,
    log_tail=True,
    invoker_context={"Sync": CONTEXT_KEYS},
    invoker_context_limit=LONGEST_CONTEXT // 4 * 3,  # the header's limit counts base64
    streaming=True,
    listing=True,
    idempotency=frozenset({"Sync", "Async"}),
    payload_limits={"Sync": _SYNC_LIMIT, "Async": _ASYNC_LIMIT, "DryRun": _SYNC_LIMIT},
    sync_timeout=905.0,  # the longest that a function may run (15 minutes), and a little to hear of it
    other_timeout=30.0,
)

_NEEDED = {"TenantId": "tenant_id needs boto3 1.41.0", "DurableExecutionName": "durable needs boto3 1.42.1"}


class AwsProvider:
    """Calls functions of AWS Lambda.

    Args:
        options: where, as whom, and how many at once.
    """

    capabilities = CAPABILITIES
    _shortcut: Shortcut | None = None

    def __init__(self, options: AwsOptions) -> None:
        self._options = options
        self._clients = Clients(options)
        self._slots = Slots(options.max_concurrency)

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        """Call the function, queue its event, or ask whether the call would be allowed."""
        region, given = self._given(invocation)
        slot = self._slots.take(deadline)
        try:
            client = self._clients.get(region, deadline)
            shortcut = self._shortcut or self._new_shortcut()
            result = shortcut.invoke(client, given, invocation.type, deadline)
            if result is not None:
                return result
            response = self._called(client, "invoke", given, deadline)
            return result_of(response, invocation.type, deadline)
        finally:
            slot.release()

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        """The function's answer in pieces, as it makes them."""
        if invocation.idempotency_key is not None:
            raise UnsupportedFeatureError("Lambda takes no idempotency key on a stream; use invoke")
        region, given = self._given(invocation)
        slot = self._slots.take(deadline)
        try:
            client = self._clients.get(region, deadline)
            response = self._called(client, "invoke_with_response_stream", given, deadline)
            yield from streamed(response, deadline)
        finally:
            slot.release()

    def list_functions(
        self, service: str | None, deadline: Deadline, configured: Collection[str] = ()
    ) -> Iterator[FunctionInfo]:
        """All functions of the account in this region, page by page."""

        def page(marker: str | None) -> Any:
            try:
                client = self._clients.get(None, deadline)
                return self._called(client, "list_functions", {"Marker": marker} if marker else {}, deadline)
            except FcallError as error:
                error.executed = Executed.NO  # whatever became of the listing, no function was called
                raise

        return listed(page)

    def locate(self, invocation: Invocation) -> tuple[str, str | None]:
        """The function's bare name, and its region as soon as a client was made for it."""
        reference = referenced(invocation, self._options)
        return reference.bare, reference.region or self._clients.region

    def close(self) -> None:
        """Close the connections."""
        self._clients.close()

    def _new_shortcut(self) -> Shortcut:
        from fcall_aws._shortcut import Shortcut  # with TLS, which no import of the plugin brings in

        self._shortcut = Shortcut(self._clients, self._look_at_credentials)
        return self._shortcut

    def _given(self, invocation: Invocation) -> tuple[str | None, dict[str, Any]]:
        """The region that the function's own name says, if any, and the parameters of ``client.invoke``."""
        reference = referenced(invocation, self._options)
        return reference.region, parameters(invocation, reference)

    def _called(self, client: Any, method: str, given: dict[str, Any], deadline: Deadline) -> Any:
        """What one method of the client returns.

        Raises:
            FcallError: whatever it raises.
        """
        _check_known(client, given)
        check_time(deadline)
        underway.begin(deadline)
        try:
            return getattr(client, method)(**given)
        except Exception as error:  # noqa: BLE001 - whatever it is, it has its row
            failure = call_error(error, sent=underway.sent, deadline=deadline)
            self._look_at_credentials(failure, deadline)
            raise failure from failure.__cause__
        finally:
            underway.deadline = None

    def _look_at_credentials(self, failure: FcallError, deadline: Deadline) -> None:
        """Where they ran out, the next attempt gets fresh ones."""
        if failure.code in EXPIRED and self._clients.renew(deadline):
            failure.retryable = True


class AwaitedAwsProvider(AwsProvider):
    """The same, which can also be awaited. Nothing of asyncio is imported before it is."""

    _asyncio: AsyncioLane | None = None

    def invoke_asyncio(
        self, invocation: Invocation, deadline: Deadline
    ) -> Coroutine[Any, Any, InvocationResult | None]:
        """`invoke`, awaited; None where it has to be made on a thread."""
        region, given = self._given(invocation)
        if self._asyncio is None:
            self._asyncio = self._lane()
        return self._asyncio.send(region, given, invocation.type, deadline)

    def close(self) -> None:
        """Close the connections."""
        if self._asyncio is not None:
            self._asyncio.close()
        super().close()

    def _lane(self) -> AsyncioLane:
        from fcall_aws._asyncio_lane import AsyncioLane

        return AsyncioLane(self._clients, self._options.max_concurrency, self._look_at_credentials)


def _check_known(client: Any, given: dict[str, Any]) -> None:
    """See that this boto3 knows what only newer ones do."""
    for name, words in _NEEDED.items():
        if name in given and name not in client.meta.service_model.operation_model("Invoke").input_shape.members:
            raise UnsupportedFeatureError(f"{words} or later; upgrade it")
