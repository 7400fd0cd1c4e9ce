"""The local provider answers as AWS Lambda's own Python runtime does."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("awslambdaric", reason="the real runtime is what the corpus is compared with")

from parity.case import LIVED, LOG, Case, Function
from parity.corpus import FUNCTIONS
from parity.ours import OurFunction
from parity.real import RealFunction
from parity.seen import Seen

CASES = [pytest.param(f, case, id=f"{f.name}-{case.name}") for f in FUNCTIONS for case in f]
INLINE = [pytest.param(f, case, id=f"{f.name}-{case.name}") for f in FUNCTIONS for case in f.inline]

Watch = Callable[[str, Function], dict[str, Seen]]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watch:
    """What is seen of a function's cases, by name: its events come in order, so all of them are sent at once."""

    @cache
    def folder(function: str) -> Path:
        return tmp_path_factory.mktemp(function)

    @cache
    def watch(how: str, name: str) -> dict[str, Seen]:
        function = next(function for function in FUNCTIONS if function.name == name)
        function.write(folder(name))
        made = RealFunction(function, folder(name)) if how == "real" else OurFunction(function, folder(name), how)
        try:
            return {case.name: made.invoke(case) for case in (function.inline if how == "inline" else function)}
        finally:
            made.close()
            gc.collect()  # a coroutine that nobody awaits is warned of here, and not in a later test

    return lambda how, function: watch(how, function.name)


@pytest.mark.parametrize(("function", "case"), CASES)
def test_a_process_answers_as_the_real_runtime(function: Function, case: Case, watched: Watch) -> None:
    """In a process of its own, a function's answer, failure, log and end are the real runtime's."""
    real, ours = watched("real", function)[case.name], watched("process", function)[case.name]
    meant = case.process.aspects if case.process and case.process.is_here else frozenset()

    assert meant == real.differing(ours), f"\n{real}\n{ours}"


@pytest.mark.parametrize(("function", "case"), INLINE)
@pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited", "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)
def test_inline_answers_as_the_real_runtime(function: Function, case: Case, watched: Watch) -> None:
    """In the caller's process, a function's answer and failure are the real runtime's."""
    real, ours = watched("real", function)[case.name], watched("inline", function)[case.name]
    meant = case.inline.aspects - {LIVED, LOG} if case.inline and case.inline.is_here else frozenset()

    assert meant == real.differing(ours), f"\n{real}\n{ours}"
