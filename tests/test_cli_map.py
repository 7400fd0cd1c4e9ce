"""``fcall map``: a line for each line, progress, Ctrl-C, and going on after a kill."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HANDLERS = """
import os, time

def double(event, context):
    return event["n"] * 2

def picky(event, context):
    if event["n"] == 2:
        raise ValueError("two")
    return {"n": event["n"]}

def logged(event, context):
    time.sleep(0.001)
    number = os.open("ran", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.write(number, b"%d\\n" % event["n"])
    os.close(number)
    return event["n"]

def slow(event, context):
    open("began", "a").close()
    time.sleep(event.get("seconds", 0.5))
    return event["n"]

def patient(event, context):
    open("began", "a").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
    return event["n"]
"""


@pytest.fixture(autouse=True)
def handlers() -> None:
    Path("app.py").write_text(HANDLERS)


def wrote(count: int, name: str = "in.jsonl") -> None:
    Path(name).write_text("".join(f'{{"n": {number}}}\n' for number in range(1, count + 1)))


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_line_has_its_answer(run: Callable[..., Any]) -> None:
    """The output has the number of each line and its result, one JSON object a line."""
    wrote(30)
    ended = run("map", "local:app.py:double", "in.jsonl", "--concurrency", "4")

    assert (0, "") == (ended.code, ended.err)
    assert [{"line": n, "result": 2 * n} for n in range(1, 31)] == sorted(lines(ended.out), key=lambda x: x["line"])


def test_what_fails_is_a_line_too(run: Callable[..., Any]) -> None:
    """A failed call, and a line that is not JSON, say why; empty lines are none; the exit code is 1."""
    ended = run("map", "local:app.py:picky", "-", input='{"n": 1}\n\n{"n": 2}\n{n: 3}\n{"n": 4}')
    said = {line.pop("line"): line for line in lines(ended.out)}

    assert 1 == ended.code
    assert "fcall: 2 of 4 lines failed; each says why.\n" == ended.err
    assert {1: {"result": {"n": 1}}, 5: {"result": {"n": 4}}} == {key: said[key] for key in (1, 5)}
    assert {"type": "FunctionError", "executed": "YES", "errorType": "ValueError", "errorMessage": "two"}.items() <= (
        said[3]["error"].items()
    )
    assert ("InvalidPayloadError", "NO") == (said[4]["error"]["type"], said[4]["error"]["executed"])
    assert "{n: 3}" not in said[4]["error"]["message"]


def test_an_answer_that_is_not_json_is_kept() -> None:
    """As text where it is text, as base64 where it is not; NaN is none of JSON either."""
    from fcall import InvocationResult
    from fcall.cli._lines import answer

    assert {"line": 1, "text": "plain"} == json.loads(answer(1, InvocationResult(b"plain")))
    assert {"line": 1, "text": ""} == json.loads(answer(1, InvocationResult(b"")))
    assert {"line": 1, "text": "NaN"} == json.loads(answer(1, InvocationResult(b"NaN")))
    assert {"line": 1, "base64": "/w=="} == json.loads(answer(1, InvocationResult(b"\xff")))


def test_an_output_that_holds_something_is_not_overwritten(run: Callable[..., Any]) -> None:
    """Without --resume it is refused, and so is a file of something else, or none at all."""
    wrote(2)
    Path("out.jsonl").write_text('{"line": 1, "result": 0}\n')
    Path("other.jsonl").write_text("something else\n")
    for arguments, words in (
        (("--output", "out.jsonl"), "holds something already; --resume goes on with it"),
        (("--output", "other.jsonl", "--resume"), "line 1 of 'other.jsonl' is none that fcall map wrote"),
        (("--output", "no/such/folder.jsonl"), "cannot be written: No such file"),
        (("--resume",), "--resume goes on with a file; name it with --output."),
    ):
        ended = run("map", "local:app.py:double", "in.jsonl", *arguments)

        assert 2 == ended.code
        assert words in ended.err
    assert '{"line": 1, "result": 0}\n' == Path("out.jsonl").read_text()
    assert 2 == run("map", "local:app.py:double", "none.jsonl").code


def test_resume_calls_what_is_not_answered(run: Callable[..., Any]) -> None:
    """Answered lines are not called again, failed ones included; half a line is written anew."""
    wrote(6)
    Path("out.jsonl").write_text('{"line": 2, "result": 2}\n{"line": 5, "error": {}}\n{"line": 6, "res')
    arguments = ("map", "local:app.py:logged", "in.jsonl", "--output", "out.jsonl", "--resume")
    first = run(*arguments)
    after = Path("out.jsonl").read_text()

    assert (0, "", "") == (first.code, first.out, first.err)
    assert [1, 3, 4, 6] == sorted(map(int, Path("ran").read_text().split()))
    assert [1, 2, 3, 4, 5, 6] == sorted(line["line"] for line in lines(after))
    assert 0 == run(*arguments).code
    assert after == Path("out.jsonl").read_text()


def test_an_output_of_another_input_is_noticed(run: Callable[..., Any]) -> None:
    """Answers to lines that the input does not have are a warning."""
    wrote(2)
    Path("out.jsonl").write_text('{"line": 7, "result": 2}\n')
    ended = run("map", "local:app.py:double", "in.jsonl", "--output", "out.jsonl", "--resume")

    assert "is it of another input?" in ended.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_two_do_not_write_one_output(run: Callable[..., Any]) -> None:
    """While one map writes a file, another one is refused."""
    import fcntl

    wrote(2)
    with Path("out.jsonl").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        ended = run("map", "local:app.py:double", "in.jsonl", "--output", "out.jsonl")

    assert 2 == ended.code
    assert "another process writes 'out.jsonl'; wait for it." in ended.err


def begun(*arguments: str) -> subprocess.Popen[str]:
    """The command, begun in a process of its own."""
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from fcall.cli import main; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, "map", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def resumed_after_kills(kills: int) -> None:
    """Kill it at random instants, go on each time, and see that every line has one answer."""
    count = 2000
    wrote(count)
    arguments = ("local:app.py:logged", "in.jsonl", "--output", "out.jsonl", "--resume", "--concurrency", "8")
    instants = random.Random()
    for _ in range(kills):
        process = begun(*arguments)
        time.sleep(instants.uniform(0.1, 0.7))
        process.kill()
        process.communicate()
    process = begun(*arguments)
    _, errors = process.communicate(timeout=60)
    answered = [line["line"] for line in lines(Path("out.jsonl").read_text())]
    ran = Path("ran").read_text().split()

    assert (0, "") == (process.returncode, errors)
    assert list(range(1, count + 1)) == sorted(answered)
    assert count <= len(ran) <= count + kills * (8 + 8 + 64)  # what was called and not yet written is called again


def test_nothing_is_lost_by_a_kill() -> None:
    """No line is lost, and none is answered twice, whenever the process is killed."""
    resumed_after_kills(4)


@pytest.mark.long
def test_nothing_is_lost_by_twenty_kills() -> None:
    """The same, twenty times over."""
    resumed_after_kills(20)


@pytest.mark.usefixtures("unmeasured")
def test_ctrl_c_waits_for_what_was_sent() -> None:
    """The first Ctrl-C sends nothing more and writes the answers of what was sent; --resume goes on."""
    wrote(500)
    process = begun("local:app.py:patient", "in.jsonl", "--output", "out.jsonl", "--concurrency", "2")
    while not Path("began").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert "\n" == process.stderr.readline()  # the progress line ends
    told = process.stderr.readline()
    Path("go").touch()
    _, errors = process.communicate(timeout=20)
    answered = lines(Path("out.jsonl").read_text())

    assert 130 == process.returncode
    assert "fcall: interrupted. What was sent is waited for; Ctrl-C again gives it up.\n" == told
    assert f"fcall: interrupted. {len(answered)} lines were written; --resume goes on." in errors
    assert 1 <= len(answered) <= 4


@pytest.mark.usefixtures("unmeasured")
def test_ctrl_c_again_gives_it_up() -> None:
    """The second one ends at once, and says that what was under way may have run."""
    Path("in.jsonl").write_text('{"n": 1, "seconds": 60}\n' * 4)
    process = begun("local:app.py:slow", "in.jsonl", "--concurrency", "2")
    assert process.stderr is not None
    while not Path("began").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    while "waited for" not in process.stderr.readline():
        continue
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)

    assert 130 == process.returncode
    assert "interrupted. What was under way may have run (executed: MAYBE)." in errors


def test_what_is_answered_takes_little_memory() -> None:
    """Numbers without a gap before them are one number."""
    from fcall.cli._lines import Numbers

    numbers = Numbers()
    for number in (3, 1, 2, 2, 5):
        numbers.add(number)

    assert [1, 2, 3, 5] == [number for number in range(1, 8) if number in numbers]
    assert (4, 5, {5}) == (len(numbers), numbers.highest, numbers._beyond)
