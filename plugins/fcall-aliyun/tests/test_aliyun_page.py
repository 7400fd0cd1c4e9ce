"""The reference page is true: its tables are those of the code, and its example runs.

``python plugins/fcall-aliyun/tests/test_aliyun_page.py`` writes the tables anew.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import fcall_aliyun
import pytest
from fcall_aliyun import AliyunOptions
from fcall_aliyun._errors import CODES, STATUSES

from fcall.errors import FcallError, InvocationError
from fcall.provider import ErrorRow

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "aliyun.md"
MARKED = {
    name: re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end of {name} -->)", re.DOTALL) for name in ("errors", "card")
}

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")


def test_the_error_table_is_the_codes() -> None:
    """The page has every row of the error table as the code has it."""
    assert _errors() == MARKED["errors"].findall(PAGE.read_text(encoding="utf-8"))


def test_the_card_is_the_capabilities() -> None:
    """The page says what the provider declares that it can do."""
    assert _card() == MARKED["card"].findall(PAGE.read_text(encoding="utf-8"))


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


def _card() -> list[str]:
    can: Any = fcall_aliyun.fcall_register_providers().create(AliyunOptions(endpoint="fc.example")).capabilities
    rows = {
        "Invocation types": _each(can.types),
        "Invoker context": _each(can.invoker_context),
        "Qualifiers": _word(can.qualifier),
        "Log tail": _word(can.log_tail),
        "Idempotency keys": _each(can.idempotency),
        "Streaming": _word(can.streaming),
        "Listing": _word(can.listing),
        "Payload limits": ", ".join(f"{kind}: {limit:,} bytes" for kind, limit in can.payload_limits.items()),
        "Time-out where nothing says one": f"{can.sync_timeout:g} s for Sync, {can.other_timeout:g} s for the others",
    }
    return ["\n".join(["| | |", "| --- | --- |", *(f"| {what} | {word} |" for what, word in rows.items()), ""])]


def _word(there: bool) -> str:
    return "yes" if there else "no"


def _each(kinds: Any) -> str:
    return ", ".join(sorted(kinds)) or "no"


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    for name, table in (("errors", _errors()), ("card", _card())):
        text = MARKED[name].sub(lambda match, table=table: table[0], text)
    PAGE.write_text(text, encoding="utf-8")
