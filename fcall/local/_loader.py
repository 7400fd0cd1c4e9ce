"""Loading handlers: from a file or a module to something that can be called, once."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from fcall._wording import nearest, quoted
from fcall.errors import FunctionLoadError, FunctionNotFoundError, InvalidParamsError
from fcall.local._registry import Handler

__all__ = ["Loader"]

# One lock for the process, since loading changes the import path; reentrant, since a module may load another as it is
# imported.
_loading = threading.RLock()


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
        return path is None or path.is_file()

    def load(self, name: str) -> Handler:
        """The handler; its module is imported now if it was not yet.

        Raises:
            FunctionNotFoundError: there is no such file.
            FunctionLoadError: the module cannot be imported, or has no such handler. The next call tries again.
        """
        handler = self._loaded.get(name)
        if handler is None:
            with _loading:
                handler = self._loaded.get(name) or self._taken(*self._parts(name))
                self._loaded[name] = handler
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
        module = self._imported(module_name)
        if not hasattr(module, function):
            known = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
            raise _load_error(
                "Runtime.HandlerNotFound",
                f"Handler '{function}' missing on module '{module_name}'{nearest(function, known)}",
            )
        handler: Handler = getattr(module, function)
        if not callable(handler):
            raise _load_error(
                "Runtime.HandlerNotFound",
                f"Handler '{function}' on module '{module_name}' is a {type(handler).__name__}, which cannot be called",
            )
        return handler

    def _imported(self, name: str) -> ModuleType:
        path = self._path(name)
        if path is not None and not path.is_file():
            raise FunctionNotFoundError(f"there is no file {path} to take a handler from; correct the path")
        try:
            with self._on_import_path():
                return importlib.import_module(name) if path is None else _module_of(path)
        except SyntaxError as error:
            place = f"({os.path.basename(error.filename or name)}, line {error.lineno})"
            raise _load_error(
                "Runtime.UserCodeSyntaxError", f"Syntax error in module '{name}': {error.msg} {place}"
            ) from error
        except ImportError as error:
            raise _load_error(
                "Runtime.ImportModuleError", f"Unable to import module '{name}': {error}", error
            ) from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may even try to end the process
            raise _load_error(type(error).__name__, str(error), error) from error

    @contextlib.contextmanager
    def _on_import_path(self) -> Iterator[None]:
        added = self._root not in sys.path
        if added:
            sys.path.insert(0, self._root)
            importlib.invalidate_caches()
        try:
            yield
        finally:
            if added and self._root in sys.path:
                sys.path.remove(self._root)


def _module_of(path: Path) -> ModuleType:
    """The module that a file is, the one that is imported already where there is one."""
    path = path.resolve()
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) and os.path.realpath(str(module.__file__)) == str(path):
            return module
    # A name that no import statement spells: the file may well be called like a module that is meant elsewhere.
    name = f"fcall_handlers_{path.stem}_{hashlib.blake2s(str(path).encode(), digest_size=4).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up by name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _load_error(error_type: str, message: str, error: BaseException | None = None) -> FunctionLoadError:
    frames = traceback.extract_tb(error.__traceback__) if error else []
    own = [
        frame for frame in frames if frame.filename != __file__ and not frame.filename.startswith("<frozen importlib")
    ]
    return FunctionLoadError(
        f"the function could not be loaded: {quoted(f'{error_type}: {message}')}; its handler did not run",
        error_type=error_type,
        error_message=message,
        stack_trace=tuple(traceback.format_list(own)),
    )
