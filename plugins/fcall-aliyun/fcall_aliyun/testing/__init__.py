"""Function Compute on loopback, for tests: it checks signatures, counts requests, fails as told, and runs handlers."""

from __future__ import annotations

from fcall_aliyun.testing._endpoint import FcEndpoint

__all__ = ["FcEndpoint"]
