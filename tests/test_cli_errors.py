"""How commands fail: a paragraph on standard error, a documented exit code, and no traceback unasked."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fcall import errors
from fcall.errors import FcallError
from fcall.provider import Capabilities, Deadline, Invocation, InvocationResult
from fcall.testing import routed_to

Run = Callable[..., Any]

FUNCTION_FAILED, USAGE, CONFIGURATION, NOT_DONE, TIMED_OUT = 1, 2, 3, 4, 5

EXIT_CODES = {
    "AccessDeniedError": NOT_DONE,
    "AuthenticationError": NOT_DONE,
    "CircuitOpenError": NOT_DONE,
    "ClientClosedError": CONFIGURATION,
    "ConfigurationError": CONFIGURATION,
    "ConflictError": NOT_DONE,
    "ConnectionFailedError": NOT_DONE,
    "FcallError": NOT_DONE,
    "FunctionCrashedError": FUNCTION_FAILED,
    "FunctionError": FUNCTION_FAILED,
    "FunctionLoadError": FUNCTION_FAILED,
    "FunctionNotFoundError": CONFIGURATION,
    "FunctionNotReadyError": NOT_DONE,
    "FunctionOutOfMemoryError": FUNCTION_FAILED,
    "FunctionResponseError": FUNCTION_FAILED,
    "FunctionTimeoutError": FUNCTION_FAILED,
    "InvalidParamsError": CONFIGURATION,
    "InvalidPayloadError": NOT_DONE,
    "InvalidRequestError": NOT_DONE,
    "InvocationError": NOT_DONE,
    "InvocationTimeoutError": TIMED_OUT,
    "PayloadTooLargeError": NOT_DONE,
    "PluginError": CONFIGURATION,
    "ProviderNotFoundError": CONFIGURATION,
    "ProviderNotInstalledError": CONFIGURATION,
    "ProviderUnavailableError": NOT_DONE,
    "RecursiveInvocationError": NOT_DONE,
    "RejectedError": NOT_DONE,
    "ThrottledError": NOT_DONE,
    "UnmappedProviderError": NOT_DONE,
    "UnsupportedFeatureError": CONFIGURATION,
}


@dataclass
class Failing:
    """A provider that fails as it is told to."""

    error: BaseException
    capabilities = Capabilities()

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        raise self.error

    def close(self) -> None:
        pass


def test_every_error_has_an_exit_code() -> None:
    """The table of exit codes in these tests leaves no class out."""
    classes = {name for name, thing in inspect.getmembers(errors, inspect.isclass) if issubclass(thing, FcallError)}

    assert classes == set(EXIT_CODES)


@pytest.mark.parametrize(("name", "code"), EXIT_CODES.items())
def test_the_exit_code_says_how_the_call_ended(run: Run, name: str, code: int) -> None:
    """Each error ends the command with its documented code, and with what str says of it on standard error."""
    error: FcallError = getattr(errors, name)("it did not go well", code="Code-7")
    error.retryable = False
    with routed_to(Failing(error)):
        ended = run("invoke", "images/resize", '{"a": "secret"}')

    assert (code, "") == (ended.code, ended.out)
    assert f"fcall: {error}\n" == ended.err
    assert "it did not go well [function images/resize on test; code Code-7" in ended.err
    assert "secret" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["local:app.py:handler"], CONFIGURATION, "there is no file"),
        (["local:broken.py:handler"], FUNCTION_FAILED, "could not be loaded: ZeroDivisionError"),
        (["local:slow.py:handler?function_timeout=0.000001"], FUNCTION_FAILED, "Task timed out"),
        (["local:slow.py:handler", "--timeout", "0.000001"], TIMED_OUT, "raise timeout"),
        (["local:slow.py:handler", "--payload", "no JSON"], NOT_DONE, "the payload is not JSON"),
        (["local:slow.py:handler", r'"\ud800"'], NOT_DONE, "lone surrogate"),
        (["local:slow.py:handler", "--timeout", "nan"], CONFIGURATION, "the timeout is over 0"),
        (["local:slow.py:handler", "--qualifier", "a b"], CONFIGURATION, "the qualifier is a version or an alias"),
        (["local:slow.py:handler", "--context", "[]"], CONFIGURATION, "the invoker context is an object"),
        (["local:slow.py:handler", "--log-tail"], CONFIGURATION, "leave log_tail out"),
        (["local:slow.py:handler", "--idempotency-key", "k"], CONFIGURATION, "say idempotent=True"),
        (["local:slow.py:handler?root=/"], CONFIGURATION, "does not take the option 'root'"),
        (["a/b/c"], CONFIGURATION, "has too many parts"),
        ([""], CONFIGURATION, "has an empty part"),
        (["aws:resize"], CONFIGURATION, "pip install fcall-aws"),
        (["hello"], CONFIGURATION, "no local function 'hello' is registered"),
        (["hello", "--env", "dev"], CONFIGURATION, "no configuration has an environment 'dev'"),
        (["hello", "--config", "nowhere.toml"], CONFIGURATION, "nowhere.toml cannot be read: No such file"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(run: Run, arguments: list[str], code: int, said: str) -> None:
    """What is wrong with a target, a handler, a parameter or a file is said on standard error, with the code for it."""
    Path("broken.py").write_text("1 / 0", encoding="utf-8")
    Path("slow.py").write_text("handler = lambda event, context: sum(range(1000))", encoding="utf-8")
    ended = run("invoke", *arguments)

    assert (code, "") == (ended.code, ended.out)
    assert said in ended.err
    assert ended.err.startswith("fcall: ")
    assert "Traceback" not in ended.err


def test_debug_shows_the_traceback(run: Run) -> None:
    """With --debug the traceback, causes and all, stands before the paragraph; the exit code is the same."""
    with routed_to(Failing(LookupError("from the SDK"))):
        quiet, debug = run("invoke", "x"), run("invoke", "x", "--debug")

    assert (NOT_DONE, NOT_DONE, "", "") == (quiet.code, debug.code, quiet.out, debug.out)
    assert "from the SDK" not in quiet.err
    assert "LookupError: from the SDK\n" in debug.err
    assert debug.err.startswith("Traceback (most recent call last):\n")
    assert debug.err.endswith(quiet.err)


def test_a_fault_of_our_own_is_told_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that fcall did not foresee is a sentence without the words of others, and a traceback on demand."""

    def fail(*arguments: object, **parameters: object) -> None:
        raise TypeError("something with a payload in it")

    monkeypatch.setattr("fcall.Client.invoke", fail)
    quiet, debug = run("invoke", "x"), run("invoke", "x", "--debug")

    assert (NOT_DONE, NOT_DONE) == (quiet.code, debug.code)
    assert "fcall: fcall itself failed with TypeError; run it again with --debug and report what it says\n" == quiet.err
    assert "TypeError: something with a payload in it\n" in debug.err


