"""What users can reach, what it costs to import, and which module may know which."""

from __future__ import annotations

import ast
import dataclasses
import graphlib
import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fcall

pytestmark = pytest.mark.usefixtures("unmeasured")  # measuring imports a good deal

PACKAGE = Path(fcall.__file__).parent
DOORS = (
    "fcall",
    "fcall.errors",
    "fcall.handlers",
    "fcall.http",
    "fcall.local",
    "fcall.provider",
    "fcall.serve",
    "fcall.testing",
    "fcall.testing.faults",
)

# Which module may know which: an import leads to the same line or to one further down.
LAYERS = (
    {"fcall.__main__"},
    {"fcall.cli", "fcall._pytest"},
    {"fcall.serve"},
    {"fcall.testing"},
    {"fcall"},
    {"fcall.dispatcher"},
    {"fcall._async_client", "fcall._client", "fcall._typed"},
    {"fcall._caller"},
    {"fcall._definition"},
    {"fcall._map"},
    {"fcall._drivers"},
    {"fcall._flow"},  # above the router, since a flow walks the routes that the router made
    {"fcall._steps"},
    {"fcall._router"},
    {"fcall._route"},
    {"fcall._plugins"},
    {"fcall.local"},
    {"fcall._hookspecs", "fcall._observers"},
    {"fcall.provider"},
    {"fcall.http"},
    {"fcall._calls", "fcall._deadline", "fcall._error_table"},
    {"fcall._config", "fcall._keys", "fcall._names", "fcall._options", "fcall._policy"},
    {"fcall._codecs"},
    {"fcall._invocation"},
    {"fcall._result", "fcall._target"},
    {"fcall._guard"},
    {"fcall._breaker", "fcall._budget", "fcall._limit", "fcall._threads"},
    {"fcall.errors"},
    {"fcall._fork", "fcall._no_fork", "fcall._frozen", "fcall._json", "fcall._log", "fcall._naps", "fcall._wording"},
    {"fcall.handlers"},  # it knows nothing of the rest, and of the rest only the codecs know it
)


def _modules() -> dict[str, Path]:
    """Every module of the installed package, by name."""
    names = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("fcall", *path.relative_to(PACKAGE).with_suffix("").parts)
        names[".".join(parts).removesuffix(".__init__")] = path
    return names


MODULES = _modules()
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def _imported(node: ast.AST) -> Iterator[str]:
    """The modules of fcall that a module imports when it runs, at its top or later."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.ImportFrom):
            module = child.module or ""
            names = [f"{module}.{alias.name}" for alias in child.names]
            yield from (name if name in MODULES else module for name in names if module.split(".")[0] == "fcall")
        elif isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names if alias.name.split(".")[0] == "fcall")
        else:
            yield from _imported(child)


IMPORTS = {name: set(_imported(tree)) - {name} for name, tree in TREES.items()}


def _layer(module: str) -> int:
    """How far down a module stands; what is inside a package stands where the package does."""
    for place, layer in enumerate(LAYERS):
        if any(module == name or (name != "fcall" and module.startswith(f"{name}.")) for name in layer):
            return place
    raise AssertionError(f"{module} has no place in LAYERS")


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    """A module knows what it stands on, and never what stands on it."""
    assert set() == {other for other in IMPORTS[module] if _layer(other) < _layer(module)}


def test_the_functions_side_is_an_island() -> None:
    """No module of `fcall.handlers` imports the client, and of the client only one codec imports `fcall.handlers`."""
    island = {name for name in MODULES if name.split(".")[:2] == ["fcall", "handlers"]}

    assert {"fcall._codecs._record"} == {name for name in set(MODULES) - island if IMPORTS[name] & island}
    assert set() == {name for name in island if IMPORTS[name]}


def test_imports_make_no_circle() -> None:
    """No module imports itself by way of others, not even later, inside a function."""
    graphlib.TopologicalSorter(IMPORTS).prepare()


@pytest.mark.parametrize("module", sorted(set(MODULES) - set(DOORS)))
def test_there_are_no_other_doors(module: str) -> None:
    """Every module that is no door has an underscore in its path; two are reached by a command and by a class."""
    parts = module.split(".")[1:]

    assert any(part.startswith("_") for part in parts) or parts[0] in ("cli", "dispatcher")


@pytest.mark.parametrize("door", DOORS)
def test_all_is_complete_and_sorted(door: str) -> None:
    """Every public name that a door defines is in its ``__all__``, which is sorted and has nothing twice."""
    names = importlib.import_module(door).__all__

    assert sorted(set(names)) == names
    assert set() == set(_defined(TREES[door])) - set(names)


def _defined(tree: ast.Module) -> Iterator[str]:
    """The public names that a module defines, as against those that it imports."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            continue
        yield from (name for name in names if not name.startswith("_") and name != "TYPE_CHECKING")


