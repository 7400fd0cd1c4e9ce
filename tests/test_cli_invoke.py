"""``fcall invoke``: what is sent, and what is printed of what comes back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fcall.errors import ConnectionFailedError, Executed, FunctionError
from fcall.provider import ALL_KEYS, Capabilities, Deadline, Invocation, InvocationResult
from fcall.testing import routed_to

Run = Callable[..., Any]

HANDLERS = """
def echo(event, context):
    return event

def told(event, context):
    return vars(context.client_context)

def fails(event, context):
    raise ValueError("no such card")
"""

NOTE = """
import pathlib

def note(event, context):
    pathlib.Path("noted").write_text(event)
"""


@pytest.fixture(autouse=True)
def _app() -> None:
    """Handlers in app.py of the working directory."""
    Path("app.py").write_text(HANDLERS, encoding="utf-8")


@dataclass
class Stand:
    """A provider that can do everything and gives what it is told to give."""

    answers: list[InvocationResult | Exception]
    capabilities = Capabilities(
        types=frozenset({"Sync", "Async", "DryRun"}),
        qualifier=True,
        log_tail=True,
        invoker_context={"Sync": ALL_KEYS},
        idempotency=frozenset({"Sync"}),
    )
    seen: Invocation | None = None

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.seen = invocation
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        pass


def stand(*answers: InvocationResult | Exception | bytes) -> Stand:
    return Stand([InvocationResult(answer) if isinstance(answer, bytes) else answer for answer in answers])


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (['{"name": "Ada"}'], '{"name": "Ada"}'),
        (["[1, 2]"], "[1, 2]"),
        (["null"], "null"),
        (['"Zoë"'], '"Zoë"'),
        ([], "{}"),
        (["--payload", '{"a":   1}'], '{"a": 1}'),
    ],
)
def test_the_answer_is_printed_as_json(run: Run, arguments: list[str], printed: str) -> None:
    """What the function returned stands on standard output as readable JSON on one line, and nothing else anywhere."""
    ended = run("invoke", "local:app.py:echo", *arguments)

    assert (0, f"{printed}\n", "") == (ended.code, ended.out, ended.err)


@pytest.mark.parametrize("isolation", ["inline", "process"])
@pytest.mark.parametrize("where", [["--env", "dev"], ["--config", "other.toml"]])
def test_what_a_local_function_calls_is_configured_the_same_way(run: Run, isolation: str, where: list[str]) -> None:
    """The options of the command hold for the calls that its functions make: none goes to a cloud by mistake."""
    Path("nested.py").write_text(
        """
import fcall

def outer(event, context):
    with fcall.Client() as client:
        return client.invoke("app/inner", event).json()

def inner(event, context):
    return ["local", event]
