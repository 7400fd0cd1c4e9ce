"""The failures of a gateway, and what they are called here: the tables, which are also those of the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from fcall.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionCrashedError,
    FunctionError,
    FunctionLoadError,
    FunctionNotFoundError,
    FunctionOutOfMemoryError,
    FunctionResponseError,
    FunctionTimeoutError,
    InvalidParamsError,
    InvalidRequestError,
    InvocationTimeoutError,
    PayloadTooLargeError,
    ProviderUnavailableError,
    ThrottledError,
)
from fcall.provider import ErrorRow, ErrorTable
from fcall_linkedge._sdk import Generation

__all__ = ["ANSWERS", "FUNCTION_FAILURES", "RAISED", "STATUSES", "STATUSES_1_1", "Failure", "error_raised", "errors_of"]

_UNSAID = ErrorRow(ProviderUnavailableError, retryable=False)


class Failure(NamedTuple):
    """One way to fail: what happened, in words, and what it is called here."""

    what: str
    row: ErrorRow


ANSWERS: Mapping[str, Failure] = {
    "int": Failure("lecoresdk refused the parameters, and sent nothing", ErrorRow(InvalidParamsError)),
    "None": Failure(
        "the gateway does not know the function, refused the call, or did not answer; it does not say which", _UNSAID
    ),
    "fail": Failure("the gateway did not answer", _UNSAID),
    "another": Failure("lecoresdk gave an answer that makes no sense", ErrorRow(ProviderUnavailableError)),
}
"""What `invoke_function` returns in place of a result."""

RAISED: Mapping[str, Failure] = {
    "RequestException": Failure("the gateway did not accept the event, or did not answer", _UNSAID),
    "WSConnException": Failure(
        "the gateway took the call, and its result did not come in time; the function may still be running",
        ErrorRow(InvocationTimeoutError),
    ),
    "TimeoutError": Failure("the gateway's own time-out passed", ErrorRow(InvocationTimeoutError)),
    "ConnectionError": Failure("the connection to the gateway broke", ErrorRow(ConnectionFailedError)),
    "BaseException": Failure("lecoresdk failed", ErrorRow(ProviderUnavailableError)),
}
"""What it raises, by the name of the class: where the gateway defines the first two is not public."""

# In 1.0 the status is that of a task's result, and a task that was taken may have run, whatever became of its result.
STATUSES: Mapping[int | str, ErrorRow] = {
    "1xx": ErrorRow(ProviderUnavailableError),
    "2xx": ErrorRow(ProviderUnavailableError),
    "3xx": ErrorRow(ProviderUnavailableError),
    "4xx": ErrorRow(InvalidRequestError, Executed.MAYBE),
    "5xx": ErrorRow(ProviderUnavailableError),
    401: ErrorRow(AuthenticationError, Executed.MAYBE),
    403: ErrorRow(AccessDeniedError, Executed.MAYBE),
    404: ErrorRow(FunctionNotFoundError, Executed.MAYBE),
    408: ErrorRow(ProviderUnavailableError),
    409: ErrorRow(ConflictError, Executed.MAYBE),
    412: ErrorRow(ConflictError, Executed.MAYBE),
    413: ErrorRow(PayloadTooLargeError, Executed.MAYBE),
    429: ErrorRow(ThrottledError, Executed.MAYBE),
    499: ErrorRow(InvocationTimeoutError),
}
"""A result with a status that is not 200, and with no `functionError`."""

STATUSES_1_1: Mapping[int | str, ErrorRow] = {404: ErrorRow(FunctionNotFoundError)}
"""What 1.1 knows better: there a call is one step, and an unknown function was never a task."""

FUNCTION_FAILURES: Mapping[str, Failure] = {
    "function": Failure("the function failed", ErrorRow(FunctionError)),
    "load": Failure("the function could not be loaded; its handler did not run", ErrorRow(FunctionLoadError)),
    "load?": Failure(
        "an error named as those of loading are, without the stack trace that would tell",
        ErrorRow(FunctionError, Executed.MAYBE),
    ),
    "timeout": Failure("the function ran into its own time limit", ErrorRow(FunctionTimeoutError)),
    "crash": Failure("the function's process ended before it answered", ErrorRow(FunctionCrashedError)),
    "memory": Failure("the function used more memory than it may", ErrorRow(FunctionOutOfMemoryError)),
    "unreadable": Failure(
        "the function ran, and the gateway's answer is not base64 text, so it cannot be read",
        ErrorRow(FunctionResponseError),
    ),
}
"""A result with a `functionError`, by what its document says; and a result that cannot be read."""

_CODES = {code: failure.row for code, failure in (*ANSWERS.items(), *RAISED.items())}
_TABLES: Mapping[Generation, ErrorTable] = {
    "1.0": ErrorTable(codes=_CODES, statuses=STATUSES),
    "1.1": ErrorTable(codes=_CODES, statuses={**STATUSES, **STATUSES_1_1}),
}


def errors_of(generation: Generation) -> ErrorTable:
    """The table of one generation of the SDK."""
    return _TABLES[generation]


def error_raised(error: BaseException) -> FcallError:
    """The error for whatever the SDK raised; its own words stay in the cause, since they may hold a payload."""
    known = next(cls.__name__ for cls in type(error).__mro__ if cls.__name__ in RAISED)
    failure = errors_of("1.0").error(RAISED[known].what, code=known)
    failure.code = type(error).__name__
    return failure
