"""``fcall doctor``: what stands in the way of calls, found without making one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

import fcall
from fcall.cli._options import configured

if TYPE_CHECKING:
    from fcall._router import Router

__all__ = ["command"]

_OK, _WARNING, _PROBLEM = "ok", "warning", "problem"
_PROBLEM_FOUND = 3


@click.command("doctor")
@configured
@click.pass_context
def command(ctx: click.Context, config: str | None, env: str | None, debug: bool) -> None:
    """Examine the installation, the plugins and the configuration.

    A line each, with ok, warning or problem before it. The exit code is 3 where there is a problem.
    """
    marks = set()
    for mark, words in _findings(config, env):
        click.echo(f"{mark}\t{words}")
        marks.add(mark)
    ctx.exit(_PROBLEM_FOUND if _PROBLEM in marks else 0)


def _findings(config: str | None, env: str | None) -> Iterator[tuple[str, str]]:
    yield _OK, f"Python {sys.version.split()[0]} at {sys.executable}"
    yield _OK, f"fcall {fcall.__version__} at {Path(fcall.__file__).parent}"
    yield from _owners()
    yield from _plugins()
    yield from _services(config, env)


def _owners() -> Iterator[tuple[str, str]]:
    """Whether another distribution brings an import package of our name."""
    from importlib import metadata

    owners = metadata.packages_distributions().get("fcall", [])
    for other in sorted(set(owners) - {"fcall-core"}):
        yield (
            _PROBLEM,
            f"the distribution {other!r} owns files of fcall/ too, and one overwrites the other; run: "
            f"pip uninstall {other} && pip install --force-reinstall fcall-core",
        )
    try:
        metadata.distribution("fcall-core")
    except metadata.PackageNotFoundError:
        yield _WARNING, "fcall runs from a folder, and no distribution fcall-core is installed; plugins may not find it"


def _plugins() -> Iterator[tuple[str, str]]:
    from fcall._plugins import Plugins

    plugins = Plugins()
    plugins.load_all()
    for found in plugins.installed():
        failure = plugins.failures.get(found.name)
        yield (_OK, f"plugin {found}") if failure is None else (_PROBLEM, failure.message)
    if not plugins.installed():
        yield _OK, "no plugins are installed; there is the local provider"


def _services(config: str | None, env: str | None) -> Iterator[tuple[str, str]]:
    """Whether every service leads to a provider, with options that fit."""
    from fcall._config import Configuration
    from fcall._plugins import Plugins
    from fcall._router import Router

    try:
        configuration = Configuration.load(config, env=env)
    except fcall.errors.ConfigurationError as error:
        yield _PROBLEM, error.message
        return
    for file in configuration.files:
        yield _OK, f"configuration {file}"
    if not configuration.files:
        yield _OK, "no configuration is found from here upwards; calls go to the local provider"
    router = Router(configuration, Plugins())
    for service in sorted(configuration.services):
        yield _service(router, service)
    router.close()


def _service(router: Router, service: str) -> tuple[str, str]:
    from fcall._target import Target

    try:
        providers = [route.provider_name for route in router.routes(Target(service=service, function="*"))]
    except fcall.FcallError as error:
        return _PROBLEM, f"service {service}: {error.message}"
    return _OK, f"service {service} on {', then '.join(providers)}"
