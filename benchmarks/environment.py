"""Environments of their own for the peers: what one of them pins is no business of another's."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["interpreter", "setting"]

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parent
_PLACE = Path(os.environ.get("FCALL_BENCHMARK_ENVIRONMENTS", _REPOSITORY / "build" / "benchmarks"))


def interpreter(name: str, *, make: bool = True) -> str | None:
    """The interpreter of an environment that has what ``environments/NAME.txt`` asks for.

    Args:
        name: of the environment.
        make: make it where it is missing; it takes the package index and a minute.

    Returns:
        Its path, or None where it is missing and is not to be made.
    """
    wanted = _HERE / "environments" / f"{name}.txt"
    version = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()[:8]
    folder = _PLACE / f"{name}-{version}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        if not make:
            return None
        print(f"making an environment for {name}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", wanted], check=True
        )
        (folder / "complete").touch()
    return str(python)


def setting() -> dict[str, str]:
    """The environment variables of a peer's process: this checkout to import from, no settings of this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FCALL_", "ALIBABA_"))}
    plugins = (_REPOSITORY / "plugins" / name for name in ("fcall-aws", "fcall-aliyun"))
    return kept | {
        "PYTHONPATH": os.pathsep.join(map(str, (_REPOSITORY, *plugins))),
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
