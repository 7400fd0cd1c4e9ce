"""The contract: what params and the keywords of the verbs may say, and what they become."""

from __future__ import annotations

import base64
import enum
import io
import json
import tempfile
from collections import OrderedDict
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from fcall._invocation import _KEYS, ABSENT, LONGEST_TIMEOUT, Invocation, checked, parse_params
from fcall._target import Target
from fcall.errors import ConfigurationError, Executed, InvalidParamsError, InvalidPayloadError

SECRET = "s3cr3t-content"
TARGET = Target("images", "resize")
EVERYTHING = {
    "serviceName": "images",
    "functionName": "resize",
    "invocationType": "Async",
    "invokerContext": {"custom": {"trace": "1"}},
    "payload": b"\x00raw",
    "qualifier": "prod",
    "provider": "aws",
    "timeout": 30,
    "idempotent": True,
    "idempotencyKey": "order-7",
    "logTail": True,
    "options": {"tenant_id": "a"},
}


class Name(enum.StrEnum):
    """Names as an application's own enum."""

    SERVICE = "images"
    FUNCTION = "resize"
    KIND = "DryRun"


class Munch(dict[str, Any]):
    """A dict whose keys are attributes, as several popular packages have it."""

    __getattr__ = dict.__getitem__


def _params(**more: Any) -> dict[str, Any]:
    return {"serviceName": "images", "functionName": "resize", **more}


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def _circle() -> Any:
    circle: list[Any] = []
    circle.append(circle)
    return circle


def _refused(params: Any, kind: type[ConfigurationError | InvalidPayloadError] = InvalidParamsError) -> str:
    """The words of the error with which the params are refused, after a look at its form."""
    with pytest.raises((ConfigurationError, InvalidPayloadError)) as caught:
        parse_params(params)
    error = caught.value

    assert kind is type(error)
    assert Executed.NO is error.executed
    assert str(error).isprintable()
    assert (None, None) == (error.__cause__, error.__context__)
    return str(error)


def _names(message: str, key: str) -> bool:
    """Whether the message speaks of the key: as it is written, or in words."""
    return key.lower() in message.lower().replace(" ", "")


def test_everything_that_can_be_said() -> None:
    """Every key of the contract reaches the invocation as its own kind of value."""
    target, invocation = parse_params(EVERYTHING)

    assert set(EVERYTHING) | {"functionId"} == _KEYS
    assert Target("images", "resize", "prod", provider="aws") == target
    assert invocation == Invocation(
        function="resize",
        service="images",
        type="Async",
        payload=b"\x00raw",
        invoker_context={"custom": {"trace": "1"}},
        qualifier="prod",
        timeout=30.0,
        idempotent=True,
        idempotency_key="order-7",
        log_tail=True,
        options={"tenant_id": "a"},
    )
    assert float is type(invocation.timeout)


def test_a_function_is_all_that_must_be_said() -> None:
    """Everything else has a default: Sync, an empty payload, nothing asked for."""
    assert (Target(None, "resize"), Invocation("resize")) == parse_params({"functionName": "resize"})


def test_an_id_stands_instead_of_the_names() -> None:
    """`functionId` is kept as it is, and nothing in it is read."""
    target, invocation = parse_params({"functionId": "arn:aws:lambda:eu-west-1:123456789012:function:resize"})

    assert "arn:aws:lambda:eu-west-1:123456789012:function:resize" == invocation.function_id == target.function_id
    assert ("", None, False) == (invocation.function, invocation.service, target.direct)


def test_names_in_params_are_opaque() -> None:
    """A name that looks like a target, a path or a module is a name: params may come from data."""
    for name in ("aws:resize", "arn:aws:x", "os:system", "../../etc/passwd", "images/resize:prod", "f?region=x"):
        target, invocation = parse_params({"functionName": name})

        assert (name, None, None, False) == (target.function, target.provider, target.qualifier, target.direct)
        assert (name, False) == (invocation.function, invocation.configured)


@pytest.mark.parametrize("key", sorted(_KEYS - {"payload", "functionName", "functionId"}))
def test_none_says_nothing(key: str) -> None:
    """None is as good as leaving the key out."""
    assert parse_params(_params() if key != "serviceName" else {"functionName": "resize"}) == parse_params(
        _params(**{key: None})
    )


