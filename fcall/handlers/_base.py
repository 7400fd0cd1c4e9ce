"""The base class for handlers that are objects."""

from __future__ import annotations

import os

from ._entry import entry_point
from ._event import converter_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._context import Context
    from ._execution import Configuration, ExecutionContext

__all__ = ["Handler"]


class Handler:
    """One execution of a function, as an object: derive from it and override `execute`.

    Calling the object executes it. An exception is notified, and then raised.

    Args:
        execution_context: what it works on and with; `entry_point` makes one for every event.

    Attributes:
        event: the decoded event. Annotate it in the derived class with a dataclass or a TypedDict, and `entry_point`
            has it converted and checked.
        context: what is known of the invocation.
        config: the settings, with ``get(key, default)``.
    """

    def __init__(self, execution_context: ExecutionContext) -> None:
        self.execution_context = execution_context
        self.event: Any = execution_context.event
        self.context: Any = execution_context.context
        self.config: Configuration = execution_context.config

    def execute(self) -> Any:
        """Do the function's work and return its answer.

        Raises:
            NotImplementedError: the derived class does not say what the work is.
        """
        raise NotImplementedError(f"{type(self).__name__} has no execute(); override it")

    def notify(self, error: Exception) -> None:
        """Tell whoever has to know that the function failed."""
        self.execution_context.notify(error)

    def __call__(self) -> Any:
        """Execute it.

        Raises:
            Exception: whatever `execute` raises, after it was notified. Where notifying fails as well, that failure
                goes to the function's log.
        """
        try:
            return self.execute()
        except Exception as error:
            self._tell(error)
            raise

    def _tell(self, error: Exception) -> None:
        try:
            self.notify(error)
        except Exception:  # noqa: BLE001 - what went wrong first is what the caller has to see
            import traceback

            traceback.print_exc()

    @classmethod
    def entry_point(
        cls, *, config: Configuration | None = None, notify: Callable[[Exception], object] | None = None
    ) -> Callable[..., Any]:
        """What a runtime calls: one new object of this class executes each event, as `handler` describes.

        Args:
            config: the settings; the environment variables where not given.
            notify: is told of every exception before it is raised; nobody where not given.
        """
        settings: Configuration = os.environ if config is None else config

        def execute(event: Any, context: Context) -> Any:
            return cls(_Execution(event, context, settings, notify))()

        entry = entry_point(execute, converter_for(cls, "event"))
        entry.__name__, entry.__qualname__, entry.__module__ = cls.__name__, cls.__qualname__, cls.__module__
        return entry


class _Execution:
    """The execution context of one event."""

    def __init__(
        self, event: Any, context: Context, config: Configuration, notify: Callable[[Exception], object] | None
    ) -> None:
        self.event = event
        self.context = context
        self.config = config
        self._notify = notify

    def notify(self, error: Exception) -> None:
        if self._notify is not None:
            self._notify(error)
