"""Cassettes: real outcomes recorded once, without their secrets, and played through the same contract."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall import errors
from fcall._router import override
from fcall._target import Target
from fcall.errors import (
    AccessDeniedError,
    ConfigurationError,
    Executed,
    FcallError,
    FunctionError,
    InvalidParamsError,
    ThrottledError,
)
from fcall.provider import Capabilities, Deadline, Invocation, InvocationResult
from fcall.testing import cassette
from fcall.testing._redaction import Redaction
from fcall.testing._tape import failure, read_failure


class Scripted:
    """A provider whose attempts have these outcomes, one after the other."""

    capabilities = Capabilities(
        types=frozenset({"Sync", "Async", "DryRun"}), qualifier=True, streaming=True, log_tail=True
    )

    def __init__(self, *outcomes: InvocationResult | FcallError) -> None:
        self.outcomes = list(outcomes)

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, FcallError):
            raise outcome
        return outcome

    def stream(self, invocation: Invocation, deadline: Deadline) -> Iterator[bytes]:
        whole = self.invoke(invocation, deadline).payload
        yield whole[:2]
        yield whole[2:]

    def close(self) -> None:
        pass


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return tmp_path / "cassettes" / "calls.json"


def _twice(tape: Path, use: Callable[[fcall.Client], Any], *outcomes: Any, **arguments: Any) -> tuple[Any, Any]:
    """What `use` returns while the outcomes of a real provider are recorded, and while they are played."""
    with cassette(tape, **arguments), fcall.Client(providers={"real": Scripted(*outcomes)}) as client:
        recorded = use(client)
    with cassette(tape, **arguments), fcall.Client({"defaults": {"provider": "not installed"}}) as client:
        return recorded, use(client)


def test_an_answer_is_played_as_it_was_recorded(tape: Path) -> None:
    """Every field comes back, byte for byte, with neither the provider nor its plugin there."""
    answer = InvocationResult(b'{ "n" : 1}', 200, "r-1", "7", "START\nEND\n", {"x-trace": "t"})
    recorded, played = _twice(tape, lambda client: client.invoke("images/resize", {"width": 1}), answer)

    assert recorded.attempts[0].outcome == played.attempts[0].outcome == "ok"
    for name in ("payload", "status_code", "request_id", "executed_version", "log_tail", "headers", "provider"):
        assert getattr(recorded, name) == getattr(played, name)


def test_what_is_no_text_is_played_too(tape: Path) -> None:
    """Binary payloads go there and back."""
    recorded, played = _twice(
        tape, lambda client: client.invoke("f", payload=b"\xff\x00").payload, InvocationResult(b"\x80")
    )

    assert b"\x80" == recorded == played


def _outcome(client: fcall.Client) -> Any:
    try:
        return client.invoke("images/resize").json()
    except FcallError as error:
        return {name: value for name, value in vars(error).items() if name not in ("attempts", "result")}, str(error)


@pytest.mark.parametrize(
    "error",
    [
        AccessDeniedError("not yours", code="AccessDenied", status_code=403, request_id="r"),
        FunctionError(
            error_type="KeyError",
            error_message="'x'",
            stack_trace=("frame 1", "frame 2"),
            log_tail="log",
            result=InvocationResult(b'{"errorType": "KeyError"}', request_id="r"),
        ),
        errors.InvocationTimeoutError("late", executed=Executed.MAYBE),
        errors.FunctionNotReadyError("wait", retryable=False),
        errors.UnsupportedFeatureError("no such thing"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_is_played_as_it_was_recorded(tape: Path, error: FcallError) -> None:
    """The class, the words and every fact come back, so the application handles the same error."""
    recorded, played = _twice(tape, _outcome, error)

    assert recorded == played


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name.endswith("Error")])
def test_every_error_can_be_recorded(name: str) -> None:
    """There and back, an error of any class is the same error."""
    error = getattr(errors, name)("words", executed=Executed.MAYBE, code="c", status_code=500, request_id="r")
    written = json.loads(json.dumps(failure(error, Redaction((), ()))))
    read = read_failure(written)

    assert (type(error), vars(error)) == (type(read), vars(read))


def test_an_error_of_a_plugins_own_is_played_as_its_base(tape: Path) -> None:
    """The plugin need not be there when the cassette is played."""

    class HarbourFullError(ThrottledError):
        pass

    def kind(client: fcall.Client) -> type:
        with pytest.raises(ThrottledError) as raised:
            client.invoke("f")
        return type(raised.value)

    assert (HarbourFullError, ThrottledError) == _twice(tape, kind, HarbourFullError(retryable=False))


def test_retries_are_played_without_their_pauses(tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was tried again is tried again: the same attempts lead to the same answer."""
    pauses: list[float] = []

    def attempts(client: fcall.Client) -> list[tuple[str, str | None]]:
        monkeypatch.setattr(client, "_sleep", pauses.append)
        return [(attempt.outcome, attempt.error) for attempt in client.invoke("f").attempts]

    recorded, played = _twice(tape, attempts, ThrottledError("busy"), ThrottledError("busy"), InvocationResult(b"1"))

    assert [("rejected", "ThrottledError")] * 2 + [("ok", None)] == recorded == played
    assert [0.0, 0.0] == pauses[2:]


