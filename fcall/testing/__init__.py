"""For those who test: the exam that every provider takes, and a way to put a provider of one's own in the path.

`ProviderContract` needs pytest, which fcall does not bring; everything else here does without.
"""

from __future__ import annotations

from fcall.testing._contract import Behaviour, ProviderContract, Rig
from fcall.testing._override import routed_to

__all__ = ["Behaviour", "ProviderContract", "Rig", "routed_to"]
