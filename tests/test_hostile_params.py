"""Hostile parameters: whatever comes in, a valid invocation or one of our errors comes out."""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import io
import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import Any, NoReturn

import pytest

from fcall import _json
from fcall._invocation import (
    _KEY,
    _KEYS,
    _QUALIFIER,
    LONGEST_TIMEOUT,
    CallParameters,
    Invocation,
    checked,
    parse_params,
)
from fcall._target import WELL_KNOWN, parse_target
from fcall.errors import ConfigurationError, Executed, FcallError, InvalidParamsError, InvalidPayloadError

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

MARKER = "s3cr3t-c0ntent"


def _one_of(values: Sequence[Any]) -> Any:
    """One of the values; `sampled_from` looks at them, which these do not like."""
    return st.integers(0, len(values) - 1).map(lambda index: values[index])


class GrudgeError(Exception):
    """What hostile objects raise: it holds content, and cannot even be shown."""

    def __str__(self) -> NoReturn:
        raise ValueError(MARKER)

    __repr__ = __str__


def _raise(*_: object, **__: object) -> NoReturn:
    raise GrudgeError(MARKER)


def _raise_with_content(*_: object, **__: object) -> NoReturn:
    raise ValueError(f"keys must be {MARKER}")


_WAYS = """
    __bool__ __bytes__ __call__ __contains__ __eq__ __float__ __format__ __ge__ __getitem__ __gt__ __hash__ __index__
    __int__ __iter__ __le__ __len__ __lt__ __ne__ __next__ __repr__ __str__ encode isprintable items keys lstrip strip
"""


def _hostile(name: str, *bases: type) -> type:
    """A class whose objects raise in every way they are looked at."""
    return type(name, bases, dict.fromkeys(re.findall(r"\w+", _WAYS), _raise))


class Liar:
    """It lies about its class, and any attribute of it raises, as an unbound proxy's does."""

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        raise GrudgeError(MARKER)

    def __getattr__(self, name: str) -> NoReturn:
        raise GrudgeError(MARKER)


class Arrayish:
    """Compares element by element, as numpy's arrays do, and has no truth."""

    def __eq__(self, other: object) -> Arrayish:  # type: ignore[override]
        return self

    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]
    __bool__ = _raise_with_content


class Pairs(Mapping[Any, Any]):
    """A mapping of any pairs: keys may be equal, or unhashable, or no texts."""

    def __init__(self, *pairs: tuple[Any, Any]) -> None:
        self._pairs = pairs

    def __getitem__(self, wanted: object) -> Any:
        return next(value for key, value in self._pairs if key is wanted)

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)


class Odd(Mapping[str, Any]):
    """A mapping whose items are no pairs."""

    __getitem__ = _raise_with_content
    __len__ = lambda self: 1  # noqa: E731
    __iter__ = lambda self: iter([MARKER])  # noqa: E731
    items = lambda self: [5]  # type: ignore[assignment]  # noqa: E731


class Colour(enum.StrEnum):
    """A text that is an enum's member."""

    RED = "red"


class Word(str):
    """A text with fields of its own."""


class Number(float):
    """A number that says nothing sensible of itself."""

    __lt__ = __le__ = __gt__ = __ge__ = __float__ = _raise  # type: ignore[assignment]


HostileText = _hostile("HostileText", str)
HostileDict = _hostile("HostileDict", dict)
HostileList = _hostile("HostileList", list)
HostileBytes = _hostile("HostileBytes", bytes)
HostileMapping = _hostile("HostileMapping", Mapping)
HostileInt = _hostile("HostileInt", int)


class Hostile(_hostile("Hostile")):  # type: ignore[misc]
    """One that can be a key."""

    __hash__ = object.__hash__


def _deep() -> Any:
    value: Any = MARKER
    for _ in range(50_000):
        value = [value]
    return value


def _circle() -> dict[str, Any]:
    circle: dict[str, Any] = {"custom": {}}
    circle["custom"][MARKER] = circle
    return circle


def _released() -> memoryview:
    view = memoryview(MARKER.encode())
    view.release()
    return view


