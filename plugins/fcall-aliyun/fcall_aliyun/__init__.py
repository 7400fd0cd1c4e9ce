"""Alibaba Cloud Function Compute as a provider of fcall, named ``aliyun``: FC 2.0 and FC 3.0.

Importing this package imports no SDK; the first call does.
"""

from __future__ import annotations

import fcall
from fcall.provider import Provider, ProviderSpec
from fcall_aliyun._credentials import Credentials
from fcall_aliyun._options import AliyunCallOptions, AliyunOptions

__all__ = ["AliyunCallOptions", "AliyunOptions", "Credentials", "fcall_register_providers"]

__version__ = "0.1.0"


def _create(options: AliyunOptions) -> Provider:
    from fcall.http import is_available
    from fcall_aliyun._provider import AliyunProvider, AwaitedAliyunProvider

    return AwaitedAliyunProvider(options) if options.proxy is None and is_available() else AliyunProvider(options)


@fcall.hookimpl
def fcall_register_providers() -> ProviderSpec:
    """The provider ``aliyun``. A binding without `service` means FC 3.0, so no service is inherited."""
    return ProviderSpec(
        "aliyun",
        _create,
        AliyunOptions,
        AliyunCallOptions,
        inherits_service=False,
        install_hint="pip install fcall-aliyun",
        summary="Alibaba Cloud Function Compute, 2.0 and 3.0",
    )
