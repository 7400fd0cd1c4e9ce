"""The part of the exam about failures: each has its class, and says whether the function ran."""

from __future__ import annotations

import pickle

from fcall.errors import (
    AccessDeniedError,
    ConnectionFailedError,
    Executed,
    FcallError,
    FunctionError,
    FunctionNotFoundError,
    ProviderUnavailableError,
    ThrottledError,
)
from fcall.testing._exam._rig import Behaviour
from fcall.testing._exam._subject import Examination, skip

__all__ = ["Failures"]

_REFUSALS = (Behaviour.MISSING, Behaviour.THROTTLED, Behaviour.DENIED)
_FAILING = (Behaviour.FAIL, *_REFUSALS, Behaviour.UNAVAILABLE)


class Failures(Examination):
    """Each failure has its class, and says whether the function ran."""

    def test_a_function_that_fails_ran(self) -> None:
        """The function's failure is a FunctionError and says YES."""
        self._failure(Behaviour.FAIL, FunctionError, Executed.YES)

    def test_a_functions_own_words_are_told(self) -> None:
        """The type and the message of the function's exception are in the error."""
        with self.examined(Behaviour.FAIL) as subject:
            error = subject.fail(payload=b"{}")
            told = getattr(error, "error_type", None), getattr(error, "error_message", None)

            assert told == ("ValueError", "the exam fails it"), (
                f"error_type and error_message of the error are {told}; they are to be those of the function, which "
                "raised ValueError('the exam fails it')"
            )

    def test_the_error_document_is_kept(self) -> None:
        """What the platform said of the function's failure is in `error.result.payload`."""
        with self.examined(Behaviour.FAIL) as subject:
            result = getattr(subject.fail(payload=b"{}"), "result", None)

            assert result is not None, "pass result= to FunctionError: the whole answer, with the raw error document"
            assert result.payload, "the payload of error.result is empty; it is the error document as it came"

    def test_a_missing_function_did_not_run(self) -> None:
        """A function that does not exist is a FunctionNotFoundError, says NO, and is not worth another try."""
        self._failure(Behaviour.MISSING, FunctionNotFoundError, Executed.NO)

    def test_a_throttled_call_did_not_run(self) -> None:
        """A throttled call is a ThrottledError, says NO and may be made again."""
        self._failure(Behaviour.THROTTLED, ThrottledError, Executed.NO, retryable=True)

    def test_a_denied_call_did_not_run(self) -> None:
        """A call without permission is an AccessDeniedError, says NO, and is not worth another try."""
        self._failure(Behaviour.DENIED, AccessDeniedError, Executed.NO)

    def test_a_refused_connection_did_not_run(self) -> None:
        """A connection that cannot be made is a ConnectionFailedError, says NO and may be made again."""
        self._failure(Behaviour.REFUSED, ConnectionFailedError, Executed.NO, retryable=True)

    def test_a_broken_connection_is_in_doubt(self) -> None:
        """A connection that breaks before the answer is a ConnectionFailedError and says MAYBE: nobody can tell."""
        self._failure(Behaviour.BROKEN, ConnectionFailedError, Executed.MAYBE, retryable=True)

    def test_a_broken_gateway_is_in_doubt(self) -> None:
        """An answer that is not the platform's own is a ProviderUnavailableError and says MAYBE: nobody can tell."""
        self._failure(Behaviour.UNAVAILABLE, ProviderUnavailableError, Executed.MAYBE, retryable=True)

    def test_half_an_answer_is_none(self) -> None:
        """An answer that is cut off is an error, which never says NO."""
        with self.examined(Behaviour.CUT) as subject:
            error = subject.fail(payload=b'"an answer that is long enough to be cut"')

            assert error.executed, "the function ran, and only its answer was lost; the error must not say NO"

    def test_the_cause_is_kept(self) -> None:
        """The exception behind a failed connection is the error's cause, so that a traceback tells the whole story."""
        with self.examined(Behaviour.REFUSED) as subject:
            error = subject.fail(payload=b"{}")

            assert isinstance(error.__cause__, Exception), "raise the error `from` the exception of the SDK"

    def test_one_attempt_is_one_request(self) -> None:
        """What fails is asked for once too: the SDK's own retries are off."""
        for behaviour in (Behaviour.ECHO, *_FAILING):
            with self.possible(behaviour) as subject:
                if subject is None:
                    continue
                before = subject.rig.requests()
                if before is None:
                    skip("the rig cannot tell how many requests came; its requests() would")
                subject.attempt(payload=b"{}")
                requests = (subject.rig.requests() or 0) - before

                assert requests <= 1, (
                    f"one invoke of a function that is to {behaviour.value} sent {requests} requests; switch the SDK's "
                    "own retries off, since only fcall knows whether trying again is safe"
                )

    def test_errors_are_whole(self) -> None:
        """Every error has words, codes of the types that its class declares, and can be pickled."""
        for behaviour in _FAILING:
            with self.possible(behaviour) as subject:
                if subject is not None:
                    error = subject.fail(payload=b"{}")
                    _check_fields(error)
                    _check_pickling(error)

    def _failure(
        self, behaviour: Behaviour, expected: type[FcallError], executed: Executed, retryable: bool = False
    ) -> None:
        with self.examined(behaviour) as subject:
            before = subject.rig.runs()
            error = subject.fail(payload=b"{}")
            what = f"a function that is to {behaviour.value}"

            assert type(error) is expected, (
                f"{what} has to raise {expected.__name__}, and the provider raised {error!r}"
            )
            assert error.executed is executed, f"{what}: executed has to be {executed.name}, not {error.executed.name}"
            assert error.retryable is retryable, f"{what}: retryable has to be {retryable}, as the class has it"
            if executed is Executed.NO:
                assert subject.rig.runs() == before, f"{what} did run by the rig's count; see to runs()"


def _check_fields(error: FcallError) -> None:
    assert error.message, f"{type(error).__name__} has no message; say what happened and what to do next"
    for name, kind in (("code", str), ("status_code", int), ("request_id", str)):
        value = getattr(error, name)

        assert value is None or type(value) is kind, f"{name} of {error!r} is to be of type {kind.__name__}, or None"


def _check_pickling(error: FcallError) -> None:
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - it was made one line earlier
    except Exception as unfit:
        raise AssertionError(
            f"{error!r} cannot be pickled, so it cannot leave a worker process; put plain data into it alone"
        ) from unfit

    assert _told(copy) == _told(error), f"{error!r} reads differently once it was pickled"


def _told(error: FcallError) -> tuple[object, ...]:
    return type(error), str(error), error.executed, error.retryable, error.code
