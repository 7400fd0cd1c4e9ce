"""What the configuration may say of the gate."""

from __future__ import annotations

from dataclasses import dataclass

from fcall.provider import option

__all__ = ["GateOptions"]


@dataclass(frozen=True, slots=True)
class GateOptions:
    """The options of the provider `gate`.

    Attributes:
        address: where the gate is, ``host:port``.
        token: what it knows the caller by.
    """

    address: str = option()  # without a default: required
    token: str | None = option(None, secret=True)  # a file may say it only as "env:NAME"
