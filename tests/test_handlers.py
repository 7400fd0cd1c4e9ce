"""Handlers that run anywhere: what they are given, what they may return, and what they cost."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, List, NewType, NotRequired, Required, TypedDict  # noqa: UP035 - see Loose

import pytest

from fcall import handlers
from fcall.handlers import Context, Handler, InvalidEventError, handler

if TYPE_CHECKING:
    from pathlib import PurePath


@handler
def echo(event: Any, ctx: Context) -> Any:
    return event


@handler
def seen(event: Any, ctx: Context) -> Context:
    contexts.append(ctx)
    return None  # type: ignore[return-value]


contexts: list[Context] = []


def _context(raw: Any, event: Any = b"{}") -> Context:
    seen(event, raw)
    return contexts.pop()


# Events and answers


def test_a_plain_call_answers_as_its_caller_would_see_it() -> None:
    """A test can call the handler itself, with an event alone, and gets what JSON makes of the answer."""
    assert {"1": [1, 2]} == echo({1: (1, 2)})
    assert None is echo(None)


def test_bytes_are_answered_with_bytes() -> None:
    """A runtime that hands over bytes gets bytes, in UTF-8; an empty event is an empty object, as on Lambda."""
    assert '{"a": "ż"}'.encode() == echo(b'{"a": "\\u017c"}')
    assert b"{}" == echo(b"") == echo(bytearray())


def test_a_gateway_may_hand_over_text() -> None:
    """Where the platform is one that sends on what it gets, text is an event to decode, and the answer is bytes."""
    assert b'{"a": 1}' == echo('{"a": 1}', {"requestId": "r", "invokerContext": {}})


def test_a_value_is_not_decoded_again() -> None:
    """A test may give a function the event as a value beside a context that a runtime makes for bytes."""
    for event in ({"a": 1}, {}, [], [1], 0, True):
        assert json.dumps(event).encode() == echo(event, {"requestId": "r", "invokerContext": {}})
    assert "{}" == echo("{}")


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        (b"{", "is not JSON (at character 1)"),
        (b"NaN", "is not JSON"),
        (b'"\xff"', "is not UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "is nested too deeply"),
        (b"'secret'", "is not JSON (at character 0)"),
    ],
)
def test_what_is_not_json_is_a_clear_error(payload: bytes, fault: str) -> None:
    """The error says what is wrong with the event; neither it nor what is chained to it shows the event."""
    with pytest.raises(InvalidEventError) as raised:
        echo(payload)

    assert f"the event {fault}" == str(raised.value)
    assert raised.value.__cause__ is raised.value.__context__ is None


def test_the_handler_stays_what_it_is() -> None:
    """It keeps its name and its documentation, and the function itself is at hand."""

    def resize(event: Any, ctx: Context) -> Any:
        """Make it smaller."""
        return ctx

    entry = handler(resize)

    assert ("resize", "Make it smaller.") == (entry.__name__, entry.__doc__)
    assert resize is entry.__wrapped__  # type: ignore[attr-defined]


def test_any_callable_can_be_a_handler() -> None:
    """A bound method, or an object that can be called, is a function too."""

    class Greeter:
        def greet(self, event: Any, ctx: Context) -> str:
            return f"Hello {event}"

        def __call__(self, event: Any, ctx: Context) -> str:
            return f"Bye {event}"

    assert "Hello Ada" == handler(Greeter().greet)("Ada")


async def _later(event: Any, ctx: Context) -> int:
    return 1


@pytest.mark.parametrize("thing", [_later, 42, Handler, "resize"])
def test_what_no_runtime_could_run_is_refused_at_once(thing: Any) -> None:
    """An async function, a class, or what cannot be called fails where it is decorated, not at the first event."""
    with pytest.raises(TypeError, match=r"takes a function|awaits a handler"):
        handler(thing)


# Typed events


class Size(TypedDict, total=False):
    width: Required[int]
    height: int


class Named(TypedDict):
    name: str
    size: NotRequired[Size]


@dataclass
class Node:
    value: int
    rest: Node | None = None


def test_keys_of_a_typed_dict_may_be_marked() -> None:
    """Required and NotRequired hold also where annotations are texts; keys that are not named are left alone."""

    @handler
    def size(event: Named, ctx: Context) -> Named:
        return event

    assert {"name": "a", "more": 1} == size({"name": "a", "more": 1})
    for bad, message in (({}, "event lacks 'name'"), ({"name": "a", "size": {}}, r"event\.size lacks 'width'")):
        with pytest.raises(InvalidEventError, match=message):
            size(bad)


def test_a_record_may_hold_its_own_kind() -> None:
    """Types that name themselves are followed as deep as the event goes."""

    @handler
    def total(event: Node, ctx: Context) -> int:
        return event.value + (event.rest.value if event.rest else 0)

    assert 3 == total({"value": 1, "rest": {"value": 2}})
    assert 5 == total(Node(2, Node(3)))
    with pytest.raises(InvalidEventError, match=r"^event\.rest\.rest\.value has to be an integer, not a text$"):
        total({"value": 1, "rest": {"value": 2, "rest": {"value": "secret"}}})


def test_only_records_are_checked() -> None:
    """Any other annotation is the type checker's business, even one that cannot be read when the handler runs."""

    @handler
    def loose(event: dict[str, str], ctx: PurePath) -> Any:
        return event

    @handler
    def typed(event: Node, ctx: PurePath) -> Any:
        return event.value

    assert [1] == loose([1])
    assert 1 == typed({"value": 1})


