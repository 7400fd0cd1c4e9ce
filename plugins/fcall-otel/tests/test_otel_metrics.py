"""Metrics: how long calls took, how often they were tried, and how many failed for good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import fcall
from fcall.errors import ThrottledError, UnsupportedFeatureError

Scripted = Callable[..., fcall.Client]


def test_a_success_is_measured(scripted: Scripted, recorded: Any) -> None:
    """Its duration in seconds, and its one attempt; there is no failure."""
    scripted(b"1").invoke("images/resize")
    metrics = recorded.metrics()
    ((told, duration),) = metrics["fcall.client.duration"]
    ((attempt, count),) = metrics["fcall.client.attempts"]

    assert {
        "faas.invoked_name": "resize",
        "faas.invoked_provider": "scripted",
        "fcall.invocation_type": "Sync",
        "fcall.executed": "yes",
    } == told
    assert {
        "fcall.attempt.target": "scripted:images/resize",
        "fcall.attempt.outcome": "ok",
        "fcall.invocation_type": "Sync",
    } == attempt
    assert (1, 1) == (duration.count, count.value)
    assert "fcall.client.failures" not in metrics


def test_units_and_buckets(scripted: Scripted, recorded: Any) -> None:
    """Durations are in seconds, in buckets of the conventions, and on to what a function may take at most."""
    scripted(b"1").invoke("f")
    metrics = recorded.metrics()
    ((_, duration),) = metrics["fcall.client.duration"]

    assert {"fcall.client.duration": "s", "fcall.client.attempts": "{attempt}"} == metrics["units"]
    assert (0.005, 900.0) == (duration.explicit_bounds[0], duration.explicit_bounds[-1])
    assert 0 < duration.sum < 60


def test_retries_are_attempts_of_one_call(scripted: Scripted, recorded: Any) -> None:
    """Two throttled attempts and one that went well are one call without a failure."""
    scripted(ThrottledError("later"), ThrottledError("later"), b"1").invoke("f")
    metrics = recorded.metrics()
    counted = {
        (told["fcall.attempt.outcome"], told.get("error.type")): point.value
        for told, point in metrics["fcall.client.attempts"]
    }

    assert {("rejected", "ThrottledError"): 2, ("ok", None): 1} == counted
    assert [1] == [point.count for _, point in metrics["fcall.client.duration"]]
    assert "fcall.client.failures" not in metrics


def test_a_failure_is_counted_by_its_type(scripted: Scripted, recorded: Any) -> None:
    """By fcall's class, and by whether the function ran; a call without an attempt counts too."""
    with pytest.raises(ThrottledError):
        scripted(ThrottledError("no", retryable=False)).invoke("f")
    with pytest.raises(UnsupportedFeatureError):
        scripted(b"1").invoke("f", log_tail=True)
    metrics = recorded.metrics()
    failures = {
        told["error.type"]: (told["fcall.executed"], point.value) for told, point in metrics["fcall.client.failures"]
    }

    assert {"ThrottledError": ("no", 1), "UnsupportedFeatureError": ("no", 1)} == failures
    assert set(failures) == {told["error.type"] for told, _ in metrics["fcall.client.duration"]}


def test_the_place_of_a_function_is_measured(on_aws: fcall.Client, recorded: Any) -> None:
    """Functions of the same name in two regions are two series."""
    on_aws.invoke("told", 1)
    ((told, _),) = recorded.metrics()["fcall.client.duration"]

    assert ("aws", "eu-west-1", "told") == tuple(
        told[f"faas.invoked_{name}"] for name in ("provider", "region", "name")
    )
