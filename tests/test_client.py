"""The client: its verbs, what they give back, and when they refuse."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import fcall
from fcall.errors import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    Executed,
    FunctionError,
    FunctionNotFoundError,
    InvalidParamsError,
    UnmappedProviderError,
    UnsupportedFeatureError,
)
from fcall.provider import Capabilities, Deadline, FunctionInfo, Invocation, InvocationResult


class Lister:
    """A provider of functions by these names, which can list them, and nothing more."""

    capabilities = Capabilities(listing=True, other_timeout=7)

    def __init__(self, *names: str, failure: Exception | None = None) -> None:
        self.names = names
        self.failure = failure
        self.asked: list[tuple[str | None, int, list[str]]] = []

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        return InvocationResult(b"[]", request_id="r-1", executed_version="7", log_tail="the end")

    def list_functions(
        self, service: str | None, deadline: Deadline, configured: Collection[str] = ()
    ) -> Iterator[FunctionInfo]:
        self.asked.append((service, round(deadline.remaining()), list(configured)))
        for name in self.names:
            yield FunctionInfo(name, name, "python3.13", "yesterday", {"size": 1})
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        pass


@pytest.fixture
def hello(registry: fcall.local.Registry) -> Callable[..., Any]:
    """A function ``greetings/hello`` that keeps the events it gets."""

    def handler(event: Any, context: Any) -> Any:
        handler.events.append(event)  # type: ignore[attr-defined]
        return {"greeting": f"Hello {event['name']}"}

    handler.events = []  # type: ignore[attr-defined]
    return registry.function("greetings/hello")(handler)


# The verbs


def test_invoke_gives_the_answer(client: fcall.Client, hello: Callable[..., Any]) -> None:
    """The result has the answer in three forms, and says who gave it, to which request, after which tries."""
    result = client.invoke("greetings/hello", {"name": "Ada"}, timeout=5)

    assert {"greeting": "Hello Ada"} == result.json()
    assert (b'{"greeting": "Hello Ada"}', '{"greeting": "Hello Ada"}') == (result.payload, result.text)
    assert (200, "$LATEST", "local") == (result.status_code, result.executed_version, result.provider)
    assert result.request_id
    assert ["local:greetings/hello"] == [attempt.target for attempt in result.attempts]


def test_enqueue_is_answered_before_the_function_runs(client: fcall.Client, hello: Any) -> None:
    """Async is accepted with an id, and runs later."""
    acceptance = client.enqueue("greetings/hello", {"name": "Ada"})
    client.close()

    assert (202, "local") == (acceptance.status_code, acceptance.provider)
    assert acceptance.request_id
    assert [{"name": "Ada"}] == hello.events


def test_check_runs_nothing(client: fcall.Client, hello: Any) -> None:
    """DryRun gives nothing where the call would be allowed, and raises where it would not."""
    client.check("greetings/hello", {"name": "Ada"})
    with pytest.raises(FunctionNotFoundError, match="did you mean 'hello'"):
        client.check("greetings/helo")

    assert [] == hello.events


def test_stream_gives_the_answer_in_pieces(client: fcall.Client, hello: Any) -> None:
    """The call is made when the first piece is asked for."""
    pieces = client.stream("greetings/hello", {"name": "Ada"})

    assert [] == hello.events
    assert b'{"greeting": "Hello Ada"}' == b"".join(pieces)
    assert 1 == len(hello.events)


def test_stream_refuses_at_once_where_nothing_streams() -> None:
    """A provider that cannot stream is found out by the call, not by the first piece."""
    with pytest.raises(UnsupportedFeatureError, match="provider 'lister' cannot stream; use invoke"):
        fcall.Client(providers={"lister": Lister()}).stream("x")


def test_a_capability_without_its_method_is_none() -> None:
    """A provider that only says that it can list or stream cannot."""

    class Boaster:
        capabilities = Capabilities(streaming=True, listing=True)
        invoke, close = Lister.invoke, Lister.close

    boaster: Any = Boaster()
    client = fcall.Client(providers={"boaster": boaster})
    with pytest.raises(UnsupportedFeatureError, match="cannot stream"):
        client.stream("x")
    with pytest.raises(UnsupportedFeatureError, match="cannot list functions"):
        client.list_functions()


def test_a_misspelt_keyword_is_a_type_error(client: fcall.Client) -> None:
    """A keyword that no verb takes is a mistake like in any Python call, with the nearest one."""
    with pytest.raises(TypeError, match=r"no call takes the keyword 'timout' \(did you mean 'timeout'\?\)"):
        client.invoke("greetings/hello", timout=5)  # type: ignore[call-arg]


@pytest.mark.parametrize("target", [None, 5, b"x", ["x"], "", "a/b/c", "/x", "x:"])
def test_what_is_no_target_is_an_error(client: fcall.Client, target: Any) -> None:
    """Whatever is passed as a target, the error is ours."""
    for verb in (client.invoke, client.enqueue, client.check, client.stream):
        with pytest.raises(InvalidParamsError, match="target"):
            verb(target)


def test_many_threads_use_one_client(client: fcall.Client, hello: Any) -> None:
    """Each caller gets the answer to its own call."""
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: client.invoke("greetings/hello", {"name": n}).json(), range(400)))

    assert [{"greeting": f"Hello {n}"} for n in range(400)] == answers


# The portable contract


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Sync", {"statusCode": 200, "payload": b'{"greeting": "Hello Ada"}', "executedVersion": "$LATEST"}),
        ("Async", {"statusCode": 202, "payload": b"", "executedVersion": None}),
        ("DryRun", {"statusCode": 204, "payload": b"", "executedVersion": None}),
    ],
)
def test_invoke_function_answers_with_a_dict(client: fcall.Client, hello: Any, kind: str, expected: Any) -> None:
    """The dict has these keys, always all of them, and `functionError` is always empty."""
    answer = client.invoke_function(
        {
            "serviceName": "greetings",
            "functionName": "hello",
            "invocationType": kind,
            "payload": '{"name": "Ada"}',
        }
    )
    request_id = answer.pop("requestId")

    assert {**expected, "functionError": "", "logTail": None, "provider": "local"} == answer
    assert isinstance(request_id, str)


def test_invoke_function_hands_on_what_the_provider_says() -> None:
    """Id, version and log of the answer are the provider's."""
    answer = fcall.Client(providers={"lister": Lister()}).invoke_function({"functionName": "x"})

    assert {
        "statusCode": 200,
        "functionError": "",
        "payload": b"[]",
        "requestId": "r-1",
        "executedVersion": "7",
        "logTail": "the end",
        "provider": "lister",
    } == answer


