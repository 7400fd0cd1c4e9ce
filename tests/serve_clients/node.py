"""Programs in JavaScript, which make the calls that they are told to make."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

__all__ = ["FUNCTIONS", "run_node"]

FUNCTIONS = Path(__file__).parent / "functions"


def run_node(script: str, package: str, url: str, calls: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a program says of these calls, which it makes one after the other; bytes travel as base64."""
    modules, node = os.environ.get("FCALL_NODE_MODULES", ""), shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    if not Path(modules, package).is_dir():
        pytest.skip(f"{package} is not installed; FCALL_NODE_MODULES names the folder of node_modules, as tox sets it")
    program = Path(__file__).with_name(script)
    done = subprocess.run(
        [node, str(program), url],
        input=json.dumps([_encoded(call) for call in calls]),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [_decoded(outcome) for outcome in json.loads(done.stdout)]


def _encoded(call: dict[str, Any]) -> dict[str, Any]:
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value for name, value in call.items()
    }


def _decoded(outcome: dict[str, Any]) -> dict[str, Any]:
    return {**outcome, "payload": base64.b64decode(outcome["payload"])} if "payload" in outcome else outcome
