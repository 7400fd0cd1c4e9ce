"""Writes what providers declare into their pages: ``python tests/provider_cards.py``, where every plugin is installed.

Each provider's page has its card, and docs/reference/providers.md has all of them side by side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import Any

from fcall.provider import ALL_KEYS, AsyncioProvider, LocatingProvider, Provider, ProviderSpec

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
MATRIX = REFERENCE / "providers.md"
_CARD = re.compile(r"(?<=<!-- card -->\n).*?(?=<!-- end of card -->)", re.DOTALL)
_KINDS = ("Sync", "Async", "DryRun")

_TOP = """\
# Providers side by side

What each provider can do, and its limits, as it declares them: this page is written out of the declarations. What a
provider does not have is refused with `UnsupportedFeatureError`, and a payload over its limit with
`PayloadTooLargeError`, before anything is sent. Each has a page of its own: {pages}.

"""


@dataclass(frozen=True)
class Subject:
    """A provider whose declarations are written down.

    Attributes:
        module: its plugin.
        page: the name of its page.
        options: what an instance needs.
        variants: options that change what it can do, by the words for them.
    """

    module: str
    page: str
    options: Mapping[str, Any] = field(default_factory=dict)
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def spec(self) -> ProviderSpec:
        """What the plugin registers."""
        spec: ProviderSpec = import_module(self.module).fcall_register_providers()
        return spec

    def cell(self, row: Row) -> str:
        """What a row says of this provider, with what its options make of that."""
        said = self._said(row, {})
        otherwise: dict[str, list[str]] = {}
        for words, options in self.variants.items():
            differs = self._said(row, options)
            if differs != said:
                otherwise.setdefault(differs, []).append(words)
        return "<br>".join([said, *(f"with {' or '.join(words)}: {differs}" for differs, words in otherwise.items())])

    def _said(self, row: Row, options: Mapping[str, Any]) -> str:
        spec = self.spec
        provider = spec.create(spec.options(**{**self.options, **options}))
        try:
            return row(spec, provider)
        finally:
            provider.close()

    def card(self) -> str:
        """The card on its page."""
        return _table([["", ""], *([name, self.cell(row)] for name, row in ABILITIES.items())])


Row = Callable[[ProviderSpec, Provider], str]

SUBJECTS = {
    "local": Subject(
        "fcall.local._plugin",
        "local",
        variants={
            '`isolation = "process"`': {"isolation": "process"},
            '`runtime = "fc"`': {"runtime": "fc"},
            '`runtime = "linkedge"`': {"runtime": "linkedge"},
        },
    ),
    "aws": Subject("fcall_aws", "aws"),
    "aliyun": Subject("fcall_aliyun", "aliyun", {"endpoint": "fc.example"}),
    "linkedge": Subject("fcall_linkedge", "linkedge"),
}


def _word(there: object) -> str:
    return "yes" if there else "no"


def _listed(words: Any) -> str:
    return ", ".join(words) or "none"


def _kinds(there: Any) -> str:
    return ", ".join(kind for kind in _KINDS if kind in there) or "no"


def _grouped(values: Mapping[Any, str], nothing: str) -> str:
    """Values by invocation type; types of the same value stand together."""
    kinds: dict[str, list[str]] = {}
    for kind in _KINDS:
        if kind in values:
            kinds.setdefault(values[kind], []).append(kind)
    return "; ".join(f"{', '.join(names)}: {value}" for value, names in kinds.items()) or nothing


def _context(spec: ProviderSpec, provider: Provider) -> str:
    keys = {
        kind: "the whole object" if carried == ALL_KEYS else ", ".join(f"`{key}`" for key in sorted(carried))
        for kind, carried in provider.capabilities.invoker_context.items()
    }
    limit = provider.capabilities.invoker_context_limit
    return _grouped(keys, "no") + (f"; {limit:,} bytes of JSON at most" if limit is not None else "")


def _payloads(spec: ProviderSpec, provider: Provider) -> str:
    limits = provider.capabilities.payload_limits
    return _grouped({kind: f"{limit:,} bytes" for kind, limit in limits.items()}, "none declared")


def _waits(spec: ProviderSpec, provider: Provider) -> str:
    can = provider.capabilities
    others = [kind for kind in _KINDS[1:] if kind in can.types] + ["listing"] * can.listing
    return f"Sync: {can.sync_timeout:g} s; {', '.join(others)}: {can.other_timeout:g} s"


ABILITIES: Mapping[str, Row] = {
    "Invocation types": lambda spec, provider: _kinds(provider.capabilities.types),
    "Invoker context": _context,
    "Qualifiers": lambda spec, provider: _word(provider.capabilities.qualifier),
    "Log tail, on Sync": lambda spec, provider: _word(provider.capabilities.log_tail),
    "Idempotency keys": lambda spec, provider: _kinds(provider.capabilities.idempotency),
    "Streaming": lambda spec, provider: _word(provider.capabilities.streaming),
    "Listing": lambda spec, provider: _word(provider.capabilities.listing),
    "Payload limits": _payloads,
    "Time-out where nothing says one": _waits,
}

_SPEAKING: Mapping[str, Row] = {
    "Functions run on": lambda spec, provider: spec.summary,
    "Its distribution": lambda spec, provider: _distribution(spec),
    "A service's name is handed on": lambda spec, provider: _word(spec.inherits_service),
    "On asyncio": lambda spec, provider: (
        "awaited, with the extra `asyncio`" if isinstance(provider, AsyncioProvider) else "on a thread"
    ),
    "Knows its region": lambda spec, provider: _word(isinstance(provider, LocatingProvider)),
    "Options in a target": lambda spec, provider: _options(spec, "in_target"),
    "Options that are secrets": lambda spec, provider: _options(spec, "secret"),
    "Options of a call": lambda spec, provider: _listed(f"`{option.name}`" for option in fields(spec.call_options)),
}


def _distribution(spec: ProviderSpec) -> str:
    found = re.search(r"fcall-\w+", spec.install_hint)
    return f"`{found[0]}`" if found else ""


def _options(spec: ProviderSpec, what: str) -> str:
    return _listed(f"`{option.name}`" for option in fields(spec.options) if option.metadata.get(what))


def matrix() -> str:
    """The page with all of them."""
    names = [f"[`{name}`]({subject.page}.md)" for name, subject in SUBJECTS.items()]
    parts = [_TOP.format(pages=f"{', '.join(names[:-1])} and {names[-1]}")]
    for heading, rows in (("Abilities and limits", ABILITIES), ("How they are spoken to", _SPEAKING)):
        cells = ([name, *(subject.cell(row) for subject in SUBJECTS.values())] for name, row in rows.items())
        parts.append(f"## {heading}\n\n" + _table([["", *(f"`{name}`" for name in SUBJECTS)], *cells]))
    return "\n".join(parts).replace("\n\n\n", "\n\n")


def _table(rows: list[list[str]]) -> str:
    head, *body = rows
    return "\n".join([_line(head), _line(["---"] * len(head)), *map(_line, body)]) + "\n"


def _line(cells: list[str]) -> str:
    return f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|"


def written_card(page: str) -> str:
    """The card that a page has now."""
    (card,) = _CARD.findall((REFERENCE / f"{page}.md").read_text(encoding="utf-8"))
    return str(card)


def _pages() -> Iterator[tuple[Path, str]]:
    """Every page as it should be."""
    yield MATRIX, matrix()
    for subject in SUBJECTS.values():
        path = REFERENCE / f"{subject.page}.md"
        yield path, _CARD.sub(lambda _, subject=subject: subject.card(), path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for path, text in _pages():
        path.write_text(text, encoding="utf-8")
