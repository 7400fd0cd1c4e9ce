"""The part of the exam about asyncio: calls on a thread that has an event loop, and providers that can be awaited."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from fcall._deadline import Deadline
from fcall._result import InvocationResult
from fcall.errors import FcallError, FunctionError
from fcall.provider import AsyncioProvider
from fcall.testing._exam._deadlines import check_late
from fcall.testing._exam._rig import Behaviour
from fcall.testing._exam._subject import AMPLE, Examination, Subject, judged, mapped, skip, slipped

__all__ = ["EventLoops"]

_OUTCOMES = (
    Behaviour.ECHO,
    Behaviour.FAIL,
    Behaviour.MISSING,
    Behaviour.THROTTLED,
    Behaviour.DENIED,
    Behaviour.REFUSED,
    Behaviour.BROKEN,
)
_TURNS = 10
_EVENT = b'{"name": "Ada"}'


class EventLoops(Examination):
    """A provider works where an event loop runs; one that can be awaited answers as its `invoke` does."""

    def test_a_call_is_possible_beside_an_event_loop(self) -> None:
        """`invoke` works on a thread whose event loop is running, as in a notebook."""
        with self.examined(Behaviour.ECHO) as subject:

            async def call() -> InvocationResult | FcallError:
                return subject.attempt(payload=_EVENT)

            outcome = _run(call())

            assert not isinstance(outcome, FcallError), (
                f"on a thread with a running event loop the call failed with {outcome!r}; do not drive a loop in invoke"
            )

    def test_asyncio_answers_as_threads_do(self) -> None:
        """`invoke_asyncio` and `invoke` come to the same answers and to the same errors."""
        for behaviour in _OUTCOMES:
            with self._told(behaviour, _by_invoke) as expected, self._told(behaviour, _by_asyncio) as told:
                assert told == expected, (
                    f"a function that is to {behaviour.value}: invoke came to {expected}, and invoke_asyncio to {told}"
                )

    def test_asyncio_does_not_block_the_event_loop(self) -> None:
        """While a call is awaited, other tasks go on."""
        with self._awaitable(Behaviour.STALL) as (subject, provider):

            async def goes_on() -> bool:
                import asyncio

                call = asyncio.ensure_future(_awaited(subject, provider, AMPLE))
                for _ in range(_TURNS):
                    await asyncio.sleep(self.patience / 100)
                under_way = not call.done()
                call.cancel()
                await asyncio.wait({call})
                return under_way

            assert _run(goes_on()), (
                "the event loop stood still while a call was awaited; let nothing in invoke_asyncio block, or leave it "
                "out: fcall then runs invoke on a thread of its own"
            )

    def test_asyncio_honours_the_deadline(self) -> None:
        """A call that is not answered in time is an InvocationTimeoutError that does not say NO."""
        with self._awaitable(Behaviour.STALL) as (subject, provider):
            check_late(subject, self.patience, lambda seconds: _run(_awaited(subject, provider, seconds)))

    def test_a_cancelled_call_ends_as_cancelled(self) -> None:
        """Cancelling the task that awaits a call ends it with CancelledError, and the provider goes on."""
        with self._awaitable(Behaviour.STALL) as (subject, provider):

            async def cancel() -> bool:
                import asyncio

                call = asyncio.ensure_future(_awaited(subject, provider, AMPLE))
                await asyncio.sleep(self.patience)
                call.cancel()
                await asyncio.wait({call})
                return call.cancelled()

            assert _run(cancel()), "a cancelled call has to end in CancelledError; raise it on, whatever you clean up"

    @contextmanager
    def _awaitable(self, behaviour: Behaviour) -> Iterator[tuple[Subject, AsyncioProvider]]:
        with self.examined(behaviour) as subject:
            if not isinstance(subject.provider, AsyncioProvider):
                skip("the provider has no invoke_asyncio; fcall runs its invoke on a thread")
            yield subject, subject.provider

    @contextmanager
    def _told(self, behaviour: Behaviour, call: Callable[[Subject], Any]) -> Iterator[tuple[object, ...] | None]:
        """What a caller is told of one attempt; None where the platform cannot be made to behave so."""
        with self.possible(behaviour) as subject:
            yield None if subject is None else _facts(call(subject))


def _run(task: Coroutine[Any, Any, Any]) -> Any:
    import asyncio

    return asyncio.run(task)


def _by_invoke(subject: Subject) -> InvocationResult | FcallError:
    return subject.attempt(payload=_EVENT)


def _by_asyncio(subject: Subject) -> InvocationResult | FcallError:
    if not isinstance(subject.provider, AsyncioProvider):
        skip("the provider has no invoke_asyncio; fcall runs its invoke on a thread")
    outcome: InvocationResult | FcallError = _run(_awaited(subject, subject.provider, AMPLE))
    return outcome


async def _awaited(subject: Subject, provider: AsyncioProvider, seconds: float) -> InvocationResult | FcallError:
    try:
        result = await provider.invoke_asyncio(subject.invocation(payload=_EVENT), Deadline.after(seconds))
        if result is None:  # it leaves this call to a thread
            import asyncio

            return await asyncio.to_thread(subject.attempt, seconds, payload=_EVENT)
        return judged(result)
    except FcallError as error:
        return mapped(error)
    except Exception as error:  # noqa: BLE001 - it is the author who is told
        slipped(error)


def _facts(outcome: InvocationResult | FcallError) -> tuple[object, ...]:
    if isinstance(outcome, InvocationResult):
        return outcome.status_code, outcome.payload, outcome.executed_version
    words = (outcome.error_type, outcome.error_message) if isinstance(outcome, FunctionError) else ()
    return type(outcome).__name__, outcome.executed.name, outcome.retryable, outcome.code, outcome.status_code, *words
