"""The errors of Function Compute, as faults for a fault server."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from fcall.testing.faults import Fault
from fcall_aliyun import wire
from fcall_aliyun._options import Api

__all__ = ["error_faults"]

_REFUSED: Mapping[int, str] = {
    400: "InvalidArgument MissingRequiredHeader PathNotSupported EntityTooLarge",
    401: "InvalidCredentials",
    403: """AccessDenied InvalidAccessKeyID InvalidAccessKeyId InvalidAccessKeyId.NotFound SignatureNotMatch
        SignatureDoesNotMatch InvalidTimeStamp.Expired InvalidSecurityToken.Expired SecurityTokenExpired""",
    404: "ServiceNotFound FunctionNotFound AliasNotFound VersionNotFound DomainNameNotFound",
    409: "StatefulAsyncInvocationAlreadyExists ConcurrentUpdateError",
    412: "PreconditionFailed CAFileNotFound",
    429: "ResourceExhausted Throttling Throttling.User Throttling.Api",
    503: "ResourceThrottled",
}
_IN_DOUBT: Mapping[int, str] = {412: "CAExited", 500: "InternalServerError"}
_AFTER_RUN: Mapping[int, str] = {499: "ClientClosedRequest", 502: "BadResponse"}


def error_faults(api: Api) -> tuple[Fault, ...]:
    """Every error of the API as a fault, named by its code: it is answered instead of running the function.

    Those that say nothing of the function come once more, as ``…_AFTER_RUN``: the function has run. So it has before
    the two that say so, ``ClientClosedRequest`` and ``BadResponse``.

    Args:
        api: whose spelling the errors have, ``"2.0"`` or ``"3.0"``.
    """
    return (
        *_faults(api, _REFUSED, "", runs=False),
        *_faults(api, _IN_DOUBT, "", runs=False),
        *_faults(api, _IN_DOUBT, "_AFTER_RUN", runs=True),
        *_faults(api, _AFTER_RUN, "", runs=True),
    )


def _faults(api: Api, codes: Mapping[int, str], ending: str, *, runs: bool) -> list[Fault]:
    return [
        _fault(f"{code}{ending}", wire.refused("fault", api, status, code, "the fault server says so"), runs)
        for status, by_status in codes.items()
        for code in by_status.split()
    ]


def _fault(name: str, reply: wire.Reply, runs: bool) -> Fault:
    return dataclasses.replace(Fault.status(reply.status, reply.body, reply.headers, runs), name=name)
