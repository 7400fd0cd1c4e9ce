"""Which failure of Lambda, of boto3 and of the connection is which error of fcall, and whether the function ran.

Sources: the service model of botocore 1.44.5 (a test walks the installed one), the API reference of Invoke, and
answers observed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from fcall.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionError,
    FunctionLoadError,
    FunctionNotFoundError,
    FunctionNotReadyError,
    InvalidParamsError,
    InvalidPayloadError,
    InvalidRequestError,
    InvocationTimeoutError,
    PayloadTooLargeError,
    ProviderUnavailableError,
    RecursiveInvocationError,
    ThrottledError,
)
from fcall.provider import Deadline, ErrorRow, ErrorTable

__all__ = ["ANSWERS", "CODES", "EXPIRED", "SENT", "STATUSES", "UNSENT", "call_error", "check_time", "creation_error"]

_NO, _MAYBE = Executed.NO, Executed.MAYBE
_OWNER = "its owner has to act"

_PASSING = (  # the function cannot start just now
    "CodeArtifactUserPendingException EC2ThrottledException EC2UnexpectedException EFSMountConnectivityException "
    "EFSMountTimeoutException ENILimitReachedException ENINotReadyException ResourceConflictException "
    "ResourceNotReadyException S3FilesMountConnectivityException S3FilesMountTimeoutException "
    "SnapStartNotReadyException SnapStartTimeoutException SubnetIPAddressLimitReachedException"
)
_MISCONFIGURED = (  # the function cannot start until somebody changes something
    "CodeArtifactUserDeletedException CodeArtifactUserFailedException EC2AccessDeniedException "
    "EFSMountFailureException InvalidRuntimeException InvalidSecurityGroupIDException InvalidSubnetIDException "
    "InvalidZipFileException KMSAccessDeniedException KMSDisabledException KMSInvalidStateException "
    "KMSNotFoundException NoPublishedVersionException RuntimeAliasDeletedException RuntimeVersionDeletedException "
    "S3FilesMountFailureException SnapStartRegenerationFailureException"
)
_WRONG_KEYS = (
    "IncompleteSignature IncompleteSignatureException InvalidClientTokenId InvalidSignatureException "
    "MissingAuthenticationToken MissingAuthenticationTokenException SignatureDoesNotMatch UnrecognizedClientException"
)
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
"""Codes that fresh credentials may cure."""

_Row = type[FcallError] | ErrorRow

CODES: dict[str, _Row] = {
    "InvalidParameterValueException": InvalidRequestError,
    "ModeNotSupportedException": InvalidRequestError,
    "ValidationException": InvalidRequestError,
    "UnknownOperationException": ErrorRow(InvalidRequestError, advice="look at endpoint_url"),
    "InvalidRequestContentException": InvalidPayloadError,
    "UnsupportedMediaTypeException": InvalidPayloadError,
    "RequestEntityTooLargeException": PayloadTooLargeError,
    "RequestTooLargeException": PayloadTooLargeError,
    "SerializedRequestEntityTooLargeException": PayloadTooLargeError,
    "RecursiveInvocationException": RecursiveInvocationError,
    "SnapStartException": ErrorRow(FunctionLoadError, advice="its hook after restoring failed"),
    "ResourceNotFoundException": FunctionNotFoundError,
    "DurableExecutionAlreadyStartedException": ConflictError,
    "EFSIOException": ErrorRow(FunctionError, executed=_MAYBE),
    **dict.fromkeys(_PASSING.split(), FunctionNotReadyError),
    **dict.fromkeys(_MISCONFIGURED.split(), ErrorRow(FunctionNotReadyError, retryable=False, advice=_OWNER)),
    "TooManyRequestsException": ThrottledError,
    "RequestLimitExceeded": ThrottledError,
    "Throttling": ThrottledError,
    "ThrottlingException": ThrottledError,
    "ThrottledException": ThrottledError,
    "RequestThrottled": ThrottledError,
    "RequestThrottledException": ThrottledError,
    "ServiceQuotaExceededException": ErrorRow(ThrottledError, retryable=False, advice="have the quota raised"),
    "AccessDenied": AccessDeniedError,
    "AccessDeniedException": AccessDeniedError,
    "NotAuthorized": AccessDeniedError,
    "OptInRequired": AccessDeniedError,
    **dict.fromkeys(_WRONG_KEYS.split(), AuthenticationError),
    **dict.fromkeys(sorted(EXPIRED), ErrorRow(AuthenticationError, advice="renew the credentials; look at the clock")),
    "RequestAbortedException": ErrorRow(ConnectionFailedError, executed=_NO),
    "RequestTimeoutException": ErrorRow(ConnectionFailedError, executed=_NO),
    "InternalFailure": ProviderUnavailableError,
    "InternalServerError": ProviderUnavailableError,
    "ServiceException": ProviderUnavailableError,
    "ServiceUnavailable": ProviderUnavailableError,
    "ServiceUnavailableException": ProviderUnavailableError,
}
"""By Lambda's machine code."""

