"""The error set: the tree as drawn, the facts that errors carry, and that they travel."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fcall import errors
from fcall._result import InvocationResult
from fcall.errors import (
    Attempt,
    Executed,
    FcallError,
    FunctionError,
    InvocationError,
    ThrottledError,
)

CLASSES = [thing for _, thing in inspect.getmembers(errors, inspect.isclass) if issubclass(thing, FcallError)]
BUILTIN = [
    (cls, base)
    for cls in CLASSES
    for base in cls.__bases__
    if not issubclass(base, FcallError) and base is not Exception
]
SECRET = "s3cr3t-content"
TRIES = (
    Attempt(1, "aws:images/resize", "rejected", Executed.NO, "ThrottledError", "TooMany", 0.25, 1.5),
    Attempt(2, "aws:images/resize", "maybe", Executed.MAYBE, "ConnectionFailedError", None, 0.5),
)
ROUND_TRIPS = [
    *(pytest.param(lambda e, p=p: pickle.loads(pickle.dumps(e, p)), id=f"pickle {p}") for p in range(2, 6)),
    pytest.param(copy.copy, id="copy"),
    pytest.param(copy.deepcopy, id="deepcopy"),
]


def _complete(cls: type[FcallError]) -> FcallError:
    """An error of the class with every field set, and to something else than its default."""
    fields: dict[str, Any] = {
        "executed": Executed.MAYBE if cls.default_executed is Executed.NO else Executed.NO,
        "attempts": TRIES,
        "provider": "aws",
        "service": "images",
        "function": "resize",
        "code": "TooMany",
        "status_code": 429,
        "request_id": "r-1",
    }
    if issubclass(cls, InvocationError):
        fields["retryable"] = not cls.retryable
    if issubclass(cls, ThrottledError):
        fields["retry_after"] = 2.5
    if issubclass(cls, FunctionError):
        result = InvocationResult(SECRET.encode(), 200, "r-1", "7", SECRET, {"x-a": SECRET}, "aws", TRIES)
        fields |= {"error_type": "ValueError", "error_message": "no", "stack_trace": (SECRET,)}
        fields |= {"log_tail": SECRET, "result": result}
    return cls("it failed; do this", **fields)


def _drawn() -> Iterator[tuple[str, str | None, list[str]]]:
    """Each class of the drawing in the module's docstring: its name, its parent, and what stands beside it."""
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        drawn = re.fullmatch(r" {4}([│├└─ ]*)(\w+Error)(?: +(.+))?", line)
        if drawn:
            depth = len(drawn[1]) // 3
            path[depth:] = [drawn[2]]
            yield drawn[2], path[depth - 1] if depth else None, (drawn[3] or "").split(", ")


def _told(prefix: str, notes: list[str]) -> str | None:
    return next((note.removeprefix(prefix) for note in notes if note.startswith(prefix)), None)


def test_the_drawing_is_the_tree() -> None:
    """The drawing shows every class once, under its parent, with its builtin parent, and no other."""
    classes = {
        cls.__name__: (
            next((base.__name__ for base in cls.__bases__ if issubclass(base, FcallError)), None),
            next((base.__name__ for known, base in BUILTIN if known is cls), None),
        )
        for cls in CLASSES
    }
    drawn = [(name, parent, _told("also a ", notes) or _told("also an ", notes)) for name, parent, notes in _drawn()]

    assert len(classes) == len(drawn)
    assert classes == {name: (parent, builtin) for name, parent, builtin in drawn}


def test_the_drawing_shows_the_defaults() -> None:
    """What stands beside a class, or beside the nearest class above it, is its default."""
    executed: dict[str | None, str] = {}
    may_pass: dict[str | None, bool] = {None: False}
    for name, parent, notes in _drawn():
        executed[name] = _told("executed: ", notes) or executed[parent]
        may_pass[name] = "may pass" in notes or may_pass[parent]

    assert {cls.__name__: cls.default_executed.name for cls in CLASSES} == executed
    assert {cls.__name__: cls.retryable for cls in CLASSES} | {None: False} == may_pass


def test_the_drawing_says_nothing_that_is_not_checked() -> None:
    """Every remark of the drawing is one that these tests understand."""
    remarks = {note for _, _, notes in _drawn() for note in notes if note}
    known = re.compile(r"executed: (NO|MAYBE|YES)|may pass|also an? \w+|nothing was sent")

    assert set() == {remark for remark in remarks if not known.fullmatch(remark)}


def test_every_class_is_public() -> None:
    """`__all__` has every error, and the two types that errors speak in."""
    assert sorted([*(cls.__name__ for cls in CLASSES), "Attempt", "Executed"]) == sorted(errors.__all__)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_can_be_raised_with_a_message_alone(cls: type[FcallError]) -> None:
    """Every other fact is a keyword with a default."""
    error = cls("it failed")

    assert (cls.default_executed, (), None) == (error.executed, error.attempts, error.provider)
    assert "it failed" == error.message
    assert str(error).startswith("it failed")


