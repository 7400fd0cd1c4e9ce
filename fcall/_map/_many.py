"""The parts of one map, put together."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypedDict

from fcall._invocation import ABSENT, Invocation, InvocationType, checked
from fcall._map._pace import Pace
from fcall._map._plan import Plan
from fcall._map._progress import Meter, ProgressOption, meter
from fcall._map._work import Work
from fcall._target import Target
from fcall._wording import a_kind
from fcall.errors import InvalidParamsError

__all__ = ["Batch", "Many", "MapParameters", "check", "maker", "source_of"]

_Maker: TypeAlias = Callable[[Any], Invocation]

MOST = 10_000
"""The highest concurrency; a process has not more threads or connections than that to give."""


class MapParameters(TypedDict, total=False):
    """What the verbs for many items take for every call; a payload and an idempotency key belong to one call alone."""

    context: Mapping[str, Any] | str | None
    qualifier: str | None
    timeout: float | None
    idempotent: bool
    log_tail: bool
    options: Mapping[str, Any] | None


class Batch(NamedTuple):
    """The items of a map, as the application gave them: events, or payloads.

    Attributes:
        events: an iterable.
        payloads: the other one.
        encode: makes an event the payload that is sent, where the application said of what type events are.
    """

    events: Any
    payloads: Any = ABSENT
    encode: Callable[[Any], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Many:
    """One map.

    Attributes:
        plan: how each item is called.
        work: the items on their way.
        source: where they come from.
        meter: counts outcomes, or None.
    """

    plan: Plan
    work: Work
    source: Any
    meter: Meter | None

    @classmethod
    def of(
        cls,
        plan: Plan,
        source: Any,
        concurrency: int,
        progress: ProgressOption,
        *,
        in_order: bool,
        ring: Callable[[], None],
    ) -> Many:
        """A map that has not begun yet.

        Raises:
            InvalidParamsError: nothing can be shown to `progress`.
        """
        counts = meter(progress, source)
        limit = plan.routes[0].policy.max_in_flight  # more than that would wait with their time-outs running
        most = concurrency if limit is None else min(concurrency, limit)
        return cls(plan, Work(most, Pace(most, plan.clock), in_order=in_order, ring=ring), source, counts)


def source_of(batch: Batch, kinds: tuple[type, ...]) -> Any:
    """Where the items come from.

    Args:
        batch: what the caller gave.
        kinds: what can be iterated over here.

    Raises:
        InvalidParamsError: neither events nor payloads are given, or both, or what is given is no iterable of items.
    """
    events, payloads, _ = batch
    if (events is ABSENT) == (payloads is ABSENT):
        which = "neither is given" if events is ABSENT else "both are given"
        raise InvalidParamsError(f"a map takes either events or payloads; {which}")
    kind, source = ("payloads", payloads) if events is ABSENT else ("requests" if batch.encode else "events", events)
    single = isinstance(source, (str, bytes, bytearray, memoryview, Mapping))
    if isinstance(source, AsyncIterable) and not isinstance(source, kinds):
        raise InvalidParamsError(f"{kind} is an asynchronous iterable, which only AsyncClient can read")
    if single or not isinstance(source, kinds):
        raise InvalidParamsError(f"{kind} is an iterable of items, not {a_kind(source)}; for one item use invoke")
    return source


def maker(batch: Batch, target: Target, type: InvocationType, parameters: Mapping[str, Any]) -> _Maker:
    """What makes an item of the batch the call of it, checked."""
    encode = batch.encode
    if encode is not None:
        return lambda item: checked(target, type, payload=encode(item), **parameters)
    if batch.events is ABSENT:
        return lambda item: checked(target, type, payload=item, **parameters)
    return lambda item: checked(target, type, event=item, **parameters)


def check(concurrency: Any, parameters: Mapping[str, Any]) -> None:
    """See that the concurrency is a number in its bounds, and that every parameter fits many calls.

    Raises:
        InvalidParamsError: one does not.
    """
    if type(concurrency) is not int or not 1 <= concurrency <= MOST:
        raise InvalidParamsError(f"concurrency is a whole number from 1 to {MOST:,}")
    for name, instead in (("payload", "pass payloads="), ("idempotency_key", "say idempotent=True, if it is")):
        if name in parameters:
            raise InvalidParamsError(f"{name} belongs to one call, and a map makes many; {instead}")
