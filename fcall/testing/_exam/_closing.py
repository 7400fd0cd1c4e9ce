"""The part of the exam about the end: `close` lets go of everything, as often as it is called."""

from __future__ import annotations

import gc
import warnings

from fcall.testing._exam._rig import Behaviour
from fcall.testing._exam._subject import Examination, close

__all__ = ["Closing"]


class Closing(Examination):
    """`close` lets go of everything, as often as it is called."""

    def test_closing_twice_is_harmless(self) -> None:
        """A provider can be closed, and closed again."""
        with self.examined(Behaviour.ECHO) as subject:
            subject.invoke(payload=b"{}")
            close(subject.provider)
            close(subject.provider)

    def test_closing_an_unused_provider_is_harmless(self) -> None:
        """A provider that never made a call can be closed."""
        with self.rig() as rig:
            close(rig.provider())

    def test_closing_leaves_nothing_open(self) -> None:
        """Once it is closed and gone, no socket and no file of it is left to the garbage collector."""
        gc.collect()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            with self.examined(Behaviour.ECHO) as subject:
                subject.invoke(payload=b"{}")
            del subject
            gc.collect()
        left = [str(warning.message) for warning in caught if issubclass(warning.category, ResourceWarning)]

        assert left == [], f"close() left open: {'; '.join(left)}"