@pytest.mark.parametrize("key", ["functionName", "functionId"])
def test_none_names_nothing(key: str) -> None:
    """A name that is None is missing."""
    assert "both are missing" in _refused({key: None})


@pytest.mark.parametrize(
    ("payload", "sent"),
    [
        (b"", b""),
        (b"\xff\x00", b"\xff\x00"),
        (bytearray(b"ab"), b"ab"),
        pytest.param(memoryview(b"abcd")[::2], b"ac", id="a view with gaps"),
        ("", b""),
        ("Grüße", "Grüße".encode()),
        ('{"a": 1}', b'{"a": 1}'),
        (Name.SERVICE, b"images"),
        (None, b"null"),
        (True, b"true"),
        (0, b"0"),
        (1.5, b"1.5"),
        ([], b"[]"),
        ({}, b"{}"),
        ((1, "ß"), '[1,"ß"]'.encode()),
        ({"b": 1, "a": [None]}, b'{"b":1,"a":[null]}'),
        ({1: 2, None: 3}, b'{"1":2,"null":3}'),
        (OrderedDict(a=1), b'{"a":1}'),
    ],
    ids=repr,
)
def test_the_payload_is_encoded_at_most_once(payload: Any, sent: bytes) -> None:
    """Bytes and text go out as they are; any other JSON value is encoded."""
    _, invocation = parse_params(_params(payload=payload))

    assert sent == invocation.payload
    assert bytes is type(invocation.payload)


@pytest.mark.parametrize("event", [None, True, 0, 1.5, "a text", "", [], {"a": "ß"}, Munch(read=True)], ids=repr)
def test_an_event_is_any_json_value(event: Any) -> None:
    """An event is encoded once, a text included, and None is null."""
    assert event == json.loads(checked(TARGET, event=event).payload)


def test_no_event_is_an_empty_payload() -> None:
    """Saying nothing is not the same as saying null."""
    assert (b"", b"null") == (checked(TARGET).payload, checked(TARGET, event=None).payload)
    assert "ABSENT" == repr(ABSENT)


def test_what_was_given_can_be_changed_afterwards() -> None:
    """The invocation shares nothing that can change with its caller."""
    payload, context, options = bytearray(b"ab"), {"custom": {"a": [1]}}, {"b": 1}
    _, invocation = parse_params(_params(payload=payload, invokerContext=context, options=options))
    payload[:] = b"XY"
    context["custom"]["a"].append(2)
    options["b"] = 2

    assert (b"ab", {"custom": {"a": [1]}}, {"b": 1}) == (
        invocation.payload,
        invocation.invoker_context,
        invocation.options,
    )


def test_texts_become_plain_texts() -> None:
    """A member of an application's enum, or any other subclass of str, is the text that it is."""
    params = {"serviceName": Name.SERVICE, "functionName": Name.FUNCTION, "invocationType": Name.KIND}
    params |= {"qualifier": Name.SERVICE, "idempotencyKey": Name.SERVICE, "options": {Name.SERVICE: 1}}
    target, said = parse_params({**params, "provider": Name.SERVICE})
    texts = [target.service, target.function, target.qualifier, target.provider, said.service, said.function]
    texts += [said.type, said.qualifier, said.idempotency_key, *said.options]

    assert {str} == set(map(type, texts))
    assert ("images", "resize", "DryRun") == (said.service, said.function, said.type)


@pytest.mark.parametrize("params", [MappingProxyType(_params()), OrderedDict(_params()), Munch(_params())], ids=repr)
def test_any_mapping_will_do(params: Mapping[str, Any]) -> None:
    """The contract asks for a mapping, not for a dict."""
    assert parse_params(_params()) == parse_params(params)


