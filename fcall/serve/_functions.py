"""The functions that are served: what each is called, and what code it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fcall._wording import listed, quoted
from fcall.errors import ConfigurationError
from fcall.local._options import LocalOptions
from fcall.serve._api import Function

__all__ = ["Functions", "Source"]

_VERSION = re.compile(r"\$LATEST|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Where a function comes from.

    Attributes:
        service: the service it belongs to, or None.
        function: what it is called there.
        code: what the local provider calls it: ``app/handlers.py:resize``, or the name of a registration.
        options: how it runs; the runtime in it is not looked at.
        timeout: its own limit in seconds, or None for the vendor's default.
        modified: when its code was last changed, in seconds since 1970.
        registered: `code` is the name of a registration.
    """

    service: str | None
    function: str
    code: str
    options: LocalOptions
    modified: float = 0.0
    registered: bool = False


class Functions:
    """The functions that are served, by name. It is the `Catalogue` that APIs see.

    Over an API without services a function is called by its own name where no other service has one of that name, and
    always as ``service-function``.

    Args:
        sources: the functions.
        aliases: versions by alias, for every function.

    Raises:
        ConfigurationError: two of them have the same name, or an alias is of no version.
    """

    def __init__(self, sources: Iterable[Source], aliases: Mapping[str, str] | None = None) -> None:
        sources = list(sources)
        self._aliases = dict(aliases or {})
        for alias, version in self._aliases.items():
            if not _VERSION.fullmatch(version):
                raise ConfigurationError(
                    f"the alias {quoted(alias, 60)!r} is of version {quoted(version, 60)!r}; write a number, or $LATEST"
                )
        shared = Counter(source.function for source in sources)
        self._all = [_function(source, shared[source.function] > 1) for source in sources]
        self._flat: dict[str, Function] = {}
        self._by_service: dict[tuple[str | None, str], Function] = {}
        for function in self._all:
            self._add(function)

    def find(self, name: str, service: str | None = None) -> Function | None:
        """The function of that name, or None."""
        if service is None:
            return self._flat.get(name)
        return self._by_service.get((service, name)) or self._by_service.get((None, name))

    def functions(self, service: str | None = None) -> Sequence[Function]:
        """All functions, or those of a service, sorted by name."""
        found = [each for each in self._all if service is None or each.service in (None, service)]
        return sorted(found, key=lambda each: each.name if service is None else each.function)

    def version(self, qualifier: str | None) -> str | None:
        """The version that a qualifier means, or None."""
        if qualifier is None or qualifier == "LATEST":  # as Function Compute spells it
            return "$LATEST"
        return qualifier if _VERSION.fullmatch(qualifier) else self._aliases.get(qualifier)

    def _add(self, function: Function) -> None:
        key = (function.service, function.function)
        if key in self._by_service or function.name in self._flat:
            handlers = [each.handler for each in self._all if each.name == function.name]
            raise ConfigurationError(
                f"two functions are called {function.name!r}: {listed(handlers)}; give one another name, as in "
                "other=app/handlers.py:function"
            )
        self._by_service[key] = self._flat[function.name] = function
        if function.service is not None:
            self._flat.setdefault(f"{function.service}-{function.function}", function)


def _function(source: Source, shared: bool) -> Function:
    name = f"{source.service}-{source.function}" if shared and source.service else source.function
    options = source.options
    return Function(
        name,
        source.service,
        source.function,
        source.code,
        options.function_timeout,
        options.memory_limit or 128,
        source.modified,
        source,
    )