def test_a_record_that_is_there_already_is_checked() -> None:
    """A test that hands over a record instead of an event hears of a member that no event could have brought."""

    @handler
    def value(event: Node, ctx: Context) -> int:
        return event.value

    with pytest.raises(InvalidEventError, match=r"^event\.rest\.value has to be an integer, not a text$"):
        value(Node(1, Node("secret")))  # type: ignore[arg-type]


UserId = NewType("UserId", str)


@dataclass
class Loose:
    names: List  # type: ignore[type-arg] # noqa: UP006 - an annotation without its element
    table: dict  # type: ignore[type-arg]
    steps: Sequence[int]
    sizes: Mapping[str, Size]
    owner: UserId


def test_a_type_may_be_without_elements_or_under_another_name() -> None:
    """A list of who knows what takes anything, a sequence is a list, and a ``NewType`` is the type behind it."""

    @handler
    def kinds(event: Loose, ctx: Context) -> list[Any]:
        return [event.names, event.table, event.steps, event.sizes, event.owner]

    fine = {"names": [1, "a"], "table": {"b": None}, "steps": [1], "sizes": {"a": {"width": 1}}, "owner": "ada"}

    assert [*fine.values()] == kinds(fine)
    assert [*fine.values()] == kinds(Loose([1, "a"], {"b": None}, (1,), {"a": {"width": 1}}, UserId("ada")))
    with pytest.raises(InvalidEventError, match=r"^event\.steps\[0\] has to be an integer, not a text$"):
        kinds({**fine, "steps": [""]})
    with pytest.raises(InvalidEventError, match=r"^event\.sizes\[…\] lacks 'width'$"):
        kinds({**fine, "sizes": {"a": {}}})
    with pytest.raises(InvalidEventError, match=r"^event\.owner has to be a text, not an integer$"):
        kinds({**fine, "owner": 1})


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement came with Python 3.12")
def test_a_type_may_have_a_name_by_a_type_statement() -> None:
    """A record behind a ``type`` statement is found, at the top and inside."""
    sizes = typing.TypeAliasType("sizes", list[Size])  # type: ignore[attr-defined,unused-ignore]

    widths_of_sizes = handler(_annotated(sizes))

    assert [{"width": 1}] == widths_of_sizes([{"width": 1}])
    with pytest.raises(InvalidEventError, match=r"^event\[0\] lacks 'width'$"):
        widths_of_sizes([{}])


@dataclass
class Numbered:
    pages: dict[int, str]


def test_an_event_cannot_be_of_every_type() -> None:
    """A record with a field of a type that JSON cannot make is the author's mistake, and named as such."""

    @dataclass
    class Filed:
        place: Path

    @handler
    def file(event: Filed, ctx: Context) -> Any:
        return event

    handler_of_local_type = handler(_annotated(Filed))
    handler_of_numbers = handler(_annotated(Numbered))

    with pytest.raises(TypeError, match=r"event\.place is annotated with .*Path.*, which JSON cannot be converted to"):
        handler_of_local_type({})
    with pytest.raises(TypeError, match=r"event\.pages is annotated with dict\[int, str\], which JSON cannot"):
        handler_of_numbers({})
    with pytest.raises(TypeError, match="define the types at the top of a module"):
        file({"place": "/tmp"})