"""
    )
    table = (
        f'provider = "local"\nisolation = "{isolation}"\n'
        'functions = { outer = "nested.py:outer", inner = "nested.py:inner" }\n'
    )
    Path("fcall.toml").write_text(f'[services.app]\nprovider = "aws"\n[env.dev.services.app]\n{table}')
    Path("other.toml").write_text(f"[services.app]\n{table}")
    before = dict(os.environ)
    ended = run("invoke", *where, "app/outer", "1")

    assert (0, '["local", 1]\n', "") == (ended.code, ended.out, ended.err)
    assert before == dict(os.environ)


@pytest.mark.parametrize("option", [[], ["--payload"]])
def test_what_is_sent_comes_from_a_file(run: Run, option: list[str]) -> None:
    """``@file`` sends what the file holds, in EVENT and in --payload."""
    Path("event.json").write_text('{"name": "Ada"}', encoding="utf-8")

    assert '{"name": "Ada"}\n' == run("invoke", "local:app.py:echo", *option, "@event.json").out


@pytest.mark.parametrize("option", [[], ["--payload"]])
def test_what_is_sent_comes_from_standard_input(run: Run, option: list[str]) -> None:
    """``-`` sends standard input, in EVENT and in --payload."""
    assert '{"name": "Ada"}\n' == run("invoke", "local:app.py:echo", *option, "-", input='{"name": "Ada"}').out


def test_an_event_is_encoded_once_and_a_payload_sent_as_it_is(run: Run) -> None:
    """EVENT goes out as the JSON of its value, --payload byte for byte, and without both nothing does."""
    sent = []
    Path("bytes").write_bytes(b"\xff\x00\r\n")
    for arguments in ([' {"a" : 1} '], ["--payload", " {not JSON "], ["--payload", "@bytes"], []):
        provider = stand(b"1")
        with routed_to(provider):
            run("invoke", "x", *arguments)
        assert provider.seen
        sent.append(provider.seen.payload)

    assert [b'{"a":1}', b" {not JSON ", b"\xff\x00\r\n", b""] == sent


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{name: Ada}"], "EVENT is not JSON: Expecting property name enclosed in double quotes: line 1 column 2"),
        (["NaN"], "EVENT is not JSON: NaN is not JSON"),
        ([""], "EVENT is not JSON: Expecting value"),
        (["[" * 100_000], "EVENT is not JSON: it is nested too deeply"),
        (["@latin"], "EVENT is not JSON: it is not UTF-8"),
        (["{name:", "Ada}"], "TARGET is followed by one EVENT, and here are 2 words. Put single quotes around it"),
        (["1", "--payload", "2"], "EVENT and --payload are both given"),
        (["@nowhere.json"], "EVENT takes the file 'nowhere.json', which cannot be read: No such file or directory"),
        (["@"], "EVENT takes the file '', which cannot be read"),
        (["@a\0b"], "which cannot be read: it is closed, or has no such name"),
        (["--payload", "@."], "--payload takes the file '.', which cannot be read: Is a directory"),
        (["--context", "{"], "--context is not JSON"),
        (["--context", "-"], "--context does not read standard input"),
        (["--async", "--dry-run"], "--async and --dry-run exclude each other"),
        (["--option", "priority"], "--option is written NAME=VALUE"),
        (["--option", "=1"], "--option is written NAME=VALUE"),
        (["--timeout", "soon"], "'soon' is not a valid float"),
        (["--timeout", "0"], "0"),
        (["--output", "xml"], "xml"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_a_usage_error(run: Run, arguments: list[str], said: str) -> None:
    """What cannot be understood ends with 2 and a sentence on what is wrong, before anything is called."""
    Path("latin").write_bytes(b'"\xff"')
    provider = stand(b"1")
    with routed_to(provider):
        ended = run("invoke", "x", *arguments)

    assert (2, "", None) == (ended.code, ended.out, provider.seen)
    assert said in ended.err


def test_a_malformed_event_is_not_repeated(run: Run) -> None:
    """What is wrong with an event is said without showing it, and with what to do."""
    error = run("invoke", "x", '{"password": "hunter2"').err

    assert "hunter2" not in error
    assert (
        """Put single quotes around it, as in '{"name": "Ada"}', or pass text that is not JSON with --payload"""
        in error
    )


@pytest.mark.parametrize(
    ("payload", "form", "printed"),
    [
        (b'{"a":1,"b":[]}', "json", b'{"a": 1, "b": []}\n'),
        ('"Zoë"'.encode(), "json", '"Zoë"\n'.encode()),
        (rb'"\ud800"', "json", b'"\\ud800"\n'),
        (b"\xef\xbb\xbf1", "json", b"1\n"),
        (b'{"a":1}', "text", b'{"a":1}\n'),
        (b"two\nlines\n", "text", b"two\nlines\n"),
        (b"", "text", b""),
        ("Zoë".encode(), "text", "Zoë\n".encode()),
        (b'{"a":1}', "raw", b'{"a":1}'),
        (b"\xff\x00\r\n", "raw", b"\xff\x00\r\n"),
        (b"", "raw", b""),
    ],
)
def test_the_answer_has_three_forms(run: Run, payload: bytes, form: str, printed: bytes) -> None:
    """json decodes and writes again, text adds the newline that a terminal wants, raw changes no byte."""
    with routed_to(stand(payload)):
        ended = run("invoke", "x", "--output", form)

    assert (0, printed, "") == (ended.code, ended.data, ended.err)


@pytest.mark.parametrize(
    ("payload", "form", "said"),
    [
        (b"plain", "json", "its answer is not JSON; --output raw prints it as it is"),
        (b"", "json", "its answer is empty, which is not JSON; --output raw"),
        (b"NaN", "json", "its answer is not JSON; --output raw"),
        (b"\xff", "text", "its answer is not UTF-8 text; --output raw"),
    ],
)
def test_an_answer_of_another_form_is_refused(run: Run, payload: bytes, form: str, said: str) -> None:
    """An answer that cannot be printed as asked is an error that names --output raw and says that the function ran."""
    with routed_to(stand(InvocationResult(payload, request_id="r-1"))):
        ended = run("invoke", "x", "--output", form)

    assert (1, "") == (ended.code, ended.out)
    assert said in ended.err
    assert "request id r-1; executed: YES" in ended.err


def test_an_accepted_event_is_printed_as_json_and_runs(run: Run) -> None:
    """--async prints the acceptance, and the command ends when the local function has run."""
    Path("app.py").write_text(NOTE, encoding="utf-8")

    ended = run("invoke", "local:app.py:note", '"Ada"', "--async", "--output", "raw")
    told = json.loads(ended.out)

    assert (0, "", "Ada") == (ended.code, ended.err, Path("noted").read_text(encoding="utf-8"))
    assert {"requestId": told["requestId"], "statusCode": 202, "provider": "local"} == told


def test_an_accepted_event_that_fails_is_told(run: Run) -> None:
    """A function that fails after its event was accepted is told of on standard error; the acceptance stands."""
    ended = run("invoke", "local:app.py:fails", "--async")

    assert (0, 202) == (ended.code, json.loads(ended.out)["statusCode"])
    assert ended.err.startswith("fcall: error: the Async call ")
    assert "ValueError: no such card" in ended.err


def test_a_handler_may_enqueue_with_a_client_of_its_own(run: Run) -> None:
    """What a handler enqueues has run when the command ends."""
    Path("app.py").write_text(
        "import fcall\ndef first(event, context): fcall.Client().enqueue('local:app.py:note', 'Ada')\n" + NOTE,
        encoding="utf-8",
    )

    assert 0 == run("invoke", "local:app.py:first").code
    assert "Ada" == Path("noted").read_text(encoding="utf-8")


def test_a_dry_run_runs_nothing(run: Run) -> None:
    """--dry-run says on standard error that the call would be allowed, and does not even import the code."""
    Path("app.py").write_text("raise AssertionError('imported')", encoding="utf-8")
    ended = run("invoke", "local:app.py:echo", "--dry-run")

    assert (0, "", "fcall: the call would be allowed. Nothing was run.\n") == (ended.code, ended.out, ended.err)


def test_every_parameter_reaches_the_provider(run: Run) -> None:
    """Qualifier, time-out, idempotence, its key, log tail and context arrive as they were given."""
    provider = stand(b"1")
    options = ["--qualifier", "prod", "--timeout", "2.5", "--idempotent", "--idempotency-key", "order-7", "--log-tail"]
    with routed_to(provider):
        ended = run("invoke", "images/resize", *options, "--context", '{"custom": {"trace": "t"}}')
    seen = provider.seen

    assert 0 == ended.code, ended.err
    assert seen
    assert ("images", "resize", "prod", 2.5) == (seen.service, seen.function, seen.qualifier, seen.timeout)
    assert (True, "order-7", True) == (seen.idempotent, seen.idempotency_key, seen.log_tail)
    assert {"custom": {"trace": "t"}} == seen.invoker_context


def test_the_context_comes_from_a_file(run: Run) -> None:
    """--context takes ``@file`` as well."""
    Path("context.json").write_text('{"custom": {"trace": "t"}}', encoding="utf-8")
    ended = run("invoke", "local:app.py:told", "--context", "@context.json")

    assert {"trace": "t"} == json.loads(ended.out)["custom"]


def test_verbose_says_who_answered(run: Run) -> None:
    """-v tells provider, request id, executed version, attempts and time, on standard error alone."""
    answer = InvocationResult(b"1", request_id="r-1\x07", executed_version="7", log_tail="hello\x1b[2J\nlog")
    with routed_to(stand(ConnectionFailedError(executed=Executed.NO, code="Refused"), answer)):
        ended = run("invoke", "images/resize", "-v")
    log, more, *facts = ended.err.splitlines()

    assert (0, "1\n") == (ended.code, ended.out)
    assert ("hello�[2J", "log") == (log, more)
    assert ["provider: test", "request id: r-1�", "executed version: 7"] == facts[:3]
    assert facts[3].startswith("attempt: 1. test:images/resize not sent (ConnectionFailedError Refused) after ")
    assert facts[4].startswith("attempt: 2. test:images/resize ok ")
    assert facts[5].startswith("elapsed: 0.")
    assert 6 == len(facts)


@pytest.mark.parametrize(
    ("kind", "facts"), [("--async", ["provider", "request id", "elapsed"]), ("--dry-run", ["elapsed"])]
)
def test_verbose_says_what_is_known(run: Run, kind: str, facts: list[str]) -> None:
    """-v tells of an acceptance and of a dry run what there is to tell."""
    ended = run("invoke", "local:app.py:echo", kind, "-v")

    assert facts == [line.split(":")[0] for line in ended.err.splitlines() if not line.startswith("fcall: ")]


def test_verbose_shows_how_a_function_failed(run: Run) -> None:
    """-v shows the stack of a failed function, its frames alone, with its class, attempts and time; then the error."""
    ended = run("invoke", "local:app.py:fails", "-v")
    lines = ended.err.splitlines()

    assert (1, "") == (ended.code, ended.out)
    assert "fcall: the function's stack, the innermost frame last:" == lines[0]
    assert lines[1].endswith('app.py", line 9, in fails')
    assert '    raise ValueError("no such card")' == lines[2]
    assert "error: FunctionError" == lines[3]
    assert lines[4].startswith("attempt: 1. local:app.py:fails executed (FunctionError) after ")
    assert lines[5].startswith("elapsed: ")
    assert lines[6].startswith("fcall: the function failed: ValueError: no such card [function app.py:fails on local;")
    assert 7 == len(lines)


def test_without_verbose_a_failure_says_how_to_see_more(run: Run) -> None:
    """A failed function is one paragraph, which says that there is a stack to see."""
    lines = run("invoke", "local:app.py:fails").err.splitlines()

    assert lines[0].endswith("executed: YES]")
    assert ["Call it with -v to see its stack."] == lines[1:]


def test_the_log_of_a_failed_function_is_shown(run: Run) -> None:
    """The end of a failed function's log is shown where it was asked for, with or without -v."""
    with routed_to(stand(FunctionError(error_type="E", log_tail="the last words"))):
        ended = run("invoke", "x", "--log-tail")

    assert "the last words" == ended.err.splitlines()[0]


