"""The limits of the imitated platforms: the sizes of requests and answers, and the end of a log."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fcall import Client
from fcall.errors import (
    ConfigurationError,
    Executed,
    FunctionError,
    FunctionNotFoundError,
    FunctionResponseError,
    PayloadTooLargeError,
    UnsupportedFeatureError,
)
from fcall.local import Registry

MEBIBYTE = 1_048_576

CODE = """\
import pathlib

def ran(event, context):
    pathlib.Path(__file__).with_name("ran").touch()
    return "x" * event if isinstance(event, int) else len(event)

def ran_fc(event, context):
    pathlib.Path(__file__).with_name("ran").touch()
    return b"x" * int(event)

def prints(event, context):
    for number in range(event):
        print("line", number)

def prints_wide(event, context):
    print("ż" * 5_000)

def prints_and_fails(event, context):
    print("before")
    raise ValueError("printed")
"""

REPORT = re.compile(
    r"REPORT RequestId: [0-9a-f-]{36}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
    r"Max Memory Used: [1-9]\d* MB\t(Init Duration: \d+\.\d\d ms\t)?\n"
)

Made = Callable[..., Client]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    """Clients of the functions above."""
    clients: list[Client] = []
    (tmp_path / "m.py").write_text(CODE, encoding="utf-8")

    def make(isolation: str, runtime: str = "lambda", **options: Any) -> Client:
        given = {"provider": "local", "root": str(tmp_path), "isolation": isolation, "runtime": runtime, **options}
        clients.append(Client({"defaults": given}))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.mark.parametrize("isolation", ["inline", "process"])
@pytest.mark.parametrize(
    ("runtime", "verb", "limit"),
    [
        ("lambda", "invoke", 6 * MEBIBYTE),
        ("lambda", "enqueue", MEBIBYTE),
        ("lambda", "check", 6 * MEBIBYTE),
        ("fc", "invoke", 32 * MEBIBYTE),
        ("fc", "enqueue", 131_072),
    ],
)
def test_a_request_over_the_limit_is_refused(
    isolation: str, runtime: str, verb: str, limit: int, made: Made, tmp_path: Path
) -> None:
    """A payload that the platform would not take is refused before the function runs."""
    with made(isolation, runtime) as client, pytest.raises(PayloadTooLargeError) as caught:
        getattr(client, verb)("local:m.py:ran", payload=b'"' + b"x" * (limit - 1) + b'"')

    assert Executed.NO is caught.value.executed
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_a_request_of_the_limit_is_taken(isolation: str, made: Made) -> None:
    """The limit itself is not over it."""
    payload = b'"' + b"x" * (6 * MEBIBYTE - 2) + b'"'

    assert 6 * MEBIBYTE - 2 == made(isolation).invoke("local:m.py:ran", payload=payload).json()


@pytest.mark.parametrize("isolation", ["inline", "process"])
@pytest.mark.parametrize(
    ("runtime", "function", "event", "error_type"),
    [
        ("lambda", "ran", 6_291_555, "Function.ResponseSizeTooLarge"),
        ("fc", "ran_fc", 32 * MEBIBYTE + 1, "BadResponse"),
        ("linkedge", "ran_fc", 32 * MEBIBYTE + 1, "BadResponse"),
    ],
)
def test_an_answer_over_the_limit_fails_after_the_handler_ran(
    isolation: str, runtime: str, function: str, event: int, error_type: str, made: Made, tmp_path: Path
) -> None:
    """An answer that is too large is lost, but what the handler did is done; the next call works."""
    client = made(isolation, runtime)
    with pytest.raises(FunctionResponseError) as caught:
        client.invoke(f"local:m.py:{function}", event)

    assert (Executed.YES, error_type) == (caught.value.executed, caught.value.error_type)
    assert (tmp_path / "ran").exists()
    assert client.invoke(f"local:m.py:{function}", 1).payload


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_an_answer_of_the_limit_is_given(isolation: str, made: Made) -> None:
    """6 MiB and 100 bytes is what Lambda lets through."""
    assert 6_291_556 == len(made(isolation).invoke("local:m.py:ran", 6_291_554).payload)


def test_a_log_tail_is_framed(made: Made) -> None:
    """A short log is whole, between the platform's lines; only a cold start says how long it took."""
    client = made("process")
    cold, warm = (client.invoke("local:m.py:prints", 2, log_tail=True) for _ in range(2))
    for result in (cold, warm):
        start, *printed, end, report = (result.log_tail or "").splitlines(keepends=True)

        assert f"START RequestId: {result.request_id} Version: $LATEST\n" == start
        assert ["line 0\n", "line 1\n"] == printed
        assert f"END RequestId: {result.request_id}\n" == end
        assert REPORT.fullmatch(report)
    assert ("Init Duration" in str(cold.log_tail), "Init Duration" in str(warm.log_tail)) == (True, False)


