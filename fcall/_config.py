"""The configuration: which files are read, what may stand in them, and where each value came from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from fcall._keys import DEFAULTS_RULES, POLICY_RULES, SERVICE_KEYS, SERVICE_RULES, Rule
from fcall._wording import listed, nearest, quoted
from fcall.errors import ConfigurationError, InvalidParamsError

__all__ = ["SERVICE_KEYS", "Binding", "Configuration", "Origin", "Setting", "config_files", "working_directory"]

_SECTIONS = ("defaults", "services", "env")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written.

    Attributes:
        place: in words, such as ``fcall.toml [services.images]``.
        folder: what relative paths are relative to.
        in_code: a program says it, which may hold secrets and objects that a file may not.
    """

    place: str
    folder: Path
    in_code: bool = False

    def __str__(self) -> str:
        return self.place


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it was written."""

    value: Any
    origin: Origin


Table: TypeAlias = dict[str, Setting]


@dataclass(frozen=True, slots=True)
class Binding:
    """What the configuration says of one service, or of functions without one.

    Attributes:
        service: the service as the application names it, or None.
        provider: the name of its provider.
        table: everything that is said of it, with origins.
    """

    service: str | None
    provider: str
    table: Table

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a setting that every provider has."""
        return self.table[key].value if key in self.table else default

    def options(self) -> Table:
        """The settings that belong to the provider."""
        return {key: setting for key, setting in self.table.items() if key not in SERVICE_RULES}

    @property
    def origin(self) -> Origin:
        """Where its functions are named, or else its provider."""
        setting = self.table.get("functions") or self.table.get("provider")
        return setting.origin if setting else Origin("the defaults", working_directory())


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that is configured, for one environment.

    Attributes:
        files: what was read, the strongest first.
        env: the chosen environment, or None.
        defaults: what holds for every service that does not say otherwise.
        services: by name.
        complete: whether a service that is not in it is an error.
    """

    files: tuple[Path, ...] = ()
    env: str | None = None
    defaults: Table = field(default_factory=dict)
    services: Mapping[str, Table] = field(default_factory=dict)
    complete: bool = False

    @classmethod
    def load(
        cls,
        config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        *,
        env: str | None = None,
        environ: Mapping[str, str] = os.environ,
        folder: Path | None = None,
        said: Mapping[str, Any] | None = None,
    ) -> Configuration:
        """Read the configuration.

        Args:
            config: a file, a mapping of the same shape, or None for ``FCALL_CONFIG`` or else the files found from
                `folder` upwards.
            env: the environment, or None for ``FCALL_ENV``.
            environ: the environment variables.
            folder: where to begin, or None for the working directory.
            said: defaults that code sets, which beat those of every file.

        Raises:
            ConfigurationError: a file cannot be read, or something in it is unknown or of the wrong type.
        """
        if env is not None and not isinstance(env, str):
            raise InvalidParamsError(f"env is the name of an environment, not {type(env).__name__}")
        layers = _layers(config, folder or working_directory(), environ)
        return _assembled(layers, env or environ.get("FCALL_ENV") or None, environ, said or {})

    @classmethod
    def without_file(cls, said: Mapping[str, Any]) -> Configuration:
        """A configuration of nothing but defaults that code sets.

        Raises:
            ConfigurationError: one of them has the wrong type.
        """
        return _assembled([], None, {}, said)

    def binding(self, service: str | None) -> Binding | None:
        """What is said of a service, None where nothing is said and nothing has to be.

        Raises:
            ConfigurationError: the configuration does not name the service, or names no provider for it.
        """
        table = self.defaults if service is None else self.services.get(service)
        if table is None:
            if not self.complete:
                return None
            raise ConfigurationError(
                f"the configuration does not name the service {quoted(service or '', 60)!r}"
                f"{nearest(service, self.services)}; it names {listed(self.services)}. Add a [services.…] for it "
                f"to {self.files[0] if self.files else 'the configuration'}",
                service=service,
            )
        if "provider" not in table:
            if not self.complete:
                return None
            where = "[defaults]" if service is None else f"[services.{quoted(service, 60)}]"
            misspelt = next((hint for key in table if (hint := nearest(key, SERVICE_KEYS))), "")
            others = "" if service is None else " or in [defaults]"
            raise ConfigurationError(
                f'no provider is named in {where}{misspelt}; add provider = "…" there{others}', service=service
            )
        return Binding(service, table["provider"].value, table)


def config_files(folder: Path, environ: Mapping[str, str] = os.environ) -> list[Path]:
    """The files that hold for a folder, the strongest first.

    From the folder upwards the first ``fcall.toml``, or ``pyproject.toml`` with a ``[tool.fcall]``; then the user's own
    ``fcall/fcall.toml`` under ``XDG_CONFIG_HOME`` or ``~/.config``.
    """
    project = next(filter(None, map(_project_file, (folder, *folder.parents))), None)
    home = environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    own = Path(home, "fcall", "fcall.toml")
    return [path for path in dict.fromkeys((project, own)) if path is not None and os.path.lexists(path)]


def working_directory() -> Path:
    """Where this process is.

    Raises:
        ConfigurationError: the directory was removed.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise ConfigurationError("the working directory is gone; change to one that exists") from error


