"""The command line as a process among others: pipes, signals, what it costs to start."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import fcall

Run = Callable[..., Any]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and file numbers are those of POSIX")

HANDLERS = """
import os, subprocess, sys, time

def loud(event, context):
    print("printed")
    context.log("logged\\n")
    sys.__stdout__.write("behind our back\\n")
    os.write(1, b"written\\n")
    subprocess.run(["echo", "by a child"])
    return "answer"

def large(event, context):
    return "x" * 1_000_000

def greet(event, context):
    return "Zo\\u00eb"

def endless(event, context):
    print("begun", flush=True)
    while True:
        time.sleep(0.01)

def patient(event, context):
    print("begun", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
    print("ended", flush=True)
"""


@pytest.fixture(autouse=True)
def _app() -> None:
    """Handlers in app.py of the working directory."""
    Path("app.py").write_text(HANDLERS, encoding="utf-8")


def shell(command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell, in which ``$FCALL`` is the command; its exit code is that of fcall in a pipe, too."""
    environ = {**os.environ, "FCALL": f"{sys.executable} -m fcall", **environ}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], env=environ, capture_output=True, encoding="utf-8", timeout=60
    )


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process of fcall that is under way; nothing of it is left afterwards."""
    command = [sys.executable, "-m", "fcall", *arguments]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        # What a shell starts in the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("kind", [[], ["--async"]])
def test_standard_output_is_for_the_answer_alone(spawn: Run, kind: list[str]) -> None:
    """What a handler prints, by whatever way, and what its child processes print, goes to standard error."""
    ended = spawn("invoke", "local:app.py:loud", *kind)
    answer = json.loads(ended.out)

    assert 0 == ended.code
    assert answer == "answer" if not kind else answer["statusCode"] == 202
    assert ["behind our back", "by a child", "logged", "printed", "written"] == sorted(ended.err.splitlines())


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    """Where the reader of a pipe has seen enough, the command ends well and says nothing."""
    ended = shell("$FCALL invoke local:app.py:large | head -c 3")

    assert (0, '"xx', "") == (ended.returncode, ended.stdout, ended.stderr)


def test_nobody_has_to_listen_to_standard_error() -> None:
    """Where standard error is closed, or nobody reads it, the answer is printed all the same."""
    closed = shell("$FCALL invoke local:app.py:loud -v 2>&-")
    wrong = shell("$FCALL invok 2>&-")
    left = shell("$FCALL invoke local:app.py:greet -v 2> >(true)")

    assert 0 == closed.returncode
    assert '"answer"' in closed.stdout.splitlines()
    assert (0, '"Zoë"\n') == (left.returncode, left.stdout)
    assert (2, "") == (wrong.returncode, wrong.stdout)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_an_answer_that_cannot_be_written_is_an_error() -> None:
    """A full disk and a closed standard output are errors: the answer was lost."""
    full, closed = shell("$FCALL invoke local:app.py:greet >/dev/full"), shell("$FCALL invoke local:app.py:greet >&-")

    assert (1, 1) == (full.returncode, closed.returncode)
    assert "fcall: standard output cannot be written, so the answer was lost: No space left on device" in full.stderr
    assert "fcall: standard output is closed, so the answer could not be printed" in closed.stderr
    assert "Traceback" not in full.stderr + closed.stderr


def test_a_closed_standard_input_is_a_usage_error() -> None:
    """``-`` without a standard input is said in a sentence."""
    ended = shell("$FCALL invoke local:app.py:greet - <&-")

    assert (2, "") == (ended.returncode, ended.stdout)
    assert "EVENT takes standard input, which cannot be read" in ended.stderr


def test_text_is_written_in_the_encoding_of_the_output() -> None:
    """JSON stays valid where standard output has another encoding than UTF-8; bytes of an answer are never changed."""
    ascii_only = {"PYTHONIOENCODING": "ascii"}

    assert '"Zo\\u00eb"\n' == shell("$FCALL invoke local:app.py:greet", **ascii_only).stdout
    assert '"Zoë"\n' == shell("$FCALL invoke local:app.py:greet").stdout


def test_bytes_of_the_command_line_are_sent_as_they_are(spawn: Run) -> None:
    """--payload sends the bytes that the shell gave; an EVENT that is not UTF-8 is said to be none."""
    Path("app.py").write_text("def size(event, context): return len(event)", encoding="utf-8")
    ended = shell("""$FCALL invoke local:app.py:size --payload "$(printf '"\\303\\274\\303\\274"')" """)
    wrong = shell("""$FCALL invoke local:app.py:size "$(printf '"\\377"')" """)

    assert (0, "2\n") == (ended.returncode, ended.stdout)
    assert 2 == wrong.returncode
    assert "EVENT is not JSON: it is not UTF-8" in wrong.stderr


def test_a_terminal_gets_indented_json() -> None:
    """At a terminal the answer is indented for the person who reads it."""
    import pty

    Path("app.py").write_text("handler = lambda event, context: {'a': [1]}", encoding="utf-8")
    terminal, end = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "fcall", "invoke", "local:app.py:handler"], stdout=end, timeout=60, check=True
    )
    printed = os.read(terminal, 1000)
    os.close(terminal)
    os.close(end)

    assert b'{\r\n  "a": [\r\n    1\r\n  ]\r\n}\r\n' == printed


@pytest.mark.usefixtures("unmeasured")
def test_ctrl_c_says_that_the_function_may_have_run() -> None:
    """Ctrl-C in a function ends the command with 130, and with what is known of the function."""
    with started("invoke", "local:app.py:endless?function_timeout=60") as process:
        assert "begun\n" == process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (130, "") == (process.returncode, out)
    assert "fcall: interrupted. The function may have run, or run in part (executed: MAYBE).\n" == err


@pytest.mark.usefixtures("unmeasured")
def test_ctrl_c_before_the_call_says_that_nothing_was_called() -> None:
    """Ctrl-C while the event is being read ends the command with 130, and nothing was called."""
    with started("invoke", "local:app.py:endless", "-") as process:
        process.stdin.write("1")
        process.stdin.flush()
        _wait_until_it_reads(process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (130, "", "fcall: interrupted. No function was called.\n") == (process.returncode, out, err)


@pytest.mark.usefixtures("unmeasured")
def test_what_was_accepted_survives_one_ctrl_c() -> None:
    """An accepted event is finished although somebody pressed Ctrl-C, who is told so."""
    with started("invoke", "local:app.py:patient?function_timeout=60", "--async") as process:
        assert 202 == json.loads(process.stdout.readline())["statusCode"]
        assert "begun\n" == process.stderr.readline()
        process.send_signal(signal.SIGINT)
        told = process.stderr.readline()
        Path("go").touch()
        _, err = process.communicate(timeout=60)

    assert "fcall: interrupted. What was accepted goes on, and fcall waits for it; Ctrl-C again gives it up.\n" == told
    assert (130, "ended\nfcall: interrupted. What was accepted has run.\n") == (process.returncode, err)


@pytest.mark.usefixtures("unmeasured")
def test_a_second_ctrl_c_gives_up() -> None:
    """Two times Ctrl-C ends the command at once, with a sentence on what that means for the event."""
    with started("invoke", "local:app.py:endless", "--async") as process:
        process.stdout.readline()
        assert "begun\n" == process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)

    assert 130 == process.returncode
    assert "fcall: given up. What was accepted may have run in part, or not at all (executed: MAYBE).\n" == err


def _wait_until_it_reads(process: subprocess.Popen[str]) -> None:
    """Wait until the process has taken its input and asks for more, which a pipe shows by being empty."""
    import fcntl
    import struct
    import termios

    while struct.unpack("i", fcntl.ioctl(process.stdin.fileno(), termios.FIONREAD, b"\0" * 4))[0]:
        assert process.poll() is None


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["invoke", "--help"]])
def test_asking_for_the_version_or_help_is_light(arguments: list[str]) -> None:
    """--version and --help load neither pluggy, nor the entry points, nor any of the machinery that calls."""
    program = (
        "import atexit, json, sys; atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr));"
        f"sys.argv = ['fcall', *{arguments}]; from fcall.cli import main; main()"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", timeout=60, check=True
    )
    loaded = json.loads(finished.stderr)
    heavy = {"pluggy", "importlib.metadata", "logging", "asyncio", "socket", "tomllib", "fcall._client", "fcall.errors"}

    assert set() == heavy & set(loaded)


def test_the_version_is_printed(spawn: Run) -> None:
    """--version prints the name and the version, and nothing else."""
    ended = spawn("--version")

    assert (0, f"fcall {fcall.__version__}\n", "") == (ended.code, ended.out, ended.err)


def test_the_command_and_the_module_are_the_same(spawn: Run) -> None:
    """``fcall`` and ``python -m fcall`` do the same, down to the name in a usage error."""
    script = Path(sys.executable).with_name("fcall")
    finished = subprocess.run([script, "invoke"], capture_output=True, encoding="utf-8", timeout=60, check=False)
    ended = spawn("invoke")

    assert (2, "", finished.stderr) == (finished.returncode, finished.stdout, ended.err)
    assert (2, "") == (ended.code, ended.out)
    assert "fcall: Missing argument 'TARGET'. Try 'fcall invoke --help'.\n" == ended.err
