"""Error tables: which answer of Function Compute, and which fault of the connection, is which error of fcall.

The codes and statuses are those of the vendor's manual for FC 2.0 and 3.0; the list there is open, so what is unknown
goes by its status.
"""

from __future__ import annotations

from fcall.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionNotFoundError,
    FunctionNotReadyError,
    FunctionResponseError,
    InvalidRequestError,
    InvocationTimeoutError,
    PayloadTooLargeError,
    ProviderUnavailableError,
    ThrottledError,
)
from fcall.provider import ErrorRow, ErrorTable

__all__ = ["ALREADY_EXISTS", "ANSWERS", "CODES", "STATUSES", "WHEN_SENT", "WHILE_CONNECTING"]

ALREADY_EXISTS = "StatefulAsyncInvocationAlreadyExists"
"""The id of an asynchronous task was used before. The code is known from public user code."""

_CLOCK = "a clock that is more than 15 minutes off is refused as well"
_ENDED = ErrorRow(AuthenticationError, advice="the temporary credentials have ended")

CODES: dict[str, type[FcallError] | ErrorRow] = {
    "InvalidArgument": InvalidRequestError,
    "MissingRequiredHeader": InvalidRequestError,
    "PathNotSupported": InvalidRequestError,
    "EntityTooLarge": PayloadTooLargeError,
    "AccessDenied": AccessDeniedError,
    "InvalidAccessKeyID": AuthenticationError,
    "InvalidAccessKeyId": AuthenticationError,
    "InvalidAccessKeyId.NotFound": AuthenticationError,
    "InvalidCredentials": AuthenticationError,
    "SignatureNotMatch": ErrorRow(AuthenticationError, advice=_CLOCK),
    "SignatureDoesNotMatch": ErrorRow(AuthenticationError, advice=_CLOCK),
    "InvalidTimeStamp.Expired": ErrorRow(AuthenticationError, advice=_CLOCK),
    "InvalidSecurityToken.Expired": _ENDED,
    "SecurityTokenExpired": _ENDED,
    "ServiceNotFound": FunctionNotFoundError,
    "FunctionNotFound": FunctionNotFoundError,
    "AliasNotFound": FunctionNotFoundError,
    "VersionNotFound": FunctionNotFoundError,
    "DomainNameNotFound": FunctionNotFoundError,
    ALREADY_EXISTS: ErrorRow(ConflictError, advice="an earlier call with this key was accepted"),
    "ConcurrentUpdateError": ConflictError,
    "PreconditionFailed": ConflictError,
    "CAExited": ErrorRow(FunctionNotReadyError, executed=Executed.MAYBE, retryable=False),
    "CAFileNotFound": ErrorRow(FunctionNotReadyError, retryable=False),
    "ResourceExhausted": ThrottledError,
    "ResourceThrottled": ThrottledError,
    "Throttling": ThrottledError,
    "Throttling.User": ThrottledError,
    "Throttling.Api": ThrottledError,
    "ClientClosedRequest": ErrorRow(InvocationTimeoutError, executed=Executed.YES),
    "BadResponse": FunctionResponseError,
    "InternalServerError": ProviderUnavailableError,
}

STATUSES: dict[int | str, type[FcallError] | ErrorRow] = {
    "3xx": ErrorRow(
        ProviderUnavailableError, executed=Executed.NO, retryable=False, advice="redirects are not followed"
    ),
    401: AuthenticationError,
    403: AccessDeniedError,
    404: FunctionNotFoundError,
    408: ProviderUnavailableError,
    409: ConflictError,
    412: ConflictError,
    413: PayloadTooLargeError,
    429: ThrottledError,
    499: ErrorRow(InvocationTimeoutError, executed=Executed.YES),
    "4xx": InvalidRequestError,
    "5xx": ProviderUnavailableError,
}

ANSWERS = ErrorTable(codes=CODES, statuses=STATUSES)

WHILE_CONNECTING = ErrorTable(
    exceptions={
        "ssl.SSLCertVerificationError": ErrorRow(ConnectionFailedError, executed=Executed.NO, retryable=False),
        "builtins.Exception": ErrorRow(ConnectionFailedError, executed=Executed.NO),
    },
)
"""Before the request was whole on its way: no name, refused, TLS, connect time-out, reset in mid-request.

A certificate that is not trusted does not pass.
"""

WHEN_SENT = ErrorTable(
    exceptions={
        "builtins.TimeoutError": InvocationTimeoutError,
        "urllib3.exceptions.TimeoutError": InvocationTimeoutError,
        "builtins.OSError": ConnectionFailedError,
        "http.client.RemoteDisconnected": ConnectionFailedError,
        "http.client.IncompleteRead": ConnectionFailedError,
        "urllib3.exceptions.IncompleteRead": ConnectionFailedError,
        "urllib3.exceptions.ProtocolError": ConnectionFailedError,
        "http.client.HTTPException": ProviderUnavailableError,
        "urllib3.exceptions.HTTPError": ProviderUnavailableError,
        "builtins.ValueError": ProviderUnavailableError,
    },
)
"""Afterwards; all of them MAYBE."""
