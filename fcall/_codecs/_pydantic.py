"""Models of pydantic 2, and types that have them in them."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from fcall._result import InvocationResult, unreadable
from fcall.errors import InvalidParamsError

__all__ = ["PydanticModel"]

# What pydantic says of itself; what a validator of the application's says may hold the value.
_HARMLESS = re.compile(r"(\w+ should |Field required|Extra inputs |Invalid JSON).*", re.DOTALL)
_MOST = 3


class PydanticModel:
    """The codec of a type that pydantic knows.

    Args:
        hint: the type.
    """

    def __init__(self, hint: Any) -> None:
        self._known = frozenset(typing.get_args(import_module("pydantic_core").core_schema.ErrorType))
        self._adapter = import_module("pydantic").TypeAdapter(hint)
        self._fields = frozenset(_names(self._adapter.core_schema))

    def encode(self, request: Any) -> bytes:
        """The value as JSON, under its aliases."""
        fault = "request"
        try:
            value = self._adapter.validate_python(request)
            payload: bytes = self._adapter.dump_json(value, by_alias=True, warnings="error")
            return payload
        except Exception as error:  # noqa: BLE001 - whatever it is, it may show the value
            fault = self._fault("request", error)
        raise InvalidParamsError(fault)

    def decode(self, result: InvocationResult) -> Any:
        """The value that the JSON stands for."""
        try:
            return self._adapter.validate_json(result.payload)
        except Exception as error:  # noqa: BLE001 - see above
            fault = self._fault("response", error)
        raise unreadable(result, fault)

    def _fault(self, place: str, error: Exception) -> str:
        """What is wrong, in pydantic's words where they hold no value."""
        errors: Callable[..., list[Any]] | None = getattr(error, "errors", None)
        if errors is None:
            return f"{place} is not what its type says: pydantic raises {type(error).__name__}"
        told = errors(include_url=False, include_context=False, include_input=False)
        faults = [f"{place}{self._path(each['loc'])}: {self._words(each)}" for each in told[:_MOST]]
        return "; ".join([*faults, f"and {len(told) - _MOST} more"] if len(told) > _MOST else faults)

    def _path(self, location: tuple[str | int, ...]) -> str:
        """Where it is; a key of a dict comes from the payload, and is not shown."""
        return "".join(f"[{step}]" if isinstance(step, int) else self._step(step) for step in location)

    def _step(self, name: str) -> str:
        return f".{name}" if name in self._fields else "[…]"

    def _words(self, told: dict[str, Any]) -> str:
        """What is wrong; an error of the application's own may be called anything, and say anything."""
        if told["type"] not in self._known:
            return "is not valid"
        words = told["msg"].partition(", ")[0] if told["type"].endswith("_parsing") else told["msg"]
        return words if _HARMLESS.fullmatch(words) else f"is not valid ({told['type']})"


def _names(schema: Any) -> Iterator[str]:
    """The names of all fields in a schema of pydantic's core, and what they are called in JSON."""
    if isinstance(schema, list):
        for each in schema:
            yield from _names(each)
    elif isinstance(schema, dict):
        fields = schema.get("fields", ())
        yield from (field if isinstance(field, str) else field["name"] for field in fields)
        if isinstance(schema.get("validation_alias"), str):
            yield schema["validation_alias"]
        for each in schema.values():
            yield from _names(each)
