"""One invocation in boto3's words, checked: boto3 itself lets names, sizes and headers through unseen."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from fcall.errors import InvalidParamsError, InvalidPayloadError, UnsupportedFeatureError
from fcall.provider import Invocation
from fcall_aws._arn import FunctionReference
from fcall_aws._options import AwsCallOptions

__all__ = ["CONTEXT_KEYS", "LONGEST_CONTEXT", "parameters"]

CONTEXT_KEYS = frozenset({"client", "custom", "env", "w3c"})
"""What of an invoker context reaches a function; the runtimes drop every other key."""

LONGEST_CONTEXT = 3583
"""Bytes of base64 (API reference of Invoke, ClientContext)."""

_TYPES = {"Async": "Event", "DryRun": "DryRun"}
_EXECUTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_READ_WHOLE = 65_536
_BEGINNING = re.compile(rb'[ \t\r\n]*(?:(\{)[ \t\r\n]*"|(\[)[ \t\r\n]*[\[{"tfn0-9-]|(")|-?[0-9])')
_ENDS = (b"0123456789", b"}", b"]", b'"')  # by the group that matched, 0 being none
_NO_OPTIONS = AwsCallOptions()


def parameters(invocation: Invocation, reference: FunctionReference) -> dict[str, Any]:
    """The parameters of ``client.invoke`` for a call.

    Raises:
        InvalidParamsError: the context, the tenant or the key is not one that Lambda takes.
        InvalidPayloadError: the payload is not JSON text.
        UnsupportedFeatureError: there is a key, and the function is not a durable one.
    """
    given: dict[str, Any] = {"FunctionName": reference.name}
    if invocation.type != "Sync":  # what Lambda does where nothing is said; one header less to sign
        given["InvocationType"] = _TYPES[invocation.type]
    if reference.qualifier is not None:
        given["Qualifier"] = reference.qualifier
    if invocation.payload:
        check_json(invocation.payload)
        given["Payload"] = invocation.payload
    if invocation.log_tail:
        given["LogType"] = "Tail"
    if invocation.invoker_context is not None:
        given["ClientContext"] = client_context(invocation.invoker_context)
    options = invocation.options or _NO_OPTIONS
    if options.tenant_id is not None:
        given["TenantId"] = options.tenant_id
    if invocation.idempotency_key is not None:
        given["DurableExecutionName"] = _execution_name(invocation.idempotency_key, options)
    return given


def _execution_name(key: str, options: AwsCallOptions) -> str:
    if not options.durable:
        raise UnsupportedFeatureError(
            "Lambda enforces an idempotency key for durable functions only; say options={'durable': True} if this is "
            "one, or idempotent=True if running twice is harmless"
        )
    if not _EXECUTION_NAME.fullmatch(key):
        raise InvalidParamsError(
            "the idempotency key becomes the durable execution's name: 1 to 64 of the characters A-Z a-z 0-9 - _"
        )
    return key


def client_context(context: Mapping[str, Any]) -> str:
    """The invoker context as Lambda's header carries it.

    Raises:
        InvalidParamsError: it is too large, or not of the shape that the runtimes read.
    """
    for key, value in context.items():
        if value is not None and not isinstance(value, dict):
            raise InvalidParamsError(f"{key!r} of the invoker context is an object, not a {type(value).__name__}")
    text = json.dumps(context, ensure_ascii=False, separators=(",", ":"))
    encoded = base64.b64encode(text.encode())
    if len(encoded) > LONGEST_CONTEXT:
        raise InvalidParamsError(
            f"the invoker context has {len(encoded):,} bytes in base64 and Lambda takes at most {LONGEST_CONTEXT:,}; "
            "put it into the payload"
        )
    return encoded.decode()


def check_json(payload: bytes) -> None:
    """See that a payload is JSON text, without making values of its numbers.

    Lambda reads all of it before anything runs, and refuses what is not JSON. So of a large one only the two ends are
    looked at here: reading it whole would cost more than everything else that is done for the call.

    Raises:
        InvalidPayloadError: it is not, and Lambda would refuse it.
    """
    try:
        if len(payload) <= _READ_WHOLE:
            _decoder.decode(payload.decode())
        elif not _has_ends_of_json(payload):
            raise ValueError
    except RecursionError:
        fault = "is nested too deeply"
    except ValueError:  # left out of the chain, because it holds the payload
        fault = "is not JSON in UTF-8"
    else:
        return
    raise InvalidPayloadError(f"the payload {fault}, and Lambda takes nothing else; encode it, or pass it as event")


def _has_ends_of_json(payload: bytes) -> bool:
    found = _BEGINNING.match(payload)
    return found is not None and payload.rstrip(b" \t\r\n")[-1] in _ENDS[found.lastindex or 0]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=str, parse_float=str)
