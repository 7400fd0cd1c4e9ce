"""The errors of the Lambda API, as faults for a fault server."""

from __future__ import annotations

import dataclasses

from fcall.testing.faults import Fault, Response
from fcall_aws._service._errors import STATUS
from fcall_aws._service._wire import error_answer

__all__ = ["error_faults"]

_IN_DOUBT = """EFSIOException InternalFailure InternalServerError ServiceException ServiceUnavailable
    ServiceUnavailableException"""
"""By these the service says that it failed, or the function's storage, and not that it refused."""


def error_faults() -> tuple[Fault, ...]:
    """Every error of the API as a fault, named by its code: it is answered instead of running the function.

    Those that say nothing of the function come once more, as ``…_AFTER_RUN``: the function has run.
    """
    before = [_fault(code, code, runs=False) for code in STATUS]
    return (*before, *(_fault(f"{code}_AFTER_RUN", code, runs=True) for code in _IN_DOUBT.split()))


def _fault(name: str, code: str, *, runs: bool) -> Fault:
    answer = error_answer(code, "the fault server says so")
    fault = Fault.status(answer.status, Response(body=answer.body).content(), answer.headers, runs)
    return dataclasses.replace(fault, name=name)