def test_notes_of_an_error_are_shown(run: Run) -> None:
    """What was added to an error on its way is part of the paragraph."""
    error = errors.RejectedError("no")
    error.add_note("failover to images-cn was not possible: it is not installed")
    with routed_to(Failing(error)):
        ended = run("invoke", "x")

    assert ended.err.endswith("\nfailover to images-cn was not possible: it is not installed\n")


def test_warnings_of_the_library_are_shown(spawn: Run, sample_plugins: Path) -> None:
    """An observer that cannot be loaded is a warning on standard error, and the call goes on."""
    Path("app.py").write_text("handler = lambda event, context: 1", encoding="utf-8")
    ended = spawn("invoke", "local:app.py:handler", PYTHONPATH=str(sample_plugins))
    debug = spawn("invoke", "local:app.py:handler", "--debug", PYTHONPATH=str(sample_plugins))

    assert (0, "1\n") == (ended.code, ended.out)
    assert (
        "fcall: warning: the plugin broken-observer of broken-observer 1.0 could not be loaded: SystemExit" in ended.err
    )
    assert "Traceback" not in ended.err
    assert (0, "1\n") == (debug.code, debug.out)


def test_an_observer_that_raises_has_a_traceback_on_demand(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library logs with a traceback is one line, and the whole with --debug."""
    from fcall._log import logger

    def log(*arguments: object, **parameters: object) -> None:
        try:
            raise ValueError("of the observer")
        except ValueError:
            logger.exception("the plugin x raised; the call goes on")

    monkeypatch.setattr("fcall.Client.check", log)
    quiet, debug = run("invoke", "x", "--dry-run"), run("invoke", "x", "--dry-run", "--debug")

    assert "fcall: error: the plugin x raised; the call goes on" == quiet.err.splitlines()[0]
    assert "of the observer" not in quiet.err
    assert "ValueError: of the observer" in debug.err.splitlines()


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["invoke"],
        ["invoke", "x", "--nonsense"],
        ["completion", "csh"],
        ["config", "hide"],
    ],
)
def test_a_usage_error_ends_with_2(run: Run, arguments: list[str]) -> None:
    """An unknown command, option or choice, or a missing argument, is one paragraph that leads to the help."""
    ended = run(*arguments)

    assert (USAGE, "") == (ended.code, ended.out)
    assert re.fullmatch(r"fcall: .* Try 'fcall.* --help'.\n", ended.err)


@pytest.mark.parametrize(
    "command",
    ["", "invoke", "list", "providers", "config", "config show", "config path", "doctor", "completion"],
)
def test_every_command_has_help(run: Run, command: str) -> None:
    """--help and -h print what a command does and takes on standard output."""
    long, short = run(*command.split(), "--help"), run(*command.split(), "-h")

    assert (0, "") == (long.code, long.err)
    assert long.out.startswith(f"Usage: fcall {command}".rstrip())
    assert long == short


def test_the_help_has_the_exit_codes(run: Run) -> None:
    """The exit codes stand in the help of the command line itself."""
    codes = re.findall(r"^ +(\d+)  ", run("--help").out, flags=re.MULTILINE)

    assert ["0", "1", "2", "3", "4", "5", "130"] == codes
