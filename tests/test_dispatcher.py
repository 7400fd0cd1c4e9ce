"""The dispatcher: two methods over a client."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import fcall
from fcall.errors import (
    ClientClosedError,
    FunctionError,
    FunctionNotFoundError,
    FunctionResponseError,
    InvalidParamsError,
    RejectedError,
)


@pytest.fixture
def dispatcher(registry: fcall.local.Registry) -> Iterator[fcall.Dispatcher]:
    """A dispatcher of this machine, with this test's functions."""
    with fcall.Dispatcher(provider="local", registry=registry) as dispatcher:
        yield dispatcher


def halved(event: Any, context: Any) -> Any:
    return event["width"] // 2


def test_a_function_is_dispatched_by_its_name(
    client: fcall.Client, registry: fcall.local.Registry, dispatcher: fcall.Dispatcher
) -> None:
    """Waiting gives the decoded result, whether the client is given or the dispatcher's own."""
    registry.function("images/halved")(halved)

    assert 320 == fcall.Dispatcher(client).dispatch("images/halved", {"width": 640})
    assert 320 == dispatcher.dispatch("images/halved", {"width": 640})


def test_without_a_client_it_is_the_default_one(registry: fcall.local.Registry) -> None:
    """Which client that is, is decided at every call, so a test or a fork may put another one in its place."""
    dispatcher = fcall.Dispatcher()
    for number in (1, 2):
        own = fcall.local.Registry()
        own.function("number")(lambda event, context, number=number: number)
        with fcall.Client(provider="local", registry=own) as client:
            fcall.set_default_client(client)

            assert number == dispatcher.dispatch("number")


def test_no_event_is_null(dispatcher: fcall.Dispatcher) -> None:
    """A function that is dispatched without an event gets None."""
    assert [None] == dispatcher.dispatch(lambda event, context: [event])


def test_a_callable_is_dispatched_on_this_machine(dispatcher: fcall.Dispatcher) -> None:
    """It runs by the rules of the runtime: its event and its answer go through JSON, and it has a context."""

    def described(event: Any, context: Any) -> Any:
        return event, context.function_name

    assert [{"width": [1]}, "described-1"] == dispatcher.dispatch(described, {"width": (1,)})


def test_callables_are_told_apart(dispatcher: fcall.Dispatcher) -> None:
    """Functions of one name and place are different functions; the same one, or the same method, is one."""

    class Scaled:
        def __init__(self, by: int) -> None:
            self.by = by

        def scale(self, event: Any, context: Any) -> Any:
            return [event * self.by, context.function_name]

    made = [Scaled(2).scale, Scaled(3).scale, lambda event, context: event, lambda event, context: -event]
    once = [dispatcher.dispatch(function, 10) for function in made]

    assert [[20, "scale-1"], [30, "scale-2"], 10, -10] == once
    assert once == [dispatcher.dispatch(function, 10) for function in made]
    assert [20, "scale-1"] == dispatcher.dispatch(made[0].__self__.scale, 10)  # type: ignore[attr-defined]


def test_a_handler_that_runs_anywhere_is_a_callable(dispatcher: fcall.Dispatcher) -> None:
    """What `fcall.handlers` makes can be dispatched as it is."""
    resize = fcall.handlers.handler(lambda event, ctx: [event, ctx.platform])

    assert [{"width": 1}, "lambda"] == dispatcher.dispatch(resize, {"width": 1})


def test_dispatching_async_returns_before_the_function_runs(registry: fcall.local.Registry) -> None:
    """The acceptance comes at once, and what was accepted has run when the dispatcher is closed."""
    go, ran = threading.Event(), []

    def slow(event: Any, context: Any) -> None:
        go.wait(10)
        ran.append(event)

    registry.function("images/slow")(slow)
    with fcall.Dispatcher(provider="local", registry=registry, function_timeout=20) as dispatcher:
        accepted = [dispatcher.dispatch_async(function, "ada") for function in (slow, "images/slow")]

        assert [] == ran
        go.set()

    assert ["ada", "ada"] == ran
    assert {(202, "local")} == {(acceptance.status_code, acceptance.provider) for acceptance in accepted}
    assert all(isinstance(acceptance, fcall.Acceptance) for acceptance in accepted)


