"""The provider: one exchange with the gate for each attempt."""

from __future__ import annotations

from urllib.parse import quote

from fcall.provider import Capabilities, Deadline, Invocation, InvocationResult
from fcall_gate._answers import result_of
from fcall_gate._exchange import exchange
from fcall_gate._options import GateOptions

__all__ = ["Gate"]


class Gate:
    """Calls functions behind the gate.

    Args:
        options: where the gate is, and who calls.
    """

    capabilities = Capabilities(types=frozenset({"Sync", "Async"}), payload_limits={"Sync": 1_000_000})

    def __init__(self, options: GateOptions) -> None:
        self._options = options

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        """Make one attempt.

        Raises:
            FcallError: any failure, with the right `executed`.
        """
        path = f"/functions/{quote(invocation.function, safe='')}"  # a name is data: it must not become two parts
        answer = exchange(self._options.address, path, self._headers(invocation), invocation.payload, deadline)
        return result_of(answer)

    def close(self) -> None:
        """There is nothing to let go of: each connection is closed with its attempt."""

    def _headers(self, invocation: Invocation) -> dict[str, str]:
        headers: dict[str, str] = {"Invocation-Type": invocation.type}
        if self._options.token is not None:
            headers["Authorization"] = f"Bearer {self._options.token}"
        return headers
