"""Typed functions: what they send, what they make of answers, and what they refuse."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import enum
import json
import subprocess
import traceback
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import pytest

import fcall
from fcall.errors import FunctionError, FunctionResponseError, InvalidParamsError
from fcall.handlers import Context, handler


class Fit(enum.Enum):
    CROP = "crop"
    PAD = "pad"


@dataclass(frozen=True)
class Size:
    width: int
    height: int | None = None


@dataclass(frozen=True)
class Order:
    name: str
    sizes: list[Size]
    fit: Fit = Fit.CROP
    mode: Literal["fast", "good"] = "good"
    tags: dict[str, list[int]] = field(default_factory=dict)
    at: datetime.datetime | None = None
    day: datetime.date | None = None
    key: uuid.UUID | None = None
    price: decimal.Decimal = decimal.Decimal(0)
    corner: tuple[int, float] = (0, 0.0)


class Place(TypedDict):
    city: str
    size: NotRequired[Size]


FULL = Order(
    "ada.png",
    [Size(3), Size(4, 5)],
    Fit.PAD,
    "fast",
    {"a": [1, 2]},
    datetime.datetime(2026, 11, 21, 9, 30, tzinfo=datetime.UTC),
    datetime.date(2026, 11, 21),
    uuid.UUID(int=7),
    decimal.Decimal("1.10"),
    (1, 2.5),
)


class Half:
    """The function that these tests call: it halves a width, and remembers what it was given."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def __call__(self, event: Any, context: Any) -> Any:
        self.events.append(event)
        return event["answer"] if "answer" in event else {"width": event["width"] // 2}


@pytest.fixture
def half(registry: fcall.local.Registry) -> Half:
    function = Half()
    registry.function("images/half")(function)
    return function


@pytest.fixture
def typed(client: fcall.Client, half: Half) -> fcall.TypedFunction[Size, Size]:
    return client.function("images/half", request=Size, response=Size)


@pytest.fixture
def mock() -> Iterator[fcall.testing.FcallMock]:
    with fcall.testing.FcallMock().active() as mock:
        yield mock


# What is sent, and what comes back


def test_a_request_goes_out_and_a_response_comes_back(typed: fcall.TypedFunction[Size, Size], half: Half) -> None:
    """A record is sent as the object of its fields, and the answer is a record again."""
    assert Size(4) == typed(Size(8))
    assert [{"width": 8, "height": None}] == half.events


def test_a_request_is_encoded_as_an_event_is(client: fcall.Client, mock: fcall.testing.FcallMock) -> None:
    """Byte for byte a typed call and an untyped one of the same event are one call, for recordings and for keys."""
    route = mock.route("images/half", returns={"width": 1})
    client.invoke("images/half", {"width": 2, "height": None})
    client.function("images/half", request=Size)(Size(2))

    assert 1 == len({call.payload for call in route.calls})


def test_every_type_travels_both_ways(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """Nested records, choices, dates, UUIDs and Decimals come back as what they were."""
    registry.function("echo")(lambda event, context: event)
    echo = client.function("echo", request=Order, response=Order)

    assert FULL == echo(FULL)
    assert replace(FULL, at=None, key=None, sizes=[]) == echo(replace(FULL, at=None, key=None, sizes=[]))


@handler
def rename(event: Order, ctx: Context) -> Order:
    return replace(event, name=f"new {event.name}")


@pytest.mark.parametrize("runtime", ["lambda", "fc", "linkedge"])
def test_both_sides_understand_a_record_alike(runtime: str, registry: fcall.local.Registry) -> None:
    """A record that a typed function sends is the record that a handler gets, and the other way round, everywhere."""
    registry.function("rename")(rename)
    with fcall.Client(provider="local", registry=registry, runtime=runtime) as client:
        renamed = client.function("rename", request=Order, response=Order)(FULL)

    assert replace(FULL, name="new ada.png") == renamed


@pytest.mark.parametrize(
    ("request_type", "response_type", "request_value", "sent", "expected"),
    [
        (Place, Place, {"city": "Ulm"}, {"city": "Ulm"}, {"city": "Ulm"}),
        (Place, Place, {"city": "Ulm", "size": Size(1)}, {"city": "Ulm", "size": {"width": 1, "height": None}}, ...),
        (dict, dict, {"a": 1}, {"a": 1}, ...),
        (dict[str, Size], dict[str, Size], {"a": Size(1)}, {"a": {"width": 1, "height": None}}, ...),
        (list[Size], list, [Size(1)], [{"width": 1, "height": None}], [{"width": 1, "height": None}]),
        (Size | None, Size | None, None, None, None),
        (Size, Size, {"width": 1}, {"width": 1, "height": None}, Size(1)),
        (None, None, {"when": datetime.date(2026, 1, 1)}, {"when": "2026-01-01"}, {"when": "2026-01-01"}),
        (None, None, Size(1), {"width": 1, "height": None}, {"width": 1, "height": None}),
        (None, type(None), None, None, None),
        (str, str, "Grüße", "Grüße", ...),
        (float, float, 1, 1.0, 1.0),
    ],
)
def test_types_without_dependencies(
    client: fcall.Client,
    registry: fcall.local.Registry,
    request_type: Any,
    response_type: Any,
    request_value: Any,
    sent: Any,
    expected: Any,
) -> None:
    """TypedDicts, plain JSON types and what they make up go out as JSON, and come back as they are declared."""
    events = []
    registry.function("echo")(lambda event, context: events.append(event) or event)  # type: ignore[func-returns-value]
    answer = client.function("echo", request=request_type, response=response_type)(request_value)

    assert [sent] == events
    assert answer == (request_value if expected is ... else expected)


def test_bytes_are_not_touched(client: fcall.Client, mock: fcall.testing.FcallMock) -> None:
    """Where the type is bytes, payloads are what they are."""
    route = mock.route("copy", returns=b"\x00\xff")
    copy = client.function("copy", request=bytes, response=bytes)

    assert b"\x00\xff" == copy(b"not JSON")
    assert [b"not JSON"] == [call.payload for call in route.calls]
    with pytest.raises(InvalidParamsError, match="request has to be bytes, not a str"):
        copy("text")  # type: ignore[arg-type]


# What is refused


@pytest.mark.parametrize(
    ("request_value", "fault"),
    [
        (Size("secret"), "request.width has to be an integer, not a text"),  # type: ignore[arg-type]
        (Size(1, 2.5), "request.height has to be an integer, not a number"),  # type: ignore[arg-type]
        ({"height": 1}, "request lacks 'width'"),
        ("secret", "request has to be an object, not a text"),
        (FULL, "request has to be an object, not Order"),
    ],
)
def test_a_request_that_does_not_fit_is_not_sent(
    typed: fcall.TypedFunction[Any, Size], half: Half, request_value: Any, fault: str
) -> None:
    """Every verb refuses it before anything is sent, says where in it and what is wrong, and shows no value."""
    for verb in (typed, typed.invoke, typed.enqueue, typed.check, typed.stream):
        with pytest.raises(InvalidParamsError) as raised:
            verb(request_value)

        assert f"{fault} [function images/half]" == str(raised.value)
        assert fcall.Executed.NO is raised.value.executed
        assert "secret" not in "".join(traceback.format_exception(raised.value))
    assert [] == half.events


@dataclass
class Any_:  # noqa: N801 - a record of anything
    value: Any


class Stars(enum.IntEnum):
    ONE = 1
    TWO = 2


@pytest.mark.parametrize("hint", [Stars, Literal[Stars.ONE]])
def test_members_are_told_by_their_values_and_true_is_not_one(
    client: fcall.Client, registry: fcall.local.Registry, hint: Any
) -> None:
    """A member of an enumeration comes back as that member; true, which equals 1 in Python, is no number here."""
    registry.function("echo")(lambda event, context: event)
    stars = client.function("echo", request=hint, response=hint)

    assert Stars.ONE is stars(Stars.ONE) is stars(1)
    with pytest.raises(InvalidParamsError, match=r"request has to be one of 1"):
        stars(True)


@pytest.mark.parametrize("hint", [[Size], {"width": int}, Callable[[int], int]])
def test_what_is_no_type_is_refused_in_plain_words(client: fcall.Client, hint: Any) -> None:
    """What has no hash cannot even be looked up, and is refused like any other thing that is no type of JSON."""
    with pytest.raises(InvalidParamsError, match="which JSON cannot be converted to"):
        client.function("echo", request=hint)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({1, 2}, "Object of type set is not JSON serializable"),
        (float("nan"), "NaN and Infinity have no place in it"),
        ("\ud800", "lone surrogate"),
        (decimal.Decimal("1.12345678901234567890"), "a Decimal would lose digits as a number; use str() of it"),
        (b"secret", "Object of type bytes is not JSON serializable"),
    ],
)
def test_what_json_cannot_carry_is_not_sent(client: fcall.Client, value: Any, fault: str) -> None:
    """A value that fits the type and that JSON has nothing for is the same kind of error."""
    with pytest.raises(InvalidParamsError, match="the request ") as raised:
        client.function("echo", request=Any_)(Any_(value))

    assert fault in str(raised.value)
    assert "secret" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"height": "secret"}, "response lacks 'width'"),
        ({"width": "secret"}, "response.width has to be an integer, not a text"),
        (["secret"], "response has to be an object, not a list"),
        (None, "response has to be an object, not null"),
    ],
)
def test_a_response_that_does_not_fit_is_the_functions_failure(
    client: fcall.Client, half: Half, answer: Any, fault: str
) -> None:
    """The function ran, once even where running twice is harmless; the answer is in the error, and not in its words."""
    typed = client.function("images/half", request=dict, response=Size, idempotent=True)
    with pytest.raises(FunctionResponseError) as raised:
        typed({"answer": answer})
    error = raised.value

    assert str(error).startswith(f"{fault} [function images/half on local; ")
    assert (fcall.Executed.YES, "local", 200) == (error.executed, error.provider, error.status_code)
    assert error.result is not None
    assert answer == error.result.json()
    assert error.request_id == error.result.request_id
    assert "secret" not in "".join(traceback.format_exception(error))
    assert 1 == len(half.events) == len(error.attempts)


