"""Options: plain values checked against the dataclass that a provider declares for them."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcall._config import SERVICE_KEYS, Binding, Setting, working_directory
from fcall._wording import listed, nearest, quoted
from fcall.errors import ConfigurationError, InvalidParamsError, PluginError

if TYPE_CHECKING:
    from fcall.provider import ProviderSpec

__all__ = ["built", "from_text", "provider_options"]


def built(
    options_type: type,
    values: Mapping[str, Any],
    *,
    what: str,
    where: Callable[[str], str] = lambda name: "",
    also_known: Iterable[str] = (),
) -> Any:
    """An instance of `options_type` made of these values.

    Args:
        options_type: a dataclass.
        values: by the names of its fields.
        what: such as ``the options of provider 'aws'``, for messages.
        where: says for a name where it was written, for messages.
        also_known: names that would have been right beside these, for the nearest spelling.

    Raises:
        InvalidParamsError: a name is unknown or missing, or a value has the wrong type.
    """
    hints = _hints(options_type)
    for name, value in values.items():
        if name not in hints:
            suggestion = nearest(name, [*hints, *also_known])
            raise InvalidParamsError(f"{what} have no {name!r}{where(name)}{suggestion}; they are {listed(hints)}")
        if not _fits(value, hints[name]):
            raise InvalidParamsError(
                f"{name!r} in {what}{where(name)} is a {type(value).__name__}; it has to be {_shown(hints[name])}"
            )
    required = {field.name for field in dataclasses.fields(options_type) if _required(field)}
    missing = required & hints.keys() - values.keys()
    if missing:
        raise InvalidParamsError(f"{what} lack {listed(missing)}; set it")
    return _made(options_type, values, what)


def _made(options_type: type, values: Mapping[str, Any], what: str) -> Any:
    try:
        return options_type(**values)
    except ConfigurationError:
        raise
    except (TypeError, ValueError) as error:  # a dataclass may check its own values
        raise InvalidParamsError(f"{what} do not fit: {error}") from error


def from_text(options_type: type, name: str, text: str) -> Any:
    """The text, as it stands in a target, as the type that the field declares."""
    hint = _hints(options_type).get(name, str)
    if text in ("true", "false") and _fits(True, hint):
        return text == "true"
    for number in (int, float):
        if _fits(number(), hint) and not _fits("", hint):
            try:
                return number(text)
            except ValueError:
                continue
    return text


@lru_cache
def _hints(options_type: type) -> dict[str, Any]:
    if not dataclasses.is_dataclass(options_type):
        raise PluginError(f"{options_type!r} is not a dataclass; a plugin declares its options as one")
    hints = typing.get_type_hints(options_type)
    return {field.name: hints[field.name] for field in dataclasses.fields(options_type) if field.init}


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _fits(value: Any, hint: Any) -> bool:
    """Whether the value is of the annotated type, one level deep; an int is also a float, a bool is no number."""
    origin = typing.get_origin(hint)
    if hint is Any:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in typing.get_args(hint))
    if origin is typing.Literal:
        return value in typing.get_args(hint)
    plain = origin or hint
    if plain is type(None):
        return value is None
    if isinstance(value, bool) and plain in (int, float):
        return False
    if plain is float:
        return isinstance(value, (int, float))
    return isinstance(value, plain) if isinstance(plain, type) else callable(value)


def _shown(hint: Any) -> str:
    if typing.get_origin(hint) is typing.Literal:
        return "one of " + listed(map(repr, typing.get_args(hint)))
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "").replace("collections.abc.", "")


def provider_options(
    spec: ProviderSpec,
    binding: Binding,
    in_target: Iterable[tuple[str, str]],
    environ: Mapping[str, str],
) -> Any:
    """An instance of a provider's options.

    Args:
        spec: the provider.
        binding: what files and code say, with origins.
        in_target: what the target says, which beats the files; code beats both.
        environ: where ``env:NAME`` is looked up.

    Raises:
        ConfigurationError: an option is unknown, has the wrong type, or stands where it may not.
    """
    values: dict[str, Any] = {}
    settings = binding.options()
    for field in getattr(spec.options, "__dataclass_fields__", {}).values():
        if field.metadata.get("path") and isinstance(field.default, str):
            values[field.name] = _from_here(binding.origin.folder / field.default, field.metadata)
    for name, setting in settings.items():
        if not setting.origin.in_code:
            values[name] = _from_file(spec, name, setting, environ)
    for name, text in in_target:
        if not _metadata(spec, name).get("in_target"):
            allowed = [option for option in _hints(spec.options) if _metadata(spec, option).get("in_target")]
            raise InvalidParamsError(
                f"a target for provider {spec.name!r} does not take the option {quoted(name, 60)!r}"
                f"{nearest(name, allowed)}; it takes {listed(allowed)}"
            )
        values[name] = _from_here(from_text(spec.options, name, text), _metadata(spec, name))
    for name, setting in settings.items():
        if setting.origin.in_code:
            values[name] = _from_here(setting.value, _metadata(spec, name))

    def where(name: str) -> str:
        written = name in settings and not settings[name].origin.in_code
        return f" (written in {settings[name].origin})" if written else ""

    what = f"the options of provider {spec.name!r}"
    return built(spec.options, values, what=what, where=where, also_known=SERVICE_KEYS)


def _metadata(spec: ProviderSpec, name: str) -> Mapping[str, Any]:
    field = getattr(spec.options, "__dataclass_fields__", {}).get(name)
    return field.metadata if field is not None else {}


def _from_file(spec: ProviderSpec, name: str, setting: Setting, environ: Mapping[str, str]) -> Any:
    """The value that a file means: a variable's where it names one, a path relative to the file's folder."""
    value, metadata = setting.value, _metadata(spec, name)
    if isinstance(value, str) and value.startswith("env:"):
        variable = value.removeprefix("env:")
        if variable not in environ:
            raise ConfigurationError(
                f"{name!r} in {setting.origin} takes the variable {variable}, which is not set; set it"
            )
        return _from_here(from_text(spec.options, name, environ[variable]), metadata)
    if metadata.get("secret"):
        raise ConfigurationError(
            f"{name!r} in {setting.origin} is a secret and may not stand in a file; "
            f'write {name} = "env:NAME" and set the variable NAME'
        )
    return str(setting.origin.folder / value) if metadata.get("path") and isinstance(value, str) else value


def _from_here(value: Any, metadata: Mapping[str, Any]) -> Any:
    """The value, a path being relative to the working directory."""
    return str(working_directory() / value) if metadata.get("path") and isinstance(value, (str, Path)) else value