def test_failover_is_played(tape: Path) -> None:
    """A call that went on to the next service does so again, and its answer comes from the same provider."""
    config = {
        "services": {
            "images": {"provider": "first", "failover": ["spare"], "attempts": 1},
            "spare": {"provider": "second"},
        }
    }
    providers = {"first": Scripted(ThrottledError("busy")), "second": Scripted(InvocationResult(b"1"))}
    with cassette(tape), fcall.Client(config, providers=providers) as client:
        recorded = client.invoke("images/resize")
    with cassette(tape), fcall.Client({}) as client:
        played = client.invoke("images/resize")

    assert "second" == recorded.provider == played.provider
    assert ["rejected", "ok"] == [attempt.outcome for attempt in played.attempts]


def test_each_place_of_a_failover_list_has_its_own_outcomes(tape: Path) -> None:
    """Calls that run at once do not get each other's: what the second provider answered, only the second answers."""
    config = {
        "services": {
            "images": {"provider": "first", "failover": ["spare"], "attempts": 1},
            "spare": {"provider": "second"},
        }
    }
    providers = {"first": Scripted(ThrottledError("busy")), "second": Scripted(InvocationResult(b"2"))}
    with cassette(tape), fcall.Client(config, providers=providers) as client:
        client.invoke("images/resize")
    with cassette(tape):
        routes = override.get()(Target("images", "resize"))  # type: ignore[misc]
        call, deadline = Invocation("resize", "images"), Deadline.after(1)

        assert b"2" == routes[1].provider.invoke(call, deadline).payload  # type: ignore[index]
        with pytest.raises(ThrottledError):
            routes[0].provider.invoke(call, deadline)  # type: ignore[index]


def test_every_verb_is_recorded(tape: Path) -> None:
    """Async, DryRun and streams have their outcomes too."""

    def use(client: fcall.Client) -> Any:
        accepted = client.enqueue("f", 1)
        client.check("f", 1)
        return accepted, b"".join(client.stream("f", 1)), client.invoke("f", 1, qualifier="prod").json()

    recorded, played = _twice(
        tape,
        use,
        InvocationResult(status_code=202, request_id="r"),
        InvocationResult(status_code=204),
        InvocationResult(b"[1, 2]"),
        InvocationResult(b'"prod"'),
    )

    assert recorded == played
    assert (b"[1, 2]", "prod") == played[1:]


def test_a_stream_that_fails_is_recorded_as_a_failure(tape: Path) -> None:
    """The failure is played, at the first piece."""

    def use(client: fcall.Client) -> str:
        with pytest.raises(AccessDeniedError) as raised:
            list(client.stream("f"))
        return str(raised.value)

    recorded, played = _twice(tape, use, AccessDeniedError("no"))

    assert recorded == played


def test_listing_is_left_alone(tape: Path, registry: fcall.local.Registry) -> None:
    """The functions of a service are listed by the provider that is there, recorded or played."""
    registry.function("images/resize")(lambda event, context: 1)
    for _ in range(2):
        with cassette(tape), fcall.Client(provider="local", registry=registry) as client:
            assert ["resize"] == [function.name for function in client.list_functions("images")]


def test_calls_alike_are_played_in_order(tape: Path) -> None:
    """The same call twice has the two outcomes that it had; another payload has its own, in whatever order."""

    def use(client: fcall.Client) -> list[Any]:
        return [client.invoke("f", event).json() for event in order]

    order = [1, 1, 2]
    with cassette(tape), fcall.Client(providers={"real": Scripted(*map(InvocationResult, (b"1", b"2", b"3")))}) as real:
        assert [1, 2, 3] == use(real)
    order = [2, 1, 1]
    with cassette(tape), fcall.Client({}) as client:
        assert [3, 1, 2] == use(client)


def test_a_qualifier_tells_calls_apart(tape: Path) -> None:
    """The same payload for another version is another call, also where the qualifier is a parameter."""
    with cassette(tape), fcall.Client(providers={"real": Scripted(*map(InvocationResult, (b"1", b"2")))}) as real:
        assert [1, 2] == [real.invoke("f", qualifier=qualifier).json() for qualifier in ("a", "b")]
    with cassette(tape), fcall.Client({}) as client:
        assert [2, 1] == [client.invoke("f", qualifier=qualifier).json() for qualifier in ("b", "a")]


