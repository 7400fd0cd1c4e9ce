"""For those who test code that calls Lambda: an endpoint on loopback that speaks the service's own API.

`LambdaEndpoint` runs handlers through fcall's local provider and answers as the service does. `result`,
`function_error`, `streamed`, `accepted`, `allowed`, `document` and `error_answer` make single answers, which
`LambdaEndpoint.answer_next` gives to the next requests. `error_faults` has every error of the API as a fault.
"""

from __future__ import annotations

from fcall_aws._service._eventstream import error_frame, event_frame, exception_frame
from fcall_aws._service._wire import Answer, accepted, allowed, document, error_answer, function_error, result, streamed
from fcall_aws.testing._endpoint import LambdaEndpoint
from fcall_aws.testing._faults import error_faults

__all__ = [
    "Answer",
    "LambdaEndpoint",
    "accepted",
    "allowed",
    "document",
    "error_answer",
    "error_faults",
    "error_frame",
    "event_frame",
    "exception_frame",
    "function_error",
    "result",
    "streamed",
]
