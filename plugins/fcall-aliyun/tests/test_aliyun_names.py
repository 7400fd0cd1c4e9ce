"""Names: what is not one never reaches the network, and what is one arrives as it is."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fcall_aliyun._names import address_of
from fcall_aliyun._options import AliyunOptions
from fcall_aliyun._provider import AliyunProvider
from fcall_aliyun.testing import FcEndpoint
from hypothesis import given, settings
from hypothesis import strategies as st

import fcall
from fcall.errors import ConfigurationError, InvalidParamsError
from fcall.provider import Deadline, Invocation

HOSTILE = [
    *("..", ".", "../x", "../../../x", "a/../b", "/x", "x/", "a/b", "//x", "a//b", "x/..", "..x", "x..y", "a.b"),
    *("a?b", "a?qualifier=x", "?", "a#b", "#", "a&b", "a=b", "a;b", "a:b", "a@b", "a%2fb", "%2e%2e", "%", "a%", "a+b"),
    *(" ", "a b", " a", "a ", "a\tb", "a\nb", "a\r\nX-Evil: 1", "a\x00b", "a\x7fb", "\ufeffa", "a\u200bb", "a\u2028b"),
    *("é", "函数", "a\u0301", "Ａ", "١", "a\ud800", "-a", "1a", "9", "", "a" * 129, "a\\b", 'a"b', "a'b", "a`b", "a|b"),
    *("a<b>", "{a}", "[a]", "^a", "~a", "$LATEST", "*", "a,b", "a!b", "a(b)"),
]
RULE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,127}")


def test_the_list_is_long_enough() -> None:
    """There are at least 60 hostile names, each another one."""
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
@pytest.mark.parametrize("place", ["function", "service", "qualifier", "only"])
def test_a_hostile_name_is_refused_before_a_byte_is_sent(
    plain: FcEndpoint, client: Callable[..., fcall.Client], place: str, name: str
) -> None:
    """A name that is none is an error of the caller's, wherever it stands, and nothing is connected to."""
    if place == "qualifier" and name in ("-a", "1a", "9"):
        pytest.skip("a qualifier may be a number")
    params = {
        "function": {"serviceName": "images", "functionName": name},
        "service": {"serviceName": name, "functionName": "echo"},
        "qualifier": {"serviceName": "images", "functionName": "echo", "qualifier": name},
        "only": {"functionName": name},
    }[place]
    before = plain.connections
    with pytest.raises(ConfigurationError):
        client(plain).invoke_function(params)

    assert plain.connections == before


@settings(max_examples=10_000, derandomize=True, database=None, deadline=None)
@given(st.text(min_size=1, max_size=140), st.booleans())
def test_a_generated_name_is_refused_unless_it_is_one(name: str, as_service: bool) -> None:
    """Of 10,000 generated texts, exactly the names of Function Compute become an address, and stand in it unchanged."""
    options = AliyunOptions(endpoint="https://fc.example")
    service, function = (name, "echo") if as_service else (None, name)
    try:
        address = address_of(options, service, function, None, None)
    except InvalidParamsError:
        assert not RULE.fullmatch(name)
    else:
        assert RULE.fullmatch(name)
        assert name == (address.service if as_service else address.function)


NAMES = st.from_regex(RULE, fullmatch=True)


class TestArrival:
    """What is sent for a name that is one."""

    @settings(max_examples=150, derandomize=True, database=None, deadline=None)
    @given(service=NAMES, function=NAMES, qualifier=st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True))
    def test_accepted_names_arrive_unchanged(self, service: str, function: str, qualifier: str) -> None:
        """The path on the wire has the names letter by letter, on both APIs."""
        provider, endpoint = self.provider, self.endpoint
        endpoint.reset()
        for invocation in (
            Invocation(function, service, qualifier=qualifier),
            Invocation(function, qualifier=qualifier),
            Invocation(function, service),
        ):
            with pytest.raises(fcall.errors.FunctionNotFoundError):
                provider.invoke(invocation, Deadline.after(5))

        assert [request.target for request in endpoint.requests] == [
            f"/2016-08-15/services/{service}.{qualifier}/functions/{function}/invocations",
            f"/2023-03-30/functions/{function}/invocations?qualifier={qualifier}",
            f"/2016-08-15/services/{service}/functions/{function}/invocations",
        ]

    @pytest.fixture(autouse=True)
    def _platform(self, plain: FcEndpoint) -> None:
        from fcall_aliyun import fcall_register_providers

        type(self).endpoint = plain
        type(self).provider = fcall_register_providers().create(AliyunOptions(**plain.options))


