"""Begin a provider: ``python plugins/_template/copy_as.py moon`` makes the folder ``fcall-moon`` out of this one.

It is a copy in which the gate is called by the new name. A second argument is the folder to put it into.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

TEMPLATE = Path(__file__).parent
LEFT_OUT = ("copy_as.py", "__pycache__", ".*", "*.egg-info", "build", "dist")


def copy_as(name: str, folder: Path) -> Path:
    """Make the copy, and say where it is."""
    new = folder / f"fcall-{name}"
    if new.exists():
        sys.exit(f"{new} is there already; move it, or say another name or folder")
    shutil.copytree(TEMPLATE, new, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for path in sorted(new.rglob("*"), reverse=True):  # what is in a folder before the folder
        if path.is_file() and path.name != "LICENSE":
            path.write_text(_renamed(path.read_text(encoding="utf-8"), name), encoding="utf-8")
        path.rename(path.with_name(_renamed(path.name, name)))
    return new


def _renamed(text: str, name: str) -> str:
    """The text with the gate called by the name, in whichever case it is written."""
    text = re.sub(r"(?<![A-Za-z])gate(?![a-z])", name, text)
    text = re.sub(r"Gate(?![a-z])", name.capitalize(), text)
    return re.sub(r"GATE(?![A-Z])", name.upper(), text)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or not re.fullmatch(r"[a-z][a-z0-9]*", sys.argv[1]):
        sys.exit("usage: python copy_as.py NAME [FOLDER]; the name is lower-case letters and digits, as 'moon' is")
    print(f"made {copy_as(sys.argv[1], Path(*sys.argv[2:]))}")  # noqa: T201 - a command
