"""The documentation is true: its examples run, and its references list what the code has.

A page is read from top to bottom in a folder of its own, which holds a copy of examples/:

- a ``python`` block runs, or is written to the file that its first line names (``# app/handlers.py``);
- a ``toml`` block is loaded as configuration, and likewise written where it names a file;
- in a ``console`` block, every command after ``$`` runs and prints what the block shows.
"""

from __future__ import annotations

import doctest
import inspect
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import fcall
import fcall.testing.faults
from fcall import _config, _hookspecs, _invocation, errors
from fcall._config import Configuration

sybil = pytest.importorskip("sybil", reason="sybil runs the examples of the docs")
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser  # noqa: E402 - only where it is installed

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *ROOT.glob("examples/**/*.md"),
        *ROOT.glob("plugins/**/*.md"),
        *DOCS.rglob("*.md"),
    ]
    if "_build" not in path.parts
)
EXAMPLES = sorted(path for path in (ROOT / "examples").rglob("*.py"))
LANGUAGES = {"python", "toml", "console", "text", "{toctree}"}
NOT_RUN = re.compile(r"(pip|python3?|tox|git|sphinx-build|\.|\.venv/bin/\w+)( |$)")  # what sets a machine up
RUN = re.compile(r"(echo [^|]+ \| )?([A-Z_]+=\S* )*(fcall|python) (?!-m (venv|pip|tox))")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

README_COMMANDS = (
    "python3 -m venv .venv && .venv/bin/pip install -q . && "
    """.venv/bin/fcall invoke local:examples/hello.py:handler '{"name": "Ada"}'""",
    "python3 -m venv .venv && .venv/bin/pip install -q tox && .venv/bin/tox",
)


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture
def page_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder that a page is read in: a copy of the examples, importable, with no function registered yet."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # for what the examples store
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(fcall.local._registry.DEFAULT, "_functions", {})
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


class _Python(PythonCodeBlockParser):
    """Python blocks, less those that are files."""

    def __init__(self) -> None:
        super().__init__(doctest_optionflags=OPTIONS)

    def __call__(self, document: Any) -> Iterator[Any]:
        for region in super().__call__(document):
            if isinstance(region.parsed, str) and _file_name(region.parsed):
                region.evaluator = _write
            yield region


def _file_name(block: str) -> str | None:
    """The file that a block says it is."""
    first = re.match(r"# ([\w./-]+\.(?:py|toml))\n", block)
    return first[1] if first else None


