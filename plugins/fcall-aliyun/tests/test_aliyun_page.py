"""The reference page is true: its tables are those of the code, and its example runs.

``python plugins/fcall-aliyun/tests/test_aliyun_page.py`` writes the error table anew.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

import pytest
from fcall_aliyun import AliyunOptions
from fcall_aliyun._errors import CODES, STATUSES

from fcall.errors import FcallError, InvocationError
from fcall.provider import ErrorRow

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "aliyun.md"
MARKED = re.compile(r"(?<=<!-- errors -->\n).*?(?=<!-- end of errors -->)", re.DOTALL)

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")


def test_the_error_table_is_the_codes() -> None:
    """The page has every row of the error table as the code has it."""
    assert _errors() == MARKED.findall(PAGE.read_text(encoding="utf-8"))


def test_the_card_is_the_capabilities() -> None:
    """The page says what the provider declares that it can do; ``python tests/provider_cards.py`` writes the card."""
    from provider_cards import SUBJECTS, written_card

    assert SUBJECTS["aliyun"].card() == written_card("aliyun")


def test_every_option_is_explained() -> None:
    """The page has a row for each option, and for no other."""
    section = re.search(r"^## Options\n(.*?)(?=^## )", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert section
    names = re.findall(r"^\| `(\w+)` \|", section[1], flags=re.MULTILINE)

    assert [field.name for field in dataclasses.fields(AliyunOptions)] == names


@pytest.mark.skipif(not metadata.entry_points(group="fcall", name="aliyun"), reason="fcall-aliyun is not installed")
def test_the_example_runs(tmp_path: Path) -> None:
    """The test that the page shows passes."""
    found = re.search(r"```python\n# (test_\w+\.py)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    (tmp_path / found[1]).write_text(found[2], encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", found[1]]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert finished.returncode == 0, finished.stdout


def _errors() -> list[str]:
    rows = {f"`{code}`": row for code, row in CODES.items()}
    rows |= {f"status {status}": row for status, row in STATUSES.items()}
    return ["\n".join(["| Code | Error | `executed` | May pass |", "| --- | --- | --- | --- |", *_rows(rows), ""])]


def _rows(rows: Mapping[str, type[FcallError] | ErrorRow]) -> Iterator[str]:
    for name, given in rows.items():
        row = given if isinstance(given, ErrorRow) else ErrorRow(given)
        assert issubclass(row.error, InvocationError)
        executed = row.error.default_executed if row.executed is None else row.executed
        may_pass = row.error.retryable if row.retryable is None else row.retryable
        advice = f"; {row.advice}" if row.advice else ""
        yield f"| {name} | `{row.error.__name__}`{advice} | {executed.name} | {'yes' if may_pass else 'no'} |"


if __name__ == "__main__":
    PAGE.write_text(MARKED.sub(lambda _: _errors()[0], PAGE.read_text(encoding="utf-8")), encoding="utf-8")
