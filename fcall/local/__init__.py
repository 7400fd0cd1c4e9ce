"""Functions of this machine, called as if they ran in a cloud.

Register a function with `function`, name one in the configuration, or call one by its path
(``local:app/handlers.py:resize``). Its handler takes ``(event, context)`` as on AWS Lambda.
"""

from __future__ import annotations

from fcall.local._clock import Clock, SimulatedClock
from fcall.local._queue import drain, waiting
from fcall.local._records import CallRecord, calls, forget_calls
from fcall.local._registry import Registry, function
from fcall.local._runtimes._awslambda_context import ClientContext, LambdaContext

__all__ = [
    "CallRecord",
    "ClientContext",
    "Clock",
    "LambdaContext",
    "Registry",
    "SimulatedClock",
    "calls",
    "drain",
    "forget_calls",
    "function",
    "waiting",
]
