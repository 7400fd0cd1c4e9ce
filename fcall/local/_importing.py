"""Importing handlers' modules: from a file or by name, each once in this process."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import sys
import threading
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path, PurePath
from types import ModuleType

from fcall._fork import forget_in_child

__all__ = ["imported", "on_import_path"]


def imported(name: str, path: Path | None) -> ModuleType:
    """The module of that name or, where `path` is given, the one that this file is; imported now if it was not yet.

    The name of a file is written without its ending, ``app/handlers``, and relative to the function's folder.
    """
    if path is None:
        return importlib.import_module(name)
    path = path.resolve()
    for known, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")  # a lazy module would be loaded by asking it itself
        if isinstance(file, str) and os.path.realpath(file) == str(path):
            return importlib.import_module(known)  # waits where another thread is importing it just now
    if path.suffix != ".py":
        raise ImportError(f"{path.name} is not a Python file")
    return _files.imported(path, _package(name))


@contextlib.contextmanager
def on_import_path(folder: str) -> Iterator[None]:
    """Have a folder on the import path."""
    # One entry for every load under way, so that none takes away what another still needs.
    sys.path.insert(0, folder)
    _look_again(folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # the module may have put the import path right by itself
            sys.path.remove(folder)


def _look_again(folder: str) -> None:
    """Have Python see files that are new. `importlib.invalidate_caches` would fail where two threads call it."""
    for path in list(sys.path_importer_cache):
        if path == folder or path.startswith(folder + os.sep):
            sys.path_importer_cache.pop(path, None)


def _package(name: str) -> str:
    """What a file's relative imports are relative to: its folders, as in the vendors' runtimes."""
    folders = PurePath(name).parts[:-1]
    return ".".join(folders) if all(folder.isidentifier() for folder in folders) else ""


class _HandlerSpec(ModuleSpec):
    """A file with a name of its own, which does not say what package it is in.

    Args:
        name: the module's name.
        file: where it is.
        package: what it is in, or an empty text.
    """

    def __init__(self, name: str, file: str, package: str) -> None:
        super().__init__(name, SourceFileLoader(name, file), origin=file)
        self.has_location = True
        self._package = package

    @property
    def parent(self) -> str:
        return self._package


class _HandlerFiles:
    """Lets the import system import handler files, which then sees to it that each is imported once.

    A lock of our own around imports could deadlock with the locks that Python has for modules.
    """

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, str]] = {}
        self._importing: dict[str, int] = {}
        self._forks = 0
        forget_in_child(self)

    def after_fork_in_child(self) -> None:
        """Forget what other threads were importing: here nobody finishes it, or lets go of the lock on its name."""
        self._forks += 1
        for name, thread in list(self._importing.items()):
            if thread != threading.get_ident():
                sys.modules.pop(name, None)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The part of a meta path finder."""
        place = self._places.get(name)
        return None if place is None else _HandlerSpec(name, *place)

    def imported(self, path: Path, package: str) -> ModuleType:
        """The module that the file is, imported now if it was not yet."""
        # A name that no import statement spells: the file may well be called like a module that is meant elsewhere.
        digest = hashlib.blake2s(str(path).encode(), digest_size=4, salt=self._forks.to_bytes(4)).hexdigest()
        name = f"fcall_handlers_{path.stem.replace('.', '_')}_{digest}"
        self._places[name] = str(path), package
        if self not in sys.meta_path:
            sys.meta_path.append(self)
        self._importing.setdefault(name, threading.get_ident())
        try:
            return importlib.import_module(name)
        finally:
            self._importing.pop(name, None)


_files = _HandlerFiles()
