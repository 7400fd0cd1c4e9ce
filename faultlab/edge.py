"""Lines to a gateway: `lecoresdk` as it is on the index, on the emulator, with faults in the gateway's own calls.

There is no HTTP here. What fails is what the SDK asks the gateway: to run a task, and then for the task's result.
"""

from __future__ import annotations

import base64
import importlib
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self

import fcall
from fcall.errors import FcallError

__all__ = ["FAULTS", "EdgeFault", "EdgeLine"]

_PAYLOAD = b"{}"
_LONGEST_HANG = 10.0


@dataclass(frozen=True)
class EdgeFault:
    """One way for a gateway to fail.

    Attributes:
        moment: ``INSTEAD`` of running the task, ``AFTER`` it ran, or when its ``RESULT`` is fetched.
        symptom: what the SDK meets.
    """

    moment: str
    symptom: str

    def __str__(self) -> str:
        return f"{self.symptom}_{self.moment}"

    @property
    def executes(self) -> bool:
        """The task runs."""
        return self.moment != "INSTEAD"


def _answer(status: Any, body: str = "", **headers: str) -> Callable[[], Any]:
    said = {"X-Fc-Invocation-Id": "id-1", **headers}
    return lambda: {"state": True, "msg": {"statusCode": status, "headers": said, "body": body}}


def _raises(name: str, *arguments: Any) -> Callable[[], Any]:
    def act() -> None:
        module = importlib.import_module("fc_error" if name in ("RequestException", "WSConnException") else "builtins")
        raise getattr(module, name)(*arguments)

    return act


_SYMPTOMS: Mapping[str, Callable[[], Any]] = {
    "REQUEST_EXCEPTION": _raises("RequestException", "refused"),
    "WS_CONN_EXCEPTION": _raises("WSConnException", "lost"),
    "OS_ERROR": _raises("OSError", 32, "Broken pipe"),
    "TIMEOUT_ERROR": _raises("TimeoutError"),
    "RUNTIME_ERROR": _raises("RuntimeError"),
    "SYSTEM_EXIT": _raises("SystemExit", 1),
    "NONE": lambda: None,
    "STATE_FALSE": lambda: {"state": False, "msg": {}},
    "NULL_MESSAGE": lambda: {"state": True, "msg": None},
    "NO_MESSAGE": lambda: {"state": True},
    "LIST": lambda: [1],
    "NUMBER": lambda: 100_000,
    "TEXT": lambda: "busy",
    "STATUS_404": _answer(404),
    "STATUS_429": _answer(429),
    "STATUS_500": _answer(500),
    "STATUS_503": _answer(503),
    "STATUS_IN_WORDS": _answer("fine"),
}
_OF_A_RUN: Mapping[str, Callable[[], Any]] = {
    "NOT_BASE64": _answer(200, "not base64!"),
    "NOT_JSON": _answer(200, base64.b64encode(b"{").decode(), **{"X-Fc-Error-Type": "Unhandled"}),
    "ODD_FAILURE": _answer(200, **{"X-Fc-Error-Type": "Odd"}),
}
"""Answers that say of themselves that the function ran: only a gateway that lies gives them where it did not."""

FAULTS: Mapping[str, EdgeFault] = {
    str(fault): fault
    for symptom in (*_SYMPTOMS, "HANG", *_OF_A_RUN)
    for moment in ("INSTEAD", "AFTER", "RESULT")
    if symptom not in _OF_A_RUN or moment != "INSTEAD"
    for fault in [EdgeFault(moment, symptom)]
}


class _FaultyIpc:
    """Stands before the gateway's own module and fails as told. Its methods have the gateway's names.

    Args:
        genuine: the gateway's.
    """

    def __init__(self, genuine: Any) -> None:
        self._genuine = genuine
        self.fault: EdgeFault | None = None
        self.always = True
        self._go_on = threading.Event()

    def heal(self) -> None:
        self.fault = None
        self._go_on.set()  # what hangs goes on
        self._go_on = threading.Event()

    def invokeTask(self, *task: Any) -> Any:  # noqa: N802
        fault = self.fault
        reply = self._genuine.invokeTask(*task) if fault is None or fault.executes else None
        return reply if fault is None or fault.moment == "RESULT" else self._symptom(fault)

    def getTaskResult(self, *task: Any) -> Any:  # noqa: N802
        fault = self.fault
        return self._genuine.getTaskResult(*task) if fault is None else self._symptom(fault)

    def _symptom(self, fault: EdgeFault) -> Any:
        if not self.always:
            self.fault = None
        if fault.symptom == "HANG":
            self._go_on.wait(_LONGEST_HANG)
            return None
        return {**_SYMPTOMS, **_OF_A_RUN}[fault.symptom]()


class EdgeLine:
    """A client, and an emulated gateway whose function counts its runs.

    Args:
        client: ``fcall`` or ``lecoresdk``.
    """

    timeout = 0.5
    strikes_once = True
    faults: Sequence[str] = tuple(FAULTS)

    def __init__(self, client: str) -> None:
        self._client = client
        self._stack = ExitStack()
        self._count = 0

    def __enter__(self) -> Self:
        from fcall_linkedge import emulator

        registry = fcall.local.Registry()
        registry.function("s/f")(self._function)
        self._stack.enter_context(emulator.gateway(registry=registry))
        module = importlib.import_module("ipc_wrapper")
        self._ipc = _FaultyIpc(module.ipc)
        self._stack.callback(setattr, module, "ipc", module.ipc)
        module.ipc = self._ipc  # type: ignore[attr-defined]
        self.call, self.own = self._bare() if self._client == "lecoresdk" else self._fcall()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._ipc.heal()
        self._stack.__exit__(*raised)

    def strike(self, fault: str, always: bool = True) -> None:
        self._ipc.heal()
        self.call()
        self._count = 0
        self._fault = self._ipc.fault = FAULTS[fault]
        self._ipc.always = always

    def runs(self) -> int:
        self._ipc.heal()
        lets_run = self._fault.executes or not self._ipc.always
        assert lets_run or not self._count, f"{self._fault} lets nothing run, and {self._count} ran"
        return self._count

    def _function(self, event: bytes, context: Any) -> bytes:
        self._count += 1
        return event

    def _fcall(self) -> tuple[Callable[[], object], Any]:
        import fcall_linkedge

        client = self._stack.enter_context(fcall.Client(plugins=[fcall_linkedge], provider="linkedge"))
        return (lambda: client.invoke("s/f", payload=_PAYLOAD, timeout=self.timeout)), FcallError

    def _bare(self) -> tuple[Callable[[], object], Any]:
        client = importlib.import_module("lecoresdk").Client()
        fc_error = importlib.import_module("fc_error")
        context = base64.b64encode(b"{}").decode()
        params = {"serviceName": "s", "functionName": "f", "payload": _PAYLOAD, "invokerContext": context}
        return (lambda: client.invoke_function(params)), (fc_error.RequestException, fc_error.WSConnException)
