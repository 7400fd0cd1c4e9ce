"""What fcall offers to those who test with it."""

from __future__ import annotations

import threading

import fcall
from fcall.provider import Capabilities, Deadline, Invocation, InvocationResult
from fcall.testing import routed_to


class Recorder:
    """Answers every call with ``"recorded"`` and keeps the invocations."""

    capabilities = Capabilities()

    def __init__(self) -> None:
        self.seen: list[Invocation] = []

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        self.seen.append(invocation)
        return InvocationResult(b'"recorded"')

    def close(self) -> None:
        pass


def test_a_call_goes_to_the_provider_put_in_its_path(client: fcall.Client) -> None:
    """Every call goes there, whatever is configured, with the names that the application uses."""
    recorder = Recorder()
    with routed_to(recorder, "double"):
        result = client.invoke("images/resize", {"width": 1})

    assert ("double", "recorded") == (result.provider, result.json())
    assert [("images", "resize", b'{"width":1}')] == [(i.service, i.function, i.payload) for i in recorder.seen]


def test_other_threads_are_left_alone(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """A double stands in the path of the calls of its own thread only."""
    registry.function("images/resize")(lambda event, context: "real")
    answers: list[object] = []
    with routed_to(Recorder()):
        thread = threading.Thread(target=lambda: answers.append(client.invoke("images/resize").json()))
        thread.start()
        thread.join()

    assert ["real"] == answers


def test_the_path_is_free_again_afterwards(client: fcall.Client, registry: fcall.local.Registry) -> None:
    """Leaving the block puts everything back."""
    registry.function("images/resize")(lambda event, context: "real")
    with routed_to(Recorder()):
        pass

    assert "real" == client.invoke("images/resize").json()