def test_an_answer_that_is_not_json_is_the_functions_failure(
    client: fcall.Client, mock: fcall.testing.FcallMock
) -> None:
    """It is named with the function that gave it."""
    mock.route("images/half", returns=b"secret")
    with pytest.raises(FunctionResponseError, match=r"the answer is not JSON.*\[function images/half on mock"):
        client.function("images/half", response=Size)({})


@dataclass
class Picky:
    width: int

    def __post_init__(self) -> None:
        if self.width > 9:
            raise ValueError(f"{self.width} secret")


def test_a_record_may_check_itself(client: fcall.Client, half: Half) -> None:
    """What the class of a record raises is told by its name, for its words may hold the value."""
    typed = client.function("images/half", request=dict, response=Picky)
    with pytest.raises(FunctionResponseError, match="its class raises ValueError") as raised:
        typed({"width": 40})

    assert Picky(4) == typed({"width": 8})
    assert "secret" not in "".join(traceback.format_exception(raised.value))


def test_the_functions_own_failure_stays_what_it_is(
    typed: fcall.TypedFunction[Any, Size], client: fcall.Client
) -> None:
    """Where the function fails there is no response to convert."""
    with pytest.raises(FunctionError, match="TypeError"):
        client.function("images/half", response=Size)(1)


@dataclass
class Filed:
    place: Path


