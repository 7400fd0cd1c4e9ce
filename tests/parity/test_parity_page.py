"""The corpus is what the parity page says of it."""

from __future__ import annotations

from collections import Counter

from parity.corpus import FUNCTIONS
from parity.page import PAGE, page


def test_the_page_is_written_out_of_the_corpus() -> None:
    """Every case and every difference is on the page; write it anew where this fails, as page.py says."""
    assert page() == PAGE.read_text(encoding="utf-8")


def test_a_case_has_a_name_of_its_own() -> None:
    """A name stands for one question, and the answers are looked up by it."""
    names = Counter(f"{function.name}-{case.name}" for function in FUNCTIONS for case in function)

    assert {} == {name: count for name, count in names.items() if count > 1}


def test_there_are_enough_questions() -> None:
    """The corpus does not shrink unseen."""
    assert 650 <= sum(len(function.cases) for function in FUNCTIONS)
