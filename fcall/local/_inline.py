"""Inline isolation: the handler runs in this process, on the caller's thread."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from fcall.errors import Executed, InvocationTimeoutError
from fcall.local._code import Code
from fcall.local._nesting import enter, leave
from fcall.local._runtimes import Failure, Handler, InvocationFacts, Runtime
from fcall.provider import Deadline

__all__ = ["Inline"]

# One lock for the process, since loading changes the import path; reentrant, since a module may load another as it is
# imported.
_loading = threading.RLock()


class Inline:
    """Runs handlers here. What takes too long is noticed when it returns: a thread cannot be stopped.

    Args:
        runtime: the rules.
        root: the folder that is on the import path while a handler loads.
    """

    def __init__(self, runtime: Runtime, root: str) -> None:
        self._runtime = runtime
        self._root = root
        self._loaded: dict[str, Handler] = {}

    def run(self, code: Code, payload: bytes, facts: InvocationFacts, deadline: Deadline) -> tuple[bytes, None]:
        """The handler's answer; there is no log to go with it.

        Raises:
            Failure: the function failed.
            InvocationTimeoutError: it answered after the caller's time-out.
        """
        handler = code.handler or self._loaded.get(code.name) or self._load(code)
        tokens = enter(facts.nesting, Deadline(facts.ends_at, facts.clock))
        try:
            answer = self._runtime.run(handler, payload, facts)
        except (Failure, KeyboardInterrupt) as error:
            if isinstance(error, KeyboardInterrupt) and threading.current_thread() is not threading.main_thread():
                raise self._runtime.exited(facts.request_id, 1) from error  # only the handler can have raised it
            raise
        except BaseException as error:
            raise self._runtime.exited(facts.request_id, _status(error)) from error
        finally:
            leave(tokens)
        if facts.clock() > facts.ends_at:
            raise self._runtime.timed_out(facts.request_id, facts.function_timeout)
        if len(answer) > self._runtime.response_limit:
            raise self._runtime.too_large(len(answer))
        if deadline.expired:
            raise InvocationTimeoutError(
                "the function answered after the caller's time-out; raise timeout, or enqueue it",
                executed=Executed.YES,
                request_id=facts.request_id,
            )
        return answer, None

    def close(self) -> None:
        """There is nothing to let go of."""

    def _load(self, code: Code) -> Handler:
        """The handler, its module imported now; a load that fails is tried again by the next call."""
        with _loading:
            handler = self._loaded.get(code.name)
            if handler is None:
                with _on_import_path(self._root):
                    handler = self._runtime.load(code.module, code.function, lambda name: _imported(name, code.path))
                self._loaded[code.name] = handler
            return handler


def _status(error: BaseException) -> int:
    """The exit status that a process would end with."""
    if not isinstance(error, SystemExit):
        return 1
    return error.code if isinstance(error.code, int) else 0 if error.code is None else 1


@contextlib.contextmanager
def _on_import_path(root: str) -> Iterator[None]:
    added = root not in sys.path
    if added:
        sys.path.insert(0, root)
        importlib.invalidate_caches()
    try:
        yield
    finally:
        if added and root in sys.path:
            sys.path.remove(root)


def _imported(name: str, path: Path | None) -> ModuleType:
    """The module of that name, or the one that a file is, which may be imported already."""
    if path is None:
        return importlib.import_module(name)
    path = path.resolve()
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) and os.path.realpath(str(module.__file__)) == str(path):
            return module
    # A name that no import statement spells: the file may well be called like a module that is meant elsewhere.
    private = f"fcall_handlers_{path.stem}_{hashlib.blake2s(str(path).encode(), digest_size=4).hexdigest()}"
    spec = importlib.util.spec_from_file_location(private, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[private] = module  # dataclasses and pickle look a class's module up by name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[private]
        raise
    return module
