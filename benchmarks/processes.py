"""The processes of a comparison: the service, and each peer in one of its own, in the environment that it needs."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import environment

__all__ = ["Partner", "peers", "service"]

_HERE = Path(__file__).parent


class Partner:
    """A process that is told what to do a line at a time, and answers each line with one of JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def line(self) -> str:
        """The next line that it prints."""
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if not said:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        return said.strip()

    def ask(self, **what: Any) -> dict[str, Any]:
        """What it answers."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.line())
        return answer


@contextlib.contextmanager
def _started(python: str, script: str, *arguments: str) -> Iterator[Partner]:
    with subprocess.Popen(
        [python, str(_HERE / script), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment.setting(),
    ) as process:
        try:
            yield Partner(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


@contextlib.contextmanager
def service(python: str, seconds: float) -> Iterator[tuple[str, Partner]]:
    """The service, whose calls take so many seconds, and its address."""
    with _started(python, "service.py", str(seconds)) as partner:
        yield partner.line(), partner


@contextlib.contextmanager
def peers(names: Mapping[str, str], url: str, *, make: bool) -> Iterator[dict[str, Partner]]:
    """The peers' processes by name, each ready. One whose environment is missing and is not to be made is left out.

    Args:
        names: the environment that each peer needs.
        url: the service's address.
        make: make environments that are missing.
    """
    with contextlib.ExitStack() as stack:
        partners = {}
        for name, needed in names.items():
            python = environment.interpreter(needed, make=make)
            if python is not None:
                partners[name] = stack.enter_context(_started(python, "peer.py", name, url))
        for name, partner in partners.items():
            if partner.line() != "ready":
                raise RuntimeError(f"{name} is not ready")
        print(f"measuring {', '.join(partners)}", file=sys.stderr)
        yield partners
