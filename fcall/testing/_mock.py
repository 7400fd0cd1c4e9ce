"""A double for every function that a test's code calls."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn, TypeAlias

from fcall import _json
from fcall._codecs import written
from fcall._invocation import ABSENT, Invocation, InvocationType, attempted
from fcall._policy import Policy
from fcall._result import InvocationResult
from fcall._router import Route, override
from fcall._target import WELL_KNOWN, Target, parse_target
from fcall._wording import a_kind, listed, nearest
from fcall.errors import FcallError, FunctionError, InvalidParamsError
from fcall.testing._double import Double, DoubleRoute, accepted, named

__all__ = ["FcallMock", "MockedCall", "MockedRoute"]

_Failure: TypeAlias = "BaseException | type[BaseException]"
_Answer: TypeAlias = "Callable[[MockedCall], Any]"

_NO_ROUTE = "no route expects it"
_AT_ITS_END = "its sequence is at its end"


@dataclass(frozen=True, slots=True)
class MockedCall:
    """One call that a mock answered.

    Attributes:
        target: the function as the application named it, with the qualifier.
        type: ``"Sync"``, ``"Async"`` or ``"DryRun"``.
        payload: the bytes that were sent.
        context: the invoker context, or None.
        timeout: seconds, where the call says so, or None.
        idempotent: the caller says that running twice is harmless.
        idempotency_key: the key, or None.
        options: the provider's own call options as the application gave them, or None.
    """

    target: str
    type: InvocationType
    payload: bytes = field(repr=False)
    context: Mapping[str, Any] | None = field(default=None, repr=False)
    timeout: float | None = None
    idempotent: bool = False
    idempotency_key: str | None = field(default=None, repr=False)
    options: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def event(self) -> Any:
        """The payload decoded; the bytes where they are not JSON, and None where there are none."""
        try:
            return _json.decode(self.payload) if self.payload else None
        except (ValueError, RecursionError):
            return self.payload


class MockedRoute:
    """What a mock answers for one target.

    Attributes:
        target: the target.
        calls: the calls that were answered, in order.
    """

    def __init__(self, target: str, answers: Sequence[_Answer], *, repeated: bool) -> None:
        self.target = target
        self.calls: list[MockedCall] = []
        self._answers = answers
        self._repeated = repeated
        self._lock = threading.Lock()

    def _is_exhausted(self) -> bool:
        return not self._repeated and len(self.calls) >= len(self._answers)

    def _take(self, call: MockedCall) -> _Answer | None:
        """What answers this call, which is noted; None where nothing does."""
        with self._lock:
            if self._is_exhausted():
                return None
            self.calls.append(call)
            return self._answers[0 if self._repeated else len(self.calls) - 1]

    def _fault(self) -> str:
        """What is left of this route, in words, or an empty text."""
        if not self.calls:
            return f"{self.target} was never called"
        left = 0 if self._repeated else len(self._answers) - len(self.calls)
        return f"{self.target} was not called for the last {left} of its answers" if left > 0 else ""


class FcallMock:
    """Answers the calls of a test by routes, and remembers them; the fixture `fcall_mock` is one that is active.

    It answers for the thread or the asyncio task that it was made active in, and for what takes over its context
    variables.

    Attributes:
        calls: the calls that were answered, in order.
    """

    def __init__(self) -> None:
        self.calls: list[MockedCall] = []
        self._routes: dict[str, MockedRoute] = {}
        self._faults: list[str] = []

    def route(
        self,
        target: str,
        *,
        returns: Any = ABSENT,
        raises: _Failure | None = None,
        sequence: Sequence[Any] | None = None,
        function: Callable[[Any], Any] | None = None,
    ) -> MockedRoute:
        """Say what the calls of one function get: exactly one of these.

        Args:
            target: the function as the application writes it. Without a qualifier it means every qualifier.
            returns: a JSON value, or a record that a handler could return; bytes are the answer as they are.
            raises: an error of fcall reaches the caller as it is. Any other exception is the function's own, and the
                caller gets a `FunctionError`.
            sequence: one answer for each call: an exception is raised, anything else is returned.
            function: is called with the decoded event, and answers. A DryRun does not call it.

        Raises:
            InvalidParamsError: the target is malformed, or has a route already, or not exactly one answer is given, or
                JSON cannot carry it.
        """
        parse_target(target, WELL_KNOWN)
        if (returns is not ABSENT) + sum(answer is not None for answer in (raises, sequence, function)) != 1:
            raise InvalidParamsError("a route takes exactly one of returns, raises, sequence and function")
        if raises is not None and not _is_failure(raises):
            raise InvalidParamsError(f"raises is an exception, not {a_kind(raises)}; what is answered is returns")
        if function is not None and not callable(function):
            raise InvalidParamsError(f"function is called with the event, and {a_kind(function)} cannot be")
        if target in self._routes:
            raise InvalidParamsError(f"{target!r} has a route already; give that one a sequence")
        if sequence is not None:
            answers = [_answer_of(each) for each in sequence]
        elif function is not None:
            answers = [partial(_called, function)]
        else:
            answers = [_answer_of(returns if raises is None else raises)]
        self._routes[target] = MockedRoute(target, answers, repeated=sequence is None)
        return self._routes[target]

    @contextmanager
    def active(self) -> Iterator[FcallMock]:
        """Answer the calls of this context, whatever is configured."""
        token = override.set(self._routed)
        try:
            yield self
        finally:
            override.reset(token)

    def faults(self) -> list[str]:
        """What went wrong, in words: unexpected calls, failed assertions of functions, answers that are left over."""
        return self._faults + [fault for route in self._routes.values() if (fault := route._fault())]

    def _routed(self, target: Target) -> Sequence[Route]:
        """The way of a call. What no route expects fails already here, where nothing translates the failure."""
        name, route = named(target, target.qualifier), self._route_of(target, target.qualifier)
        if route is not None and route._is_exhausted():
            raise self._refused(name, _AT_ITS_END)
        if route is None and not any(known.startswith(f"{name}:") for known in self._routes):
            raise self._refused(name, _NO_ROUTE + nearest(name, self._routes))
        # One attempt: a call of the application is one call of the mock, and no test waits for a retry.
        return (DoubleRoute("mock", Double(partial(self._answered, target)), policy=Policy(attempts=1)),)

    def _route_of(self, target: Target, qualifier: str | None) -> MockedRoute | None:
        return self._routes.get(named(target, qualifier)) or self._routes.get(named(target, None))

    def _answered(self, target: Target, invocation: Invocation) -> InvocationResult:
        name, route = named(target, invocation.qualifier), self._route_of(target, invocation.qualifier)
        call = _noted(name, invocation)
        answer = None if route is None else route._take(call)
        if answer is None:
            raise self._refused(name, _NO_ROUTE if route is None else _AT_ITS_END)
        self.calls.append(call)
        try:
            return _result(answer(call), invocation.type)
        except FcallError:
            raise
        except AssertionError as error:  # the test's own; the application may well catch what becomes of it
            self._faults.append(f"an assertion about {name} failed: {error}")
            raise
        except Exception as error:
            if invocation.type != "Sync":
                return accepted(invocation.type)  # nobody waits to see how the function fails
            raise _function_error(error) from error

    def _refused(self, name: str, why: str) -> AssertionError:
        self._faults.append(f"{name} was called, and {why}; there is {listed(self._routes)}")
        return AssertionError(f"fcall_mock: {self._faults[-1]}")


def _answer_of(given: Any) -> _Answer:
    """The answer that a test wrote down: an exception is raised, anything else is returned."""
    if _is_failure(given):
        return partial(_raised, given)
    attempted("answer", _payload, given)  # a mistake of the test, and no failure of the function
    return lambda call: given


def _is_failure(given: Any) -> bool:
    return isinstance(given, BaseException) or (isinstance(given, type) and issubclass(given, BaseException))


def _raised(failure: _Failure, call: MockedCall) -> NoReturn:
    """Raise the failure, a copy of it where fcall writes into it what it knows of the call."""
    if isinstance(failure, type):
        raise failure("raised by fcall_mock") if issubclass(failure, FcallError) else failure()
    raise copy.copy(failure) if isinstance(failure, FcallError) else failure


def _called(function: Callable[[Any], Any], call: MockedCall) -> Any:
    return None if call.type == "DryRun" else function(call.event)


def _noted(name: str, invocation: Invocation) -> MockedCall:
    return MockedCall(
        name,
        invocation.type,
        invocation.payload,
        invocation.invoker_context,
        invocation.timeout,
        invocation.idempotent,
        invocation.idempotency_key,
        invocation.options,
    )


def _result(answer: Any, type: InvocationType) -> InvocationResult:
    if type != "Sync":
        return accepted(type)
    return answer if isinstance(answer, InvocationResult) else InvocationResult(_payload(answer), request_id="mock")


def _payload(answer: Any) -> bytes:
    if isinstance(answer, InvocationResult):
        return answer.payload
    return answer if isinstance(answer, bytes) else written(answer)


def _function_error(error: Exception) -> FunctionError:
    """The failure as a function's own, with the error document that AWS Lambda would make of it."""
    error_type, message = type(error).__name__, str(error)
    document = {"errorMessage": message, "errorType": error_type, "requestId": "mock", "stackTrace": []}
    result = InvocationResult(json.dumps(document).encode(), request_id="mock")
    return FunctionError(error_type=error_type, error_message=message, result=result, request_id="mock")