@dataclass
class Deep:
    files: list[dict[str, Filed | None]]


@pytest.mark.parametrize("what", ["request", "response"])
@pytest.mark.parametrize(
    ("hint", "fault"),
    [
        (set, "is annotated with <class 'set'>, which JSON cannot be converted to"),
        (Deep, r".files\[…\]\[…\].place is annotated with <class 'pathlib.*Path'>, which JSON cannot be converted to"),
        (dict[int, str], r"is annotated with dict\[int, str\], which JSON"),
        (Size(1), "is a type, not a Size; pass its class"),
        ("Size", "is annotated with Size, which JSON"),
    ],
)
def test_a_type_that_json_has_nothing_for_is_refused_at_once(
    client: fcall.Client, what: str, hint: Any, fault: str
) -> None:
    """It is found where the function is defined, all the way down, and not when a response comes in."""
    with pytest.raises(InvalidParamsError, match=f"^{what} ?{fault}"):
        client.function("images/half", **{what: hint})


def test_a_record_of_unknown_types_is_refused_at_once(client: fcall.Client) -> None:
    """Annotations that cannot be read are the mistake of who wrote them, and said to be so."""

    @dataclass
    class Unknown:
        place: Nowhere  # type: ignore[name-defined] # noqa: F821 - that is the point

    with pytest.raises(InvalidParamsError, match="define the types at the top of a module"):
        client.function("images/half", request=Unknown)