@pytest.mark.parametrize(
    ("target", "event", "why"),
    [
        ("f", 2, "it was recorded with another payload"),
        ("f:prod", 1, "it has f"),
        ("g", 1, "it has f"),
    ],
)
def test_a_call_that_was_not_recorded_fails(tape: Path, target: str, event: int, why: str) -> None:
    """An application that handles every error does not hide that the cassette is out of date."""
    with cassette(tape), fcall.Client(providers={"real": Scripted(InvocationResult(b"1"))}) as real:
        real.invoke("f", 1)

    def swallowing() -> None:
        with cassette(tape), fcall.Client({}) as client, pytest.raises((FcallError, AssertionError)):
            client.invoke(target, event)

    with pytest.raises(AssertionError, match=rf"calls.json has no outcome for this call of {target}: {why}"):
        swallowing()


def test_a_call_too_many_fails(tape: Path) -> None:
    """A cassette does not repeat itself."""
    with cassette(tape), fcall.Client(providers={"real": Scripted(InvocationResult(b"1"))}) as real:
        real.invoke("f", 1)

    def twice() -> None:
        with cassette(tape), fcall.Client({}) as client:
            client.invoke("f", 1)
            with pytest.raises(errors.UnmappedProviderError, match="it has no more; record it anew"):
                client.invoke("f", 1)

    with pytest.raises(AssertionError, match="it has no more"):
        twice()


def test_nothing_is_written_of_a_block_that_fails(tape: Path) -> None:
    """Half a recording would be played as if it were whole."""

    def failing() -> None:
        with cassette(tape), fcall.Client(providers={"real": Scripted(InvocationResult(b"1"))}) as client:
            client.invoke("f")
            raise KeyError("the test's own")

    with pytest.raises(KeyError):
        failing()
    assert not tape.exists()


def test_recording_and_playing_can_be_asked_for(tape: Path) -> None:
    """True records anew, and False, for a CI that must not call, refuses to play what is not there."""
    absent = pytest.raises(ConfigurationError, match=r"there is no cassette .*calls\.json; record it with record=True")
    with absent, cassette(tape, record=False):
        pass  # pragma: no cover
    for number in (b"1", b"2"):
        with cassette(tape, record=True), fcall.Client(providers={"real": Scripted(InvocationResult(number))}) as real:
            real.invoke("f")
    with cassette(tape, record=False), fcall.Client({}) as client:
        assert 2 == client.invoke("f").json()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[1]",
        '{"fcall_cassette": 99}',
        "{}",
        '{"fcall_cassette": 1}',
        '{"fcall_cassette": 1, "routes": {}, "outcomes": 5}',
        '{"fcall_cassette": 1, "routes": {}, "outcomes": [{}]}',
    ],
)
def test_what_is_no_cassette_is_refused(tape: Path, content: str) -> None:
    """Another file, or one of another version, is named as such."""
    tape.parent.mkdir()
    tape.write_text(content)

    with pytest.raises(ConfigurationError, match=r"calls\.json is not a cassette"), cassette(tape):
        pass  # pragma: no cover


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


def test_no_secret_is_written(tape: Path) -> None:
    """Members with such names, key ids, tokens, headers and known texts are masked, in calls, answers and failures."""
    document = {"password": "hunter2", "nested": [{"API-Key": "hunter2"}], "key": "ada.png", "id": "AKIA" + "A" * 16}
    answer = InvocationResult(
        json.dumps(document).encode(),
        log_tail=f"Authorization: Bearer {JWT}",
        headers={"X-Amz-Security-Token": "hunter2"},
    )
    broken = FunctionError(
        error_type="E",
        error_message="sesame",
        stack_trace=("sesame",),
        result=InvocationResult(b'{"errorMessage": "sesame"}'),
    )

    def use(client: fcall.Client) -> Any:
        result = client.invoke("f", {"clientSecret": "hunter2", "pin": 1234, "name": "LTAI" + "a" * 16})
        with pytest.raises(FunctionError):
            client.invoke("f", payload=b"sesame")
        return result.json()

    recorded, played = _twice(tape, use, answer, broken, redact=["PIN"], secrets=["sesame"])
    written = tape.read_text(encoding="utf-8")

    assert document == recorded
    assert {"password": "***", "nested": [{"API-Key": "***"}], "key": "ada.png", "id": "***"} == played
    for secret in ("hunter2", "sesame", "1234", "AKIA", "LTAI", JWT):
        assert secret not in written


