"""The pages are true: the program prints what is shown, and every attribute and metric has its row."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import fcall_otel
import pytest

DOCS = Path(__file__).parents[3] / "docs"
REFERENCE = DOCS / "reference" / "otel.md"
CODE = Path(fcall_otel.__file__).parent

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="the documentation is not here")


@pytest.mark.skipif(
    not metadata.entry_points(group="fcall.observers", name="otel"), reason="fcall-otel is on the path, not installed"
)
def test_the_program_prints_what_the_page_shows() -> None:
    """Application, call and function are one trace, with the observer that is installed."""
    page = (DOCS / "how-to" / "trace-calls.md").read_text(encoding="utf-8")
    _write_files(page)
    shown = re.search(r"^```text\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert shown
    printed = subprocess.run([sys.executable, "main.py"], capture_output=True, text=True, timeout=60, check=False)

    assert (shown[1], "") == (printed.stdout, printed.stderr)


def test_the_files_of_the_pages_can_be_imported() -> None:
    """What the pages show to be copied uses names that are there."""
    for page in (DOCS / "how-to" / "trace-calls.md", Path(__file__).parents[1] / "README.md"):
        _write_files(page.read_text(encoding="utf-8"))
        for path in sorted(Path("app").glob("*.py")):
            runpy.run_path(str(path))


def test_every_attribute_and_metric_is_explained() -> None:
    """The reference has a row for each name that the code tells, and for no other."""
    code = "".join(path.read_text(encoding="utf-8") for path in CODE.glob("_*.py"))
    told = set(re.findall(r'"((?:faas|fcall|error)\.[a-z_.]+)"', code)) - {"fcall.attempt"}
    page = REFERENCE.read_text(encoding="utf-8")

    assert told == set(re.findall(r"^\| `([a-z_.]+)` \|", page, flags=re.MULTILINE))
    assert "`fcall.attempt`" in page


def _write_files(page: str) -> None:
    """Write the files that a page shows into the working directory."""
    for name, content in re.findall(r"^```python\n# (\S+\.py)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content, encoding="utf-8")
