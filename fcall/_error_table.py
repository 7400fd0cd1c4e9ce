"""Error tables: how a provider says which of its failures is which of ours, in rows instead of branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fcall.errors import Executed, FcallError, InvocationError, UnmappedProviderError

__all__ = ["ErrorRow", "ErrorTable"]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """What one failure of a provider is called here.

    Attributes:
        error: the class to raise.
        executed: whether the function ran, where the class's default does not say it.
        retryable: whether the same call may succeed later, where the class's default does not say it.
        advice: what the caller can do, in words; put behind the provider's message.
    """

    error: type[FcallError]
    executed: Executed | None = None
    retryable: bool | None = None
    advice: str = ""


Row: TypeAlias = "type[FcallError] | ErrorRow"


class ErrorTable:
    """The failures of one provider and what they are called here.

    A failure is looked up by its machine code, then by its HTTP status, then by the status's class; an exception by the
    classes it is derived from, nearest first. What no row knows becomes `UnmappedProviderError`, which says MAYBE.

    Args:
        codes: rows by the provider's machine code.
        statuses: rows by HTTP status, as a number (``404``) or as a class (``"5xx"``).
        exceptions: rows by the full name of an exception's class (``"botocore.exceptions.ReadTimeoutError"``): a name
            needs no import.

    Example:
        >>> from fcall.errors import ProviderUnavailableError, ThrottledError
        >>> table = ErrorTable(codes={"SlowDown": ThrottledError}, statuses={"5xx": ProviderUnavailableError})
        >>> table.error("wait a little", code="SlowDown", status_code=503)
        ThrottledError('wait a little [code SlowDown; status 503; executed: NO]')
        >>> table.error("no such page", status_code=502).executed
        <Executed.MAYBE: 'maybe'>
    """

    def __init__(
        self,
        *,
        codes: Mapping[str, Row] | None = None,
        statuses: Mapping[int | str, Row] | None = None,
        exceptions: Mapping[str, Row] | None = None,
    ) -> None:
        self._codes = _rows(codes or {})
        self._statuses = _rows(statuses or {})
        self._exceptions = _rows(exceptions or {})

    def row(self, *, code: str | None = None, status_code: int | None = None) -> ErrorRow | None:
        """The row for an answer of the service, or None."""
        if code is not None and code in self._codes:
            return self._codes[code]
        if status_code is None:
            return None
        return self._statuses.get(status_code) or self._statuses.get(f"{status_code // 100}xx")

    def row_of(self, error: BaseException) -> ErrorRow | None:
        """The row for an exception, or None."""
        names = (f"{cls.__module__}.{cls.__qualname__}" for cls in type(error).__mro__)
        return next((self._exceptions[name] for name in names if name in self._exceptions), None)

    def error(
        self, message: str, *, code: str | None = None, status_code: int | None = None, **fields: Any
    ) -> FcallError:
        """The error for an answer of the service; `fields` go to its class as they are."""
        return _made(
            self.row(code=code, status_code=status_code), message, code=code, status_code=status_code, **fields
        )

    def error_of(self, error: BaseException, message: str = "", **fields: Any) -> FcallError:
        """The error for an exception of the SDK, to be raised `from` it.

        The exception's own words are not taken over, since an SDK may put a payload or a header into them; `message`
        says what is safe to say.
        """
        return _made(self.row_of(error), message or f"the provider's SDK raised {type(error).__name__}", **fields)


def _rows(rows: Mapping[Any, Row]) -> dict[Any, ErrorRow]:
    return {key: row if isinstance(row, ErrorRow) else ErrorRow(row) for key, row in rows.items()}


def _made(row: ErrorRow | None, message: str, **fields: Any) -> FcallError:
    row = row or ErrorRow(UnmappedProviderError)
    if fields.get("executed") is None:
        fields["executed"] = row.executed
    if fields.get("retryable") is None and issubclass(row.error, InvocationError):
        fields["retryable"] = row.retryable
    return row.error(f"{message}; {row.advice}" if row.advice else message, **fields)
