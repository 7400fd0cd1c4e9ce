"""Words for messages."""

from __future__ import annotations

import pytest

from fcall._wording import listed, nearest, quoted

ACCEPTED = ("functionName", "serviceName", "idempotency_key", "log-tail")


@pytest.mark.parametrize(
    "text", ["", "abc" * 9, "a\r\nb", "\x00\x1b[2J", "\ud800\udfff", "\u2028\u202e\xa0", "\U0010ffff🌍ß"]
)
@pytest.mark.parametrize("longest", [1, 2, 20])
def test_quoted_words_fit_on_one_line(text: str, longest: int) -> None:
    """Nobody's words break a line, steer a terminal or fail to be encoded."""
    shown = quoted(text, longest)

    assert shown.isprintable()
    assert len(shown) == min(len(text), longest)
    shown.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain", "plain"), ("a\tb\nc", "a b c"), ("\x1b[31m", "�[31m"), ("\ud800", "�"), ("1234567890", "1234567890")],
)
def test_words_are_kept_where_they_are_harmless(text: str, shown: str) -> None:
    """What can be shown is shown, blanks stay blanks, and the rest is marked."""
    assert shown == quoted(text, 10)


def test_a_cut_is_seen() -> None:
    """Words that were cut end in an ellipsis."""
    assert "12345…" == quoted("1234567", 6)


@pytest.mark.parametrize(
    ("given_name", "suggestion"),
    [
        ("functionname", " (did you mean 'functionName'?)"),
        ("function_name", " (did you mean 'functionName'?)"),
        ("idempotencyKey", " (did you mean 'idempotency_key'?)"),
        ("logTale", " (did you mean 'log-tail'?)"),
        ("zzz", ""),
        ("", ""),
        (5, ""),
        (None, ""),
    ],
)
def test_the_nearest_spelling_is_suggested(given_name: object, suggestion: str) -> None:
    """A slip of the pen is recognised whichever way words are joined; what is far off gets no suggestion."""
    assert suggestion == nearest(given_name, ACCEPTED)


def test_an_endless_name_costs_nothing() -> None:
    """Only the beginning of a hostile name is compared."""
    assert "" == nearest("x" * 10_000_000, ACCEPTED)


def test_names_are_listed_in_order() -> None:
    """A list in a message is sorted, and says where it is empty."""
    assert ("a, b, c", "none") == (listed({"c", "a", "b"}), listed(()))
