"""Where functions come from: handler files, the configuration, and what is registered in this process."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from fcall._config import Configuration
from fcall._names import FunctionNames
from fcall._options import provider_options
from fcall._target import parse_named
from fcall._wording import quoted
from fcall.errors import ConfigurationError, InvalidParamsError
from fcall.local import Registry
from fcall.local._code import Code, is_code
from fcall.local._options import LocalOptions
from fcall.local._plugin import fcall_register_providers
from fcall.serve._functions import Source

__all__ = ["Isolation", "from_configuration", "from_registry", "from_texts", "handlers_of"]

Isolation: TypeAlias = Literal["inline", "process"]
_Definition: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef"


def from_texts(texts: Iterable[str], options: LocalOptions) -> Iterator[Source]:
    """The functions that a command line names.

    Args:
        texts: ``app/handlers.py``, every handler of a file; ``app/handlers.py:resize`` or ``package.module:resize``,
            one of them; ``thumbs=app/handlers.py:resize`` or ``images/thumbs=…``, one of them by another name.
        options: how they run; files are relative to its `root`.

    Raises:
        ConfigurationError: a file cannot be read, or holds no handler.
    """
    for text in texts:
        name, equals, code = text.rpartition("=")
        if ":" in code:
            yield _named(name if equals else "", code, options)
        elif equals:
            raise InvalidParamsError(f"{quoted(text, 100)!r} names no handler; write NAME=path/to/file.py:function")
        else:
            yield from _of_file(code, options)


def from_configuration(
    configuration: Configuration, options: LocalOptions, isolation: Isolation, said: Mapping[str, Any]
) -> Iterator[Source]:
    """The functions that the configuration names for local services.

    Args:
        configuration: what is configured.
        options: what they run with where the configuration says nothing: its registry.
        isolation: how they run where the configuration does not say.
        said: options that go before what the configuration says.
    """
    for service in configuration.services:
        binding = configuration.binding(service)
        if binding is None or binding.provider != "local":
            continue
        names = FunctionNames.of(binding)
        for function, code in names.table:
            in_target = dict(names.options).get(function, ())
            own = provider_options(fcall_register_providers(), binding, in_target, os.environ)
            if "isolation" not in {*binding.table, *(name for name, _ in in_target)}:
                own = replace(own, isolation=isolation)
            yield _source(service, function, code, replace(own, registry=options.registry, **said))


def from_registry(registry: Registry, options: LocalOptions) -> Iterator[Source]:
    """The functions that are registered in this process; they run in it."""
    for service, function in registry.all():
        yield Source(service, function, function, replace(options, registry=registry), registered=True)


def handlers_of(path: Path) -> Iterator[tuple[str, str]]:
    """The handlers of a file, each as the name to serve it by and its name in the file. The file is not run.

    They are the functions at its top that can be called with an event and a context and have no underscore before their
    name; where it has ``__all__``, those in it; where it registers some with ``fcall.local.function``, these alone.

    Raises:
        ConfigurationError: the file cannot be read, or is not Python.
    """
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigurationError(f"there is no file {path} to take handlers from: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:
        raise ConfigurationError(f"the file {path} is not Python: {error}; correct it") from error
    definitions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    registered = [(name, node.name) for node in definitions for name in _registrations(node)]
    public = _public(tree)
    plain = [node.name for node in definitions if _takes_event_and_context(node)]
    if registered:
        yield from registered
    else:
        yield from ((name, name) for name in plain if (name in public if public else not name.startswith("_")))


def _of_file(path: str, options: LocalOptions) -> Iterator[Source]:
    handlers = list(handlers_of(Path(options.root, path)))
    if not handlers:
        raise ConfigurationError(
            f"the file {path} has no function that takes (event, context); write one, or name it: {path}:function"
        )
    for name, function in handlers:
        yield _named(name, f"{path}:{function}", options)


def _named(name: str, code: str, options: LocalOptions) -> Source:
    handler = Code.named(code, options.root)
    if not handler.is_there:
        raise ConfigurationError(f"there is no file {handler.path} to take a handler from; correct the path")
    target = parse_named(name or handler.function)
    if target.qualifier is not None:
        raise InvalidParamsError(f"a function is served as NAME or SERVICE/NAME, and {quoted(name, 60)!r} is neither")
    return _source(target.service, target.function, code, options)


def _source(service: str | None, function: str, code: str, options: LocalOptions) -> Source:
    if not is_code(code):
        return Source(service, function, code, options, registered=True)
    path = Code.named(code, options.root).path
    modified = path.stat().st_mtime if path is not None and path.exists() else 0.0
    return Source(service, function, code, options, modified)


def _takes_event_and_context(node: _Definition) -> bool:
    """Whether a call with two arguments by position fits."""
    arguments = node.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    required = positional - len(arguments.defaults)
    has_required_keyword = any(default is None for default in arguments.kw_defaults)
    return required <= 2 and (positional >= 2 or arguments.vararg is not None) and not has_required_keyword


def _registrations(node: _Definition) -> Iterator[str]:
    """The names that a function is registered by, as far as they stand there as texts."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and len(decorator.args) == 1:
            called, name = ast.unparse(decorator.func), decorator.args[0]
            if called in ("fcall.local.function", "local.function") and isinstance(name, ast.Constant):
                yield str(name.value)


def _public(tree: ast.Module) -> list[str]:
    """What ``__all__`` lists, where it is written as a list of texts."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            values = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else []
            return [each.value for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return []
