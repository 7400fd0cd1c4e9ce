"""Function names: what the application says, and what the provider says for the same function."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fcall._config import Binding
from fcall._target import parse_options
from fcall._wording import listed, nearest, quoted
from fcall.errors import ConfigurationError

__all__ = ["FunctionNames"]

Options: TypeAlias = tuple[tuple[str, str], ...]

_PLACE = "{function}"


@dataclass(frozen=True, slots=True)
class FunctionNames:
    """The names of the functions of one service.

    Attributes:
        template: the provider's name, with ``{function}`` for the application's; None where only the table counts.
        table: the provider's name for each of the application's; it goes before the template.
        service: the service as the application names it, for messages.
        options: the provider options that the table sets for one function, ``"name?option=value"``, by the
            application's name.
    """

    template: str | None = _PLACE
    table: tuple[tuple[str, str], ...] = ()
    service: str | None = None
    options: tuple[tuple[str, Options], ...] = ()

    @classmethod
    def of(cls, binding: Binding) -> FunctionNames:
        """The names that a binding sets in `functions`."""
        functions = binding.get("functions", _PLACE)
        if not isinstance(functions, Mapping):
            return cls(functions, (), binding.service)
        named = [(name, _parsed(meant)) for name, meant in functions.items() if name != "*"]
        table = tuple((name, meant) for name, (meant, _) in named)
        options = tuple((name, options) for name, (_, options) in named if options)
        return cls(functions.get("*"), table, binding.service, options)

    def changes(self, function: str) -> dict[str, Any]:
        """What an invocation has to say instead; nothing where its name stands.

        Only a name that the table writes out counts as configured: what a template makes still comes from the call.

        Raises:
            ConfigurationError: neither the table nor a template has the name.
        """
        for name, meant in self.table:
            if name == function:
                return {"function": meant, "configured": True}
        if self.template is None:
            raise ConfigurationError(
                f"the service {self.service!r} does not name the function {quoted(function, 60)!r}"
                f"{nearest(function, dict(self.table))}; it names {listed(dict(self.table))}. Add it to `functions`",
                service=self.service,
                function=function,
            )
        return {} if self.template == _PLACE else {"function": self.template.replace(_PLACE, function)}

    def application_name(self, provider_name: str) -> str | None:
        """What the application calls a function of the provider, or None where it is not of this service."""
        for name, meant in self.table:
            if meant == provider_name:
                return name
        if self.template is None:
            return None
        before, _, after = self.template.partition(_PLACE)
        if not (provider_name.startswith(before) and provider_name.endswith(after)):
            return None
        name = provider_name[len(before) : len(provider_name) - len(after)]
        # A name that the table gives another meaning leads elsewhere.
        return None if not name or name in dict(self.table) else name

    def configured(self) -> Collection[str]:
        """The provider's names that the table writes out."""
        return [meant for _, meant in self.table]


def _parsed(meant: str) -> tuple[str, Options]:
    return parse_options(meant, f"the function {quoted(meant.partition('?')[0], 60)!r} in the configuration")