@pytest.mark.parametrize(
    "params",
    [None, [], "functionName", b"{}", 5, pytest.param(object(), id="object"), [("functionName", "f")]],
    ids=repr,
)
def test_anything_else_will_not(params: object) -> None:
    """What is no mapping is named by its type."""
    assert _refused(params).startswith("params is a mapping with a 'functionName', not a")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "either 'functionName' or 'functionId'; both are missing"),
        ({"serviceName": "images"}, "either 'functionName' or 'functionId'; both are missing"),
        ({"functionName": "f", "functionId": "i"}, "either 'functionName' or 'functionId'; both are given"),
        ({"functionName": "", "functionId": "i"}, "either 'functionName' or 'functionId'; both are given"),
        ({"serviceName": "s", "functionId": "i"}, "'functionId' stands instead of 'serviceName'"),
    ],
)
def test_there_is_one_way_to_name_a_function(params: dict[str, str], words: str) -> None:
    """Two names and an id exclude each other, and one of them is needed."""
    assert words in _refused(params)


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("functionname", "'functionname' (did you mean 'functionName'?)"),
        ("function_name", "'function_name' (did you mean 'functionName'?)"),
        ("Payload", "'Payload' (did you mean 'payload'?)"),
        ("idempotency_key", "'idempotency_key' (did you mean 'idempotencyKey'?)"),
        ("context", "'context' (did you mean 'invokerContext'?)"),
        ("zzz", "'zzz'; it takes"),
        ("a\nb\x1b", "'a b�'; it takes"),
        ("", "''; it takes"),
        (5, "a key of type int; it takes"),
        (None, "a key of type NoneType; it takes"),
        ((), "a key of type tuple; it takes"),
        (b"payload", "a key of type bytes; it takes"),
    ],
)
def test_an_unknown_key_is_refused(key: Any, shown: str) -> None:
    """A key that is not of the contract is an error that shows the nearest one and all of them."""
    message = _refused({"functionName": "f", key: "x"})

    assert f"params does not take {shown}" in message
    assert message.endswith("provider, qualifier, serviceName, timeout")


WRONG = {
    "serviceName": [5, b"images", ["images"], "", "x" * 257, " images", "images ", "a\nb", "a\x00", "\ud800", "\u200b"],
    "functionName": [5, b"resize", {}, "", "x" * 257, "\tf", "f\r\n", "\x7f", "a\udfffb", "\u2028"],
    "functionId": [5, 0, b"arn", "", "x" * 1025, "arn:\n", " arn"],
    "provider": [5, "", "x" * 257, "aws\n", object()],
    "invocationType": [5, "", "sync", "SYNC", "Event", b"Sync", True, "Sync\n", ["Sync"]],
    "qualifier": [5, "", "a b", "a/b", "x" * 129, "prod\n", "ä", "a:b", b"prod"],
    "timeout": ["5", True, 0, -1, 0.0, float("nan"), float("inf"), -float("inf"), LONGEST_TIMEOUT + 1, 10**400, [5]],
    "idempotent": [1, 0, "true", "", [], object()],
    "idempotencyKey": [5, "", "a b", "x" * 257, "order\n7", "ä", b"order", "\x7f"],
    "logTail": [1, 0, "Tail", [], object()],
    "options": [5, "", [], [("a", 1)], {5: 1}, {None: 1}, {b"a": 1}],
    "invokerContext": [5, [], b'{"custom": {}}', {"custom": None}, {"custom": []}, {"custom": "a"}, True],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG.items() for value in values])
def test_a_wrong_value_is_refused(key: str, value: Any) -> None:
    """A value of the wrong type or out of its bounds is an error that speaks of its key."""
    names = {"functionId": {"functionId": "i"}}.get(key, _params())

    assert _names(_refused({**names, key: value}), key)


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("serviceName", "x" * 256, "service"),
        ("functionName", "Größe 世界 🌍", "function"),
        ("qualifier", "$LATEST", "qualifier"),
        ("qualifier", "x" * 128, "qualifier"),
        ("timeout", 5e-324, "timeout"),
        ("timeout", LONGEST_TIMEOUT, "timeout"),
        ("idempotencyKey", "!" + "~" * 255, "idempotency_key"),
        ("idempotent", False, "idempotent"),
        ("logTail", False, "log_tail"),
        ("options", {}, "options"),
        ("invokerContext", {}, "invoker_context"),
    ],
)
def test_a_value_at_its_bounds_is_taken(key: str, value: Any, read: str) -> None:
    """The bounds themselves are inside."""
    assert value == getattr(parse_params(_params(**{key: value}))[1], read)


@pytest.mark.parametrize("given", ["SYNC", "sync", "synk"])
def test_the_type_is_suggested(given: str) -> None:
    """A type that is nearly right is met with the right one."""
    assert "one of Async, DryRun, Sync, not" in _refused(_params(invocationType=given))
    assert "did you mean 'Sync'?" in _refused(_params(invocationType=given))


