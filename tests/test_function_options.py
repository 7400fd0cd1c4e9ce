"""Options of one function: ``functions = { name = "code?option=value" }``."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall._target import parse_named
from fcall.errors import ConfigurationError, FunctionTimeoutError, InvalidParamsError


@pytest.fixture(autouse=True)
def _code() -> None:
    Path("app.py").write_text(
        textwrap.dedent(
            """
            import time
            def kind(event, context): return type(event).__name__
            def slow(event, context): time.sleep(0.05)
            """
        )
    )


def client(functions: Any, **more: Any) -> fcall.Client:
    return fcall.Client({"services": {"s": {"provider": "local", "functions": functions, **more}}})


def test_one_function_chooses_its_runtime() -> None:
    """A function of a service may run by other rules than the rest of it."""
    calling = client({"a": "app.py:kind", "b": "app.py:kind?runtime=fc"})

    assert ["dict", "bytes"] == [
        calling.invoke("s/a", {"x": 1}).json(),
        calling.invoke("s/b", payload=b"{}").text,
    ]


def test_a_functions_option_beats_the_services() -> None:
    """What is said of one function counts for it alone."""
    calling = client({"a": "app.py:slow", "b": "app.py:slow?function_timeout=0.01"}, function_timeout=10)
    calling.invoke("s/a")

    with pytest.raises(FunctionTimeoutError, match=r"timed out after 0\.01 seconds"):
        calling.invoke("s/b")


def test_the_name_is_what_stands_before_the_options() -> None:
    """Listing, dry run and Async calls know the function by its name."""
    calling = client({"b": "app.py:kind?runtime=fc&isolation=inline"})
    calling.check("s/b")
    calling.enqueue("s/b", payload=b"")

    assert ["b"] == [each.name for each in calling.list_functions("s")]


def test_failover_services_have_options_of_their_own() -> None:
    """A function that is called elsewhere is called by what is said of it there."""
    services = {
        "s": {"provider": "local", "functions": {"a": "missing.py:kind"}, "failover": ["t"]},
        "t": {"provider": "local", "functions": {"a": "app.py:kind?runtime=fc"}},
    }
    first, second = fcall.Client({"services": services})._router.routes(parse_named("s/a"))

    assert [True, False] == ["*" in route.capabilities.invoker_context.get("Sync", ()) for route in (first, second)]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("app.py:kind?", r"ends in '\?'"),
        ("app.py:kind?runtime", "not written name=value"),
        ("app.py:kind?runtime=fc&runtime=lambda", "sets an option twice"),
        ("app.py:kind?rnutime=fc", "does not take the option 'rnutime'.*runtime"),
        ("app.py:kind?runtime=perl", "runtime"),
        ("app.py:kind?durable=x.db", "does not take the option 'durable'"),
    ],
)
def test_options_that_are_none_are_refused(written: str, words: str) -> None:
    """A slip is found before anything runs, and says what it takes."""
    with pytest.raises(ConfigurationError, match=words):
        client({"a": written}).invoke("s/a")


@pytest.mark.parametrize("functions", ["{function}?runtime=fc", {"*": "x-{function}?runtime=fc"}])
def test_a_template_has_no_options(functions: Any) -> None:
    """What holds for all functions is said of the service."""
    with pytest.raises((ConfigurationError, InvalidParamsError), match="functions"):
        client(functions).invoke("s/a")
