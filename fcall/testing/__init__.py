"""For those who test: doubles and recordings for the calls of an application, and the exam that every provider takes.

The exam needs pytest, which fcall does not bring; everything else here does without.
"""

from __future__ import annotations

from fcall.testing._awaited import AsyncioProviderContract
from fcall.testing._cassette import cassette
from fcall.testing._contract import Behaviour, ProviderContract, Rig
from fcall.testing._mock import FcallMock, MockedCall, MockedRoute
from fcall.testing._override import routed_to

__all__ = [
    "AsyncioProviderContract",
    "Behaviour",
    "FcallMock",
    "MockedCall",
    "MockedRoute",
    "ProviderContract",
    "Rig",
    "cassette",
    "routed_to",
]
