"""Values that nobody thought of are read and written as the real runtime reads and writes them."""

from __future__ import annotations

import collections
import decimal
import enum
import sys
import time
from typing import Any, NamedTuple

import pytest

pytest.importorskip("awslambdaric", reason="the real runtime's marshaller is what values are compared with")
pytest.importorskip("hypothesis", reason="it makes the values")

from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fcall.local._runtimes import Failure, InvocationFacts
from fcall.local._runtimes.awslambda import LambdaRuntime

TEXT = st.text(st.characters(exclude_categories=()))


class Pair(NamedTuple):
    first: Any
    second: Any


class Text(str): ...


class Number(int):
    def __repr__(self) -> str:
        return "a number"


class Kind(enum.IntEnum):
    ONE = 1


class Names(dict[str, Any]):
    def items(self) -> Any:
        return [("other", 1)]


ODD = st.sampled_from(
    [
        object(),
        Pair(1, Pair(2, [])),
        Text("t"),
        Number(5),
        Kind.ONE,
        Names(a=1),
        "line\u2028end",
        collections.OrderedDict(a=1),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | TEXT | st.binary() | ODD
KEYS = TEXT | st.integers() | st.floats() | st.booleans() | st.none() | st.binary() | st.tuples(st.integers())
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.sets(st.integers(), max_size=2)
    ),
    max_leaves=12,
)
EVENTS = st.binary(min_size=1, max_size=40) | st.text(alphabet='[]{}":,0123456789.eE+-truefalsn \\u', min_size=1).map(
    str.encode
)

seldom = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def marshaller(monkeypatch: pytest.MonkeyPatch) -> LambdaMarshaller:
    """The real one, which looks at the environment to see which Python it serves."""
    monkeypatch.setenv("AWS_EXECUTION_ENV", f"AWS_Lambda_python3.{sys.version_info.minor}")
    return LambdaMarshaller()


def _run(payload: bytes, handler: Any) -> bytes | str:
    """What our runtime answers, or the words of its failure, or the name of what ends it."""
    facts = InvocationFacts("id", "f", "", None, None, time.monotonic() + 3, time.monotonic, 3.0)
    try:
        return LambdaRuntime().run(handler, payload, facts)
    except Failure as failure:
        return failure.error_message
    except UnicodeEncodeError:
        return "UnicodeEncodeError"


@seldom
@given(value=VALUES)
def test_a_value_is_written_as_the_real_runtime_writes_it(value: Any, marshaller: LambdaMarshaller) -> None:
    """Every return value gives the same bytes, or fails with the same words."""
    try:
        real, _ = marshaller.marshal_response(value)
        real = real.encode() if isinstance(real, str) else real
    except UnicodeEncodeError:
        real = "UnicodeEncodeError"
    except Exception as error:
        real = error.msg

    assert real == _run(b"1", lambda event, context: value)


@seldom
@given(payload=EVENTS)
def test_an_event_is_read_as_the_real_runtime_reads_it(payload: bytes, marshaller: LambdaMarshaller) -> None:
    """Every payload gives the same event, or fails with the same words."""
    try:
        real: Any = ascii(marshaller.unmarshal_request(payload)).encode()
    except Exception as error:
        real = error.msg

    assert real == _run(payload, lambda event, context: ascii(event).encode())


def test_a_decimal_that_is_computed_keeps_its_digits(marshaller: LambdaMarshaller) -> None:
    """The digits of a Decimal are those of its text, whatever the context rounds to."""
    value = decimal.Decimal(1) / 3

    assert marshaller.marshal_response(value)[0].encode() == _run(b"1", lambda event, context: value)
