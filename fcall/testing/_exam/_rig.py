"""What a provider's author writes for the exam: a rig, which makes a platform behave."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, Self

from fcall.provider import Provider, ProviderSpec

__all__ = ["Behaviour", "Rig"]


class Behaviour(enum.Enum):
    """What a function, or the platform before it, is to do. The value says it in words.

    The first four are the function's own doing; `ExamFunctions` has them ready-made.
    """

    ECHO = "answer with the event"
    FAIL = 'raise ValueError("the exam fails it")'
    STALL = "not answer for 20 seconds, or until the rig is left"
    MEET = "answer with the event as soon as two calls of it are under way, and not before"
    MISSING = "not exist"
    THROTTLED = "be refused for too many calls"
    DENIED = "be refused for want of permission"
    REFUSED = "not be reached, since no connection can be made"
    BROKEN = "run, and have the connection break before its answer"
    CUT = "run, and have its answer cut off in the middle"
    TRICKLE = "run, and have its answer come bit by bit for 20 seconds, or until the rig is left"
    UNAVAILABLE = "run, and be answered for by a broken gateway, such as with a page of HTML and status 502"


class Rig(ABC):
    """Makes a platform behave for the exam. It is a context manager: what it starts, it stops.

    Each check makes a rig of its own, enters it, and asks it for one provider.

    Attributes:
        spec: what the provider's plugin registers.
        plugin: the module of the plugin, importable in a fresh process.
        sdk_modules: modules of the SDK, which importing the plugin must not import.
        secrets: the credentials that `provider` is made with, which must not show anywhere.
        qualifier: a version or an alias that the function `Behaviour.ECHO` has.
    """

    spec: ClassVar[ProviderSpec]
    plugin: ClassVar[str]
    sdk_modules: ClassVar[tuple[str, ...]] = ()
    secrets: ClassVar[tuple[str, ...]] = ()
    qualifier: ClassVar[str] = "exam"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @abstractmethod
    def provider(self) -> Provider:
        """A new provider that reaches this rig's platform."""

    @abstractmethod
    def params(self, behaviour: Behaviour) -> Mapping[str, Any] | None:
        """The names (``serviceName``, ``functionName`` or ``functionId``) of a function that behaves so.

        From now on the platform behaves so too, where that is the platform's doing. None where it cannot be made to;
        `Behaviour.ECHO` and `Behaviour.FAIL` every platform has.
        """

    @abstractmethod
    def runs(self) -> int:
        """How often any function's code was started up to now."""

    def requests(self) -> int | None:
        """How many invocations the platform was asked for up to now, those included that it refused.

        None where that cannot be told.
        """
        return None

    def received(self) -> Mapping[str, Any]:
        """What came with the latest invocation beside the payload, in the words of the portable contract.

        That is ``qualifier`` and ``invokerContext``, each None where nothing came. A key that is absent cannot be told.
        """
        return {}

    def settle(self) -> None:  # noqa: B027 - a platform without Async has nothing to wait for
        """Wait until every accepted Async event has run."""

    def answer(self, payload: bytes) -> bytes | None:
        """What `Behaviour.ECHO` answers to a payload; where the platform re-encodes, not the payload itself.

        None where the platform refuses such a payload: one that is not JSON, say.
        """
        return payload
