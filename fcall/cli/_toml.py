"""The configuration as lines of TOML, without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from fcall._config import SERVICE_KEYS, Configuration, Origin, Table
from fcall._plugins import Plugins
from fcall.errors import ConfigurationError

__all__ = ["lines"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SECRET = re.compile(
    r"access_?key|api_?key|authorization|cookie|credential|pass_?phrase|passw|private_?key|pwd|secret|signature|token"
)
_USER_OF_URL = re.compile(r"(?<=://)[^/@\s]+@")
_MASK = "***"


def lines(configuration: Configuration, origins: bool) -> Iterator[str]:
    """The configuration, line by line.

    Args:
        configuration: what is configured.
        origins: say beside each value where it was written.
    """
    tables = {"defaults": configuration.defaults}
    tables.update((f"services.{_key(name)}", table) for name, table in configuration.services.items())
    plugins, first = Plugins(), True
    for name, table in tables.items():
        if not table:
            continue
        yield from ([] if first else [""])
        yield f"[{name}]"
        secrets, first = _secrets(table, plugins), False
        for key, setting in table.items():
            shown = f"{_key(key)} = {_value(_safe(key, setting.value, secrets))}"
            yield f"{shown}  # {_place(setting.origin, configuration)}" if origins else shown


def _secrets(table: Table, plugins: Plugins) -> set[str]:
    """The options that the table's provider declares secret; none where there is no such provider."""
    if "provider" not in table:
        return set()
    try:
        fields = getattr(plugins.spec(table["provider"].value).options, "__dataclass_fields__", {})
    except ConfigurationError:
        return set()
    return {name for name, field in fields.items() if field.metadata.get("secret")}


def _safe(key: str, value: Any, secrets: set[str]) -> Any:
    """The value with whatever may be a secret masked. A reference to a variable is none."""
    if key in SERVICE_KEYS:
        return value
    if isinstance(value, Mapping):
        return {name: _MASK if key in secrets else _safe(name, inner, secrets) for name, inner in value.items()}
    if isinstance(value, str) and value.startswith("env:"):
        return value
    if key in secrets or _SECRET.search(key.lower().replace("-", "_")):
        return _MASK
    if isinstance(value, list):
        return [_safe(key, inner, secrets) for inner in value]
    return _USER_OF_URL.sub(f"{_MASK}@", value) if isinstance(value, str) else value


def _place(origin: Origin, configuration: Configuration) -> str:
    """Where a value was written, with the whole path where it was a file: several may have the same name."""
    name, _, _ = origin.place.partition(" [")
    file = origin.folder / name
    return f"{origin.folder / origin.place}" if file in configuration.files else origin.place


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(character: str) -> str:
    if character in ('"', "\\"):
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08X}"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }" if value else "{}"
        )
    return str(value)