STATUSES: dict[str, _Row] = {
    "400": InvalidRequestError,
    "401": AuthenticationError,
    "403": AccessDeniedError,
    "404": ErrorRow(InvalidRequestError, advice="what answered does not know this path; look at endpoint_url"),
    "405": ErrorRow(InvalidRequestError, advice="what answered does not take this method; look at endpoint_url"),
    "407": ErrorRow(ConnectionFailedError, executed=_NO, retryable=False, advice="the proxy wants credentials"),
    "411": InvalidRequestError,
    "413": PayloadTooLargeError,
    "414": InvalidRequestError,
    "415": InvalidPayloadError,
    "429": ThrottledError,
    "431": InvalidRequestError,
}
"""By a status that came without a code: from what stands before the service. botocore makes the status the code."""

_UNKNOWN = ErrorRow(ProviderUnavailableError, retryable=False, advice="nothing is known of this answer")
ANSWERS = ErrorTable(
    codes={**CODES, **STATUSES},
    statuses={"1xx": _UNKNOWN, "2xx": _UNKNOWN, "3xx": _UNKNOWN, "4xx": _UNKNOWN, "5xx": ProviderUnavailableError},
)

_UNREACHABLE = ErrorRow(ConnectionFailedError, executed=_NO)
_CREDENTIALS = (
    "CredentialRetrievalError MetadataRetrievalError NoCredentialsError PartialCredentialsError "
    "RefreshWithMFAUnsupportedError UnknownCredentialError"
)
_SIGNED_OUT = "LoginError NoAuthTokenError SSOError TokenRetrievalError"
_NO_CREDENTIALS = ErrorRow(AuthenticationError, advice="look at the profile and its credentials")
_SIGN_IN = ErrorRow(AuthenticationError, advice="sign in again, as with: aws sso login")

UNSENT: dict[str, _Row] = {
    **{f"botocore.exceptions.{name}": _NO_CREDENTIALS for name in _CREDENTIALS.split()},
    **{f"botocore.exceptions.{name}": _SIGN_IN for name in _SIGNED_OUT.split()},
    "botocore.exceptions.ClientError": _NO_CREDENTIALS,  # of the call that was to bring the credentials
    "builtins.RuntimeError": _NO_CREDENTIALS,  # "refreshed credentials are still expired" (botocore.credentials)
    "botocore.parsers.ResponseParserError": _NO_CREDENTIALS,
    "json.decoder.JSONDecodeError": _NO_CREDENTIALS,  # what a credential process wrote
    "botocore.exceptions.ParamValidationError": InvalidParamsError,
    "builtins.UnicodeError": InvalidParamsError,
    "builtins.KeyError": InvalidParamsError,
    "builtins.TypeError": InvalidParamsError,
    "botocore.exceptions.ConnectionError": _UNREACHABLE,
    "botocore.exceptions.HTTPClientError": _UNREACHABLE,
    "botocore.exceptions.BotoCoreError": ConfigurationError,
    "builtins.Exception": ConfigurationError,
}
"""By the exception, where no request was on its way yet: nothing ran."""

