"""How a failure ends the process: one paragraph on standard error, and an exit code."""

from __future__ import annotations

from fcall.cli._output import say, tell

__all__ = ["FUNCTION_FAILED", "INTERRUPTED", "PROBLEM", "USAGE", "report"]

FUNCTION_FAILED = 1
USAGE = 2
PROBLEM = 3
"""Something in the configuration, the target or the installation is wrong."""
NOT_DONE = 4
TIMED_OUT = 5
INTERRUPTED = 130


def report(error: Exception, debug: bool) -> int:
    """Tell the user of an error.

    Args:
        error: whatever a command raised.
        debug: the traceback is wanted too.

    Returns:
        The exit code.
    """
    from fcall.errors import FcallError

    if debug:
        import traceback  # only a mistake needs it

        say("".join(traceback.format_exception(error)).rstrip())
    if not isinstance(error, FcallError):  # its words are not ours, and may hold the payload
        tell(f"fcall itself failed with {type(error).__name__}; run it again with --debug and report what it says")
        return NOT_DONE
    tell("\n".join([str(error), *getattr(error, "__notes__", ())]))
    return _exit_code(error)


def _exit_code(error: Exception) -> int:
    from fcall.errors import ConfigurationError, FunctionError, FunctionNotFoundError, InvocationTimeoutError

    if isinstance(error, InvocationTimeoutError):
        return TIMED_OUT
    if isinstance(error, FunctionError):
        return FUNCTION_FAILED
    return PROBLEM if isinstance(error, (ConfigurationError, FunctionNotFoundError)) else NOT_DONE
