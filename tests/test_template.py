"""The plugin that authors copy."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the fault server is made for Linux")


def _copy(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(repository / "plugins" / "_template" / "copy_as.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_copy_has_its_own_name_throughout(repository: Path, tmp_path: Path) -> None:
    """Nothing in the copy is called after the gate, and its entry point is the new name."""
    made = _copy(repository, "moon", str(tmp_path))
    files = [path for path in (tmp_path / "fcall-moon").rglob("*") if path.is_file()]
    project = tomllib.loads((tmp_path / "fcall-moon" / "pyproject.toml").read_text())["project"]

    assert (0, f"made {tmp_path / 'fcall-moon'}\n", "") == (made.returncode, made.stdout, made.stderr)
    assert {"__init__.py", "test_moon_exam.py", "README.md", "LICENSE"} <= {path.name for path in files}
    assert [] == [path for path in files if "gate" in f"{path.name} {path.read_text()}".lower().replace("gateway", "")]
    assert {"fcall": {"moon": "fcall_moon"}} == project["entry-points"]
    assert "fcall-moon" == project["name"]


@pytest.mark.parametrize("name", ["", "Moon", "moon-base", "../moon", "1"])
def test_a_name_has_to_be_one(repository: Path, name: str) -> None:
    """What cannot be the name of a package is refused, in a sentence."""
    made = _copy(repository, name)

    assert 1 == made.returncode
    assert made.stderr.startswith("usage: ")
    assert "Traceback" not in made.stderr


def test_a_plugin_that_is_there_is_left_alone(repository: Path, tmp_path: Path) -> None:
    """A second copy by the same name overwrites nothing, and says so in a sentence."""
    _copy(repository, "moon", str(tmp_path))
    (tmp_path / "fcall-moon" / "README.md").write_text("mine")
    again = _copy(repository, "moon", str(tmp_path))

    assert (1, "") == (again.returncode, again.stdout)
    assert f"{tmp_path / 'fcall-moon'} is there already; move it, or say another name or folder\n" == again.stderr
    assert "mine" == (tmp_path / "fcall-moon" / "README.md").read_text()