SENT: dict[str, _Row] = {
    "botocore.exceptions.EndpointConnectionError": _UNREACHABLE,
    "botocore.exceptions.ConnectTimeoutError": _UNREACHABLE,
    "botocore.exceptions.ProxyConnectionError": _UNREACHABLE,
    "botocore.exceptions.SSLError": ConnectionFailedError,
    "botocore.exceptions.ReadTimeoutError": InvocationTimeoutError,
    "botocore.exceptions.ConnectionClosedError": ConnectionFailedError,
    "botocore.exceptions.ResponseStreamingError": ConnectionFailedError,
    "botocore.exceptions.IncompleteReadError": ConnectionFailedError,
    "botocore.exceptions.HTTPClientError": ConnectionFailedError,
    "botocore.exceptions.EventStreamError": ConnectionFailedError,
    "botocore.eventstream.ParserError": ConnectionFailedError,
    "botocore.exceptions.BotoCoreError": ProviderUnavailableError,
    "urllib3.exceptions.ReadTimeoutError": InvocationTimeoutError,
    "urllib3.exceptions.HTTPError": ConnectionFailedError,
    "builtins.TimeoutError": InvocationTimeoutError,
    "builtins.OSError": ConnectionFailedError,
    "builtins.Exception": ProviderUnavailableError,  # botocore could not read the answer
}
"""By the exception, where the request was on its way."""

_unsent, _sent = ErrorTable(exceptions=UNSENT), ErrorTable(exceptions=SENT)
_OPERATIONS = frozenset({"Invoke", "InvokeWithResponseStream", "ListFunctions"})

# Their texts may repeat what was sent: a payload, a token, a canonical request.
_WORDLESS = (AuthenticationError, InvalidPayloadError)

# And these repeat what came: an answer's own bytes, or what a credential process wrote, such as fresh credentials.
_REPEATING = ("BadStatusLine", "CredentialRetrievalError", "JSONDecodeError", "ResponseParserError")


def creation_error(error: Exception) -> FcallError:
    """The error for what boto3 raises when a client is made, its cause set as with `call_error`."""
    row, name = _unsent.row_of(error), type(error).__name__
    made: FcallError
    if row is not None and row.error is AuthenticationError and not isinstance(error, RuntimeError):
        made = AuthenticationError(f"boto3 finds no usable credentials ({name}); {row.advice}")
    else:
        made = ConfigurationError(
            f"boto3 cannot make a client for Lambda ({name}); look at region, profile and endpoint_url"
        )
    made.__cause__ = None if _holds_what_came(error) else error
    return made


def check_time(deadline: Deadline) -> None:
    """See that there is time left to send something.

    Raises:
        InvocationTimeoutError: there is none; NO.
    """
    if deadline.expired:
        raise InvocationTimeoutError("the time-out passed before anything was sent", executed=Executed.NO)


def call_error(error: Exception, *, sent: bool, deadline: Deadline, executed: Executed | None = None) -> FcallError:
    """The error for what boto3 raises in a call, its cause set where its words give nothing away.

    Args:
        error: what was raised.
        sent: the request was on its way.
        deadline: the call's.
        executed: whether the function ran, where more is known than the exception says.
    """
    if isinstance(error, FcallError):
        return error
    response: Any = getattr(error, "response", None)
    # A double, such as botocore's Stubber, answers before anything is on its way.
    answered = isinstance(response, dict) and getattr(error, "operation_name", None) in _OPERATIONS
    if answered and "ResponseMetadata" in response:  # an event of a stream that is an error has none
        made = answer_error(response)
    else:
        made = _exception_error(error, sent, deadline, executed)
    made.__cause__ = None if _repeats(error, made) else error
    return made


