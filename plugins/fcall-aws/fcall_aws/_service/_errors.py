"""The errors of the Lambda API: their codes, and the HTTP status that each comes with.

Sources: the service model 2015-03-31 of botocore 1.44.5 for the modelled ones; the rest as the service was seen to send
them, or as its documents say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

__all__ = ["LOWER_CASE_MESSAGE", "STATUS"]

_MODELLED: Mapping[int, str] = {
    400: """InvalidParameterValueException InvalidRequestContentException ModeNotSupportedException
        NoPublishedVersionException RecursiveInvocationException SnapStartException""",
    402: "ServiceQuotaExceededException",
    403: "EFSMountFailureException S3FilesMountFailureException",
    404: "ResourceNotFoundException",
    408: """EFSMountConnectivityException EFSMountTimeoutException S3FilesMountConnectivityException
        S3FilesMountTimeoutException SnapStartTimeoutException""",
    409: """CodeArtifactUserDeletedException CodeArtifactUserFailedException CodeArtifactUserPendingException
        DurableExecutionAlreadyStartedException ResourceConflictException RuntimeAliasDeletedException
        RuntimeVersionDeletedException SnapStartNotReadyException SnapStartRegenerationFailureException""",
    410: "EFSIOException",
    413: "RequestTooLargeException SerializedRequestEntityTooLargeException",
    415: "UnsupportedMediaTypeException",
    429: "TooManyRequestsException",
    500: "ServiceException",
    502: """EC2AccessDeniedException EC2ThrottledException EC2UnexpectedException ENILimitReachedException
        ENINotReadyException InvalidRuntimeException InvalidSecurityGroupIDException InvalidSubnetIDException
        InvalidZipFileException KMSAccessDeniedException KMSDisabledException KMSInvalidStateException
        KMSNotFoundException ResourceNotReadyException SubnetIPAddressLimitReachedException""",
}
_UNMODELLED: Mapping[int, str] = {
    400: "RequestAbortedException Throttling ThrottlingException RequestLimitExceeded ValidationException",
    401: "NotAuthorized",
    403: """AccessDeniedException ExpiredToken ExpiredTokenException IncompleteSignature IncompleteSignatureException
        InvalidClientTokenId InvalidSignatureException MissingAuthenticationToken MissingAuthenticationTokenException
        OptInRequired RequestExpired SignatureDoesNotMatch UnrecognizedClientException""",
    404: "UnknownOperationException",
    408: "RequestTimeoutException",
    413: "RequestEntityTooLargeException",
    500: "InternalFailure InternalServerError",
    503: "ServiceUnavailable ServiceUnavailableException",
}


def _rows() -> Iterator[tuple[str, int]]:
    for table in (_MODELLED, _UNMODELLED):
        for status, codes in table.items():
            for code in codes.split():
                yield code, status


STATUS: Mapping[str, int] = dict(_rows())
"""The HTTP status by error code."""

_LOWER_CASE_MESSAGE = """CodeArtifactUserDeletedException CodeArtifactUserFailedException
    CodeArtifactUserPendingException InvalidParameterValueException InvalidRequestContentException
    ModeNotSupportedException RequestTooLargeException ResourceConflictException ResourceNotReadyException
    RuntimeAliasDeletedException RuntimeVersionDeletedException SerializedRequestEntityTooLargeException
    TooManyRequestsException UnsupportedMediaTypeException ValidationException"""

LOWER_CASE_MESSAGE = frozenset(_LOWER_CASE_MESSAGE.split())
"""Codes whose body says ``message``, where the others say ``Message``."""
