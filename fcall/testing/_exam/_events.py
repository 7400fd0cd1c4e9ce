"""The part of the exam about the other two invocation types: Async and DryRun."""

from __future__ import annotations

from fcall.errors import Executed, FunctionNotFoundError
from fcall.testing._exam._rig import Behaviour
from fcall.testing._exam._subject import Examination

__all__ = ["Events"]

_EVENTS = 3


class Events(Examination):
    """Async calls are accepted and run later; dry runs run nothing."""

    def test_an_event_is_accepted_and_runs_once(self) -> None:
        """An Async call is answered with 202 and no payload, and its event runs once."""
        with self.examined(Behaviour.ECHO, "Async") as subject:
            before = subject.rig.runs()
            result = subject.invoke(invocationType="Async", payload=b"{}")
            subject.rig.settle()
            runs = subject.rig.runs() - before

            assert result.status_code == 202, f"an Async call is answered with 202, not {result.status_code}"
            assert result.payload == b"", "an Async call has no answer of the function; leave the payload empty"
            assert runs == 1, (
                f"one Async call ran the function {runs} times; the rig's settle() has to wait for accepted events"
            )

    def test_a_failing_event_does_not_fail_the_call(self) -> None:
        """The function's failure is not the failure of the Async call that queued its event."""
        with self.examined(Behaviour.FAIL, "Async") as subject:
            subject.invoke(invocationType="Async", payload=b"{}")
            subject.rig.settle()

    def test_closing_finishes_what_was_accepted(self) -> None:
        """Events that were accepted before `close` run."""
        with self.examined(Behaviour.ECHO, "Async") as subject:
            before = subject.rig.runs()
            for _ in range(_EVENTS):
                subject.invoke(invocationType="Async", payload=b"{}")
            subject.provider.close()
            subject.rig.settle()
            runs = subject.rig.runs() - before

            assert runs == _EVENTS, f"{_EVENTS} events were accepted before close, and {runs} ran"

    def test_a_dry_run_runs_nothing(self) -> None:
        """A DryRun is answered with 204, and the function does not run."""
        with self.examined(Behaviour.ECHO, "DryRun") as subject:
            before = subject.rig.runs()
            result = subject.invoke(invocationType="DryRun")
            subject.rig.settle()

            assert result.status_code == 204, f"a DryRun is answered with 204, not {result.status_code}"
            assert subject.rig.runs() == before, "a DryRun started the function; do not declare it if it cannot be had"

    def test_a_dry_run_finds_what_is_missing(self) -> None:
        """A DryRun of a function that does not exist says so."""
        with self.examined(Behaviour.MISSING, "DryRun") as subject:
            error = subject.fail(invocationType="DryRun")

            assert isinstance(error, FunctionNotFoundError), f"a missing function is no {type(error).__name__}"
            assert error.executed is Executed.NO, "a DryRun ran nothing; the error has to say NO"