def _repeats(error: Exception, made: FcallError) -> bool:
    """Whether the words of the original may be what nobody is to read: it is left out of the error's chain then."""
    is_page = (made.code or "").isdigit()  # botocore takes the body of an answer without a code for its message
    return is_page or isinstance(made, _WORDLESS) or _holds_what_came(error)


def _holds_what_came(error: Exception) -> bool:
    return any(type(cause).__name__ in _REPEATING for cause in _causes(error))


def answer_error(response: Mapping[str, Any]) -> FcallError:
    """The error for an answer that botocore has read as one."""
    said = response.get("Error") or {}
    metadata = response.get("ResponseMetadata") or {}
    status = metadata.get("HTTPStatusCode")
    code = str(said.get("Code") or status or "")
    row = ANSWERS.row(code=code, status_code=status)
    fields: dict[str, Any] = {"code": code, "status_code": status, "request_id": _request_id(metadata)}
    if row is not None and issubclass(row.error, ThrottledError):
        fields["retry_after"] = _retry_after(response)
    return ANSWERS.error(_words(said, code, row), **fields)


def _exception_error(error: Exception, sent: bool, deadline: Deadline, executed: Executed | None) -> FcallError:
    name = type(error).__name__
    if not sent:
        made = _unsent.error_of(error, f"nothing was sent: boto3 raised {name}", executed=_NO)
    elif _in_handshake(error):
        made = ConnectionFailedError(
            f"no secure connection could be made: boto3 raised {name}; look at endpoint_url and AWS_CA_BUNDLE",
            executed=_NO,
            retryable=not _is_untrusted(error),
        )
    else:
        made = _sent.error_of(error, f"the call broke off: boto3 raised {name}", executed=executed)
    if isinstance(made, ConnectionFailedError) and deadline.expired:
        return InvocationTimeoutError(f"the time-out passed: boto3 raised {name}", executed=made.executed)
    return made


_AGREEING = frozenset({"do_handshake", "ssl_wrap_socket", "_match_hostname"})
"""Functions of Python and urllib3 in which TLS is agreed on, or the authorities to trust are read before.

urllib3 compares names itself where botocore asks so.
"""


def _in_handshake(error: BaseException) -> bool:
    """Whether it was raised while TLS was being agreed on, so that nothing of the request had left.

    botocore has one SSLError for this and for a break later on, and calls a silence in the handshake a read time-out.
    """
    return any(not _AGREEING.isdisjoint(_functions(cause)) for cause in _causes(error))


def _is_untrusted(error: BaseException) -> bool:
    """Whether the server's certificate was the trouble, by Python's name for it or urllib3's: that does not pass."""
    return any(type(cause).__name__ in ("SSLCertVerificationError", "CertificateError") for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _functions(error: BaseException) -> Iterator[str]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code.co_name
        trace = trace.tb_next


def _words(said: Mapping[str, Any], code: str, row: ErrorRow | None) -> str:
    """What the service says, where that can be repeated: a page of HTML cannot, nor what may hold a secret."""
    message = said.get("Message") or said.get("message")
    if not isinstance(message, str) or code.isdigit() or row is None or issubclass(row.error, _WORDLESS):
        return "Lambda refused the call" if row is None or not code.isdigit() else f"what answered said {code}"
    printable = "".join(character if character.isprintable() else " " for character in message[:300])
    return f"Lambda says: {printable}"


def _request_id(metadata: Mapping[str, Any]) -> str | None:
    request_id = metadata.get("RequestId") or (metadata.get("HTTPHeaders") or {}).get("x-amzn-requestid")
    return request_id if isinstance(request_id, str) else None


def _retry_after(response: Mapping[str, Any]) -> float | None:
    headers = (response.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
    for said in (response.get("retryAfterSeconds"), headers.get("retry-after")):
        try:
            seconds = float(said)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    return None
