"""``fcall providers`` on machines that the sample plugins do not make up."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def install(tmp_path: Path) -> Callable[[str, str], str]:
    """Installs a distribution with one provider, as far as its description goes, and gives a folder for PYTHONPATH."""

    def install(distribution: str, provider: str) -> str:
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[fcall]\n{provider} = the_plugin\n", encoding="utf-8")
        return str(tmp_path)

    return install


def rows(text: str) -> list[list[str]]:
    """The cells of a table."""
    return [re.split(r" {2,}", line) for line in text.splitlines()]


@pytest.mark.parametrize("disabled", ["fcall-aws", "aws", "*"])
@pytest.mark.parametrize("name", ["aws", "local", "gate"])
def test_a_plugin_that_is_switched_off_has_one_row(
    spawn: Run, install: Callable[[str, str], str], name: str, disabled: str
) -> None:
    """A plugin that is switched off is shown as just that, also where fcall knows its provider by name."""
    site = install(f"fcall-{name}", name)
    ended = spawn("providers", PYTHONPATH=site, FCALL_DISABLE_PLUGINS=disabled.replace("aws", name))
    table = rows(ended.out)

    assert (0, "") == (ended.code, ended.err)
    assert [name, f"fcall-{name} 1.0", "disabled", "named in FCALL_DISABLE_PLUGINS"] in table
    assert {"aliyun", "aws", "linkedge", "local", name} == {row[0] for row in table}
    assert (2 if name == "local" else 1) == [row[0] for row in table].count(name)


def test_what_a_plugin_prints_is_no_data(spawn: Run, install: Callable[[str, str], str]) -> None:
    """A plugin that prints while it is imported does not spoil the table."""
    site = install("chatty", "chatty")
    (Path(site) / "the_plugin.py").write_text("print('hello from the plugin')", encoding="utf-8")
    ended = spawn("providers", PYTHONPATH=site)

    assert "hello from the plugin\n" == ended.err
    assert ["chatty", "chatty 1.0", "broken"] in [row[:3] for row in rows(ended.out)]
    assert "hello" not in ended.out
