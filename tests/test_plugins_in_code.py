"""Plugins that are handed over in code: what they have to be, and what their providers have to be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import fcall
from fcall.errors import PluginError
from fcall.provider import Capabilities, Deadline, Invocation, InvocationResult, ProviderSpec


class Echo:
    """A provider that answers with the payload."""

    capabilities = Capabilities()

    def invoke(self, invocation: Invocation, deadline: Deadline) -> InvocationResult:
        return InvocationResult(invocation.payload)

    def close(self) -> None:
        pass


def provider_plugin(*specs: Any) -> object:
    """A plugin object that registers these."""

    class ProviderPlugin:
        @fcall.hookimpl
        def fcall_register_providers(self) -> Any:
            return specs[0] if len(specs) == 1 else list(specs)

    return ProviderPlugin()


def spec(name: str) -> ProviderSpec:
    return ProviderSpec(name, lambda options: Echo())


def test_a_plugin_may_be_given_in_code() -> None:
    """``Client(plugins=[…])`` knows the providers of a plugin that is not installed."""
    with fcall.Client(plugins=[provider_plugin(spec("mine"), spec("yours"))], provider="mine") as client:
        assert b"1" == client.invoke("f", payload=b"1").payload
        assert "yours" == client.invoke("yours:f").provider


def test_a_module_is_a_plugin_too() -> None:
    """``Client(plugins=[module])`` takes the hooks that the module's functions implement."""
    module = SimpleNamespace(__name__="my_plugin", fcall_before_invoke=fcall.hookimpl(lambda call: None))

    assert fcall.Client(plugins=[module])._plugins.observers()


def test_two_plugins_of_one_class_may_be_given() -> None:
    """Two objects of the same class are two plugins."""
    plugins = [provider_plugin(spec("mine")), provider_plugin(spec("yours"))]
    with fcall.Client(plugins=plugins, provider="mine") as client:
        assert "mine" == client.invoke("f").provider
        assert "yours" == client.invoke("yours:f").provider


def test_the_plugin_given_last_is_told_first() -> None:
    """Observers are told as pluggy tells them: the last one registered first, unless one asks for another place."""
    told: list[str] = []

    def telling(name: str, **options: bool) -> object:
        class Telling:
            @fcall.hookimpl(**options)
            def fcall_before_invoke(self, call: Any) -> None:
                told.append(name)

        return Telling()

    plugins = [
        provider_plugin(spec("mine")),
        telling("first", tryfirst=True),
        telling("given first"),
        telling("given last"),
    ]
    fcall.Client(plugins=plugins, provider="mine").invoke("f")

    assert ["first", "given last", "given first"] == told


class Misspelt:
    @fcall.hookimpl
    def fcall_after_invok(self, call: Any) -> None:
        pass


class WithoutMark:
    def fcall_after_invoke(self, call: Any) -> None:
        pass


class WrongParameter:
    @fcall.hookimpl
    def fcall_after_invoke(self, call: Any, result: Any) -> None:
        pass


class Raising:
    @fcall.hookimpl
    def fcall_register_providers(self) -> Any:
        raise RuntimeError("not today")


@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        (Misspelt(), "Misspelt.*unknown hook 'fcall_after_invok'"),
        (WithoutMark(), "WithoutMark implements no hook.*fcall.hookimpl"),
        (WrongParameter(), "WrongParameter.*result"),
        (Raising(), "Raising.*not today"),
        (provider_plugin("mine"), "ProviderPlugin registers something that is no ProviderSpec"),
        (provider_plugin(None), "ProviderPlugin registers something that is no ProviderSpec"),
        (provider_plugin(spec("local")), "ProviderPlugin.*'local'.*fcall.local._plugin"),
        (provider_plugin(spec("mine"), spec("mine")), "ProviderPlugin.*'mine'"),
    ],
)
def test_a_plugin_in_code_has_to_keep_to_the_interface(plugin: object, words: str) -> None:
    """A plugin given in code that is wrong in any way is a `PluginError` that names it, at once."""
    with pytest.raises(PluginError, match=words):
        fcall.Client(plugins=[plugin])


@pytest.mark.parametrize("missing", ["capabilities", "invoke", "close"])
def test_what_a_plugin_makes_has_to_be_a_provider(missing: str) -> None:
    """A provider that lacks a part of the interface is a `PluginError` that names the part, at its first call."""
    parts = {"capabilities": Capabilities(), "invoke": print, "close": print}
    parts.pop(missing)
    incomplete = ProviderSpec("mine", lambda options: SimpleNamespace(**parts))

    with pytest.raises(PluginError, match=missing):
        fcall.Client(plugins=[provider_plugin(incomplete)], provider="mine").invoke("f")


def test_a_provider_is_made_when_it_is_needed() -> None:
    """Neither a client nor a listing of names makes a provider; its first call does, once."""
    made: list[object] = []
    lazy = ProviderSpec("mine", lambda options: made.append(options) or Echo())
    client = fcall.Client(plugins=[provider_plugin(lazy)], provider="mine")

    assert [] == made
    client.invoke("f")
    client.invoke("g")
    assert 1 == len(made)
