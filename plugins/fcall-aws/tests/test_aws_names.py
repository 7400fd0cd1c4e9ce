"""Names, ARNs and qualifiers: Lambda's own pattern, and nothing that does not fit it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator

import botocore
import botocore.session
import fcall_aws
import pytest
from fcall_aws import _arn
from fcall_aws._provider import AwsProvider
from fcall_aws.testing import LambdaEndpoint
from hypothesis import given, seed, settings
from hypothesis import strategies as st

import fcall
from fcall.errors import Executed, FcallError, FunctionNotFoundError, InvalidParamsError
from fcall.provider import Deadline, Invocation, Provider

ACCOUNT = "123456789012"
ARN = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:resize"

HOSTILE = [
    "", " ", ".", "..", "../..", "a/b", "a/../b", "/etc/passwd", "a\\b", "a b", " a", "a ", "a\n", "\na", "a\r\nX: y",
    "a\tb", "a\x00b", "a\x7f", "a\x1b[31m", "a?b", "a#b", "a%2fb", "a%0d%0aX:%20y", "a&b=c", "a=b", "a;b", "a,b",
    "a'b", 'a"b', "a`b", "a$b", "$LATEST", "$(id)", "{a}", "{}", "a{function}", "<a>", "a|b", "a*", "a^b", "a~b",
    "a!b", "a@b", "a+b", "(a)", "[a]", "é", "ａ", "名前", "🙂", "a\u200bb", "a\u202eb", "\ufeffa", "a\u0301", "\ud800",
    "a" * 65, "a" * 256, "a" * 257, "a" * 10_000, "a:", ":a", "a::b", "a:b:c", "a:b c", "a:$", "a:$LATEST2",
    "a:$LATEST.", "a:$LATEST.PUBLISHED.X", "a:..", "a:b/c", "a:b.c", "a:é", "a:" + "b" * 129, "function:",
    "function::a", ":function:a", "12345678901:function:a", "1234567890123:function:a", f"{ACCOUNT}:",
    f"{ACCOUNT}:function:", "١٢٣٤٥٦٧٨٩٠١٢:function:a", "arn:aws:lambda:", "arn:aws:lambda:eu-west-1",
    f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:a",
    f"arn:aws:s3:eu-west-1:{ACCOUNT}:function:a", f"arn:aws:iam::{ACCOUNT}:role/a",
    f"arn:a/b:lambda:eu-west-1:{ACCOUNT}:function:a", f"arn:aws:lambda:EU-WEST-1:{ACCOUNT}:function:a",
    f"arn:aws:lambda:eu-west-٣:{ACCOUNT}:function:a", f"arn:aws:lambda:evil.example/x:{ACCOUNT}:function:a",
    f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:a:b:c", f"ARN:aws:lambda:eu-west-1:{ACCOUNT}:function:a", f" {ARN}",
    f"{ARN} ", f"{ARN}\n", f"{ARN}/../../x", f"{ARN}?Qualifier=x", "http://a", "https://evil.example/a",
    "local:a.py:b", "functions/a/invocations", "a/invocations?Qualifier=b",
]  # fmt: skip

GOOD = [
    "a", "resize", "Resize-images_2", "a.b", "resize:prod", "resize:42", "resize:$LATEST", "resize:$LATEST.PUBLISHED",
    "a" * 64, f"{ACCOUNT}:function:resize", f"{ACCOUNT}:resize", f"{ACCOUNT}:function:resize:prod", ARN,
    f"{ARN}:prod", f"{ARN}:$LATEST", f"arn:aws-cn:lambda:cn-north-1:{ACCOUNT}:function:a",
    f"arn:aws-us-gov:lambda:us-gov-west-1:{ACCOUNT}:function:a",
    f"arn:aws-eusc:lambda:eusc-de-east-1:{ACCOUNT}:function:a", "function:resize",
]  # fmt: skip


@pytest.fixture(scope="module")
def endpoint() -> Iterator[LambdaEndpoint]:
    """An endpoint that nothing is to reach."""
    with LambdaEndpoint({"echo": lambda event, context: event}) as endpoint:
        yield endpoint


@pytest.fixture
def provider(endpoint: LambdaEndpoint) -> Iterator[Provider]:
    """The provider, for that endpoint."""
    provider = fcall_aws.fcall_register_providers().create(fcall_aws.AwsOptions(endpoint_url=endpoint.url))
    yield provider
    provider.close()


def _refused(provider: Provider, invocation: Invocation) -> None:
    with pytest.raises(FcallError) as caught:
        provider.invoke(invocation, Deadline.after(1))

    assert InvalidParamsError is type(caught.value)
    assert Executed.NO is caught.value.executed


def test_the_patterns_are_the_models_own() -> None:
    """What is refused here is what the newest service model refuses, character for character."""
    if tuple(map(int, botocore.__version__.split(".")[:2])) < (1, 44):
        pytest.skip("an older model has older patterns")
    members = botocore.session.Session().get_service_model("lambda").operation_model("Invoke").input_shape.members

    assert members["FunctionName"].metadata["pattern"] == _arn.FUNCTION_NAME
    assert members["Qualifier"].metadata["pattern"] == _arn.QUALIFIER


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_name_is_refused(name: str, provider: Provider, endpoint: LambdaEndpoint) -> None:
    """As a function's name and as an id: refused, with not a byte sent."""
    _refused(provider, Invocation(name))
    _refused(provider, Invocation("", function_id=name or "?"))

    assert 0 == endpoint.server.connections


