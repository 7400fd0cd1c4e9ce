"""Error tables: a provider's failures in rows."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from fcall._error_table import ErrorRow, ErrorTable
from fcall.errors import (
    AccessDeniedError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionNotFoundError,
    FunctionTimeoutError,
    InvalidRequestError,
    InvocationTimeoutError,
    ProviderNotInstalledError,
    ProviderUnavailableError,
    ThrottledError,
    UnmappedProviderError,
)

SECRET = "s3cr3t-content"


class SdkError(Exception):
    """The root of some SDK's errors."""


class ReadTimeout(SdkError, TimeoutError):  # noqa: N818 - as SDKs name them
    """A special one of them."""


class Unlisted(ReadTimeout):
    """One that no row names, though its parents are."""


NAME = f"{SdkError.__module__}."
TABLE = ErrorTable(
    codes={
        "SlowDown": ThrottledError,
        "Gone": ErrorRow(FunctionNotFoundError, advice="deploy it first"),
        "Odd": ErrorRow(ProviderUnavailableError, executed=Executed.NO, retryable=False),
        "NoSdk": ErrorRow(ProviderNotInstalledError, retryable=True),
    },
    statuses={
        403: AccessDeniedError,
        "4xx": InvalidRequestError,
        "5xx": ProviderUnavailableError,
        504: FunctionTimeoutError,
    },
    exceptions={
        f"{NAME}SdkError": ConnectionFailedError,
        f"{NAME}ReadTimeout": ErrorRow(InvocationTimeoutError, advice="raise timeout"),
        "builtins.ConnectionRefusedError": ErrorRow(ConnectionFailedError, executed=Executed.NO),
    },
)


@pytest.mark.parametrize(
    ("code", "status_code", "expected"),
    [
        ("SlowDown", None, ThrottledError),
        ("SlowDown", 403, ThrottledError),
        ("SlowDown", 200, ThrottledError),
        ("New", 403, AccessDeniedError),
        (None, 403, AccessDeniedError),
        (None, 404, InvalidRequestError),
        (None, 499, InvalidRequestError),
        (None, 504, FunctionTimeoutError),
        (None, 503, ProviderUnavailableError),
        ("New", 500, ProviderUnavailableError),
        ("New", None, UnmappedProviderError),
        ("New", 302, UnmappedProviderError),
        (None, 200, UnmappedProviderError),
        (None, None, UnmappedProviderError),
        ("", None, UnmappedProviderError),
        ("slowdown", None, UnmappedProviderError),
    ],
)
def test_code_goes_before_status_before_class(
    code: str | None, status_code: int | None, expected: type[FcallError]
) -> None:
    """The machine code decides, then the status, then the status's class; what no row knows is unmapped."""
    error = TABLE.error("it failed", code=code, status_code=status_code)

    assert expected is type(error)
    assert (code, status_code) == (error.code, error.status_code)


def test_what_no_row_knows_may_have_run() -> None:
    """A new failure is MAYBE until somebody finds out."""
    assert Executed.MAYBE is TABLE.error("it failed", code="New").executed
    assert TABLE.row(code="New") is None
    assert TABLE.row_of(ValueError()) is None
    assert UnmappedProviderError is type(TABLE.error_of(ValueError()))
    assert UnmappedProviderError is type(ErrorTable().error("it failed", code="New", status_code=500))


@pytest.mark.parametrize(
    ("raised", "expected", "executed"),
    [
        (SdkError(), ConnectionFailedError, Executed.MAYBE),
        (ReadTimeout(), InvocationTimeoutError, Executed.MAYBE),
        (Unlisted(), InvocationTimeoutError, Executed.MAYBE),
        (ConnectionRefusedError(), ConnectionFailedError, Executed.NO),
        (ConnectionResetError(), UnmappedProviderError, Executed.MAYBE),
    ],
    ids=repr,
)
def test_exceptions_are_known_by_their_nearest_class(
    raised: Exception, expected: type[FcallError], executed: Executed
) -> None:
    """An exception is looked up by the names of its classes, its own first, then its parents'."""
    error = TABLE.error_of(raised)

    assert (expected, executed) == (type(error), error.executed)