ARN_2 = "acs:fc:cn-hangzhou:1234567890123456:services/images.prod/functions/resize"
PLACE = AliyunOptions(account_id="1234567890123456", region="cn-hangzhou")


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        (ARN_2, ("2.0", "images", "resize", "prod")),
        ("acs:fc:cn-hangzhou:1234567890123456:services/images/functions/resize", ("2.0", "images", "resize", None)),
        ("acs:fc:::service:images:function:resize", ("2.0", "images", "resize", None)),
        ("acs:fc:cn-hangzhou:1234567890123456:functions/resize", ("3.0", None, "resize", None)),
        ("acs:fc:cn-hangzhou:1234567890123456:functions/resize/prod", ("3.0", None, "resize", "prod")),
    ],
)
def test_an_arn_is_read(arn: str, expected: tuple[str | None, ...]) -> None:
    """An ARN says the API, the service, the function and the qualifier."""
    address = address_of(PLACE, None, "", arn, None)

    assert expected == (address.api, address.service, address.function, address.qualifier)


@pytest.mark.parametrize(
    "arn",
    [
        "acs:fc:cn-shanghai:1234567890123456:functions/resize",
        "acs:fc:cn-hangzhou:9:functions/resize",
        "acs:ram::1:role/x",
        "acs:fc:cn-hangzhou:1234567890123456:functions/../x",
        "acs:fc:cn-hangzhou:1234567890123456:services/a/functions/b/c",
        "acs:fc:cn-hangzhou:1234567890123456:triggers/x",
        "acs:fc:",
    ],
)
@pytest.mark.parametrize(
    "options", [PLACE, AliyunOptions(endpoint="1234567890123456.cn-hangzhou-internal.fc.aliyuncs.com")], ids=str
)
def test_a_foreign_arn_is_refused(options: AliyunOptions, arn: str) -> None:
    """An ARN of another region or account than the configured one, or of no function, is an error."""
    with pytest.raises(InvalidParamsError):
        address_of(options, None, "", arn, None)


def test_two_qualifiers_are_refused() -> None:
    """An ARN's qualifier and another one contradict each other; the same one twice does not."""
    assert address_of(PLACE, None, "", ARN_2, "prod").qualifier == "prod"
    with pytest.raises(InvalidParamsError, match="two different qualifiers"):
        address_of(PLACE, None, "", ARN_2, "test")


def test_the_api_that_is_said_is_kept() -> None:
    """FC 2.0 without a service and FC 3.0 with one are errors, not another API."""
    with pytest.raises(InvalidParamsError, match=r"FC 2\.0 addresses a function by its service"):
        address_of(AliyunOptions(endpoint="fc.example", api="2.0"), None, "echo", None, None)
    with pytest.raises(InvalidParamsError, match=r"FC 3\.0 has no services"):
        address_of(AliyunOptions(endpoint="fc.example", api="3.0"), "images", "echo", None, None)


@pytest.mark.parametrize("key", ["1a", "-a", "a b", "a/b", "é", "a" * 129, "a.b"])
def test_a_key_that_is_no_task_id_is_refused(plain: FcEndpoint, client: Callable[..., fcall.Client], key: str) -> None:
    """An idempotency key has to be an id that the service takes; nothing is sent otherwise."""
    before = plain.received
    with pytest.raises(InvalidParamsError):
        client(plain).enqueue("images/echo", 1, idempotency_key=key)

    assert plain.received == before


def test_the_provider_says_where_a_function_is() -> None:
    """Observers learn the bare name, also from an ARN, and the region that the options say."""
    provider = AliyunProvider(AliyunOptions(account_id="1234", region="cn-hangzhou"))
    elsewhere = AliyunProvider(AliyunOptions(endpoint="https://fc.example"))
    arn = "acs:fc:cn-hangzhou:1234:functions/resize/prod"

    assert ("resize", "cn-hangzhou") == provider.locate(Invocation("resize", "images"))
    assert ("resize", "cn-hangzhou") == provider.locate(Invocation("", function_id=arn))
    assert ("resize", None) == elsewhere.locate(Invocation("resize"))
