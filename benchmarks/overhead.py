"""Figure 3: what fcall adds to calling a provider directly, beside what tenacity and stamina add for retries alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from random import random
from typing import Any

from measure import Effort, Row, Samples, interleaved, limit, micro, repeated

import fcall
from fcall._drivers import run_sync
from fcall._flow import Flow
from fcall._guard import Guards
from fcall._invocation import checked
from fcall._observers import NO_OBSERVERS
from fcall._policy import Policy
from fcall._router import Route
from fcall._target import Target
from fcall.errors import ThrottledError
from fcall.provider import ALL_KEYS, Capabilities, Deadline, Invocation, InvocationResult

__all__ = ["rows"]

_PARAMS = {"serviceName": "benchmark", "functionName": "nothing", "payload": "{}"}
_TARGET = Target("benchmark", "nothing")


class NullProvider:
    """A provider that takes everything and does nothing but answer, so that what is left is fcall."""

    capabilities = Capabilities(invoker_context={"Sync": ALL_KEYS})

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        return InvocationResult(b"{}")

    def close(self) -> None:
        pass


class Observer:
    """Implements every hook, and adds `context` to the invoker context."""

    def __init__(self, context: Mapping[str, Any] | None) -> None:
        self._context = context

    @fcall.hookimpl
    def fcall_invoker_context(self, call: Any) -> Mapping[str, Any] | None:
        return self._context

    @fcall.hookimpl
    def fcall_before_invoke(self, call: Any) -> None:
        pass

    @fcall.hookimpl
    def fcall_on_retry(self, call: Any, attempt: Any) -> None:
        pass

    @fcall.hookimpl
    def fcall_after_invoke(self, call: Any, outcome: Any) -> None:
        pass


def rows(effort: Effort) -> list[Row]:
    """The whole share of fcall, with and without an observer; the flow's and the policy's part of it."""
    calls = _calls()
    samples = interleaved(
        {name: repeated(call, time.process_time) for name, call in calls.items()},
        rounds=effort.rounds,
        times=effort.calls,
    )
    return [*_share_rows(samples), *_flow_rows(samples), *_policy_rows(samples)]


def _calls() -> dict[str, Callable[[], object]]:
    provider = NullProvider()
    invocation, deadline = checked(_TARGET, payload=b"{}"), Deadline.after(3600)
    plain = _client(provider)
    watched = _client(provider, Observer(None))
    traced = _client(provider, Observer({"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}))
    guard, policy, failure = Guards(), Policy(), ThrottledError("slow down")

    def flow(policy: Policy) -> Callable[[], object]:
        routes = (Route("null", provider, policy=policy),)
        return lambda: run_sync(Flow(_TARGET, invocation, routes, NO_OBSERVERS, time.monotonic, random).invoke())

    return {
        "direct": lambda: provider.invoke(invocation, deadline),
        "invoke": lambda: plain.invoke("benchmark/nothing", payload=b"{}"),
        "invoke_function": lambda: plain.invoke_function(_PARAMS),
        "observer": lambda: watched.invoke_function(_PARAMS),
        "tracing": lambda: traced.invoke_function(_PARAMS),
        "flow": flow(Policy()),
        "guarded": flow(Policy(max_in_flight=100, circuit_breaker=True)),
        "nothing": lambda: None,
        "budget": lambda: guard.of("null:benchmark/nothing").budget.refund(0),
        "decision": lambda: policy.pause(1, failure, invocation, 60.0, random),
        **_tenacity(provider, invocation, deadline),
        **_stamina(provider, invocation, deadline),
    }


def _client(provider: NullProvider, *plugins: object) -> fcall.Client:
    return fcall.Client(providers={"null": provider}, plugins=plugins)


def _tenacity(provider: NullProvider, invocation: Invocation, deadline: Deadline) -> dict[str, Callable[[], object]]:
    """The same retries around the same provider, as its documentation writes them; nothing where it is missing."""
    if not find_spec("tenacity"):
        return {}
    import tenacity

    retrying = tenacity.retry(
        stop=tenacity.stop_after_attempt(3) | tenacity.stop_after_delay(60),
        wait=tenacity.wait_random_exponential(multiplier=0.05, max=20),
        retry=tenacity.retry_if_exception_type(ThrottledError),
        reraise=True,
    )
    invoke = retrying(provider.invoke)
    return {"tenacity": lambda: invoke(invocation, deadline)}


def _stamina(provider: NullProvider, invocation: Invocation, deadline: Deadline) -> dict[str, Callable[[], object]]:
    """The same with stamina."""
    if not find_spec("stamina"):
        return {}
    import stamina

    retrying = stamina.retry(on=ThrottledError, attempts=3, timeout=60.0, wait_initial=0.05, wait_max=20.0)
    invoke = retrying(provider.invoke)
    return {"stamina": lambda: invoke(invocation, deadline)}


def _share_rows(samples: Samples) -> list[Row]:
    shown = {
        "invoke": "`Client.invoke`: all that fcall adds",
        "invoke_function": "`invoke_function`: all that fcall adds",
        "observer": "`invoke_function`, an observer with all four hooks",
        "tracing": "`invoke_function`, an observer that also adds a trace context",
    }
    rows = []
    for name, what in shown.items():
        share = samples.added(name, "direct")
        to_reach = limit("at most 15 µs", share <= 15e-6) if name in ("invoke", "invoke_function") else ""
        rows.append(_beside_peers(what, share, samples, to_reach))
    return rows


def _flow_rows(samples: Samples) -> list[Row]:
    what = "of it the flow: deadline, checks, attempts, retries, failover, result"
    return [_beside_peers(what, samples.added("flow", "direct"), samples)]


def _beside_peers(what: str, share: float, samples: Samples, to_reach: str = "") -> Row:
    """A share beside that of the peers; the ratio is to the quicker one."""
    peers = {name: samples.added(name, "direct") for name in ("tenacity", "stamina") if name in samples.seconds}
    if not peers:
        return Row(what, micro(share), "neither tenacity nor stamina is installed", "", to_reach)
    shown = ", ".join(f"{name} {micro(seconds)}" for name, seconds in peers.items())
    return Row(what, micro(share), f"retries alone: {shown}", f"{share / min(peers.values()):.2f}", to_reach)


def _policy_rows(samples: Samples) -> list[Row]:
    budget = samples.added("budget", "nothing")
    guarded = budget + samples.added("guarded", "flow")
    return [
        _beside_peers(
            "of the flow the policy, on a call that goes well: its retry budget",
            budget,
            samples,
            limit("at most 1 µs", budget <= 1e-6),
        ),
        _beside_peers(
            "the policy with a breaker and a limit", guarded, samples, limit("at most 2 µs", guarded <= 2e-6)
        ),
        Row("the policy's decision after a failure", micro(samples.cost("decision"))),
    ]
