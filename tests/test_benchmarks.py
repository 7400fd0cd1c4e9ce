"""The benchmarks run; what they measure is no test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def _table(repository: Path, folder: Path, *arguments: str) -> list[list[str]]:
    """The rows that ``python benchmarks/run.py`` prints, heading included, as cells."""
    run = subprocess.run(
        [sys.executable, str(repository / "benchmarks" / "run.py"), "--quick", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert run.returncode == 0, run.stderr
    return [line.strip("| ").split(" | ") for line in run.stdout.splitlines() if line.startswith("|")]


FIGURES = ["startup", "local_call", "isolation", "overhead", "many", "storm", "verbs", "aws", "aliyun", "serve"]


@pytest.mark.parametrize("figure", FIGURES)
def test_each_figure_prints_its_rows(repository: Path, tmp_path: Path, figure: str) -> None:
    """Each figure can be measured alone, and says for each row what was measured and what it cost."""
    heading, rule, *rows = _table(repository, tmp_path, figure)

    assert ["What", "Cost", "Against", "Ratio", "To reach"] == heading
    assert {"---"} == set(rule)
    assert len(rows) >= 2
    assert all(len(row) >= 2 and row[0] and row[1] for row in rows)


def test_an_unknown_figure_is_refused(repository: Path, tmp_path: Path) -> None:
    """A figure that does not exist is a usage error, not an empty table."""
    run = subprocess.run(
        [sys.executable, str(repository / "benchmarks" / "run.py"), "nonsense"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert run.returncode == 2
    assert "nonsense" in run.stderr