DEEP = _deep()
KEPT: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 5, 10**30, -(10**400), 10**5000, 0.0, 1.5, -0.0, 1e308, 5e-324, 1j),
    *(float("nan"), float("inf"), -float("inf"), Number(5), HostileInt(5), decimal.Decimal("NaN"), decimal.Decimal(5)),
    *("", " ", "a", "resize", "a b", " a", "a\n", "\x00", "\x7f", "\ud800", "a\udfff", "\u2028", "\u202e", "ß", "𝔉"),
    *("Sync", "Async", "DryRun", "sync", "prod", "$LATEST", "x" * 300, "x" * 70_000, MARKER, f"{MARKER}\n", "*", "/:?"),
    *(Colour.RED, Word("resize"), Word("Sync"), HostileText("resize"), HostileText(MARKER), HostileText("Sync")),
    *(
        b"",
        b"raw",
        MARKER.encode(),
        b"\xff",
        bytearray(b"a"),
        memoryview(b"abcd")[::2],
        _released(),
        HostileBytes(b"a"),
    ),
    *([], (), [MARKER], [[]], [None, 1.5, "ß"], {1}, frozenset({MARKER}), range(3), HostileList([MARKER]), DEEP),
    *([float("nan")], {"a": float("inf")}, {MARKER: b""}, {MARKER: {1}}, {(MARKER,): 1}, {1: 2, None: 3}, {b"": 1}),
    *({}, {"custom": {}}, {"custom": None}, {"custom": []}, {"custom": {MARKER: [1]}, "env": 5}, {"a": "\ud800"}),
    *({"custom": {"a": float("nan")}}, {"custom": DEEP}, _circle(), {"custom": {5: Hostile()}}, {Hostile(): 1}),
    *('{"custom": {}}', '{"custom": {"a": 1e999}}', '{"a": "\\ud800"}', '{"a": NaN}', "{", "[]", "e30=", "e30", "//8="),
    *('{"a": ' + "[" * 50_000, '{"a": ' + "9" * 5_000 + "}", f'{{"{MARKER}"}}'),
    *(MappingProxyType({"custom": {}}), collections.OrderedDict(custom={}), collections.ChainMap({"custom": {}})),
    *(Pairs(), Pairs(("custom", {}), ("custom", 5)), Pairs(([], 1)), Pairs((Hostile(), 1)), Odd(), HostileMapping()),
    *(
        HostileDict(),
        HostileDict(custom={}),
        collections.defaultdict(_raise),
        SimpleNamespace(read=5),
        collections.UserDict(),
    ),
    *(
        Hostile(),
        Liar(),
        Arrayish(),
        object(),
        object,
        len,
        Ellipsis,
        NotImplemented,
        GrudgeError(MARKER),
        _raise,
        Colour,
    ),
    *(datetime.datetime(2026, 1, 1), datetime.date.max, datetime.timedelta(1), enum.IntEnum("Level", "LOW").LOW),
    *(io.BytesIO(b"1"), io.StringIO(MARKER), Exception, iter([1])),
)
MADE: tuple[Callable[[], Any], ...] = (
    (lambda: (i for i in [MARKER])),
    (lambda: map(_raise, [1])),
    (lambda: {"a": iter([])}),
)
GOOD: dict[str, tuple[Any, ...]] = {
    "serviceName": ("images", "Größe", Word("images")),
    "functionName": ("resize", "aws:x", "../../etc/passwd", "x" * 256),
    "functionId": ("arn:aws:lambda:eu-west-1:1:function:f", "f-1"),
    "invocationType": ("Sync", "Async", "DryRun"),
    "invokerContext": ({"custom": {"a": [1]}}, '{"custom": {}}', "e30="),
    "payload": (b"raw", "text", {"a": [1, None, "ß"]}, None, 5, ""),
    "qualifier": ("prod", "$LATEST", "1"),
    "provider": ("aws", "local"),
    "timeout": (1, 0.5, LONGEST_TIMEOUT),
    "idempotent": (True, False),
    "idempotencyKey": ("order-7",),
    "logTail": (True, False),
    "options": ({}, {"tenant_id": "a"}, {Word("a"): Hostile()}),
}
OTHERS = sorted(GOOD.keys() - {"serviceName", "functionName", "functionId"})
STRANGE_KEYS = (
    "function_name",
    "Payload",
    "",
    "\ud800",
    MARKER,
    5,
    None,
    (),
    b"payload",
    Word("payload"),
    Hostile(),
    [],
)
WRAPPERS: tuple[Callable[[list[tuple[Any, Any]]], Any], ...] = (
    *((lambda pairs: _dict(pairs, dict),) * 12),
    lambda pairs: MappingProxyType(_dict(pairs, dict)),
    lambda pairs: _dict(pairs, HostileDict),
    lambda pairs: _dict(pairs, collections.OrderedDict),
    lambda pairs: Pairs(*pairs),
    lambda pairs: pairs,
)


def _dict(pairs: list[tuple[Any, Any]], kind: type[dict[Any, Any]]) -> Any:
    given = kind()
    for key, value in pairs:
        if not isinstance(key, list):
            dict.__setitem__(given, key, value)
    return given


