"""One call as data: what the application asked for, checked once and then never again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, TypedDict

from fcall import _json
from fcall._target import Target
from fcall._wording import listed, nearest, quoted
from fcall.errors import FcallError, InvalidParamsError, InvalidPayloadError

__all__ = ["ABSENT", "LONGEST_TIMEOUT", "CallParameters", "Invocation", "InvocationType", "checked", "parse_params"]

InvocationType: TypeAlias = Literal["Sync", "Async", "DryRun"]

LONGEST_TIMEOUT = 7 * 86_400.0
"""Seconds; no provider runs a function for longer than a day."""

_TYPES: dict[str, InvocationType] = {"Sync": "Sync", "Async": "Async", "DryRun": "DryRun"}
_LONGEST_NAME = 256
_LONGEST_ID = 1024
_QUALIFIER = re.compile(r"[A-Za-z0-9_$.-]{1,128}")
_KEY = re.compile(r"[!-~]{1,256}")


class _Absent:
    """The type of `ABSENT`, which stands where None would mean null."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Any = _Absent()


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of one function, complete and valid.

    Attributes:
        function: the function's name; empty where `function_id` says it.
        service: the service's name, or None.
        type: ``"Sync"``, ``"Async"`` or ``"DryRun"``.
        payload: the bytes to hand over; empty where the application gave none.
        invoker_context: a JSON object beside the payload, decoded, or None.
        qualifier: the version or alias, or None.
        function_id: the provider's own id of the function, or None.
        timeout: seconds the caller will wait for the whole call, or None for the default.
        idempotent: the caller says that running twice is harmless.
        idempotency_key: a key by which the provider is to recognise a repetition, or None.
        log_tail: the end of the function's log is wanted.
        options: the provider's own call options: a mapping as the application gave it; at the provider, an instance of
            its `call_options` type.
        configured: the function's name was written by a developer, in the configuration or as a direct target; False
            where it came with the call and so may come from data.
    """

    function: str
    service: str | None = None
    type: InvocationType = "Sync"
    payload: bytes = field(default=b"", repr=False)
    invoker_context: Mapping[str, Any] | None = field(default=None, repr=False)
    qualifier: str | None = None
    function_id: str | None = None
    timeout: float | None = None
    idempotent: bool = False
    idempotency_key: str | None = field(default=None, repr=False)
    log_tail: bool = False
    options: Any = field(default=None, repr=False)
    configured: bool = False


class CallParameters(TypedDict, total=False):
    """What every verb takes beside the target and the event."""

    payload: bytes | str
    context: Mapping[str, Any] | str | None
    qualifier: str | None
    timeout: float | None
    idempotent: bool
    idempotency_key: str | None
    log_tail: bool
    options: Mapping[str, Any] | None


def checked(
    target: Target,
    type: InvocationType = "Sync",
    *,
    event: Any = ABSENT,
    payload: Any = ABSENT,
    context: Any = None,
    qualifier: Any = None,
    timeout: Any = None,
    idempotent: Any = False,
    idempotency_key: Any = None,
    log_tail: Any = False,
    options: Any = None,
    **unknown: Any,
) -> Invocation:
    """The invocation of `target` with these parameters.

    Raises:
        InvalidParamsError: a parameter has the wrong type or is out of its bounds.
        InvalidPayloadError: the event or the payload cannot be encoded.
        TypeError: a keyword is unknown.
    """
    if unknown:
        name, known = next(iter(unknown)), CallParameters.__annotations__
        raise TypeError(f"no call takes the keyword {name!r}{nearest(name, known)}; it takes event, {listed(known)}")
    return Invocation(
        target.function if target.function_id else _name("function", target.function),
        None if target.service is None else _name("service", target.service),
        type,
        _body(event, payload),
        None if context is None else _context(context),
        _one_qualifier(target.qualifier, qualifier),
        None if target.function_id is None else _name("function id", target.function_id, _LONGEST_ID),
        None if timeout is None else _timeout(timeout),
        idempotent if idempotent is False else _flag("idempotent", idempotent),
        None if idempotency_key is None else _key(idempotency_key),
        log_tail if log_tail is False else _flag("log tail", log_tail),
        None if options is None else _options(options),
        target.direct,
    )


_VERB_KEYWORDS = {
    "invokerContext": "context",
    "payload": "payload",
    "timeout": "timeout",
    "idempotent": "idempotent",
    "idempotencyKey": "idempotency_key",
    "logTail": "log_tail",
    "options": "options",
}
_TARGET_KEYS = ("serviceName", "functionName", "functionId", "qualifier", "provider", "invocationType")
_KEYS = frozenset((*_TARGET_KEYS, *_VERB_KEYWORDS))


def parse_params(params: Any) -> tuple[Target, Invocation]:
    """Read the portable contract, a mapping such as ``{"serviceName": …, "functionName": …, "payload": …}``.

    Names in it are opaque: nothing of them is read as a target, a path or a module.

    Raises:
        InvalidParamsError: a key is unknown or missing, or a value has the wrong type or is out of its bounds.
        InvalidPayloadError: the payload cannot be encoded.
    """
    if not isinstance(params, Mapping):
        raise InvalidParamsError(f"params is a mapping with a 'functionName', not {_kind(params)}")
    given = {key: value for key, value in params.items() if value is not None or key == "payload"}
    if not given.keys() <= _KEYS:
        _refuse_unknown(given)
    target = _named_target(given)
    verb = {_VERB_KEYWORDS[key]: value for key, value in given.items() if key in _VERB_KEYWORDS}
    if "payload" in verb and not isinstance(verb["payload"], (bytes, str, bytearray, memoryview)):
        verb["event"] = _not_a_file(verb.pop("payload"))
    return target, checked(target, _type(given.get("invocationType", "Sync")), **verb)


def _named_target(given: Mapping[str, Any]) -> Target:
    function, function_id = given.get("functionName"), given.get("functionId")
    if (function is None) == (function_id is None):
        which = "both are given" if function else "both are missing"
        raise InvalidParamsError(f"params takes either 'functionName' or 'functionId'; {which}")
    if function_id is not None and "serviceName" in given:
        raise InvalidParamsError("'functionId' stands instead of 'serviceName' and 'functionName'; leave one out")
    return Target(
        service=given.get("serviceName"),
        function="" if function is None else function,
        function_id=function_id,
        provider=None if "provider" not in given else _name("provider", given["provider"]),
        qualifier=given.get("qualifier"),
    )


def _refuse_unknown(given: Mapping[Any, Any]) -> None:
    unknown = next(key for key in given if key not in _KEYS)
    shown = repr(quoted(unknown, 60)) if isinstance(unknown, str) else f"a key of type {type(unknown).__name__}"
    raise InvalidParamsError(f"params does not take {shown}{nearest(unknown, _KEYS)}; it takes {listed(_KEYS)}")


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"


def _name(what: str, value: Any, longest: int = _LONGEST_NAME) -> str:
    if not isinstance(value, str):
        raise InvalidParamsError(f"the {what} is a text, not {_kind(value)}; pass its name")
    if not value or len(value) > longest:
        raise InvalidParamsError(f"the {what} has 1 to {longest} characters, not {len(value)}")
    if not value.isprintable() or value.strip() != value:
        raise InvalidParamsError(
            f"the {what} {quoted(value, 60)!r} has a control character in it or a blank at an end; remove it"
        )
    return value


def _type(value: Any) -> InvocationType:
    if isinstance(value, str) and value in _TYPES:
        return _TYPES[value]
    shown = repr(quoted(value, 40)) if isinstance(value, str) else _kind(value)
    raise InvalidParamsError(f"the invocation type is one of {listed(_TYPES)}, not {shown}{nearest(value, _TYPES)}")


def _one_qualifier(in_target: Any, given: Any) -> str | None:
    if in_target is not None and given is not None and in_target != given:
        raise InvalidParamsError("the target and the qualifier parameter name two different qualifiers; give one")
    value = in_target if given is None else given
    if value is None:
        return None
    if not isinstance(value, str) or not _QUALIFIER.fullmatch(value):
        raise InvalidParamsError(
            "the qualifier is a version or an alias: 1 to 128 of the characters A-Z a-z 0-9 _ $ . -"
        )
    return value


def _key(value: Any) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise InvalidParamsError("the idempotency key is a text of 1 to 256 visible ASCII characters, without blanks")
    return value


def _timeout(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidParamsError(f"the timeout is a number of seconds, not {_kind(value)}")
    if not 0 < value <= LONGEST_TIMEOUT:
        raise InvalidParamsError(f"the timeout is over 0 and at most {LONGEST_TIMEOUT:.0f} seconds")
    return float(value)


def _flag(what: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidParamsError(f"{what} is True or False, not {_kind(value)}")
    return value


def _options(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise InvalidParamsError("options is a mapping from the names of the provider's call options to their values")
    return dict(value)


def _not_a_file(value: Any) -> Any:
    if hasattr(value, "read"):
        raise InvalidParamsError(f"the payload is a file object ({type(value).__name__}); pass payload=f.read()")
    return value


def _body(event: Any, payload: Any) -> bytes:
    if event is ABSENT:
        return b"" if payload is ABSENT else _as_is(payload)
    if payload is not ABSENT:
        raise InvalidParamsError("event and payload are both given; event is encoded as JSON, payload is sent as it is")
    if isinstance(event, (bytes, bytearray, memoryview)):
        raise InvalidParamsError("event is bytes; pass bytes as payload=, which is sent as it is")
    return _encoded("event", _not_a_file(event))


def _as_is(payload: Any) -> bytes:
    if isinstance(payload, str):
        return bytes(_attempted("payload", str.encode, payload))
    if not isinstance(payload, (bytes, bytearray, memoryview)):
        _not_a_file(payload)
        raise InvalidParamsError(f"payload is bytes or a text, not {_kind(payload)}; pass a JSON value as event")
    return bytes(payload)


def _encoded(what: str, value: Any) -> bytes:
    encoded: bytes = _attempted(what, _json.encode, value)
    return encoded


def _attempted(
    what: str, function: Callable[[Any], Any], value: Any, error_class: type[FcallError] = InvalidPayloadError
) -> Any:
    """`function` of the value, or an error that names the kind of fault and never the content.

    The original error is left out of the chain, because it can hold the content.
    """
    try:
        return function(value)
    except RecursionError:
        raise error_class(f"the {what} is nested too deeply for JSON; flatten it") from None
    except UnicodeError:
        raise error_class(f"the {what} has a lone surrogate in it, which UTF-8 cannot carry; remove it") from None
    except Exception as error:  # noqa: BLE001 - reading the caller's objects may raise anything
        raise error_class(f"the {what} is not JSON: {_fault(error)}; pass JSON values") from None


def _fault(error: Exception) -> str:
    """What the JSON library says, where its words hold no content."""
    words = str(error)
    harmless = re.match(
        r"Object of type [\w.]+ is not JSON serializable|Circular reference detected|keys must be", words
    )
    if harmless:
        return words
    return "NaN and Infinity have no place in JSON" if "Out of range float" in words else type(error).__name__


def _context(value: Any) -> Mapping[str, Any]:
    """The invoker context as a fresh plain object, whichever of its three spellings was given."""
    if isinstance(value, str):
        context = _attempted("invoker context", _from_text, value, InvalidParamsError)
    elif isinstance(value, Mapping):
        context = _attempted("invoker context", _copied, value, InvalidParamsError)
    else:
        context = value
    if not isinstance(context, dict) or not isinstance(context.get("custom", {}), dict):
        raise InvalidParamsError(
            "the invoker context is an object such as {'custom': {…}}: a mapping, its JSON text, or base64 of that text"
        )
    return context


def _copied(value: Mapping[str, Any]) -> Any:
    return _json.decode(_json.encode(dict(value)))


def _from_text(text: str) -> Any:
    if text.lstrip()[:1] == "{":
        return _json.decode(text.encode())
    import base64

    return _json.decode(base64.b64decode(text, validate=True))
