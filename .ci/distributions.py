"""Build every distribution of this repository, check it, and use the wheels as a user does, from files alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
HELLO = 'def handler(event, context):\n    return {"greeting": f"Hello {event[\'name\']}"}\n'


def main(folder: Path) -> None:
    """Do it all in this folder, which is empty."""
    sources = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]
    built, index = folder / "built", folder / "index"
    for source in sources:
        _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", built, source)
    _run(sys.executable, "-m", "twine", "check", "--strict", *built.iterdir())
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", index, *built.glob("*.whl"))
    names = [tomllib.loads((source / "pyproject.toml").read_text())["project"]["name"] for source in sources]
    _use(folder / "user", index, names)


def _use(folder: Path, index: Path, names: list[str]) -> None:
    """Install the distributions into an environment of their own, and call a function from it."""
    venv.create(folder, with_pip=True)
    programs = folder / "bin"
    _run(programs / "pip", "install", "--quiet", "--no-index", "--find-links", index, *names)
    _run(programs / "pip", "check")
    _run(programs / "fcall", "--version")
    (folder / "hello.py").write_text(HELLO)
    printed = _run(programs / "fcall", "invoke", "local:hello.py:handler", '{"name": "Ada"}', cwd=folder)
    if printed != '{"greeting": "Hello Ada"}\n':
        sys.exit("the installed fcall did not greet")


def _run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command and show what it prints; it has to succeed."""
    print("+", *command, flush=True)
    # What a developer's shell says of modules and configuration is not for a user's environment.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FCALL_"))}
    finished = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environ, stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    print(finished.stdout, end="", flush=True)
    return finished.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