def test_the_name_of_an_enum_member_does_not_count() -> None:
    """A number that calls itself Sync is no text."""
    assert "not a Kind" in _refused(_params(invocationType=enum.IntEnum("Kind", "Sync").Sync))


@pytest.mark.parametrize("numpy_like", [Decimal("5"), 5j, b"5"])
def test_a_timeout_is_a_plain_number(numpy_like: object) -> None:
    """What only behaves like a number is refused by its type."""
    assert f"a number of seconds, not a {type(numpy_like).__name__}" in _refused(_params(timeout=numpy_like))


def test_a_file_is_not_read_for_the_caller(tmp_path: Path) -> None:
    """A file object, as payload or as event, is met with what to write instead."""
    with (tmp_path / "f").open("wb") as plain, tempfile.NamedTemporaryFile(dir=tmp_path) as temporary:
        for file in (plain, temporary, io.BytesIO(b"1"), io.StringIO("1")):
            assert "pass payload=f.read()" in _refused(_params(payload=file))
            for verb in ("event", "payload"):
                with pytest.raises(InvalidParamsError, match=rf"file object \({type(file).__name__}\)"):
                    checked(TARGET, **{verb: file})


NOT_JSON = {
    "NaN": (float("nan"), "NaN and Infinity have no place in it"),
    "Infinity": ({"a": [float("inf")]}, "NaN and Infinity have no place in it"),
    "-Infinity as a key": ({-float("inf"): 1}, "NaN and Infinity have no place in it"),
    "deep": (_nested(100_000), "nested too deeply"),
    "circle": (_circle(), "Circular reference detected"),
    "set": ({"a": {1}}, "Object of type set is not JSON serializable"),
    "bytes inside": ([SECRET.encode()], "Object of type bytes is not JSON serializable"),
    "object": (object(), "Object of type object is not JSON serializable"),
    "mapping": (MappingProxyType({}), "Object of type mappingproxy is not JSON serializable"),
    "decimal": (Decimal(1), "Object of type Decimal is not JSON serializable"),
    "key": ({(SECRET,): 1}, "keys must be str, int, float, bool or None, not tuple"),
    "surrogate": ([f"{SECRET}\ud800"], "lone surrogate"),
    "surrogate in a key": ({f"{SECRET}\udfff": 1}, "lone surrogate"),
    "huge number": (10**10_000, "Exceeds the limit"),
}


@pytest.mark.parametrize(("value", "words"), NOT_JSON.values(), ids=NOT_JSON)
def test_what_json_cannot_carry_is_refused(value: Any, words: str) -> None:
    """A value that JSON has no form for is an error that names the fault and the parameter, and not the content."""
    message = _refused(_params(payload=value), InvalidPayloadError)
    with pytest.raises(InvalidPayloadError, match="the event ") as caught:
        checked(TARGET, event=value)

    assert message.startswith("the payload ")
    assert words in message
    assert words in str(caught.value)
    assert SECRET not in message


@pytest.mark.parametrize(("value", "words"), NOT_JSON.values(), ids=NOT_JSON)
def test_the_context_is_json_too(value: Any, words: str) -> None:
    """The same faults in the invoker context are found before anything is sent."""
    message = _refused(_params(invokerContext={"custom": {"a": value}}))

    assert message.startswith("the invoker context ")
    assert words in message
    assert SECRET not in message


def test_a_text_payload_is_utf8() -> None:
    """A text that UTF-8 cannot carry is refused, and not shown."""
    message = _refused(_params(payload=f"{SECRET}\ud800"), InvalidPayloadError)

    assert "the payload has a lone surrogate in it" in message
    assert SECRET not in message


def test_a_released_buffer_is_refused() -> None:
    """Bytes that are gone cannot be sent."""
    payload = memoryview(b"abc")
    payload.release()

    assert "cannot be read: it raises ValueError" in _refused(_params(payload=payload), InvalidPayloadError)


@pytest.mark.parametrize("event", [b"1", bytearray(b"1"), memoryview(b"1")])
def test_bytes_are_no_event(event: Any) -> None:
    """Bytes as event could mean two things; the error names the one that is possible."""
    with pytest.raises(InvalidParamsError, match="pass bytes as payload="):
        checked(TARGET, event=event)


