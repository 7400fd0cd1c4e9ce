"""OpenTelemetry for fcall: a client span and metrics for every call, and its trace goes along to the function.

Installed, it watches the calls of every client, with the global providers of OpenTelemetry. It needs the OpenTelemetry
API alone; without an SDK it costs a few microseconds a call, and only hands on a trace that came from elsewhere.
"""

from __future__ import annotations

from fcall_otel._propagation import traced
from fcall_otel._telemetry import Telemetry

__all__ = ["Telemetry", "traced"]

__version__ = "0.1.0"