def _project_file(folder: Path) -> Path | None:
    # What has the name is meant, even where it is a directory or a dangling link: passing it over would call elsewhere.
    if os.path.lexists(path := folder / "fcall.toml"):
        return path
    path = folder / "pyproject.toml"
    return path if os.path.isfile(path) and _tool_table(path) is not None else None


@dataclass(frozen=True, slots=True)
class _Layer:
    """One file, or the mapping that stands for one."""

    name: str
    folder: Path
    content: Mapping[str, Any]
    path: Path | None = None


def _layers(config: Any, folder: Path, environ: Mapping[str, str]) -> list[_Layer]:
    """What is to be read, the strongest first."""
    if isinstance(config, Mapping):
        return [_Layer("config", folder, config)]
    chosen = config if config is not None else environ.get("FCALL_CONFIG") or None
    if chosen is None:
        return [_read(path) for path in config_files(folder, environ)]
    try:
        path = folder / Path(chosen).expanduser()
    except TypeError as error:
        raise InvalidParamsError(f"config is a path or a mapping, not {type(chosen).__name__}") from error
    return [_read(path)]


def _read(path: Path) -> _Layer:
    content = _tool_table(path) if path.name == "pyproject.toml" else _toml(path)
    if content is None:
        raise ConfigurationError(f"the configuration {path} has no table [tool.fcall]; add it, or name another file")
    return _Layer(path.name, path.parent, content, path)


def _tool_table(path: Path) -> Any:
    """What a ``pyproject.toml`` says of fcall, or None."""
    tool = _toml(path).get("tool")
    return tool.get("fcall") if isinstance(tool, Mapping) else None


def _toml(path: Path) -> dict[str, Any]:
    import tomllib  # only a file needs it

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeError) else getattr(error, "strerror", None) or error
        raise ConfigurationError(f"the configuration {path} cannot be read: {reason}") from error
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not only TOMLDecodeError: a number may have too many digits
        raise ConfigurationError(f"the configuration {path} is not TOML: {error}") from error


def _assembled(
    layers: list[_Layer], env: str | None, environ: Mapping[str, str], said: Mapping[str, Any]
) -> Configuration:
    for layer in layers:
        _check_sections(layer)
    _check_env(layers, env)
    defaults: Table = {}
    for prefix, content, layer in _tables_of(layers, env):
        defaults = _overlaid(defaults, _table(content.get("defaults", {}), DEFAULTS_RULES, f"{prefix}defaults", layer))
    if environ.get("FCALL_PROVIDER", "") not in ("", defaults["provider"].value if "provider" in defaults else ""):
        setting = Setting(environ["FCALL_PROVIDER"], Origin("FCALL_PROVIDER", working_directory()))
        defaults = _overlaid(defaults, {"provider": setting})
    defaults = _overlaid(defaults, _checked(said, DEFAULTS_RULES, Origin("Client(…)", Path(), in_code=True)))
    services: dict[str, Table] = {}
    for prefix, content, layer in _tables_of(layers, env):
        for name, raw in _mapping(content.get("services", {}), f"{prefix}services", layer).items():
            table = _table(raw, SERVICE_RULES, f"{prefix}services.{name}", layer)
            services[name] = _overlaid(services.get(name, {}), table)
    services = {name: _overlaid(defaults, table) for name, table in services.items()}
    _check_failover(services)
    return Configuration(
        tuple(layer.path for layer in layers if layer.path), env, defaults, services, complete=bool(layers)
    )


