"""One call as data: what the application asked for, checked once and then never again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NoReturn, TypeAlias, TypedDict, TypeVar

from fcall import _json
from fcall._frozen import maker
from fcall._target import Target
from fcall._wording import a_kind, listed, nearest, quoted
from fcall.errors import FcallError, InvalidParamsError, InvalidPayloadError

__all__ = [
    "ABSENT",
    "LONGEST_TIMEOUT",
    "CallParameters",
    "Invocation",
    "InvocationType",
    "attempted",
    "checked",
    "checked_names",
    "parse_params",
]

T = TypeVar("T")
InvocationType: TypeAlias = Literal["Sync", "Async", "DryRun"]

LONGEST_TIMEOUT = 7 * 86_400.0
"""Seconds; no provider runs a function for longer than a day."""

_TYPES: dict[str, InvocationType] = {"Sync": "Sync", "Async": "Async", "DryRun": "DryRun"}
_LONGEST_NAME = 256
_LONGEST_ID = 1024
_BYTES = (bytes, bytearray, memoryview)
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


_made = maker(Invocation)


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
    """The invocation of `target`, whose names are checked already, with these parameters.

    Raises:
        InvalidParamsError: a parameter has the wrong type or is out of its bounds.
        InvalidPayloadError: the event or the payload cannot be encoded.
        TypeError: a keyword is unknown.
    """
    if unknown:
        name, known = next(iter(unknown)), CallParameters.__annotations__
        raise TypeError(f"no call takes the keyword {name!r}{nearest(name, known)}; it takes event, {listed(known)}")
    return _made(
        target.function,
        target.service,
        type,
        _body(event, payload),
        None if context is None else attempted("invoker context", _context, context),
        _one_qualifier(target.qualifier, qualifier),
        target.function_id,
        None if timeout is None else attempted("timeout", _timeout, timeout),
        idempotent if idempotent is False else _flag("idempotent", idempotent),
        None if idempotency_key is None else _key(_plain(idempotency_key)),
        log_tail if log_tail is False else _flag("log tail", log_tail),
        None if options is None else attempted("options", _options, options),
        target.direct,
    )


def checked_names(target: Target) -> Target:
    """The target, its service, function and id being such as a call can have.

    Raises:
        InvalidParamsError: one is no text, empty, too long, or has a character that cannot be printed.
    """
    return replace(
        target,
        service=None if target.service is None else _name("service name", target.service),
        function=target.function if target.function_id is not None else _name("function name", target.function),
        function_id=None if target.function_id is None else _name("function id", target.function_id, _LONGEST_ID),
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
    given = attempted("params", _given, params)
    target = _named_target(given)
    verb = {_VERB_KEYWORDS[key]: value for key, value in given.items() if key in _VERB_KEYWORDS}
    if "payload" in verb:
        verb["payload"] = attempted("payload", _as_is_or_encoded, verb["payload"], InvalidPayloadError)
    return target, checked(target, _type(_plain(given.get("invocationType", "Sync"))), **verb)


def _given(params: Any) -> dict[str, Any]:
    """What params says; None says nothing, but in the payload it is null."""
    if not isinstance(params, Mapping):
        raise InvalidParamsError(f"params is a mapping with a 'functionName', not {a_kind(params)}")
    given = {key: value for key, value in params.items() if value is not None or key == "payload"}
    if not given.keys() <= _KEYS:
        _refuse_unknown(next(key for key in given if key not in _KEYS))
    return given


def _refuse_unknown(key: Any) -> NoReturn:
    key = _plain(key)
    shown = repr(quoted(key, 60)) if type(key) is str else f"a key of type {type(key).__name__}"
    raise InvalidParamsError(f"params does not take {shown}{nearest(key, _KEYS)}; it takes {listed(_KEYS)}")


def _named_target(given: Mapping[str, Any]) -> Target:
    function, function_id = given.get("functionName"), given.get("functionId")
    if (function is None) == (function_id is None):
        which = "both are missing" if function is None else "both are given"
        raise InvalidParamsError(f"params takes either 'functionName' or 'functionId'; {which}")
    if function_id is not None and "serviceName" in given:
        raise InvalidParamsError("'functionId' stands instead of 'serviceName' and 'functionName'; leave one out")
    return Target(
        service=None if "serviceName" not in given else _name("service name", given["serviceName"]),
        function="" if function is None else _name("function name", function),
        function_id=None if function_id is None else _name("function id", function_id, _LONGEST_ID),
        provider=None if "provider" not in given else _name("provider", given["provider"]),
        qualifier=_plain(given.get("qualifier")),
    )


def _plain(value: Any) -> Any:
    """A text as a plain str, for a subclass of str (an enum's member is one) has ways of its own; the rest as it is."""
    return str.__str__(value) if type(value) is not str and issubclass(type(value), str) else value


def _name(what: str, value: Any, longest: int = _LONGEST_NAME) -> str:
    name = _plain(value)
    if type(name) is not str:
        raise InvalidParamsError(f"the {what} is a text, not {a_kind(value)}; pass its name")
    if not name or len(name) > longest:
        raise InvalidParamsError(f"the {what} has 1 to {longest} characters, not {len(name)}")
    if not name.isprintable() or name.strip() != name:
        raise InvalidParamsError(
            f"the {what} {quoted(name, 60)!r} has a character in it that cannot be printed, or a blank at an end; "
            "remove it"
        )
    return name


def _type(value: Any) -> InvocationType:
    if type(value) is str and value in _TYPES:
        return _TYPES[value]
    shown = repr(quoted(value, 40)) if type(value) is str else a_kind(value)
    raise InvalidParamsError(f"the invocation type is one of {listed(_TYPES)}, not {shown}{nearest(value, _TYPES)}")


def _one_qualifier(in_target: Any, given: Any) -> str | None:
    qualifier = in_target if given is None else _plain(given)
    if qualifier is None:
        return None
    if type(qualifier) is not str or not _QUALIFIER.fullmatch(qualifier):
        raise InvalidParamsError(
            "the qualifier is a version or an alias: 1 to 128 of the characters A-Z a-z 0-9 _ $ . -"
        )
    if in_target is not None and in_target != qualifier:
        raise InvalidParamsError("the target and the qualifier parameter name two different qualifiers; give one")
    return qualifier


def _key(value: Any) -> str:
    if type(value) is not str or not _KEY.fullmatch(value):
        raise InvalidParamsError("the idempotency key is a text of 1 to 256 visible ASCII characters, without blanks")
    return value


def _timeout(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidParamsError(f"the timeout is a number of seconds, not {a_kind(value)}")
    if not 0 < value <= LONGEST_TIMEOUT:
        raise InvalidParamsError(f"the timeout is over 0 and at most {LONGEST_TIMEOUT:.0f} seconds")
    return float(value)


def _flag(what: str, value: Any) -> bool:
    if type(value) is not bool:
        raise InvalidParamsError(f"{what} is True or False, not {a_kind(value)}")
    return value


def _options(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise InvalidParamsError("options is a mapping from the names of the provider's call options to their values")
    return {_plain(name): setting for name, setting in value.items()}


def _body(event: Any, payload: Any) -> bytes:
    if event is ABSENT:
        return b"" if payload is ABSENT else attempted("payload", _as_is, payload, InvalidPayloadError)
    if payload is not ABSENT:
        raise InvalidParamsError("event and payload are both given; event is encoded as JSON, payload is sent as it is")
    return attempted("event", _encoded, event, InvalidPayloadError)


def _as_is(payload: Any) -> bytes:
    if type(payload) is bytes:
        return payload
    if isinstance(payload, str):
        return str.encode(payload)
    if isinstance(payload, _BYTES):
        return memoryview(payload).tobytes()
    _refuse_file(payload)
    raise InvalidParamsError(f"payload is bytes or a text, not {a_kind(payload)}; pass a JSON value as event")


def _encoded(event: Any) -> bytes:
    if isinstance(event, _BYTES):
        raise InvalidParamsError("event is bytes; pass bytes as payload=, which is sent as it is")
    _refuse_file(event)
    return _json.encode(event)


def _as_is_or_encoded(payload: Any) -> bytes:
    return _as_is(payload) if isinstance(payload, (str, *_BYTES)) else _encoded(payload)


def _refuse_file(value: Any) -> None:
    if not isinstance(value, dict) and callable(getattr(value, "read", None)):  # a dict may show its keys as attributes
        raise InvalidParamsError(f"the payload is a file object ({type(value).__name__}); pass payload=f.read()")


def _context(value: Any) -> Mapping[str, Any]:
    """The invoker context as a fresh plain object, whichever of its three spellings was given."""
    if isinstance(value, str):
        value = _from_text(_plain(value))
    context: dict[str, Any] | None = None
    if isinstance(value, Mapping):
        context = _json.decode(_json.encode(dict(value)))
    if context is None or not isinstance(context.get("custom", {}), dict):
        raise InvalidParamsError(
            "the invoker context is an object such as {'custom': {…}}: a mapping, its JSON text, or base64 of that text"
        )
    return context


def _from_text(text: str) -> Any:
    """The value that JSON text, or base64 of it, stands for; None where it is neither."""
    import base64

    try:
        return _json.decode(text.encode() if text.lstrip()[:1] == "{" else base64.b64decode(text, validate=True))
    except ValueError:
        return None


def attempted(
    what: str, function: Callable[[Any], T], value: Any, error_class: type[FcallError] = InvalidParamsError
) -> T:
    """`function` of the value, or an error that names the kind of fault and never the content.

    Reading an object of the caller's may raise anything. What it raised is kept out of the error's chain, because it
    can hold the content: so the error is raised when the original is no longer being handled.
    """
    try:
        return function(value)
    except FcallError:
        raise
    except Exception as error:  # noqa: BLE001 - see above
        fault = _fault(error)
    raise error_class(f"the {what} {fault}")


_HARMLESS = re.compile(
    r"Object of type [\w.]+ is not JSON serializable"
    r"|keys must be str, int, float, bool or None, not [\w.]+"
    r"|Circular reference detected"
    r"|Exceeds the limit \(\d+ digits\) for integer string conversion.*"
    r"|a Decimal would lose digits as a number; use str\(\) of it"
)


def _fault(error: Exception) -> str:
    """What is wrong, in the words of the JSON library where they hold no content."""
    if isinstance(error, RecursionError):
        return "is nested too deeply for JSON; flatten it"
    if isinstance(error, UnicodeError):
        return "has a lone surrogate in it, which UTF-8 cannot carry; remove it"
    words = error.args[0] if type(error) in (TypeError, ValueError) and error.args else None
    if type(words) is str and _HARMLESS.fullmatch(words):
        return f"is not JSON: {words}; pass JSON values"
    if type(words) is str and words.startswith("Out of range float"):
        return "is not JSON: NaN and Infinity have no place in it; pass JSON values"
    return f"cannot be read: it raises {type(error).__name__}; pass plain JSON values"
