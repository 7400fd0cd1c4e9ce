"""Targets: the one text that names a function."""

from __future__ import annotations

import pytest

from fcall._target import WELL_KNOWN, Target, parse_named, parse_target
from fcall.errors import InvalidParamsError

PROVIDERS = frozenset({*WELL_KNOWN, "mine"})
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:resize:prod"
ACS = "acs:fc:cn-hangzhou:1234567890123456:functions/resize"
ACCOUNT = "123456789012:resize:prod"


def _direct(provider: str, function: str, *options: tuple[str, str]) -> Target:
    return Target(function=function, provider=provider, options=options, direct=True)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (ARN, Target(function_id=ARN, provider="aws", direct=True)),
        ("arn:aws-cn:lambda:x", Target(function_id="arn:aws-cn:lambda:x", provider="aws", direct=True)),
        (ACS, Target(function_id=ACS, provider="aliyun", direct=True)),
        (ACCOUNT, Target(function_id=ACCOUNT, provider="aws", direct=True)),
        ("local:app/handlers.py:resize", _direct("local", "app/handlers.py:resize")),
        ("local:package.module:Class.method", _direct("local", "package.module:Class.method")),
        ("aws:resize:prod?region=eu-west-1", _direct("aws", "resize:prod", ("region", "eu-west-1"))),
        ("aws:f?a=1&b=%20%2F", _direct("aws", "f", ("a", "1"), ("b", " /"))),
        ("aws:f?a=", _direct("aws", "f", ("a", ""))),
        ("aliyun:images/resize", _direct("aliyun", "images/resize")),
        ("mine:Anything At All", _direct("mine", "Anything At All")),
        ("images/resize", Target("images", "resize")),
        ("images/resize:prod", Target("images", "resize", "prod")),
        ("Images/ReSize:PROD", Target("Images", "ReSize", "PROD")),
        ("resize", Target(None, "resize")),
        ("resize:$LATEST", Target(None, "resize", "$LATEST")),
        ("images/resize?region=x", Target("images", "resize?region=x")),
    ],
)
def test_every_form_is_read(text: str, target: Target) -> None:
    """Each form of a target says what it says, and names keep their case."""
    assert target == parse_target(text, PROVIDERS)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("arn:f", Target(function_id="arn:f", provider="aws", direct=True)),
        ("mine:f", _direct("mine", "f")),
        ("other:f", Target(None, "other", "f")),
        ("MINE:f", Target(None, "MINE", "f")),
        ("12345678901:f", Target(None, "12345678901", "f")),
        ("١٢٣٤٥٦٧٨٩٠١٢:f", Target(None, "١٢٣٤٥٦٧٨٩٠١٢", "f")),
        ("mine/f:v", Target("mine", "f", "v")),
        ("mine", Target(None, "mine")),
    ],
)
def test_the_forms_have_an_order(text: str, target: Target) -> None:
    """An id goes before a provider, a provider before a service, and what is no provider's name is a name."""
    assert target == parse_target(text, {*PROVIDERS, "arn"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has an empty part"),
        ("/resize", "has an empty part"),
        ("images/", "has an empty part"),
        ("resize:", "has an empty part"),
        (":prod", "has an empty part"),
        ("a/b/c", "has too many parts"),
        ("a/b:c:d", "has too many parts"),
        ("aws:", "names no function"),
        ("aws:?region=x", "names no function"),
        ("aws:f?", "ends in '?'"),
        ("aws:f?region", "name=value"),
        ("aws:f?&", "name=value"),
    ],
)
def test_a_malformed_target_is_explained(text: str, words: str) -> None:
    """What is wrong with a target is said in one line, with the forms that are right."""
    with pytest.raises(InvalidParamsError) as caught:
        parse_target(text, PROVIDERS)

    assert words in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("value", [None, 5, b"images/resize", ["images", "resize"], Target("images", "resize")])
def test_a_target_is_a_text(value: object) -> None:
    """Anything else names its type and not its content."""
    with pytest.raises(InvalidParamsError, match=f"not {type(value).__name__}; name the function"):
        parse_target(value, PROVIDERS)  # type: ignore[arg-type]


def test_a_long_target_is_cut_in_the_message() -> None:
    """A megabyte in the wrong place is not echoed."""
    with pytest.raises(InvalidParamsError) as caught:
        parse_target("/" * 1_000_000, PROVIDERS)

    assert 400 > len(str(caught.value))


@pytest.mark.parametrize("service", ["", "images/", "Straße/"])
@pytest.mark.parametrize("function", ["resize", "ReSize_2-b.c$", "größe?x=1"])
@pytest.mark.parametrize("qualifier", ["", ":prod"])
def test_names_come_back_as_they_were_said(service: str, function: str, qualifier: str) -> None:
    """Reading a name changes nothing of it, and a target calls itself what the application called it."""
    target = parse_named(f"{service}{function}{qualifier}")

    assert f"{service}{function}" == target.name
    assert qualifier.removeprefix(":") == (target.qualifier or "")


def test_an_id_is_its_own_name() -> None:
    """A message about an ARN shows the ARN."""
    assert ARN == parse_target(ARN, ()).name
