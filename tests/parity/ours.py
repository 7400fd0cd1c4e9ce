"""The local provider, in a process of its own and inline."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from fcall import Client
from fcall.errors import FcallError, FunctionError
from parity.case import Case, Function
from parity.seen import Seen, seen

_FRAMED = re.compile(r"(?:START RequestId: [^\n]*\n)?(.*?)END RequestId: [^\n]*\nREPORT [^\n]*\n\Z", re.DOTALL)


class OurFunction:
    """A function under the local provider."""

    def __init__(self, function: Function, folder: Path, isolation: str) -> None:
        options = {"root": str(folder), "isolation": isolation, "function_timeout": function.timeout}
        self._in_process = isolation == "process"
        if self._in_process:
            options |= {"environment": dict(function.environment)}
            options |= {"log_format": function.log_format, "log_level": function.log_level}
        self._others = _workers()
        self._target = f"local:{function.handler}"
        self._folder = folder
        self._client = Client({"defaults": {"provider": "local", **options}})

    def invoke(self, case: Case) -> Seen:
        """One event, and what came of it."""
        try:
            result = self._client.invoke(
                self._target, payload=case.payload, context=case.context, log_tail=self._in_process
            )
        except FunctionError as error:
            told = (error.error_type or "", error.error_message or "", error.stack_trace)
            payload = error.result.payload if error.result else b""
            return seen(payload, *told, error.request_id or "", self._lives(), self._log(error.log_tail))
        except FcallError as error:
            return Seen(b"", type(error).__name__, "", (), self._lives())
        return seen(result.payload, "", "", (), result.request_id or "", self._lives(), self._log(result.log_tail))

    def close(self) -> None:
        """End its process, and forget its modules."""
        self._client.close()
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None)).startswith(str(self._folder)):
                del sys.modules[name]

    def _lives(self) -> bool | None:
        return _workers() > self._others if self._in_process else None

    def _log(self, tail: str | None) -> str | None:
        """What stands between the platform's lines."""
        if tail is None:
            return None
        framed = _FRAMED.match(tail)
        assert framed, tail
        return framed[1]


def _workers() -> set[str]:
    """The workers of this process that live."""
    return {pid for pid in os.listdir("/proc") if pid.isdecimal() and _is_worker(Path("/proc", pid))}


def _is_worker(process: Path) -> bool:
    try:
        parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        return int(parent) == os.getpid() and b"fcall.local._worker" in (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