@pytest.mark.parametrize("thing", [42, None, b"images/resize", ["images/resize"]])
def test_what_is_neither_a_name_nor_callable_is_refused(dispatcher: fcall.Dispatcher, thing: Any) -> None:
    """The mistake is named before anything runs."""
    for dispatch in (dispatcher.dispatch, dispatcher.dispatch_async, fcall.Dispatcher().dispatch):
        with pytest.raises(InvalidParamsError, match="func is a target such as 'images/resize', or a callable, not a"):
            dispatch(thing)


def test_a_callable_goes_nowhere_but_this_machine(client: fcall.Client) -> None:
    """With a client that is given, a callable is an error that says what would work."""
    for dispatcher in (fcall.Dispatcher(client), fcall.Dispatcher()):
        with pytest.raises(InvalidParamsError, match="make the dispatcher with provider='local'"):
            dispatcher.dispatch(halved)


def test_each_failure_has_its_own_error(dispatcher: fcall.Dispatcher) -> None:
    """A function that is not there did not run; one that fails did, and so did one whose answer is unusable."""
    with pytest.raises(FunctionNotFoundError) as missing:
        dispatcher.dispatch("images/nothing")
    with pytest.raises(FunctionError, match="KeyError") as failed:
        dispatcher.dispatch(halved, {})
    with pytest.raises(FunctionResponseError):
        dispatcher.dispatch(lambda event, context: b"no JSON")

    assert isinstance(missing.value, RejectedError)
    assert (False, True) == (bool(missing.value.executed), bool(failed.value.executed))
    with pytest.raises(FunctionNotFoundError):
        dispatcher.dispatch_async("images/nothing")


def test_a_client_of_something_else_is_refused_at_once() -> None:
    """Who hands over the vendor's client, as older dispatchers took it, hears of it before the first call."""

    class Lambda:
        pass

    with pytest.raises(InvalidParamsError, match=r"client is a fcall\.Client, not a Lambda"):
        fcall.Dispatcher(Lambda())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments", [{"provider": "local"}, {"region": "eu-west-1"}, {"provider": "local", "registry": None}]
)
def test_a_client_and_a_provider_exclude_each_other(client: fcall.Client, arguments: dict[str, Any]) -> None:
    """Options beside a client would have no effect, so they are refused."""
    with pytest.raises(InvalidParamsError, match="either a client or a provider"):
        fcall.Dispatcher(client, **arguments)


def test_wrong_options_are_the_clients_errors() -> None:
    """What `Client` refuses, the dispatcher refuses, in the same words."""
    with pytest.raises(InvalidParamsError, match="'region' is an option of a provider"):
        fcall.Dispatcher(region="eu-west-1")
    with pytest.raises(InvalidParamsError, match=r"registry is a fcall\.local\.Registry, not a dict"):
        fcall.Dispatcher(provider="local", registry={})


def test_only_its_own_client_is_closed(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """Closing a dispatcher closes the client that it made, and leaves the one that it was given."""
    registry.function("halved")(halved)
    with fcall.Dispatcher(client):
        pass
    with fcall.Dispatcher(provider="local", registry=registry) as own:
        pass

    assert b"1" == client.invoke("halved", {"width": 2}).payload
    with pytest.raises(ClientClosedError):
        own.dispatch("halved", {"width": 2})


def test_callables_are_not_listed_and_do_not_leak(registry: fcall.local.Registry) -> None:
    """Other users of the same registry do not see what a dispatcher ran."""
    registry.function("images/halved")(halved)
    with fcall.Dispatcher(provider="local", registry=registry) as dispatcher:
        dispatcher.dispatch(halved, {"width": 2})

    assert ["halved"] == list(registry.names("images"))
    assert [] == list(registry.names("(callables)"))
