"""What an error says of a whole call that took several attempts: whether any of them ran the function."""

from __future__ import annotations

import pytest

import fcall
from fcall.errors import (
    ConnectionFailedError,
    Executed,
    FunctionError,
    InvocationTimeoutError,
    ThrottledError,
)
from fcall.provider import Capabilities, Deadline, Invocation, InvocationResult


class Failing:
    """A provider whose attempts fail one after the other as they are told to; the last way to fail stays."""

    def __init__(self, *errors: Exception, capabilities: Capabilities = Capabilities()) -> None:  # noqa: B008 - frozen
        self.capabilities = capabilities
        self._errors = list(errors)

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        raise self._errors.pop(0) if len(self._errors) > 1 else self._errors[0]

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("steps", "executed"),
    [
        ((InvocationTimeoutError("too late"), ConnectionFailedError("refused", executed=Executed.NO)), Executed.MAYBE),
        ((ConnectionFailedError("refused", executed=Executed.NO), InvocationTimeoutError("too late")), Executed.MAYBE),
        ((InvocationTimeoutError("too late"), FunctionError(error_type="ValueError")), Executed.YES),
        ((ThrottledError("later"),), Executed.NO),
    ],
)
def test_the_end_answers_for_every_attempt(steps: tuple[Exception, ...], executed: Executed) -> None:
    """Where one attempt may have run the function, the call may have, whatever the last attempt says of itself."""
    client = fcall.Client(providers={"failing": Failing(*steps)})
    client._sleep = lambda seconds: None
    with pytest.raises(fcall.FcallError) as caught:
        client.invoke("f", idempotent=True)

    assert executed is caught.value.executed
    assert len(caught.value.attempts) >= len(steps)


def test_the_end_answers_for_every_service_of_a_failover() -> None:
    """A call that may have run at one service may have run, although the next one refused it."""
    config = {
        "services": {
            "here": {"provider": "late", "failover": ["there"], "failover_maybe": True, "attempts": 1},
            "there": {"provider": "small"},
        }
    }
    providers = {
        "late": Failing(InvocationTimeoutError("too late")),
        "small": Failing(ThrottledError("never asked"), capabilities=Capabilities(payload_limits={"Sync": 1})),
    }
    with pytest.raises(InvocationTimeoutError) as caught:
        fcall.Client(config, providers=providers).invoke("here/f", "too large", idempotent=True)

    assert Executed.MAYBE is caught.value.executed
    assert "failover to small was not possible" in caught.value.__notes__[0]