def test_there_are_a_hundred_hostile_names() -> None:
    """The list is as long as it is meant to be."""
    assert len(set(HOSTILE)) >= 100


_PATTERN = re.compile(_arn.FUNCTION_NAME, re.ASCII)
_NEARLY = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="aZ9-_.:/$ \n%?#\\\u0661", max_size=80),
    st.builds("{}{}{}".format, st.sampled_from(GOOD), st.text(min_size=1, max_size=3), st.sampled_from(["", *GOOD])),
)


@pytest.mark.parametrize("part", range(10))
def test_generated_names_are_refused(part: int, provider: Provider, endpoint: LambdaEndpoint) -> None:
    """Ten thousand texts that are nearly names, or not at all: the same ones every time."""

    @seed(part)
    @settings(max_examples=1_000, database=None, deadline=None)
    @given(name=_NEARLY.filter(lambda name: not _PATTERN.fullmatch(name)))
    def refused(name: str) -> None:
        _refused(provider, Invocation(name))

    refused()

    assert 0 == endpoint.server.connections


@pytest.mark.parametrize("name", GOOD)
def test_a_good_name_is_taken_as_it_is(name: str) -> None:
    """Every form that Lambda takes."""
    assert name == _arn.referenced(Invocation(name), fcall_aws.AwsOptions()).name


@pytest.mark.parametrize("qualifier", ["prod", "42", "$LATEST", "$LATEST.PUBLISHED", "a" * 128, "a$b"])
def test_a_good_qualifier_is_taken(qualifier: str) -> None:
    """Versions, aliases, and the two names with a dollar sign."""
    assert qualifier == _arn.referenced(Invocation("a", qualifier=qualifier), fcall_aws.AwsOptions()).qualifier


@pytest.mark.parametrize("qualifier", ["", "a.b", "$LATEST.X", "a" * 129, "é", "a/b", "a b", "a\n"])
def test_a_hostile_qualifier_is_refused(qualifier: str, provider: Provider, endpoint: LambdaEndpoint) -> None:
    """What the contract lets through for other providers and Lambda does not know."""
    _refused(provider, Invocation("echo", qualifier=qualifier))

    assert 0 == endpoint.server.connections


