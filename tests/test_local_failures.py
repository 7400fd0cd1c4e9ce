"""Failures of local functions: each phase is the one error that it stands for."""

from __future__ import annotations

import pytest

from fcall.errors import (
    Executed,
    FunctionCrashedError,
    FunctionError,
    FunctionLoadError,
    FunctionOutOfMemoryError,
    FunctionResponseError,
    FunctionTimeoutError,
    InvalidPayloadError,
)
from fcall.local._failures import error_for
from fcall.local._runtimes import Failure, Phase


def failure(phase: Phase, stack: list[str] | None = None) -> Failure:
    """A failure with everything."""
    made = Failure(phase, "KeyError", "'x'", stack, b'{"errorType": "KeyError"}')
    made.log_tail = "START"
    return made


@pytest.mark.parametrize(
    ("phase", "expected", "executed"),
    [
        ("load", FunctionLoadError, Executed.NO),
        ("handler", FunctionError, Executed.YES),
        ("timeout", FunctionTimeoutError, Executed.YES),
        ("exit", FunctionCrashedError, Executed.YES),
        ("memory", FunctionOutOfMemoryError, Executed.YES),
        ("response", FunctionResponseError, Executed.YES),
    ],
)
def test_a_phase_has_its_error(phase: Phase, expected: type[FunctionError], executed: Executed) -> None:
    """With the runtime's words, its stack, its document, and the request's id."""
    error = error_for(failure(phase, ["  a", "  b"]), "r-1", with_log=True)

    assert isinstance(error, FunctionError)
    assert (expected, executed, False) == (type(error), error.executed, error.retryable)
    assert ("KeyError", "'x'", ("  a", "  b"), "START") == (
        error.error_type,
        error.error_message,
        error.stack_trace,
        error.log_tail,
    )
    assert ("r-1", 200) == (error.request_id, error.status_code)
    result = error.result
    assert result is not None
    assert (b'{"errorType": "KeyError"}', 200, "r-1", "$LATEST", "START", "local") == (
        result.payload,
        result.status_code,
        result.request_id,
        result.executed_version,
        result.log_tail,
        result.provider,
    )


@pytest.mark.parametrize("phase", ["handler", "timeout", "exit", "memory", "response"])
def test_only_a_load_failure_says_that_the_handler_did_not_run(phase: Phase) -> None:
    """The others are described by the function's own words."""
    said = "the function could not be loaded: KeyError: 'x'; its handler did not run"

    assert said == error_for(failure("load"), "r-1", with_log=False).message
    assert "the function failed: KeyError: 'x'" == error_for(failure(phase), "r-1", with_log=False).message


def test_nobody_gets_a_log_that_he_did_not_ask_for() -> None:
    """Neither with the error nor with its result; and a platform's failure has no stack."""
    error = error_for(failure("exit"), "r-1", with_log=False)

    assert isinstance(error, FunctionError)
    assert error.result is not None
    assert (None, None, ()) == (error.log_tail, error.result.log_tail, error.stack_trace)


def test_an_event_that_cannot_be_read_did_not_reach_the_function() -> None:
    """It is the caller's mistake; nothing of it is repeated."""
    error = error_for(failure("event"), "r-1", with_log=True)

    assert (InvalidPayloadError, Executed.NO, "r-1") == (type(error), error.executed, error.request_id)
    assert "KeyError" not in str(error)
