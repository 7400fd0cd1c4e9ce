"""The part of the exam about capabilities: what is declared is there, and what is not is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fcall._client import Client
from fcall._deadline import Deadline
from fcall._invocation import InvocationType
from fcall.errors import ConflictError, FcallError, PayloadTooLargeError, UnsupportedFeatureError
from fcall.provider import Capabilities, FunctionInfo, ListingProvider, StreamingProvider
from fcall.testing._exam._rig import Behaviour
from fcall.testing._exam._subject import AMPLE, Examination, Subject, skip

__all__ = ["Abilities"]

_TYPES: tuple[InvocationType, ...] = ("Sync", "Async", "DryRun")
_CUSTOM = {"exam": "1", "greeting": "Grüße"}


class Abilities(Examination):
    """What is declared is there, and what is not is refused."""

    def test_capabilities_are_well_formed(self) -> None:
        """The declaration makes sense: known types, limits that are numbers, methods for what is declared."""
        with self.possible(Behaviour.ECHO) as subject:
            assert subject is not None
            wrong = list(_contradictions(subject.can, subject.provider))

            assert wrong == [], f"of the provider's capabilities, {'; '.join(wrong)}"

    def test_what_is_not_declared_is_refused(self) -> None:
        """Asking for what the capabilities lack is an UnsupportedFeatureError, and nothing runs."""
        with self.examined(Behaviour.ECHO) as subject:
            undeclared = list(_undeclared(subject.can))
            before, client = subject.rig.runs(), _Refusing(subject)
            for asked in undeclared:
                error = client.error(**asked)

                assert isinstance(error, UnsupportedFeatureError), (
                    f"{asked} is not declared and has to be refused; a call came to {error!r}. The capabilities of an "
                    "instance have to be the same whenever they are looked at"
                )
            subject.rig.settle()

            assert subject.rig.runs() == before, "the function ran, though what was asked for is not declared"

    def test_a_payload_limit_is_the_platforms(self) -> None:
        """A payload of the declared size arrives; one byte more is refused, and nothing runs."""
        with self.examined(Behaviour.ECHO) as subject:
            if not subject.can.payload_limits:
                skip("the provider does not declare payload limits")
            client = _Refusing(subject)
            for kind, limit in subject.can.payload_limits.items():
                full = b'"' + b"x" * (limit - 2) + b'"'
                subject.invoke(invocationType=kind, payload=full)
                subject.rig.settle()
                before = subject.rig.runs()
                error = client.error(invocationType=kind, payload=full + b" ")
                subject.rig.settle()

                assert isinstance(error, PayloadTooLargeError), f"a byte over the limit of {kind} came to {error!r}"
                assert subject.rig.runs() == before, f"a {kind} payload over the limit ran the function"

    def test_a_qualifier_arrives(self) -> None:
        """The version or alias that is asked for is the one that the platform is asked for."""
        with self.examined(Behaviour.ECHO) as subject:
            if not subject.can.qualifier:
                skip("the provider does not declare qualifiers")
            subject.invoke(qualifier=subject.rig.qualifier, payload=b"{}")
            received = _received(subject, "qualifier")

            assert received == subject.rig.qualifier, (
                f"the call named the qualifier {subject.rig.qualifier!r}, and the platform got {received!r}; send "
                "invocation.qualifier, or do not declare it"
            )

    def test_a_log_tail_comes_where_it_is_asked_for(self) -> None:
        """The end of the log is in the result, and in the error of a function that fails; unasked it is None."""
        for behaviour in (Behaviour.ECHO, Behaviour.FAIL):
            with self.examined(behaviour) as subject:
                if not subject.can.log_tail:
                    skip("the provider does not declare log tails")
                asked = getattr(subject.attempt(logTail=True, payload=b"{}"), "log_tail", None)
                unasked = getattr(subject.attempt(payload=b"{}"), "log_tail", None)

                assert isinstance(asked, str), f"a function that is to {behaviour.value} has no log_tail but {asked!r}"
                assert unasked is None, "nobody asked for the log's end; leave log_tail None"

    def test_an_invoker_context_arrives_on_sync_calls(self) -> None:
        """What is declared of the invoker context of Sync calls reaches the function."""
        self._check_context("Sync")

    def test_an_invoker_context_arrives_on_async_calls(self) -> None:
        """What is declared of the invoker context of Async calls reaches the function."""
        self._check_context("Async")

    def test_an_idempotency_key_is_enforced(self) -> None:
        """Two calls with one key run the function once; where a call cannot have a key, it is refused."""
        with self.examined(Behaviour.ECHO) as subject:
            if not subject.can.idempotency:
                skip("the provider does not declare idempotency keys")
            for kind in sorted(subject.can.idempotency):
                before = subject.rig.runs()
                key = f"exam-{kind}"
                outcomes = [subject.attempt(invocationType=kind, idempotencyKey=key, payload=b"{}") for _ in range(2)]
                subject.rig.settle()
                runs = subject.rig.runs() - before
                allowed = 0 if isinstance(outcomes[0], UnsupportedFeatureError) else 1

                assert runs == allowed, f"two {kind} calls with one idempotency key ran the function {runs} times"
                assert not isinstance(outcomes[1], FcallError) or isinstance(
                    outcomes[1], ConflictError | UnsupportedFeatureError
                ), f"the second {kind} call with one key is answered as the first, or a ConflictError: {outcomes[1]!r}"

    def test_functions_are_listed(self) -> None:
        """A listing has the rig's function under the provider's own name for it, and runs nothing."""
        with self.examined(Behaviour.ECHO) as subject:
            if not subject.can.listing:
                skip("the provider does not declare listing")
            assert isinstance(subject.provider, ListingProvider), (
                "listing is declared, and there is no list_functions()"
            )
            before = subject.rig.runs()
            listed = list(subject.provider.list_functions(subject.params.get("serviceName"), Deadline.after(AMPLE)))
            names = [info.name for info in listed]

            assert all(isinstance(info, FunctionInfo) for info in listed), "list_functions yields FunctionInfo"
            assert subject.params.get("functionName", names) in [*names, names], (
                f"the listing has {names}, and not the rig's {subject.params.get('functionName')!r}"
            )
            assert names == [info.provider_name for info in listed], (
                "name and provider_name are both the provider's own name; fcall puts the application's in place"
            )
            assert subject.rig.runs() == before, "listing started a function"

    def _check_context(self, kind: InvocationType) -> None:
        with self.examined(Behaviour.ECHO, kind) as subject:
            carried = subject.can.invoker_context.get(kind, frozenset())
            if not carried & {"*", "custom"}:
                skip(f"the provider does not declare 'custom' of the invoker context on {kind} calls")
            subject.invoke(invocationType=kind, invokerContext={"custom": _CUSTOM}, payload=b"{}")
            subject.rig.settle()
            received = _received(subject, "invokerContext")

            assert (received or {}).get("custom") == _CUSTOM, (
                f"the {kind} call had an invoker context with custom={_CUSTOM}, and the function got {received!r}; "
                "send it, or do not declare it for this invocation type"
            )


def _received(subject: Subject, what: str) -> Any:
    received = subject.rig.received()
    if what not in received:
        skip(f"the rig cannot tell what {what} came; its received() would")
    return received[what]


def _contradictions(can: Capabilities, provider: object) -> Iterator[str]:
    """What is wrong with a declaration, in words."""
    if not can.types or not can.types <= set(_TYPES):
        yield f"types is a frozenset of some of {', '.join(_TYPES)}"
    if not can.idempotency <= can.types:
        yield "idempotency has an invocation type that types has not"
    if can.log_tail and "Sync" not in can.types:
        yield "log_tail is for Sync calls, which types has not"
    for kind, keys in can.invoker_context.items():
        if kind not in can.types or not isinstance(keys, frozenset):
            yield "invoker_context has a frozenset of keys for an invocation type of types"
    for kind, limit in can.payload_limits.items():
        if kind not in can.types or type(limit) is not int or limit < 2:
            yield "payload_limits has bytes, as an int, for an invocation type of types"
    if not (can.sync_timeout > 0 and can.other_timeout > 0):
        yield "sync_timeout and other_timeout are seconds over 0"
    if can.streaming and not isinstance(provider, StreamingProvider):
        yield "streaming is declared, and there is no stream()"
    if can.listing and not isinstance(provider, ListingProvider):
        yield "listing is declared, and there is no list_functions()"


def _undeclared(can: Capabilities) -> Iterator[dict[str, Any]]:
    """Parameters that ask for what the capabilities do not have, one feature each."""
    for kind in _TYPES:
        if kind not in can.types:
            yield {"invocationType": kind}
            continue
        if kind not in can.idempotency:
            yield {"invocationType": kind, "idempotencyKey": "exam-1"}
        if not can.invoker_context.get(kind):
            yield {"invocationType": kind, "invokerContext": {"custom": _CUSTOM}}
    if not can.qualifier:
        yield {"qualifier": "exam"}
    if not can.log_tail:
        yield {"logTail": True}


class _Refusing:
    """A client of the provider: it refuses what is not declared before the provider sees it."""

    def __init__(self, subject: Subject) -> None:
        name = subject.rig.spec.name
        self._params = {**subject.params, "provider": name}
        self._client = Client(providers={name: subject.provider})  # left open: the provider is the check's to close

    def error(self, **more: Any) -> FcallError | None:
        """What a call raises."""
        try:
            self._client.invoke_function({**self._params, **more})
        except FcallError as error:
            return error
        return None
