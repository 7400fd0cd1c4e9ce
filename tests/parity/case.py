"""What a corpus is made of."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FUNCTIONS = Path(__file__).parent / "functions"

PAYLOAD = "payload"
ERROR = ("error_type", "error_message")
STACK = "stack"
LIVED = "lived"
LOG = "log"


@dataclass(frozen=True)
class Difference:
    """One way in which the local provider answers otherwise on purpose.

    Attributes:
        reason: one sentence for the page.
        aspects: which fields of what is seen differ, all of them.
        below: it is there on Pythons older than this only.
        since: it is there from this Python on.
    """

    reason: str
    aspects: frozenset[str]
    below: tuple[int, int] = (99, 0)
    since: tuple[int, int] = (3, 0)

    @property
    def is_here(self) -> bool:
        """Whether it shows on the Python that runs."""
        return self.since <= sys.version_info[:2] < self.below


@dataclass(frozen=True)
class Case:
    """One event for a function.

    Attributes:
        name: what is asked, in the words of an identifier.
        event: the payload; without one, the name as JSON text, by which the functions of the corpus choose what to do.
        context: the object beside the payload.
        process: how the answer in a process of its own differs on purpose.
        inline: how the answer in the caller's process differs on purpose.
        not_inline: why the event is not sent to a function in the caller's process, where it is not.
    """

    name: str
    event: bytes | None = None
    context: Mapping[str, Any] | None = None
    process: Difference | None = None
    inline: Difference | None = None
    not_inline: str = ""

    @property
    def payload(self) -> bytes:
        """The bytes to send."""
        return f'"{self.name}"'.encode() if self.event is None else self.event


@dataclass(frozen=True)
class Function:
    """One function and the events that it gets, in this order, as one environment gets them.

    Attributes:
        name: what its code is called, and the beginning of the names of its cases.
        category: what its cases are about.
        cases: the events.
        code: the handler, as fcall names it; without one, ``handler`` in the file of the same name.
        files: its code, by path; without any, the handler's file, which is in functions/.
        environment: its environment variables.
        log_format: ``"Text"`` or ``"JSON"``.
        log_level: a level, or an empty text.
        timeout: its limit in seconds.
        needs_process: what it is about belongs to a process of its own, so it is not run inline.
    """

    name: str
    category: str
    cases: tuple[Case, ...]
    code: str = ""
    files: Mapping[str, str | bytes] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    log_format: str = "Text"
    log_level: str = ""
    timeout: float = 3.0
    needs_process: str = ""

    @property
    def handler(self) -> str:
        """The handler, as fcall names it: ``path/to.py:function`` or ``module:function``."""
        return self.code or f"{self.name}.py:handler"

    @property
    def function_name(self) -> str:
        """What the function is called where nothing else names it: as its handler."""
        return self.handler.rpartition(":")[2]

    @property
    def aws_handler(self) -> str:
        """The handler, as Lambda names it."""
        module, _, function = self.handler.rpartition(":")
        return f"{module.removesuffix('.py')}.{function}" if module else function

    @property
    def inline(self) -> tuple[Case, ...]:
        """The events that it gets in the caller's process."""
        return () if self.needs_process else tuple(case for case in self.cases if not case.not_inline)

    def write(self, folder: Path) -> None:
        """Put its code into a folder."""
        file = self.handler.rpartition(":")[0]
        files = {file: (FUNCTIONS / file).read_bytes()} if self.files is None else self.files
        for name, source in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source if isinstance(source, bytes) else source.encode())

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)


def each(names: str, **of_all: Any) -> tuple[Case, ...]:
    """Cases by their names, in a text; whatever else is given is the same for all."""
    return tuple(Case(name, **of_all) for name in names.split())
