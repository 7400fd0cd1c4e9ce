"""What a fault server is to do for the behaviours that are the platform's own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fcall.testing._exam._rig import Behaviour
from fcall.testing.faults import Fault

__all__ = ["EXAM_FAULTS"]

EXAM_FAULTS: Mapping[Behaviour, Fault] = MappingProxyType(
    {
        Behaviour.REFUSED: Fault.REFUSED,
        Behaviour.BROKEN: Fault.RESET_BEFORE_ANSWER,
        Behaviour.CUT: Fault.CLOSE_IN_BODY,
        Behaviour.TRICKLE: Fault.SLOW_BODY.with_pace(0.5),
        Behaviour.UNAVAILABLE: Fault.HTML_502_AFTER_RUN,
    }
)
"""For a rig whose platform is a `FaultServer`: what it is to `inject`, ``always``, for ``ECHO`` to behave so."""
