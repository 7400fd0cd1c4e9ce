"""What the configuration, and one call, can say to this provider."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fcall.provider import option

__all__ = ["AwsCallOptions", "AwsOptions"]

_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ENDPOINT = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?", re.IGNORECASE)
_ROLE = re.compile(r"arn:aws[a-zA-Z-]*:iam::[0-9]{12}:role/[!-~]{1,512}")
_TENANT = re.compile(r"[a-zA-Z0-9._:/=+\-@ ]{1,256}")


@dataclass(frozen=True, slots=True)
class AwsOptions:
    """The options of the provider.

    Attributes:
        region: such as ``"eu-west-1"``; None for what boto3 finds in the environment or the profile.
        profile: a profile of the AWS configuration files; None for boto3's own choice.
        endpoint_url: where to send the calls, such as an emulator's address; None for the service itself.
        role_arn: a role to assume, with the profile's credentials, for every call.
        max_concurrency: how many calls are under way at once at most; more wait, and their deadlines run. As many
            connections are kept.
        account: the account that owns the functions, twelve digits, where it is not the caller's own.
        client: a boto3 Lambda client of the application's own, only in code; what it was made with holds.
    """

    region: str | None = option(None, in_target=True)
    profile: str | None = option(None)
    endpoint_url: str | None = option(None)
    role_arn: str | None = option(None)
    max_concurrency: int = option(100)
    account: str | None = option(None, in_target=True)
    client: Any = option(None)

    def __post_init__(self) -> None:
        if self.region is not None and not _REGION.fullmatch(self.region):
            raise ValueError("region is a name such as eu-west-1")
        if self.endpoint_url is not None and not _ENDPOINT.fullmatch(self.endpoint_url):
            raise ValueError("endpoint_url is written https://host:port, with no user, password or query in it")
        if self.role_arn is not None and not _ROLE.fullmatch(self.role_arn):
            raise ValueError("role_arn is written arn:aws:iam::123456789012:role/name")
        if self.account is not None and not re.fullmatch("[0-9]{12}", self.account):
            raise ValueError("account is twelve digits; in a file, put them in quotes")
        if not 1 <= self.max_concurrency <= 10_000:
            raise ValueError("max_concurrency is 1 to 10000")
        if self.client is not None:
            self._check_client()

    def _check_client(self) -> None:
        if not hasattr(self.client, "invoke_with_response_stream") or not hasattr(self.client, "meta"):
            raise ValueError('client is a boto3 client for Lambda, boto3.client("lambda"), and is given in code')
        settled = ("region", "profile", "endpoint_url", "role_arn")
        if any(getattr(self, name) is not None for name in settled):
            raise ValueError(f"a client of your own has its own {', '.join(settled)}; leave them out")


@dataclass(frozen=True, slots=True)
class AwsCallOptions:
    """What one call can say in its `options`.

    Attributes:
        tenant_id: the tenant that a function with tenant isolation runs for.
        durable: the function is a durable one, so that the call's idempotency key can name its execution.
    """

    tenant_id: str | None = None
    durable: bool = False

    def __post_init__(self) -> None:
        if self.tenant_id is not None and not _TENANT.fullmatch(self.tenant_id):
            raise ValueError("tenant_id has 1 to 256 of the characters A-Z a-z 0-9 . _ : / = + - @ and blank")
