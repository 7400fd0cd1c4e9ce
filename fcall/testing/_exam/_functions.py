"""The functions that the exam calls, ready-made for rigs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from fcall.testing._exam._rig import Behaviour

__all__ = ["ExamFunctions"]

Handler: TypeAlias = Callable[[Any, Any], Any]

_ENOUGH = 20.0  # longer than any call of the exam is waited for


class ExamFunctions:
    """The functions that the exam calls, as handlers ``(event, context)``, and how often they were started.

    They are for a rig whose platform runs code of this process. What the platform does itself (`Behaviour.MISSING`,
    `Behaviour.THROTTLED` and the rest) stays with the rig.

    Args:
        stall: seconds that `Behaviour.STALL` takes, and that `Behaviour.MEET` waits for its second call. Give less only
            where handlers run on the thread of their caller, so that nobody could `end` them.

    Attributes:
        handlers: by the name of their behaviour: ``ECHO``, ``FAIL``, ``STALL``, ``MEET``.
        contexts: the context of every start, in order.
    """

    def __init__(self, stall: float = _ENOUGH) -> None:
        self.contexts: list[Any] = []
        self._seconds = stall
        self._over = threading.Event()
        self._meeting = threading.Barrier(2)
        own: dict[Behaviour, Handler] = {
            Behaviour.ECHO: lambda event, context: event,
            Behaviour.FAIL: _fail,
            Behaviour.STALL: self._stall,
            Behaviour.MEET: self._meet,
        }
        self.handlers: Mapping[str, Handler] = MappingProxyType(
            {behaviour.name: self._noted(handler) for behaviour, handler in own.items()}
        )

    @property
    def runs(self) -> int:
        """How often any of them was started."""
        return len(self.contexts)

    def end(self) -> None:
        """Let go of the calls that are under way; a rig does so when it is left."""
        self._over.set()
        self._meeting.abort()

    def _noted(self, handler: Handler) -> Handler:
        def noted(event: Any, context: Any) -> Any:
            self.contexts.append(context)
            return handler(event, context)

        return noted

    def _stall(self, event: Any, context: Any) -> Any:
        self._over.wait(self._seconds)
        return event

    def _meet(self, event: Any, context: Any) -> Any:
        self._meeting.wait(self._seconds)
        return event


def _fail(event: Any, context: Any) -> Any:
    raise ValueError("the exam fails it")
