"""Writes docs/reference/parity.md out of the corpus: ``python -m parity.page`` in the folder tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from parity.case import Case, Function
from parity.corpus import FUNCTIONS
from parity.fc_corpus import FC_CASES
from parity.seen import MADE_EQUAL

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "parity.md"

_TOP = """\
# Parity

What a function does under `runtime = "lambda"` of the [local provider](local.md) is compared with AWS Lambda's own
Python runtime client, `awslambdaric`, which is run as a process with a Runtime API around it. Both get the same code
and the same events. Compared are the bytes of the answer or of the error document, the error's type and message, every
frame of its stack trace, whether the process lived, and the log. {cases} cases are the same on Python 3.11, 3.12 and
3.13, but for the differences below.

This page is written out of the cases. A difference that no longer shows fails the tests, as one that is not here does.

| Cases about | With `isolation = "process"` | With `isolation = "inline"` |
| --- | --- | --- |
{counts}

What is made equal before comparing:

{made_equal}
"""

_DIFFERENCES = """
## Differences in a process of its own

{process}

## Differences inline

Inline, a function has no process and no log of its own, so neither is compared.

{inline}

Not asked inline:

{not_inline}
"""

_FC = """
## Function Compute and Link IoT Edge

There is no runtime to compare with on a package index. What `runtime = "fc"` and `runtime = "linkedge"` do is stated
outcome by outcome, as documented by the vendor or observed of its Python runtime, and tested so in both isolations.
JSON is shown on one line here; it is sent indented by four.

| | A handler that | Gives |
| --- | --- | --- |
{fc}
"""


def page() -> str:
    """The page."""
    cases = [(function, case) for function in FUNCTIONS for case in function]
    inline = [(function, case) for function in FUNCTIONS for case in function.inline]
    left_out = [(function, case) for function, case in cases if case not in function.inline]
    return (
        _TOP.format(cases=len(cases), counts=_lines(_counts(cases, inline)), made_equal=_lines(_made_equal()))
        + _DIFFERENCES.format(
            process=_lines(_reasons((f, c, c.process.reason) for f, c in cases if c.process)),
            inline=_lines(_reasons((f, c, c.inline.reason) for f, c in inline if c.inline)),
            not_inline=_lines(_reasons((f, c, f.needs_process or c.not_inline) for f, c in left_out)),
        )
        + _FC.format(fc=_lines(f"| {case.about} | {case.what} | {case.gives} |" for case in FC_CASES))
    )


def _lines(lines: Iterator[str]) -> str:
    return "\n".join(lines)


def _counts(cases: list[tuple[Function, Case]], inline: list[tuple[Function, Case]]) -> Iterator[str]:
    everywhere, here = (Counter(function.category for function, _ in some) for some in (cases, inline))
    for category, count in everywhere.items():
        yield f"| {category} | {count} | {here[category] or ''} |"
    yield f"| **all** | **{everywhere.total()}** | **{here.total()}** |"


def _made_equal() -> Iterator[str]:
    for what, why in MADE_EQUAL:
        yield f"- **{what}.** {why}"


def _reasons(differences: Iterator[tuple[Function, Case, str]]) -> Iterator[str]:
    """One line for each reason, with its cases."""
    named: dict[str, list[str]] = {}
    for function, case, reason in differences:
        named.setdefault(reason, []).append(f"{function.name}-{case.name}")
    for reason, names in named.items():
        yield f"- {reason} ({_named(names)})"


def _named(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return shown if len(names) <= 3 else f"{len(names)} cases, such as {shown}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
