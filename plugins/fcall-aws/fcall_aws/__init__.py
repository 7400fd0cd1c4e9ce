"""AWS Lambda for fcall.

Importing this imports no boto3: that is left to the first call.
"""

from __future__ import annotations

import fcall
from fcall.provider import Provider, ProviderSpec
from fcall_aws._arn import parse_target
from fcall_aws._options import AwsCallOptions, AwsOptions

__all__ = ["AwsCallOptions", "AwsOptions", "fcall_register_providers"]

__version__ = "0.1.0"


def _create(options: AwsOptions) -> Provider:
    from fcall.http import is_available
    from fcall_aws._provider import AwaitedAwsProvider, AwsProvider

    return AwaitedAwsProvider(options) if options.client is None and is_available() else AwsProvider(options)


@fcall.hookimpl
def fcall_register_providers() -> ProviderSpec:
    """The provider ``aws``."""
    return ProviderSpec(
        "aws",
        _create,
        AwsOptions,
        AwsCallOptions,
        parse_target=parse_target,
        inherits_service=False,
        install_hint="pip install fcall-aws",
        summary="AWS Lambda",
    )
