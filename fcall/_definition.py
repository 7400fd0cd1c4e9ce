"""Definitions: what is said of a typed function once, and holds for every call of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from fcall._codecs import codec_for
from fcall._invocation import CallParameters, checked
from fcall._map._many import check
from fcall._map._results import outcome_of, result_of
from fcall._map._work import Settled
from fcall._result import InvocationResult
from fcall._target import Target
from fcall.errors import FcallError, FunctionResponseError, InvalidParamsError

__all__ = ["Definition", "TypedOutcome"]

Response = TypeVar("Response")


@dataclass(frozen=True, slots=True)
class TypedOutcome(Generic[Response]):
    """How one request of many ended.

    Attributes:
        index: the request's place in the iterable, from 0.
        response: the answer, or None where there is none.
        result: the whole answer as it came, or None.
        error: how the call failed, or None where it went well; its `index` is the same.
    """

    index: int
    response: Response | None = field(repr=False)
    result: InvocationResult | None
    error: FcallError | None


class Definition:
    """A function's target, the types of what it takes and answers, and the parameters of its calls.

    Args:
        target: the function, as the application names it.
        parsed: the same.
        request: the type of what it takes; None for any value of JSON.
        response: the type of what it answers; None likewise.
        parameters: of every call that does not say otherwise.

    Raises:
        InvalidParamsError: a type is none that JSON can be converted to, or a parameter has the wrong type or is out of
            its bounds.
        TypeError: a keyword is unknown.
    """

    def __init__(self, target: str, parsed: Target, request: Any, response: Any, parameters: Mapping[str, Any]) -> None:
        check(1, parameters)
        checked(parsed, **parameters)
        self.target = target
        self._parsed = parsed
        self._takes, self._gives = codec_for(request, "request"), codec_for(response, "response")
        self._parameters = dict(parameters)

    def call(self, request: Any, parameters: Mapping[str, Any]) -> CallParameters:
        """The payload and the parameters of one call."""
        return cast(CallParameters, {**self.merged(parameters), "payload": self.encoded(request)})

    def merged(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a call, with those of every call."""
        for name in {"event", "payload"} & parameters.keys():
            raise InvalidParamsError(f"a typed function makes the payload of its request; leave {name} out")
        return {**self._parameters, **parameters}

    def encoded(self, request: Any) -> bytes:
        """The payload for a request."""
        try:
            return self._takes.encode(request)
        except InvalidParamsError as error:
            self._name(error)
            raise

    def read(self, result: InvocationResult) -> Any:
        """The response in a result."""
        try:
            return self._gives.decode(result)
        except FunctionResponseError as error:
            self._name(error)
            raise

    def answer(self, settled: Settled) -> Any:
        """The response to one request of many, or its error raised."""
        result = result_of(settled)
        try:
            return self.read(result)
        except FunctionResponseError as error:
            error.index = settled.item
            raise

    def outcome(self, settled: Settled) -> TypedOutcome[Any]:
        """How one request of many ended."""
        outcome = outcome_of(settled)
        if outcome.result is None:
            return TypedOutcome(outcome.index, None, None, outcome.error)
        try:
            return TypedOutcome(outcome.index, self.read(outcome.result), outcome.result, None)
        except FunctionResponseError as error:
            error.index = outcome.index
            return TypedOutcome(outcome.index, None, outcome.result, error)

    def _name(self, error: FcallError) -> None:
        error.service, error.function = self._parsed.service, self._parsed.function_id or self._parsed.function