class Tape:
    """Choices read from bytes, which Hypothesis writes many times faster than it makes as many choices itself."""

    def __init__(self, tape: bytes) -> None:
        self._bytes = iter(tape)

    def of(self, values: Sequence[Any]) -> Any:
        return values[next(self._bytes, 0) % len(values)]

    def nasty(self) -> Any:
        """A nasty value, or one within a value that is none."""
        value = self.of(MADE)() if self.of(range(20)) == 1 else self.of(KEPT)
        return self.of((*[lambda value: value] * 4, *WITHIN))(value)


WITHIN: tuple[Callable[[Any], Any], ...] = (
    lambda value: [value],
    lambda value: {"a": value},
    lambda value: {"custom": {MARKER: value}},
    lambda value: MappingProxyType({"custom": value}),
)


def _params(tape: Tape) -> Any:
    """Valid params in which up to two values, and now and then a key, are nasty."""
    names = tape.of((["functionName"], ["serviceName", "functionName"], ["functionId"], ["functionName", "payload"]))
    others = [tape.of(OTHERS) for _ in range(tape.of(range(4)))]
    pairs = [(key, tape.of(GOOD[key])) for key in {**dict.fromkeys(names), **dict.fromkeys(others)}]
    pairs += [(tape.of([*names, *OTHERS, "payload", "payload"]), tape.nasty()) for _ in range(tape.of((0, 1, 1, 1, 2)))]
    pairs += [(tape.of(STRANGE_KEYS), tape.nasty()) for _ in range(tape.of((0, 0, 0, 0, 0, 0, 1)))]
    return tape.of(WRAPPERS)(pairs)


def _shown(error: BaseException | None) -> str:
    """Everything that anyone would print of an error and of what led to it."""
    words = ""
    while error is not None:
        words += str(error) + repr(error) + "".join(traceback.format_exception(error)) + repr(vars(error))
        error = error.__cause__ or error.__context__
    return words


def _assert_refused_well(error: FcallError) -> None:
    assert Executed.NO is error.executed
    assert 800 > len(str(error))
    assert str(error).isprintable()
    assert (None, None) == (error.__cause__, error.__context__)


def _assert_valid(invocation: Invocation) -> None:
    """What everything below the door relies on."""
    named = [invocation.function] if invocation.function_id is None else [invocation.function_id]
    named += [] if invocation.service is None else [invocation.service]
    for name in named:
        assert str is type(name)
        assert name.isprintable()
        assert 0 < len(name) <= 1024
        name.encode()
    assert bytes is type(invocation.payload)
    assert invocation.type in ("Sync", "Async", "DryRun")
    assert {bool} == {type(invocation.idempotent), type(invocation.log_tail), type(invocation.configured)}
    assert invocation.qualifier is None or _QUALIFIER.fullmatch(invocation.qualifier)
    assert invocation.idempotency_key is None or _KEY.fullmatch(invocation.idempotency_key)
    assert invocation.timeout is None or (
        type(invocation.timeout) is float and 0 < invocation.timeout <= LONGEST_TIMEOUT
    )
    assert invocation.options is None or {str} >= set(map(type, invocation.options))
    if invocation.invoker_context is not None:
        assert invocation.invoker_context == _json.decode(_json.encode(invocation.invoker_context))
        assert dict is type(invocation.invoker_context.get("custom", {}))


def _settings(examples: int) -> Any:
    """The same examples every time, and as many as it says."""
    return hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


def _assert_ends_well(parse: Callable[[], Invocation]) -> str:
    """How it ended: in an invocation, or in one of our errors."""
    try:
        invocation = parse()
    except (ConfigurationError, InvalidPayloadError) as error:
        caught: FcallError = error
    else:
        _assert_valid(invocation)
        return "Invocation"
    _assert_refused_well(caught)
    return type(caught).__name__


TAPES = st.binary(min_size=24, max_size=24).map(Tape)


def test_hostile_params_end_well() -> None:
    """10,000 hostile parameter sets end in a valid invocation or in one of our errors, never in another exception."""
    ends: collections.Counter[str] = collections.Counter()

    @_settings(10_000)
    @hypothesis.given(TAPES)
    def parsed(tape: Tape) -> None:
        params = _params(tape)
        ends[_assert_ends_well(lambda: parse_params(params)[1])] += 1

    parsed()

    assert 10_000 <= ends.total()
    assert {"Invocation", "InvalidParamsError", "InvalidPayloadError"} == set(ends)
    assert 500 < min(ends.values()), ends