def test_invoke_function_raises_where_the_function_fails(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """No failure comes back as an answer."""

    @registry.function("greetings/fail")
    def fail(event: Any, context: Any) -> None:
        raise ValueError("no")

    with pytest.raises(FunctionError, match="ValueError: no"):
        client.invoke_function({"serviceName": "greetings", "functionName": "fail"})


def test_invoke_function_leaves_the_params_alone(client: fcall.Client, hello: Any) -> None:
    """The caller's mapping is read, and neither changed nor kept."""
    params = {"serviceName": "greetings", "functionName": "hello", "payload": {"name": "Ada"}, "invokerContext": {}}
    before = dict(params)
    client.invoke_function(params)

    assert before == params


# Listing


def test_functions_are_listed_by_the_applications_names() -> None:
    """Names go back through the table and the template, and what cannot be called is left out."""
    functions = {"resize": "r2", "*": "prod-{function}"}
    config = {
        "services": {"images": {"provider": "lister", "service": "pictures", "functions": functions, "timeout": 9}}
    }
    lister = Lister("prod-crop", "r2", "dev-crop", "prod-resize")
    listed = list(fcall.Client(config, providers={"lister": lister}).list_functions("images"))

    assert [("crop", "prod-crop"), ("resize", "r2")] == [(info.name, info.provider_name) for info in listed]
    assert ("python3.13", "yesterday", {"size": 1}) == (listed[0].runtime, listed[0].last_modified, listed[0].raw)
    assert [("pictures", 9, ["r2"])] == lister.asked


@pytest.mark.parametrize("service", [None, "images"])
def test_functions_of_the_default_provider_are_listed_as_they_are(service: str | None) -> None:
    """Without a configuration, names and services are the provider's own."""
    lister = Lister("a", "b")
    listed = fcall.Client(providers={"lister": lister}).list_functions(service)

    assert ["a", "b"] == [info.name for info in listed]
    assert [(service, 7, [])] == lister.asked


def test_listing_is_lazy() -> None:
    """Functions come one by one, as the provider gives them."""
    lister = Lister("a", "b", failure=ConnectionFailedError("lost"))
    listed = fcall.Client(providers={"lister": lister}).list_functions()

    assert [] == lister.asked
    assert "a" == next(listed).name


@pytest.mark.parametrize(
    "target", ["f" * 257, "s" * 257 + "/f", " f", "images/f ", "a\nb", " s/f", "local:a\0b", "arn:" + "x" * 1024]
)
def test_a_name_that_no_function_can_have_is_an_error(client: fcall.Client, target: str) -> None:
    """A target's names are checked as those of params are, by every verb, and by the second call like the first."""
    calls: list[Callable[[str], Any]] = [client.invoke, client.invoke, client.enqueue, client.check, client.stream]
    for call in (*calls, lambda target: client.map(target, [1])):
        with pytest.raises(InvalidParamsError, match=r"the function (name|id)|the service name"):
            call(target)


@pytest.mark.parametrize("service", ["", 5, ["images"], "a\nb", " images", "x" * 300])
def test_what_is_no_service_is_an_error(client: fcall.Client, service: Any) -> None:
    """Whatever is passed as a service, the error is ours, and comes at once."""
    with pytest.raises(InvalidParamsError, match="the service"):
        client.list_functions(service)


def test_listing_an_unknown_service_is_an_error() -> None:
    """The configuration says which services there are, also for listing."""
    with pytest.raises(ConfigurationError, match="does not name the service 'imagse'"):
        fcall.Client({"services": {"images": {"provider": "local"}}}).list_functions("imagse")


@pytest.mark.parametrize(
    ("failure", "error"),
    [(ConnectionFailedError("lost"), ConnectionFailedError), (KeyError("NextMarker"), UnmappedProviderError)],
)
def test_a_listing_that_fails_says_where(failure: Exception, error: type[Exception]) -> None:
    """The error is ours, names provider and service as the application knows them, and no function ran."""
    config = {"services": {"images": {"provider": "lister", "service": "pictures"}}}
    client = fcall.Client(config, providers={"lister": Lister("a", failure=failure)})
    with pytest.raises(error) as caught:
        list(client.list_functions("images"))

    assert ("lister", "images", Executed.NO) == (caught.value.provider, caught.value.service, caught.value.executed)
    assert "NextMarker" not in str(caught.value)


# Arguments


def test_options_need_a_provider() -> None:
    """An option without a provider says which argument is missing."""
    with pytest.raises(InvalidParamsError, match="'region' is an option of a provider; say which one with provider="):
        fcall.Client(region="eu-west-1")


@pytest.mark.parametrize("arguments", [{"provider": "local"}, {"providers": {"lister": Lister()}}])
def test_a_provider_in_code_reads_no_file(arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a broken file nor a variable can disturb a client that was told everything."""
    monkeypatch.setenv("FCALL_CONFIG", "nowhere.toml")
    monkeypatch.setenv("FCALL_ENV", "prod")
    monkeypatch.setenv("FCALL_PROVIDER", "nobody")

    assert [] == [info.name for info in fcall.Client(**arguments).list_functions()]


@pytest.mark.parametrize("arguments", [{"provider": "local"}, {"providers": {"lister": Lister()}}])
def test_an_environment_needs_a_configuration(arguments: dict[str, Any]) -> None:
    """``env=`` beside a provider would do nothing, so it is an error."""
    with pytest.raises(InvalidParamsError, match="env chooses an environment of a configuration"):
        fcall.Client(env="dev", **arguments)

    fcall.Client({"env": {"dev": {}}}, env="dev", **arguments)


# Closing

VERBS: dict[str, Callable[[fcall.Client], Any]] = {
    "invoke": lambda client: client.invoke("greetings/hello", {"name": "Ada"}),
    "enqueue": lambda client: client.enqueue("greetings/hello", {"name": "Ada"}),
    "check": lambda client: client.check("greetings/hello"),
    "stream": lambda client: client.stream("greetings/hello"),
    "list_functions": lambda client: client.list_functions("greetings"),
    "invoke_function": lambda client: client.invoke_function({"functionName": "hello"}),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_closed_client_calls_nothing(client: fcall.Client, hello: Any, verb: str) -> None:
    """Every verb of a closed client is an error, at once."""
    client.close()
    with pytest.raises(ClientClosedError, match="the client is closed; make a new one"):
        VERBS[verb](client)

    assert [] == hello.events


def test_closing_twice_is_harmless(client: fcall.Client, hello: Any) -> None:
    """A client can be closed again, before and after its first call."""
    client.invoke("greetings/hello", {"name": "Ada"})
    client.close()
    client.close()
    unused = fcall.Client(provider="local")
    unused.close()
    unused.close()


def test_leaving_the_block_closes(registry: fcall.local.Registry, hello: Any) -> None:
    """``with`` gives the client, and closes it also where the block raises."""
    with pytest.raises(ZeroDivisionError), fcall.Client(provider="local", registry=registry) as client:
        client.invoke("greetings/hello", {"name": 1 / 0})

    with pytest.raises(ClientClosedError):
        client.invoke("greetings/hello")


def test_a_second_close_waits_as_the_first(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """Whoever closes, nobody goes on before the accepted events have run."""
    let_it, closing, ran = threading.Event(), threading.Event(), []

    @registry.function("slow")
    def slow(event: Any, context: Any) -> None:
        let_it.wait(10)
        ran.append(event)

    client.enqueue("slow")
    first = threading.Thread(target=lambda: (closing.set(), client.close()))
    first.start()
    closing.wait(10)
    threading.Timer(0.1, let_it.set).start()  # whoever did not wait is through by then
    client.close()

    assert [{}] == ran
    first.join(10)


def test_none_of_several_providers_is_the_default() -> None:
    """Where several providers are given, a call that names none goes to none of them, and not to local."""
    client = fcall.Client(providers={"one": Lister(), "two": Lister()})
    with pytest.raises(ConfigurationError, match=r"several providers are given \(one, two\)"):
        client.invoke("resize")


def test_a_closed_client_is_not_entered() -> None:
    """What is closed stays closed; what it had begun to list or stream goes no further."""
    registry = fcall.local.Registry()
    registry.function("images/resize")(lambda event, context: event)
    client = fcall.Client(provider="local", registry=registry)
    pieces, functions = client.stream("images/resize"), client.list_functions("images")
    client.close()

    for use in (client.__enter__, lambda: list(pieces), lambda: list(functions)):
        with pytest.raises(ClientClosedError):
            use()