@pytest.mark.parametrize("payload", [5, None, {}, [], True, 1.5, pytest.param(object(), id="object")], ids=repr)
def test_a_verbs_payload_is_bytes_or_text(payload: Any) -> None:
    """Where there is an event for JSON values, a payload is sent as it is."""
    with pytest.raises(InvalidParamsError, match=f"not an? {type(payload).__name__}; pass a JSON value as event"):
        checked(TARGET, payload=payload)


def test_event_and_payload_exclude_each_other() -> None:
    """Two bodies are one too many, even where both are the same."""
    with pytest.raises(InvalidParamsError, match="event and payload are both given"):
        checked(TARGET, event=None, payload=b"null")


CONTEXT = {"custom": {"trace": "ß"}, "env": {"a": [1, None]}}


@pytest.mark.parametrize(
    "spelling",
    [
        CONTEXT,
        MappingProxyType(CONTEXT),
        json.dumps(CONTEXT),
        "\n  " + json.dumps(CONTEXT, ensure_ascii=False),
        base64.b64encode(json.dumps(CONTEXT).encode()).decode(),
        base64.b64encode(json.dumps(CONTEXT, ensure_ascii=False).encode()).decode(),
    ],
    ids=["dict", "mapping", "text", "text with blanks", "base64", "base64 of UTF-8"],
)
def test_the_context_has_three_spellings(spelling: Any) -> None:
    """A mapping, its JSON text and base64 of that text are the same context."""
    _, invocation = parse_params(_params(invokerContext=spelling))

    assert CONTEXT == invocation.invoker_context
    assert dict is type(invocation.invoker_context)


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        "",
        "{",
        f'{{"{SECRET}": }}',
        '["custom"]',
        "null",
        "5",
        '{"custom": null}',
        '{"custom": NaN}',
        '{"custom": "\ud800"}',
        "ä",
        "====",
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"\xff\xff").decode(),
        base64.b64encode(b"[]").decode(),
        base64.b64encode(json.dumps(CONTEXT).encode()).decode() + "\n*",
    ],
    ids=ascii,
)
def test_garbage_is_no_context(text: str) -> None:
    """A text that is none of the spellings is told all three, and not shown."""
    message = _refused(_params(invokerContext=text))

    assert "a mapping, its JSON text, or base64 of that text" in message
    assert SECRET not in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"custom": {"a": 1e999}}', "NaN and Infinity"),
        ('{"custom": {"a": "\\ud800"}}', "lone surrogate"),
        ('{"custom": ' + "[" * 100_000, "nested too deeply"),
    ],
    ids=["1e999", "escaped surrogate", "deep"],
)
def test_a_context_can_be_sent_on(text: str, words: str) -> None:
    """JSON text that reads well but cannot be written again is refused now, not at the provider's edge."""
    assert words in _refused(_params(invokerContext=text))


def test_qualifiers_may_agree() -> None:
    """A qualifier given twice is fine as long as it is the same."""
    target = Target("images", "resize", "prod")

    assert "prod" == checked(target, qualifier="prod").qualifier == checked(target).qualifier
    with pytest.raises(InvalidParamsError, match="two different qualifiers"):
        checked(target, qualifier="dev")


@pytest.mark.parametrize(
    ("keyword", "words"),
    [("timeuot", "did you mean 'timeout'"), ("logTail", "did you mean 'log_tail'"), ("zzz", "'zzz'; it takes event, ")],
)
def test_an_unknown_keyword_is_a_type_error(keyword: str, words: str) -> None:
    """The verbs are plain Python: a keyword that is not theirs is a TypeError, with the nearest one."""
    with pytest.raises(TypeError, match=words):
        checked(TARGET, **{keyword: 1})


def test_the_shape_of_an_invocation_shows_no_content() -> None:
    """The repr has neither payload, nor context, nor key, nor options."""
    content = {"payload": SECRET, "context": {"custom": {"a": SECRET}}, "idempotency_key": SECRET}

    assert SECRET not in repr(checked(TARGET, **content, options={"a": SECRET}))


def test_only_a_direct_target_is_configured() -> None:
    """A name counts as written by a developer only where the target went past the configuration."""
    assert checked(Target(None, "app.py:resize", provider="local", direct=True)).configured
    assert not checked(TARGET).configured