@pytest.mark.parametrize(("cls", "builtin"), BUILTIN)
def test_familiar_parents_catch(cls: type[FcallError], builtin: type[Exception]) -> None:
    """A user who expects the builtin error catches ours by it."""
    with pytest.raises(builtin, match="do this"):
        raise _complete(cls)


@pytest.mark.parametrize("travel", ROUND_TRIPS)
@pytest.mark.parametrize("cls", CLASSES)
def test_errors_travel(cls: type[FcallError], travel: Callable[[FcallError], FcallError]) -> None:
    """An error that was pickled or copied is the same error, with every field and note."""
    error = _complete(cls)
    error.add_note("failover was not possible")
    arrived = travel(error)

    assert type(error) is type(arrived)
    assert vars(error) == vars(arrived)
    assert (str(error), repr(error), error.args) == (str(arrived), repr(arrived), arrived.args)
    assert arrived.executed is error.executed


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_that_travelled_can_still_be_raised(cls: type[FcallError]) -> None:
    """What comes out of a process pool is caught like any other error."""
    with pytest.raises(cls):
        raise pickle.loads(pickle.dumps(cls("it failed")))


@pytest.mark.parametrize("cls", CLASSES)
def test_words_show_facts_and_no_content(cls: type[FcallError]) -> None:
    """The text of an error has what support asks for, and neither payload nor log."""
    error = _complete(cls)

    assert SECRET not in str(error) + repr(error)
    assert str(error).startswith("it failed; do this [function images/resize on aws; code TooMany; status 429;")
    assert "request id r-1; attempts: 1. aws:images/resize rejected (ThrottledError TooMany) after 0.250 s, 2." in str(
        error
    )
    assert f"{cls.__name__}({str(error)!r})" == repr(error)


def test_only_calls_that_were_tried_say_whether_they_ran() -> None:
    """An error of configuration does not burden its reader with the question."""
    assert "bad key" == str(errors.InvalidParamsError("bad key"))
    assert "too many [executed: NO]" == str(errors.ThrottledError("too many"))


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"function": "resize"}, "function resize; executed: MAYBE"),
        ({"service": "images"}, "executed: MAYBE"),
        ({"provider": "aws"}, "aws; executed: MAYBE"),
        ({"status_code": 503}, "status 503; executed: MAYBE"),
        ({"attempts": TRIES[:1]}, "executed: MAYBE"),
        ({"code": "A\nB", "request_id": "1\x1b[31m"}, "code A B; request id 1�[31m; executed: MAYBE"),
    ],
)
def test_facts_that_are_missing_leave_no_gap(fields: dict[str, Any], shown: str) -> None:
    """The text of an error is readable whatever is known; one attempt alone is not listed."""
    assert f"broken [{shown}]" == str(InvocationError("broken", **fields))


@pytest.mark.parametrize(
    ("error_type", "error_message", "message"),
    [
        ("ValueError", "no such size", "the function failed: ValueError: no such size"),
        ("ValueError", "", "the function failed: ValueError"),
        ("", "no such size", "the function failed: no such size"),
        ("", "", "the function failed and gave no reason"),
        ("E", "a\nb\x1b[31m\ud800", "the function failed: E: a b�[31m�"),
    ],
)
def test_a_function_error_speaks_for_the_function(error_type: str, error_message: str, message: str) -> None:
    """Without a message of its own, the error has the function's words, made safe for one line."""
    assert message == FunctionError(error_type=error_type, error_message=error_message).message


def test_a_long_reason_is_cut() -> None:
    """What a function says cannot flood a log."""
    assert 600 > len(str(FunctionError(error_type="E", error_message="x" * 100_000)))


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if issubclass(cls, InvocationError)])
def test_a_provider_knows_better_than_the_class(cls: type[InvocationError]) -> None:
    """`executed` and `retryable` of an instance go before the class's defaults, which stay as they are."""
    before = (cls.default_executed, cls.retryable)
    for executed in Executed:
        assert executed is cls("x", executed=executed).executed
    assert [True, False] == [cls("x", retryable=True).retryable, cls("x", retryable=False).retryable]
    assert before == (cls.default_executed, cls.retryable)


def test_no_is_falsy() -> None:
    """`if error.executed:` reads "it may have run"."""
    assert [False, True, True] == [bool(e) for e in (Executed.NO, Executed.MAYBE, Executed.YES)]


def test_an_attempt_reads_as_one_line() -> None:
    """An attempt says where it went, how it ended and how long that took."""
    assert "1. local:f ok after 0.001 s" == str(Attempt(1, "local:f", "ok", Executed.YES, elapsed=0.001))
