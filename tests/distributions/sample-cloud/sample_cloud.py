"""A provider as its author would write it, for a cloud that is `sample_cloud_sdk`."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import fcall
from fcall.errors import ConnectionFailedError, FunctionNotFoundError, ProviderUnavailableError, ThrottledError
from fcall.provider import (
    Capabilities,
    Deadline,
    ErrorRow,
    ErrorTable,
    Invocation,
    InvocationResult,
    ProviderSpec,
    option,
)

if TYPE_CHECKING:
    import sample_cloud_sdk

ERRORS = ErrorTable(
    codes={"NoSuchFunction": FunctionNotFoundError, "SlowDown": ThrottledError},
    statuses={"5xx": ProviderUnavailableError},
    exceptions={"sample_cloud_sdk.UnreachableError": ErrorRow(ConnectionFailedError, fcall.Executed.NO)},
)


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """What the configuration may say."""

    region: str = option("moon-1", in_target=True)
    api_key: str = option("", secret=True)


@dataclass(frozen=True, slots=True)
class SampleCallOptions:
    """What one call may say."""

    priority: int = 0


class SampleProvider:
    """Calls functions of the sample cloud."""

    capabilities = Capabilities(types=frozenset({"Sync"}), invoker_context={"Sync": frozenset({"custom"})})

    def __init__(self, options: SampleOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._sdk: sample_cloud_sdk.Connection | None = None

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        """Make one attempt."""
        import sample_cloud_sdk

        call_options = invocation.options or SampleCallOptions()
        try:
            answer = self._connection().call(
                invocation.function, invocation.payload, call_options.priority, timeout=deadline.remaining()
            )
        except sample_cloud_sdk.ServiceError as error:
            raise ERRORS.error(error.message, code=error.code, status_code=error.status) from error
        except sample_cloud_sdk.UnreachableError as error:
            raise ERRORS.error_of(error, "the sample cloud could not be reached") from error
        return InvocationResult(answer, request_id="sample-1")

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._sdk = None

    def _connection(self) -> sample_cloud_sdk.Connection:
        import sample_cloud_sdk

        with self._lock:
            self._sdk = self._sdk or sample_cloud_sdk.Connection(self._options.region, self._options.api_key)
            return self._sdk


@fcall.hookimpl
def fcall_register_providers() -> ProviderSpec:
    return ProviderSpec(
        "sample",
        SampleProvider,
        SampleOptions,
        SampleCallOptions,
        install_hint="pip install sample-cloud",
        summary="a cloud for tests",
    )