def test_the_front_door_offers_the_same_to_tools_and_at_run_time() -> None:
    """What `fcall` brings in lazily, what type checkers see, and what ``dir()`` shows are the same names."""
    seen = {
        alias.asname or alias.name
        for node in TREES["fcall"].body
        if isinstance(node, ast.If)
        for statement in node.body
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith("fcall")
        for alias in statement.names
    }

    assert set(fcall.__all__) == seen | {"invoke_function"}
    assert set() == set(fcall.__all__) - set(dir(fcall))


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """A misspelt name is the error that Python users know."""
    with pytest.raises(AttributeError, match="module 'fcall' has no attribute 'Cleint'"):
        _ = fcall.Cleint


PUBLIC = [(door, name) for door in DOORS for name in importlib.import_module(door).__all__]


@pytest.mark.parametrize(("door", "name"), PUBLIC, ids=lambda value: value)
def test_every_public_name_is_explained(door: str, name: str) -> None:
    """Every public class, function and door has a docstring of its own, and so has every public method."""
    thing = getattr(importlib.import_module(door), name)
    if isinstance(thing, ModuleType) or inspect.isroutine(thing) or inspect.isclass(thing):
        assert thing.__doc__
    if inspect.isclass(thing):
        assert not (dataclasses.is_dataclass(thing) and (thing.__doc__ or "").startswith(f"{name}("))
        assert [] == [method for method in _public_methods(thing) if not inspect.getdoc(getattr(thing, method))]


def _public_methods(thing: type) -> list[str]:
    return [
        name
        for name, value in vars(thing).items()
        if not name.startswith("_") and (inspect.isroutine(value) or isinstance(value, property))
    ]


def _fresh(program: str, folder: Path) -> Any:
    """What a program prints, by way of JSON, in a process of its own."""
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    return json.loads(finished.stdout)


def test_importing_fcall_loads_nothing(tmp_path: Path) -> None:
    """``import fcall`` brings in no other module: no SDK, no plugin, no pluggy, no asyncio, no logging, no thread."""
    loaded = _fresh(
        "import sys; before = set(sys.modules); import fcall; after = set(sys.modules);"
        "import json; print(json.dumps(sorted(after - before)))",
        tmp_path,
    )

    assert {"__future__", "fcall"} >= set(loaded)
    assert "fcall" in loaded


@pytest.mark.parametrize("door", ["errors", "provider"])
def test_a_door_for_authors_loads_no_client(door: str, tmp_path: Path) -> None:
    """The error set and the door for plugin authors bring in neither the client nor pluggy nor a thread."""
    loaded = _fresh(f"import sys, json, fcall.{door}; print(json.dumps(sorted(sys.modules)))", tmp_path)

    assert set() == {"asyncio", "fcall._client", "fcall._plugins", "logging", "pluggy", "socket"} & set(loaded)


def test_a_local_call_loads_no_event_loop(tmp_path: Path) -> None:
    """The first call brings in what it needs: no event loop, no pool, no HTTP, no command line, no thread."""
    program = """
import fcall, json, sys, threading
registry = fcall.local.Registry()
registry.function("hello")(lambda event, context: "hello")
with fcall.Client(provider="local", registry=registry) as client:
    client.invoke("hello")
    print(json.dumps([sorted(sys.modules), threading.active_count()]))
"""
    loaded, threads = _fresh(program, tmp_path)

    assert set() == {"asyncio", "click", "concurrent.futures", "http", "ssl"} & set(loaded)
    assert 1 == threads


def test_fcall_never_configures_logging(tmp_path: Path) -> None:
    """After a call that logs, logging is as the application left it: our logger has a handler that does nothing."""
    program = """
import fcall, json, logging
registry = fcall.local.Registry()
registry.function("hello")(lambda event, context: 1 / 0)
client = fcall.Client(provider="local", registry=registry)
client.enqueue("hello")
client.close()
root, ours = logging.getLogger(), logging.getLogger("fcall")
print(json.dumps([
    [len(root.handlers), root.level, root.disabled],
    [[type(handler).__name__ for handler in ours.handlers], ours.level, ours.propagate, ours.filters],
    logging.raiseExceptions, logging.root.manager.disable,
]))
"""

    assert [[0, 30, False], [["NullHandler"], 0, True, []], True, 0] == _fresh(program, tmp_path)
