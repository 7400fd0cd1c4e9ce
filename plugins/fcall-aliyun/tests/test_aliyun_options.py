"""Options: what may be said of Function Compute, and what may not."""

from __future__ import annotations

from typing import Any

import fcall_aliyun
import pytest
from fcall_aliyun import AliyunOptions

import fcall
from fcall.errors import ConfigurationError

ACCOUNT = {"account_id": "1234567890123456", "region": "cn-hangzhou"}


@pytest.mark.parametrize(
    ("options", "url"),
    [
        (ACCOUNT, "https://1234567890123456.cn-hangzhou.fc.aliyuncs.com"),
        (
            {**ACCOUNT, "region": "cn-hangzhou-internal"},
            "https://1234567890123456.cn-hangzhou-internal.fc.aliyuncs.com",
        ),
        ({"endpoint": "fc.example"}, "https://fc.example"),
        ({"endpoint": "https://fc.example/"}, "https://fc.example"),
        ({"endpoint": "HTTPS://fc.example:8443"}, "https://fc.example:8443"),
        ({"endpoint": "http://127.0.0.1:9000"}, "http://127.0.0.1:9000"),
        ({"endpoint": "http://localhost:9000"}, "http://localhost:9000"),
        ({"endpoint": "http://[::1]:9000"}, "http://[::1]:9000"),
        ({"endpoint": "http://fc.example", "allow_http": True}, "http://fc.example"),
        ({**ACCOUNT, "endpoint": "1234567890123456.cn-hangzhou.fc.aliyuncs.com"}, None),
    ],
)
def test_the_endpoint_is_known(options: dict[str, Any], url: str | None) -> None:
    """The address is said, or made of the account and the region."""
    assert AliyunOptions(**options).url == (url or f"https://{options['endpoint']}")


WRONG = [
    {"endpoint": "http://fc.example"},
    {"endpoint": "http://127.0.0.1.example"},
    {"endpoint": "ftp://fc.example"},
    {"endpoint": "https://fc.example/path"},
    {"endpoint": "https://fc.example?x=1"},
    {"endpoint": "https://fc.example#x"},
    {"endpoint": "https://user@fc.example"},
    {"endpoint": "https://fc.example:port"},
    {"endpoint": "https://fc.example:99999"},
    {"endpoint": "https://"},
    {"endpoint": ""},
    {"endpoint": "fc.example\r\nX-Evil: 1"},
    {"endpoint": "fc .example"},
    {"endpoint": "fç.example"},
    {"endpoint": "1.cn-hangzhou.fc.aliyuncs.com", "region": "cn-shanghai"},
    {"endpoint": "1.cn-hangzhou.fc.aliyuncs.com", "account_id": "2"},
    {"region": "cn-hangzhou.evil.example/"},
    {"region": "../x", "account_id": "1"},
    {"account_id": "1.evil", "region": "cn-hangzhou"},
    {**ACCOUNT, "max_concurrency": 0},
    {**ACCOUNT, "access_key_id": ""},
    {**ACCOUNT, "access_key_secret": "sec\nret"},
    {**ACCOUNT, "response_limit": 0},
    {**ACCOUNT, "api": "1.0"},
    {**ACCOUNT, "api": 2.0},
    {**ACCOUNT, "regoin": "cn-hangzhou"},
    {**ACCOUNT, "proxy": "proxy.example:3128"},
    {**ACCOUNT, "proxy": "socks5://proxy.example"},
    {**ACCOUNT, "proxy": "http://user:password@proxy.example"},
    {**ACCOUNT, "proxy_credentials": "user:password"},
    {**ACCOUNT, "proxy": "http://proxy.example", "proxy_credentials": "a\nb"},
    {"account_id": "1"},
    {"region": "cn-hangzhou"},
    {},
]


@pytest.mark.parametrize("options", WRONG, ids=str)
def test_a_wrong_option_is_a_configuration_error(options: dict[str, Any]) -> None:
    """What cannot be is refused when the provider is made, in words that say what to write."""
    given = {"access_key_id": "id", "access_key_secret": "secret", **options}
    with (
        pytest.raises(ConfigurationError),
        fcall.Client(provider="aliyun", plugins=[fcall_aliyun], **given) as client,
    ):
        client.invoke("echo")


def test_a_ca_file_that_is_none_is_a_configuration_error(tmp_path: Any) -> None:
    """A file of certificates that cannot be read is told before anything is sent."""
    for content in (None, "no certificate"):
        path = tmp_path / "ca.pem"
        if content is not None:
            path.write_text(content)
        with (
            fcall.Client(
                provider="aliyun",
                plugins=[fcall_aliyun],
                access_key_id="id",
                access_key_secret="secret",
                ca_file=str(path),
                **ACCOUNT,
            ) as client,
            pytest.raises(ConfigurationError, match=r"ca\.pem"),
        ):
            client.invoke("echo")


@pytest.mark.parametrize("name", ["access_key_id", "access_key_secret", "security_token", "proxy_credentials"])
def test_a_secret_may_not_stand_in_a_file(name: str) -> None:
    """Credentials in a configuration are named as variables, never written down."""
    config = {"services": {"images": {"provider": "aliyun", **ACCOUNT, name: "s3cret"}}}
    with fcall.Client(config, plugins=[fcall_aliyun]) as client, pytest.raises(ConfigurationError, match="env:NAME"):
        client.invoke("images/echo")


@pytest.mark.parametrize("option", ["endpoint=x", "access_key_secret=x", "proxy=http%3A%2F%2Fx", "allow_http=true"])
def test_a_target_says_no_credentials_and_no_endpoint(option: str) -> None:
    """Of the options, a target may say the region and the API."""
    with (
        fcall.Client(provider="aliyun", plugins=[fcall_aliyun], **ACCOUNT) as client,
        pytest.raises(ConfigurationError),
    ):
        client.invoke(f"aliyun:echo?{option}")


def test_the_capabilities_are_those_of_the_card() -> None:
    """What the provider can do is what the documentation says."""
    can = fcall_aliyun.fcall_register_providers().create(AliyunOptions(**ACCOUNT)).capabilities

    assert can.types == {"Sync", "Async"}
    assert can.idempotency == {"Async"}
    assert (can.qualifier, can.log_tail, can.listing, can.streaming) == (True, True, True, False)
    assert (can.sync_timeout, can.other_timeout) == (605.0, 30.0)
    assert not can.invoker_context
