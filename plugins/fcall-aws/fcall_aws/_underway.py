"""The call that this thread is making, for the handlers that boto3 calls in the middle of it."""

from __future__ import annotations

import threading
from typing import Any

from fcall.provider import Deadline

__all__ = ["limit", "mark", "underway"]


class _Underway(threading.local):
    """What is known of this thread's call.

    Attributes:
        deadline: when it has to be over, or None where no call of ours is under way.
        sent: its request is built and signed, and is being sent or was.
        rehearsed: what takes the request, which is not to be sent; None where it is.
    """

    deadline: Deadline | None = None
    sent = False
    rehearsed: list[Any] | None = None

    def begin(self, deadline: Deadline) -> None:
        """A call begins, of which nothing is sent yet."""
        self.deadline = deadline
        self.sent = False


underway = _Underway()


def limit(client: Any) -> None:
    """Have a client wait for an answer no longer than the call may take. Saying so twice is harmless."""
    client.meta.events.register("before-call.lambda", _limit_wait, unique_id="fcall-aws-limit")


def mark(client: Any) -> None:
    """Have a client say when a request is on its way. Saying so twice is harmless."""
    client.meta.events.register("before-send.lambda", _mark_sent, unique_id="fcall-aws-mark")


def _limit_wait(params: Any, **_: Any) -> None:
    """Set the time-out of this one request. botocore 1.43.127 and later heed it, and earlier ones do not look."""
    context = params.get("context") if isinstance(params, dict) else None
    if underway.deadline is not None and isinstance(context, dict):
        context["read_timeout"] = max(underway.deadline.remaining(), 0.001)


def _mark_sent(**_: Any) -> None:
    """From here on the function may run. It answers nothing, so that whoever else listens is asked as well."""
    underway.sent = True