@pytest.mark.parametrize(
    ("invocation", "options"),
    [
        (Invocation(ARN), fcall_aws.AwsOptions(region="us-east-1")),
        (Invocation(ARN), fcall_aws.AwsOptions(account="000000000000")),
        (Invocation(f"{ARN}:prod", qualifier="test"), fcall_aws.AwsOptions()),
        (Invocation("a:prod", qualifier="test"), fcall_aws.AwsOptions()),
    ],
)
def test_a_name_does_not_contradict_the_rest(invocation: Invocation, options: fcall_aws.AwsOptions) -> None:
    """Lambda would answer that the function is not there, or take the one for the other."""
    with pytest.raises(InvalidParamsError, match="leave one out"):
        _arn.referenced(invocation, options)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a", f"{ACCOUNT}:function:a"),
        ("a:prod", f"{ACCOUNT}:function:a:prod"),
        (ARN, ARN),
        ("function:a", f"{ACCOUNT}:function:a"),
    ],
)
def test_the_account_completes_a_name(name: str, expected: str) -> None:
    """A bare name is the configured account's; one that says an account keeps it."""
    assert expected == _arn.referenced(Invocation(name), fcall_aws.AwsOptions(account=ACCOUNT)).name


@pytest.mark.parametrize(
    ("target", "function", "qualifier", "function_id"),
    [
        ("resize", "resize", None, None),
        ("resize:prod", "resize", "prod", None),
        ("resize:$LATEST", "resize", "$LATEST", None),
        (ARN, "", None, ARN),
        ("eu-west-1:resize", "", None, "eu-west-1:resize"),
        ("eu-west-1:function:resize", "", None, "eu-west-1:function:resize"),
        (f"{ACCOUNT}:function:resize:prod", "", None, f"{ACCOUNT}:function:resize:prod"),
    ],
)
def test_a_target_is_read(target: str, function: str, qualifier: str | None, function_id: str | None) -> None:
    """What follows ``aws:`` is a name, a name with a qualifier, or an id."""
    read = fcall_aws.fcall_register_providers().parse_target(target)

    assert (function, qualifier, function_id) == (read.function, read.qualifier, read.function_id)


def test_a_target_reaches_its_region() -> None:
    """A target may say the region; an ARN says it itself, and then needs no other."""
    handlers = {"echo": lambda event, context: event}
    with LambdaEndpoint(handlers, region="eu-west-1", account=ACCOUNT, aliases={"prod": "3"}) as endpoint:
        with fcall.Client(plugins=[fcall_aws], provider="aws", endpoint_url=endpoint.url) as client:
            by_option = client.invoke("aws:echo:prod?region=eu-west-1", 1)
            by_arn = client.invoke(f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:echo", 2)
        scopes = [request.headers["Authorization"].split("/")[2] for request in endpoint.server.requests]

    assert ("3", 1, 2) == (by_option.executed_version, by_option.json(), by_arn.json())
    assert ["eu-west-1", "eu-west-1"] == scopes


@pytest.mark.parametrize("option", ["endpoint_url=http://evil.example", "profile=other", "role_arn=x", "client=x"])
def test_a_target_takes_neither_credentials_nor_endpoints(option: str) -> None:
    """Who may write a target may not send the call, or the credentials, elsewhere."""
    with fcall.Client(plugins=[fcall_aws], provider="aws") as client, pytest.raises(InvalidParamsError):
        client.invoke(f"aws:echo?{option}")


def test_the_provider_says_where_a_function_is(endpoint: LambdaEndpoint) -> None:
    """Observers learn the bare name and the region: an ARN's, the options', or, after a call, the one boto3 found."""
    by_options = AwsProvider(fcall_aws.AwsOptions(region="eu-west-1"))
    by_boto3 = AwsProvider(fcall_aws.AwsOptions(endpoint_url=endpoint.url))

    assert ("resize", "eu-west-1") == by_options.locate(Invocation(ARN + ":prod"))
    assert ("resize", "eu-west-1") == by_options.locate(Invocation(f"{ACCOUNT}:function:resize"))
    assert ("resize", None) == by_boto3.locate(Invocation("resize"))
    with pytest.raises(FunctionNotFoundError):
        by_boto3.invoke(Invocation("resize"), Deadline.after(10))
    assert ("resize", "us-east-1") == by_boto3.locate(Invocation("resize"))
    by_boto3.close()