def test_a_name_alone_is_not_enough() -> None:
    """A class of the same name in another module is another class."""
    stranger = type("SdkError", (Exception,), {"__module__": "elsewhere"})

    assert UnmappedProviderError is type(TABLE.error_of(stranger()))


@pytest.mark.parametrize(
    ("code", "said", "executed"),
    [
        ("SlowDown", None, Executed.NO),
        ("SlowDown", Executed.MAYBE, Executed.MAYBE),
        ("Odd", None, Executed.NO),
        ("Odd", Executed.YES, Executed.YES),
        ("New", Executed.NO, Executed.NO),
    ],
)
def test_who_knows_best_whether_it_ran(code: str, said: Executed | None, executed: Executed) -> None:
    """What the provider says of this one failure goes before the row, and the row before the class."""
    assert executed is TABLE.error("it failed", code=code, executed=said).executed
    if said is None:
        assert executed is TABLE.error("it failed", code=code).executed


def test_an_explicit_no_is_kept() -> None:
    """NO is falsy, and is an answer all the same."""
    assert Executed.NO is TABLE.error_of(SdkError(), executed=Executed.NO).executed


@pytest.mark.parametrize(
    ("code", "said", "retryable"),
    [("SlowDown", None, True), ("SlowDown", False, False), ("Odd", None, False), ("Odd", True, True)],
)
def test_who_knows_best_whether_it_may_pass(code: str, said: bool | None, retryable: bool) -> None:
    """`retryable` goes the same way: the provider, the row, the class."""
    assert retryable is TABLE.error("it failed", code=code, retryable=said).retryable


def test_a_row_may_name_an_error_of_configuration() -> None:
    """What cannot be tried again takes no `retryable`, and the row's is left out."""
    error = TABLE.error("the SDK is not there", code="NoSdk")

    assert ProviderNotInstalledError is type(error)
    assert not error.retryable


def test_advice_stands_behind_the_message() -> None:
    """A row can say what to do."""
    assert "no function f; deploy it first" == TABLE.error("no function f", code="Gone").message
    assert "no answer in 5 s; raise timeout" == TABLE.error_of(ReadTimeout(), "no answer in 5 s").message


@pytest.mark.parametrize("raised", [SdkError(SECRET), ReadTimeout(SECRET), ValueError(SECRET), KeyError(SECRET)])
def test_the_sdks_words_are_not_taken_over(raised: Exception) -> None:
    """An SDK may put a payload or a header into its message; ours names its class alone."""
    error = TABLE.error_of(raised)

    assert SECRET not in str(error) + repr(error)
    assert f"the provider's SDK raised {type(raised).__name__}" in str(error)


def test_fields_go_to_the_error() -> None:
    """Everything else that a provider knows arrives."""
    error = TABLE.error("slowly", code="SlowDown", status_code=429, request_id="r-1", retry_after=2.5)

    assert isinstance(error, ThrottledError)
    assert ("r-1", 2.5, 429) == (error.request_id, error.retry_after, error.status_code)


def test_rows_can_be_looked_at() -> None:
    """A class alone is the row that says nothing else."""
    assert ErrorRow(ThrottledError) == TABLE.row(code="SlowDown", status_code=500)
    assert ErrorRow(AccessDeniedError) == TABLE.row(status_code=403)
    assert "raise timeout" == getattr(TABLE.row_of(Unlisted()), "advice", None)


def test_rows_do_not_change() -> None:
    """A row that is looked at stays as it is."""
    with pytest.raises(FrozenInstanceError):
        ErrorRow(ThrottledError).error = AccessDeniedError  # type: ignore[misc]


def test_what_is_looked_up_is_named() -> None:
    """A code and a status are easily mixed up, so neither they nor the tables go by their position."""
    table: Any = ErrorTable
    with pytest.raises(TypeError):
        table({"SlowDown": ThrottledError})
    with pytest.raises(TypeError):
        TABLE.row("SlowDown")  # type: ignore[misc]
    with pytest.raises(TypeError):
        TABLE.error("it failed", "SlowDown")  # type: ignore[misc]
