"""Reloading: seeing that handler files changed, and forgetting what was imported from them."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from fcall._log import logger

__all__ = ["Watcher", "forget_modules"]

_INTERVAL = 0.5
_MOST_FILES = 20_000
_NO_CODE = frozenset({"__pycache__", "node_modules", "site-packages"})


class Watcher:
    """Calls `changed` when a Python file in one of the folders, or another watched file, is new, changed or gone.

    Args:
        folders: where to look, in all that is below.
        files: what else to look at.
        changed: called on the watcher's thread.
    """

    def __init__(self, folders: Iterable[str], files: Iterable[Path], changed: Callable[[], object]) -> None:
        self._folders = _outermost(folders)
        self._files = [*files]
        self._changed = changed
        self._stopped = threading.Event()
        self._seen = self._look()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="fcall-reload", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more; a reload that is under way is waited for."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def check(self) -> bool:
        """Look now, and reload where something changed since the last look; whether it did."""
        with self._lock:
            before, self._seen = self._seen, self._look()
            if before == self._seen:
                return False
            self._changed()
            return True

    def _watch(self) -> None:
        while not self._stopped.wait(_INTERVAL):
            try:
                self.check()
            except Exception:  # noqa: BLE001 - the next change may be the remedy
                logger.exception("the changed files could not be reloaded")

    def _look(self) -> Mapping[str, tuple[int, int]]:
        paths = [str(path) for path in self._files]
        for folder in self._folders:
            for path in _python_files(folder):
                if len(paths) >= _MOST_FILES:
                    break
                paths.append(path)
        return {path: facts for path in paths if (facts := _facts(path)) is not None}


def forget_modules(folders: Iterable[str]) -> None:
    """Have Python import again what it imported from these folders; installed packages and fcall itself stay."""
    roots = tuple(os.path.realpath(folder) + os.sep for folder in folders)
    ours = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + os.sep
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if not isinstance(file, str) or name == "__main__":
            continue
        path = os.path.realpath(file)
        if path.startswith(roots) and not path.startswith(ours) and _NO_CODE.isdisjoint(Path(path).parts):
            sys.modules.pop(name, None)


def _outermost(folders: Iterable[str]) -> list[str]:
    """The folders, less those that are inside others."""
    found: list[str] = []
    for folder in sorted({os.path.realpath(folder) for folder in folders}):
        if not any(folder.startswith(outer.rstrip(os.sep) + os.sep) for outer in found):
            found.append(folder)
    return found


def _python_files(folder: str) -> Iterator[str]:
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if _may_hold_code(path, name)]
        yield from (os.path.join(path, name) for name in files if name.endswith(".py"))


def _may_hold_code(path: str, name: str) -> bool:
    return (
        not name.startswith(".") and name not in _NO_CODE and not os.path.exists(os.path.join(path, name, "pyvenv.cfg"))
    )


def _facts(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
