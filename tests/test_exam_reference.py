"""The exam passes what is right, and leaves nothing out of what it could ask."""

from __future__ import annotations

from exam_reference import ReferenceRig

from fcall.testing import ProviderContract, Rig


class TestReference(ProviderContract):
    """A provider that does everything right."""

    patience = 0.05

    def rig(self) -> Rig:
        return ReferenceRig()
