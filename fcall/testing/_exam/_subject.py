"""What every check works with: a function of the rig's platform and the provider that calls it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from fcall._deadline import Deadline
from fcall._invocation import Invocation, InvocationType, parse_params
from fcall._result import InvocationResult
from fcall.errors import FcallError, UnmappedProviderError
from fcall.provider import Capabilities, Provider
from fcall.testing._exam._rig import Behaviour, Rig

__all__ = ["AMPLE", "Examination", "Subject", "close", "judged", "skip"]

AMPLE = 10.0
"""Seconds that a call gets which is to be answered."""

_ALWAYS = (Behaviour.ECHO, Behaviour.FAIL)


@dataclass(frozen=True, slots=True)
class Subject:
    """A function that behaves as asked, and a provider that calls it."""

    rig: Rig
    provider: Provider
    behaviour: Behaviour
    params: Mapping[str, Any]

    @property
    def can(self) -> Capabilities:
        """What the provider declares."""
        return self.provider.capabilities

    def invocation(self, **more: Any) -> Invocation:
        """A call of the function; `more` are keys of the portable contract."""
        return parse_params({**self.params, **more})[1]

    def attempt(self, seconds: float = AMPLE, **more: Any) -> InvocationResult | FcallError:
        """What one attempt comes to."""
        invocation = self.invocation(**more)
        try:
            return judged(self.provider.invoke(invocation, Deadline.after(seconds)))
        except FcallError as error:
            return mapped(error)
        except Exception as error:  # noqa: BLE001 - it is the author who is told
            slipped(error)

    def invoke(self, seconds: float = AMPLE, **more: Any) -> InvocationResult:
        """The answer to one attempt, which has to have one."""
        result = self.attempt(seconds, **more)

        assert not isinstance(result, FcallError), (
            f"a function that is to {self.behaviour.value} has to be answered for; the provider raised {result!r}. "
            "Call it by the rig's names with a plain client of the platform: if that works, the provider errs"
        )
        return result

    def fail(self, seconds: float = AMPLE, **more: Any) -> FcallError:
        """The error that one attempt raises, which has to raise one."""
        error = self.attempt(seconds, **more)

        assert isinstance(error, FcallError), (
            f"a function that is to {self.behaviour.value} has to end in an error, and invoke returned {error!r}. "
            "Raise the error of fcall.errors that it means, with the right `executed`"
        )
        return error

    def answer(self, payload: bytes) -> bytes:
        """What the function answers to a payload that the platform takes."""
        answer = self.rig.answer(payload)
        assert answer is not None, "the rig's answer() refuses JSON, which every platform takes"
        return answer


class Examination:
    """What a part of the exam begins with."""

    patience: ClassVar[float] = 0.1  # seconds: the deadline of a call that is not answered

    def rig(self) -> Rig:
        """The rig to take the exam with."""
        raise NotImplementedError("derive a class from ProviderContract and return a rig")

    @contextmanager
    def examined(self, behaviour: Behaviour, kind: InvocationType = "Sync") -> Iterator[Subject]:
        """A function that behaves so, and a new provider; the check is skipped where there is none."""
        with self.possible(behaviour) as subject:
            if subject is None:
                skip(f"the rig cannot make a function {behaviour.value}")
            if kind not in subject.can.types:
                skip(f"the provider does not declare {kind} invocations")
            yield subject

    @contextmanager
    def possible(self, behaviour: Behaviour) -> Iterator[Subject | None]:
        """The same for a check that goes on without it: None where the platform cannot be made to behave so."""
        with self.rig() as rig:
            provider = rig.provider()
            try:
                params = rig.params(behaviour)
                assert params is not None or behaviour not in _ALWAYS, (
                    f"the rig has no function that is to {behaviour.value}; its params({behaviour}) has to name one"
                )
                yield None if params is None else Subject(rig, provider, behaviour, params)
            finally:
                close(provider)


def close(provider: Provider) -> None:
    """Close a provider, which may have been closed before."""
    try:
        provider.close()
    except Exception as error:
        raise AssertionError(
            f"close() raised {error!r}; it may be called before the first call, and more than once, and then has "
            "nothing to do"
        ) from error


def skip(reason: str) -> NoReturn:
    """Leave the check out, for what the provider does not declare or the rig cannot bring about."""
    import pytest  # which fcall does not bring

    pytest.skip(reason)


def judged(result: InvocationResult) -> InvocationResult:
    """The result, if it is one."""
    assert isinstance(result, InvocationResult), (
        f"invoke returned {type(result).__name__}; it has to return fcall.provider.InvocationResult, or to raise"
    )
    return result


def mapped(error: FcallError) -> FcallError:
    """The error, if the provider knows what it is."""
    if isinstance(error, UnmappedProviderError):
        raise AssertionError(
            f"{error!r} is what an ErrorTable makes of a failure that it has no row for; add a row for its code, its "
            "status or its exception, with the `executed` that the platform's documentation allows"
        ) from error
    return error


def slipped(error: Exception) -> NoReturn:
    """The author let an exception through that is not of fcall."""
    raise AssertionError(
        f"the provider raised {type(error).__name__}, which is no error of fcall; catch it and raise the one of "
        "fcall.errors that it means, `from` it. ErrorTable.error_of does so by rows"
    ) from error
