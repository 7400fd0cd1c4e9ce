"""The server: functions of this machine behind the wire APIs of the clouds."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from fcall._config import Configuration, working_directory
from fcall._log import logger
from fcall._options import built
from fcall._plugins import Plugins
from fcall.errors import ConfigurationError, InvalidParamsError
from fcall.local import Registry
from fcall.local._options import LocalOptions
from fcall.local._registry import DEFAULT
from fcall.serve._api import Api
from fcall.serve._app import App, Limits
from fcall.serve._functions import Functions, Source
from fcall.serve._gate import Gate
from fcall.serve._journal import Entry, Journal
from fcall.serve._listener import Listener, is_loopback
from fcall.serve._reload import Watcher, forget_modules
from fcall.serve._sources import Isolation, from_configuration, from_registry, from_texts
from fcall.serve._stage import Stage

__all__ = ["KEY_ID", "Server"]

KEY_ID = "fcall"
"""The access key id whose secret is the token of a server that other machines may reach."""

_SHORTEST_TOKEN = 16


class Server:
    """Serves functions of this machine over the wire APIs of the clouds, from ``with`` to the end of the block.

    Args:
        *handlers: what to serve: ``app/handlers.py``, ``app/handlers.py:resize``, ``thumbs=app/handlers.py:resize``.
            Without any, the functions of the local services that the configuration names. What is registered in
            `registry` is served as well.
        config: a configuration file or a mapping of the same shape; None looks for one, as `fcall.Client` does.
        env: the environment of the configuration; None takes ``FCALL_ENV``.
        registry: registered functions that are served; None takes those of ``@fcall.local.function``.
        isolation: ``"inline"`` runs functions in this process, where mocks and debuggers reach them; ``"process"`` in
            processes of their own, which end at their time limit and bring their logs.
        host: the address to listen at.
        port: the port, or 0 for a free one.
        allow_hosts: further names by which clients may call this server.
        allow_remote: other machines may reach it; it takes a token.
        token: at least 16 characters that other machines have to show: over an API as the secret of the access key
            ``fcall``, with which requests are signed, and on the page as a password.
        verify: secrets by access key id; requests that none of them signed are refused. None takes every signature.
        aliases: versions by alias, for every function.
        apis: the APIs; None takes those of the installed plugins.
        concurrency: how many requests are answered at once.
        reload: serve changed handler files anew.
        tell: is shown every call, as an object that reads well as a text.
        wants_log: bring the end of the log of every call, for `tell`.
        **options: options of the local provider, such as ``function_timeout=10``.

    Raises:
        ConfigurationError: there is nothing to serve, or it cannot be served like this.

    Example:
        with Server("app/handlers.py") as server:
            boto3.client("lambda", endpoint_url=server.url).invoke(FunctionName="resize")
    """

    def __init__(
        self,
        *handlers: str,
        config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        env: str | None = None,
        registry: Registry | None = None,
        isolation: Isolation = "inline",
        host: str = "127.0.0.1",
        port: int = 0,
        allow_hosts: Iterable[str] = (),
        allow_remote: bool = False,
        token: str | None = None,
        verify: Mapping[str, str] | None = None,
        aliases: Mapping[str, str] | None = None,
        apis: Sequence[Api] | None = None,
        concurrency: int = 1_000,
        reload: bool = False,
        tell: Callable[[Entry], object] | None = None,
        wants_log: bool = False,
        **options: Any,
    ) -> None:
        _check_reach(host, allow_remote, token)
        self.host = host
        self.skipped: tuple[str, ...] = ()
        self.apis: Sequence[Api] = Plugins().apis() if apis is None else apis
        self._handlers, self._config, self._env, self._isolation = handlers, config, env, isolation
        self._aliases = dict(aliases or {})
        self._options = _options({"registry": DEFAULT if registry is None else registry, **options}, isolation)
        self._inline = _options({"registry": self._options.registry, **options}, "inline", strict=False)
        self._said = {name: getattr(self._options, name) for name in options if name != "root"}
        self._files: tuple[Path, ...] = ()
        if not self.apis:
            raise ConfigurationError(
                "no installed plugin brings an API to serve; install one: pip install fcall-aws, or fcall-aliyun"
            )
        stage = Stage(self._found(), [api.runtime for api in self.apis])
        keys = verify if token is None else {KEY_ID: token, **(verify or {})}
        self.key_ids: tuple[str, ...] = tuple(keys or ())
        self._journal = Journal(tell)
        gate = Gate([host, *allow_hosts], token)
        self._app = App(
            self.apis, stage, gate, keys, self._journal, Limits(concurrency=concurrency), wants_log=wants_log
        )
        self._retired: list[tuple[Stage, threading.Thread]] = []
        try:
            self._listener = Listener(self._app, host, port)
        except BaseException:
            stage.close()
            raise
        self._options.registry.tell(self._registered)
        self._watcher = Watcher(self._folders(), self._files, self.reload) if reload else None

    @property
    def url(self) -> str:
        """What a client takes as its endpoint URL."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - it is compared
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self._listener.port}"

    @property
    def functions(self) -> Functions:
        """The functions that are served now."""
        return self._app.stage.functions

    @property
    def durable_files(self) -> tuple[str, ...]:
        """The files that keep accepted Async events."""
        return tuple(self._app.stage.durable_files())

    def start(self) -> None:
        """Serve; when this returns, a client is answered."""
        self._listener.start()
        if self._watcher is not None:
            self._watcher.start()

    def reload(self) -> None:
        """Serve the functions as their files are now. What was accepted runs as it was."""
        old = self._app.stage
        try:
            functions = self._found()
        except ConfigurationError as error:
            logger.warning("the functions stay those that were: %s", error)
            functions = old.functions
        forget_modules(self._folders())
        self._app.stage = Stage(functions, [api.runtime for api in self.apis])
        retiring = threading.Thread(target=old.retire, name="fcall-reload", daemon=True)
        self._retired = [*(each for each in self._retired if each[1].is_alive()), (old, retiring)]
        retiring.start()

    def stop(self) -> None:
        """Take no more requests, and let what is being answered be answered."""
        if self._watcher is not None:
            self._watcher.stop()
        self._listener.stop()

    def close(self) -> None:
        """`stop`, and wait until everything that was accepted has run."""
        self.stop()
        self._app.stage.close()
        for stage, retiring in self._retired:
            stage.close()
            retiring.join()

    def calls(self) -> Sequence[Entry]:
        """The last calls that were answered, the newest first."""
        return self._journal.last()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _registered(self) -> None:
        """A function was registered, and is served from now on. Whoever registers it is not to be told of files."""
        try:
            self._app.stage.functions = self._found()
        except ConfigurationError as error:
            logger.warning("what was registered is not served: %s", error)

    def _found(self) -> Functions:
        """The functions, as files and the configuration say now."""
        sources: list[Source] = [*from_texts(self._handlers, self._options)]
        if not self._handlers:
            configuration = Configuration.load(self._config, env=self._env)
            self._files = configuration.files
            sources += from_configuration(configuration, self._options, self._isolation, self._said)
            local = {source.service for source in sources}
            self.skipped = tuple(name for name in configuration.services if name not in local)
        named = {(source.service, source.function) for source in sources}  # a file may register what it is served for
        registered = from_registry(self._options.registry, self._inline)
        sources += [each for each in registered if (each.service, each.function) not in named]
        return Functions(sources, self._aliases)

    def _folders(self) -> list[str]:
        return [each.source.options.root for each in self.functions.functions()]


def _options(values: Mapping[str, Any], isolation: Isolation, *, strict: bool = True) -> LocalOptions:
    values = {"root": ".", **values, "isolation": isolation}
    for path in ("root", "durable"):
        if isinstance(values.get(path), str | Path):
            values[path] = str(working_directory() / values[path])
    if not strict:  # what belongs to processes of their own is not for functions that are here
        known = ("registry", "root", "isolation", "durable", "function_timeout", "async_retries", "async_pause")
        values = {name: value for name, value in values.items() if name in known}
    options: LocalOptions = built(LocalOptions, values, what="the options of provider 'local'")
    return options


def _check_reach(host: str, allow_remote: bool, token: str | None) -> None:
    if token is not None and len(token) < _SHORTEST_TOKEN:
        raise InvalidParamsError(f"the token has at least {_SHORTEST_TOKEN} characters; choose one at random")
    if not is_loopback(host) and not (allow_remote and token):
        raise InvalidParamsError(
            "an address other than loopback lets other machines run functions here; where that is meant, say "
            "--allow-remote and give a --token"
        )
