"""Exit codes: how a call went, for scripts."""

from __future__ import annotations

from fcall.errors import (
    ConfigurationError,
    FcallError,
    FunctionError,
    FunctionNotFoundError,
    InvocationTimeoutError,
)

__all__ = ["EXIT_INTERRUPTED", "exit_code"]

EXIT_INTERRUPTED = 130

_FUNCTION_FAILED, _CONFIGURATION, _REFUSED, _TIMED_OUT = 1, 3, 4, 5


def exit_code(error: FcallError) -> int:
    """1 the function failed, 3 the configuration or the target is wrong, 4 refused or out of reach, 5 out of time."""
    if isinstance(error, FunctionError):
        return _FUNCTION_FAILED
    if isinstance(error, (ConfigurationError, FunctionNotFoundError)):
        return _CONFIGURATION
    return _TIMED_OUT if isinstance(error, InvocationTimeoutError) else _REFUSED
