"""How AWS Lambda's Python runtime writes a function's log, and how the platform frames it.

Observed: awslambdaric 4.2.2; the platform's lines are from recorded answers of the service.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from typing import Any

from fcall.local._runtimes import TAIL, Timing

__all__ = ["log_tail", "start_log", "write_failure"]

_NO_BREAK_SPACE = "\u00a0"
_TEXT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"aws_request_id", "message", "asctime"}

request_id = ""
"""The invocation that runs now; one process runs one at a time."""


class _Handler(logging.Handler):
    """Writes each record to standard output."""

    def emit(self, record: logging.LogRecord) -> None:
        record.aws_request_id = request_id
        sys.stdout.write(self.format(record))


class _JsonFormatter(logging.Formatter):
    """One JSON object a line; only what a record has."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        has_message_object = isinstance(record.msg, dict) and not record.args
        fields: dict[str, Any] = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": logging.getLevelName(min(50, max(0, record.levelno)) // 10 * 10),
            "message": record.msg if has_message_object else record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(error.__traceback__) if error else None,
            "errorType": type(error).__name__ if error else None,
            "errorMessage": str(error) if error else None,
            "requestId": request_id,
            "location": f"{record.pathname}:{record.funcName}:{record.lineno}" if error else None,
        }
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS}
        shown = {name: value for name, value in {**extra, **fields}.items() if value is not None}
        return json.dumps(shown, ensure_ascii=False, default=str) + "\n"


def start_log(log_format: str, level: str) -> None:
    """Send the root logger to standard output, as the runtime does before it loads the function.

    Args:
        log_format: ``"Text"`` or ``"JSON"``.
        level: the root logger's level, such as ``"INFO"``; empty leaves Python's own, which is WARNING.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True, encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    formatter = logging.Formatter(_TEXT, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime  # type: ignore[assignment]
    handler = _Handler()
    handler.setFormatter(_JsonFormatter() if log_format.upper() == "JSON" else formatter)
    root = logging.getLogger()
    root.addHandler(handler)
    if level:
        root.setLevel("DEBUG" if level.upper() == "TRACE" else level.upper())


def write_failure(log_format: str, document: dict[str, Any]) -> None:
    """Write the failure that the runtime reports."""
    if log_format.upper() == "JSON":
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        sys.stdout.write(json.dumps({"timestamp": stamp, "level": "ERROR", **document}, ensure_ascii=False))
        sys.stdout.write("\n")
        return
    kind, message = document.get("errorType"), document.get("errorMessage")
    lines = [
        "[ERROR]"
        + (f" {kind}:" if kind and message else f" {kind}" if kind else "")
        + (f" {message}" if message else "")
    ]
    if document.get("stackTrace") is not None:
        lines.append("Traceback (most recent call last):")
        lines += [_indented(line) for frame in document["stackTrace"] for line in frame.splitlines() or [""]]
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
