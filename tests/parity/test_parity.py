"""The local provider answers as AWS Lambda's own Python runtime does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("awslambdaric", reason="the real runtime is what the corpus is compared with")

from parity.case import LIVED, LOG, Case, Function  # noqa: E402 - only where there is something to compare with
from parity.corpus import FUNCTIONS  # noqa: E402
from parity.ours import OurFunction  # noqa: E402
from parity.real import RealFunction  # noqa: E402
from parity.seen import Seen  # noqa: E402

CASES = [pytest.param(function, case, id=f"{function.name}-{case.name}") for function in FUNCTIONS for case in function]

Watch = Callable[[str, Function], dict[str, Seen]]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """What is seen of a function's cases, by name. Its events come in order, so all of them are sent at the first question."""

    @cache
    def folder(function: str) -> Path:
        return tmp_path_factory.mktemp(function)

    @cache
    def watch(how: str, name: str) -> dict[str, Seen]:
        function = next(function for function in FUNCTIONS if function.name == name)
        function.write(folder(name))
        made = RealFunction(function, folder(name)) if how == "real" else OurFunction(function, folder(name), how)
        try:
            return {case.name: made.invoke(case) for case in function if not (how == "inline" and case.not_inline)}
        finally:
            made.close()

    yield lambda how, function: watch(how, function.name)


@pytest.mark.parametrize(("function", "case"), CASES)
def test_a_process_answers_as_the_real_runtime(function: Function, case: Case, watched: Watch) -> None:
    """In a process of its own, a function's answer, failure, log and end are the real runtime's."""
    real, ours = watched("real", function)[case.name], watched("process", function)[case.name]
    meant = case.process.aspects if case.process and case.process.is_here else frozenset()

    assert meant == real.differing(ours), f"\n{real}\n{ours}"


@pytest.mark.parametrize(("function", "case"), CASES)
def test_inline_answers_as_the_real_runtime(function: Function, case: Case, watched: Watch) -> None:
    """In the caller's process, a function's answer and failure are the real runtime's."""
    if function.needs_process or case.not_inline:
        pytest.skip(function.needs_process or case.not_inline)
    real, ours = watched("real", function)[case.name], watched("inline", function)[case.name]
    meant = case.inline.aspects - {LOG, LIVED} if case.inline and case.inline.is_here else frozenset()

    assert meant == real.differing(ours), f"\n{real}\n{ours}"
