"""The reference page says what the code does: its tables are made of the code's own, and its options are all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import fcall_aws
from fcall_aws._errors import CODES, SENT, STATUSES, UNSENT
from fcall_aws._failures import FAILURES
from fcall_aws._request import LONGEST_CONTEXT

from fcall.errors import InvocationError
from fcall.provider import ErrorRow

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "aws.md"


def _table(what: str, rows: Mapping[str, Any]) -> str:
    """A table of errors, as the page has it: what comes out the same way stands in one row."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for key, row in rows.items():
        row = row if isinstance(row, ErrorRow) else ErrorRow(row)
        grouped.setdefault(_cells(row), []).append(
            f"`{key.replace('builtins.', '').replace('botocore.exceptions.', '')}`"
        )
    lines = [f"| {', '.join(keys)} | `{error}` | {ran} | {passes} |" for (error, ran, passes), keys in grouped.items()]
    return "\n".join([f"| {what} | Error | `executed` | May pass |", "| --- | --- | --- | --- |", *lines]) + "\n"


def _cells(row: ErrorRow) -> tuple[str, str, str]:
    executed = row.error.default_executed if row.executed is None else row.executed
    retryable = row.retryable if row.retryable is not None and issubclass(row.error, InvocationError) else None
    return (
        row.error.__name__,
        executed.name,
        "yes" if (row.error.retryable if retryable is None else retryable) else "no",
    )


def tables() -> Iterator[str]:
    """Every table of errors."""
    yield _table("Code", CODES)
    yield _table("Status without a code", STATUSES)
    yield _table("`errorType`", FAILURES)
    yield _table("Before the request is on its way", UNSENT)
    yield _table("Afterwards", SENT)


def test_the_error_tables_are_current() -> None:
    """Each table of the page is the one that the code makes; where it is not, put it there."""
    page = PAGE.read_text(encoding="utf-8") + "\n"

    assert [] == [table for table in tables() if f"{table}\n" not in page]  # with nothing behind its last row


def test_every_option_is_explained() -> None:
    """The page has a row for every option, and for every option of a call."""
    page = PAGE.read_text(encoding="utf-8")

    assert {*fcall_aws.AwsOptions.__dataclass_fields__} == _rows_under("Options", page)
    assert {*fcall_aws.AwsCallOptions.__dataclass_fields__} == _rows_under("Options of a call", page)


def _rows_under(heading: str, page: str) -> set[str]:
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL)
    assert found
    return set(re.findall(r"^\| `(\w+)` \|", found[1], flags=re.MULTILINE))


def test_the_card_is_what_the_provider_declares() -> None:
    """The card is made of the capabilities; ``python tests/provider_cards.py`` writes it."""
    from provider_cards import SUBJECTS, written_card

    assert SUBJECTS["aws"].card() == written_card("aws")
    assert f"{LONGEST_CONTEXT:,} bytes of base64" in PAGE.read_text(encoding="utf-8")
