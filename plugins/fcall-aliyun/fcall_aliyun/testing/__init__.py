"""Function Compute on loopback, for tests: it checks signatures, counts requests, fails as told, and runs handlers."""

from __future__ import annotations

from fcall_aliyun.testing._endpoint import FcEndpoint
from fcall_aliyun.testing._faults import error_faults

__all__ = ["FcEndpoint", "error_faults"]
