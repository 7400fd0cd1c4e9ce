"""What ships, what it asks for, and that the tests test that."""

from __future__ import annotations

import configparser
import contextlib
import os
import re
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

import pytest

import fcall

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = {
    "py311",
    "py312",
    "py313",
    "minimal",
    "lowest",
    "aws",
    "aws-lowest",
    "aliyun",
    "linkedge",
    "otel",
    "template",
    "lab",
    "serve",
    "lint",
    "type",
    "docs",
    "dist",
}


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tox() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "tox.ini", encoding="utf-8")
    return parser


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this checkout."""
    build = pytest.importorskip("hatchling.build", reason="hatchling builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    with contextlib.chdir(ROOT):
        return zipfile.ZipFile(folder / build.build_wheel(str(folder)))


@pytest.mark.skipif("TOX_ENV_DIR" not in os.environ, reason="outside tox, what is tested may be the checkout")
def test_what_is_tested_is_what_is_installed() -> None:
    """Under tox the tests see the wheel that tox built and installed, and not the checkout they lie in."""
    assert Path(fcall.__file__).is_relative_to(os.environ["TOX_ENV_DIR"])
    assert not Path(fcall.__file__).is_relative_to(ROOT / "fcall")


def test_the_oldest_dependencies_are_tested(pyproject: dict[str, Any], tox: configparser.ConfigParser) -> None:
    """The environment `lowest` installs exactly the floors that the package and its extra `serve` declare."""
    project = pyproject["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["serve"]]
    floors = {dependency.replace(">=", "==") for dependency in declared}

    assert floors == set(tox["testenv:lowest"]["deps"].split())


def test_a_plain_tox_runs_everything(tox: configparser.ConfigParser) -> None:
    """``tox`` alone runs every environment that CI runs, and passes on a machine that lacks an interpreter."""
    assert ENVIRONMENTS == set(re.split(r"[,\s]+", tox["tox"]["env_list"]))
    assert "true" == tox["tox"]["skip_missing_interpreters"]


def test_every_supported_python_is_tested(pyproject: dict[str, Any]) -> None:
    """The versions that the package says it runs on are the versions that tox runs, from the oldest allowed."""
    found = re.findall(r"Python :: (3)\.(\d+)", "\n".join(pyproject["project"]["classifiers"]))
    versions = [f"py{major}{minor}" for major, minor in found]

    assert sorted(name for name in ENVIRONMENTS if re.fullmatch(r"py\d+", name)) == versions
    assert f">={found[0][0]}.{found[0][1]}" == pyproject["project"]["requires-python"]


def test_the_core_needs_little(pyproject: dict[str, Any]) -> None:
    """The core asks for these three and nothing else; plugins of ours, the server and TLS in tests are extras."""
    project = pyproject["project"]
    names = [re.split(r"[<>=~]", dependency)[0] for dependency in project["dependencies"]]

    assert ["click", "pluggy", "simplejson"] == names
    plugins = {name: [f"fcall-{name}"] for name in ("aliyun", "aws", "linkedge", "otel")}
    server = [*map(str, pyproject["dependency-groups"]["serve"])]
    others = {"asyncio": ["httptools>=0.6.2"], "serve": server, "testing": ["trustme>=1.2"]}
    assert {**plugins, **others} == project["optional-dependencies"]


def test_the_wheel_holds_the_package_alone(wheel: zipfile.ZipFile) -> None:
    """The wheel brings `fcall`, marked as typed, with the licence, and nothing beside it."""
    names = wheel.namelist()
    info = f"fcall_core-{fcall.__version__}.dist-info"

    assert {"fcall", info} == {name.split("/")[0] for name in names}
    assert {"fcall/py.typed", f"{info}/licenses/LICENSE"} <= set(names)


def test_the_wheel_describes_itself(wheel: zipfile.ZipFile) -> None:
    """The wheel carries the distribution's name, the version that the package says, and the README."""
    metadata = HeaderParser().parsestr(wheel.read(f"fcall_core-{fcall.__version__}.dist-info/METADATA").decode())

    assert ("fcall-core", fcall.__version__, "Apache-2.0") == (
        metadata["Name"],
        metadata["Version"],
        metadata["License-Expression"],
    )
    assert (ROOT / "README.md").read_text(encoding="utf-8") == metadata.get_payload()


def test_ci_runs_what_the_readme_says() -> None:
    """CI takes the two commands from the README, so that what is checked is what people are told."""
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert 2 == len(re.findall(r"^python3 -m venv .*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert "pip install" not in script.read_text(encoding="utf-8")
