"""The line to a function in a process of its own on this machine: what fails is that process, or what it loads."""

from __future__ import annotations

import mmap
import os
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import fcall
from fcall.errors import FcallError

__all__ = ["FAULTS", "IsolationLine", "ProcessFault"]

_VICTIMS = Path(__file__).with_name("victims.py")
_GARBAGE = "import os\nfor n in range(3, 200):\n    try: os.write(n, b'garbage ' * 9)\n    except OSError: pass\n"


@dataclass(frozen=True)
class ProcessFault:
    """One way for an isolated function to fail.

    Attributes:
        name: its name.
        target: what is called.
        executes: the function itself begins; otherwise its module stands in the way.
        source: the module to be loaded, where it is one of its own.
        hit: the signal that the waiting worker gets before the call.
    """

    name: str
    target: str
    executes: bool = True
    source: str | None = None
    hit: signal.Signals | None = None

    def __str__(self) -> str:
        return self.name


# Data in the place of the handler is no fault here: the runtime calls it, as the vendors' do, and says that it failed.
_LOADING = {
    "SYNTAX_ERROR": "def f(",
    "RAISES": "raise ValueError('no')",
    "DEPENDENCY_MISSING": "import nowhere_to_be_found",
    "NO_HANDLER": "g = 1",
    "SYSTEM_EXIT": "raise SystemExit(3)",
    "INTERRUPT": "raise KeyboardInterrupt",
    "EXIT": "import os; os._exit(7)",
    "EXIT_WELL": "import os; os._exit(0)",
    "SEGFAULT": "import ctypes; ctypes.string_at(0)",
    "KILL": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "STOP": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "ENDLESS": "while True: pass",
    "NO_DESCRIPTORS": "import os; os.closerange(0, 200)",
    "GARBAGE": _GARBAGE,
}
_RUNNING = (
    "raises raises_exit raises_interrupt raises_unspeakable recurses exits exits_well segfaults aborts kills_itself "
    "terminates_itself stops_itself is_killed endless loops_in_c ignores_signals sleeps hungry closes_everything "
    "closes_and_sleeps writes_garbage forks forks_and_exits answers_not_json answers_too_much answers_nan "
    "answers_itself floods leaves_thread leaves_killer leaves_exit_handler"
).split()
_LIMITED = ("endless", "sleeps", "stops_itself")
_IDLE = (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGSEGV)


def _faults() -> list[ProcessFault]:
    loading = [
        ProcessFault(f"LOAD_{name}", f"local:load_{name.lower()}.py:f", False, source)
        for name, source in _LOADING.items()
    ]
    missing = ProcessFault("LOAD_NO_FILE", "local:load_no_file.py:f", False)
    idle = [ProcessFault(f"IDLE_{hit.name}", "local:victims.py:well", hit=hit) for hit in _IDLE]
    running = [ProcessFault(f"RUN_{name.upper()}", f"local:victims.py:{name}") for name in _RUNNING]
    limited = [
        ProcessFault(f"LIMIT_{name.upper()}", f"local:victims.py:{name}?function_timeout=0.2") for name in _LIMITED
    ]
    return [missing, *loading, *idle, *running, *limited]


FAULTS: Mapping[str, ProcessFault] = {fault.name: fault for fault in _faults()}


class IsolationLine:
    """A client of the local provider, with processes. The functions count their runs in a byte of a file."""

    own = FcallError
    timeout = 1.0  # a process takes its time to start, on a busy machine more of it
    strikes_once = False  # what fails is the function, and that is there for good
    faults: Sequence[str] = tuple(FAULTS)

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        root = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        shutil.copy(_VICTIMS, root)
        for fault in FAULTS.values():
            if fault.source is not None:
                (root / f"{fault.name.lower()}.py").write_text(fault.source)
        self._path = root / "marks"
        self._path.write_bytes(bytes(8192))
        with self._path.open("r+b") as file:
            self._marks = self._stack.enter_context(mmap.mmap(file.fileno(), 0))
        client = fcall.Client(provider="local", root=str(root), isolation="process", memory_limit=2_000)
        self._client = self._stack.enter_context(client)
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)

    def strike(self, fault: str, always: bool = True) -> None:
        self._fault = FAULTS[fault]
        if self._fault.hit is not None:
            worker = self._client.invoke(self._fault.target, self._event, timeout=20, idempotent=True).json()
            os.kill(worker, self._fault.hit)
        self._marks[4096] = 0

    @property
    def _event(self) -> dict[str, str]:
        return {"marks": str(self._path)}

    def call(self) -> object:
        return self._client.invoke(self._fault.target, self._event, timeout=self.timeout)

    def runs(self) -> int:
        runs = self._marks[4096]
        assert self._fault.executes or not runs, f"{self._fault} lets nothing run, and {runs} ran"
        return runs