def test_call_options_are_those_of_the_provider(spawn: Run, sample_plugins: Path) -> None:
    """--option gives a provider's call option, as the type that it declares; another name is an error."""
    path = str(sample_plugins)
    ended = spawn("invoke", "sample:echo", "1", "--option", "priority=2", PYTHONPATH=path)
    wrong = spawn("invoke", "sample:echo", "1", "--option", "priorty=2", PYTHONPATH=path)

    assert {"region": "moon-1", "priority": 2, "event": 1} == json.loads(ended.out)
    assert (3, "") == (wrong.code, wrong.out)
    assert "have no 'priorty' (did you mean 'priority'?)" in wrong.err


def test_the_provider_is_closed(spawn: Run, tmp_path: Path) -> None:
    """The provider that answered is closed before the command ends, so that what it accepted is finished."""
    info = tmp_path / "closing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: closing\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[fcall]\nclosing = closing\n", encoding="utf-8")
    (tmp_path / "closing.py").write_text(CLOSING, encoding="utf-8")
    ended = spawn("invoke", "closing:anything", PYTHONPATH=str(tmp_path))

    assert (0, "1\n", "closed\n") == (ended.code, ended.out, ended.err)


CLOSING = """
import fcall
from fcall.provider import Capabilities, InvocationResult, ProviderSpec

class Provider:
    capabilities = Capabilities()

    def invoke(self, invocation, deadline):
        return InvocationResult(b"1")

    def close(self):
        print("closed")

@fcall.hookimpl
def fcall_register_providers():
    return ProviderSpec("closing", lambda options: Provider())
"""


def test_the_environment_and_the_file_are_chosen(run: Run) -> None:
    """--config names the file and --env the environment that a service is looked up in."""
    Path("elsewhere.toml").write_text(
        '[services.words]\nprovider = "aws"\n[env.dev.services.words]\nprovider = "local"\n'
        'functions = { say = "app.py:echo" }\n',
        encoding="utf-8",
    )
    ended = run("invoke", "--config", "elsewhere.toml", "--env", "dev", "words/say", "1")

    assert (0, "1\n", "") == (ended.code, ended.out, ended.err)
    assert 3 == run("invoke", "--config", "elsewhere.toml", "words/say", "1").code
