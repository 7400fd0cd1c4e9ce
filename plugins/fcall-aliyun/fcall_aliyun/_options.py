"""Options: what the configuration and one call may say of Function Compute."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

from fcall.errors import ConfigurationError
from fcall.provider import option
from fcall_aliyun._credentials import Credentials, is_header_safe

__all__ = ["AliyunCallOptions", "AliyunOptions", "Api"]

Api: TypeAlias = Literal["2.0", "3.0"]

_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ACCOUNT = re.compile(r"[0-9]{1,32}")
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")
_DOCUMENTED = re.compile(r"([0-9]+)\.([a-z0-9-]+?)(-internal)?\.fc\.aliyuncs\.com", re.IGNORECASE)
_MEBIBYTE = 1_048_576


@dataclass(frozen=True, slots=True)
class AliyunOptions:
    """The options of the provider ``aliyun``.

    Attributes:
        endpoint: the service's address, ``https://<account>.<region>.fc.aliyuncs.com``; ``https://`` may be left out.
        account_id: the account's number; with `region` it stands instead of `endpoint`.
        region: such as ``"cn-hangzhou"``.
        api: ``"2.0"`` or ``"3.0"``; None for 2.0 where a call names a service, and 3.0 where it names none.
        max_concurrency: how many calls are under way at once at most; it is also how many connections are kept.
        access_key_id: the credentials; None for the environment's.
        access_key_secret: goes with `access_key_id`.
        security_token: goes with both where they are temporary.
        credentials: hands out credentials, and is asked again before they end. Only in code.
        proxy: the proxy's address, ``http://host:port``; the environment's proxies are not used.
        proxy_credentials: ``user:password`` for the proxy.
        ca_file: certificates to trust instead of the system's and certifi's.
        allow_http: an endpoint that is not on this machine may be ``http://``.
        response_limit: the largest answer that is taken, in bytes.
    """

    endpoint: str | None = option(None)
    account_id: str | None = option(None)
    region: str | None = option(None, in_target=True)
    api: Api | None = option(None, in_target=True)
    max_concurrency: int = option(100)
    access_key_id: str | None = option(None, secret=True)
    access_key_secret: str | None = option(None, secret=True)
    security_token: str | None = option(None, secret=True)
    credentials: Callable[[], Credentials] | None = option(None)
    proxy: str | None = option(None)
    proxy_credentials: str | None = option(None, secret=True)
    ca_file: str | None = option(None, path=True)
    allow_http: bool = option(False)
    response_limit: int = option(32 * _MEBIBYTE)

    def __post_init__(self) -> None:
        if self.region is not None and not _REGION.fullmatch(self.region):
            raise ValueError("region is a text such as 'cn-hangzhou'")
        if self.account_id is not None and not _ACCOUNT.fullmatch(self.account_id):
            raise ValueError("account_id is the account's number, as a text of digits")
        if min(self.max_concurrency, self.response_limit) < 1:
            raise ValueError("max_concurrency and response_limit are 1 or more")
        self._check_endpoint()
        self._check_credentials()
        self._check_proxy()

    @property
    def url(self) -> str:
        """The endpoint with its scheme, without a path.

        Raises:
            ConfigurationError: neither `endpoint` nor both of `account_id` and `region` are set.
        """
        if self.endpoint is not None:
            parts = _endpoint_parts(self.endpoint)
            return f"{parts.scheme}://{parts.netloc}"
        if self.account_id is None or self.region is None:
            raise ConfigurationError(
                "the provider 'aliyun' does not know where to call; set endpoint, or account_id and region"
            )
        return f"https://{self.account_id}.{self.region}.fc.aliyuncs.com"

    def place(self) -> dict[str, str | None]:
        """The ``account`` and the ``region`` that are called, each None where the options do not say it."""
        said = _DOCUMENTED.fullmatch(_endpoint_parts(self.endpoint).netloc) if self.endpoint is not None else None
        region = self.region and self.region.removesuffix("-internal")
        return {"account": said[1] if said else self.account_id, "region": said[2] if said else region}

    def _check_endpoint(self) -> None:
        if self.endpoint is None:
            return
        parts = _endpoint_parts(self.endpoint)
        if parts.scheme == "http" and not (self.allow_http or _is_loopback(parts.hostname or "")):
            raise ValueError(
                "endpoint is http://, which anybody on the way can read; write https://, or set allow_http = true"
            )
        place = self.place()
        if self.account_id not in (None, place["account"]):
            raise ValueError("endpoint and account_id contradict each other; leave one out")
        if self.region is not None and self.region.removesuffix("-internal") != place["region"]:
            raise ValueError("endpoint and region contradict each other; leave one out")

    def _check_credentials(self) -> None:
        given = (self.access_key_id, self.access_key_secret)
        if (given[0] is None) != (given[1] is None) or (self.security_token is not None and given[0] is None):
            raise ValueError("access_key_id and access_key_secret go together, and security_token with both")
        if not all(is_header_safe(part.strip()) for part in (*given, self.security_token or None) if part is not None):
            raise ValueError(
                "one of access_key_id, access_key_secret and security_token is empty, or has what no header can carry"
            )
        if self.credentials is not None and given[0] is not None:
            raise ValueError("credentials stands instead of access_key_id and access_key_secret; leave one out")

    def _check_proxy(self) -> None:
        if self.proxy is None:
            if self.proxy_credentials is not None:
                raise ValueError("proxy_credentials is of no use without proxy")
            return
        parts = _split(self.proxy)
        if parts is None or parts.scheme not in ("http", "https") or parts.path not in ("", "/"):
            raise ValueError("proxy is written http://host:port; its user and password belong in proxy_credentials")
        if self.proxy_credentials is not None and not is_header_safe(self.proxy_credentials):
            raise ValueError("proxy_credentials is user:password in printable ASCII")


@dataclass(frozen=True, slots=True)
class AliyunCallOptions:
    """What one call may say in `options`.

    Attributes:
        trace_id: sent along as ``x-fc-trace-id``, for the function's log.
    """

    trace_id: str | None = None

    def __post_init__(self) -> None:
        if self.trace_id is not None and not (len(self.trace_id) <= 256 and is_header_safe(self.trace_id)):
            raise ValueError("trace_id has 1 to 256 printable ASCII characters, without a blank at an end")


def _endpoint_parts(endpoint: str) -> SplitResult:
    parts = _split(endpoint if "://" in endpoint else f"https://{endpoint}")
    if parts is None or parts.scheme not in ("http", "https"):
        raise ValueError("endpoint is written https://<account>.<region>.fc.aliyuncs.com")
    if parts.path not in ("", "/"):
        raise ValueError("endpoint has a path; Function Compute is called at the root of its host")
    return parts


def _split(url: str) -> SplitResult | None:
    """The parts of an address, or None where it is more than scheme, host, port and path."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = parts.netloc if port is None else parts.netloc.removesuffix(f":{port}")
    whole = _HOST.fullmatch(host) is not None and url.isprintable() and "?" not in url and "#" not in url
    return parts if whole else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