def _annotated(record: Any) -> Callable[[Any, Context], Any]:
    def function(event: Any, ctx: Context) -> Any:
        return event

    function.__annotations__["event"] = record
    return function


# Contexts


def test_function_compute_2_tells_its_version_by_the_service() -> None:
    """The context of the Python 3.9 runtime: the limit is a text, the version is the service's."""
    function = SimpleNamespace(name="resize", handler="m.f", memory=128, timeout="60")
    service = SimpleNamespace(name="images", qualifier="prod", version_id="7")
    context = _context(SimpleNamespace(request_id="r", requestId="r", function=function, service=service))

    assert ("fc", "r", "resize", "7", {}) == (
        context.platform,
        context.request_id,
        context.function_name,
        context.version,
        context.invoker_context,
    )
    assert 59 < (context.remaining_seconds() or 0) <= 60


def test_function_compute_3_has_no_service() -> None:
    """The context of the Python 3.12 runtime: the version, or else the qualifier, is the function's."""
    function = SimpleNamespace(name="resize", handler="m.f", memory=128, timeout=0, version_id="", qualifier="LATEST")
    context = _context(SimpleNamespace(request_id="r", function=function))

    assert ("fc", "LATEST", 0.0) == (context.platform, context.version, context.remaining_seconds())


@pytest.mark.parametrize(
    "given",
    [
        {"custom": {"a": 1}},
        '{"custom": {"a": 1}}',
        base64.b64encode(b'{"custom": {"a": 1}}').decode(),
    ],
)
def test_a_gateway_may_decode_the_invoker_context_or_not(given: Any) -> None:
    """Whether the gateway hands over the object, its JSON, or base64 of that, the function sees the object."""
    for raw in ({"requestId": "r", "invokerContext": given}, SimpleNamespace(requestId="r", invokerContext=given)):
        context = _context(raw)

        assert ("linkedge", "r", {"custom": {"a": 1}}) == (
            context.platform,
            context.request_id,
            context.invoker_context,
        )


@pytest.mark.parametrize("given", ["", "no context", "WzFd", None, 1])
def test_an_invoker_context_that_is_none_is_empty(given: Any) -> None:
    """What cannot be an invoker context does no harm to the call."""
    assert {} == _context({"requestId": "r", "invokerContext": given}).invoker_context


def test_older_lambda_runtimes_have_less_to_tell() -> None:
    """Without `w3c`, and without a client context, there is simply nothing of it; time that is over is 0."""
    raw = SimpleNamespace(
        aws_request_id="r",
        function_name="resize",
        function_version="3",
        client_context=None,
        get_remaining_time_in_millis=lambda: -5,
    )
    context = _context(raw, {})

    assert ("lambda", "3", {}, 0.0) == (
        context.platform,
        context.version,
        context.invoker_context,
        context.remaining_seconds(),
    )
    assert raw is context.raw


def test_an_unknown_context_is_a_plain_call() -> None:
    """A test may hand over anything, nothing, or a `Context` of its own making."""
    own = Context(request_id="1", function_name="resize", remaining=lambda: 2.5)

    assert own is _context(own)
    assert 2.5 == own.remaining_seconds()
    for raw in (None, object(), {}, SimpleNamespace()):
        context = _context(raw)

        assert ("local", None, None, {}) == (
            context.platform,
            context.request_id,
            context.remaining_seconds(),
            context.invoker_context,
        )


def test_a_context_shows_no_content() -> None:
    """Its repr names the invocation, and leaves out what the caller sent along."""
    context = Context(request_id="1", invoker_context={"custom": {"token": "hunter2"}}, platform="fc")

    assert "Context(platform='fc', function_name=None, version=None, request_id='1')" == repr(context)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"custom": {"traceparent": "1", "b3": "2", "count": 3}}, {"traceparent": "1", "b3": "2"}),
        ({"w3c": {"traceparent": "1"}}, {"traceparent": "1"}),
        (
            {"custom": {"traceparent": "1", "tracestate": "2", "b3": "3"}, "w3c": {"traceparent": "4"}},
            {"traceparent": "4", "b3": "3"},
        ),
        ({"custom": "traceparent", "w3c": ["traceparent"]}, {}),
        ({"w3c": None}, {}),
    ],
)
def test_the_trace_context_is_what_a_propagator_looks_into(given: Any, expected: dict[str, str]) -> None:
    """It has the texts among ``custom``, and a trace of the caller's own in ``w3c`` is not mixed with another one."""
    assert expected == Context(invoker_context=given).trace_context


