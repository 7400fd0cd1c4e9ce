"""The keys of the configuration that mean the same for every provider, and what may stand behind each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from fcall._invocation import LONGEST_TIMEOUT

__all__ = ["DEFAULTS_RULES", "POLICY_RULES", "SERVICE_KEYS", "SERVICE_RULES", "Rule"]

_MOST_ATTEMPTS = 20
_MOST_IN_FLIGHT = 10_000


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_number_of_seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= LONGEST_TIMEOUT


def _is_count(value: Any, most: int = _MOST_ATTEMPTS) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _are_names(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(map(_is_text, value))


def _are_functions(value: Any) -> bool:
    if isinstance(value, Mapping):
        template = value.get("*")
        return all(map(_is_text, (*value, *value.values()))) and (template is None or _is_template(template))
    return _is_template(value)


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and "{function}" in value and not {"{", "?"} & set(value.replace("{function}", "", 1))


Rule: TypeAlias = tuple[Callable[[Any], bool], str]
_NAME: Rule = (_is_text, "a text that is not empty")

# What carries over where a table names a provider of its own: how to call, as against whom.
POLICY_RULES: dict[str, Rule] = {
    "timeout": (_is_number_of_seconds, f"a number of seconds over 0 and at most {LONGEST_TIMEOUT:.0f}"),
    "attempts": (_is_count, f"a whole number from 1 to {_MOST_ATTEMPTS}"),
    "retry_error_types": (_are_names, "a list of the error types of functions"),
    "failover": (_are_names, "a list of services"),
    "failover_maybe": (_is_flag, "true or false"),
    "max_in_flight": (partial(_is_count, most=_MOST_IN_FLIGHT), f"a whole number from 1 to {_MOST_IN_FLIGHT}"),
    "circuit_breaker": (_is_flag, "true or false"),
}
SERVICE_RULES: dict[str, Rule] = {
    "provider": _NAME,
    "service": _NAME,
    "functions": (
        _are_functions,
        "a template such as 'prod-{function}', or a table from names to names in which '*' may be a template",
    ),
    **POLICY_RULES,
}
SERVICE_KEYS = frozenset(SERVICE_RULES)
"""What may be said of a service whoever its provider is; everything else is an option of its provider."""

DEFAULTS_RULES: dict[str, Rule] = {
    key: rule for key, rule in SERVICE_RULES.items() if key not in ("service", "functions", "failover")
}
