"""The examples run, and nothing in them is made for one runtime."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PICTURES = Path(__file__).parent.parent / "examples" / "pictures"

_ENVIRONMENT = """
[env.test.services.images]
provider = "local"
runtime = "{runtime}"
isolation = "{isolation}"
functions = {{ resize = "handlers.py:resize", store = "handlers.py:store" }}
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A copy of the example, whose functions store what they are given in the folder `temporary`."""
    (tmp_path / "temporary").mkdir()
    return Path(shutil.copytree(PICTURES, tmp_path / "pictures", ignore=shutil.ignore_patterns("__pycache__")))


def _printed(pictures: Path, env: str, **variables: str) -> str:
    """What the application prints when it is started from elsewhere, in an environment of its configuration."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", str(pictures / "main.py")],
        env={**os.environ, "FCALL_ENV": env, "TMPDIR": str(pictures.parent / "temporary"), **variables},
        cwd=pictures.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    return finished.stdout


@pytest.mark.parametrize("isolation", ["inline", "process"])
@pytest.mark.parametrize("runtime", ["lambda", "fc"])
def test_two_functions_run_unchanged_by_the_rules_of_either_cloud(pictures: Path, runtime: str, isolation: str) -> None:
    """One function calls the other through fcall, whichever runtime decodes the event, in this process or in others."""
    with (pictures / "fcall.toml").open("a", encoding="utf-8") as configuration:
        configuration.write(_ENVIRONMENT.format(runtime=runtime, isolation=isolation))

    assert "stripes.pgm: 32 x 24\n" == _printed(pictures, "test")
    stored = (pictures.parent / "temporary" / "stripes.pgm").read_text(encoding="ascii").splitlines()
    assert ["P2", "32 24", "255", " ".join(["0"] * 32)] == stored[:4]
    assert 3 + 24 == len(stored)


@pytest.mark.parametrize("env", ["dev", "dev-fc"])
def test_the_environments_of_the_example_are_of_this_machine(pictures: Path, env: str) -> None:
    """Both environments that the example has for development work as they are."""
    assert "stripes.pgm: 32 x 24\n" == _printed(pictures, env)


def test_nothing_of_the_example_runs_here_unless_asked_to(pictures: Path) -> None:
    """Without an environment the functions are in a cloud, and no local function stands in for them."""
    assert "the provider 'aws' is not installed" in _printed(pictures, "", FCALL_DISABLE_PLUGINS="*")
