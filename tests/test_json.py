"""JSON: what is quick writes and reads what the standard library does, and fails as it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from fcall import _json

_ENCODERS = (
    json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")),
    json.JSONEncoder(ensure_ascii=True),
    json.JSONEncoder(sort_keys=True, skipkeys=True),
)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
_KEYS = st.text() | st.integers() | st.floats() | st.tuples()
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner), max_leaves=10)


def _came_of(function: Callable[[Any], str], value: Any) -> object:
    """What the function gives, or how it fails."""
    try:
        return function(value)
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("encoder", _ENCODERS)
def test_a_writer_writes_what_its_encoder_does(encoder: json.JSONEncoder) -> None:
    """Every value becomes the same text, or is refused in the same words."""
    write = _json.writer(encoder)

    @hypothesis.settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @hypothesis.given(_VALUES)
    def written(value: Any) -> None:
        assert _came_of(encoder.encode, value) == _came_of(write, value)

    written()


def test_a_circle_is_called_one() -> None:
    """A value that holds itself is refused as a circle, although nobody looks for one until the stack is full."""
    circle: dict[str, Any] = {"plain": 1}
    circle["self"] = [circle]

    with pytest.raises(ValueError, match="Circular reference detected"):
        _json.encode(circle)


def test_too_many_levels_are_called_that() -> None:
    """A value that is nested too deeply and holds no circle is no circle."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(RecursionError):
        _json.encode(deep)


@pytest.mark.parametrize("there", [None, lambda one_argument: None])
def test_an_interpreter_without_the_accelerator(monkeypatch: pytest.MonkeyPatch, there: object) -> None:
    """Where the standard library has no encoder in C, or one with other parameters, its own way is taken."""
    monkeypatch.setattr(json.encoder, "c_make_encoder", there)
    encoder = json.JSONEncoder()

    assert encoder.encode == _json.writer(encoder)


def test_one_writer_serves_calls_within_calls() -> None:
    """What an encoder's `default` writes with the same writer does not get mixed up with the value around it."""

    class Encoder(json.JSONEncoder):
        def default(self, value: Any) -> Any:
            return write([value.real])

    write = _json.writer(Encoder())

    assert '{"a": "[1.0]", "b": 2}' == write({"a": 1j + 1, "b": 2})
