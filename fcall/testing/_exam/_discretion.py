"""The part of the exam about secrets: nothing of a payload or of a credential is shown anywhere."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO

from fcall.errors import FcallError
from fcall.testing._exam._rig import Behaviour, Rig
from fcall.testing._exam._subject import AMPLE, Examination, Subject

__all__ = ["Discretion"]

_CANARY = "a-payload-that-nobody-may-see"
_EVENT = f'{{"password": "{_CANARY}"}}'.encode()
_BEHAVIOURS = tuple(behaviour for behaviour in Behaviour if behaviour not in (Behaviour.STALL, Behaviour.MEET))


class Discretion(Examination):
    """Nothing of a payload or of a credential is shown anywhere."""

    def test_nothing_secret_is_told_of_a_call(self) -> None:
        """Neither an error, its traceback and its causes included, nor the log, nor what is printed shows a secret.

        What the SDK itself logs at DEBUG is left out.
        """
        for behaviour in _BEHAVIOURS:
            with self.possible(behaviour) as subject:
                if subject is not None:
                    self._check_call(subject)

    def test_nothing_secret_is_in_a_repr(self) -> None:
        """The provider, its options and its results can be printed."""
        with self.possible(Behaviour.ECHO) as subject:
            assert subject is not None
            held = [
                value for value in getattr(subject.provider, "__dict__", {}).values() if _is_options(subject.rig, value)
            ]
            shown = [subject.provider, *held, subject.invoke(payload=_EVENT)]
            for thing in shown:
                _check(subject.rig, repr(thing), f"the repr of {type(thing).__name__}")

    def _check_call(self, subject: Subject) -> None:
        seconds = self.patience if subject.behaviour is Behaviour.TRICKLE else AMPLE
        with _listening(subject.rig.sdk_modules) as written:
            outcome = subject.attempt(seconds, payload=_EVENT)
        what = f"a call of a function that is to {subject.behaviour.value}"
        if isinstance(outcome, FcallError):
            shown = "".join((repr(outcome), *traceback.format_exception(outcome)))
            _check(subject.rig, shown, f"the error of {what}, or one behind it,")
        _check(subject.rig, written.getvalue(), f"what was logged or printed of {what}")


def _is_options(rig: Rig, value: object) -> bool:
    return isinstance(value, rig.spec.options)


def _check(rig: Rig, shown: str, where: str) -> None:
    for secret, name in ((_CANARY, "the payload"), *((secret, "a credential") for secret in rig.secrets)):
        assert secret not in shown, (
            f"{where} shows {name}; say what happened in words of your own, mark credentials with "
            "option(secret=True), and raise `from None` where the cause repeats them"
        )


@contextmanager
def _listening(sdk_modules: tuple[str, ...]) -> Iterator[StringIO]:
    """All that is logged and printed meanwhile."""
    written, root = StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(written), root.level
    sdks = {name.partition(".")[0] for name in sdk_modules}
    handler.addFilter(lambda record: record.levelno > logging.DEBUG or record.name.partition(".")[0] not in sdks)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(written), redirect_stderr(written):
            yield written
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