@pytest.mark.parametrize(
    ("definition", "error", "fault"),
    [
        ({"target": "images/"}, InvalidParamsError, "target"),
        ({"timeout": -1}, InvalidParamsError, "the timeout is over 0"),
        ({"idempotency_key": "a"}, InvalidParamsError, "idempotency_key belongs to one call"),
        ({"payload": b""}, InvalidParamsError, "payload belongs to one call"),
        ({"patience": 5}, TypeError, "no call takes the keyword 'patience'"),
    ],
)
def test_a_mistake_is_found_where_the_function_is_defined(
    client: fcall.Client, definition: dict[str, Any], error: type[Exception], fault: str
) -> None:
    """The target and the parameters of every call are checked before the first one."""
    with pytest.raises(error, match=fault):
        client.function(**{"target": "images/half", **definition})


# How it is called


def test_parameters_hold_for_every_call_that_does_not_say_otherwise(
    client: fcall.Client, mock: fcall.testing.FcallMock
) -> None:
    """What is said at the definition is said by each call, and a call has the last word."""
    route = mock.route("images/half", returns={"width": 1})
    typed = client.function("images/half", request=Size, response=Size, timeout=5, idempotent=True, qualifier="prod")
    typed(Size(2))
    typed.enqueue(Size(2), timeout=7, idempotent=False, idempotency_key="order-7")
    list(typed.map([Size(2)], timeout=9))

    assert [(5, True, None), (7, False, "order-7"), (9, True, None)] == [
        (call.timeout, call.idempotent, call.idempotency_key) for call in route.calls
    ]
    assert {"images/half:prod"} == {call.target for call in route.calls}


def test_a_request_is_the_whole_payload(typed: fcall.TypedFunction[Size, Size], half: Half) -> None:
    """An event or a payload beside the request is refused, like an unknown keyword."""
    with pytest.raises(InvalidParamsError, match="leave event out"):
        typed(Size(1), event=1)  # type: ignore[call-arg]
    with pytest.raises(InvalidParamsError, match="leave payload out"):
        typed(Size(1), payload=b"")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="no call takes the keyword 'patience'"):
        typed(Size(1), patience=5)  # type: ignore[call-arg]
    assert [] == half.events


def test_every_verb_has_its_typed_twin(typed: fcall.TypedFunction[Size, Size], half: Half) -> None:
    """They give what the client's verbs give, and only the response is converted."""
    result = typed.invoke(Size(8), timeout=5)

    assert Size(4) == typed.read(result)
    assert b'{"width": 4}' == result.payload == b"".join(typed.stream(Size(8)))
    assert 202 == typed.enqueue(Size(8)).status_code
    typed.check(Size(8))
    assert [202, 202] == [acceptance.status_code for acceptance in typed.enqueue_many([Size(8), Size(6)])]
    assert ("images/half", "<TypedFunction images/half>") == (typed.target, repr(typed))