def _tables_of(layers: list[_Layer], env: str | None) -> Iterator[tuple[str, Mapping[str, Any], _Layer]]:
    """The parts that hold, weakest first: the user's file before the project's, every file before any environment."""
    for layer in reversed(layers):
        yield "", layer.content, layer
    for layer in reversed(layers):
        if env is not None and env in layer.content.get("env", {}):
            yield f"env.{env}.", layer.content["env"][env], layer


def _overlaid(base: Table, table: Table) -> Table:
    """`table` on top of `base`. One that names a provider starts afresh and keeps only how to call, not whom."""
    kept = {key: setting for key, setting in base.items() if "provider" not in table or key in POLICY_RULES}
    return {**kept, **table}


def _table(raw: Any, rules: Mapping[str, Rule], name: str, layer: _Layer) -> Table:
    """One table of a file, checked as far as every provider has the same keys."""
    origin = Origin(f"{layer.name} [{quoted(name, 80)}]", layer.folder)
    return _checked(_mapping(raw, name, layer), rules, origin)


def _checked(raw: Mapping[str, Any], rules: Mapping[str, Rule], origin: Origin) -> Table:
    table = {key: Setting(value, origin) for key, value in raw.items()}
    for key, setting in table.items():
        check, meant = rules.get(key, (_always, ""))
        if key in SERVICE_RULES and key not in rules:
            raise ConfigurationError(f"{key!r} does not belong in {origin}; it is said of one service")
        if not check(setting.value):
            raise ConfigurationError(f"{key!r} in {origin} has to be {meant}")
    return table


def _always(value: Any) -> bool:
    return True


def _mapping(raw: Any, name: str, layer: _Layer) -> Mapping[str, Any]:
    place = f"[{quoted(name, 80)}] in {layer.name}" if name else layer.name
    if not isinstance(raw, Mapping):
        raise ConfigurationError(f"{place} is {type(raw).__name__}; it has to be a table")
    odd = next((key for key in raw if not isinstance(key, str)), "")
    if not isinstance(odd, str):
        raise ConfigurationError(f"{place} has a key that is {type(odd).__name__}; a key is a text")
    return raw


def _check_sections(layer: _Layer) -> None:
    parts = [("", _mapping(layer.content, "", layer))]
    for name, content in _mapping(layer.content.get("env", {}), "env", layer).items():
        parts.append((f"env.{name}.", _mapping(content, f"env.{name}", layer)))
    for prefix, content in parts:
        known = _SECTIONS if not prefix else _SECTIONS[:2]
        for key in content:
            if key not in known:
                raise ConfigurationError(
                    f"{layer.name} has an unknown table [{quoted(prefix + key, 80)}]{nearest(key, known)}; "
                    f"known are {listed(known)}"
                )
        _check_tables(prefix, content, layer)


def _check_tables(prefix: str, content: Mapping[str, Any], layer: _Layer) -> None:
    """See what is wrong in any environment, the ones that are not chosen included."""
    _table(content.get("defaults", {}), DEFAULTS_RULES, f"{prefix}defaults", layer)
    for name, raw in _mapping(content.get("services", {}), f"{prefix}services", layer).items():
        _table(raw, SERVICE_RULES, f"{prefix}services.{name}", layer)


def _check_env(layers: list[_Layer], env: str | None) -> None:
    names = {name for layer in layers for name in layer.content.get("env", {})}
    if env is not None and env not in names:
        raise ConfigurationError(
            f"no configuration has an environment {quoted(env, 60)!r}{nearest(env, names)}; there is {listed(names)}"
        )


def _check_failover(services: Mapping[str, Table]) -> None:
    for name, table in services.items():
        for other in table["failover"].value if "failover" in table else ():
            if other not in services:
                raise ConfigurationError(
                    f"'failover' in {table['failover'].origin} names the service {other!r}{nearest(other, services)}, "
                    f"which is not configured; there is {listed(services)}"
                )
            if other == name:
                raise ConfigurationError(f"'failover' in {table['failover'].origin} names the service itself")
