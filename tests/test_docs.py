"""The documentation is true: its examples run, and its references list what the code has.

A page is read from top to bottom in a folder of its own, which holds a copy of examples/ and of plugins/_template/:

- a ``python`` block runs, or is written to the file that its first line names (``# app/handlers.py``), or stands in the
  file that its first line quotes (``# From docs/conf.py``);
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
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cli_help
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
RUN = re.compile(r"(cd [\w-]+ && )?(echo [^|]+ \| )?([A-Z_]+=\S* )*(fcall|python) (?!-m (venv|pip|tox))")
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
    """The folder that a page is read in: a copy of the examples, importable."""
    for folder in ("examples", "plugins/_template"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # for what the examples store
    monkeypatch.syspath_prepend(tmp_path)
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
            elif isinstance(region.parsed, str) and region.parsed.startswith("# From "):
                region.evaluator = _compare
            yield region


def _file_name(block: str) -> str | None:
    """The file that a block says it is."""
    first = re.match(r"# ([\w./-]+\.(?:py|toml))\n", block)
    return first[1] if first else None


def _compare(example: Any) -> None:
    """What a block quotes of a file stands there, line by line."""
    first, _, quoted = example.parsed.partition("\n")
    name = first.removeprefix("# From ")

    assert quoted in (ROOT / name).read_text(encoding="utf-8"), f"{name} does not have what the page quotes"


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


def test_the_help_of_every_command_is_on_its_page() -> None:
    """The page has what ``--help`` prints, to the letter; ``python tests/cli_help.py`` writes it anew."""
    assert sorted(cli_help.helps().items()) == sorted(cli_help.written())


def test_the_help_on_the_page_is_what_a_terminal_shows() -> None:
    """The very bytes that the program prints in 80 columns."""
    printed = subprocess.run(
        [sys.executable, "-m", "fcall", "invoke", "--help"],
        env={**os.environ, "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        timeout=60,
        check=True,
    )

    assert printed.stdout == dict(cli_help.written())["fcall invoke"]


def test_every_failure_of_a_local_function_is_explained() -> None:
    """The local provider's table of outcomes has each error that it makes of what a function does."""
    from fcall.local._failures import _ERRORS

    table = _section(_reference("local"), "What comes of a call")

    assert [] == [error.__name__ for error in _ERRORS.values() if f"`{error.__name__}`" not in table]


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
    from fcall.local._options import LocalOptions

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
        fcall.serve,
        fcall.testing,
        fcall.testing.faults,
    )
    names = {name for door in doors for name in door.__all__}

    assert set() == {name for name in names if not re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", pages)}


def _public_modules() -> list[Path]:
    """The modules of this repository's plugins that have no underscore in their path."""
    packages = [path.parent for path in ROOT.glob("plugins/[!_]*/*/py.typed")]
    modules = [(module, module.relative_to(package)) for package in packages for module in package.rglob("*.py")]
    return sorted(module for module, path in modules if not any(re.match("_(?!_init__)", part) for part in path.parts))


@pytest.mark.parametrize("module", _public_modules(), ids=_named)
def test_every_public_name_of_a_plugin_is_mentioned(module: Path) -> None:
    """The reference knows every name that a public module of a plugin exports; none needs its SDK to be looked at."""
    exported = re.search(r"^__all__ = (\[.*?\])", module.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert exported
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md"))

    assert [] == [name for name in literal_eval(exported[1]) if not re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", pages)]


def test_every_check_of_the_exam_is_explained() -> None:
    """The exam's page has a row for every check, in the words of its docstring, and one for every behaviour."""
    page = _reference("exam")
    checks = inspect.getmembers(
        fcall.testing.ProviderContract, lambda member: getattr(member, "__name__", "").startswith("test_")
    )

    assert {f"| `{name}` | {(check.__doc__ or '').splitlines()[0]} |" for name, check in checks} == set(
        re.findall(r"^\| `test_.*$", page, flags=re.MULTILINE)
    )
    assert {f"| `{behaviour.name}` | {behaviour.value} |" for behaviour in fcall.testing.Behaviour} <= set(
        page.splitlines()
    )


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
