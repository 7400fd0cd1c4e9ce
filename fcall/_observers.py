"""Observers: plugins that watch calls and cannot change how they end."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fcall import _json
from fcall._calls import Call, Callee, CallOutcome
from fcall._invocation import Invocation
from fcall._log import logger
from fcall._result import InvocationResult
from fcall._target import Target
from fcall.errors import Attempt, Executed, FcallError
from fcall.provider import Capabilities

__all__ = ["HOOKS", "NO_OBSERVERS", "Observers"]

HOOKS = ("fcall_invoker_context", "fcall_before_invoke", "fcall_on_retry", "fcall_after_invoke")


class Observers:
    """The implementations of the observing hooks, in the order in which they are told.

    Each one is told on its own, so that one that raises hides nothing from the others.

    Args:
        implementations: for a hook's name, pairs of the plugin's name and a function that takes the hook's arguments by
            position.
    """

    __slots__ = ("_hooks",)

    def __init__(self, implementations: Mapping[str, list[tuple[str, Callable[..., Any]]]]) -> None:
        self._hooks = {name: told for name, told in implementations.items() if told}

    def __bool__(self) -> bool:
        return bool(self._hooks)

    def call(self, target: Target, invocation: Invocation, provider: str, timeout: float) -> Call:
        """The record of a call that is about to be made."""
        return Call(
            id=os.urandom(8).hex(),
            name=target.name,
            type=invocation.type,
            provider=provider,
            service=target.service,
            function=target.function or target.function_id or "",
            qualifier=invocation.qualifier,
            payload_size=len(invocation.payload),
            timeout=timeout,
        )

    def before(self, call: Call) -> None:
        self._tell("fcall_before_invoke", call)

    def retry(self, call: Call, attempt: Attempt) -> None:
        self._tell("fcall_on_retry", call, attempt)

    def after(
        self,
        call: Call,
        attempts: tuple[Attempt, ...],
        elapsed: float,
        *,
        result: InvocationResult | None = None,
        error: BaseException | None = None,
        callee: Callee | None = None,
    ) -> None:
        if error is None:
            executed = attempts[-1].executed if attempts else Executed.MAYBE
        elif isinstance(error, FcallError):
            executed = error.executed
        else:  # an interrupt
            executed = Executed.MAYBE if any(attempt.executed for attempt in attempts) else Executed.NO
        self._tell("fcall_after_invoke", call, CallOutcome(executed, elapsed, attempts, result, error, callee))

    def enriched(self, call: Call, invocation: Invocation, capabilities: Capabilities) -> Invocation:
        """The invocation with as much of what the observers add to ``custom`` as the provider can carry."""
        keys = capabilities.invoker_context.get(invocation.type, frozenset())
        if "fcall_invoker_context" not in self._hooks or not keys & {"custom", "*"}:
            return invocation
        added: dict[str, Any] = {}
        for more in self._tell("fcall_invoker_context", call):
            added = {**_readable(more), **added}
        if not added:
            return invocation
        context = _with_custom(invocation.invoker_context, added)
        limit = capabilities.invoker_context_limit
        if limit is not None and len(_json.encode(context)) > limit:
            return _with_what_fits(invocation, added, limit)
        return replace(invocation, invoker_context=context)

    def _tell(self, hook: str, *arguments: Any) -> list[Any]:
        answers = []
        for plugin, told in self._hooks.get(hook, ()):
            try:
                answers.append(told(*arguments))
            except (Exception, SystemExit):  # noqa: BLE001 - an observer changes nothing, whatever it raises
                logger.exception("the plugin %s raised in %s; the call goes on", plugin, hook)
        return answers


def _with_custom(given: Mapping[str, Any] | None, added: Mapping[str, Any]) -> dict[str, Any]:
    """An invoker context with more in ``custom``; what the caller gave stands."""
    context = dict(given or {})
    context["custom"] = {**added, **context.get("custom", {})}
    return context


def _with_what_fits(invocation: Invocation, added: Mapping[str, Any], limit: int) -> Invocation:
    """The invocation with those keys that it has room for, in their order: without them it would be refused."""
    fitting: dict[str, Any] = {}
    for key, value in added.items():
        with_one_more = {**fitting, key: value}
        if len(_json.encode(_with_custom(invocation.invoker_context, with_one_more))) <= limit:
            fitting = with_one_more
    logger.debug("the invoker context has room for %d of %d keys that observers add", len(fitting), len(added))
    if not fitting:
        return invocation
    return replace(invocation, invoker_context=_with_custom(invocation.invoker_context, fitting))


def _readable(more: object) -> dict[str, Any]:
    """What an observer wants to add, as plain JSON; nothing where it is none."""
    if more is None:
        return {}
    try:
        if isinstance(more, Mapping):
            return dict(_json.decode(_json.encode(dict(more))))
        raise TypeError(f"a mapping was expected, not a {type(more).__name__}")
    except (TypeError, ValueError, RecursionError):
        logger.exception("what fcall_invoker_context gave cannot be sent; it is left out")
        return {}


NO_OBSERVERS = Observers({})
