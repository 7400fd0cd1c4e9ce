"""The part of the exam about the plugin: it registers the provider, and importing it costs nothing."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pluggy

from fcall import _hookspecs
from fcall.provider import ProviderSpec
from fcall.testing._exam._subject import Examination, skip

__all__ = ["Plugin"]

_PROGRAM = (
    "import importlib, sys; importlib.import_module(sys.argv[1]); "
    "print(*(name for name in sys.argv[2:] if name in sys.modules))"
)


class Plugin(Examination):
    """The plugin registers the provider, and importing it costs nothing."""

    def test_importing_the_plugin_imports_no_sdk(self) -> None:
        """The SDK is imported by the first call, not by the plugin."""
        with self.rig() as rig:  # entered although nothing is called: what a rig starts, it stops at its end
            imported = _imported_with(rig.plugin, rig.sdk_modules)

        assert imported == "", (
            f"importing {rig.plugin} imported {imported}; import the SDK within the function that first needs it, and "
            "the provider's module within create()"
        )

    def test_the_plugin_registers_the_provider(self) -> None:
        """fcall finds the provider in the plugin, under its name."""
        with self.rig() as rig:
            specs = _registered(rig.plugin)

        assert rig.spec in specs, (
            f"fcall_register_providers of {rig.plugin} gives fcall {[spec.name for spec in specs]}, and not the rig's "
            f"{rig.spec.name!r}. Has it its @fcall.hookimpl, and does the rig have the plugin's own spec?"
        )

    def test_the_plugin_uses_doors_alone(self) -> None:
        """No module of the plugin imports what is private to fcall, and may be gone with its next version."""
        with self.rig() as rig:
            if rig.plugin.startswith("fcall."):
                skip("the plugin is a part of fcall")
            private = [f"{path.name}: {name}" for path in _sources(rig.plugin) for name in _private_imports(path)]

        assert private == [], f"{'; '.join(private)}: a name with an underscore may change; import from fcall's doors"

    def test_the_spec_is_complete(self) -> None:
        """What the spec says is what the configuration and the command line need."""
        with self.rig() as rig:
            missing = list(_gaps(rig.spec))

        assert missing == [], f"of the ProviderSpec, {'; '.join(missing)}"


def _registered(plugin: str) -> list[ProviderSpec]:
    """What fcall gets from a plugin's hook."""
    manager = pluggy.PluginManager("fcall")
    manager.add_hookspecs(_hookspecs)
    manager.register(importlib.import_module(plugin))
    given = manager.hook.fcall_register_providers()
    return [spec for each in given for spec in ([each] if isinstance(each, ProviderSpec) else each)]


def _sources(plugin: str) -> list[Path]:
    """The files of the package that the plugin is in, or its one file."""
    spec = importlib.util.find_spec(plugin.partition(".")[0])
    assert spec is not None, f"{plugin} cannot be imported"
    if spec.submodule_search_locations is None:
        return [Path(spec.origin or "")]
    return [path for folder in spec.submodule_search_locations for path in sorted(Path(folder).rglob("*.py"))]


def _private_imports(path: Path) -> Iterator[str]:
    """The private names of fcall that a file imports, at its top or later."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (name for name in names if name.startswith("fcall.") and "._" in name)


def _gaps(spec: ProviderSpec) -> Iterator[str]:
    for name in ("options", "call_options"):
        kind = getattr(spec, name)
        if not getattr(getattr(kind, "__dataclass_params__", None), "frozen", False):
            yield f"{name} is a frozen dataclass, and {kind!r} is none"
    if not spec.summary:
        yield "summary is empty; it is the provider's line in `fcall providers`"


@cache  # a fresh process takes its time, and comes to the same every time
def _imported_with(plugin: str, sdk_modules: tuple[str, ...]) -> str:
    """Those of the modules that importing the plugin imports."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _PROGRAM, plugin, *sdk_modules]
    finished = subprocess.run(  # noqa: S603 - this very Python, with names that the author wrote
        command, env=environ, capture_output=True, text=True, timeout=60, check=False
    )

    assert finished.returncode == 0, f"{plugin} cannot be imported in a fresh process:\n{finished.stderr}"
    return finished.stdout.strip()
