"""A role to assume for every call, with credentials that renew themselves."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import NoCredentialsError
from botocore.session import Session

__all__ = ["assume"]


def assume(session: Session, role_arn: str, region: str | None) -> None:
    """Have a session that was not used yet take the credentials of a role, at the first call and whenever they run out.

    Raises:
        NoCredentialsError: there is nothing to assume the role with.
    """
    source = Session(profile=session.profile).get_credentials()
    if source is None:
        raise NoCredentialsError()
    create = partial(session.create_client, region_name=region) if region else session.create_client
    fetcher = AssumeRoleCredentialFetcher(
        create, source, role_arn, extra_args={"RoleSessionName": f"fcall-{os.getpid()}"}
    )
    session.register_component("credential_provider", CredentialResolver([_AssumedRole(fetcher)]))


class _AssumedRole(CredentialProvider):  # type: ignore[misc]
    """Where botocore finds the role's credentials."""

    METHOD = "assume-role"

    def __init__(self, fetcher: Any) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> Any:
        """Credentials that are fetched when they are first needed."""
        return DeferredRefreshableCredentials(self._fetcher.fetch_credentials, self.METHOD)
