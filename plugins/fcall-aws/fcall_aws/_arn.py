"""The names of Lambda functions: bare, with a qualifier, with an account, or as an ARN."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from fcall.errors import InvalidParamsError
from fcall.provider import Invocation, Target
from fcall_aws._options import AwsOptions

__all__ = ["FUNCTION_NAME", "QUALIFIER", "FunctionReference", "parse_target", "referenced"]

# The service model's own patterns (botocore 1.44.5, Lambda 2015-03-31); a test compares them with the installed one.
FUNCTION_NAME = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
QUALIFIER = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"

_ARN, _REGION, _ACCOUNT, _FUNCTION, _NAME, _QUALIFIED, _QUALIFIER = 1, 3, 9, 10, 11, 12, 13  # groups of FUNCTION_NAME
_function_name = re.compile(FUNCTION_NAME, re.ASCII)
_qualifier = re.compile(QUALIFIER, re.ASCII)
_LONGEST = 256
_LONGEST_NAME = 64
_LONGEST_QUALIFIER = 128

_FORMS = (
    "write name, name:alias, 123456789012:function:name or arn:aws:lambda:REGION:ACCOUNT:function:name, "
    "where a name has 1 to 64 of the characters A-Z a-z 0-9 - _ ."
)


@dataclass(frozen=True, slots=True)
class FunctionReference:
    """A function as Lambda takes it.

    Attributes:
        name: what is sent as FunctionName.
        qualifier: what is sent as Qualifier, or None.
        region: the region that an ARN names, or None.
        bare: the name alone, without region, account and qualifier.
    """

    name: str
    qualifier: str | None
    region: str | None
    bare: str


def parse_target(text: str) -> Target:
    """Read what follows ``aws:`` in a target: ``name[:qualifier]``, ``account:function:name`` or an ARN.

    Raises:
        InvalidParamsError: it is none of these.
    """
    found = _matched(text)
    if found.start(_NAME) > 0:  # a region or an account stands before the name, and is part of it
        return Target(function_id=text)
    return Target(function=found[_NAME], qualifier=found[_QUALIFIER])


def referenced(invocation: Invocation, options: AwsOptions) -> FunctionReference:
    """The function that a call is for.

    Raises:
        InvalidParamsError: its name is not one of Lambda's, or contradicts the options or the qualifier.
    """
    name = invocation.function_id or invocation.function
    return _referenced(name, invocation.qualifier, options.region, options.account)


@lru_cache(maxsize=1024)  # an application calls the same few functions again and again
def _referenced(name: str, qualifier: str | None, region: str | None, account: str | None) -> FunctionReference:
    found = _matched(name)
    own_region, own_account = (found[group] and found[group][:-1] for group in (_REGION, _ACCOUNT))
    _agree("region", own_region, region)
    _agree("account", own_account, account)
    _agree("qualifier", found[_QUALIFIER], qualifier)
    if qualifier is not None:
        _check_qualifier(qualifier)
    if account and not own_account:
        name = f"{account}:function:{found[_NAME]}{found[_QUALIFIED] or ''}"
    return FunctionReference(name, qualifier, own_region, found[_NAME])


def _matched(name: str) -> re.Match[str]:
    found = _function_name.fullmatch(name) if len(name) <= _LONGEST else None
    if (
        found is None
        or len(found[_NAME]) > _LONGEST_NAME
        or len(found[_QUALIFIER] or "") > _LONGEST_QUALIFIER
        or found[_NAME] in (".", "..")  # in a path these mean something else
        or (
            found[_ARN] and not (found[_REGION] and found[_ACCOUNT] and found[_FUNCTION])
        )  # the pattern has them all free
    ):
        raise InvalidParamsError(f"the function's name is not one that Lambda knows; {_FORMS}")
    return found


def _check_qualifier(qualifier: str) -> None:
    if len(qualifier) > _LONGEST_QUALIFIER or not _qualifier.fullmatch(qualifier):
        raise InvalidParamsError(
            "the qualifier is not one that Lambda knows; write $LATEST, a version's number, or an alias of 1 to 128 of "
            "the characters A-Z a-z 0-9 - _ $"
        )


def _agree(what: str, in_name: str | None, elsewhere: str | None) -> None:
    if in_name and elsewhere and in_name != elsewhere:
        raise InvalidParamsError(
            f"the function's name says the {what} {in_name} and the call says {elsewhere}; leave one out"
        )