# Handlers that are objects


class Resize(Handler):
    def execute(self) -> Any:
        if self.event == "fail":
            raise OSError("the disk is full")
        return [self.event, self.config.get("bucket", "none"), self.context.request_id]


class Execution:
    """An execution context that a test makes by itself."""

    def __init__(self, event: Any) -> None:
        self.event = event
        self.context = Context(request_id="r")
        self.config = {"bucket": "pictures"}
        self.told: list[Exception] = []

    def notify(self, error: Exception) -> None:
        self.told.append(error)


def test_an_object_can_be_tried_without_a_runtime() -> None:
    """A handler is made with any object that has the four members."""
    execution = Execution("ada.png")
    resize = Resize(execution)

    assert ["ada.png", "pictures", "r"] == resize() == resize.execute()
    assert execution is resize.execution_context
    assert [] == execution.told


def test_a_failure_is_notified_and_then_raised() -> None:
    """Whoever is to be told is told once, with the exception that the caller then sees."""
    execution = Execution("fail")

    with pytest.raises(OSError, match="the disk is full") as raised:
        Resize(execution)()

    assert [raised.value] == execution.told


def test_a_failure_to_notify_does_not_hide_the_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """What went wrong first is raised; what went wrong then is in the log."""

    def broken(error: Exception) -> None:
        raise RuntimeError("nobody is there")

    with pytest.raises(OSError, match="the disk is full"):
        Resize.entry_point(notify=broken)("fail")

    assert "RuntimeError: nobody is there" in capsys.readouterr().err


def test_the_settings_are_the_environment_where_none_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """`config` is the environment variables, unless the entry point says otherwise."""
    monkeypatch.setenv("bucket", "of the environment")

    assert ["a", "of the environment", None] == Resize.entry_point()("a")
    assert ["a", "given", None] == Resize.entry_point(config={"bucket": "given"})("a")
    assert ("Resize", __name__) == (Resize.entry_point().__name__, Resize.entry_point().__module__)


def test_a_handler_has_to_say_what_it_does() -> None:
    """A class that does not override `execute` fails with its own name."""

    class Idle(Handler):
        pass

    with pytest.raises(NotImplementedError, match=r"Idle has no execute\(\)"):
        Idle.entry_point()({})


class Typed(Handler):
    event: Node

    def execute(self) -> int:
        return self.event.value


class Inheriting(Typed):
    other: PurePath


def test_a_class_may_say_of_what_type_its_event_is() -> None:
    """The annotation of the class, or of its base, has the event converted and checked."""
    assert 1 == Typed.entry_point()({"value": 1}) == Inheriting.entry_point()({"value": 1})
    with pytest.raises(InvalidEventError):
        Inheriting.entry_point()({})


# Costs


def test_a_cold_start_pays_for_little(tmp_path: Path) -> None:
    """The function's side brings in no client, no typing, no dataclasses, nothing but a little standard library."""
    program = (
        "import sys, json; before = set(sys.modules); import fcall.handlers;"
        "fcall.handlers.handler(lambda event, ctx: event)(b'1'); print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    loaded = set(json.loads(_run(program, tmp_path)))
    ours = {name for name in loaded if name.split(".")[0] == "fcall"}

    assert {"fcall", "fcall.handlers"} < ours
    assert set() == {name for name in ours - {"fcall"} if not name.startswith("fcall.handlers")}
    assert set() == {name for name in loaded - ours if name.split(".")[0] not in sys.stdlib_module_names}
    assert set() == {"typing", "dataclasses", "inspect", "asyncio", "logging", "pluggy"} & loaded


def _run(program: str, folder: Path) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return finished.stdout


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """The names that are brought in late are there, and a misspelt one is not."""
    assert set(handlers.__all__) <= set(dir(handlers))
    assert all(getattr(handlers, name) for name in handlers.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Handlr'"):
        _ = handlers.Handlr  # type: ignore[attr-defined]
