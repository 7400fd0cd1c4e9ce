"""One route: a provider, and how a call is spoken of there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fcall._calls import Callee
from fcall._guard import Guards
from fcall._invocation import Invocation
from fcall._log import logger
from fcall._names import FunctionNames
from fcall._options import built
from fcall._policy import Policy
from fcall._wording import listed
from fcall.errors import FcallError, PayloadTooLargeError, UnsupportedFeatureError
from fcall.provider import Capabilities, NoOptions, Provider, StreamingProvider

__all__ = ["Route"]


@dataclass(frozen=True, slots=True)
class Route:
    """One way for a call: a provider, and how to speak to it.

    Attributes:
        provider_name: the provider's name.
        provider: the instance.
        call_options: the dataclass of its call options.
        bound: the configuration says what service and functions are called there; otherwise the call's names stand.
        service: the provider's own name of the service, or None where it gets none.
        names: what functions are called there.
        policy: what may be done about failures.
        default_timeout: seconds, where the call does not say.
        guards: what is remembered of the provider's functions; all routes to one instance share it.
    """

    provider_name: str
    provider: Provider
    call_options: type = NoOptions
    bound: bool = False
    service: str | None = None
    names: FunctionNames = FunctionNames()
    policy: Policy = Policy()
    default_timeout: float | None = None
    guards: Guards = field(default_factory=Guards, compare=False)

    @property
    def capabilities(self) -> Capabilities:
        """What the provider can do."""
        return self.provider.capabilities

    def timeout(self, invocation: Invocation) -> float:
        """Seconds that this call may take."""
        if invocation.timeout is not None:
            return invocation.timeout
        if self.default_timeout is not None:
            return self.default_timeout
        capabilities = self.provider.capabilities
        return capabilities.sync_timeout if invocation.type == "Sync" else capabilities.other_timeout

    def label(self, invocation: Invocation) -> str:
        """The provider and its own names of an addressed call, in one text."""
        name = invocation.function_id or invocation.function
        return (
            f"{self.provider_name}:{invocation.service}/{name}"
            if invocation.service
            else f"{self.provider_name}:{name}"
        )

    def callee(self, invocation: Invocation) -> Callee:
        """The function of an addressed call, as far as the provider can say where it is."""
        function, region = invocation.function_id or invocation.function, None
        locate = getattr(self.provider, "locate", None)  # looking for the protocol would take longer than asking
        if locate is not None:
            try:
                function, region = locate(invocation)
            except FcallError:  # a name that it cannot read: the call failed for it, too
                pass
            except Exception:  # noqa: BLE001 - what observers know changes no call
                logger.exception("the provider %s raised in locate; the call goes on", self.provider_name)
        return Callee(self.provider_name, invocation.service, function, region)

    def address(self, invocation: Invocation) -> Invocation:
        """The call in the provider's own words, checked against what the provider can do.

        Raises:
            UnsupportedFeatureError: the provider does not have what the call asks for.
            PayloadTooLargeError: the payload is over the provider's limit.
            ConfigurationError: the function or a call option is not known.
        """
        self._check(invocation, self.provider.capabilities)
        changes: dict[str, Any] = {}
        if self.bound:
            changes.update(self.names.changes(invocation.function))
            if self.service != invocation.service:
                changes["service"] = self.service
        if invocation.options is not None:
            what = f"the call options of provider {self.provider_name!r}"
            changes["options"] = built(self.call_options, invocation.options, what=what)
        return replace(invocation, **changes) if changes else invocation

    def check_streaming(self) -> None:
        """See that the provider can stream.

        Raises:
            UnsupportedFeatureError: it cannot.
        """
        if not (self.capabilities.streaming and isinstance(self.provider, StreamingProvider)):
            raise UnsupportedFeatureError(
                f"provider {self.provider_name!r} cannot stream; use invoke", provider=self.provider_name
            )

    def _check(self, invocation: Invocation, can: Capabilities) -> None:
        kind = invocation.type
        if kind not in can.types:
            raise self._lacks(f"{kind} invocations", f"it takes {listed(can.types)}")
        if invocation.qualifier is not None and not can.qualifier:
            raise self._lacks("qualifiers", "leave the qualifier out")
        if invocation.log_tail and (kind != "Sync" or not can.log_tail):
            raise self._lacks(f"a log tail on {kind} calls", "leave log_tail out")
        if invocation.idempotency_key is not None and kind not in can.idempotency:
            raise self._lacks(
                f"a way to enforce an idempotency key on {kind} calls",
                "say idempotent=True if running twice is harmless",
            )
        if invocation.invoker_context is not None:
            self._check_context(invocation.invoker_context, can.invoker_context.get(kind, frozenset()), kind)
        limit = can.payload_limits.get(kind)
        if limit is not None and len(invocation.payload) > limit:
            raise PayloadTooLargeError(
                f"the payload has {len(invocation.payload):,} bytes and provider {self.provider_name!r} takes at most "
                f"{limit:,} on {kind} calls; store it and send where it is",
                provider=self.provider_name,
            )

    def _check_context(self, context: Mapping[str, Any], carried: frozenset[str], kind: str) -> None:
        dropped = () if "*" in carried else context.keys() - carried
        if dropped:
            advice = f"it carries {listed(carried)}" if carried else "put it into the payload"
            raise self._lacks(f"room for {listed(map(repr, dropped))} of the invoker context on {kind} calls", advice)

    def _lacks(self, what: str, advice: str) -> UnsupportedFeatureError:
        return UnsupportedFeatureError(
            f"provider {self.provider_name!r} does not have {what}; {advice}", provider=self.provider_name
        )
