"""Hostile names: whatever params or a configured service are called, no code is imported for them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

import fcall
from fcall.errors import FcallError

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

PIECES = [
    "canary", "canary.py", "handler", "package", "__init__", "os", "system", "local", "known", "f{function}",
    ":", ":", ":", "/", "/", "\\", ".", "..", "?", "=", "&", "%3A", "%2F", "~", "*", "#", " ", "\n", "\0", "\u202e",
    "：", "／", "HERE", "arn:", "123456789012:", "{function}", "root=.",
]  # fmt: skip
NAMES = st.one_of(st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join), st.text(max_size=20))
TEMPLATES = [
    "{function}",
    "{function}:handler",
    "canary:{function}",
    "{function}.py:handler",
    "./{function}",
    "os:{function}",
]


@pytest.mark.parametrize("examples", [500, pytest.param(2_000, marks=pytest.mark.long)])
def test_no_name_imports_code(examples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that came with the call are looked up among the registrations, and nowhere else."""
    imported: list[str] = []
    for path in ("canary.py", "package/__init__.py", "package/canary.py"):
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text("import builtins\nbuiltins.fcall_test_canary(__file__)\ndef handler(e, c): return 1\n")
    monkeypatch.syspath_prepend(os.getcwd())
    monkeypatch.setattr("builtins.fcall_test_canary", imported.append, raising=False)
    monkeypatch.setattr("os.system", imported.append)
    services: dict[str, Any] = {
        f"service{number}": {"provider": "local", "functions": template} for number, template in enumerate(TEMPLATES)
    }
    services["table"] = {"provider": "local", "functions": {"known": "known.py:handler", "*": "{function}"}}
    clients = [fcall.Client({"defaults": {"provider": "local"}, "services": services}), fcall.Client()]

    @hypothesis.settings(max_examples=examples, derandomize=True, database=None, deadline=None)
    @hypothesis.given(
        st.fixed_dictionaries(
            {},
            optional={
                "functionName": NAMES,
                "functionId": NAMES,
                "serviceName": st.one_of(st.sampled_from(sorted(services)), NAMES),
                "provider": st.one_of(st.just("local"), NAMES),
                "qualifier": NAMES,
                "invocationType": st.sampled_from(["Sync", "Async", "DryRun"]),
            },
        ).filter(lambda params: ("functionName" in params) != ("functionId" in params)),
        st.sampled_from(clients),
    )
    def called(params: dict[str, str], client: fcall.Client) -> None:
        here = os.getcwd()
        with pytest.raises(FcallError) as caught:
            client.invoke_function({key: value.replace("HERE", here) for key, value in params.items()})

        assert not caught.value.executed
        assert [] == imported

    before = set(sys.modules)
    called()

    assert not [name for name in sys.modules.keys() - before if "canary" in name or "package" in name]