@pytest.mark.parametrize(
    "secret",
    [
        {"Pass.Word": "hunter2", "pass word": "hunter2"},
        {"body": json.dumps({"password": "hunter2"})},
        {"body": json.dumps({"inner": json.dumps([{"apiKey": "hunter2"}])})},
        '{"token": "hunter2"}',
        "https://bucket.example/key?X-Amz-Date=1&X-Amz-Signature=hunter2&x=1",
        "postgres://ada:hunter2@db.example/",
        "Authorization: Basic hunter2",
        "authorization: bearer hunter2",
        "the event was {'password': 'it is hunter2'}",
        'the event was {"pwd":"hunter2"}',
        r'the body was "{\"clientSecret\": \"hunter2\"}"',
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
        {"sesame": "sesame"},
        {"credentials": {"id": "hunter2", "more": ["hunter2"]}},
    ],
)
def test_secrets_are_found_where_they_hide(secret: Any) -> None:
    """In documents inside texts, in addresses, headers and printed objects, and in names."""
    redaction = Redaction((), ["sesame"])
    for written in (json.dumps(secret).encode(), json.dumps({"list": [secret]}).encode()):
        masked = redaction.payload(written)

        assert b"***" in masked
        assert not any(shown in masked for shown in (b"hunter2", b"sesame"))
        assert masked == redaction.payload(masked)


def test_what_is_masked_keeps_its_shape() -> None:
    """Whoever takes a number of tokens for an integer, or looks into credentials, can do so when it is played."""
    answer = {"tokens": 17, "pin": [1.5, 1234], "hasPassword": True, "secret": {"key": "x", "until": None, "uses": 3}}
    masked = {"tokens": 0, "pin": [1.5, 0], "hasPassword": True, "secret": {"key": "***", "until": None, "uses": 0}}

    assert masked == json.loads(Redaction((), ["1234"]).payload(json.dumps(answer).encode()))


def test_a_message_with_a_lone_surrogate_is_recorded(tape: Path) -> None:
    """What UTF-8 cannot carry is written as JSON's number of it, and comes back."""
    broken = FunctionError(error_type="E", error_message="\ud800")

    def use(client: fcall.Client) -> Any:
        with pytest.raises(FunctionError) as raised:
            client.invoke("f")
        return raised.value.error_message

    assert ("\ud800", "\ud800") == _twice(tape, use, broken)


def test_a_known_secret_is_found_in_what_is_no_text() -> None:
    """Bytes that are not UTF-8 keep their places, and lose what is known to be a secret."""
    assert b"\xff*** \x80" == Redaction((), ["sesame"]).payload(b"\xffsesame \x80")


def test_a_lone_surrogate_is_no_reason_to_fail() -> None:
    """JSON may have one by its number, and it stays a number where something beside it is masked."""
    assert b'{"name": "\\ud800", "token": "***"}' == Redaction((), ()).payload(b'{"name": "\\ud800", "token": "x"}')


def test_a_secret_that_changes_is_the_same_call(tape: Path) -> None:
    """What is masked does not tell calls apart: a token of today plays what one of yesterday recorded."""
    with cassette(tape), fcall.Client(providers={"real": Scripted(InvocationResult(b"1"))}) as real:
        real.invoke("f", {"token": "yesterday's", "name": "ada"})
    with cassette(tape), fcall.Client({}) as client:
        assert 1 == client.invoke("f", {"token": "today's", "name": "ada"}).json()


@pytest.mark.parametrize(
    "payload",
    [
        *(
            b"",
            b"null",
            b'{"a" :1}',
            b'"text"',
            b"no JSON",
            b"\xff",
            '{"n": "ż"}'.encode(),
            b'{"token": null}',
            b"1e400",
        ),
        *(b'{"body":"{\\"a\\" :1}"}', b"the tokens are here", b'"http://host:80/a:b@c"', b'"\\ud800"'),
    ],
)
def test_what_holds_no_secret_stays_as_it_is(payload: bytes) -> None:
    """Redaction leaves every byte of it alone."""
    assert payload == Redaction((), ()).payload(payload)


@pytest.mark.parametrize("arguments", [{"redact": [""]}, {"secrets": [b"x"]}, {"secrets": ["a", None]}])
def test_an_empty_secret_is_a_mistake(tape: Path, arguments: Any) -> None:
    """It would mask everything or nothing, so it is refused before anything is recorded."""
    with pytest.raises(InvalidParamsError, match="is texts that are not empty"), cassette(tape, **arguments):
        pass  # pragma: no cover


def test_a_cassette_is_a_file_to_read(tape: Path) -> None:
    """A person sees in it which calls there are, and what came of them; binary payloads are base64."""
    _twice(tape, lambda client: client.invoke("images/resize", "ż").payload, InvocationResult(b"\xff"))
    written = json.loads(tape.read_text(encoding="utf-8"))

    assert ["images/resize"] == list(written["routes"])
    assert {"text": '"ż"'} == written["outcomes"][0]["payload"]
    assert {"base64": base64.b64encode(b"\xff").decode()} == written["outcomes"][0]["result"]["payload"]
    assert '"ż' in tape.read_text(encoding="utf-8").replace("\\", "")
