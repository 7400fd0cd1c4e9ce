"""The benchmarks run; what they measure is no test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

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


@pytest.mark.parametrize("figure", ["local_peers", "sequential", "fanout"])
def test_what_needs_an_environment_says_so(repository: Path, tmp_path: Path, figure: str) -> None:
    """Peers in environments of their own are not installed behind anybody's back by a quick run."""
    run = subprocess.run(
        [sys.executable, str(repository / "benchmarks" / "run.py"), "--quick", figure],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "FCALL_BENCHMARK_ENVIRONMENTS": str(tmp_path)},
    )

    assert run.returncode == 0, run.stderr
    assert "not installed" in run.stdout
    assert [] == list(tmp_path.iterdir())


def test_the_page_has_a_place_for_each_figure(repository: Path) -> None:
    """`--write` finds where to write each of them, and the text around them is nobody's but ours."""
    text = (repository / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    listed = subprocess.run(
        [sys.executable, str(repository / "benchmarks" / "run.py"), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.split("some of: ")[1]

    for figure in [*FIGURES, "local_peers", "sequential", "fanout"]:
        assert figure in listed
        assert 1 == text.count(f"<!-- {figure} begins -->") == text.count(f"<!-- {figure} ends -->")


def test_a_plot_is_an_image(repository: Path) -> None:
    """Its bars are as long as their numbers say, and it is XML whatever the names are."""
    sys.path.insert(0, str(repository / "benchmarks"))
    try:
        from plot import bars
    finally:
        sys.path.remove(str(repository / "benchmarks"))
    image = ElementTree.fromstring(bars({"a & b": {"fcall": 50.0, "<other>": 100.0}}, "calls"))
    lengths = [int(bar.attrib["width"]) for bar in image.iter("{http://www.w3.org/2000/svg}rect")][1:]

    assert 2 * lengths[0] == lengths[1]


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
