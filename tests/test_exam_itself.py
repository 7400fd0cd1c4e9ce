"""The exam is examined: each of its checks finds what it is there for, and nothing else does."""

from __future__ import annotations

import gc
import textwrap
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import exam_wrong_abilities
import exam_wrong_calls
import exam_wrong_company
import exam_wrong_failures
import pytest
from exam_reference import LIMIT, Reference, ReferenceRig
from exam_wrong import WRONG

from fcall.testing import Behaviour, ProviderContract, Rig

PARTS = (exam_wrong_calls, exam_wrong_failures, exam_wrong_abilities, exam_wrong_company)  # each has noted its own
CHECKS = sorted(name for name in dir(ProviderContract) if name.startswith("test_"))
CASES = [(check, wrong, others) for check, found in WRONG.items() for wrong, others in found]
PLUGINS = {
    "test_importing_the_plugin_imports_no_sdk": "import wave\nfrom exam_reference import fcall_register_providers",
    "test_the_plugin_registers_the_provider": "from exam_reference import ReferenceRig as _Rig\n"
    "def fcall_register_providers(): return _Rig.spec",  # without its @fcall.hookimpl
    "test_the_plugin_uses_doors_alone": "from exam_reference import fcall_register_providers\n"
    "def retries():\n    from fcall._policy import Policy",
}
"""Plugins that are wrong, by the check that finds them."""


@pytest.fixture(scope="module", autouse=True)
def _a_small_heap() -> Iterator[None]:
    """One of the checks collects garbage, and there are some eighty exams here: leave out what was there before."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _what_is_left_open_is_left() -> Iterator[None]:
    """One of the wrong providers leaves a socket to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def _examined(rig: type[Rig], checks: Iterable[str] = CHECKS) -> dict[str, BaseException]:
    """The checks that do not pass, and what they say."""
    contract = type("Contract", (ProviderContract,), {"rig": lambda self: rig(), "patience": 0.02})()
    said = {}
    for check in checks:
        try:
            getattr(contract, check)()
        except (Exception, pytest.skip.Exception) as outcome:
            said[check] = outcome
    return said


def _rig(**changes: Any) -> type[Rig]:
    return type("ChangedRig", (ReferenceRig,), changes)


def test_what_is_right_passes_every_check() -> None:
    """The reference provider passes the whole exam, and nothing is skipped for it."""
    assert {} == _examined(ReferenceRig)


def test_every_rig_is_entered_and_left() -> None:
    """What a rig starts it can stop, also where a check asks nothing of it."""
    open_rigs: list[Rig] = []

    class Counted(ReferenceRig):
        def __init__(self) -> None:
            super().__init__()
            open_rigs.append(self)

        def __exit__(self, *error: object) -> None:
            super().__exit__(*error)
            open_rigs.remove(self)

    _examined(Counted)

    assert [] == open_rigs


@pytest.mark.parametrize(("check", "wrong", "others"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_wrong_provider_fails_its_check(check: str, wrong: type[Reference], others: frozenset[str]) -> None:
    """It fails the one check and those that are stated, no other, and each says what to do."""
    said = _examined(_rig(made=wrong))
    failed = {name for name, outcome in said.items() if not isinstance(outcome, pytest.skip.Exception)}

    assert {check, *others} == failed, said
    assert isinstance(said[check], AssertionError)
    assert len(str(said[check]).partition("\nassert ")[0]) > 30


@pytest.mark.parametrize("check", PLUGINS)
def test_a_wrong_plugin_fails_its_check(check: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that imports its SDK, or that fcall does not hear, fails the check that is there for it."""
    (tmp_path / f"plugin_for_{check}.py").write_text(textwrap.dedent(PLUGINS[check]))
    monkeypatch.syspath_prepend(tmp_path)
    said = _examined(_rig(plugin=f"plugin_for_{check}"))

    assert {check} == set(said), said
    assert isinstance(said[check], AssertionError)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"types": frozenset()}, "types"),
        ({"types": frozenset({"Sync"})}, "idempotency"),
        ({"types": frozenset({"Async"}), "idempotency": frozenset()}, "log_tail"),
        ({"invoker_context": {"Sync": "custom"}}, "invoker_context"),
        ({"payload_limits": {"Sync": "6 MB"}}, "payload_limits"),
        ({"sync_timeout": 0}, "sync_timeout"),
        ({"streaming": True}, "stream()"),
        ({"listing": True}, "list_functions()"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_contradiction_is_named(changes: dict[str, Any], word: str) -> None:
    """A declaration that makes no sense is told from one that does, and the message names the field."""

    class Contradicting(Reference):
        capabilities = replace(Reference.capabilities, **{"streaming": False, "listing": False, **changes})
        stream = list_functions = None  # type: ignore[assignment]

    check = "test_capabilities_are_well_formed"
    said = str(_examined(_rig(made=Contradicting), [check]).get(check))

    assert word in said


@dataclass
class _Thawed:
    """Options that can be changed."""


@pytest.mark.parametrize("changes", [{"options": _Thawed}, {"call_options": dict}, {"summary": ""}], ids=list)
def test_a_wrong_spec_fails_its_check(changes: dict[str, Any]) -> None:
    """A spec that is not whole fails, though the plugin registers another one."""
    said = _examined(_rig(spec=replace(ReferenceRig.spec, **changes)))

    assert {"test_the_spec_is_complete", "test_the_plugin_registers_the_provider"} == set(said), said


def test_every_check_has_its_wrong_provider() -> None:
    """A check that nothing fails may be no check at all: whoever adds one adds a wrong provider."""
    assert set(CHECKS) == {*WRONG, *PLUGINS, "test_the_spec_is_complete"}


@pytest.mark.parametrize("behaviour", [Behaviour.ECHO, Behaviour.FAIL], ids=str)
def test_a_rig_that_leaves_out_too_much_fails(behaviour: Behaviour) -> None:
    """A rig cannot pass by having nothing to examine."""

    def params(rig: ReferenceRig, asked: Behaviour) -> Any:
        return None if asked is behaviour else {"functionName": asked.name}

    said = _examined(_rig(params=params))

    assert any("has to name one" in str(outcome) for outcome in said.values())


def test_a_rig_that_cannot_tell_is_asked_less() -> None:
    """What a rig cannot bring about or see is skipped with a reason, and the rest is examined."""

    def params(rig: ReferenceRig, asked: Behaviour) -> Any:
        known = asked in (Behaviour.ECHO, Behaviour.FAIL)
        return {"functionName": asked.name} if known else None

    bare = _rig(params=params, requests=Rig.requests, received=Rig.received)
    said = _examined(bare)

    assert {pytest.skip.Exception} == {type(outcome) for outcome in said.values()}
    assert all("the rig cannot" in str(outcome) for outcome in said.values()), said


def test_what_is_not_declared_is_not_asked() -> None:
    """A provider that does Sync calls alone, and nothing beside them, is examined in these."""

    class Plain(Reference):
        capabilities = replace(
            Reference.capabilities,
            types=frozenset({"Sync"}),
            qualifier=False,
            log_tail=False,
            invoker_context={},
            streaming=False,
            listing=False,
            idempotency=frozenset(),
            payload_limits={"Sync": LIMIT},
        )
        stream = list_functions = invoke_asyncio = None  # type: ignore[assignment]

    said = _examined(_rig(made=Plain))

    assert [] == [outcome for outcome in said.values() if not isinstance(outcome, pytest.skip.Exception)]
    assert {"provider"} == {str(outcome).split()[1] for outcome in said.values()}
