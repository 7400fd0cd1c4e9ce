"""Loading handlers: from a file or a module to something that can be called, once."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from fcall._fork import forget_in_child
from fcall._wording import nearest, quoted
from fcall.errors import FunctionLoadError, FunctionNotFoundError, InvalidParamsError
from fcall.local._raised import formatted, is_interrupt, words_of
from fcall.local._registry import Handler

__all__ = ["Loader"]

_MISSING: Any = object()


class Loader:
    """Finds handlers by ``path/to.py:function`` or ``package.module:function``, and keeps what it loaded.

    Args:
        root: what paths are relative to; it is on the import path while a handler loads.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._loaded: dict[str, Handler] = {}

    def exists(self, name: str) -> bool:
        """Whether there is something to load; for a module that is seen only when it is loaded.

        Raises:
            InvalidParamsError: the name has not the form of a handler's.
        """
        path = self._path(self._parts(name)[0])
        return path is None or os.path.isfile(path)

    def load(self, name: str) -> Handler:
        """The handler; its module is imported now if it was not yet.

        Raises:
            FunctionNotFoundError: there is no such file.
            FunctionLoadError: the module cannot be imported, or has no such handler. The next call tries again.
        """
        handler = self._loaded.get(name)
        if handler is None:
            handler = self._loaded[name] = self._taken(*self._parts(name))
        return handler

    def _parts(self, name: str) -> tuple[str, str]:
        module, _, function = name.rpartition(":")
        if not module or not function.isidentifier():
            raise InvalidParamsError(
                f"{quoted(name, 100)!r} names no handler; write path/to/file.py:function or package.module:function"
            )
        return module, function

    def _path(self, module: str) -> Path | None:
        """The file that is meant, or None where a module is."""
        return Path(self._root, module) if module.endswith(".py") or "/" in module or os.sep in module else None

    def _taken(self, module_name: str, function: str) -> Handler:
        path = self._path(module_name)
        if path is not None and not os.path.isfile(path):
            raise FunctionNotFoundError(f"there is no file {quoted(str(path))} with a handler in it; correct the path")
        with _load_errors(module_name), self._on_import_path():
            module = importlib.import_module(module_name) if path is None else _module_of(path)
            handler: Handler = getattr(module, function, _MISSING)
        if handler is _MISSING:
            known = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
            fault = f"missing on module '{module_name}'{nearest(function, known)}"
        elif not callable(handler):
            fault = f"on module '{module_name}' is {type(handler).__name__}, which cannot be called"
        else:
            return handler
        raise _load_error("Runtime.HandlerNotFound", f"Handler '{function}' {fault}")

    @contextlib.contextmanager
    def _on_import_path(self) -> Iterator[None]:
        # One entry for every load under way, so that none takes away what another still needs.
        sys.path.insert(0, self._root)
        self._look_again()
        try:
            yield
        finally:
            with contextlib.suppress(ValueError):  # the module may have put the import path right by itself
                sys.path.remove(self._root)

    def _look_again(self) -> None:
        """Have Python see files that are new. `importlib.invalidate_caches` would fail where two threads call it."""
        for path in list(sys.path_importer_cache):
            if path == self._root or path.startswith(self._root + os.sep):
                sys.path_importer_cache.pop(path, None)


class _HandlerFiles:
    """Lets the import system import handler files, which then sees to it that each is imported once.

    A lock of our own around imports could deadlock with the locks that Python has for modules.
    """

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}
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
        file = self._paths.get(name)
        return None if file is None else importlib.util.spec_from_file_location(name, file)

    def imported(self, path: Path) -> ModuleType:
        """The module that the file is, imported now if it was not yet."""
        # A name that no import statement spells: the file may well be called like a module that is meant elsewhere.
        digest = hashlib.blake2s(str(path).encode(), digest_size=4, salt=self._forks.to_bytes(4)).hexdigest()
        name = "_".join(("fcall_handlers", re.sub(r"\W", "_", path.stem), digest))
        self._paths[name] = str(path)
        if self not in sys.meta_path:
            sys.meta_path.append(self)
        self._importing.setdefault(name, threading.get_ident())
        try:
            return importlib.import_module(name)
        finally:
            self._importing.pop(name, None)


_files = _HandlerFiles()


def _module_of(path: Path) -> ModuleType:
    """The module that a file is, the one that is imported already where there is one."""
    path = path.resolve()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")  # a lazy module would be loaded by asking it itself
        if isinstance(file, str) and os.path.realpath(file) == str(path):
            return importlib.import_module(name)  # waits where another thread is importing it just now
    if path.suffix != ".py":
        raise ImportError(f"{path.name} is not a Python file")
    return _files.imported(path)


@contextlib.contextmanager
def _load_errors(name: str) -> Iterator[None]:
    """Whatever a module raises while it is imported, as a `FunctionLoadError`."""
    try:
        yield
    except SyntaxError as error:
        place = f"({os.path.basename(error.filename or name)}, line {error.lineno})"
        raise _load_error(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{name}': {error.msg} {place}"
        ) from error
    except ImportError as error:
        words = f"Unable to import module '{name}': {words_of(error)}"
        raise _load_error("Runtime.ImportModuleError", words, error) from error
    except BaseException as error:  # a module may even try to end the process
        if is_interrupt(error):
            raise
        raise _load_error(type(error).__name__, words_of(error) or "", error) from error


def _load_error(error_type: str, message: str, error: BaseException | None = None) -> FunctionLoadError:
    frames = traceback.extract_tb(error.__traceback__) if error else []
    own = [frame for frame in frames if frame.filename not in _MACHINERY and not frame.filename.startswith("<frozen ")]
    return FunctionLoadError(
        f"the function could not be loaded: {quoted(f'{error_type}: {message}')}; its handler did not run",
        error_type=error_type,
        error_message=message,
        stack_trace=formatted(own),
    )


_MACHINERY = (__file__, importlib.__file__)
