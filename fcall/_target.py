"""Targets: the one text that says which function is meant, as a person types it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl

from fcall._wording import listed, quoted
from fcall.errors import InvalidParamsError

__all__ = ["WELL_KNOWN", "Target", "parse_named", "parse_target"]

# The providers whose names always mean a provider, and the distribution that brings each one.
WELL_KNOWN = {"local": "fcall-core", "aws": "fcall-aws", "aliyun": "fcall-aliyun", "linkedge": "fcall-linkedge"}

# Which provider an id belongs to, by the part before its first colon.
_PARTITIONS = {"arn": "aws", "acs": "aliyun"}
_ACCOUNT_FIRST = re.compile(r"[0-9]{12}:")


@dataclass(frozen=True, slots=True)
class Target:
    """Which function a call is for.

    Attributes:
        service: the service, or None.
        function: the function's name; empty where `function_id` says it.
        qualifier: the version or alias, or None.
        function_id: the provider's own id of the function, such as an ARN, or None.
        provider: the provider that the target itself names, or None.
        options: provider options that the target itself sets, as name and text.
        direct: whether the target speaks to a provider past the configuration (``provider:rest``), so that its names
            are the provider's own.
    """

    service: str | None = None
    function: str = ""
    qualifier: str | None = None
    function_id: str | None = None
    provider: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    direct: bool = False

    @property
    def name(self) -> str:
        """The target as the application said it, for messages."""
        if self.function_id:
            return self.function_id
        return f"{self.service}/{self.function}" if self.service else self.function


def parse_target(text: str, providers: Collection[str]) -> Target:
    """Read a target.

    In this order: an ARN (``arn:``, ``acs:``) or an account's function (twelve digits first); ``provider:rest`` where
    `providers` has the name; ``service/function[:qualifier]``; ``function[:qualifier]``.

    Raises:
        InvalidParamsError: it is not a text, or a part of it is empty.
    """
    if not isinstance(text, str):
        raise InvalidParamsError(
            f"a target is a text such as 'images/resize', not {type(text).__name__}; name the function"
        )
    head, colon, rest = text.partition(":")
    if colon and head in _PARTITIONS:
        return Target(function_id=text, provider=_PARTITIONS[head], direct=True)
    if _ACCOUNT_FIRST.match(text):
        return Target(function_id=text, provider="aws", direct=True)
    if colon and head in providers:
        return _direct(head, rest, text)
    return parse_named(text)


def parse_named(text: str) -> Target:
    """Read ``[service/]function[:qualifier]``.

    Raises:
        InvalidParamsError: a part is empty, or there are more parts than these.
    """
    path, colon, qualifier = text.partition(":")
    service, slash, function = path.rpartition("/")
    if not function or (slash and not service) or (colon and not qualifier):
        raise InvalidParamsError(f"the target {quoted(text, 100)!r} has an empty part; {_FORMS}")
    if "/" in service or ":" in qualifier:
        raise InvalidParamsError(f"the target {quoted(text, 100)!r} has too many parts; {_FORMS}")
    return Target(service=service or None, function=function, qualifier=qualifier or None)


_FORMS = f"write service/function, function or provider:function, where provider is one of {listed(WELL_KNOWN)}"


def _direct(provider: str, rest: str, text: str) -> Target:
    """``provider:rest?options``; what `rest` means is for the provider to say."""
    function, options = parse_options(rest, f"the target {quoted(text.partition('?')[0], 100)!r}")
    if not function:
        raise InvalidParamsError(f"the target {provider + ':'!r} names no function; {_FORMS}")
    return Target(function=function, provider=provider, options=options, direct=True)


def parse_options(text: str, what: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Read ``name?option=value&option=value``.

    Args:
        text: a name, with or without options.
        what: what it is, for messages.

    Raises:
        InvalidParamsError: the options are malformed, or one is set twice.
    """
    name, mark, query = text.partition("?")
    try:
        options = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:  # left out of the chain, because it repeats what may be a secret in the wrong place
        raise InvalidParamsError(f"the options of {what} are not written name=value&name=value") from None
    if len({option for option, _ in options}) < len(options):
        raise InvalidParamsError(f"{what} sets an option twice; leave one out")
    if mark and not query:
        raise InvalidParamsError(f"{what} ends in '?'; write ?option=value or leave it out")
    return name, tuple(options)
