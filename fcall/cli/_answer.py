"""What the user sees of a call: the answer on standard output, the circumstances on standard error."""

from __future__ import annotations

from typing import NoReturn

from fcall._result import Acceptance, InvocationResult
from fcall.cli._output import Output, say, shown, tell
from fcall.errors import Attempt, FcallError, FunctionError, FunctionResponseError

__all__ = ["print_answer", "say_failure", "say_success"]

Answer = InvocationResult | Acceptance | None
"""What `invoke`, `enqueue` and `check` give back."""


def print_answer(output: Output, answer: Answer, form: str) -> None:
    """Print the answer to a call.

    Args:
        output: where to.
        answer: what the client gave back.
        form: ``"json"``, ``"text"`` or ``"raw"``; it matters to the answers of functions alone.

    Raises:
        FunctionResponseError: the answer cannot be printed in this form.
    """
    if answer is None:
        tell("the call would be allowed. Nothing was run.")
    elif isinstance(answer, Acceptance):
        output.json({"requestId": answer.request_id, "statusCode": answer.status_code, "provider": answer.provider})
    elif form == "raw":
        output.write(answer.payload)
    elif form == "text":
        _print_text(output, answer)
    else:
        _print_json(output, answer)


def _print_text(output: Output, result: InvocationResult) -> None:
    try:
        text = result.text
    except FunctionResponseError as error:
        _refuse(error, "is not UTF-8 text")
    output.write(result.payload if not text or text.endswith("\n") else result.payload + b"\n")


def _print_json(output: Output, result: InvocationResult) -> None:
    try:
        output.json(result.json())
    except FunctionResponseError as error:
        _refuse(error, "is not JSON" if result.payload else "is empty, which is not JSON")
    except (ValueError, RecursionError):  # Python reads NaN, and deeper nesting than it writes
        _refuse(FunctionResponseError(provider=result.provider, request_id=result.request_id), "is not JSON")


def _refuse(error: FunctionResponseError, what: str) -> NoReturn:
    error.message = f"the function answered, but its answer {what}; --output raw prints it as it is"
    raise error


def say_success(answer: Answer, elapsed: float) -> None:
    """Say who answered, and how.

    Args:
        answer: what the client gave back.
        elapsed: seconds that the call took.
    """
    if answer is not None:
        _say_fact("provider", answer.provider)
        _say_fact("request id", answer.request_id)
    if isinstance(answer, InvocationResult):
        _say_fact("executed version", answer.executed_version)
        _say_attempts(answer.attempts)
    _say_fact("elapsed", f"{elapsed:.3f} s")


def say_failure(error: FcallError, elapsed: float) -> None:
    """Say what the error alone does not: its class, every attempt, and the function's stack.

    Args:
        error: how the call failed.
        elapsed: seconds that it took.
    """
    if isinstance(error, FunctionError) and error.stack_trace:
        tell("the function's stack, the innermost frame last:\n" + shown("\n".join(error.stack_trace)))
    _say_fact("error", type(error).__name__)
    _say_attempts(error.attempts)
    _say_fact("elapsed", f"{elapsed:.3f} s")


def _say_attempts(attempts: tuple[Attempt, ...]) -> None:
    for attempt in attempts:
        _say_fact("attempt", str(attempt))


def _say_fact(name: str, value: str | None) -> None:
    if value:
        say(f"{name}: {shown(value)}")
