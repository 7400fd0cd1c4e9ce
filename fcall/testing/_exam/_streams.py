"""The part of the exam about streams, for providers that declare them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fcall._deadline import Deadline
from fcall.errors import Executed, FcallError, FunctionError
from fcall.provider import StreamingProvider
from fcall.testing._exam._deadlines import check_late
from fcall.testing._exam._rig import Behaviour
from fcall.testing._exam._subject import AMPLE, Examination, Subject, mapped, skip, slipped

__all__ = ["Streams"]

_EVENT = b'["an answer", "long enough to be cut"]'


class Streams(Examination):
    """A stream is the answer in pieces, or an error."""

    def test_a_stream_is_the_answer_in_pieces(self) -> None:
        """The pieces of a stream, put together, are the answer."""
        with self._streamed(Behaviour.ECHO) as (subject, provider):
            outcome = _taken(subject, provider, AMPLE)

            assert outcome == subject.answer(_EVENT), f"the pieces of the stream are not the answer: {_shown(outcome)}"

    def test_a_stream_honours_the_deadline(self) -> None:
        """A stream that is not there in time is an InvocationTimeoutError that does not say NO."""
        with self._streamed(Behaviour.STALL) as (subject, provider):
            check_late(subject, self.patience, lambda seconds: _taken(subject, provider, seconds))

    def test_a_stream_of_a_function_that_fails_raises(self) -> None:
        """The function's failure is a FunctionError of the stream, and no piece of it."""
        with self._streamed(Behaviour.FAIL) as (subject, provider):
            error = _failure(_taken(subject, provider, AMPLE), "of a function that fails")

            assert isinstance(error, FunctionError), f"a function that fails is no {type(error).__name__}"
            assert error.executed is Executed.YES, "the function ran and failed; the error has to say YES"

    def test_a_stream_that_is_cut_off_raises(self) -> None:
        """A stream raises unless the answer came to its end."""
        with self._streamed(Behaviour.CUT) as (subject, provider):
            error = _failure(_taken(subject, provider, AMPLE), "that is cut off")

            assert error.executed, "the function ran, and only its answer was lost; the error must not say NO"

    def test_a_stream_may_be_left(self) -> None:
        """A stream that is closed after its first piece takes nothing with it."""
        with self._streamed(Behaviour.ECHO) as (subject, provider):
            pieces = iter(provider.stream(subject.invocation(payload=_EVENT), Deadline.after(AMPLE)))
            next(pieces)
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
            outcome = subject.attempt(payload=b"{}")

            assert not isinstance(outcome, FcallError), (
                f"after a stream was left early, the next call failed with {outcome!r}; let go of what a stream holds "
                "in a `finally`"
            )

    @contextmanager
    def _streamed(self, behaviour: Behaviour) -> Iterator[tuple[Subject, StreamingProvider]]:
        with self.examined(behaviour) as subject:
            if not subject.can.streaming:
                skip("the provider does not declare streaming")
            assert isinstance(subject.provider, StreamingProvider), "streaming is declared, and there is no stream()"
            yield subject, subject.provider


def _taken(subject: Subject, provider: StreamingProvider, seconds: float) -> bytes | FcallError:
    """The whole stream, or what it raised."""
    try:
        return b"".join(provider.stream(subject.invocation(payload=_EVENT), Deadline.after(seconds)))
    except FcallError as error:
        return mapped(error)
    except Exception as error:  # noqa: BLE001 - it is the author who is told
        slipped(error)


def _failure(outcome: bytes | FcallError, which: str) -> FcallError:
    assert isinstance(outcome, FcallError), f"a stream {which} has to raise, and it ended with {_shown(outcome)}"
    return outcome


def _shown(outcome: bytes | FcallError) -> str:
    return f"{len(outcome)} bytes" if isinstance(outcome, bytes) else repr(outcome)