def _write(example: Any) -> None:
    path = Path(_file_name(example.parsed) or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(example.parsed, encoding="utf-8")


def _load(example: Any) -> None:
    """Load a block of TOML as fcall does, for every environment in it."""
    content = tomllib.loads(example.parsed)
    name = _file_name(example.parsed)
    if name:
        _write(example)
    if name and Path(name).name == "pyproject.toml":
        content = content.get("tool", {}).get("fcall", {})
    for env in (None, *content.get("env", ())):
        Configuration.load(content, env=env)


def _run(example: Any) -> str | None:
    """Run the commands of a console block and compare what they print."""
    for command, expected in _commands(example.parsed):
        if not RUN.match(command):
            assert NOT_RUN.match(command), f"{command!r} neither runs here nor sets a machine up"
            continue
        printed = _printed(command)
        if not doctest.OutputChecker().check_output(expected, printed, OPTIONS):
            return f"$ {command}\nexpected:\n{expected}\nprinted:\n{printed}"
    return None


def _commands(block: str) -> list[tuple[str, str]]:
    """The commands of a block and what each prints."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(command, expected) for command, _, expected in (part.partition("\n") for part in parts)]


def _printed(command: str) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    finished = subprocess.run(
        ["sh", "-c", command],
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return finished.stdout


PARSERS = (_Python(), CodeBlockParser("toml", _load), CodeBlockParser("console", _run))


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_every_example_of_a_page_runs(page: Path, page_folder: Path) -> None:
    """What a page shows is what happens."""
    document = sybil.Sybil(parsers=PARSERS).parse(page)
    document.namespace["__name__"] = "__main__"
    for example in document.examples():
        example.evaluate()


@pytest.mark.parametrize("path", EXAMPLES, ids=_named)
def test_every_file_of_the_examples_is_used(path: Path) -> None:
    """An example that no page runs would rot unseen."""
    name = path.relative_to(ROOT).as_posix()

    assert any(name in page.read_text(encoding="utf-8") for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_no_block_escapes(page: Path) -> None:
    """Every fenced block says what it is, in a language that these tests know."""
    opened = re.findall(r"^ *```(.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[::2]

    assert set() == set(opened) - LANGUAGES


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_links_lead_somewhere(page: Path) -> None:
    """A link to a file of the repository leads to one, and to a heading that is there."""
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if link.startswith(("https://", "mailto:")):
            continue
        name, _, heading = link.partition("#")
        linked = (page.parent / name).resolve() if name else page

        assert linked.exists(), f"{page.name} links {link}"
        assert not heading or heading in _headings(linked), f"{page.name} links {link}"


def _headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("command", README_COMMANDS)
def test_the_readme_says_how_to_begin(command: str) -> None:
    """The two commands that a newcomer runs stand in the README word for word, each on one line."""
    assert f"\n{command}\n" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_error_is_explained() -> None:
    """The errors page draws the tree of the module, and has a row for every class with its own defaults."""
    page = _reference("errors")
    rows = re.findall(r"^\| `(\w+)` \| (NO|MAYBE|YES) \| (yes|no) \|", page, flags=re.MULTILINE)
    classes = (thing for _, thing in inspect.getmembers(errors, _is_error))
    drawn = re.search(r"^ +FcallError .*?\n(?=\n)", errors.__doc__ or "", flags=re.MULTILINE | re.DOTALL)

    assert sorted(map(_error_row, classes)) == sorted(rows)
    assert drawn
    assert textwrap.dedent(drawn[0]) in page


def _is_error(thing: object) -> bool:
    return inspect.isclass(thing) and issubclass(thing, errors.FcallError)


def _error_row(error: type[errors.FcallError]) -> tuple[str, str, str]:
    return error.__name__, error.default_executed.name, "yes" if error.retryable else "no"


def test_every_hook_is_explained() -> None:
    """The hooks page has a heading for every hook that a plugin can implement, with its arguments."""
    hooks = {
        f"{name}({', '.join(inspect.signature(hook).parameters)})"
        for name, hook in inspect.getmembers(_hookspecs, inspect.isfunction)
        if name.startswith("fcall_")
    }

    assert hooks == set(re.findall(r"^## `(fcall_\w+\(.*\))`$", _reference("hooks"), flags=re.MULTILINE))


def test_every_configuration_key_is_explained() -> None:
    """The configuration page has a row for every key, and for every option of the local provider."""
    from fcall.local._provider import LocalOptions

    explained = _first_column(_reference("configuration"))

    assert set() == _config.SERVICE_KEYS - explained
    assert set(LocalOptions.__dataclass_fields__) == _first_column(_section(_reference("local"), "Options"))


def test_every_variable_is_explained() -> None:
    """The configuration page has a row for every environment variable of fcall, and for no other."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "fcall").rglob("*.py"))
    explained = _first_column(_section(_reference("configuration"), "Environment variables"))

    assert set(re.findall(r"\bFCALL_[A-Z_]+\b", code)) == {name for name in explained if name.startswith("FCALL_")}


def test_every_parameter_is_explained() -> None:
    """The contract page has a row for every key of the portable contract, and for every keyword of the verbs."""
    page = _reference("contract")

    assert set(_invocation._KEYS) == _first_column(_section(page, "The params"))
    assert {"event", *_invocation.CallParameters.__annotations__} == _first_column(_section(page, "The keywords"))


def test_every_public_name_is_mentioned() -> None:
    """The reference knows every name behind every door."""
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md"))
    doors = (
        fcall,
        fcall.errors,
        fcall.handlers,
        fcall.http,
        fcall.provider,
        fcall.local,
        fcall.testing,
        fcall.testing.faults,
    )
    names = {name for door in doors for name in door.__all__}

    assert set() == {name for name in names if not re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", pages)}


def test_the_provider_of_the_guide_is_a_plugin(page_folder: Path) -> None:
    """What "Write a provider" builds is found by its entry point, under the name of the provider."""
    document = sybil.Sybil(parsers=PARSERS).parse(DOCS / "how-to" / "write-a-provider.md")
    for example in document.examples():
        if isinstance(example.parsed, str) and _file_name(example.parsed):
            example.evaluate()
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    (name, value), *_ = project["entry-points"]["fcall"].items()
    plugin = metadata.EntryPoint(name, value, "fcall").load()

    assert name == plugin.fcall_register_providers().name


def test_every_module_is_on_the_map() -> None:
    """The architecture page draws every module of the core, each once."""
    page = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    drawn = re.search(r"```text\n(cli .*?)```", page, flags=re.DOTALL)
    assert drawn
    names = [name for line in drawn[1].splitlines() for name in re.split(r" {3,}", line)[0].split()]
    modules = [
        path.stem for path in (ROOT / "fcall").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    ]

    assert sorted(name for name in modules if not name.startswith("__")) == sorted(names)


def _reference(name: str) -> str:
    return (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8")


def _section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", page, flags=re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {heading!r}"
    return found[1]


def _first_column(page: str) -> set[str]:
    """The names in the first cells of a page's tables."""
    return set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE))
