"""The exam that every provider takes, ours and others'.

A provider's author writes a rig, which knows how to make the platform behave, and one class::

    class TestMyProvider(ProviderContract):
        def rig(self):
            return MyRig()
"""

from __future__ import annotations

from fcall.testing._exam._abilities import Abilities
from fcall.testing._exam._answers import Answers
from fcall.testing._exam._closing import Closing
from fcall.testing._exam._deadlines import Deadlines
from fcall.testing._exam._discretion import Discretion
from fcall.testing._exam._event_loops import EventLoops
from fcall.testing._exam._events import Events
from fcall.testing._exam._failures import Failures
from fcall.testing._exam._faults import EXAM_FAULTS
from fcall.testing._exam._functions import ExamFunctions
from fcall.testing._exam._plugin import Plugin
from fcall.testing._exam._rig import Behaviour, Rig
from fcall.testing._exam._sharing import Sharing
from fcall.testing._exam._streams import Streams

__all__ = ["EXAM_FAULTS", "Behaviour", "ExamFunctions", "ProviderContract", "Rig"]


# pytest goes through the parts from the last to the first: what is simple comes first.
class ProviderContract(
    Discretion, Closing, EventLoops, Sharing, Streams, Abilities, Events, Deadlines, Failures, Answers, Plugin
):
    """What callers may rely on from every provider, as tests. Derive from it and give it a rig.

    What a provider cannot do, by its own capabilities, is not asked of it; what its rig cannot bring about is skipped.
    Both are skips with a reason, so that ``pytest -rs`` shows what was not examined.
    """
