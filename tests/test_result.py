"""What a call gives back."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from fcall._result import Acceptance, FunctionInfo, InvocationResult, masked
from fcall.errors import Attempt, Executed, FunctionResponseError

SECRET = "s3cr3t-content"
TRIES = (Attempt(1, "aws:images/resize", "ok", Executed.YES, elapsed=0.25),)


def _result(payload: bytes = SECRET.encode()) -> InvocationResult:
    return InvocationResult(payload, 200, "r-1", "7", SECRET, {"x-a": SECRET}, "aws", TRIES)


@pytest.mark.parametrize(
    ("payload", "value"), [(b"null", None), (b'{"a": [1, 2.5]}', {"a": [1, 2.5]}), ('"Grüße 🌍"'.encode(), "Grüße 🌍")]
)
def test_json_is_decoded(payload: bytes, value: Any) -> None:
    """`json()` gives the value and `text` its spelling."""
    result = _result(payload)

    assert value == result.json()
    assert payload.decode() == result.text


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "the answer is empty, so there is no JSON in it"),
        (b"<html>", "the answer is not JSON"),
        (b'{"a": 1', "the answer is not JSON"),
        (b"\xff\xff", "the answer is not JSON"),
        (b"[" * 100_000, "the answer is not JSON"),
        (b"9" * 10_000, "the answer is not JSON"),
    ],
    ids=lambda value: str(value[:12]),
)
def test_what_is_not_json_is_refused(payload: bytes, words: str) -> None:
    """An answer that cannot be decoded is a FunctionResponseError: the function ran, and the bytes are at hand."""
    with pytest.raises(FunctionResponseError, match=words) as caught:
        _result(payload).json()

    error = caught.value
    assert "use result.payload for the bytes" in str(error)
    assert error.executed is Executed.YES
    assert (payload, "aws", "r-1", 200, TRIES) == (
        error.result and error.result.payload,
        error.provider,
        error.request_id,
        error.status_code,
        error.attempts,
    )


def test_what_is_not_text_is_refused() -> None:
    """`text` does not guess an encoding."""
    with pytest.raises(FunctionResponseError, match="not UTF-8"):
        assert not _result(b"\xff").text


def test_the_shape_of_a_result_shows_no_content() -> None:
    """The repr has neither the payload nor the log nor the headers."""
    assert SECRET not in repr(_result())
    assert "request_id='r-1'" in repr(_result())


@pytest.mark.parametrize("travel", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])
def test_results_travel(travel: Callable[[Any], Any]) -> None:
    """A result that was pickled or copied equals the original."""
    for value in (_result(), Acceptance("r-1", 202, "aws"), FunctionInfo("a", "prod-a", raw={"Arn": "x"})):
        assert value == travel(value)


def test_results_are_values() -> None:
    """Two results are equal where everything in them is, and nobody can change one."""
    assert _result() == _result()
    assert _result(b"1") != _result(b"2")
    with pytest.raises(AttributeError):
        _result().payload = b""  # type: ignore[misc]


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "x-amz-security-token",
        "Set-Cookie",
        "X-Api-Key",
        "x-acs-signature",
        "client-secret",
        "PASSWORD",
    ],
)
def test_secrets_in_headers_are_masked(name: str) -> None:
    """A header whose name speaks of a secret does not show it, whatever its case."""
    assert {name: "***", "date": "today"} == masked({name: SECRET, "date": "today"})


def test_the_flow_adds_what_only_it_knows() -> None:
    """`told_by` keeps the answer, masks its headers, and adds the provider and the attempts."""
    raw = InvocationResult(b"1", 200, "r", "7", "log", MappingProxyType({"Cookie": SECRET}))

    assert InvocationResult(b"1", 200, "r", "7", "log", {"Cookie": "***"}, "aws", TRIES) == raw.told_by("aws", TRIES)
    assert SECRET == raw.headers["Cookie"]


def test_an_answer_without_headers_travels_too() -> None:
    """Whatever mapping a provider has for no headers, the caller gets one that pickles."""
    told = InvocationResult(headers=MappingProxyType({})).told_by("aws", ())

    assert told == pickle.loads(pickle.dumps(told))
