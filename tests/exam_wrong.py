"""Providers that are wrong in one way each. `WRONG` says which check of the exam finds which."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from exam_reference import Reference, Reply

from fcall.errors import FcallError
from fcall.provider import Deadline, Invocation, InvocationResult

WRONG: dict[str, list[tuple[type[Reference], frozenset[str]]]] = {}
"""By the check that is to find them: wrong providers, each with the other checks that find it too."""


def found_by(check: str, *others: str) -> Callable[[type[Reference]], type[Reference]]:
    """The exam fails this provider in the one check, and in these others, and in no more."""

    def noted(wrong: type[Reference]) -> type[Reference]:
        WRONG.setdefault(f"test_{check}", []).append((wrong, frozenset(f"test_{other}" for other in others)))
        return wrong

    return noted


class WrongResult(Reference):
    """Its results are changed."""

    def result(self, invocation: Invocation, reply: Reply) -> InvocationResult:
        return self.changed(invocation, super().result(invocation, reply))

    def changed(self, invocation: Invocation, result: InvocationResult) -> InvocationResult:
        raise NotImplementedError


class WrongFailure(Reference):
    """Its errors are changed."""

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        try:
            return super().invoke(invocation, deadline)
        except FcallError as error:
            raise self.changed(invocation, error) from error.__cause__

    async def invoke_asyncio(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        try:
            return await super().invoke_asyncio(invocation, deadline)
        except FcallError as error:
            raise self.changed(invocation, error) from error.__cause__

    def changed(self, invocation: Invocation, error: FcallError) -> FcallError:
        raise NotImplementedError


class WrongRequest(Reference):
    """What it sends is changed."""

    def sent(self, invocation: Invocation) -> Future[Reply]:
        return super().sent(self.changed(invocation))

    def changed(self, invocation: Invocation) -> Invocation:
        raise NotImplementedError
