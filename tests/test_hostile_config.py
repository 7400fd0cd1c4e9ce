"""Hostile configuration: whatever it holds, a configuration or one of our errors comes out."""

from __future__ import annotations

import collections
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import fcall
from fcall._config import SERVICE_KEYS, Configuration
from fcall.errors import ConfigurationError, FcallError

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

NAMES = st.sampled_from(["images", "dev", "*", "", "a\nb", "\ud800", "x" * 300])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**30),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.sampled_from(["local", "aws", "nobody", "{function}", "p-{function}", "{function}{", "env:HOME", "os:system"]),
    NAMES,
    st.builds(object),
)
KEYS = st.one_of(
    NAMES, st.sampled_from(sorted(SERVICE_KEYS)), st.sampled_from(["root", "function_timeout", "regoin"]), SCALARS
)


ANYTHING = st.one_of(SCALARS, st.lists(SCALARS, max_size=2))


def _mostly(likely: Any, rest: Any = ANYTHING, share: int = 19) -> Any:
    """`likely`, in `share` of 20 cases."""
    return st.integers(1, 20).flatmap(lambda number: likely if number <= share else rest)


SOUND = st.fixed_dictionaries(
    {"provider": st.sampled_from(["local", "aws", "nobody"])},
    optional={
        "timeout": st.integers(1, 9),
        "functions": st.sampled_from(["p-{function}", {"*": "{function}"}, {"images": "os:system"}]),
        "failover": st.lists(NAMES, max_size=1),
        "root": SCALARS,
    },
)
WILD = st.dictionaries(KEYS, st.one_of(SCALARS, st.dictionaries(NAMES, SCALARS, max_size=2)), max_size=4)
TABLES = _mostly(_mostly(SOUND, WILD, 15))
PARTS = {"defaults": TABLES, "services": _mostly(st.dictionaries(NAMES, TABLES, max_size=3))}
ENV = _mostly(st.dictionaries(NAMES, _mostly(st.fixed_dictionaries({}, optional=PARTS)), max_size=2))
CONFIGS = _mostly(
    st.fixed_dictionaries({}, optional={**PARTS, "env": ENV}), st.dictionaries(KEYS, TABLES, max_size=3)
).flatmap(lambda config: st.sampled_from([config, MappingProxyType(config)]))


def _settings(examples: int) -> Any:
    """The same examples every time, and as many as it says."""
    return hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


@pytest.mark.parametrize("examples", [500, pytest.param(2_000, marks=pytest.mark.long)])
def test_any_mapping_ends_well(examples: int) -> None:
    """Any mapping is a configuration or a ConfigurationError, and so is any service of one."""
    ends: collections.Counter[str] = collections.Counter()

    @_settings(examples)
    @hypothesis.given(CONFIGS, _mostly(st.none(), SCALARS, 15))
    def loaded(config: Any, env: Any) -> None:
        said = ""
        try:
            configuration = Configuration.load(config, env=env)
            ends["loaded"] += 1
            for service in (None, *configuration.services):
                configuration.binding(service)
                ends["bound"] += 1
        except ConfigurationError as error:
            said = str(error)

        assert said.isprintable()

    loaded()

    assert ends["loaded"] > 0.15 * examples, ends
    assert ends["bound"] > 0.05 * examples, ends


def test_any_mapping_makes_a_client_that_says_why_it_cannot_call() -> None:
    """Whatever is configured, a call of a function that is not there ends in an error of ours."""

    @_settings(500)
    @hypothesis.given(CONFIGS, NAMES)
    def called(config: Any, service: str) -> None:
        with pytest.raises(FcallError) as caught, fcall.Client(config) as client:
            client.invoke_function({"serviceName": service, "functionName": "resize"})

        assert not caught.value.executed

    called()


def test_any_file_ends_well() -> None:
    """Any bytes in a file are a configuration or a ConfigurationError."""

    @_settings(500)
    @hypothesis.given(st.one_of(st.binary(max_size=20), st.text('[]{}="\n.#\\u 1a', max_size=20).map(str.encode)))
    def read(content: bytes) -> None:
        Path("fcall.toml").write_bytes(content)
        said = "fcall.toml"
        try:
            Configuration.load()
        except ConfigurationError as error:
            said = str(error)

        assert "fcall.toml" in said

    read()
