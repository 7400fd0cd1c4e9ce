"""The real runtime: AWS's own client of the Runtime API, in a process, with the API and the platform around it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from parity.case import Case, Function
from parity.seen import Seen, document, seen

_LARGEST_RESPONSE = 6_291_556
_LONGEST_START = 30.0
_SIGNALS = {2: "interrupt", 6: "aborted", 9: "killed", 11: "segmentation fault", 15: "terminated"}


class RealFunction:
    """A function under the real runtime. Its process is replaced when it has ended, as Lambda replaces it."""

    def __init__(self, function: Function, folder: Path) -> None:
        self._function = function
        self._folder = folder
        self._environment: _Environment | None = None

    def invoke(self, case: Case) -> Seen:
        """One event, and what came of it."""
        request_id = str(uuid.uuid4())
        if self._environment is None:
            self._environment = _Environment(self._function, self._folder)
        environment = self._environment
        payload = environment.run(case, request_id)
        if not environment.lives:
            self.close()
        failed = environment.failed
        told = document(payload) if failed else ("", "", ())
        return seen(payload, *told, request_id, environment.lives, environment.log())

    def close(self) -> None:
        """End its process."""
        if self._environment is not None:
            self._environment.close()
        self._environment = None


class _Environment:
    """One process and its Runtime API. The API and the process's end report to one queue, in the order they happen."""

    def __init__(self, function: Function, folder: Path) -> None:
        self._function = function
        self._happened: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._events: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        self._server = ThreadingTCPServer(("127.0.0.1", 0), self._requests())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self._log_path = folder.parent / f"{uuid.uuid4().hex}.log"
        with self._log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", function.aws_handler],
                cwd=folder,
                env=_variables(function, folder, f"127.0.0.1:{self._server.server_address[1]}"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._waiter = threading.Thread(target=self._report_end, daemon=True)
        self._waiter.start()
        self._started: tuple[str, Any] | None = self._happened.get(timeout=_LONGEST_START)
        self._logged = self._log_path.stat().st_size if self._started[0] == "next" else 0
        self.lives = True
        self.failed = False

    def run(self, case: Case, request_id: str) -> bytes:
        """The answer, or the error document."""
        what, told = self._started or ("next", None)
        if what == "next":
            self._started = None
            self._events.put((self._headers(case, request_id), case.payload or b"{}"))
            what, told = self._next_report(self._function.timeout)
        self.failed = what != "response"
        if what in ("response", "error"):
            self.lives = self._next_report(_LONGEST_START)[0] == "next"
            return told
        self.lives = False
        if what == "exit":
            return _platform(request_id, "Runtime.ExitError", _exit_words(told))
        if what == "too large":
            self._next_report(_LONGEST_START)
            message = f"Response payload size exceeded maximum allowed payload size ({_LARGEST_RESPONSE} bytes)."
            return _document("Function.ResponseSizeTooLarge", message)
        return _platform(request_id, "Sandbox.Timedout", f"Task timed out after {self._function.timeout:.2f} seconds")

    def log(self) -> str:
        """What was written since the last time."""
        with self._log_path.open("rb") as log:
            log.seek(self._logged)
            written = log.read()
        self._logged += len(written)
        return written.decode(errors="replace")

    def close(self) -> None:
        self._process.kill()
        self._waiter.join()
        self._events.put(({}, b""))
        self._server.shutdown()
        self._server.server_close()

    def _next_report(self, seconds: float) -> tuple[str, Any]:
        try:
            return self._happened.get(timeout=seconds)
        except queue.Empty:
            self._process.kill()
            return "timeout", None

    def _report_end(self) -> None:
        self._happened.put(("exit", self._process.wait()))

    def _headers(self, case: Case, request_id: str) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self._function.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": _arn(self._function.function_name),
            "Lambda-Runtime-Trace-Id": f"Root=1-{request_id[:8]}-{'0' * 24};Parent={'0' * 16};Sampled=0",
        }
        if case.context is not None:
            headers["Lambda-Runtime-Client-Context"] = json.dumps(case.context)
        return headers

    def _requests(self) -> type[StreamRequestHandler]:
        """The Runtime API of this environment. Python's HTTP server takes no headers as long as the runtime's."""
        happened, events = self._happened, self._events

        class Requests(StreamRequestHandler):
            def handle(self) -> None:
                while request := self.rfile.readline().split():
                    headers = dict(line.split(b": ", 1) for line in iter(self.rfile.readline, b"\r\n"))
                    size = next((int(value) for name, value in headers.items() if name.lower() == b"content-length"), 0)
                    body = self.rfile.read(size)
                    self._answer(*(self._get() if request[0] == b"GET" else self._post(request[1], body)))

            def _get(self) -> tuple[int, dict[str, str], bytes]:
                happened.put(("next", None))
                return 200, *events.get()

            def _post(self, path: bytes, body: bytes) -> tuple[int, dict[str, str], bytes]:
                kind = path.decode().rpartition("/")[2]
                too_large = kind == "response" and len(body) > _LARGEST_RESPONSE
                happened.put(("too large" if too_large else kind, body))
                return 413 if too_large else 202, {}, b""

            def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                lines = [f"{name}: {value}" for name, value in {**headers, "Content-Length": str(len(body))}.items()]
                head = "\r\n".join([f"HTTP/1.1 {status} Said", *lines, "", ""])
                with contextlib.suppress(ConnectionError):  # of a process that has ended
                    self.wfile.write(head.encode() + body)

        return Requests


def _variables(function: Function, folder: Path, api: str) -> dict[str, str]:
    """What a function's process finds in its environment on Lambda, as far as it is not the machine's own."""
    name = function.function_name
    variables = {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python3.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "of the function's role",
        "AWS_SECRET_ACCESS_KEY": "of the function's role",
        "AWS_SESSION_TOKEN": "of the function's role",
        "_HANDLER": function.aws_handler,
        "LAMBDA_TASK_ROOT": str(folder),
        "TZ": ":UTC",
        "PYTHONIOENCODING": "utf-8:strict",  # as with LANG=en_US.UTF-8, which this machine may not know
        "PATH": os.environ["PATH"],
    }
    if function.log_format != "Text":
        variables["AWS_LAMBDA_LOG_FORMAT"] = function.log_format
    if function.log_level:
        variables["AWS_LAMBDA_LOG_LEVEL"] = function.log_level
    return variables | dict(function.environment)


def _arn(name: str) -> str:
    return f"arn:aws:lambda:us-east-1:000000000000:function:{name}"


def _exit_words(status: int) -> str:
    if status < 0:
        return f"Runtime exited with error: signal: {_SIGNALS[-status]}"
    return f"Runtime exited with error: exit status {status}" if status else "Runtime exited without providing a reason"


def _platform(request_id: str, error_type: str, words: str) -> bytes:
    return _document(error_type, f"RequestId: {request_id} Error: {words}")


def _document(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()
