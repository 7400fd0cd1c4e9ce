"""The runtimes by the names that the configuration has for them."""

from __future__ import annotations

from fcall.local._runtimes import Runtime

__all__ = ["RUNTIMES", "runtime_named"]

RUNTIMES = ("lambda", "fc", "linkedge")


def runtime_named(name: str) -> Runtime:
    """A runtime of its own for one function or one provider; another one's module is not imported."""
    if name == "lambda":
        from fcall.local._runtimes.awslambda import LambdaRuntime

        return LambdaRuntime()
    from fcall.local._runtimes.fc import FCRuntime, LinkEdgeRuntime

    return LinkEdgeRuntime() if name == "linkedge" else FCRuntime()
