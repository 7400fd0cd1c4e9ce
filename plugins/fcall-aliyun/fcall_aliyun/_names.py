"""Names: which function of which API a call means, checked before they become part of a path."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fcall.errors import InvalidParamsError
from fcall_aliyun._options import AliyunOptions, Api

__all__ = ["Address", "address_of", "checked_name", "checked_task_id"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")
_QUALIFIER = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ARN = re.compile(r"acs:fc:(?P<region>[a-z0-9-]*):(?P<account>[0-9]*):(?P<rest>[^\s]+)")
_RESOURCES = (
    re.compile(r"services?[/:](?P<service>[^/:.]+)(\.(?P<qualifier>[^/:]+))?[/:]functions?[/:](?P<function>[^/:]+)"),
    re.compile(r"functions/(?P<function>[^/:]+)(/(?P<qualifier>[^/:]+))?"),
)


@dataclass(frozen=True, slots=True)
class Address:
    """One function in the service's own words.

    Attributes:
        api: ``"2.0"`` or ``"3.0"``.
        service: the FC 2.0 service, or None on 3.0.
        function: the function.
        qualifier: the version or alias, or None.
    """

    api: Api
    service: str | None
    function: str
    qualifier: str | None = None


def checked_name(what: str, name: str) -> str:
    """The name, which needs no escaping in a path.

    Raises:
        InvalidParamsError: it is none that Function Compute has.
    """
    if not _NAME.fullmatch(name):
        raise InvalidParamsError(
            f"the {what} is not a name of Function Compute: a letter or '_' first, then up to 127 of the characters "
            "A-Z a-z 0-9 _ -"
        )
    return name


def checked_task_id(key: str) -> str:
    """The idempotency key, which Function Compute takes as the id of an asynchronous task.

    Raises:
        InvalidParamsError: it cannot be one.
    """
    if not _NAME.fullmatch(key):
        raise InvalidParamsError(
            "the idempotency key becomes the task's id, which has a letter or '_' first, then up to 127 of the "
            "characters A-Z a-z 0-9 _ -"
        )
    return key


def address_of(
    options: AliyunOptions, service: str | None, function: str, function_id: str | None, qualifier: str | None
) -> Address:
    """The function that a call means.

    Raises:
        InvalidParamsError: a name cannot be one of Function Compute, or the names and the options contradict each
            other.
    """
    if function_id is not None:
        service, function, told = _of_arn(options, function_id)
        qualifier = _one_qualifier(told, qualifier)
    api: Api = "2.0" if service is not None else "3.0"
    if options.api == "2.0" and service is None:
        raise InvalidParamsError(
            'FC 2.0 addresses a function by its service too; set service = "…" for it, or name service/function'
        )
    if options.api == "3.0" and service is not None:
        raise InvalidParamsError('FC 3.0 has no services; name the function alone, or set api = "2.0"')
    if qualifier is not None and not _QUALIFIER.fullmatch(qualifier):
        raise InvalidParamsError(
            "the qualifier is not one of Function Compute: a version's number, an alias, or LATEST, of the characters "
            "A-Z a-z 0-9 _ -"
        )
    if service is not None:
        checked_name("service name", service)
    return Address(api, service, checked_name("function name", function), qualifier)


def _of_arn(options: AliyunOptions, arn: str) -> tuple[str | None, str, str | None]:
    """Service, function and qualifier of an ARN such as ``acs:fc:<region>:<account>:services/<s>/functions/<f>``."""
    whole = _ARN.fullmatch(arn)
    resource = whole and next(filter(None, (form.fullmatch(whole["rest"]) for form in _RESOURCES)), None)
    if not whole or not resource:
        raise InvalidParamsError(
            "the function id is no ARN of Function Compute: acs:fc:<region>:<account>:functions/<function>, or, for "
            "FC 2.0, acs:fc:<region>:<account>:services/<service>/functions/<function>"
        )
    for what, meant in options.place().items():
        if whole[what] and meant is not None and whole[what] != meant:
            raise InvalidParamsError(f"the function id is of another {what} than the one that is configured")
    parts = resource.groupdict()
    return parts.get("service"), parts["function"], parts["qualifier"]


def _one_qualifier(told: str | None, given: str | None) -> str | None:
    if told is not None and given is not None and told != given:
        raise InvalidParamsError("the function id and the qualifier name two different qualifiers; give one")
    return told if given is None else given