@pytest.mark.parametrize("concurrency", [1, 4])
def test_many_requests(typed: fcall.TypedFunction[Size, Size], half: Half, concurrency: int) -> None:
    """Responses come in the order of the requests, which are read lazily."""
    requests = (Size(width) for width in range(0, 200, 2))

    assert [Size(width) for width in range(100)] == list(typed.map(requests, concurrency=concurrency))


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize(
    ("bad", "error_type", "fault"),
    [
        ({"width": "secret"}, InvalidParamsError, "request.width has to be an integer, not a text [item 1; "),
        ({"width": -1}, FunctionResponseError, "response.width has to be an integer, not a text [item 1; "),
    ],
)
def test_one_of_many_that_does_not_fit(
    client: fcall.Client,
    registry: fcall.local.Registry,
    concurrency: int,
    bad: Any,
    error_type: type[fcall.FcallError],
    fault: str,
) -> None:
    """A map raises it in its turn, with its place; as_completed has an outcome for it, and the others go on."""
    registry.function("images/half")(lambda event, context: {"width": event["width"] if event["width"] > 0 else ""})
    typed: Any = client.function("images/half", request=Size, response=Size)
    responses = typed.map([Size(1), bad, Size(3)], concurrency=concurrency)

    assert Size(1) == next(responses)
    with pytest.raises(error_type) as raised:
        next(responses)
    assert str(raised.value).startswith(fault)
    assert [] == list(responses)

    outcomes = sorted(typed.as_completed([Size(1), bad, Size(3)], concurrency=concurrency), key=lambda each: each.index)
    first, failed, third = outcomes
    assert (Size(1), None, Size(3)) == (first.response, failed.response, third.response)
    assert (None, error_type, None) == (first.error, type(failed.error), third.error)
    assert 1 == failed.error.index
    assert (failed.result is not None) is (error_type is FunctionResponseError)
    assert "secret" not in repr(outcomes)


def test_one_request_is_no_batch(typed: Any) -> None:
    """A record where many are meant is named as such."""
    with pytest.raises(
        InvalidParamsError, match="requests is an iterable of items, not a Size; for one item use invoke"
    ):
        typed.map(Size(1))


def test_the_awaitable_twin(registry: fcall.local.Registry, half: Half) -> None:
    """The same verbs, awaited or for ``async for``, by the same rules."""

    async def requests() -> AsyncIterator[Size]:
        for width in (2, 4):
            yield Size(width)

    async def run() -> None:
        async with fcall.AsyncClient(provider="local", registry=registry) as client:
            typed = client.function("images/half", request=Size, response=Size, timeout=30)

            assert Size(4) == await typed(Size(8), timeout=20)
            assert Size(4) == typed.read(await typed.invoke(Size(8)))
            assert 202 == (await typed.enqueue(Size(8))).status_code
            await typed.check(Size(8))
            assert [b'{"width": 4}'] == [piece async for piece in typed.stream(Size(8))]
            assert [Size(1), Size(2)] == [size async for size in typed.map(requests())]
            assert {Size(1), Size(2)} == {each.response async for each in typed.as_completed([Size(2), Size(4)])}
            assert [202] == [accepted.status_code async for accepted in typed.enqueue_many([Size(2)])]
            assert "<AsyncTypedFunction images/half>" == repr(typed)
            with pytest.raises(InvalidParamsError, match=r"request\.width has to be an integer"):
                await typed(Size("2"))  # type: ignore[arg-type]

    asyncio.run(run())


# Libraries


PRINT_LOADED = """
import dataclasses, json, sys
import fcall

@dataclasses.dataclass
class Size:
    width: int

fcall.local.function("half")(lambda event, context: {"width": event["width"] // 2})
with fcall.Client(provider="local") as client:
    before = "fcall.handlers" in sys.modules
    client.function("half", request=Size, response=Size)(Size(2))
print(json.dumps([before, sorted({"pydantic", "msgspec"} & set(sys.modules))]))
"""


def test_libraries_are_not_imported_for_other_types(
    run_program: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    """Who gives a dataclass loads no library for models, and who gives no types does not load the converter."""
    finished = run_program(PRINT_LOADED)

    assert [False, []] == json.loads(finished.stdout), finished.stderr
