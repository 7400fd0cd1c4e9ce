"""The page of the provider is true: its tables are the code's, and its examples run.

``python plugins/fcall-linkedge/tests/test_linkedge_page.py`` writes the error table anew.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
from fcall_linkedge._errors import ANSWERS, FUNCTION_FAILURES, RAISED, STATUSES, STATUSES_1_1, Failure
from fcall_linkedge._provider import LinkEdgeOptions as Options

from fcall.provider import ErrorRow

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "linkedge.md"
COMING_FROM = Path(__file__).parents[3] / "docs" / "coming-from" / "lecoresdk.md"
README = Path(__file__).parents[1] / "README.md"
PYTEST = ("-q", "-p", "fcall_linkedge.pytest_plugin", "-p", "no:cacheprovider")
MARKED = re.compile(r"(?<=<!-- errors -->\n).*?(?=<!-- end of errors -->)", re.DOTALL)
HEAD = "| lecoresdk | Error | `executed` | May pass |\n| --- | --- | --- | --- |"
NAMES = {
    "int": "an int",
    "None": "`None`",
    "fail": '`"fail"`',
    "another": "anything else",
    "BaseException": "anything else",
}


def error_table() -> str:
    """The error table, in Markdown."""
    return "\n".join([HEAD, *_told(ANSWERS, "returns"), *_told(RAISED, "raises"), *_functions(), *_statuses(), ""])


def _told(failures: Mapping[str, Failure], how: str) -> Iterator[str]:
    for name, failure in failures.items():
        yield _line(f"{how} {NAMES.get(name, f'`{name}`')}: {failure.what}", failure.row)


def _functions() -> Iterator[str]:
    for failure in FUNCTION_FAILURES.values():
        yield _line(f"returns a result: {failure.what}", failure.row)


def _statuses() -> Iterator[str]:
    for status, row in STATUSES_1_1.items():
        yield _line(f"returns a result of status {status}, with 1.1", row)
    for status, row in sorted(STATUSES.items(), key=lambda each: str(each[0]).replace("xx", "~")):
        also = " of another kind" if str(status).endswith("xx") else ", with 1.0" * (status in STATUSES_1_1)
        yield _line(f"returns a result of status {status}{also}", row)


def _line(what: str, row: ErrorRow) -> str:
    executed = row.error.default_executed if row.executed is None else row.executed
    may_pass = row.error.retryable if row.retryable is None else row.retryable
    return f"| {what} | `{row.error.__name__}` | {executed.name} | {'yes' if may_pass else 'no'} |"


def test_the_error_table_is_the_codes() -> None:
    """Every row of the code's tables is on the page, as the code has it; the head of this file says how to renew it."""
    found = MARKED.search(PAGE.read_text(encoding="utf-8"))

    assert found
    assert error_table() == found[0]


def test_the_card_is_what_is_declared() -> None:
    """The page promises what the provider declares; ``python tests/provider_cards.py`` writes the card."""
    from provider_cards import SUBJECTS, written_card

    assert SUBJECTS["linkedge"].card() == written_card("linkedge")


def test_every_option_is_explained() -> None:
    """The page has a row for every option, with its default."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## Options\n")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, flags=re.MULTILINE)

    assert [(field.name, str(field.default)) for field in fields(Options)] == explained
    assert all(field.default is not MISSING for field in fields(Options))


@pytest.mark.usefixtures("true_sdk")
def test_the_examples_run() -> None:
    """The files that the pages show do what they say: tests with the fixtures, a program, our client in a handler."""
    _write_files(README)
    assert "1 passed" in _ran("-m", "pytest", *PYTEST, "test_edge.py")
    _write_files(PAGE)
    tests = _ran("-m", "pytest", *PYTEST, "test_edge.py")
    program = _ran("try_it.py")

    assert "1 passed" in tests
    assert "level three\n" == program
    _write_files(COMING_FROM)
    Path("run.py").write_text(
        "import fcall, fcall_linkedge\nfrom fcall_linkedge import emulator\n"
        "client = fcall.Client(plugins=[fcall_linkedge], provider='linkedge')\n"
        "functions = {'helloworld': 'edge/helloworld.py:handler'}\n"
        "fcall.Client = lambda: client\n"
        "from edge import index\n"
        "fcall.Client = type(client)\n"
        "with emulator.gateway({'services': {'EdgeFC': {'functions': functions}}}):\n"
        "    print(index.handler(b'', {}))\n"
    )
    assert "b'String message from Python Invoker.three'\n" == _ran("run.py")


def _write_files(page: Path) -> None:
    """Write the files that a page shows into the working directory."""
    blocks = re.findall(r"^```python\n# (\S+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    for name, block in blocks:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(block)


def _ran(*arguments: str) -> str:
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-W", "error", *arguments]
    finished = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


if __name__ == "__main__":
    PAGE.write_text(MARKED.sub(lambda _: error_table(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
