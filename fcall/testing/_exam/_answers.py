"""The part of the exam about answers: what is sent arrives, and what is answered comes back."""

from __future__ import annotations

from collections.abc import Mapping

from fcall._result import InvocationResult
from fcall.errors import Executed, InvalidPayloadError
from fcall.testing._exam._rig import Behaviour
from fcall.testing._exam._subject import Examination, Subject, skip

__all__ = ["Answers"]

_LARGE = 1_000_000  # bytes: more than a socket takes at once
_NAMES = ("../{}", "{}/", "{}/x", "{}?x=1", "{}#x", "{}%20", "{} x", "{}\u00e9", "%45CHO")
"""What is another function's name, and yet may lead to the same one where a name is put into a path or a query."""


class Answers(Examination):
    """What is sent arrives, and what is answered comes back."""

    def test_an_event_arrives(self) -> None:
        """JSON reaches the function, and its answer the caller with status 200, byte for byte."""
        with self.examined(Behaviour.ECHO) as subject:
            result = subject.invoke(payload=b'{"name": "Ada", "numbers": [1, 2.5, null]}')

            assert result.status_code == 200, f"a Sync call is answered with status_code 200, not {result.status_code}"
            _check_answer(subject, b'{"name": "Ada", "numbers": [1, 2.5, null]}', result)

    def test_an_empty_payload_arrives(self) -> None:
        """No payload is an empty body: neither null nor an empty text."""
        with self.examined(Behaviour.ECHO) as subject:
            _check_echo(subject, b"")

    def test_null_arrives(self) -> None:
        """The payload null is an event, and not the absence of one."""
        with self.examined(Behaviour.ECHO) as subject:
            _check_echo(subject, b"null")

    def test_unicode_arrives(self) -> None:
        """Text in UTF-8 arrives as it was, beyond the basic plane too."""
        with self.examined(Behaviour.ECHO) as subject:
            _check_echo(subject, '"Grüße, 世界 🌍"'.encode())

    def test_bytes_arrive(self) -> None:
        """Bytes that are no text arrive as they were; where the platform takes JSON alone, they are refused."""
        with self.examined(Behaviour.ECHO) as subject:
            _check_echo(subject, bytes(range(256)))

    def test_a_large_payload_arrives(self) -> None:
        """A megabyte arrives whole, or as much as the provider takes."""
        with self.examined(Behaviour.ECHO) as subject:
            size = min(_LARGE, subject.can.payload_limits.get("Sync", _LARGE))
            _check_echo(subject, b'"' + b"x" * (size - 2) + b'"')

    def test_a_result_is_well_formed(self) -> None:
        """What stands in a result is of the types that its class declares."""
        with self.examined(Behaviour.ECHO) as subject:
            result = subject.invoke(payload=b"{}")
            wrong = [name for name, well in _forms(result).items() if not well]

            assert wrong == [], f"of the result, {', '.join(wrong)} has another type than InvocationResult declares"

    def test_one_attempt_is_one_run(self) -> None:
        """A provider makes one attempt, whether it goes well or not."""
        for behaviour in (Behaviour.ECHO, Behaviour.FAIL):
            with self.examined(behaviour) as subject:
                before = subject.rig.runs()
                subject.attempt(payload=b"{}")
                runs = subject.rig.runs() - before

                assert runs == 1, f"one invoke of a function that is to {behaviour.value} started it {runs} times"

    def test_a_name_is_only_a_name(self) -> None:
        """A name that has a slash, a question mark or a percent sign in it never leads to another function."""
        with self.examined(Behaviour.ECHO) as subject:
            name = subject.params.get("functionName")
            if name is None:
                skip("the rig names its functions by functionId")
            before = subject.rig.runs()
            for other in (spelling.format(name) for spelling in _NAMES):
                outcome = subject.attempt(functionName=other, payload=b"{}")
                runs = subject.rig.runs() - before

                assert runs == 0, f"the name {other!r} ran {name!r}: quote names, as urllib.parse.quote(name, safe='')"
                assert not isinstance(outcome, InvocationResult), f"there is no function {other!r}, yet it was answered"
                assert outcome.executed is Executed.NO, f"the name {other!r} ran nothing; the error has to say NO"


def _check_echo(subject: Subject, payload: bytes) -> None:
    """The payload comes back, or is refused where the platform refuses it."""
    if subject.rig.answer(payload) is not None:
        _check_answer(subject, payload, subject.invoke(payload=payload))
        return
    error = subject.fail(payload=payload)

    assert isinstance(error, InvalidPayloadError), f"a payload that the platform refuses is no {type(error).__name__}"
    assert error.executed is Executed.NO, "a payload that is refused ran nothing; the error has to say NO"


def _check_answer(subject: Subject, payload: bytes, result: InvocationResult) -> None:
    assert result.payload == subject.answer(payload), (
        f"{len(payload)} bytes were sent, and the answer is not the function's own ({len(result.payload)} bytes). Hand "
        "over payload bytes untouched both ways: neither decoded nor encoded. Where the platform itself encodes anew, "
        "the rig's answer() says how"
    )


def _forms(result: InvocationResult) -> dict[str, bool]:
    headers = result.headers
    texts = ("request_id", "executed_version", "log_tail")
    return {
        "payload": type(result.payload) is bytes,
        "status_code": type(result.status_code) is int,
        **{name: isinstance(getattr(result, name), str | None) for name in texts},
        "headers": isinstance(headers, Mapping)
        and all(isinstance(text, str) for pair in headers.items() for text in pair),
    }