def test_a_log_tail_is_the_last_4_kb(made: Made) -> None:
    """Of a long log the beginning is cut off, in the middle of a character if need be."""
    client = made("process")
    lines = client.invoke("local:m.py:prints", 10_000, log_tail=True).log_tail or ""
    wide = client.invoke("local:m.py:prints_wide", log_tail=True).log_tail or ""

    assert 4096 == len(lines.encode())
    assert "line 9999\nEND " in lines
    assert "START" not in lines
    assert 4096 in (len(wide.encode()), len(wide.encode()) - 2)  # half a character is replaced by three bytes
    assert "żż\nEND " in wide


def test_a_failure_has_its_log_tail(made: Made) -> None:
    """What was logged before a failure, and the failure as the runtime logs it, come with the error."""
    client = made("process")
    with pytest.raises(FunctionError) as caught:
        client.invoke("local:m.py:prints_and_fails", log_tail=True)
    with pytest.raises(FunctionError) as not_asked:
        client.invoke("local:m.py:prints_and_fails")

    assert "before\n[ERROR] ValueError: printed\rTraceback" in (caught.value.log_tail or "")
    assert None is not_asked.value.log_tail


def test_inline_has_no_log_tail(made: Made, tmp_path: Path) -> None:
    """Output is the process's, so inline refuses to give a function's part of it, before anything runs."""
    with pytest.raises(UnsupportedFeatureError):
        made("inline").invoke("local:m.py:ran", 1, log_tail=True)

    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"environment": {"A": "1"}},
        {"pass_environment": ["A"]},
        {"memory_limit": 512},
        {"log_format": "JSON"},
        {"log_level": "INFO"},
        {"reuse": False},
        {"concurrency": 5},
    ],
    ids=str,
)
def test_what_belongs_to_processes_is_refused_inline(options: dict[str, Any]) -> None:
    """One process has one environment and one standard output; a promise that cannot be kept is not made."""
    with pytest.raises(ConfigurationError, match=f'{next(iter(options))} belongs to .*; add isolation = "process"'):
        Client(provider="local", **options).invoke("x")


def test_nothing_said_of_processes_is_fine_inline() -> None:
    """The defaults may be written out."""
    options = {"environment": {}, "pass_environment": [], "memory_limit": None, "log_format": "Text", "reuse": True}
    with pytest.raises(FunctionNotFoundError):
        Client(provider="local", registry=Registry(), **options).invoke("x")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"environment": {"PORT": 8080}}, "'PORT' in environment is a int; write its value as a text"),
        ({"environment": {"A=B": "1"}}, "'A=B' in environment is no variable"),
        ({"environment": {"A": "hidden\0"}}, "'A' in environment is no variable"),
        ({"environment": {"": "1"}}, "'' in environment is no variable"),
        ({"pass_environment": [1]}, "pass_environment is a list of names"),
        ({"memory_limit": 0}, "memory_limit are 1 or more"),
        ({"recursion_depth": 0}, "recursion_depth is 1 or more"),
        ({"on_failure": "app.py:"}, "'app.py:' names no handler"),
    ],
    ids=str,
)
def test_an_option_of_no_use_is_refused(options: dict[str, Any], words: str) -> None:
    """A slip in the configuration is found at the first call, before anything runs; no value is told."""
    with pytest.raises(ConfigurationError, match=re.escape(words)) as caught:
        Client(provider="local", isolation="process", **options).invoke("x")

    assert "hidden" not in str(caught.value)


def test_a_json_log_is_lambdas() -> None:
    """The other runtimes write text."""
    with pytest.raises(ConfigurationError, match="log_format is for the runtime lambda"):
        Client(provider="local", isolation="process", runtime="fc", log_format="JSON").invoke("x")