def test_hostile_keywords_end_well() -> None:
    """The keywords of the verbs are as strict as the keys of the params."""
    target = parse_target("images/resize", ())

    @_settings(2_000)
    @hypothesis.given(TAPES)
    def parsed(tape: Tape) -> None:
        keywords = {
            tape.of(["event", *CallParameters.__annotations__]): tape.nasty() for _ in range(tape.of((1, 1, 2)))
        }
        _assert_ends_well(lambda: checked(target, **keywords))

    parsed()


@pytest.mark.parametrize("key", sorted(_KEYS))
def test_every_nasty_value_under_every_key(key: str) -> None:
    """No single value breaks the reading of a key."""
    names = {} if key in ("functionName", "functionId") else {"functionName": "f"}
    for value in KEPT:
        _assert_ends_well(lambda value=value: parse_params({**names, key: value})[1])


def _marked() -> Any:
    """Content, well-formed or not, with the marker somewhere in it."""
    text = st.text(st.characters(), max_size=3).map(lambda text: f"{text}{MARKER}{text}")
    leaf = text | text.map(lambda text: text.encode("utf-8", "replace")) | _one_of([{MARKER}, Hostile(), DEEP])
    bad = _one_of([float("nan"), object(), "\ud800", b""])
    return st.recursive(
        leaf,
        lambda inner: (
            st.tuples(inner, bad)
            | st.dictionaries(text, inner | bad, min_size=1, max_size=2)
            | st.lists(inner | bad, min_size=1, max_size=2)
            | text.map(lambda text: "{" + text)
            | text.map(lambda text: f'{{"{text}": 1e999}}')
        ),
        max_leaves=4,
    )


@pytest.mark.parametrize(
    "key", ["payload", "invokerContext", "idempotencyKey", "options", "timeout", "idempotent", "logTail"]
)
def test_no_content_in_any_error(key: str) -> None:
    """What a payload, a context, a key or an option holds is in no text of an error, of its causes or its traceback."""

    @_settings(300)
    @hypothesis.given(_marked())
    def refused(content: Any) -> None:
        try:
            parse_params({"functionName": "f", key: content})
        except (InvalidParamsError, InvalidPayloadError) as error:
            assert MARKER not in _shown(error)  # noqa: PT017 - many contents are fine

    refused()


RAISED = (
    GrudgeError(MARKER),
    ValueError(MARKER),
    ValueError(f"Circular reference detected in {MARKER}"),
    TypeError(f"Object of type x is not JSON serializable: {MARKER}"),
    TypeError(Hostile()),
    KeyError(MARKER),
    RecursionError(MARKER),
    UnicodeEncodeError("utf-8", MARKER, 0, 1, MARKER),
)


@pytest.mark.parametrize("raised", RAISED, ids=lambda error: type(error).__name__)
def test_what_a_hostile_object_raises_is_not_passed_on(raised: Exception) -> None:
    """An object that raises when it is read is refused; its error is not kept, for it can hold the content."""

    def items(_: object) -> NoReturn:
        raise raised

    content = type("Broken", (dict,), {"items": items})(a=1)
    for params in ({"functionName": "f", "payload": content}, {"functionName": "f", "payload": [content]}, content):
        with pytest.raises((InvalidParamsError, InvalidPayloadError)) as caught:
            parse_params(params)

        assert MARKER not in _shown(caught.value)


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_a_signal_is_not_swallowed(signal: type[BaseException]) -> None:
    """Ctrl-C while an event is being encoded is Ctrl-C."""

    def items(_: object) -> NoReturn:
        raise signal

    with pytest.raises(signal):
        parse_params({"functionName": "f", "payload": type("Slow", (dict,), {"items": items})(a=1)})


def test_any_text_is_read_as_a_target_or_refused() -> None:
    """No text makes anything but a target or an InvalidParamsError."""
    parts = st.sampled_from(
        ["aws", "arn", "acs", "1" * 12, ":", "/", "?", "&", "=", "%", "%41", "\ud800", "\n", "ß", "a", " "]
    )
    texts = st.lists(parts, max_size=8).map("".join) | st.text(st.characters(), max_size=30)

    @_settings(2_000)
    @hypothesis.given(texts)
    def read(text: str) -> None:
        try:
            target = parse_target(text, WELL_KNOWN)
        except InvalidParamsError as error:
            assert str(error).isprintable()  # noqa: PT017 - many texts are fine
        else:
            assert bool(target.function) is not bool(target.function_id)
            assert (target.provider is not None) is target.direct

    read()
