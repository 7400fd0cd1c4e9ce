"""Credentials that cannot be had, and authorities that cannot be read: nothing ran, and the error says what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fcall_aws
import pytest
from fcall_aws.testing import LambdaEndpoint

import fcall
from fcall import errors
from fcall.errors import Executed, FcallError

PROFILES = """
[profile silent]
credential_process = /bin/false
[profile babbling]
credential_process = echo CANARY
[profile signed-out]
sso_start_url = https://example.invalid/start
sso_region = us-east-1
sso_account_id = 000000000000
sso_role_name = reader
"""


@pytest.fixture
def refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., FcallError]:
    """Calls with these options and no keys in the environment, and gives back the error."""
    config = tmp_path / "config"
    config.write_text(PROFILES)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)

    def call(**options: Any) -> FcallError:
        client = fcall.Client(plugins=[fcall_aws], provider="aws", **options)
        with client, pytest.raises(FcallError) as caught:
            client.invoke("resize", 1)
        return caught.value

    return call


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({}, "look at the profile and its credentials"),
        ({"profile": "silent"}, "look at the profile and its credentials"),
        ({"profile": "babbling"}, "look at the profile and its credentials"),
        ({"profile": "signed-out"}, "sign in again"),
    ],
    ids=["none", "silent", "babbling", "signed out"],
)
def test_credentials_that_cannot_be_had(
    options: dict[str, str], advice: str, refusal: Callable[..., FcallError]
) -> None:
    """The error says what to look at, and what a credential process wrote is not in its cause."""
    error = refusal(**options)

    assert errors.AuthenticationError is type(error)
    assert Executed.NO is error.executed
    assert advice in str(error)
    assert "CANARY" not in repr(vars(error.__cause__ or error))


@pytest.mark.parametrize("bundle", ["missing.pem", "empty.pem", "."])
def test_authorities_that_cannot_be_read(bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore reads them when it has connected; nothing was sent then, and the error names the variable."""
    (tmp_path / "empty.pem").touch()
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / bundle))
    with LambdaEndpoint({"echo": lambda event, context: event}, tls=True) as endpoint:
        client = fcall.Client(plugins=[fcall_aws], provider="aws", endpoint_url=endpoint.url)
        with client, pytest.raises(errors.ConnectionFailedError, match="AWS_CA_BUNDLE") as caught:
            client.invoke("echo", 1)

        assert Executed.NO is caught.value.executed
        assert 0 == endpoint.server.received
