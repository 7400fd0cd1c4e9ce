"""The dispatcher: two methods for code that has one object for the cloud and one for its tests, with one interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MethodType, TracebackType
from typing import Any, TypeAlias

from fcall._client import Client, default_client
from fcall._result import Acceptance
from fcall._wording import a_kind
from fcall.errors import InvalidParamsError
from fcall.local import Registry
from fcall.local._registry import DEFAULT

__all__ = ["Dispatcher"]

_Function: TypeAlias = "str | Callable[[Any, Any], Any]"

_SERVICE = "(callables)"  # which nobody would call a service


class Dispatcher:
    """A thin face over a `Client`. It may be used from many threads.

    Args:
        client: makes the calls, and stays yours to close. Without it, and without `provider`, that is
            `default_client()`.
        provider: the provider of a client of the dispatcher's own, instead of `client`. With ``"local"`` a Python
            callable can be dispatched too.
        **provider_options: options of `provider`.

    Raises:
        ConfigurationError: these arguments, or the configuration, are wrong.

    Example:
        >>> with Dispatcher(provider="local") as dispatcher:
        ...     dispatcher.dispatch(lambda event, context: event["width"] // 2, {"width": 640})
        320
    """

    def __init__(self, client: Client | None = None, *, provider: str | None = None, **provider_options: Any) -> None:
        if client is not None and (provider is not None or provider_options):
            raise InvalidParamsError("a dispatcher has either a client or a provider with its options; leave one out")
        if client is not None and not isinstance(client, Client):
            raise InvalidParamsError(
                f"client is a fcall.Client, not {a_kind(client)}; the configuration says where its functions are"
            )
        self._callables: _Callables | None = None
        if provider == "local":
            self._callables = _Callables(provider_options.get("registry", DEFAULT))
            provider_options["registry"] = self._callables
        self._own = Client(provider=provider, **provider_options) if provider is not None or provider_options else None
        self._given = client

    def dispatch(self, func: _Function, event: Any = None) -> Any:
        """Call a function, wait for its answer and decode it.

        Args:
            func: a target such as ``"images/resize"``, or with ``provider="local"`` a callable of (event, context).
            event: any JSON value; None is ``null``.

        Raises:
            InvalidParamsError: `func` is neither a target nor a callable, or is a callable where none can run.
            RejectedError: it did not run; `FunctionNotFoundError` where there is none.
            FunctionError: it failed.
            FcallError: any other failure, as of `Client.invoke`.
        """
        return self._client.invoke(self._target(func), event).json()

    def dispatch_async(self, func: _Function, event: Any = None) -> Acceptance:
        """Have a function run later, by the parameters of `dispatch`, and return that it was accepted."""
        return self._client.enqueue(self._target(func), event)

    def close(self) -> None:
        """Close the client, where it is the dispatcher's own. What was accepted is finished first."""
        if self._own is not None:
            self._own.close()

    def __enter__(self) -> Dispatcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _client(self) -> Client:
        return self._own or self._given or default_client()

    def _target(self, func: _Function) -> str:
        if isinstance(func, str):
            return func
        if callable(func) and self._callables is not None:
            return self._callables.target(func)
        if callable(func):
            raise InvalidParamsError("a callable runs on this machine alone: make the dispatcher with provider='local'")
        raise InvalidParamsError(f"func is a target such as 'images/resize', or a callable, not {a_kind(func)}")


class _Callables(Registry):
    """Callables under names made up for them, in front of another registry.

    Each is kept for as long as the dispatcher, for its events may run at any time until then.
    """

    def __init__(self, others: Registry) -> None:
        if not isinstance(others, Registry):
            raise InvalidParamsError(f"registry is a fcall.local.Registry, not {a_kind(others)}")
        super().__init__()
        self._others = others
        self._targets: dict[object, tuple[str, object]] = {}

    def target(self, handler: Callable[[Any, Any], Any]) -> str:
        """The target that means this callable."""
        # A bound method is a new object each time that it is asked for, and equal to the others.
        key = handler if isinstance(handler, MethodType) else id(handler)
        with self._lock:
            target, _ = self._targets.setdefault(key, (self._unused(handler), handler))
            service, _, function = target.partition("/")
            self._functions[service, function] = handler
        return target

    def find(self, service: str | None, function: str) -> Callable[[Any, Any], Any] | None:
        return super().find(service, function) or self._others.find(service, function)

    def names(self, service: str | None) -> Iterator[str]:
        yield from self._others.names(service)

    def tell(self, listener: Callable[[], None]) -> None:
        self._others.tell(listener)

    def _unused(self, handler: object) -> str:
        name = getattr(handler, "__name__", "")
        name = name if isinstance(name, str) and name.isidentifier() else "callable"
        return f"{_SERVICE}/{name}-{len(self._targets) + 1}"
