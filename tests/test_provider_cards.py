"""What the pages say of the providers is what these declare; ``python tests/provider_cards.py`` writes it anew."""

from __future__ import annotations

import importlib.util

import provider_cards
import pytest
from provider_cards import ABILITIES, MATRIX, SUBJECTS

from fcall.provider import Capabilities

MISSING = [name for name, subject in SUBJECTS.items() if not importlib.util.find_spec(subject.module)]


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_card_is_what_the_provider_declares(name: str) -> None:
    """The card on a provider's page is made of its capabilities."""
    if name in MISSING:
        pytest.skip(f"the plugin of {name} is not installed; tox -e lab has all of them")

    assert SUBJECTS[name].card() == provider_cards.written_card(SUBJECTS[name].page)


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}; tox -e lab has all of them")
def test_the_matrix_is_what_the_providers_declare() -> None:
    """Every provider of this repository, side by side."""
    assert provider_cards.matrix() == MATRIX.read_text(encoding="utf-8")


def test_every_capability_is_in_the_cards() -> None:
    """No field of `Capabilities` goes untold: a card of other values is another card."""
    spec, told = SUBJECTS["local"].spec, {}
    for name, value in {
        "types": frozenset({"DryRun"}),
        "qualifier": True,
        "log_tail": True,
        "invoker_context": {"Sync": frozenset({"custom"})},
        "invoker_context_limit": 77,
        "streaming": True,
        "listing": True,
        "idempotency": frozenset({"Async"}),
        "payload_limits": {"Async": 5},
        "sync_timeout": 1.0,
        "other_timeout": 2.0,
    }.items():
        told[name] = _rows(spec, Capabilities(**{name: value}))

    assert set(told) == set(Capabilities.__dataclass_fields__)
    assert [] == [name for name, rows in told.items() if rows == _rows(spec, Capabilities())]


def _rows(spec: object, capabilities: Capabilities) -> list[str]:
    class Declaring:
        pass

    provider = Declaring()
    provider.capabilities = capabilities  # type: ignore[attr-defined]
    return [row(spec, provider) for row in ABILITIES.values()]  # type: ignore[arg-type]
