"""How AWS Lambda's Python runtime writes a function's log, and how the platform frames it.

Observed: awslambdaric 4.2.2; the platform's lines are from recorded answers of the service.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback

from fcall.local._runtimes import TAIL, Failure, Timing

__all__ = ["log_tail", "start_log", "write_failure"]

_NO_BREAK_SPACE = "\u00a0"
_TO_SECONDS = "%Y-%m-%dT%H:%M:%SZ"
_TEXT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
# Of what a record has itself, the runtime shows the name of a task alone, as if it were the application's own.
_NOT_SHOWN = (frozenset(vars(logging.makeLogRecord({}))) | {"aws_request_id", "tenant_id"}) - {"taskName"}

request_id = ""
"""The invocation that runs now; one process runs one at a time."""


class LambdaLoggerHandler(logging.Handler):
    """Writes each record to standard output. Libraries know the runtime's handler by this name."""

    def emit(self, record: logging.LogRecord) -> None:
        record.aws_request_id = request_id
        record.tenant_id = None
        sys.stdout.write(self.format(record))


class _JsonFormatter(logging.Formatter):
    """One JSON object a line; only what a record has."""

    def format(self, record: logging.LogRecord) -> str:
        record.levelno = min(50, max(0, record.levelno)) // 10 * 10
        record.levelname = logging.getLevelName(record.levelno)
        error = record.exc_info or None
        fields = {
            "timestamp": self.formatTime(record, _TO_SECONDS),
            "level": record.levelname,
            "message": record.msg if isinstance(record.msg, dict) and not record.args else record.getMessage(),
            "logger": record.name,
            "stackTrace": error and traceback.format_tb(error[2]),
            "errorType": error and error[0].__name__,  # type: ignore[union-attr] # fails without one, as there
            "errorMessage": error and str(error[1]),
            "requestId": request_id,
            "location": error and f"{record.pathname}:{record.funcName}:{record.lineno}",
        }
        extra = {name: value for name, value in vars(record).items() if name not in _NOT_SHOWN and name not in fields}
        shown = {name: value for name, value in {**fields, **extra}.items() if value is not None}
        return json.dumps(shown, ensure_ascii=False, default=str) + "\n"


def start_log(log_format: str, level: str) -> None:
    """Send the root logger to standard output, as the runtime does before it loads the function.

    Args:
        log_format: ``"Text"`` or ``"JSON"``.
        level: the root logger's level, such as ``"INFO"``; empty, or unknown, leaves Python's own, which is WARNING.
    """
    sys.stdout.reconfigure(write_through=True, encoding="utf-8", errors="strict")  # type: ignore[union-attr]
    sys.stderr.reconfigure(write_through=True, encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    logging.Formatter.converter = time.gmtime  # the application's formatters too
    handler = LambdaLoggerHandler()
    handler.setFormatter(
        _JsonFormatter() if log_format == "JSON" else logging.Formatter(_TEXT, _TO_SECONDS.removesuffix("Z"))
    )
    root = logging.getLogger()
    root.addHandler(handler)
    level = "DEBUG" if level == "TRACE" else level.upper()
    if level in logging.getLevelNamesMapping():
        root.setLevel(level)


def write_failure(log_format: str, failure: Failure) -> None:
    """Write a failure that the runtime reports."""
    if log_format == "JSON":
        stamp = time.strftime(_TO_SECONDS, time.gmtime())
        sys.stdout.write(f'{{"timestamp": "{stamp}", "level": "ERROR", {failure.document.decode()[1:]}\n')
        return
    message = f": {failure.error_message}" if failure.error_message else ""
    lines = [f"[ERROR] {failure.error_type}{message}", "Traceback (most recent call last):"]
    lines += [_indented(line) for frame in failure.stack_trace or () for line in frame.splitlines()]
    sys.stdout.write("\r".join(lines) + "\n")


def _indented(line: str) -> str:
    text = line.lstrip(" ")
    return _NO_BREAK_SPACE * (len(line) - len(text)) + text


def log_tail(output: bytes, timing: Timing) -> str:
    """The last 4 KB of one invocation's log, framed as the platform frames it."""
    request = timing.request_id
    report = (
        f"REPORT RequestId: {request}\tDuration: {timing.milliseconds:.2f} ms\t"
        f"Billed Duration: {int(timing.milliseconds) + 1} ms\tMemory Size: {timing.memory_mb} MB\t"
        f"Max Memory Used: {timing.used_mb} MB\t"
    )
    init = "" if timing.init_milliseconds is None else f"Init Duration: {timing.init_milliseconds:.2f} ms\t"
    framed = (
        f"START RequestId: {request} Version: $LATEST\n".encode()
        + output
        + (b"\n" if output and not output.endswith(b"\n") else b"")
        + f"END RequestId: {request}\n{report}{init}\n".encode()
    )
    return framed[-TAIL:].decode(errors="replace")
