"""The function's side as a folder of its own, on Pythons that the client does not serve."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from handlers.events import EVENTS

from fcall import handlers

FOLDER = Path(handlers.__file__).parent
PORTABLE = Path(__file__).parent / "handlers" / "portable.py"

_PROGRAM = """
import json, sys, importlib
import portable
told = []
for function, payload in json.load(sys.stdin):
    try:
        told.append(getattr(portable, function)(payload.encode(), None).decode())
    except Exception as error:
        told.append([type(error).__name__, str(error)[:40]])
print(json.dumps([told, sys.version_info[:2], sys.modules["fcall.handlers"].__file__]))
"""


def _interpreter(version: str) -> str | None:
    """A Python of that version: on the path, or where pyenv keeps it."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    kept = sorted(map(str, root.glob(f"versions/{version}.*/bin/python")))
    return kept[-1] if kept else shutil.which(f"python{version}")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_every_file_is_python_3_9(path: Path) -> None:
    """No file uses syntax that Python 3.9 does not have, and none imports from outside the folder and the library."""
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    outside = {name for node in imports for name in _modules(node) if name not in sys.stdlib_module_names}

    assert set() == outside
    assert not any(isinstance(node, ast.Match | ast.TryStar) for node in ast.walk(tree))


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [] if node.level == 1 else [(node.module or "").split(".")[0]]
    return [alias.name.split(".")[0] for alias in node.names]


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13"])
def test_a_copy_of_the_folder_runs(version: str, tmp_path: Path) -> None:
    """Copied as ``fcall/handlers`` beside the function, it does on each Python what it does here."""
    interpreter = sys.executable if version == "{}.{}".format(*sys.version_info) else _interpreter(version)
    if interpreter is None:
        pytest.skip(f"there is no Python {version} on this machine")
    shutil.copytree(FOLDER, tmp_path / "fcall" / "handlers", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PORTABLE, tmp_path)
    (tmp_path / "program.py").write_text(_PROGRAM)
    events = [event for event in EVENTS if event.function not in ("known", "tidy")]
    finished = subprocess.run(
        [interpreter, "-S", "-B", "-W", "error", "program.py"],  # -S: nothing that is installed gets in the way
        input=json.dumps([(event.function, event.payload.decode()) for event in events]),
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    told, ran_on, file = json.loads(finished.stdout)

    assert version == "{}.{}".format(*ran_on)
    assert str(tmp_path / "fcall" / "handlers" / "__init__.py") == file
    for event, outcome in zip(events, told, strict=True):
        if event.failure is None:
            answer = event.answer.decode() if isinstance(event.answer, bytes) else json.dumps(event.answer)
            assert json.loads(answer) == json.loads(outcome), event.id
        else:
            assert [event.failure[0], event.failure[1][:40]] == [outcome[0], outcome[1][: len(event.failure[1])]]
