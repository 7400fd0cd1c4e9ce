"""Registering functions of this process."""

from __future__ import annotations

import functools
import importlib.util
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall.errors import ConfigurationError, FunctionNotFoundError, InvalidParamsError


def one(event: Any, context: Any) -> int:
    return 1


def two(event: Any, context: Any) -> int:
    return 2


def test_the_decorated_function_stays_what_it_is(registry: fcall.local.Registry) -> None:
    """The decorator gives back the very function, so that it can be tested and called as before."""
    assert one is registry.function("a/one")(one)


def test_the_modules_decorator_registers_for_every_client() -> None:
    """``@fcall.local.function`` is all that a function needs to be callable by the default client."""

    @fcall.local.function("greetings/hello")
    def hello(event: Any, context: Any) -> str:
        return f"Hello {event['name']}"

    answer = fcall.invoke_function({"serviceName": "greetings", "functionName": "hello", "payload": '{"name": "Ada"}'})

    assert b'"Hello Ada"' == answer["payload"]


def test_a_function_may_be_without_a_service(registry: fcall.local.Registry) -> None:
    """Functions with and without a service are different functions."""
    registry.function("one")(one)
    registry.function("a/one")(two)

    assert (one, two, None) == (registry.find(None, "one"), registry.find("a", "one"), registry.find("b", "one"))


def test_names_are_listed_in_order(registry: fcall.local.Registry) -> None:
    """The functions of a service are listed, and no others."""
    for name in ("a/two", "a/one", "b/three", "four"):
        registry.function(name)(one)

    assert [["one", "two"], ["three"], ["four"], []] == [list(registry.names(s)) for s in ("a", "b", None, "c")]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/x",
        "a/",
        "a/b/c",
        "a/b:prod",
        "a:",
        " a",
        "a/b ",
        "a\nb",
        "x" * 257,
        None,
        5,
        b"a/b",
        ["a"],
        "s" * 257 + "/x",
    ],
)
def test_a_name_that_no_call_could_have_is_refused(registry: fcall.local.Registry, name: Any) -> None:
    """It is found where the function is registered, and not when it cannot be called."""
    with pytest.raises(InvalidParamsError):
        registry.function(name)


def test_a_decorator_without_a_name_says_what_is_missing() -> None:
    """``@fcall.local.function`` without parentheses is the mistake that everybody makes once."""
    with pytest.raises(InvalidParamsError, match=r"name the function: @fcall\.local\.function"):
        fcall.local.function(one)  # type: ignore[arg-type]


@pytest.mark.parametrize("handler", [None, 5, "module:function"])
def test_what_cannot_be_called_is_refused(registry: fcall.local.Registry, handler: Any) -> None:
    """A handler that is not callable is found when it is registered."""
    with pytest.raises(InvalidParamsError, match=f"'a/b' is a {type(handler).__name__}, which cannot be called"):
        registry.function("a/b")(handler)


class Callable:
    """An object that can be called."""

    def __call__(self, event: Any, context: Any) -> str:
        return "called"

    def method(self, event: Any, context: Any) -> str:
        return "called"


@pytest.mark.parametrize("handler", [Callable(), Callable().method, functools.partial(one), lambda event, context: 1])
def test_anything_that_can_be_called_is_a_handler(registry: fcall.local.Registry, handler: Any) -> None:
    """Objects, methods, partials and lambdas are handlers, and may be registered again."""
    registry.function("a/b")(handler)
    registry.function("a/b")(handler)

    assert handler is registry.find("a", "b")


@pytest.mark.parametrize(
    ("first", "second"),
    [(one, two), (Callable(), Callable()), (functools.partial(one), functools.partial(two)), (one, Callable().method)],
)
def test_two_functions_cannot_have_one_name(registry: fcall.local.Registry, first: Any, second: Any) -> None:
    """The second registration is an error that names both, and the first one stays."""
    registry.function("a/b")(first)
    with pytest.raises(ConfigurationError, match=r"'a/b' is registered twice, as .* and as .*; give one another name"):
        registry.function("a/b")(second)

    assert first is registry.find("a", "b")


def test_a_function_that_is_defined_again_replaces_itself(
    registry: fcall.local.Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file may be imported again, also under another name, as happens where it is run and imported."""
    file = tmp_path / "twice.py"
    file.write_text("def handler(event, context): return __name__\n")
    for name in ("twice_first", "twice_second"):
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        monkeypatch.setitem(sys.modules, name, module := importlib.util.module_from_spec(spec))
        spec.loader.exec_module(module)
        registry.function("a/b")(module.handler)

    assert "twice_second" == registry.find("a", "b")(None, None)  # type: ignore[misc]


def test_threads_register_at_once(registry: fcall.local.Registry) -> None:
    """Many threads that register lose nothing, and of two that want one name, one is told."""
    together = threading.Barrier(16)

    def registered(number: int) -> str:
        together.wait(10)
        for each in range(50):
            registry.function(f"service-{number}/f{each}")(one)
        try:
            registry.function("shared/name")(one if number % 2 else two)
        except ConfigurationError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(16) as pool:
        errors = [made.result(10) for made in [pool.submit(registered, number) for number in range(16)]]

    assert [50] * 16 == [len(list(registry.names(f"service-{number}"))) for number in range(16)]
    assert 8 == len([error for error in errors if "registered twice" in error])


def test_registries_are_apart(client: fcall.Client) -> None:
    """A registry of one's own does not see what others registered, and its error says what it has."""
    other = fcall.local.Registry()
    other.function("a/one")(one)
    with pytest.raises(FunctionNotFoundError, match="no local function 'one' is registered for the service 'a'"):
        client.invoke("a/one")

    assert b"1" == fcall.Client(provider="local", registry=other).invoke("a/one").payload


def test_an_unknown_function_is_an_error_with_the_nearest_one(
    client: fcall.Client, registry: fcall.local.Registry
) -> None:
    """The error names what is registered for the service."""
    registry.function("images/resize")(one)
    registry.function("images/crop")(one)
    with pytest.raises(
        FunctionNotFoundError, match=r"\(did you mean 'resize'\?\); there is crop, resize\. Register it"
    ):
        client.invoke("images/rezise")
    with pytest.raises(FunctionNotFoundError, match="'resize' is registered without a service; there is none"):
        client.invoke("resize")
